/**
 * Optimisations as experiments: one change at a time, made only on a stable baseline, measured in the same way before and
 * after, and taken back when it does not gain. Pure; what a change is made of is typed, and nothing of it comes from a log.
 */
import { repeatHereMs } from './away.ts';
import type { Advice, Bottleneck, Suggestion } from './efficiency.ts';
import type { Remedy } from './events.ts';
import { TUNING } from './fixes.ts';
import type { Spec } from './spec.ts';
import { currentAttempt, type Attempt, type RunState } from './state.ts';
import { LAP_MS, STABLE, WARM_UP } from './triggers/rhythm.ts';

/** What the program can do itself. */
export type Change =
  | { kind: 'knob'; knob: string; from: number; to: number; keeps: { knob: string; from: number; to: number } | null }
  | { kind: 'env'; name: string; value: string };

/** A change on trial, or its outcome. Rates are steps per second. */
export interface Trial {
  n: number;
  bottleneck: Bottleneck;
  change: Change;
  /** Expected rise of the rate, 0.2 is 20 %. */
  expected: number;
  before: number;
  /** The attempt that was ended for it; the next one carries the change. */
  attempt: number;
  at: number;
  ended: { at: number; how: 'kept' | 'reverted' | 'not_judged'; after: number | null; reason: string } | null;
}

const MINUTE = 60_000;
/** Changes tried in one run. */
export const TRIALS = 2;
/** What a change may gain at most where nothing measured says so; half of it is expected. */
export const ROOM = 0.3;
/** Less than this is noise, not a gain. */
export const LEAST_GAIN = 0.03;
/** The pauses of saving and logging are seen only over a longer time. */
const WALL_MS = 20 * MINUTE;
const LONGEST_MS = 60 * MINUTE;
/** Ending and starting the training takes about so long, beside the steps that are repeated; and it may have to be done twice. */
const RESTART_MS = 3 * MINUTE;

/** The change that is on trial now, if any. */
export const onTrial = (run: RunState): Trial | null => {
  const last = run.trials.at(-1);
  return last && last.ended === null ? last : null;
};

/**
 * Steps per second of the present attempt, null while they are not known well enough. Pauses are left out, unless they are
 * what is to be shortened.
 */
export function measured(run: RunState, attempt: Attempt, bottleneck: Bottleneck): number | null {
  const { laps } = run.eyes.rhythm;
  if (laps.length < WARM_UP + STABLE) return null;
  if (bottleneck !== 'logging') {
    // Laps are of like length, so the mean of their rates is steps by time; a slow step that ends in the next lap averages out.
    return laps.slice(-STABLE).reduce((total, ms) => total + 1_000 / ms, 0) / STABLE;
  }
  const ms = (run.progress?.advanced_at ?? 0) - (attempt.first_at ?? Number.POSITIVE_INFINITY);
  return ms < WALL_MS || attempt.first_step === null || attempt.last_step === null ? null : (1_000 * (attempt.last_step - attempt.first_step)) / ms;
}

/**
 * What the program could change against a bottleneck: declared knobs that may grow, then known settings, each once in a run.
 * `room`: by how much the rate would rise without the bottleneck (1 is twice the rate).
 */
export function changesFor(spec: Spec, knobs: Readonly<Record<string, number>>, bottleneck: Bottleneck, room = ROOM): { change: Change; words: string; gain: number; size: Suggestion['size']; risk: Suggestion['risk'] }[] {
  const grown = Object.entries(spec.knobs).flatMap(([name, knob]) => {
    const { ceiling } = knob;
    if (ceiling === undefined || !(knob.speeds as readonly string[]).includes(bottleneck)) return [];
    const from = knobs[name] ?? knob.value;
    const whole = Number.isInteger(knob.value) && Number.isInteger(ceiling);
    const to = Math.min(ceiling, whole ? Math.max(from + 1, Math.round(from / knob.factor)) : from / knob.factor);
    const kept = knob.keeps === undefined ? null : { knob: knob.keeps, from: knobs[knob.keeps] ?? 1 };
    const keeps = kept && { ...kept, to: (kept.from * from) / to };
    // A batch that cannot be kept exactly would be another experiment.
    if (to <= from || (keeps && (!Number.isInteger(keeps.to) || keeps.to < (spec.knobs[keeps.knob]?.floor ?? 1)))) return [];
    const change: Change = { kind: 'knob', knob: name, from, to, keeps };
    const gain = Math.min(room, from > 0 ? to / from - 1 : 1) / 2;
    return [{ change, words: changeWords(change), gain, size: 'config' as const, risk: keeps ? ('medium' as const) : ('low' as const) }];
  });
  const settings = TUNING.filter(({ answers, name }) => answers === bottleneck && !(name in spec.env)).map(({ name, value, gain, risk }) => {
    const change: Change = { kind: 'env', name, value };
    return { change, words: changeWords(change), gain, size: 'setting' as const, risk };
  });
  return [...grown, ...settings];
}

export function changeWords(change: Change): string {
  if (change.kind === 'env') return `set ${change.name}=${change.value}`;
  return `${change.knob} ${change.from} -> ${change.to}${change.keeps ? `, ${change.keeps.knob} ${change.keeps.from} -> ${change.keeps.to}` : ''}`;
}

const same = (one: Change, other: Change): boolean => (one.kind === 'env' ? other.kind === 'env' && one.name === other.name : other.kind === 'knob' && one.knob === other.knob && one.to === other.to);

