/**
 * The soak: the production program over many boxes of the embedded market for hours of its own time, while the market, the
 * boxes and the trainings fail at random. Fails unless memory and handles stay flat, no process of ours is left as a zombie
 * or behind, and nothing bills at the end.
 */
import { spawn } from 'node:child_process';
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClock } from '../../src/clock.ts';
import { startSim, type Sim } from '../../src/sim/index.ts';
import { diceOf } from './economics/dice.ts';
import type { Report } from './soak-program.ts';

const wire = createClock();
const SAMPLE_MS = 5_000;
/** Real ms between two faults, for each fifty instances. */
const FAULT_MS = 3_000;
const STEP_S = 96;
/** A step that the training has not reached when it reads of its fault: a report is some seconds old by then. */
const AHEAD = 4;
/** Real ms that the program's loop may be late now and then; where it is later, this machine is too slow for so many boxes at that scale. */
const LATE_MS = 1_000;
/** The last third of the soak may be this much above the middle third. */
const FLAT = 1.15;

interface Sample {
  s: number;
  rss_mb: number;
  heap_mb: number;
  /** When the program told this, real ms: whatever its loop had to do was done by then. */
  told: number;
  lag_ms: number;
  fds: number;
  children: number;
  /** Process ids and names of those that have ended and were not reaped. */
  dead: string[];
  sim_rss_mb: number;
}

export interface SoakOptions {
  dir: string;
  instances: number;
  /** Real ones, and how many of the program's pass in each. */
  minutes: number;
  scale: number;
  seed: number;
  json: boolean;
}

export async function soak({ dir, instances, minutes, scale, seed, json }: SoakOptions): Promise<boolean> {
  const dice = diceOf(seed, 'soak');
  const began = wire.now();
  await mkdir(join(dir, 'project'), { recursive: true });
  await mkdir(join(dir, 'home'), { recursive: true });
  await cp(join(dir, 'assets/train.mjs'), join(dir, 'project/train.mjs'));
  const offers = Array.from({ length: Math.ceil(instances * 1.6) + 4 }, (_, index) => ({ machine: index + 1, gpu: 'RTX 4090', reliability: 0.999 }));
  const sim = await startSim({ scenario: { credit_usd: 1e6, beat: '10s', loading: { provision: '5s', pull: '60s', destroy: '5s', stop: '5s' }, strangers: [{ label: 'not-ours' }], offers }, clock: createClock(scale), dir: join(dir, 'market') });
  const steps = Math.max(20, Math.round((minutes * 60 * scale) / STEP_S));
  const program = spawn(process.execPath, ['--expose-gc', join(dir, 'soak-program.mjs'), dir, sim.url, sim.apiKey, String(scale), String(instances), String(steps)], { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], HOME: join(dir, 'home'), VASTSIT_SOAK: dir } });
  let last: Report | null = null;
  let errors = '';
  program.stderr.on('data', (bytes: Buffer) => (errors = (errors + bytes.toString()).slice(-4_000)));
  createInterface(program.stdout).on('line', (line) => (last = JSON.parse(line) as Report));
  const exited = new Promise<number | null>((resolve) => program.once('exit', (code) => resolve(code)));
  let over = false;
  void exited.then(() => (over = true));

  const samples: Sample[] = [];
  const faults: Record<string, number> = {};
  const until = began + minutes * 60_000;
  let nextFault = wire.now() + 30_000;
  while (wire.now() < until && !over) {
    await wire.sleep(500);
    const now = wire.now();
    if (samples.length === 0 || now - began - (samples.at(-1)?.s ?? 0) * 1_000 >= SAMPLE_MS) samples.push(await sample(program.pid ?? 0, (now - began) / 1_000, last));
    if (now >= nextFault) {
      nextFault = now + (FAULT_MS * 50) / instances;
      const kind = strike(sim, last, dice);
      if (kind !== null) faults[kind] = (faults[kind] ?? 0) + 1;
    }
    if (!json && samples.length % 12 === 0 && samples.at(-1)?.s !== undefined) progress(samples, last);
  }
  // The weather clears as the faults' windows close; then every run is brought home and its instance ends.
  program.stdin.end();
  const code = await exited;
  const left = await leftBehind(dir, process.pid);
  const billing = sim.bill().filter(({ gone, label }) => !gone && label?.startsWith('vastsit:'));
  const strangers = sim.instances().filter(({ stranger }) => stranger).length;
  await sim.close();
  return verdict({ samples, faults, last, errors, code, left, billing: billing.map(({ instance, label }) => `${instance} ${label}`), strangers, minutes: (wire.now() - began) / 60_000, scale, instances, json });
}

