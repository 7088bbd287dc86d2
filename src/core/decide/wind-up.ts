/** The end of a run's stay on an instance: results home, then the billing over. */
import type { Action } from '../actions.ts';
import { isDown } from '../away.ts';
import type { RescueVerdict } from '../events.ts';
import { costOf, runCost } from '../ledger.ts';
import { currentAttempt, instanceOf, type InstanceState, type RunState, type World } from '../state.ts';
import { endsAt, teardown, teardownCase } from '../teardown.ts';
import { emit, ready } from './ready.ts';

const DESTROY_AGAIN_MS = 30_000;
/** A list may be older than a label: so many refusals are no chance. */
const REFUSED = 3;
/** A stop that was accepted shows in the list within this time, or it is asked again: until then the full price may bill. */
const STOP_AGAIN_MS = 120_000;
const HOUR_MS = 3_600_000;
/** A stopped instance that still holds results is started again so often, each time after a longer while, just long enough to copy them. */
const WAKES = 3;
const WAKE_AFTER_MS = 6 * HOUR_MS;
/** How often the user is told what a stopped instance costs that still holds results. */
export const ASK_EVERY_MS = 24 * HOUR_MS;

export function rescue(world: World, run: RunState): Action[] {
  const instance = instanceOf(world, run);
  if (!instance) return [];
  const waived = run.destroy_ordered?.waive === true;
  if (waived || !run.ran_here) {
    return [emit({ type: 'rescue.judged', run: run.id, instance: instance.id, verdict: waived ? 'waived' : 'nothing_never_ran', files: 0, bytes: 0, reason: waived ? 'the user waived what is not at home' : 'no process of the run ever started on it' })];
  }
  const attempt = currentAttempt(run);
  const running = attempt?.started_at != null && attempt.ended_at === null;
  const stuck = run.backoff['stop_training'];
  // A training that cannot be ended keeps the gate shut like results that cannot be read, and its waiting costs as much.
  if (running && run.rescue === null && stuck && stuck.count > 1) return [emit({ type: 'rescue.judged', run: run.id, instance: instance.id, verdict: 'unverified', files: 0, bytes: 0, reason: `its training could not be ended: ${stuck.reason}` })];
  // Its own sentinel stops a box that nobody could reach for too long, or somebody did it by hand.
  if (instance.stop === 'none' && isDown(instance.facts)) return whileStopped(world, run, instance);
  if (instance.stop !== 'none') {
    const again = askStop(world, run, instance, 'the market has not stopped it yet');
    return again.length > 0 ? again : whileStopped(world, run, instance);
  }
  const waited = run.rescue?.verdict === 'unverified' ? costOf(instance, world.now).rescue : 0;
  const { wait_usd, wait_then } = run.spec.teardown;
  if (waited >= (run.rescue?.asked_usd ?? 0) + wait_usd && !run.hold) {
    const asked = emit({ type: 'rescue.asked', run: run.id, instance: instance.id, usd: waited, usd_per_hour: instance.rate });
    if (wait_then === 'ask' || instance.adopted) return [asked];
    const stop = askStop(world, run, instance, `waiting for its results has cost $${waited.toFixed(2)}; stopped, the disk is kept and bills $${instance.facts.storage_total_cost.toFixed(3)}/h`);
    if (stop.length > 0) return stop;
  }
  if (running) return ready(world, run, 'stop_training') ? [{ do: 'stop_training', run: run.id }] : [];
  return ready(world, run, 'sync') ? [{ do: 'sync', run: run.id, final: true }] : [];
}

/** Stopped with results on it: it is started now and then to fetch them, and the user is told each day what its disk costs. */
function whileStopped(world: World, run: RunState, instance: InstanceState): Action[] {
  const since = instance.stop_at ?? world.now;
  const wake = askWake(world, run, instance, since);
  if (wake.length > 0) return wake;
  if (!run.rescue || world.now - (run.rescue.asked_at ?? since) < ASK_EVERY_MS) return [];
  return [emit({ type: 'rescue.asked', run: run.id, instance: instance.id, usd: costOf(instance, world.now).rescue, usd_per_hour: instance.rate })];
}

