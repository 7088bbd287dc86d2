/**
 * How soon the journal knows that a training process died, and what the sentinel costs. The production program watches
 * boxes of the embedded market: real SSH, real processes, real kills. Beside it, for the same deaths: a poll every
 * 20 seconds and the cadence alone, as they would have seen them.
 */
import { randomInt } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openApp, type App } from '../../src/app.ts';
import { createClock } from '../../src/clock.ts';
import { advanceCadence, startCadence } from '../../src/core/cadence.ts';
import type { Event } from '../../src/core/events.ts';
import { startSim } from '../../src/sim/index.ts';

const wire = createClock();
/** Prices and pauses between API calls run this much faster; the sentinel, SSH and the engine's own look do not. */
const SCALE = 20;
const AT_ONCE = 6;
/** Reductions that the ladder allows, and the last death. */
const DEATHS_A_RUN = 5;
const COST_S = 60;
const POLL_MS = 20_000;

const TRAINER = 'i=0; while :; do i=$((i + 1)); echo "iter $i: loss 0.$((9000 - i)), time 500.00ms"; sleep 0.5; done\n';
const SPEC = `
name: NAME
image: bench
hardware: { max_usd_per_hour: 2, disk_gb: 10 }
upload: [train.sh]
run: sh train.sh {workers}
knobs: { workers: { value: 64, floor: 1, answers: [host_oom_killed] } }
kill: { hours: 100, dollars: 1000 }
teardown: { idle_grace: 1s }
`;

interface Death {
  ms: number;
  pushed: boolean;
}

interface Place {
  app: App;
  /** Launches another run of the bench's spec; resolves with its id. */
  launch(): Promise<string>;
  close(): Promise<void>;
}

async function open(dir: string, scale: number): Promise<Place> {
  const project = join(dir, 'project');
  await mkdir(project, { recursive: true });
  await writeFile(join(project, 'train.sh'), TRAINER);
  const clock = createClock(scale);
  const offers = Array.from({ length: AT_ONCE + 2 }, (_, index) => ({ machine: index + 1, gpu: 'RTX 4090', gpus: 4, reliability: 0.999 }));
  const sim = await startSim({ scenario: { credit_usd: 100_000, loading: { provision: '1s', pull: '3s', destroy: '2s', stop: '1s' }, offers }, clock, dir: join(dir, 'market') });
  const app = await openApp({ env: process.env, project, stateDir: join(dir, 'state'), scale, url: sim.url, apiKey: sim.apiKey, what: 'the bench' });
  let launched = 0;
  return {
    app,
    async launch() {
      launched += 1;
      const path = join(project, `push-${launched}.yaml`);
      await writeFile(path, SPEC.replace('NAME', `push-${launched}`));
      return app.submit(path);
    },
    async close() {
      await app.close();
      await sim.close();
    },
  };
}

/** Resolves with the first event from now on that matches. */
function next<T extends Event['type']>(app: App, type: T, matches: (event: Extract<Event, { type: T }>) => boolean): Promise<Extract<Event, { type: T }>> {
  return new Promise((resolve) => {
    const stop = app.subscribe((events) => {
      const found = events.find((event): event is Extract<Event, { type: T }> => event.type === type && matches(event as Extract<Event, { type: T }>));
      if (!found) return;
      stop();
      resolve(found);
    });
  });
}

