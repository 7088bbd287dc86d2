/** Which lines are said about a run and about the account. Nothing here acts. */
import type { Action } from '../actions.ts';
import type { RunState, World } from '../state.ts';
import { alertChange, ALERTS, looks } from '../triggers/alerts.ts';
import { creditLow } from '../triggers/market.ts';
import { emit } from './ready.ts';

export function decideAlerts(world: World, run: RunState): Action[] {
  return looks(world, run).flatMap(({ kind, look }) => {
    const change = alertChange(run.eyes.alerts[kind], look, world.now);
    if (change === null) return [];
    return [emit(change.is === 'open' ? { type: 'alert.opened', run: run.id, alert: kind, words: change.words } : { type: 'alert.closed', run: run.id, alert: kind, words: ALERTS[kind].over })];
  });
}

export function decideCredit(world: World): Action[] {
  const change = alertChange(world.credit_alert ?? undefined, creditLow(world), world.now);
  if (change === null) return [];
  return [emit(change.is === 'open' ? { type: 'alert.opened', run: null, alert: 'credit_low', words: change.words } : { type: 'alert.closed', run: null, alert: 'credit_low', words: 'the credit lasts again' })];
}

/** Is a window of looks half full of something bad? Then the next look should not wait for the cadence. */
export const doubtful = (world: World, run: RunState): boolean => looks(world, run).some(({ kind, look }) => look.is === 'doubt' && run.eyes.alerts[kind]?.open !== true);
