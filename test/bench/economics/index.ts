/** The economics bench: a seeded fleet under each policy, its table, its sensitivity, its picture. */
import { writeFileSync } from 'node:fs';
import { BASE } from './assumptions.ts';
import { answerAsThread, runFleet } from './fleet.ts';
import { plot } from './plot.ts';
import { policies } from './policies.ts';
import { goals, notBest, sensitivityTable, sources, table } from './report.ts';
import type { Figures } from './score.ts';
import { sensitivity } from './sensitivity.ts';

export interface BenchOptions {
  runs: number;
  seed: number;
  json: boolean;
  agent: string;
  bundle: string | null;
  threads?: number | undefined;
  /** Where the picture goes; null: nowhere. */
  svg: string | null;
}

export const SENSITIVITY_SHARE = 0.4;

export interface Result {
  policies: Figures[];
  seed: number;
  runs: number;
}

export async function economics({ runs, seed, json, agent, bundle, threads, svg }: BenchOptions): Promise<void> {
  const fleet = await runFleet({ seed, runs, assumptions: BASE, agent, bundle, threads });
  const result: Result = { policies: fleet.figures.map(rounded), seed, runs };
  if (json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  const found = fleet.figures;
  const worse = notBest(found);
  process.stdout.write(`${runs} runs, seed ${seed}; the same worlds for each policy; after a policy gives up, the owner repairs at the next look\n\n${table(found)}\n\n`);
  process.stdout.write(`goals\n${goals(found, fleet.floorOnDemand).map(({ words, holds }) => `  ${holds ? 'holds' : 'FALLS SHORT'}: ${words}`).join('\n')}\n\n`);
  process.stdout.write(`where ours is not the best\n${worse.length === 0 ? '  nowhere' : worse.map((line) => `  ${line}`).join('\n')}\n\n`);
  if (svg !== null) writeFileSync(svg, plot(found, runs));
  const some = Math.max(1, Math.round(runs * SENSITIVITY_SHARE));
  process.stdout.write(`${sensitivityTable(await sensitivity({ seed, runs: some, agent, bundle, threads }, fleet.ours), some)}\n\n`);
  process.stdout.write(`where the policies come from\n${sources(policies(BASE))}\n`);
}

/** Six figures are more than a simulation knows. */
function rounded(one: Figures): Figures {
  return Object.fromEntries(Object.entries(one).map(([key, value]: [string, unknown]) => [key, typeof value === 'number' ? Number(value.toPrecision(6)) : value])) as unknown as Figures;
}

void answerAsThread();