/** One fault at random: half of them strike trainings, the rest boxes and the market. Returns its kind. */
function strike(sim: Sim, last: Report | null, dice: () => number): string | null {
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(dice() * from.length)];
  const inject = (kind: string, fault: Parameters<Sim['inject']>[0]): string => (sim.inject(fault), kind);
  const [run, at] = pick(Object.entries(last?.steps ?? {})) ?? [];
  const on = { instance: at?.instance ?? 0 };
  const soon = (at?.step ?? 0) + AHEAD;
  if (dice() < 0.5 && run !== undefined && at !== undefined) {
    const words = pick(['killed at step N', 'exit 3 at step N', 'segfault at step N', 'oom at step N unless batch_size <= 16', 'hang at step N']) ?? '';
    // What comes of a bug or of a setting comes again; what comes of the day does not.
    const again = words.startsWith('exit') || words.startsWith('oom');
    return inject(words.split(' at')[0] ?? words, { on: { run, ...on, ...(!again && { attempt: at.attempt }) }, fault: words.replace('N', String(soon)) });
  }
  const box = pick(['ssh refused for 5m', 'ssh refused for 20m', 'host offline for 10m', 'new ssh port']);
  if (dice() < 0.6 && run !== undefined && box !== undefined) return inject(box.split(' for')[0] ?? box, { on, fault: box });
  const api = pick(['429 for 1m', '429 text for 1m', '401 for 3m', '500 for 2m', '503 for 2m', 'list empty for 3m', 'list short for 3m', 'half for 1m', 'cut for 1m', 'hangs for 1m', 'show 404 for 2m', 'destroy 500 for 5m']);
  return api === undefined ? null : inject(`api ${api.split(' for')[0]}`, { fault: `api ${api}` });
}

async function sample(pid: number, s: number, last: Report | null): Promise<Sample> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const processes = await table();
  const mine = descendants(processes, pid);
  return {
    s, rss_mb: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1_024, heap_mb: last?.heap_mb ?? 0, told: last?.at ?? 0, lag_ms: last?.lag_ms ?? 0, fds: (await readdir(`/proc/${pid}/fd`).catch(() => [])).length,
    children: mine.length, dead: mine.filter(({ state }) => state === 'Z').map(({ pid, name }) => `${pid} ${name}`), sim_rss_mb: process.memoryUsage().rss / 2 ** 20,
  };
}

type Figure = Exclude<keyof Sample, 'dead'>;

interface Proc {
  pid: number;
  name: string;
  parent: number;
  state: string;
}

async function table(): Promise<Proc[]> {
  const stats = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map((name) => readFile(`/proc/${name}/stat`, 'latin1').catch(() => '')));
  return stats.flatMap((stat) => {
    const [, pid, name = '', state, parent] = /^(\d+) \((.*)\) (\S) (\d+)/s.exec(stat) ?? [];
    return pid === undefined || state === undefined ? [] : [{ pid: Number(pid), name, state, parent: Number(parent) }];
  });
}

function descendants(all: readonly Proc[], pid: number): Proc[] {
  const children = all.filter(({ parent }) => parent === pid);
  return [...children, ...children.flatMap((child) => descendants(all, child.pid))];
}

