/** The early-stop guardrail: patient enough for a comprehensive finetuning, and a policy, not a failure, when it acts. */
import type { Spec } from './spec.ts';

/** Values of the objective kept for the judgement. */
const EVALS_KEPT = 500;

/** Share of a run that must be trained before anything may be judged by its metric. */
const LEAST_SHARE = 0.1;

export const lowestMinSteps = (total: number): number => Math.ceil(total * LEAST_SHARE);
export const minStepsLow = (min_steps: number, total: number): boolean => min_steps < lowestMinSteps(total);

export interface Eval {
  step: number;
  value: number;
}

/** The objective's value in an evaluation: its own name, or with the prefix that trainers give. The training loss is no evaluation. */
export function objectiveIn(spec: Spec, values: Readonly<Record<string, number>> | null): number | null {
  const { metric } = spec.objective;
  for (const name of [metric, `eval_${metric}`, `val_${metric}`, `valid_${metric}`, `eval/${metric}`, `val/${metric}`]) {
    const value = values?.[name];
    if (value !== undefined && Number.isFinite(value)) return value;
  }
  return null;
}

/** Adds an evaluation; one step is judged once, by its newest value, and what a resume repeats replaces what it repeats. */
export const addEval = (evals: readonly Eval[], step: number, value: number): Eval[] => [...evals.filter((one) => one.step < step), { step, value }].slice(-EVALS_KEPT);

/**
 * Why the run may stop now, null while it must go on: beyond `min_steps`, and `patience` evaluations in a row have not
 * improved the best one by more than `min_delta`.
 */
export function earlyStop(spec: Spec, evals: readonly Eval[]): string | null {
  const policy = spec.early_stop;
  const last = evals.at(-1);
  if (!policy || !last || last.step < policy.min_steps) return null;
  const sign = spec.objective.direction === 'min' ? 1 : -1;
  let best: Eval | null = null;
  let stale = 0;
  for (const one of evals) {
    if (best === null || sign * (best.value - one.value) > policy.min_delta) {
      best = one;
      stale = 0;
      // Evaluations before the minimum count for the best value, never against the run.
    } else if (one.step >= policy.min_steps) stale += 1;
  }
  return best !== null && stale >= policy.patience ? `${spec.objective.metric} has not improved on ${best.value} (step ${best.step}) by more than ${policy.min_delta} in ${stale} evaluations after step ${policy.min_steps}` : null;
}
