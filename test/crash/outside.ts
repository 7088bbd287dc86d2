/**
 * What goes on whether or not anybody watches: a market with its bill, boxes whose trainings make steps, write checkpoints
 * and die as the storyline says, and a home disk. It also watches over what must never happen.
 */
import type { Instance, Offer } from '../../src/core/market.ts';
import { MarketError, RemoteError, type Box, type Clock, type FileFact, type Home, type Market, type Remote, type SentinelEvent } from '../../src/core/ports.ts';
import type { ProbeReading } from '../../src/core/probe.ts';

export interface Storyline {
  steps: number;
  /** The log line that a training dies with, and the step, on the nth instance that was rented; null when it lives. `fixed`: a fix was applied there. */
  dies(command: string, nth: number, fixed: boolean): { step: number; log: string } | null;
  /** The step at which the first instance is stopped by somebody else; its training leaves no word. */
  stopped?: number;
}

export interface Process {
  attempt: number;
  command: string;
  from: number;
  step: number;
  log: string;
  exit: { exit_code: number; at: number } | null;
  /** Ended with its container: there is no record of it. */
  lost: boolean;
}

const lives = ({ exit, lost }: Process): boolean => exit === null && !lost;

export interface Machine {
  facts: Instance;
  born_at: number;
  gone_at: number | null;
  fence: number;
  owner: number;
  processes: Process[];
  fixed: boolean;
  files: Map<string, FileFact>;
  followers: Set<(event: SentinelEvent) => void>;
}

export interface Outside {
  machines: Map<number, Machine>;
  market: Market;
  home: Home;
  atHome: Map<string, FileFact>;
  /** Broken rules, in words. */
  broken: string[];
  started: number;
  remote(owner: number): Remote;
}

const STEP_MS = 20_000;
const SAVE_EVERY = 3;
const LOADING_MS = 40_000;

