/** When a suggested change is tried, and what becomes of it. */
import type { Action } from '../actions.ts';
import type { RunState, World } from '../state.ts';
import { judgeTrial, LEAST_GAIN, nextTrial, onTrial, type Trial } from '../tune.ts';
import { figure } from '../line.ts';
import { emit } from './ready.ts';

export function tune(world: World, run: RunState): Action[] {
  const trial = onTrial(run);
  if (trial === null) {
    const next = nextTrial(run, world.now);
    return next === null ? [] : [emit({ type: 'trial.chosen', run: run.id, trial: next, why: whyNow(next) })];
  }
  const verdict = judgeTrial(run, trial, world.now);
  return verdict === null ? [] : [emit({ type: 'trial.judged', run: run.id, trial: trial.n, ...verdict })];
}

const whyNow = ({ before, expected }: Omit<Trial, 'ended'>): string =>
  `about +${Math.round(100 * expected)} % on ${figure(before)} steps/s; the training starts again from its newest checkpoint, and what gains less than ${Math.round(100 * LEAST_GAIN)} % is taken back`;

/** A failure under a change on trial speaks against the change first: it is taken back before the ladder is entered. Null: none is on trial. */
export function takeBack(run: RunState, attempt: number, summary: string): Action[] | null {
  const trial = onTrial(run);
  return trial === null || attempt <= trial.attempt ? null : [emit({ type: 'trial.judged', run: run.id, trial: trial.n, how: 'reverted', after: null, reason: `it failed: ${summary}` })];
}
