/** What can go wrong in the simulated world, read from a line of words into one union. Times are clock milliseconds. */

/** From `at_ms` (after the subject came into being) for `for_ms`; null lasts for good. */
export interface Window {
  at_ms: number;
  for_ms: number | null;
}

/** Obeyed inside a box, by the trainer at the step it names. */
export type TrainerFault =
  | { kind: 'oom'; step: number; unless_batch: number | null }
  | { kind: 'hang'; step: number }
  | { kind: 'missing_module'; module: string }
  | { kind: 'nan'; step: number }
  | { kind: 'segfault'; step: number }
  | { kind: 'killed'; step: number }
  | { kind: 'disk_full'; step: number }
  | { kind: 'exit'; code: number; step: number }
  /** Obeyed by nvidia-smi: the driver cannot reach the card. */
  | { kind: 'gpu_lost' }
  | { kind: 'slow'; factor: number; after: number };

/** Happens to an instance; times count from its first `running` (a stuck one never gets there). */
export type InstanceFault = { kind: 'stuck_loading' } | { kind: 'create_lost' } | { kind: 'destroy_ignored' } | ({ kind: 'host_offline' | 'ssh_refused' | 'outbid' } & Window);

export const API_NAMES = ['any', 'list', 'search', 'create', 'show', 'destroy', 'change', 'account'] as const;
export type ApiName = (typeof API_NAMES)[number];
export const API_ANSWERS = ['429', '401', '500', 'empty', 'hangs'] as const;
export type ApiAnswer = (typeof API_ANSWERS)[number];
/** Happens to requests; times count from the start of the simulation. */
export type ApiFault = { kind: 'api'; api: ApiName; answer: ApiAnswer } & Window;

export type Fault = TrainerFault | InstanceFault | ApiFault;

const TRAINER_KINDS = ['oom', 'hang', 'missing_module', 'nan', 'segfault', 'killed', 'disk_full', 'exit', 'slow', 'gpu_lost'];
export const isTrainerFault = (fault: Fault): fault is TrainerFault => TRAINER_KINDS.includes(fault.kind);
export const isApiFault = (fault: Fault): fault is ApiFault => fault.kind === 'api';

/** The step of a bare `hang`. */
const HANG_STEP = 20;
const WINDOW = String.raw`(?: at (?<at>\d+(?:\.\d+)?[smh]))?(?: for (?<for>\d+(?:\.\d+)?[smh]))?`;
const num = (text: string | undefined): number => Number(text ?? 0);

type Groups = Record<string, string | undefined>;
const GRAMMAR: readonly { words: string; pattern: RegExp; make: (groups: Groups) => Fault }[] = [
  {
    words: 'oom at step N [unless batch_size <= M]',
    pattern: /^oom at step (?<step>\d+)(?: unless batch_size <= (?<batch>\d+))?$/,
    make: (g) => ({ kind: 'oom', step: num(g['step']), unless_batch: g['batch'] === undefined ? null : num(g['batch']) }),
  },
  { words: 'hang [at step N]', pattern: /^hang(?: at step (?<step>\d+))?$/, make: (g) => ({ kind: 'hang', step: g['step'] === undefined ? HANG_STEP : num(g['step']) }) },
  { words: 'missing module NAME', pattern: /^missing module (?<name>[A-Za-z0-9_.-]+)$/, make: (g) => ({ kind: 'missing_module', module: g['name'] ?? '' }) },
  { words: 'nan at step N', pattern: /^nan at step (?<step>\d+)$/, make: (g) => ({ kind: 'nan', step: num(g['step']) }) },
  { words: 'segfault at step N', pattern: /^segfault at step (?<step>\d+)$/, make: (g) => ({ kind: 'segfault', step: num(g['step']) }) },
  { words: 'killed at step N', pattern: /^killed at step (?<step>\d+)$/, make: (g) => ({ kind: 'killed', step: num(g['step']) }) },
  { words: 'disk full at step N', pattern: /^disk full at step (?<step>\d+)$/, make: (g) => ({ kind: 'disk_full', step: num(g['step']) }) },
  { words: 'exit CODE at step N', pattern: /^exit (?<code>\d{1,3}) at step (?<step>\d+)$/, make: (g) => ({ kind: 'exit', code: num(g['code']), step: num(g['step']) }) },
  { words: 'slow xN after step M', pattern: /^slow x(?<factor>\d+(?:\.\d+)?) after step (?<after>\d+)$/, make: (g) => ({ kind: 'slow', factor: num(g['factor']), after: num(g['after']) }) },
  { words: 'gpu lost', pattern: /^gpu lost$/, make: () => ({ kind: 'gpu_lost' }) },
  { words: 'stuck loading', pattern: /^stuck loading$/, make: () => ({ kind: 'stuck_loading' }) },
  { words: 'host offline [at 30s] [for 60s]', pattern: new RegExp(`^host offline${WINDOW}$`), make: (g) => ({ kind: 'host_offline', ...windowOf(g) }) },
  { words: 'ssh refused [at 30s] [for 60s]', pattern: new RegExp(`^ssh refused${WINDOW}$`), make: (g) => ({ kind: 'ssh_refused', ...windowOf(g) }) },
  { words: 'outbid [at 30s] [for 60s]', pattern: new RegExp(`^outbid${WINDOW}$`), make: (g) => ({ kind: 'outbid', ...windowOf(g) }) },
  { words: 'create times out after success', pattern: /^create times out after success$/, make: () => ({ kind: 'create_lost' }) },
  { words: 'destroy does not stick', pattern: /^destroy does not stick$/, make: () => ({ kind: 'destroy_ignored' }) },
  {
    words: `api [${API_NAMES.join('|')}] ${API_ANSWERS.join('|')} [at 30s] [for 60s]`,
    pattern: new RegExp(`^api (?:(?<api>${API_NAMES.join('|')}) )?(?<answer>${API_ANSWERS.join('|')})${WINDOW}$`),
    make: (g) => ({ kind: 'api', api: API_NAMES.find((name) => name === g['api']) ?? 'any', answer: API_ANSWERS.find((answer) => answer === g['answer']) ?? '500', ...windowOf(g) }),
  },
];

/** Every line that is understood, for an error and for help. */
export const FAULT_WORDS: readonly string[] = GRAMMAR.map(({ words }) => words);

/** Reads a fault's words. Throws an Error that lists what is understood. */
export function parseFault(text: string): Fault {
  const line = text.trim().replace(/\s+/g, ' ');
  for (const { pattern, make } of GRAMMAR) {
    const match = pattern.exec(line);
    if (match) return make(match.groups ?? {});
  }
  throw new Error(`"${line}" is no fault that is understood; the words are: ${FAULT_WORDS.join(' · ')}`);
}

/** "30s", "5m", "2h" in milliseconds; null when it is no such text. */
export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)([smh])$/.exec(text.trim());
  if (!match) return null;
  return Number(match[1]) * (match[2] === 'h' ? 3_600_000 : match[2] === 'm' ? 60_000 : 1_000);
}

const windowOf = (groups: Groups): Window => ({
  at_ms: parseDuration(groups['at'] ?? '') ?? 0,
  for_ms: parseDuration(groups['for'] ?? ''),
});
