// Measures progress and triage against a labelled corpus: node test/bench/corpus.mjs PATH [--misses]
import { readFileSync } from 'node:fs';
import { bundle } from './bundle.mjs';

const [path, ...flags] = process.argv.slice(2);
if (!path) {
  console.log('usage: node test/bench/corpus.mjs FILE.jsonl [--misses]');
  process.exit(2);
}
const { readLog, triage } = await bundle("export { readLog } from './src/core/progress/index.ts'; export { triage } from './src/core/triage/index.ts';");
const cases = readFileSync(path, 'utf8').split('\n').filter((line) => line.trim() !== '').map((line) => JSON.parse(line));
const fold = (name) => name.toLowerCase().replace(/[^a-z0-9]/g, '');
const near = (a, b) => a != null && b != null && Math.abs(a - b) <= Math.max(1e-9, Math.abs(b) * 1e-6);
const sameRate = (got, want) => got != null && near(got.value, want.value) && got.unit === want.unit;
const sameEval = (got, want) => {
  const named = new Map(Object.entries(got ?? {}).map(([name, value]) => [fold(name), value]));
  return Object.entries(want).every(([name, value]) => near(named.get(fold(name)), value));
};
const same = { step: near, total_steps: near, epoch: near, loss: near, rate: sameRate, eval: sameEval };

const table = {};
const misses = [];
let alarms = 0;
const score = (field, right, id, got, want) => {
  const row = (table[field] ??= { right: 0, of: 0 });
  row.of++;
  if (right) row.right++;
  else misses.push(`${id}  ${field}: got ${JSON.stringify(got)}, expected ${JSON.stringify(want)}`);
};
const started = performance.now();
for (const { id, kind, text, expect, exit_code, signal } of cases) {
  const verdict = triage({ log: text, exit_code, signal });
  if (kind === 'healthy') {
    const reading = readLog(text);
    for (const [field, equal] of Object.entries(same)) {
      const want = expect[field];
      if (want != null) score(field, equal(reading[field], want), id, reading[field], want);
      else if (reading[field] != null) score(`${field} (null)`, false, id, reading[field], want);
      else score(`${field} (null)`, true);
    }
    if (verdict.kind !== 'healthy') {
      alarms++;
      misses.push(`${id}  false alarm: ${verdict.kind} ${verdict.cause} "${verdict.signature}"`);
    }
  } else {
    const accepted = [expect.cause, ...(expect.accept ?? [])];
    score('cause, strict', verdict.cause === expect.cause, id, verdict.cause, expect.cause);
    score('cause, accepted', accepted.includes(verdict.cause), id, `${verdict.cause} "${verdict.signature}"`, accepted);
    score('kind', verdict.kind === kind, id, verdict.kind, kind);
    if (expect.transient !== undefined) score('transient', verdict.transient === expect.transient, id, verdict.transient, expect.transient);
    if (expect.signature) {
      const [got, want] = [fold(verdict.signature), fold(expect.signature)];
      score('signature', want !== '' && (got.includes(want) || want.includes(got)) && got !== '', id, verdict.signature, expect.signature);
    }
  }
}
const spent = performance.now() - started;
for (const [field, { right, of }] of Object.entries(table)) console.log(`${field.padEnd(20)} ${String(right).padStart(4)} / ${String(of).padStart(4)}  ${((100 * right) / of).toFixed(1)} %`);
const healthy = cases.filter(({ kind }) => kind === 'healthy').length;
console.log(`${'false alarms'.padEnd(20)} ${String(alarms).padStart(4)} / ${String(healthy).padStart(4)}`);
console.log(`${cases.length} cases in ${spent.toFixed(0)} ms`);
if (flags.includes('--misses') || misses.length <= 40) for (const miss of misses) console.log(`  ${miss}`);
