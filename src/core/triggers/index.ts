/**
 * What makes the babysitter act, and what it only says. Each judgement needs what it claims to have seen: a missing
 * reading is never idle, never dead, never gone.
 *
 * An incident stops the run and climbs the ladder, so it takes proof that nothing is earned any more. Whatever still
 * makes steps is left alone and told about once.
 *
 * | trigger | what it does | why |
 * |---|---|---|
 * | process_exited, session_died | incident | over is over; the exit record, or two looks in a row without a process |
 * | setup_failed, start_failed | incident | nothing started |
 * | instance_stuck | the run goes on elsewhere | its box lets no repair be carried out, for a quarter of an hour |
 * | step_stalled | incident | frozen beyond this run's own gaps, and GPU, IO and log agree; one more look when they don't |
 * | gpu_idle, never a step read | incident | frozen for half an hour, no process computes, the log is silent; for 12 min when two looks see that no byte moves either |
 * | error_in_log | incident | a traceback after which no step came, on a box that is not busy: the launcher survived its worker |
 * | metric_wrong: NaN | incident | no step after it is worth its price; exempt from min_steps |
 * | throughput_low | incident, once in a run | the driver slows the GPU down, and another machine is cheaper to the end, the move included |
 * | the alerts of `alerts.ts` | a line | it advances, or the market is to blame: ending it would lose more than it saves |
 * | a failed probe | a line after 30 min | unknown is not a verdict; the last one stands |
 * | kill criterion | end | the spec says so; results first |
 */
import type { ProbeReading } from '../probe.ts';
import type { RunState } from '../state.ts';
import { judgeFrozen, suspected, troubled, type Found } from './stall.ts';

export { killCriterion } from './market.ts';
export { stallLimit, suspected } from './stall.ts';

/** Is there a reason to look before the cadence says so? */
export const suspicious = (run: RunState, now: number): boolean => suspected(run, now) || run.progress?.reading.diverged === true || troubled(run, now);

/** The trigger that a full probe of a living process fires, if any, with the words for it. */
export function judge(run: RunState, reading: ProbeReading, now: number): Found | null {
  if (run.stage !== 'training') return null;
  if (run.progress?.reading.diverged) return { trigger: 'metric_wrong', words: 'the training loss is not a number any more' };
  return judgeFrozen(run, reading, now);
}

/** A check that found progress since the last one, or a run still within its own silent start. */
export function healthyAt(run: RunState, reading: ProbeReading, now: number): boolean {
  return reading.alive !== false && reading.exit === null && judge(run, reading, now) === null && !suspected(run, now);
}
