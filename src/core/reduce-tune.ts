/** What a change on trial does to a run: a step like a repair, without an incident. */
import type { Event } from './events.ts';
import { factsOf } from './fixes.ts';
import type { RunState } from './state.ts';
import { afterStop } from './reduce-repair.ts';
import { onTrial, remedyOf, type Change, type Trial } from './tune.ts';

export type TuneEvent = Extract<Event, { type: `trial.${string}` }>;

export function reduceTune(run: RunState, event: TuneEvent): RunState {
  if (event.type === 'trial.chosen') return planned({ ...run, trials: [...run.trials, { ...event.trial, ended: null }] }, event.trial.change, false, event.at);
  const trial = onTrial(run);
  if (trial?.n !== event.trial) return run;
  const ended = end(run, { at: event.at, how: event.how, after: event.after, reason: event.reason });
  return event.how === 'kept' ? ended : planned(ended, trial.change, true, event.at);
}

/** The run leaves the box, or ends, before the change could be judged: what is not proven does not come along. */
export function dropTrial(run: RunState, at: number, reason: string): RunState {
  const trial = onTrial(run);
  return trial === null ? run : end(undone(run, trial.change), { at, how: 'not_judged', after: null, reason });
}

function planned(run: RunState, change: Change, undo: boolean, at: number): RunState {
  const attempt = run.attempts.at(-1);
  const stopped = attempt?.ended_at != null || attempt?.started_at == null;
  const remedy = remedyOf(change, undo);
  const next: RunState = { ...(undo ? undone(run, change) : done(run, change)), stage: 'repairing', repair: { remedy, stopped, applied: false, not_before: at } };
  return stopped ? afterStop(next) : next;
}

function done(run: RunState, change: Change): RunState {
  // A setting counts once the box has it: `fix.applied` says so.
  return change.kind === 'env' ? run : { ...run, knobs: { ...run.knobs, [change.knob]: change.to, ...(change.keeps && { [change.keeps.knob]: change.keeps.to }) } };
}

function undone(run: RunState, change: Change): RunState {
  if (change.kind === 'knob') return { ...run, knobs: { ...run.knobs, [change.knob]: change.from, ...(change.keeps && { [change.keeps.knob]: change.keeps.from }) } };
  const { command } = factsOf({ kind: 'env', name: change.name, value: change.value });
  return { ...run, fixes: run.fixes.filter((fix) => fix !== command) };
}

const end = (run: RunState, ended: NonNullable<Trial['ended']>): RunState => ({ ...run, trials: run.trials.map((one) => (one.ended === null ? { ...one, ended } : one)) });