/** Processes that still carry the soak's folder in their arguments or environment, but this one. */
async function leftBehind(dir: string, self: number): Promise<string[]> {
  const found: string[] = [];
  for (const { pid } of await table()) {
    const args = (await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')).replaceAll('\0', ' ');
    const env = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    // What runs in the boxes belongs to the simulation, which ends it when it closes.
    if (pid !== self && !env.includes('VASTSIT_SIM_BOX=') && (args.includes(`${dir}/state`) || env.includes(`VASTSIT_SOAK=${dir}`))) found.push(`${pid} ${args.slice(0, 120)}`);
  }
  return found;
}

interface Outcome {
  samples: Sample[];
  faults: Record<string, number>;
  last: Report | null;
  errors: string;
  code: number | null;
  left: string[];
  billing: string[];
  strangers: number;
  minutes: number;
  scale: number;
  instances: number;
  json: boolean;
}

function verdict({ samples, faults, last, errors, code, left, billing, strangers, minutes, scale, instances, json }: Outcome): boolean {
  const third = Math.floor(samples.length / 3);
  const mean = (of: Figure, from: number, to: number): number => samples.slice(from, to).reduce((sum, one) => sum + one[of], 0) / Math.max(1, to - from);
  // The first third is the start: boxes come up, code is compiled, pools fill.
  const flat = (['rss_mb', 'heap_mb', 'fds', 'children'] as const).map((name) => {
    const [middle, end] = [mean(name, third, 2 * third), mean(name, 2 * third, samples.length)];
    return { name, middle: round(middle), end: round(end), slope_a_minute: round(slope(samples.slice(third), name) * 60), flat: end <= middle * FLAT + 2 };
  });
  const zombies = unreaped(samples);
  const lags = samples.map(({ lag_ms }) => lag_ms).sort((a, b) => a - b);
  const lag = { median: Math.round(lags[Math.floor(lags.length / 2)] ?? 0), worst: Math.round(lags.at(-1) ?? 0) };
  const checks: [words: string, holds: boolean][] = [
    ['the program ended by itself, with every run closed', code === 0 && last?.done === true],
    ...flat.map(({ name, middle, end, slope_a_minute, flat: holds }): [string, boolean] => [`${name} flat: ${middle} in the middle, ${end} at the end, slope ${slope_a_minute} a minute`, holds]),
    [`no zombie stays${zombies.length > 0 ? `: ${zombies.length}, such as ${zombies.slice(0, 5).join(', ')}` : ''}`, zombies.length === 0],
    [`no process of ours is left behind${left.length > 0 ? `: ${left.join('; ')}` : ''}`, left.length === 0],
    [`nothing of ours bills${billing.length > 0 ? `: ${billing.join(', ')}` : ''}`, billing.length === 0],
    ["the stranger's instance is untouched", strangers === 1],
    [`faults struck (${Object.values(faults).reduce((sum, count) => sum + count, 0)}) and were repaired (${last?.resolved ?? 0} of ${last?.incidents ?? 0} incidents proven)`, (last?.resolved ?? 0) > 0],
  ];
  const good = checks.every(([, holds]) => holds);
  const facts = { instances, minutes: round(minutes), scaled_hours: round((minutes * scale) / 60), scale, lag_ms: lag, runs: (last?.closed ?? 0) + (last?.open ?? 0), verdicts: last?.verdicts ?? {}, stages: last?.stages ?? {}, journal_mb: round(last?.journal_mb ?? 0), state_mb: round(last?.state_mb ?? 0), faults, flat };
  if (json) console.log(JSON.stringify({ ...facts, checks: checks.map(([words, holds]) => ({ words, holds })), good }));
  else {
    console.log(`${instances} instances, ${facts.minutes} min (${facts.scaled_hours} h of theirs), ${facts.runs} runs: ${Object.entries(facts.verdicts).map(([name, count]) => `${count} ${name}`).join(', ')}; journal ${facts.journal_mb} MB, state ${facts.state_mb} MB of heap`);
    console.log(`faults: ${Object.entries(faults).map(([name, count]) => `${count} ${name}`).join(', ')}`);
    console.log(`the program's loop was late by ${lag.median} ms (the middle of its worst in each 5 s) and ${lag.worst} ms at worst${lag.median > LATE_MS ? `: this machine is too slow for ${instances} boxes at scale ${scale}; what it says is about the machine` : ''}`);
    for (const [words, holds] of checks) console.log(`${holds ? 'ok  ' : 'FAIL'}  ${words}`);
    if (!good && errors !== '') console.log(errors);
    if (!good) console.log(`still open: ${JSON.stringify(facts.stages)}`);
  }
  return good;
}

/** Whoever ended a moment ago waits for its parent's next turn; who is still there when the parent has told two reports since waits for nobody. */
function unreaped(samples: readonly Sample[]): string[] {
  const since = new Map<string, number[]>();
  const stay = new Set<string>();
  for (const { dead, told } of samples) {
    for (const one of [...since.keys()]) if (!dead.includes(one)) since.delete(one);
    for (const one of dead) {
      const seen = since.get(one) ?? [];
      if (seen.at(-1) !== told) since.set(one, [...seen, told]);
      if ((since.get(one)?.length ?? 0) > 2) stay.add(one);
    }
  }
  return [...stay];
}

/** Least squares, a second. */
function slope(samples: readonly Sample[], name: Figure): number {
  const n = samples.length;
  const [mx, my] = [samples.reduce((sum, one) => sum + one.s, 0) / n, samples.reduce((sum, one) => sum + one[name], 0) / n];
  const over = samples.reduce((sum, one) => sum + (one.s - mx) ** 2, 0);
  return over === 0 ? 0 : samples.reduce((sum, one) => sum + (one.s - mx) * (one[name] - my), 0) / over;
}

let told = -1;
function progress(samples: readonly Sample[], last: Report | null): void {
  const one = samples.at(-1);
  if (!one || Math.floor(one.s / 60) === told) return;
  told = Math.floor(one.s / 60);
  console.error(`${Math.round(one.s)} s: rss ${Math.round(one.rss_mb)} MB, heap ${Math.round(one.heap_mb)} MB + state ${Math.round(last?.state_mb ?? 0)} MB, ${one.fds} fds, ${one.children} children, ${one.dead.length} zombies, ${Math.round(one.lag_ms)} ms late; ${last?.open ?? 0} runs open, ${last?.closed ?? 0} closed, ${last?.resolved ?? 0}/${last?.incidents ?? 0} incidents proven`);
}

const round = (value: number): number => Math.round(value * 100) / 100;
