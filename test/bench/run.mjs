// npm run bench -- NAME [ARGS]: measurements, each a program of its own that prints a table (or JSON with --json, where it has it).
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BENCHES = {
  corpus: ['corpus.mjs', 'FILE.jsonl [--misses]: progress fields and causes against a labelled corpus'],
  economics: ['economics.mjs', '[--json] [--runs N] [--seed S] [--svg FILE]: what watching is worth, on a simulated fleet, beside what people use today'],
  'parser-speed': ['parser-speed.mjs', '[MB]: how fast the progress reader and triage are, on one core'],
  crash: ['crash.mjs', '[--workers N] [--most N]: kill -9 of the real program at every journal write and API call, and how each ended'],
  push: ['push.mjs', '[--json] [--deaths N]: from the death of a process to its event in the journal, and what the sentinel costs'],
  soak: ['soak.mjs', '[--instances N] [--minutes M] [--seed N] [--json]: many boxes, random faults, flat memory and handles, nothing billing at the end (50 for 15 min)'],
  tokens: ['tokens.mjs', '[--json]: what a day with three incidents costs in tokens, beside a naive agent that polls'],
};

const [name, ...args] = process.argv.slice(2);
const bench = Object.hasOwn(BENCHES, name ?? '') ? BENCHES[name] : undefined;
if (!bench) {
  console.error(`usage: npm run bench -- NAME [ARGS]\n${Object.entries(BENCHES).map(([each, [, words]]) => `  ${each} ${words}`).join('\n')}`);
  process.exit(2);
}
const { status } = spawnSync(process.execPath, [fileURLToPath(new URL(bench[0], import.meta.url)), ...args], { stdio: 'inherit' });
process.exit(status ?? 1);
