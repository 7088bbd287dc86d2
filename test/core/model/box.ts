/** A box as it really is, whatever anyone says about it, and the port through which the program sees it. */
import { globMatcher } from '../../../src/core/glob.ts';
import type { Instance } from '../../../src/core/market.ts';
import { RemoteError, STILL_ALIVE, type Box, type FileFact, type RemoteFailure, type SentinelEvent } from '../../../src/core/ports.ts';
import type { ProbeReading } from '../../../src/core/probe.ts';
import type { Model } from './index.ts';
import * as rules from './rules.ts';

const STEPS = 150;
const CHECKPOINT_EVERY = 10;

interface Follower {
  attempt: number;
  on: (event: SentinelEvent) => void;
}

export class SimBox {
  exists = true;
  process: { attempt: number; step: number; hung: boolean; carry: number } | null = null;
  /** An older attempt than this stands down. */
  fence = 0;
  /** Attempts that were started here. */
  readonly claimed = new Set<number>();
  /** Did anything of the run ever start here? */
  started = false;
  /** A trainer that takes no notice of the checkpoint it is given. */
  ignoresResume = false;
  /** Its training ends well, and leaves nothing where the spec says. */
  barren = false;
  /** Its process is stuck in the driver: no signal ends it, only the end of its container. */
  unkillable = false;
  /** Its training has filled the disk: nothing can be started on it any more. */
  full = false;
  /** Until then its SSH answers nothing, whatever the market says of it. */
  deafUntil = 0;
  /** Its run has stood still on it since, and it bills. */
  stillSince: number | null = null;
  /** A live training on it that the run has left behind was seen first. */
  twinSince: number | null = null;
  destroyAsked = 0;
  /** What the sentinel was told at the start, ms, and until when the lease holds; null: there is none. */
  lease: { ms: number; grace_ms: number; until: number } | null = null;
  offlineUntil = 0;
  /** The market answers 404 for it until then. */
  deniedUntil = 0;
  outbidUntil = 0;
  ghostAt: number | null = null;
  /** Dollars at its full price while results were waited for. */
  waited = 0;
  readonly files = new Map<string, FileFact>();
  readonly logs = new Map<number, string>();
  exit: { attempt: number; exit_code: number | null; signal: string | null; at: number } | null = null;
  followers: Follower[] = [];

  constructor(
    public instance: Instance,
    readonly bornAt: number,
    public sticks: boolean,
    /** Not listed before. */
    public hiddenUntil: number,
  ) {}

  get run(): string {
    return /^vastsit:(.+):\d+$/.exec(this.instance.label ?? '')?.[1] ?? '';
  }

  /** The newest step that was saved. */
  get checkpoint(): number | null {
    const steps = [...this.files.keys()].flatMap((path) => /^ckpt\/step-(\d+)/.exec(path)?.[1] ?? []).map(Number);
    return steps.length === 0 ? null : Math.max(...steps);
  }

  /** As the market would tell it, if it told the truth. */
  shown(now: number): Instance {
    if (this.offlineUntil > now) return { ...this.instance, actual_status: 'offline' };
    return this.outbidUntil > now ? { ...this.instance, actual_status: 'exited', cur_state: 'stopped' } : this.instance;
  }

  /** Its dead-man lease ends the billing once nothing runs and nobody renews; a stop from the market looks the same. */
  stop(): void {
    this.process = null;
    this.unkillable = false;
    this.cutOff(true);
    this.instance = { ...this.instance, actual_status: 'exited', intended_status: 'stopped', cur_state: 'stopped' };
  }

  renew(now: number, ms = this.lease?.ms ?? 0): void {
    if (this.lease) this.lease.until = now + ms;
  }

  /** By the box's own word, when it can reach the market at all. */
  stopsItself(now: number): boolean {
    return this.lease !== null && this.process === null && this.reachable(now) && now > this.lease.until + this.lease.grace_ms;
  }

  reachable(now: number): boolean {
    return this.exists && this.shown(now).actual_status === 'running';
  }

