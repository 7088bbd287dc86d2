/** A demo's project: its experiments and the trainer that they upload. */
import { cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { assetPath } from './assets.ts';

/** The shipped scenarios that have trainings of their own. */
export const DEMOS = ['demo', 'tuning', 'recovery'] as const;
export type DemoName = (typeof DEMOS)[number];

/** Writes the specs of a scenario and train.mjs into `dir` (made when absent). Resolves with the specs' absolute paths, sorted. */
export async function prepareDemo(dir: string, scenario: DemoName = 'demo'): Promise<string[]> {
  await mkdir(dir, { recursive: true });
  await cp(assetPath('train.mjs'), join(dir, 'train.mjs'));
  const specs = (await readdir(assetPath(scenario))).filter((name) => name.endsWith('.yaml')).sort();
  for (const spec of specs) await cp(assetPath(scenario, spec), join(dir, spec));
  return specs.map((spec) => join(dir, spec));
}
