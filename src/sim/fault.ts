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
  /** `shown`: the step whose line is the first to tell; until then the numbers are gone unseen, in what is saved too. */
  | { kind: 'nan'; step: number; shown: number | null; unless_lr: number | null }
  | { kind: 'segfault'; step: number }
  | { kind: 'killed'; step: number }
  | { kind: 'disk_full'; step: number }
  | { kind: 'exit'; code: number; step: number }
  /** Obeyed by nvidia-smi: the driver cannot reach the card. */
  | { kind: 'gpu_lost' }
  | { kind: 'slow'; factor: number; after: number }
  /** The card is too hot: steps take longer, and the driver says so. */
  | { kind: 'throttled'; factor: number; after: number }
  /** One worker loads a batch in so many seconds; from one disk, more of them get in each other's way. */
  | { kind: 'loading'; seconds: number; one_disk: boolean }
  /** `--resume` is taken, and the training begins at its first step. */
  | { kind: 'resume_ignored' };

/** Strikes a fixed number of times: an answer is lost, a destroy does not stick, a destroyed instance's id goes to a stranger. */
export type CountedKind = 'create_lost' | 'destroy_ignored' | 'id_reused';
/** Happens to an instance; times count from its first `running` (a stuck one never gets there), for `unlisted` from its birth. */
export type InstanceFault = { kind: 'stuck_loading' } | { kind: CountedKind; times: number } | ({ kind: 'host_offline' | 'ssh_refused' | 'outbid' | 'new_port' | 'unlisted' } & Window);

export const API_NAMES = ['any', 'list', 'search', 'create', 'show', 'destroy', 'change', 'account'] as const;
export type ApiName = (typeof API_NAMES)[number];
/**
 * What a request gets instead of its answer. The 429s have the four bodies that were seen. Carried out all the same are
 * `empty` (nothing in the lists), `short` (the last page, or the last row of a single one, is missing and not counted),
 * `half` (half of the JSON) and `cut` (the connection breaks in the middle of the body).
 */
export const API_ANSWERS = ['429', '429 text', '429 threshold', '429 detail', '401', '404', '500', '503', 'empty', 'short', 'half', 'cut', 'hangs'] as const;
export type ApiAnswer = (typeof API_ANSWERS)[number];
/** Happens to requests; times count from the start of the simulation. */
export type ApiFault = { kind: 'api'; api: ApiName; answer: ApiAnswer } & Window;
/** The market's clock is wrong by `ms`: its Date header, and every time in its answers. */
export type ClockFault = { kind: 'clock'; ms: number } & Window;

export type Fault = TrainerFault | InstanceFault | ApiFault | ClockFault;

const TRAINER_KINDS = ['oom', 'hang', 'missing_module', 'nan', 'segfault', 'killed', 'disk_full', 'exit', 'slow', 'throttled', 'loading', 'resume_ignored', 'gpu_lost'];
export const isTrainerFault = (fault: Fault): fault is TrainerFault => TRAINER_KINDS.includes(fault.kind);
export const isApiFault = (fault: Fault): fault is ApiFault => fault.kind === 'api';
export const isInstanceFault = (fault: Fault): fault is InstanceFault => fault.kind !== 'api' && fault.kind !== 'clock' && !isTrainerFault(fault);

