/** The demo's project: its experiments and the trainer that they upload. */
import { cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { assetPath } from './assets.ts';

/** Writes the demo's specs and train.mjs into `dir` (made when absent). Resolves with the specs' absolute paths, sorted. */
export async function prepareDemo(dir: string): Promise<string[]> {
  await mkdir(dir, { recursive: true });
  await cp(assetPath('train.mjs'), join(dir, 'train.mjs'));
  const specs = (await readdir(assetPath('demo'))).filter((name) => name.endsWith('.yaml')).sort();
  for (const spec of specs) await cp(assetPath('demo', spec), join(dir, spec));
  return specs.map((spec) => join(dir, spec));
}