async function takeDeaths(place: Place, count: number, said: (done: number) => void): Promise<{ deaths: Death[]; probes: number[] }> {
  const { app } = place;
  const deaths: Death[] = [];
  const probes: number[] = [];
  let promised = 0;
  const one = async (): Promise<void> => {
    while (promised < count) {
      const mine = Math.min(DEATHS_A_RUN, count - promised);
      promised += mine;
      let run = '';
      const pids = new Map<number, number>();
      let heard: (life: { attempt: number; pid: number }) => void = () => undefined;
      const stop = app.subscribe((events) => {
        for (const event of events) {
          if (!('run' in event) || event.run !== run) continue;
          if (event.type === 'process.started') pids.set(event.attempt, event.pid);
          const pid = event.type === 'progress.marked' && event.reading.step !== null ? pids.get(event.attempt) : undefined;
          // Watched: the stream is open, and a step of this attempt was heard.
          if (event.type === 'progress.marked' && pid !== undefined) heard({ attempt: event.attempt, pid });
        }
      });
      /** The next attempt after this one that is watched. */
      const watched = (last: number): Promise<{ attempt: number; pid: number }> =>
        new Promise((resolve) => {
          heard = (life) => (life.attempt > last ? resolve(life) : undefined);
        });
      let soon = watched(0);
      run = await place.launch();
      for (let life = 1; life <= mine; life += 1) {
        const { attempt, pid } = await inTime(soon, run, app);
        if (life === 1 && probes.length < 20) probes.push(await timeProbe(app, run));
        await wire.sleep(randomInt(100, 1_500));
        const known = next(app, 'process.exited', (event) => event.run === run && event.attempt === attempt);
        soon = watched(attempt);
        const killed = performance.now();
        process.kill(-pid, 'SIGKILL');
        const { pushed } = await inTime(known, run, app);
        deaths.push({ ms: performance.now() - killed, pushed });
        said(deaths.length);
      }
      stop();
      await app.command({ do: 'destroy', run, waive: true });
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, Math.ceil(count / DEATHS_A_RUN)) }, one));
  return { deaths, probes };
}

const PATIENCE_MS = 90_000;

/** Rejects, with what the run last did, when it takes too long: a bench that waits for ever measures nothing. */
async function inTime<T>(what: Promise<T>, run: string, app: App): Promise<T> {
  const late = new AbortController();
  const result = await Promise.race([what.then((value) => ({ value })), wire.sleep(PATIENCE_MS, late.signal).then(() => null)]);
  late.abort();
  if (result === null) throw new Error(`${run} got stuck: ${app.store.getState().runs[run]?.stage ?? 'unknown'}; ${app.store.getState().said.filter((said) => said.run === run).at(-1)?.text ?? ''}`);
  return result.value;
}

/** Real ms that one look takes: what every poll pays on top of waiting. */
async function timeProbe(app: App, run: string): Promise<number> {
  const began = performance.now();
  const looked = next(app, 'check.done', (event) => event.run === run);
  await app.command({ do: 'check', run });
  await looked;
  return performance.now() - began;
}

/** The sentinel's processes on a box: everything at work in the run's directory that is not the training itself. */
async function sentinels(project: string): Promise<{ cpu_ticks: number; rss_kb: number; pss_kb: number; count: number }> {
  const sum = { cpu_ticks: 0, rss_kb: 0, pss_kb: 0, count: 0 };
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    try {
      if (!(await readlink(`/proc/${pid}/cwd`)).startsWith(project)) continue;
      if ((await readFile(`/proc/${pid}/environ`, 'latin1')).includes('VASTSIT_MARK=')) continue;
      const command = await readFile(`/proc/${pid}/cmdline`, 'latin1');
      if (!command.includes('sentinel.sh') && !command.includes('.vastsit/log.')) continue;
      const stat = (await readFile(`/proc/${pid}/stat`, 'latin1')).replace(/^.*\) /s, '').split(' ');
      // utime, stime, and those of the children that it has waited for.
      sum.cpu_ticks += [11, 12, 13, 14].reduce((total, field) => total + Number(stat[field]), 0);
      const memory = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1');
      sum.rss_kb += Number(/^Rss: +(\d+)/m.exec(memory)?.[1] ?? 0);
      sum.pss_kb += Number(/^Pss: +(\d+)/m.exec(memory)?.[1] ?? 0);
      sum.count += 1;
    } catch {
      // It ended meanwhile.
    }
  }
  return sum;
}

/** CPU share of one core and memory of the sentinel while a run is watched at production speed. */
async function sentinelCost(dir: string): Promise<{ cpu_share: number; rss_mb: number; pss_mb: number; processes: number; seconds: number }> {
  const place = await open(dir, 1);
  try {
    const marked = next(place.app, 'progress.marked', (event) => event.reading.step !== null);
    await place.launch();
    await marked;
    await wire.sleep(5_000);
    const boxes = join(dir, 'market');
    const [before, began] = [await sentinels(boxes), performance.now()];
    // Memory is the most that was seen: helpers of a heartbeat live for milliseconds.
    let [rss, pss] = [before.rss_kb, before.pss_kb];
    let after = before;
    while (performance.now() - began < COST_S * 1_000) {
      await wire.sleep(997);
      after = await sentinels(boxes);
      [rss, pss] = [Math.max(rss, after.rss_kb), Math.max(pss, after.pss_kb)];
    }
    const seconds = (performance.now() - began) / 1_000;
    const TICKS_A_SECOND = 100;
    return { cpu_share: (after.cpu_ticks - before.cpu_ticks) / TICKS_A_SECOND / seconds, rss_mb: rss / 1_024, pss_mb: pss / 1_024, processes: before.count, seconds };
  } finally {
    await place.close();
  }
}

