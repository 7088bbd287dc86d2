/** The end of a run's stay on an instance: results home, then the billing over. */
import type { Action } from '../actions.ts';
import { runCost } from '../ledger.ts';
import { currentAttempt, instanceOf, type RunState, type World } from '../state.ts';
import { teardown, teardownCase } from '../teardown.ts';
import { emit, ready } from './ready.ts';

/** Renting on while results cannot be verified: after this many dollars the instance is stopped, its disk kept. */
const WAIT_CAP_USD = 1;
const DESTROY_AGAIN_MS = 30_000;

export function rescue(world: World, run: RunState): Action[] {
  const instance = instanceOf(world, run);
  if (!instance) return [];
  const waived = run.destroy_ordered?.waive === true;
  if (waived || !run.ran_here) {
    return [emit({ type: 'rescue.judged', run: run.id, instance: instance.id, verdict: waived ? 'waived' : 'nothing_never_ran', files: 0, bytes: 0, reason: waived ? 'the user waived what is not at home' : 'no process of the run ever started on it' })];
  }
  const attempt = currentAttempt(run);
  if (attempt?.started_at && attempt.ended_at === null) return ready(world, run, 'stop_training') ? [{ do: 'stop_training', run: run.id }] : [];
  // A stopped instance cannot be read; what happens to it is the user's to say.
  if (instance.stop !== 'none') return [];
  const waited = run.rescue?.verdict === 'unverified' ? (instance.rate * (world.now - run.rescue.since)) / 3_600_000 : 0;
  if (waited >= WAIT_CAP_USD && !run.hold) return [{ do: 'stop', run: run.id, instance: instance.id, reason: `waiting for its results has cost $${waited.toFixed(2)}; stopped, the disk is kept and still bills` }];
  return ready(world, run, 'sync') ? [{ do: 'sync', run: run.id, final: true }] : [];
}

export function tearDown(world: World, run: RunState): Action[] {
  const instance = instanceOf(world, run);
  if (!instance) {
    return run.verdict === null ? [] : [emit({ type: 'run.closed', run: run.id, verdict: run.verdict, usd: runCost(world, run).usd })];
  }
  const { act, because } = teardown(teardownCase(run));
  switch (act) {
    case 'keep':
      return run.verdict ? [emit({ type: 'run.closed', run: run.id, verdict: run.verdict, usd: runCost(world, run).usd })] : [];
    case 'stop':
      if (instance.stop === 'none') return [{ do: 'stop', run: run.id, instance: instance.id, reason: because }];
      // A stopped disk bills on: the second timer ends it.
      return world.now - run.stage_since < run.spec.teardown.stopped_grace ? [] : destroyNow(world, run, 'its grace as a stopped instance is over');
    case 'destroy':
      return destroyNow(world, run, because);
    case 'destroy_after_grace':
      return world.now - run.stage_since < run.spec.teardown.idle_grace ? [] : destroyNow(world, run, because);
    case 'rescue_first':
    case 'wait':
      return [];
  }
}

function destroyNow(world: World, run: RunState, reason: string): Action[] {
  const instance = instanceOf(world, run);
  const gate = run.rescue?.verdict;
  if (!instance || !gate || gate === 'unverified' || instance.gone_at !== null) return [];
  // Accepted is not gone: as long as a good list shows it, it is asked again.
  const asked = instance.destroy === 'accepted' && (world.now - (instance.destroy_at ?? 0) < DESTROY_AGAIN_MS || instance.absent_reads > 0);
  return asked || !ready(world, run, 'destroy') ? [] : [{ do: 'destroy', run: run.id, instance: instance.id, gate, reason }];
}
