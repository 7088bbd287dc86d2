/**
 * The real engine and the real market client against the embedded market over HTTP. Only the boxes are painted: a fake
 * remote whose training advances with the clock, so that an evening passes in seconds and every lie is the market's.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine } from '../../src/agents/engine.ts';
import { createClock } from '../../src/clock.ts';
import { controlLost } from '../../src/core/control.ts';
import type { Body, Event } from '../../src/core/events.ts';
import type { Box, FileFact, Home, Remote, SentinelEvent } from '../../src/core/ports.ts';
import { RemoteError } from '../../src/core/ports.ts';
import type { ProbeReading } from '../../src/core/probe.ts';
import { reduce, tick } from '../../src/core/reduce.ts';
import { emptyWorld, type World } from '../../src/core/state.ts';
import { startSim, type ScenarioInput, type Sim } from '../../src/sim/index.ts';
import { createVastMarket } from '../../src/vast/index.ts';
import { makeSpec } from '../core/spec-factory.ts';
import { until } from '../sim/helpers.ts';

/** Clock seconds a real second; the wire's deadlines (30 s a request) run faster too, though less. */
const SCALE = 200;
const WIRE_SCALE = 10;
const STEP_MS = 10_000;

export interface Siege {
  sim: Sim;
  events: Event[];
  world(): World;
  /** Requests as they went out: method and path. */
  requests: { method: string; path: string; at: number }[];
  /** Words of the banner that were seen so far. */
  banners: Set<string>;
  submit(run: string): void;
  record(...bodies: Body[]): void;
  /** Resolves once an event of the run matches, also one that came already. */
  seen(run: string, type: Event['type']): Promise<void>;
  /** Resolves when the run's training has reached a step. */
  step(run: string, step: number): Promise<void>;
  closed(run: string): Promise<void>;
  /** Waits ms of the clock's time. */
  pass(ms: number): Promise<void>;
  /** How often something was rented under the run's label. */
  rented(run: string): number;
}

interface Training {
  attempt: number;
  from: number;
  at: number;
  ended: number | null;
}

/** Of the test itself: tests run beside each other, and the global hook knows only the last one that began. */
export interface Test {
  onTestFinished: (end: () => Promise<void>) => void;
}

/** Starts a siege for one test. Steps take 10 s; a run has `steps`. */
export async function siege({ onTestFinished }: Test, { steps = 40, ...scenario }: ScenarioInput & { steps?: number } = {}): Promise<Siege> {
  const dir = await mkdtemp(join(tmpdir(), 'siege-'));
  const [clock, wire] = [createClock(SCALE), createClock(WIRE_SCALE)];
  const sim = await startSim({ scenario: { loading: { provision: '2s', pull: '10s', destroy: '5s', stop: '4s' }, ...scenario }, clock, dir: join(dir, 'boxes'), door: 9 });
  const requests: Siege['requests'] = [];
  const counted: typeof fetch = (input, init) => {
    requests.push({ method: init?.method ?? 'GET', path: new URL(input instanceof Request ? input.url : input).pathname, at: clock.now() });
    return fetch(input, init);
  };
  const market = createVastMarket({ url: sim.url, apiKey: sim.apiKey, clock, wire, fetch: counted });
  const events: Event[] = [];
  const banners = new Set<string>();
  const listeners = new Set<() => void>();
  let world = emptyWorld(clock.now());
  const record = (...bodies: Body[]): void => {
    for (const body of bodies) {
      const event: Event = { ...body, v: 1, seq: world.seq + 1, at: Math.max(world.now, clock.now()) };
      world = reduce(world, event);
      events.push(event);
    }
    world = tick(world, clock.now());
    const lost = controlLost(world);
    if (lost) banners.add(lost.words);
    engine.wake();
    for (const look of listeners) look();
  };
  const home = memoryHome();
  const engine = createEngine({ clock, wire, market, remote: paintedRemote(sim, clock, home.put, steps), home: home.port, secret: () => undefined, facts: { world: () => world, record } });
  record({ type: 'session.started', version: 'test', pid: 1, brain: null });
  const running = engine.run();
  let broken: unknown = null;
  running.catch((error: unknown) => {
    broken = error;
    for (const look of listeners) look();
  });
  onTestFinished(async () => {
    await engine.stop();
    await running.catch(() => undefined);
    await sim.close();
    await rm(dir, { recursive: true, force: true });
  });
  const when = (what: string, holds: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (broken === null && !holds()) return;
        listeners.delete(look);
        if (broken === null) resolve();
        else reject(new Error(`the engine broke before ${what}`, { cause: broken }));
      };
      listeners.add(look);
      look();
    });
  return {
    sim, events, requests, banners, record,
    world: () => world,
    submit: (run) => record({ type: 'run.submitted', run, spec: makeSpec({ name: run, teardown: { idle_grace: '1m' } }), spec_path: '/nowhere/spec.yaml', warnings: [] }),
    seen: (run, type) => when(`${type} of ${run}`, () => events.some((event) => event.type === type && 'run' in event && event.run === run)),
    step: (run, step) => when(`step ${step} of ${run}`, () => (world.runs[run]?.progress?.reading.step ?? 0) >= step),
    closed: (run) => when(`the end of ${run}`, () => world.runs[run]?.stage === 'closed'),
    pass: (ms) => clock.sleep(ms),
    rented: (run) => sim.bill().filter(({ label }) => label?.startsWith(`vastsit:${run}:`)).length,
  };
}

