/**
 * A living process that makes no step any more: stalled, idle, or with an error in its log that it did not die of.
 * A frozen step alone is a reason to look; it takes the box's own signs to act.
 */
import { span } from '../line.ts';
import type { Trigger } from '../events.ts';
import type { ProbeReading } from '../probe.ts';
import type { RunState } from '../state.ts';
import { triage } from '../triage/index.ts';
import { quantile } from './rhythm.ts';
import { signsOf } from './signs.ts';

export interface Found {
  trigger: Trigger;
  words: string;
}

const MINUTE = 60_000;
/** Below this no silence is a stall, whatever the run's own rhythm. */
const FLOOR_MS = 3 * MINUTE;
/** Before a run's rhythm is known, and in an activity that was never seen to end: compile, data set, evaluation are slow and silent. */
const UNKNOWN_MS = 30 * MINUTE;
const ENOUGH_GAPS = 8;
/** A process that computes in silence may be busy in a way that nothing shows; waiting in a loop looks the same. */
const SILENT_WORK = { times: 8, least_ms: 60 * MINUTE };
/** Before its first step a box on which nothing moves at all, seen by two looks, waits for something that does not come. */
const STILL = { after_ms: 12 * MINUTE, silent_ms: 5 * MINUTE };
const SPINNING_TALK = { times: 4, least_ms: 30 * MINUTE };

/** How long this run may go without a step before it is suspected, ms, from its own gaps and from what its log says that it does. */
export function stallLimit(run: RunState): number {
  const { pauses } = run.eyes.rhythm;
  const gaps = run.progress?.gaps ?? [];
  const doing = run.eyes.rhythm.doing;
  const unnamed = 1.5 * (pauses.training ?? 0);
  if (doing !== null) return Math.max(UNKNOWN_MS, 2 * (pauses[doing] ?? 0), unnamed);
  if (gaps.length < ENOUGH_GAPS) return Math.max(UNKNOWN_MS, unnamed);
  // Ten medians, three times the slow ones, half as long again as the longest pause that it came back from.
  return Math.max(FLOOR_MS, 10 * (quantile(gaps, 0.5) ?? 0), 3 * (quantile(gaps, 0.95) ?? 0), unnamed);
}

/** ms since the last step, or since the start when there was none. */
export function frozenFor(run: RunState, now: number): number {
  return now - frozenSince(run);
}

const frozenSince = (run: RunState): number => Math.max(run.attempts.at(-1)?.started_at ?? run.stage_since, run.progress?.advanced_at ?? 0);
const living = (run: RunState): boolean => run.stage === 'training' && run.attempts.at(-1)?.started_at != null;

/** True while the step has been frozen for longer than the run's own limit: a reason to look, not to act. */
export const suspected = (run: RunState, now: number): boolean => living(run) && frozenFor(run, now) > stallLimit(run);

/** How long a step must be frozen before an error in the log is believed, ms. */
export function errorPatience(run: RunState): number {
  const gaps = run.progress?.gaps ?? [];
  const patience = gaps.length < ENOUGH_GAPS ? FLOOR_MS : Math.max(MINUTE, 5 * (quantile(gaps, 0.5) ?? 0), 2 * (quantile(gaps, 0.95) ?? 0));
  return Math.min(patience, stallLimit(run));
}

const ALARMING = /error|traceback|exception|killed|abort|out of memory|fatal|fault|xid|no space/i;

/** The error in the log of a process whose step is frozen: a reason to look. */
export function troubled(run: RunState, now: number): boolean {
  return living(run) && frozenFor(run, now) > errorPatience(run) && failureIn(run, []) !== null;
}

function failureIn(run: RunState, kernel: readonly string[]): string | null {
  if (kernel.length === 0 && !run.tail.some((line) => ALARMING.test(line))) return null;
  const found = triage({ log: run.tail.join('\n'), kernel });
  return found.kind === 'failure' && found.cause !== 'numeric_divergence' ? found.signature : null;
}

/** What a full look at a living process found, if its step is frozen without a good reason. */
export function judgeFrozen(run: RunState, reading: ProbeReading, now: number): Found | null {
  if (!living(run) || reading.alive === false) return null;
  const frozen = frozenFor(run, now);
  const signs = signsOf(run.eyes.samples, reading, frozenSince(run));
  if (signs.gpu === 'busy' || signs.moving === true) return null;
  const still = run.attempts.at(-1)?.first_step == null && signs.gpu === 'idle' && signs.computing === false && signs.moving === false && (signs.silent_ms ?? 0) > STILL.silent_ms;
  const limit = still ? Math.min(STILL.after_ms, stallLimit(run)) : stallLimit(run);
  const silent = signs.silent_ms === null ? null : signs.silent_ms > Math.min(limit, FLOOR_MS) / 2;

  const error = frozen > errorPatience(run) ? failureIn(run, reading.kernel) : null;
  if (error !== null && !(signs.computing === true && signs.gpu !== 'spinning')) {
    return { trigger: 'error_in_log', words: `the process lives on after it, without a step for ${span(frozen)}` };
  }
  if (frozen <= limit) return null;
  // Deaf is not frozen: without the stream only a log that was silent all the while says that nothing happened.
  if (run.stream === 'closed' && (signs.silent_ms ?? 0) < limit) return null;
  const long = (least: { times: number; least_ms: number }): boolean => frozen > Math.max(least.times * limit, least.least_ms);
  const held = signs.held_mb !== null && signs.held_mb > 1_000 ? `, holding ${(signs.held_mb / 1_024).toFixed(1)} GB` : '';
  const named = run.eyes.rhythm.doing !== null;
  if (signs.gpu === 'spinning') {
    if (silent !== true && !long(SPINNING_TALK)) return null;
    return { trigger: 'step_stalled', words: `no step for ${span(frozen)}, and the GPU spins at low power${held}` };
  }
  if (silent !== true) return null;
  // Growth takes two looks; the next one is a minute away.
  if (signs.computing === null && run.eyes.samples.at(-1)?.cpu_s != null) return null;
  if (signs.computing === true && (named || run.progress?.reading.step == null || !long(SILENT_WORK))) return null;
  if (signs.gpu === 'unknown' && signs.computing !== false) return null;
  const trigger = run.progress?.reading.step == null ? 'gpu_idle' : 'step_stalled';
  return { trigger, words: `no step for ${span(frozen)}, the log is silent, ${signs.gpu === 'idle' ? `the GPU is idle${held}` : 'and no process computes'}` };
}

/** A step that is late although the box works on: for people to know. */
export function workingLong(run: RunState, now: number): boolean {
  return living(run) && frozenFor(run, now) > Math.max(4 * stallLimit(run), 60 * MINUTE);
}
