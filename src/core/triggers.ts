/**
 * What makes the babysitter act while a process is alive. Each judgement needs what it claims to have seen:
 * a missing reading is never idle, never dead, never gone.
 */
import type { Trigger } from './events.ts';
import type { ProbeReading } from './probe.ts';
import type { ProgressState, RunState } from './state.ts';

const MINUTE = 60_000;
/** Below this no silence is a stall, whatever the run's own rhythm. */
const STALL_FLOOR_MS = 3 * MINUTE;
/** Before a run's rhythm is known: compile, first batch and dataset build are slow and silent. */
const STALL_UNKNOWN_MS = 30 * MINUTE;
const ENOUGH_GAPS = 8;
/** A GPU that computes draws well above this share of its limit; a spinning collective does not. */
const BUSY_POWER_SHARE = 0.45;

/** How long this run may go without a step before it is suspected, from its own gaps between steps (ms). */
export function stallLimit(progress: ProgressState | null): number {
  const gaps = progress?.gaps ?? [];
  if (gaps.length < ENOUGH_GAPS) return STALL_UNKNOWN_MS;
  const sorted = [...gaps].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const longest = sorted.at(-1) ?? 0;
  // Ten medians, or twice the longest pause that it came back from (an evaluation, a save).
  return Math.max(STALL_FLOOR_MS, 10 * median, 2 * longest);
}

/** True while the step has been frozen for longer than the run's own limit: a reason to look, not to act. */
export function suspected(run: RunState, now: number): boolean {
  const attempt = run.attempts.at(-1);
  if (run.stage !== 'training' || !attempt?.started_at) return false;
  const since = Math.max(attempt.started_at, run.progress?.advanced_at ?? 0);
  return now - since > stallLimit(run.progress);
}

/** The second signal of a stall: the box itself looks like nothing is being computed. null when it could not tell. */
export function looksStuck(reading: ProbeReading, limit_ms: number): boolean | null {
  const powers = (reading.gpus ?? []).flatMap(({ power_w, power_limit_w }) => (power_w !== null && power_limit_w ? [power_w / power_limit_w] : []));
  const utils = (reading.gpus ?? []).flatMap(({ util }) => (util === null ? [] : [util]));
  const logSilent = reading.log_age_s === null ? null : reading.log_age_s * 1_000 > Math.min(limit_ms, STALL_FLOOR_MS) / 2;
  if (logSilent === false) return false;
  if (powers.length > 0) return powers.every((share) => share < BUSY_POWER_SHARE) && logSilent === true;
  if (utils.length > 0) return utils.every((util) => util < 10) && logSilent === true;
  return null;
}

/** The trigger that a full probe of a living process fires, if any, with the words for it. */
export function judge(run: RunState, reading: ProbeReading, now: number): { trigger: Trigger; words: string } | null {
  if (run.stage !== 'training') return null;
  const disk = reading.disk;
  if (disk && disk.total_bytes > 0 && disk.used_bytes / disk.total_bytes > 0.97) return { trigger: 'disk_filling', words: `the disk is ${Math.round((100 * disk.used_bytes) / disk.total_bytes)} % full` };
  if (run.progress?.reading.diverged) return { trigger: 'metric_wrong', words: 'the training loss is not a number any more' };
  if (suspected(run, now) && looksStuck(reading, stallLimit(run.progress)) === true) {
    const minutes = Math.round((now - (run.progress?.advanced_at ?? run.stage_since)) / MINUTE);
    const spinning = (reading.gpus ?? []).some(({ util }) => util !== null && util >= 90);
    return { trigger: 'step_stalled', words: `no step for ${minutes} min, the log is silent, and the GPU ${spinning ? 'spins at low power' : 'is idle'}` };
  }
  return null;
}

/** Advances below the checkpoint before it counts as a start from elsewhere: a redrawn bar may show 0 once. */
const LOW_STEPS = 3;

/** Words when the resumed attempt trains below its checkpoint; only where the checkpoint's number is a step that was seen before. */
export function resumeLost(run: RunState): string | null {
  const attempt = run.attempts.at(-1);
  if (!attempt || attempt.resume_step === null || attempt.low_steps < LOW_STEPS || (attempt.last_step ?? 0) >= attempt.resume_step) return null;
  const seen = Math.max(...run.attempts.slice(0, -1).map((one) => one.last_step ?? 0), 0);
  return seen >= attempt.resume_step ? `it was given the checkpoint of step ${attempt.resume_step}, and trains at step ${attempt.last_step}` : null;
}

/** A check that found progress since the last one, or a run still within its own silent start. */
export function healthyAt(run: RunState, reading: ProbeReading, now: number): boolean {
  return reading.alive !== false && reading.exit === null && judge(run, reading, now) === null && !suspected(run, now);
}

/** The kill criterion that is reached, in words; null while none is. Hours count from the first start of training. */
export function killCriterion(run: RunState, usd: number, now: number): string | null {
  const started = run.attempts.find((attempt) => attempt.started_at !== null)?.started_at;
  if (usd >= run.spec.kill.dollars) return `spent $${usd.toFixed(2)} of the allowed $${run.spec.kill.dollars.toFixed(2)}`;
  if (started && now - started >= run.spec.kill.hours * 3_600_000) return `ran for ${run.spec.kill.hours} h, the most that the spec allows`;
  return null;
}

/** Text in status_msg that means: this instance will never run. */
const FATAL_STATUS = /error response from daemon|failed to pull image|no space left on device|manifest unknown|unauthorized|unexpected eof|docker_build\(\) error|oci runtime create failed/i;

export const fatalStatus = (status_msg: string | null): boolean => FATAL_STATUS.test(status_msg ?? '');