/** It is started again, now and then and not for ever; `since` is when it was stopped or left. What we did not stop ourselves is started at once, once. */
export const askWake = (world: World, run: RunState, instance: InstanceState, since: number): Action[] =>
  instance.wakes < WAKES && (world.now - since >= WAKE_AFTER_MS * Math.max(1, instance.wakes) || (instance.stop === 'none' && instance.wakes === 0)) && ready(world, run, 'wake') ? [{ do: 'wake', run: run.id, instance: instance.id, reason: 'it still holds results that are not at home' }] : [];

export function tearDown(world: World, run: RunState): Action[] {
  const instance = instanceOf(world, run);
  if (!instance) {
    // An adoption that was called off between the label and its end.
    const half = run.adopting === null ? undefined : world.fleet[String(run.adopting)];
    if (half?.adopted) return giveBack(world, run, half);
    // What the run left behind still bills: it is not over before that is gone.
    return run.verdict === null || run.left.length > 0 ? [] : [emit({ type: 'run.closed', run: run.id, verdict: run.verdict, usd: runCost(world, run).usd })];
  }
  const { act, because } = teardown(teardownCase(run, instance));
  switch (act) {
    case 'keep':
      return run.verdict ? [emit({ type: 'run.closed', run: run.id, verdict: run.verdict, usd: runCost(world, run).usd })] : [];
    case 'stop':
      // A stopped disk bills on, and what would not stop bills more: the second timer ends it.
      return world.now < endsAt(run) ? askStop(world, run, instance, because) : destroyNow(world, run, 'its grace as a stopped instance is over');
    case 'destroy':
      return destroyNow(world, run, because);
    case 'give_back':
      return giveBack(world, run, instance);
    case 'destroy_after_grace':
      return world.now < endsAt(run) ? [] : destroyNow(world, run, because);
    case 'rescue_first':
    case 'wait':
      return [];
  }
}

/** Asked is not stopped: it is asked again until the market accepts it, and again when a list shows it running on. */
export function askStop(world: World, run: RunState, instance: InstanceState, reason: string): Action[] {
  const asked = instance.stop === 'accepted' && !(instance.facts.actual_status === 'running' && world.now - (instance.stop_at ?? 0) >= STOP_AGAIN_MS);
  return asked || !ready(world, run, 'stop') ? [] : [{ do: 'stop', run: run.id, instance: instance.id, reason }];
}

function destroyNow(world: World, run: RunState, reason: string): Action[] {
  const instance = instanceOf(world, run);
  const gate = run.rescue?.verdict;
  return !instance || !gate || gate === 'unverified' ? [] : askDestroy(world, run, instance, gate, reason);
}

/** It was the user's before the run. */
export const giveBack = (world: World, run: RunState, instance: InstanceState): Action[] => (ready(world, run, 'give_back') ? [{ do: 'give_back', run: run.id, instance: instance.id }] : []);

/** Accepted is not gone: as long as a good list shows it, it is asked again. */
export function askDestroy(world: World, run: RunState, instance: InstanceState, gate: Exclude<RescueVerdict, 'unverified'>, reason: string): Action[] {
  // The user's own label is on it again, for a give-back whose answer was lost or by their hand: it is theirs, and no guard lets us end it.
  if (instance.adopted && instance.label === instance.adopted.label && (run.backoff['destroy']?.count ?? 0) >= REFUSED) return giveBack(world, run, instance);
  const asked = instance.destroy === 'accepted' && (world.now - (instance.destroy_at ?? 0) < DESTROY_AGAIN_MS || instance.absent_reads > 0);
  return instance.gone_at !== null || asked || !ready(world, run, 'destroy') ? [] : [{ do: 'destroy', run: run.id, instance: instance.id, gate, reason }];
}
