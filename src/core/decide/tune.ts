/** When a suggested change is tried, and what becomes of it. */
import type { Action } from '../actions.ts';
import type { RunState, World } from '../state.ts';
import { changeWords, judgeTrial, nextTrial, onTrial } from '../tune.ts';
import { emit } from './ready.ts';

export function tune(world: World, run: RunState): Action[] {
  const trial = onTrial(run);
  if (trial === null) {
    const next = nextTrial(run, world.now);
    return next === null ? [] : [emit({ type: 'trial.chosen', run: run.id, trial: next, why: `held back by ${next.bottleneck}; ${changeWords(next.change)} may gain ${Math.round(100 * next.expected)} %` })];
  }
  const verdict = judgeTrial(run, trial, world.now);
  return verdict === null ? [] : [emit({ type: 'trial.judged', run: run.id, trial: trial.n, ...verdict })];
}

/** A failure under a change on trial speaks against the change first: it is taken back before the ladder is entered. Null: none is on trial. */
export function takeBack(run: RunState, attempt: number, summary: string): Action[] | null {
  const trial = onTrial(run);
  return trial === null || attempt <= trial.attempt ? null : [emit({ type: 'trial.judged', run: run.id, trial: trial.n, how: 'reverted', after: null, reason: `it failed: ${summary}` })];
}
