/**
 * The program under soak, in a process of its own so that its memory and handles are its own: the production loops over as many
 * runs as are asked for. A run that is over is followed by the next. Tells a line of JSON every few seconds; ends its runs
 * when its standard input closes.
 */
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openApp } from '../../src/app.ts';
import { createClock } from '../../src/clock.ts';
import { isClosed } from '../../src/core/state.ts';

export interface Report {
  at: number;
  /** The heap without the state, which grows with the runs that it tells of, and the state's share of it. */
  heap_mb: number;
  state_mb: number;
  /** The most that the loop was late since the last report. */
  lag_ms: number;
  open: number;
  closed: number;
  incidents: number;
  resolved: number;
  steps: Record<string, { step: number; instance: number; attempt: number }>;
  verdicts: Record<string, number>;
  /** All of it on the disk, what is put away and compressed too. */
  journal_mb: number;
  done: boolean;
  /** Runs that are still open, with their stages. */
  stages: Record<string, number>;
}

const [dir = '', url = '', apiKey = '', scale = '60', wanted = '1', steps = '500'] = process.argv.slice(2);
const wire = createClock();
const env = { PATH: process.env['PATH'], HOME: join(dir, 'home') };
const project = join(dir, 'project');
const app = await openApp({ env, project, stateDir: join(dir, 'state'), scale: Number(scale), url, apiKey, brain: false, what: 'the soak' });
let ending = false;
let made = 0;
const counts = { incidents: 0, resolved: 0 };
app.subscribe((events) => {
  for (const { type } of events) {
    if (type === 'incident.opened') counts.incidents += 1;
    if (type === 'incident.resolved') counts.resolved += 1;
  }
});
app.running.catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
process.stdin.on('end', () => (ending = true)).resume();

/** Lengths differ, so that runs end all along and not at once. */
const submit = async (): Promise<void> => {
  made += 1;
  const length = Math.round(Number(steps) * (0.4 + ((made * 7) % 10) / 10));
  const train = `node train.mjs --steps ${length} --batch-size {batch_size} --grad-accum {grad_accum} --seconds-per-step 96 --save-every 20 --eval-every 40`;
  const spec = `name: soak-${made}\nimage: bench\nhardware: { gpu: [RTX 4090], max_usd_per_hour: 2, disk_gb: 10 }\nupload: [train.mjs]\nrun: ${train}\ncheckpoints: { path: ckpt/*.json, resume: '${train} --resume {checkpoint}' }\nartifacts: ['out/**']\nknobs: { batch_size: { value: 32, floor: 1, keeps: grad_accum }, grad_accum: { value: 1, floor: 1 } }\nkill: { hours: 1000, dollars: 1000 }\nteardown: { idle_grace: 2m }\n`;
  await writeFile(join(project, 'spec.yaml'), spec);
  await app.submit('spec.yaml');
};

const sizeOf = async (name: RegExp): Promise<number> => {
  const sizes = (await readdir(join(dir, 'state'))).filter((one) => name.test(one)).map((one) => stat(join(dir, 'state', one)).then(({ size }) => size, () => 0));
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0) / 2 ** 20;
};
/** What the state takes of the heap: as much as a copy of it takes. */
function stateMb(): number {
  global.gc?.();
  const before = process.memoryUsage().heapUsed;
  const copy = structuredClone(app.store.getState());
  global.gc?.();
  return copy.seq >= 0 ? (process.memoryUsage().heapUsed - before) / 2 ** 20 : 0;
}
const delay = monitorEventLoopDelay({ resolution: 20 });
delay.enable();
const ends = { at: 0, within_ms: 300_000 };
for (;;) {
  const runs = Object.values(app.store.getState().runs);
  const open = runs.filter((run) => !isClosed(run));
  if (!ending) for (let n = open.length; n < Number(wanted); n += 1) await submit();
  // One after the other, as a person would; results come home first.
  if (ending) for (const run of open) if (run.verdict === null) await app.command({ do: 'destroy', run: run.id, waive: false });
  const state_mb = stateMb();
  global.gc?.();
  const verdicts: Record<string, number> = {};
  for (const { verdict } of runs) if (verdict) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  const stages: Record<string, number> = {};
  for (const { stage } of open) stages[stage] = (stages[stage] ?? 0) + 1;
  const report: Report = {
    at: wire.now(), heap_mb: process.memoryUsage().heapUsed / 2 ** 20 - state_mb, state_mb, lag_ms: delay.max / 1e6, open: open.length, closed: runs.length - open.length, ...counts, verdicts, stages,
    steps: Object.fromEntries(open.flatMap((run) => (run.stage === 'training' && run.instance !== null ? [[run.id, { step: run.progress?.reading.step ?? 0, instance: run.instance, attempt: run.attempt }]] : []))),
    journal_mb: await sizeOf(/^journal/),
    done: ending && open.length === 0,
  };
  delay.reset();
  console.log(JSON.stringify(report));
  if (ending) ends.at ||= wire.now();
  if (report.done || (ending && wire.now() - ends.at > ends.within_ms)) break;
  await wire.sleep(ending ? 1_000 : 5_000);
}
await app.close();
process.exit(0);
