// Bundles the simulated fleet with the program's sources, so that threads can load it: node test/bench/economics.mjs [--json] [--runs N] [--seed S]
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const whole = (text, least) => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  console.error('usage: npm run bench -- economics [--json] [--runs N] [--seed S] [--svg FILE] [--threads N]');
  process.exit(2);
};
const { values } = parseArgs({ options: { json: { type: 'boolean', default: false }, runs: { type: 'string', default: '1000' }, seed: { type: 'string', default: '7' }, svg: { type: 'string' }, threads: { type: 'string' } } });
const options = { json: values.json, runs: whole(values.runs, 1), seed: whole(values.seed, 0), svg: values.svg ?? null, threads: values.threads === undefined ? undefined : whole(values.threads, 1), agent: await readFile(join(root, 'agents/babysitter.md'), 'utf8') };
const dir = await mkdtemp(join(tmpdir(), 'vastsit-bench-'));
try {
  const outfile = join(dir, 'economics.mjs');
  await build({ entryPoints: [join(root, 'test/bench/economics/index.ts')], outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20', banner: { js: `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(${JSON.stringify(new URL('../../package.json', import.meta.url).href)});` }, logLevel: 'error' });
  const { economics } = await import(pathToFileURL(outfile).href);
  await economics({ ...options, bundle: outfile });
} finally {
  await rm(dir, { recursive: true, force: true });
}