/** Waits for what no event tells, such as what the market itself knows. */
export const soon = until;

function memoryHome(): { port: Home; put: (path: string, file: FileFact) => void } {
  const files = new Map<string, FileFact>();
  return {
    put: (path, file) => void files.set(path, file),
    port: { runDir: (run) => run, pathFor: (run, path) => `${run}/${path}`, fact: (path) => Promise.resolve(files.get(path) ?? null) },
  };
}

/** Boxes that exist exactly as long as the market's contract runs, whatever the market says. */
function paintedRemote(sim: Sim, clock: { now(): number; after(ms: number, fn: () => void): () => void }, put: (path: string, file: FileFact) => void, steps: number): Remote {
  const trainings = new Map<number, Training>();
  const up = (id: number): boolean => sim.instances().some((one) => one.id === id && one.actual_status === 'running' && !one.stranger);
  const stepOf = (one: Training): number => Math.min(steps, one.from + Math.floor(((one.ended ?? clock.now()) - one.at) / STEP_MS));
  const filesOf = (one: Training | undefined): FileFact[] => {
    if (!one) return [];
    const step = stepOf(one);
    const file = (path: string): FileFact => ({ path, bytes: 100, sha256: path, mtime_s: 0 });
    return [...(step >= 10 ? [file(`ckpt/step-${step - (step % 10)}.pt`)] : []), ...(step >= steps ? [file('out/model.bin')] : [])];
  };
  const connect = (id: number): Box => {
    const reach = (): void => {
      if (!up(id)) throw new RemoteError('lost', 'the painted box is gone');
    };
    const training = (): Training | undefined => trainings.get(id);
    return {
      instance: id,
      put: async () => (reach(), { bytes: 1 }),
      exec: async () => (reach(), { exit_code: 0, stdout: '', stderr: '' }),
      list: async () => (reach(), filesOf(training())),
      fetch: async (file, path) => (reach(), put(path, file)),
      start: async ({ attempt }) => {
        reach();
        trainings.set(id, { attempt, from: 0, at: clock.now(), ended: null });
        return { pid: 7, started_at: clock.now() };
      },
      stopTraining: async () => {
        reach();
        const one = training();
        if (one) one.ended ??= clock.now();
      },
      renewLease: async () => reach(),
      probe: async () => (reach(), probeOf(training(), clock.now(), steps, stepOf)),
      async follow({ attempt }, on: (event: SentinelEvent) => void) {
        reach();
        on({ type: 'hello', attempt, alive: true, boot_id: null });
        let [told, offset] = [0, 0];
        let cancel = (): void => undefined;
        const look = (): void => {
          if (!up(id)) return on({ type: 'lost', reason: 'the painted box is gone' });
          const one = training();
          const step = one ? stepOf(one) : 0;
          if (step > told) {
            told = step;
            const data = new TextEncoder().encode(`step ${step}/${steps} loss=${(5 / (step + 1)).toFixed(4)}\n`);
            on({ type: 'log', offset, data });
            offset += data.length;
          }
          if (step >= steps) return on({ type: 'exit', attempt, exit_code: 0, signal: null, oom_kills: 0, at: clock.now() });
          cancel = clock.after(STEP_MS / 2, look);
        };
        look();
        return { close: () => cancel() };
      },
      sshCommand: () => ['ssh', 'painted'],
      close: async () => undefined,
    };
  };
  return {
    publicKey: async () => 'ssh-ed25519 AAAApainted test',
    connect: async ({ instance }) => {
      if (!up(instance)) throw new RemoteError('refused', 'the painted box is not up');
      return connect(instance);
    },
    closeAll: async () => undefined,
  };
}

function probeOf(one: Training | undefined, at: number, steps: number, stepOf: (one: Training) => number): ProbeReading {
  const over = one !== undefined && stepOf(one) >= steps;
  return {
    at, gpus: [{ index: 0, name: 'RTX 4090', util: 95, mem_used: 9_000, mem_total: 24_564, power_w: 380, power_limit_w: 450, temp_c: 61, sm_clock_mhz: 2_500, throttled: false }],
    alive: one !== undefined && one.ended === null && !over, cpu_s: at / 1_000, load1: 1, mem_used: 1, mem_total: 2, disk: null, shm: null, net: null, io: null, log_bytes: 1, log_age_s: 1, oom_kills: 0,
    kernel: [], boot_id: 'b', uptime_s: 1, exit: over ? { exit_code: 0, signal: null, at } : null, driver_version: null, cuda_version: null,
  };
}