  /** Does its SSH answer? */
  hears(now: number): boolean {
    return this.reachable(now) && this.deafUntil <= now;
  }

  write(path: string, content: string, now: number): void {
    this.files.set(path, { path, bytes: 1_000, sha256: `${this.run}:${path}:${content}`, mtime_s: now / 1_000 });
  }

  say(text: string, attempt: number, now: number): void {
    const before = this.logs.get(attempt) ?? '';
    this.logs.set(attempt, before + text);
    if (this.hears(now)) for (const one of this.followers) if (one.attempt === attempt) one.on({ type: 'log', offset: before.length, data: new TextEncoder().encode(text) });
  }

  /** One more stretch of training; true when the last step is done. */
  train(ms: number, msPerStep: number, now: number): boolean {
    const { process } = this;
    if (!process || process.hung) return false;
    process.carry += ms;
    const steps = Math.max(process.carry >= msPerStep ? 1 : 0, Math.floor(process.carry / msPerStep));
    process.carry -= steps * msPerStep;
    if (steps === 0) return false;
    for (let n = 0; n < steps && process.step < STEPS; n += 1) {
      process.step += 1;
      if (process.step % CHECKPOINT_EVERY === 0) this.write(`ckpt/step-${process.step}.pt`, 'weights', now);
    }
    this.say(`step ${process.step}/${STEPS} | loss ${(1 / process.step).toFixed(4)} | ${(msPerStep / 1_000).toFixed(1)} s/it\n`, process.attempt, now);
    return process.step >= STEPS;
  }

  /** The process ends; `recorded`: the sentinel lives to tell. */
  dies(exit_code: number | null, signal: string | null, log: string, now: number, recorded = true): void {
    const attempt = this.process?.attempt ?? 0;
    if (exit_code === 0 && !this.barren) this.write('out/model.json', `by attempt ${attempt}`, now);
    this.process = null;
    if (log !== '') this.say(`${log}\n`, attempt, now);
    if (!recorded) return;
    this.exit = { attempt, exit_code, signal, at: now };
    if (!this.hears(now)) return;
    const heard = this.followers.filter((one) => one.attempt === attempt);
    this.followers = this.followers.filter((one) => one.attempt !== attempt);
    for (const { on } of heard) on({ type: 'exit', attempt, exit_code, signal, oom_kills: 0, at: now });
  }

  /** The sessions break: told, or in silence. */
  cutOff(told: boolean): void {
    const { followers } = this;
    this.followers = [];
    if (told) for (const { on } of followers) on({ type: 'lost', reason: 'the line broke' });
  }

  reading(now: number, util: number, throttled = false): ProbeReading {
    const busy = this.process !== null && !this.process.hung;
    const exit = this.exit;
    return { at: now, gpus: [{ index: 0, name: 'RTX 4090', util: busy ? util : 100, mem_used: 20_000, mem_total: 24_564, power_w: busy ? 4 * util : 90, power_limit_w: 450, temp_c: 60, sm_clock_mhz: 2_500, throttled }], alive: this.process !== null, cpu_s: 1, load1: 1, mem_used: 1, mem_total: 2, disk: null, shm: null, net: null, io: null, log_bytes: 1, log_age_s: busy ? 1 : 9_999, oom_kills: 0, kernel: [], boot_id: 'a', uptime_s: 1, exit: exit && this.process === null ? { exit_code: exit.exit_code, signal: exit.signal, at: exit.at } : null, driver_version: null, cuda_version: null };
  }
}

