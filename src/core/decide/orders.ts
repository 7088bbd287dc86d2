/** What the world's time makes of a person's orders: a destroy whose grace is over, a bid that is to be made. */
import type { Action } from '../actions.ts';
import { instanceOf, runsOf, type RunState, type World } from '../state.ts';
import { emit, ready } from './ready.ts';

/** Also of runs that are closed and kept. */
export function decideDue(world: World): Action[] {
  return runsOf(world).flatMap((run) => (run.destroy_pending && run.destroy_pending.until <= world.now ? [emit({ type: 'destroy.due', run: run.id })] : []));
}

export function decideBid(world: World, run: RunState): Action[] {
  const { bid_ordered } = run;
  const instance = instanceOf(world, run);
  if (!bid_ordered || !instance || instance.id !== bid_ordered.instance || instance.destroy !== 'none' || !ready(world, run, 'raise_bid')) return [];
  return [{ do: 'raise_bid', run: run.id, instance: instance.id, from: instance.facts.dph_base, to: bid_ordered.usd_per_hour, reason: 'the user ordered it' }];
}
