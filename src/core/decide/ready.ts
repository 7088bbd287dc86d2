import type { Action, Effect } from '../actions.ts';
import type { Body } from '../events.ts';
import type { RunState, World } from '../state.ts';

/** A conclusion. */
export const emit = (body: Body): Action => ({ do: 'emit', body });

/** May this effect be tried again, after its last failure? */
export const ready = (world: World, run: RunState, effect: Effect['do']): boolean => (run.backoff[effect]?.until ?? 0) <= world.now;

/** Has this effect failed at least twice in a row, with the stage older than `ms`? */
export const failingFor = (world: World, run: RunState, effect: Effect['do'], ms: number): boolean => (run.backoff[effect]?.count ?? 0) > 1 && world.now - run.stage_since > ms;

const FIRST_MS = 3_000;
const LONGEST_MS = 300_000;

/** When to retry after the `count`th failure in a row: 3 s doubling to 5 min. */
export const backoffMs = (count: number): number => Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(10, Math.max(0, count - 1)));
