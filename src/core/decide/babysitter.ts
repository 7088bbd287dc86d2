/** The babysitter's decisions: from a first forward step to an instance that is gone. Pure: world in, actions out. */
import type { Action } from '../actions.ts';
import { runCost } from '../ledger.ts';
import type { RunState, World } from '../state.ts';
import { killCriterion } from '../triggers/index.ts';
import { decideAlerts } from './alerts.ts';
import { decideAway, decideLeft } from './away.ts';
import { keepPatches } from './consult.ts';
import { decideBid } from './orders.ts';
import { emit } from './ready.ts';
import { repair } from './recover.ts';
import { rescue, tearDown } from './wind-up.ts';
import { judgeEnd, watch } from './watch.ts';

export function decideBabysitter(world: World, run: RunState): Action[] {
  return run.stage === 'closed' ? [] : [...decideLeft(world, run), ...keepPatches(world, run), ...decideBid(world, run), ...decideRun(world, run)];
}

function decideRun(world: World, run: RunState): Action[] {
  if (run.hold && run.hold.until <= world.now) return [emit({ type: 'hold.ended', run: run.id, why: 'expired' })];
  if (run.verdict === null) {
    if (run.destroy_ordered) return [emit({ type: 'run.ended', run: run.id, verdict: 'destroyed_by_user', reason: run.destroy_ordered.waive ? 'the user ordered it and waived what is not at home' : 'the user ordered it' })];
    const criterion = killCriterion(run, runCost(world, run).usd, world.now);
    if (criterion && !run.hold) return [emit({ type: 'run.ended', run: run.id, verdict: 'killed_by_criterion', reason: criterion })];
  }
  const away = decideAway(world, run);
  if (away) return away;
  switch (run.stage) {
    case 'training':
      return [...watch(world, run), ...decideAlerts(world, run)];
    case 'ended':
      return judgeEnd(world, run);
    case 'repairing':
      return repair(world, run);
    case 'rescuing':
      return rescue(world, run);
    case 'tearing_down':
      return tearDown(world, run);
    default:
      return [];
  }
}