const quantile = (values: readonly number[], share: number): number => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(values.length * share) - 1)] ?? Number.NaN;
const summary = (values: readonly number[]): { p50: number; p95: number; max: number } => ({ p50: quantile(values, 0.5), p95: quantile(values, 0.95), max: Math.max(...values) });
const uniform = (): number => randomInt(1, 1_000_000) / 1_000_000;

/** Age at death, ms: half of the runs that die do so within 4 minutes, three quarters within 14, as cluster studies report. */
const ageAtDeath = (): number => 240_000 * Math.exp(1.9 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));

/** From a death at this age to the next look of a cadence that found everything healthy until then. */
function cadenceDelay(age: number): number {
  let cadence = startCadence(0);
  while (cadence.next_at < age) cadence = advanceCadence(cadence, { healthy: true, alert: false }, cadence.next_at);
  return cadence.next_at - age;
}

export async function push({ dir, deaths: count, json }: { dir: string; deaths: number; json: boolean }): Promise<void> {
  const cost = await sentinelCost(join(dir, 'cost'));
  const place = await open(join(dir, 'deaths'), SCALE);
  const began = performance.now();
  let taken;
  try {
    taken = await takeDeaths(place, count, (done) => {
      if (!json && done % 20 === 0) process.stderr.write(`${done} of ${count} deaths after ${((performance.now() - began) / 1_000).toFixed(0)} s\n`);
    });
  } finally {
    await place.close();
  }
  const { deaths, probes } = taken;
  const look = quantile(probes, 0.5);
  const result = {
    deaths: deaths.length,
    pushed: deaths.filter((death) => death.pushed).length,
    detection_ms: {
      pushed: summary(deaths.map(({ ms }) => ms)),
      poll_20s: summary(deaths.map(() => uniform() * POLL_MS + look)),
      cadence: summary(deaths.map(() => cadenceDelay(ageAtDeath()) + look)),
    },
    probe_ms: summary(probes),
    sentinel: cost,
    goals: { 'p95 < 1 s': false, 'sentinel < 0.2 % of a core': cost.cpu_share < 0.002, 'sentinel < 10 MB': cost.rss_mb < 10 },
  };
  result.goals['p95 < 1 s'] = result.detection_ms.pushed.p95 < 1_000;
  if (json) return void process.stdout.write(`${JSON.stringify(result)}\n`);
  const row = (name: string, { p50, p95, max }: { p50: number; p95: number; max: number }): string => `${name.padEnd(44)}${[p50, p95, max].map((ms) => (ms >= 10_000 ? `${(ms / 1_000).toFixed(0)} s` : `${ms.toFixed(0)} ms`).padStart(10)).join('')}\n`;
  process.stdout.write(
    [
      `${`${result.deaths} deaths (SIGKILL), ${result.pushed} told by the stream`.padEnd(44)}${['p50', 'p95', 'max'].map((word) => word.padStart(10)).join('')}\n`,
      row('death to process.exited in the journal', result.detection_ms.pushed),
      row('a poll every 20 s (computed, measured look)', result.detection_ms.poll_20s),
      row('1, 3, 7, 15, 25 min ... alone (computed)', result.detection_ms.cadence),
      row('one look (probe over SSH, measured)', result.probe_ms),
      `sentinel over ${cost.seconds.toFixed(0)} s: ${(100 * cost.cpu_share).toFixed(2)} % of a core, RSS ${cost.rss_mb.toFixed(1)} MB (PSS ${cost.pss_mb.toFixed(1)} MB) in ${cost.processes} processes\n`,
      ...Object.entries(result.goals).map(([goal, met]) => `${met ? 'met   ' : 'MISSED'} ${goal}\n`),
    ].join(''),
  );
}
