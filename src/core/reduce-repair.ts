/** How a repair goes on, whoever ordered it. */
import type { Attempt, RunState, Stage } from './state.ts';

/** Where a repair goes once nothing runs on the box any more. */
export function afterStop(run: RunState): RunState {
  switch (run.repair?.remedy.rung) {
    case 'fix':
      return { ...run, stage: 'repairing' };
    case 'switch':
      return { ...run, stage: 'rescuing', rescue: null };
    case 'rerun':
    case 'reduce':
      return { ...run, stage: resumeStage(run) };
    case undefined:
      return run;
  }
}

/** A setup that failed is run again; after a failed training only the start is repeated. */
export const resumeStage = (run: RunState): Stage => (run.prepared ? 'starting' : 'preparing');

export function attemptPatch(run: RunState, number: number, patch: Partial<Attempt>): RunState {
  return { ...run, attempts: run.attempts.map((attempt) => (attempt.number === number ? { ...attempt, ...patch } : attempt)) };
}