/** What the program holds in its hands: every call may fail before or after it was carried out, and takes its time. */
export function openBox(model: Model, box: SimBox): Box {
  const call = async <T>(work: () => T): Promise<T> => {
    await model.delay();
    if (!box.hears(model.now)) throw new RemoteError('lost', 'the box does not answer');
    const failure: RemoteFailure = model.dice() < 0.5 ? 'timeout' : 'lost';
    if (model.fails()) throw new RemoteError(failure, 'no answer');
    const done = work();
    if (model.fails(0.3)) throw new RemoteError(failure, 'the answer was lost');
    return done;
  };
  return {
    instance: box.instance.id,
    put: (files) =>
      call(() => {
        for (const { path, content } of files) {
          if (!('local' in content)) continue;
          const sha256 = model.home.get(content.local) ?? 'nothing';
          box.files.set(path, { path, bytes: 1_000, sha256, mtime_s: model.now / 1_000 });
        }
        return { bytes: 1_000 * files.length };
      }),
    exec: (command) =>
      call(() => {
        rules.command(model, command);
        if (model.setupSays !== null && command.endsWith('make ready')) {
          const stderr = model.setupSays;
          model.setupSays = null;
          return { exit_code: 1, stdout: '', stderr };
        }
        return { exit_code: model.fails() ? 1 : 0, stdout: 'done', stderr: '' };
      }),
    list: (globs) => call(() => [...box.files.values(), ...[...box.logs].map(([attempt, text]) => ({ path: `.vastsit/log.${attempt}`, bytes: text.length, sha256: `${box.instance.id}:${attempt}:${text.length}`, mtime_s: 0 }))].filter(({ path }) => globMatcher(globs)(path))),
    fetch: (file, local) =>
      call(() => {
        // A copy that was damaged on its way, and a program that says that all went well.
        model.home.set(local, model.lies() ? 'damaged' : file.sha256);
        if (model.lies()) throw new RemoteError('integrity', 'the copy was damaged');
      }),
    start: (order) =>
      call(() => {
        if (order.attempt < box.fence) throw new RemoteError('fenced', 'a newer attempt holds the fence');
        rules.start(model, box, order);
        // A second order for the same attempt gets the first one's answer.
        if (box.claimed.has(order.attempt)) return { pid: 1, started_at: model.now };
        if (box.process) throw new RemoteError('command', `attempt ${box.process.attempt} is still alive here; stop it first`, { exit_code: STILL_ALIVE });
        if (box.full) throw new RemoteError('command', 'cannot write below /root: No space left on device', { exit_code: 74 });
        box.claimed.add(order.attempt);
        box.fence = order.attempt;
        const { seconds, grace_s, then } = order.lease;
        box.lease = then === 'stop' ? { ms: seconds * 1_000, grace_ms: grace_s * 1_000, until: model.now + seconds * 1_000 } : null;
        box.started = true;
        box.exit = null;
        const step = box.ignoresResume ? 0 : Number(/step-(\d+)/.exec(order.command)?.[1] ?? 0);
        box.process = { attempt: order.attempt, step, hung: false, carry: 0 };
        if (model.secret !== null) box.say(`token ${model.secret}\n`, order.attempt, model.now);
        return { pid: 1, started_at: model.now };
      }),
    stopTraining: ({ attempt }) => call(() => {
      if (box.unkillable && box.process) throw new RemoteError('command', `processes of attempt ${attempt} survive KILL`, { exit_code: 1 });
      return box.process && box.process.attempt <= attempt ? box.dies(null, 'TERM', '', model.now) : undefined;
    }),
    follow: ({ attempt, offset }, on) =>
      call(() => {
        const follower = { attempt, on };
        box.followers.push(follower);
        on({ type: 'hello', attempt, alive: box.process?.attempt === attempt, boot_id: 'a' });
        const text = box.logs.get(attempt) ?? '';
        if (offset < text.length) on({ type: 'log', offset, data: new TextEncoder().encode(text.slice(offset)) });
        if (box.exit?.attempt === attempt) on({ type: 'exit', oom_kills: 0, ...box.exit });
        return { close: () => void (box.followers = box.followers.filter((one) => one !== follower)) };
      }),
    probe: () => call(() => box.reading(model.now, model.util(box.run), model.throttles(box))),
    renewLease: ({ seconds }) => call(() => box.renew(model.now, seconds * 1_000)),
    sshCommand: () => ['ssh', 'box'],
    close: () => Promise.resolve(),
  };
}