/** The step of a bare `hang`. */
const HANG_STEP = 20;
const WINDOW = String.raw`(?: at (?<at>\d+(?:\.\d+)?[smh]))?(?: for (?<for>\d+(?:\.\d+)?[smh]))?`;
const TIMES = String.raw`(?: (?<times>[1-9]\d?) times)?`;
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
  {
    words: 'nan at step N [seen at step M] [unless lr <= X]',
    pattern: /^nan at step (?<step>\d+)(?: seen at step (?<shown>\d+))?(?: unless lr <= (?<lr>\d+(?:\.\d+)?))?$/,
    make: (g) => ({ kind: 'nan', step: num(g['step']), shown: g['shown'] === undefined ? null : num(g['shown']), unless_lr: g['lr'] === undefined ? null : num(g['lr']) }),
  },
  { words: 'segfault at step N', pattern: /^segfault at step (?<step>\d+)$/, make: (g) => ({ kind: 'segfault', step: num(g['step']) }) },
  { words: 'killed at step N', pattern: /^killed at step (?<step>\d+)$/, make: (g) => ({ kind: 'killed', step: num(g['step']) }) },
  { words: 'disk full at step N', pattern: /^disk full at step (?<step>\d+)$/, make: (g) => ({ kind: 'disk_full', step: num(g['step']) }) },
  { words: 'exit CODE at step N', pattern: /^exit (?<code>\d{1,3}) at step (?<step>\d+)$/, make: (g) => ({ kind: 'exit', code: num(g['code']), step: num(g['step']) }) },
  { words: 'slow xN after step M', pattern: /^slow x(?<factor>\d+(?:\.\d+)?) after step (?<after>\d+)$/, make: (g) => ({ kind: 'slow', factor: num(g['factor']), after: num(g['after']) }) },
  { words: 'throttled xN after step M', pattern: /^throttled x(?<factor>\d+(?:\.\d+)?) after step (?<after>\d+)$/, make: (g) => ({ kind: 'throttled', factor: num(g['factor']), after: num(g['after']) }) },
  { words: 'batches take N s to load [from one disk]', pattern: /^batches take (?<seconds>\d+(?:\.\d+)?) s to load(?<disk> from one disk)?$/, make: (g) => ({ kind: 'loading', seconds: num(g['seconds']), one_disk: g['disk'] !== undefined }) },
  { words: 'resume is ignored', pattern: /^resume is ignored$/, make: () => ({ kind: 'resume_ignored' }) },
  { words: 'gpu lost', pattern: /^gpu lost$/, make: () => ({ kind: 'gpu_lost' }) },
  { words: 'stuck loading', pattern: /^stuck loading$/, make: () => ({ kind: 'stuck_loading' }) },
  { words: 'host offline [at 30s] [for 60s]', pattern: new RegExp(`^host offline${WINDOW}$`), make: (g) => ({ kind: 'host_offline', ...windowOf(g) }) },
  { words: 'ssh refused [at 30s] [for 60s]', pattern: new RegExp(`^ssh refused${WINDOW}$`), make: (g) => ({ kind: 'ssh_refused', ...windowOf(g) }) },
  { words: 'outbid [at 30s] [for 60s]', pattern: new RegExp(`^outbid${WINDOW}$`), make: (g) => ({ kind: 'outbid', ...windowOf(g) }) },
  { words: 'new ssh port [at 30s]', pattern: new RegExp(`^new ssh port${WINDOW}$`), make: (g) => ({ kind: 'new_port', ...windowOf(g) }) },
  { words: 'unlisted [at 30s] [for 60s]', pattern: new RegExp(`^unlisted${WINDOW}$`), make: (g) => ({ kind: 'unlisted', ...windowOf(g) }) },
  { words: 'create times out after success [N times]', pattern: new RegExp(`^create times out after success${TIMES}$`), make: (g) => ({ kind: 'create_lost', times: num(g['times'] ?? '1') }) },
  { words: 'destroy does not stick [N times]', pattern: new RegExp(`^destroy does not stick${TIMES}$`), make: (g) => ({ kind: 'destroy_ignored', times: num(g['times'] ?? '1') }) },
  { words: 'id goes to a stranger', pattern: /^id goes to a stranger$/, make: () => ({ kind: 'id_reused', times: 1 }) },
  {
    words: 'clock ahead|behind by 2h [at 30s] [for 60s]',
    pattern: new RegExp(`^clock (?<way>ahead|behind) by (?<by>\\d+(?:\\.\\d+)?[smh])${WINDOW}$`),
    make: (g) => ({ kind: 'clock', ms: (parseDuration(g['by'] ?? '') ?? 0) * (g['way'] === 'behind' ? -1 : 1), ...windowOf(g) }),
  },
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
