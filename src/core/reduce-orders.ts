/** What a person's orders change in a run. Whether an order may be given is decided before, in `orders.ts`. */
import type { Event, Remedy } from './events.ts';
import { leave } from './reduce-left.ts';
import { dropTrial } from './reduce-tune.ts';
import { afterStop, attemptPatch } from './reduce-repair.ts';
import { isAway, type RunState } from './state.ts';

export type OrderEvent = Extract<Event, { type: 'destroy.due' | Exclude<Extract<Event['type'], `user.${string}`>, 'user.approved' | 'user.refused'> }>;

export const isOrderEvent = (event: Event): event is OrderEvent => event.type === 'destroy.due' || (event.type.startsWith('user.') && event.type !== 'user.approved' && event.type !== 'user.refused');

export function reduceOrder(run: RunState, event: OrderEvent): RunState {
  switch (event.type) {
    case 'user.destroy':
      return event.until !== undefined && event.until > event.at ? { ...run, destroy_pending: { waive: event.waive, until: event.until } } : destroyed(run, event.waive);
    case 'destroy.due':
      return run.destroy_pending ? destroyed(run, run.destroy_pending.waive) : run;
    case 'user.recall':
      return { ...run, destroy_pending: null };
    case 'user.hold':
      return { ...run, hold: { until: event.until, reason: event.reason } };
    case 'user.release':
      return { ...run, hold: null };
    case 'user.keep':
      return { ...run, keep: event.keep, ...(run.stage === 'closed' && run.instance !== null && !event.keep ? { stage: 'tearing_down' as const, closed_at: null } : {}) };
    case 'user.relaunch':
      // Another command has another speed: what was on trial cannot be told from it.
      return relaunch(event.command === run.spec.run ? run : dropTrial(run, event.at, 'the user changed the command first'), event);
    case 'user.switch':
      return switchAway(dropTrial(run, event.at, 'the run went on elsewhere first'), event);
    case 'user.bid':
      return { ...run, bid_ordered: { instance: event.instance, usd_per_hour: event.usd_per_hour } };
  }
}

function destroyed(run: RunState, waive: boolean): RunState {
  const ordered = { ...run, destroy_ordered: { waive: waive || run.destroy_ordered?.waive === true }, destroy_pending: null, hold: null, keep: false };
  return run.stage === 'closed' && run.instance !== null ? { ...ordered, stage: 'rescuing', rescue: null, closed_at: null } : ordered;
}

/** Stages from which the run goes on to a start by itself. */
const NOT_YET: readonly RunState['stage'][] = ['searching', 'renting', 'loading', 'connecting', 'preparing', 'rescuing', 'tearing_down'];

/** Before the first start only the commands change; later the training is ended and starts anew, also after a verdict. */
function relaunch(run: RunState, event: Extract<OrderEvent, { type: 'user.relaunch' }>): RunState {
  const { checkpoints } = run.spec;
  const edited: RunState = { ...run, spec: { ...run.spec, run: event.command, ...(checkpoints && event.resume !== null && { checkpoints: { ...checkpoints, resume: event.resume } }) } };
  if (run.instance === null || (run.verdict === null && NOT_YET.includes(run.stage))) return edited;
  const again = run.verdict === null ? {} : { verdict: null, verdict_reason: null, closed_at: null, evals: [] };
  return repair({ ...edited, ...again, rescue: null }, { rung: 'rerun', backoff_ms: 0 }, event.at);
}

function switchAway(run: RunState, event: Extract<OrderEvent, { type: 'user.switch' }>): RunState {
  if (isAway(run)) return leave(attemptPatch(run, run.attempt, { ended_at: run.attempts.at(-1)?.ended_at ?? event.at }), event.at);
  if (!run.ran_here) return { ...run, stage: 'rescuing', rescue: null };
  return repair(run, { rung: 'switch', machine_id: event.machine_id, reason: 'the user ordered it' }, event.at);
}

/** A person's remedy is carried out like the ladder's, and is not one of its bounded attempts. */
function repair(run: RunState, remedy: Remedy, at: number): RunState {
  const attempt = run.attempts.at(-1);
  const stopped = attempt?.ended_at != null || attempt?.started_at == null;
  const next: RunState = { ...run, stage: 'repairing', repair: { remedy, stopped, applied: false, not_before: at } };
  return stopped ? afterStop(next) : next;
}