/** The change to try now; null while the baseline is not stable, nothing is allowed, or it would cost more than it can gain. */
export function nextTrial(run: RunState, now: number): Omit<Trial, 'ended'> | null {
  const attempt = currentAttempt(run);
  const { advice, spec } = run;
  const reading = run.progress?.reading;
  const idle = run.incident === null && run.repair === null && !run.hold && run.brain.consult.stage === 'none' && run.destroy_ordered === null;
  if (!attempt || !advice || !idle || !spec.checkpoints?.resume || run.trials.length >= TRIALS || reading?.eta_s == null) return null;
  const left = reading.eta_s * 1_000;
  const saved = (gain: number): number => left * (gain / (1 + gain));
  const open = advice.suggestions.filter(({ allowed, change, gain }) => allowed && change != null && saved(gain) > 2 * RESTART_MS && !run.trials.some((past) => same(past.change, change)));
  const before = open.length === 0 ? null : measured(run, attempt, advice.bottleneck);
  const repeat = before === null ? null : repeatHereMs(run);
  if (before === null || repeat === null) return null;
  // Worth it, and judged before the end, also where it gains twice what is expected.
  const chosen = open.find(({ gain }) => saved(gain) > 2 * (RESTART_MS + repeat) && left / (1 + 2 * gain) > RESTART_MS + repeat + (WARM_UP + STABLE) * LAP_MS);
  return chosen?.change ? { n: run.trials.length + 1, bottleneck: advice.bottleneck, change: chosen.change, expected: chosen.gain, before, attempt: attempt.number, at: now } : null;
}

/** What became of the change on trial; null while it cannot be told. */
export function judgeTrial(run: RunState, trial: Trial, now: number): { how: 'kept' | 'reverted'; after: number | null; reason: string } | null {
  const attempt = currentAttempt(run);
  if (!attempt || attempt.number <= trial.attempt || attempt.started_at === null) return null;
  const after = measured(run, attempt, trial.bottleneck);
  if (after === null) return now - attempt.started_at > Math.max(LONGEST_MS, 40_000 / trial.before) ? { how: 'reverted', after, reason: 'no stable rhythm came of it' } : null;
  const gain = after / trial.before - 1;
  const percent = `${gain >= 0 ? '+' : ''}${(100 * gain).toFixed(1)} %`;
  return gain >= LEAST_GAIN ? { how: 'kept', after, reason: `it gains ${percent}` } : { how: 'reverted', after, reason: `${percent} is no gain` };
}

/** A change, or its undoing, as the step that carries it out. */
export function remedyOf(change: Change, undo: boolean): Exclude<Remedy, { rung: 'rerun' } | { rung: 'switch' }> {
  if (change.kind === 'env') return { rung: 'fix', fix: { kind: undo ? 'env_off' : 'env', name: change.name, value: change.value } };
  const { knob, from, to, keeps } = change;
  return { rung: 'reduce', knob, from: undo ? to : from, to: undo ? from : to, keeps: keeps && { knob: keeps.knob, from: undo ? keeps.to : keeps.from, to: undo ? keeps.from : keeps.to } };
}

const HELD: Readonly<Record<Bottleneck, string>> = {
  data: 'the GPU waits for data',
  compute: 'the GPU computes as fast as it can',
  memory: 'the GPU waits for its own memory',
  logging: 'saving, logging or evaluating takes long pauses',
  throttling: 'the machine slows its GPU down',
  none: 'nothing holds it back, and GPU memory is free',
};

/** The verdict in words, with what it was read from. */
export const adviceWords = ({ bottleneck, evidence }: Advice): string => `${HELD[bottleneck]} (${evidence.join('; ')})`;

/** A suggestion in words: what it may bring, what it touches, what it risks, and who makes it. */
export function suggestionWords(run: Pick<RunState, 'spec' | 'trials'>, { what, gain, size, risk, allowed, change }: Suggestion): string {
  const who = (): string => {
    if (size === 'hardware') return 'done by itself, once, where the steps that are left cost less there';
    if (change === null) return 'yours to make';
    const past = run.trials.find((trial) => same(trial.change, change));
    if (past) return past.ended === null ? 'on trial' : past.ended.how.replaceAll('_', ' ');
    if (!allowed) return `complexity: ${run.spec.complexity} leaves it to you`;
    if (!run.spec.checkpoints?.resume) return 'yours to make: without checkpoints.resume a restart begins at step 0';
    if (run.trials.length >= TRIALS) return `yours to make: ${TRIALS} changes were tried already`;
    return 'tried by itself where what is left of the run pays for it';
  };
  return `${what}: about +${Math.round(100 * gain)} %, ${SIZES[size]}, ${risk} risk; ${who()}`;
}

const SIZES: Readonly<Record<Suggestion['size'], string>> = { setting: 'one variable', config: 'a value of the command', code: 'code', hardware: 'another machine' };

/** A trial in words, with its figures before and after. */
export function trialWords({ change, bottleneck, before, ended }: Trial): string {
  const rate = (value: number): string => `${Number(value.toPrecision(4))} steps/s`;
  const outcome = ended === null ? 'on trial' : `${ended.how.replaceAll('_', ' ')}: ${ended.reason}`;
  return `${changeWords(change)} (against ${bottleneck}): ${rate(before)} before${ended?.after == null ? '' : `, ${rate(ended.after)} after`}; ${outcome}`;
}