export function createOutside(clock: Clock, story: Storyline): Outside {
  const machines = new Map<number, Machine>();
  const atHome = new Map<string, FileFact>();
  const broken: string[] = [];
  let nextId = 100;
  const live = (id: number): Machine | undefined => {
    const one = machines.get(id);
    return one?.gone_at === null ? one : undefined;
  };
  const alive = (): Process[] => [...machines.values()].flatMap((one) => (one.gone_at === null && one.facts.actual_status === 'running' ? one.processes.filter(lives) : []));

  /** Nothing may be ended that holds a checkpoint or result which is not at home. */
  const end = (one: Machine): void => {
    for (const [path, file] of one.files) {
      if (!/^(ckpt|out)\//.test(path) || atHome.get(path)?.sha256 === file.sha256) continue;
      const step = Number(/(\d+)\.pt$/.exec(path)?.[1] ?? Infinity);
      const newer = [...atHome.keys()].some((other) => Number(/(\d+)\.pt$/.exec(other)?.[1] ?? -1) > step);
      if (!newer) broken.push(`${path} was lost with instance ${one.facts.id}`);
    }
    if (one.processes.some(lives)) broken.push(`instance ${one.facts.id} was ended while its training ran`);
    one.gone_at = clock.now();
    for (const tell of [...one.followers]) tell({ type: 'lost', reason: 'the instance is gone' });
  };

  const train = (one: Machine, process: Process): void => {
    const again = (): void => {
      if (one.gone_at !== null || !lives(process)) return;
      const nth = [...machines.keys()].indexOf(one.facts.id) + 1;
      if (nth === 1 && story.stopped === process.step && one.processes.length === 1) return stop(one);
      const death = story.dies(process.command, nth, one.fixed);
      if (death && process.step + 1 >= death.step) return finish(one, process, 1, `${death.log}\n`);
      process.step += 1;
      if (process.step % SAVE_EVERY === 0) one.files.set(`ckpt/step-${process.step}.pt`, file(`ckpt/step-${process.step}.pt`, clock.now()));
      write(one, process, `step ${process.step}/${story.steps} loss ${(2 / process.step).toFixed(4)}\n`);
      if (process.step >= story.steps) {
        one.files.set('out/model.pt', file('out/model.pt', clock.now()));
        return finish(one, process, 0, 'Training complete\n');
      }
      clock.after(STEP_MS, again);
    };
    clock.after(STEP_MS, again);
  };
  const stop = (one: Machine): void => {
    for (const process of one.processes) process.lost ||= process.exit === null;
    one.facts = { ...one.facts, actual_status: 'exited', intended_status: 'stopped', cur_state: 'stopped' };
    for (const tell of [...one.followers]) tell({ type: 'lost', reason: 'the container was stopped' });
    one.followers.clear();
  };
  const write = (one: Machine, process: Process, text: string): void => {
    const offset = process.log.length;
    process.log += text;
    for (const tell of [...one.followers]) tell({ type: 'log', offset, data: Buffer.from(text) });
  };
  const finish = (one: Machine, process: Process, exit_code: number, last: string): void => {
    write(one, process, last);
    process.exit = { exit_code, at: clock.now() };
    for (const tell of [...one.followers]) tell({ type: 'exit', attempt: process.attempt, exit_code, signal: null, oom_kills: 0, at: clock.now() });
  };

  const market: Market = {
    searchOffers: async () => [1, 2, 3].map((n) => offer(nextId * 10 + n, n)),
    async create(offerId, request) {
      const twin = [...machines.values()].find((one) => one.gone_at === null && one.facts.label === request.label);
      if (twin) broken.push(`${request.label} was rented twice`);
      const id = (nextId += 1);
      const one: Machine = { facts: instance(id, offerId % 10, request.label, clock.now()), born_at: clock.now(), gone_at: null, fence: 0, owner: 0, processes: [], fixed: false, files: new Map(), followers: new Set() };
      machines.set(id, one);
      clock.after(LOADING_MS, () => (one.facts = { ...one.facts, actual_status: 'running' }));
      return { new_contract: id };
    },
    list: async () => [...machines.values()].filter(({ gone_at }) => gone_at === null).map(({ facts }) => facts),
    show: async (id) => live(id)?.facts ?? null,
    async destroy(id) {
      const one = live(id);
      if (one) end(one);
    },
    async setState(id, state) {
      const one = live(id);
      if (!one || state !== 'running') throw new MarketError('invalid', 'not in these storylines');
      one.facts = { ...one.facts, actual_status: 'loading', intended_status: 'running', cur_state: 'running' };
      clock.after(LOADING_MS, () => (one.facts = { ...one.facts, actual_status: 'running' }));
    },
    label: async () => undefined,
    changeBid: async () => undefined,
    attachKey: async () => undefined,
    account: async () => ({ credit: 100, email: null }) as Awaited<ReturnType<Market['account']>>,
    logs: async () => '',
  };

  const boxOf = (id: number, owner: number): Box => {
    const here = (): Machine => {
      const one = live(id);
      if (!one || one.facts.actual_status !== 'running') throw new RemoteError('refused', 'nobody answers there');
      if (owner < one.owner) throw new RemoteError('fenced', 'a newer owner has spoken');
      one.owner = owner;
      return one;
    };
    const attemptOf = (one: Machine, attempt: number): Process | undefined => one.processes.find((each) => each.attempt === attempt);
    return {
      instance: id,
      async put(files) {
        const one = here();
        for (const { path, content } of files) if (path.startsWith('ckpt/') && !(content instanceof Uint8Array)) one.files.set(path, { ...file(path, clock.now()), sha256: atHome.get(path)?.sha256 ?? '' });
        return { bytes: 1_000 };
      },
      async exec(command) {
        const one = here();
        one.fixed ||= command.includes('pip install');
        return { exit_code: 0, stdout: '', stderr: '' };
      },
      async list(globs) {
        const logs = globs.some((glob) => glob.startsWith('.vastsit/'));
        const one = here();
        return [...one.files.values(), ...(logs ? one.processes.map(({ attempt, log }) => ({ ...file(`.vastsit/log.${attempt}`, 0), sha256: `log${log.length}` })) : [])].filter(({ path }) => globs.some((glob) => path.startsWith(glob.split('*')[0] ?? '')));
      },
      async fetch(wanted, local) {
        here();
        atHome.set(local.replace(/^\/home\/[^/]+\//, ''), wanted);
      },
      async start(order) {
        const one = here();
        if (one.fence > order.attempt) throw new RemoteError('fenced', 'a newer attempt has started');
        const known = attemptOf(one, order.attempt);
        if (known) return { pid: 1, started_at: 0 };
        const [twin] = alive();
        if (twin) broken.push(`attempt ${order.attempt} started while attempt ${twin.attempt} lived`);
        one.fence = order.attempt;
        const from = Number(/step-(\d+)\.pt/.exec(order.command)?.[1] ?? 0);
        const process: Process = { attempt: order.attempt, command: order.command, from, step: from, log: '', exit: null, lost: false };
        one.processes.push(process);
        outside.started += 1;
        train(one, process);
        return { pid: 1, started_at: clock.now() };
      },
      async stopTraining({ attempt }) {
        const one = here();
        const process = attemptOf(one, attempt);
        if (process && lives(process)) finish(one, process, 143, '');
      },
      async follow({ attempt, offset }, on) {
        const one = here();
        const process = attemptOf(one, attempt);
        one.followers.add(on);
        on({ type: 'hello', attempt, alive: process !== undefined && lives(process), boot_id: 'boot' });
        if (process && process.log.length > offset) on({ type: 'log', offset, data: Buffer.from(process.log.slice(offset)) });
        if (process?.exit) on({ type: 'exit', attempt, exit_code: process.exit.exit_code, signal: null, oom_kills: 0, at: process.exit.at });
        return { close: () => void one.followers.delete(on) };
      },
      async probe({ attempt }) {
        return reading(attemptOf(here(), attempt), clock.now());
      },
      async renewLease({ attempt }) {
        if (here().fence > attempt) throw new RemoteError('fenced', 'a newer attempt has started');
      },
      sshCommand: () => ['ssh', `root@${id}`],
      close: async () => undefined,
    };
  };

  const outside: Outside = {
    machines,
    market,
    atHome,
    broken,
    started: 0,
    home: { runDir: (run) => `/home/${run}`, pathFor: (run, path) => `/home/${run}/${path}`, fact: async (path) => atHome.get(path.replace(/^\/home\/[^/]+\//, '')) ?? null },
    remote: (owner) => ({ publicKey: async () => 'ssh-ed25519 AAAA', connect: async ({ instance: id }) => {
      const box = boxOf(id, owner);
      await box.exec('true', { timeout_ms: 1 });
      return box;
    }, closeAll: async () => undefined }),
  };
  return outside;
}

/** The content of a file is told by its name and the attempt's own time: a checkpoint written anew is another one. */
const file = (path: string, at: number): FileFact => ({ path, bytes: 1_000, sha256: `${path}@${at}`, mtime_s: at / 1_000 });

function offer(id: number, machine: number): Offer {
  return { id, machine_id: machine, host_id: 1, gpu_name: 'RTX 4090', num_gpus: 1, gpu_ram: 24_564, cpu_ram: 64_000, cpu_cores_effective: 8, disk_space: 200, dph_base: 0.3 + machine / 100, dph_total: 0.31 + machine / 100, min_bid: null, storage_cost: 0.1, inet_up_cost: 0, inet_down_cost: 0, inet_up: 500, inet_down: 500, reliability: 0.99, cuda_max_good: 12.8, driver_version: '570.1', direct_port_count: 10, geolocation: 'Sweden, SE', verification: 'verified', duration: 3e6, rentable: true };
}

function instance(id: number, machine_id: number, label: string, at: number): Instance {
  return { id, machine_id, label, actual_status: 'loading', intended_status: 'running', cur_state: 'running', next_state: 'running', status_msg: null, gpu_name: 'RTX 4090', num_gpus: 1, gpu_ram: 24_564, gpu_util: null, gpu_temp: null, disk_space: 20, disk_usage: 1, dph_total: 0.35, dph_base: 0.34, storage_total_cost: 0.01, inet_up_cost: 0, inet_down_cost: 0, inet_up_billed: null, inet_down_billed: null, is_bid: false, min_bid: null, start_date: at / 1_000, end_date: null, ssh_host: 'ssh4.vast.ai', ssh_port: 10_000, public_ipaddr: null, direct_ssh_port: null, geolocation: null };
}

function reading(process: Process | undefined, at: number): ProbeReading {
  const alive = process !== undefined && lives(process);
  return { at, gpus: [{ index: 0, name: 'RTX 4090', util: alive ? 95 : 0, mem_used: 9_000, mem_total: 24_564, power_w: 300, power_limit_w: 450, temp_c: 60, sm_clock_mhz: 2_500, throttled: false }], alive, cpu_s: process ? process.step * 20 : null, load1: 1, mem_used: 9_000, mem_total: 64_000, disk: null, shm: null, net: null, io: null, log_bytes: process?.log.length ?? 0, log_age_s: 5, oom_kills: 0, kernel: [], boot_id: 'boot', uptime_s: 100, exit: process?.exit ? { exit_code: process.exit.exit_code, signal: null, at: process.exit.at } : null, driver_version: null, cuda_version: null };
}
