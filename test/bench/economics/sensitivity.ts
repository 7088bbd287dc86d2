/** What the result hangs on: the same fleet with one assumption at a time at its low and at its high value. */
import { BASE, type Assumptions } from './assumptions.ts';
import { runFleet, type FleetOptions } from './fleet.ts';
import { isPeer } from './policies.ts';
import type { Figures, Outcome } from './score.ts';

interface Case {
  words: string;
  change: Partial<Assumptions>;
}

/** Those that move the comparison most; ranges as published or assumed beside each in assumptions.ts. */
export const CASES: readonly Case[] = [
  { words: 'the model finds the right diagnosis: 14 %', change: { rightDiagnosis: 0.14 } },
  { words: 'the model finds the right diagnosis: 85 %', change: { rightDiagnosis: 0.85 } },
  { words: 'an attempt fails: 17 %', change: { failureShare: 0.17 } },
  { words: 'an attempt fails: 43 %', change: { failureShare: 0.43 } },
  { words: 'a rerun cures: 8 % of failures', change: { rerunShare: 0.08 } },
  { words: 'a rerun cures: 34 % of failures', change: { rerunShare: 0.34 } },
];

export interface Sensitivity {
  words: string;
  figures: Figures[];
}

/** The first is the base. */
export async function sensitivity(options: Omit<FleetOptions, 'assumptions' | 'known'>, ours: readonly Outcome[]): Promise<Sensitivity[]> {
  const base = await runFleet({ ...options, assumptions: BASE, known: ours });
  const found: Sensitivity[] = [{ words: 'as assumed', figures: base.figures }];
  for (const { words, change } of CASES) found.push({ words, figures: (await runFleet({ ...options, assumptions: { ...BASE, ...change }, known: ours })).figures });
  return found;
}

/** The best peer at something; `high`: more is better. */
export function bestPeer(figures: readonly Figures[], of: (one: Figures) => number, high = false): Figures | undefined {
  return figures.filter(({ name }) => isPeer(name)).sort((a, b) => (high ? of(b) - of(a) : of(a) - of(b)))[0];
}
