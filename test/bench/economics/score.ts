/** What a policy made of one run, and of the fleet. */
import { HOUR } from './assumptions.ts';
import { morningAfter } from './person.ts';
import { priceOf, type Fate } from './world.ts';

export interface Failure {
  at: number;
  seenAt: number;
  /** When training got beyond the place where it had ended. */
  recoveredAt: number;
}

export interface Outcome {
  /** $ billed for instances. */
  billed: number;
  /** $ of the same that a flawless run would have cost: set-up, training and results, once. */
  useful: number;
  /** $ of a language model, and its tokens. */
  agent: number;
  tokens: number;
  finishedAt: number;
  /** A person had to act before it finished. */
  byPerson: boolean;
  failures: readonly Failure[];
  /** Processes that made progress and were ended. */
  busyKilled: number;
  /** ms of training that had to be done again. */
  lost: number;
}

export interface Figures {
  name: string;
  waste_per_100: number;
  usd_per_finished: number;
  hours_per_finished: number;
  finished_by_morning: number;
  detect_s: number;
  recover_s: number;
  busy_killed: number;
  work_lost_h: number;
  tokens: number;
}

export const usefulUsd = (fate: Fate, usdPerHour = priceOf(fate)): number => (usdPerHour * (fate.setup + fate.training + fate.results)) / HOUR;

export function figures(name: string, fates: readonly Fate[], outcomes: readonly Outcome[]): Figures {
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const failures = outcomes.flatMap((outcome) => outcome.failures);
  const mean = (of: (failure: Failure) => number): number => (failures.length === 0 ? 0 : failures.reduce((total, failure) => total + of(failure), 0) / failures.length);
  const spent = sum(({ billed, agent }) => billed + agent);
  const useful = sum((outcome) => outcome.useful);
  const byMorning = outcomes.filter((outcome, index) => !outcome.byPerson && outcome.finishedAt <= morningAfter(fates[index]?.launch ?? 0)).length;
  return {
    name,
    waste_per_100: (100 * (spent - useful)) / useful,
    usd_per_finished: spent / outcomes.length,
    hours_per_finished: outcomes.reduce((total, { finishedAt }, index) => total + finishedAt - (fates[index]?.launch ?? 0), 0) / HOUR / outcomes.length,
    finished_by_morning: byMorning / outcomes.length,
    detect_s: mean(({ at, seenAt }) => seenAt - at) / 1_000,
    recover_s: mean(({ at, recoveredAt }) => recoveredAt - at) / 1_000,
    busy_killed: sum(({ busyKilled }) => busyKilled),
    work_lost_h: sum(({ lost }) => lost) / HOUR,
    tokens: sum(({ tokens }) => tokens),
  };
}
