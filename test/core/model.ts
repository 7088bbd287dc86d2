/**
 * A world to test deciders in: the real `decide` and `reduce` over virtual time, with an outside that answers as a seed
 * says: offers that vanish, creates whose answer is lost, boxes that stick, processes that die, lists that fail.
 * Nothing in it is asynchronous, so that thousands of evenings fit into a second.
 */
import type { Action } from '../../src/core/actions.ts';
import { decideBabysitter } from '../../src/core/decide/babysitter.ts';
import { decideFleet } from '../../src/core/decide/fleet.ts';
import { decideRunner } from '../../src/core/decide/runner.ts';
import { backoffMs } from '../../src/core/decide/ready.ts';
import type { Body, Event } from '../../src/core/events.ts';
import { labelOf, type Instance } from '../../src/core/market.ts';
import type { ProbeReading } from '../../src/core/probe.ts';
import type { ProgressReading } from '../../src/core/progress/index.ts';
import { reduce } from '../../src/core/reduce.ts';
import type { Spec } from '../../src/core/spec.ts';
import { emptyWorld, isClosed, runsOf, type World } from '../../src/core/state.ts';
import { refuseDestroy } from '../../src/agents/guard.ts';

export interface Box {
  instance: Instance;
  /** What really is, whatever the API says. */
  exists: boolean;
  process: { attempt: number; step: number; hung: boolean } | null;
  sticks: boolean;
  bornAt: number;
  checkpoint: number | null;
  destroyAsked: number;
}

/** One throw of the dice a decision: 0 to 1. */
export type Dice = () => number;

export interface Violation {
  rule: string;
  at: number;
}

const LOGS = {
  oom: 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.65 GiB',
  module: "Traceback (most recent call last):\n  File \"train.py\", line 3, in <module>\n    import einops\nModuleNotFoundError: No module named 'einops'",
  bug: "Traceback (most recent call last):\n  File \"train.py\", line 30, in <module>\n    x = batch['labelz']\nKeyError: 'labelz'",
} as const;

export class Model {
  world: World;
  readonly events: Event[] = [];
  readonly boxes = new Map<number, Box>();
  readonly violations: Violation[] = [];
  now = 1_700_000_000_000;
  creates = 0;
  private nextId = 100;

  constructor(
    public dice: Dice,
    public trouble: number,
  ) {
    this.world = emptyWorld(this.now);
    this.record({ type: 'session.started', version: 'test', pid: 1 });
  }

  /** From here on everything works. */
  calm(): void {
    this.dice = () => 0.999;
    this.trouble = 0;
    for (const box of this.boxes.values()) box.sticks = false;
  }

  record(...bodies: Body[]): void {
    for (const body of bodies) {
      const event: Event = { ...body, v: 1, seq: this.events.length + 1, at: this.now };
      this.events.push(event);
      this.world = reduce(this.world, event);
    }
  }

  submit(run: string, spec: Spec): void {
    this.record({ type: 'run.submitted', run, spec, spec_path: '/project/spec.yaml', warnings: [] });
  }

  /** One look: conclusions to a fixpoint, then each wanted effect with an outcome, then time moves. */
  step(ms: number): void {
    for (let round = 0; ; round += 1) {
      const actions = this.decide();
      const emits = actions.flatMap((action) => (action.do === 'emit' ? [action.body] : []));
      if (emits.length === 0) {
        for (const action of actions) this.perform(action);
        break;
      }
      if (round > 50) throw new Error(`the deciders do not rest: ${JSON.stringify(emits[0])}`);
      this.record(...emits);
    }
    this.checkAlways();
    this.now += ms;
    this.live(ms);
  }

  decide(): Action[] {
    const world = { ...this.world, now: this.now };
    return [...decideFleet(world), ...runsOf(world).filter((run) => !isClosed(run)).flatMap((run) => [...decideBabysitter(world, run), ...decideRunner(world, run)])];
  }

  fails(): boolean {
    return this.dice() < this.trouble;
  }

  private later(run: string, effect: string, reason = 'did not work'): void {
    this.record({ type: 'effect.failed', run, effect, reason, retry_at: this.now + backoffMs((this.world.runs[run]?.backoff[effect]?.count ?? 0) + 1) });
  }

  private listed(): Instance[] {
    return [...this.boxes.values()].filter((box) => box.exists).map((box) => box.instance);
  }

  private perform(action: Action): void {
    if (action.do === 'emit') return;
    const run = 'run' in action && action.run !== null ? this.world.runs[action.run] : undefined;
    const box = run?.instance == null ? undefined : this.boxes.get(run.instance);
    switch (action.do) {
      case 'account':
        return this.record({ type: 'account.seen', credit_usd: 50, email: null });
      case 'list':
        return this.fails() ? this.record({ type: 'fleet.unknown', failure: 'unavailable', reason: 'down' }) : this.record({ type: 'fleet.seen', instances: this.listed() });
      case 'confirm_gone':
        if (!this.fails() && this.boxes.get(action.instance)?.exists !== true) this.record({ type: 'instance.absent', instance: action.instance });
        return;
      case 'search': {
        const offers = [1, 2, 3, 4, 5].map((n) => ({ offer_id: this.nextId * 10 + n, machine_id: n, gpu_name: 'RTX 4090', num_gpus: 1, dph_total: 0.3 + n / 100, all_in_usd_per_hour: 0.3 + n / 100, reliability: 0.99, geolocation: null }));
        return this.fails() ? this.later(action.run, 'search') : this.record({ type: 'offers.ranked', run: action.run, offers: offers.filter(({ machine_id }) => (this.world.machines[String(machine_id)]?.until ?? 0) <= this.now), rejected: {} });
      }
      case 'create': {
        const label = labelOf(action.run, action.attempt);
        this.record({ type: 'create.intended', run: action.run, attempt: action.attempt, offer: action.offer, label, bid_usd_per_hour: null });
        this.creates += 1;
        const luck = this.dice();
        if (luck < this.trouble / 2) return this.record({ type: 'create.refused', run: action.run, attempt: action.attempt, offer_id: action.offer.offer_id, failure: 'offer_gone', reason: 'taken' });
        const made = luck >= this.trouble ? true : this.fails();
        const id = made ? this.born(label, action.offer.machine_id) : 0;
        return luck < this.trouble ? this.record({ type: 'create.unclear', run: action.run, attempt: action.attempt, reason: 'timeout' }) : this.record({ type: 'create.accepted', run: action.run, attempt: action.attempt, instance: id, machine_id: action.offer.machine_id });
      }
      case 'find': {
        if (this.fails()) return this.later(action.run, 'find');
        const found = this.listed().find((one) => one.label === labelOf(action.run, action.attempt));
        if (found) return this.record({ type: 'create.accepted', run: action.run, attempt: action.attempt, instance: found.id, machine_id: found.machine_id });
        this.record({ type: 'create.absent', run: action.run, attempt: action.attempt });
        return this.later(action.run, 'find');
      }
      case 'connect':
        return this.fails() || !box ? this.later(action.run, 'connect') : this.record({ type: 'ssh.up', run: action.run, instance: box.instance.id, endpoint: 'direct' });
      case 'prepare':
        return this.fails() || !box ? this.later(action.run, 'prepare') : this.record({ type: 'prepare.done', run: action.run, instance: box.instance.id, bytes_up: 1e6, restored: null });
      case 'start': {
        if (!box) return this.later(action.run, 'start');
        this.record({ type: 'start.intended', run: action.run, attempt: action.attempt, instance: box.instance.id, command: 'train', resume_from: null, resume_step: box.checkpoint });
        if (this.fails()) return this.later(action.run, 'start');
        box.process = { attempt: action.attempt, step: box.checkpoint ?? 0, hung: false };
        return this.record({ type: 'process.started', run: action.run, attempt: action.attempt, pid: 1 });
      }
      case 'follow': {
        const attempt = run?.attempts.at(-1)?.number ?? 0;
        return this.fails() ? this.later(action.run, 'follow') : this.record({ type: 'stream.opened', run: action.run, attempt, alive: true });
      }
      case 'probe': {
        const attempt = run?.attempts.at(-1)?.number ?? 0;
        if (this.fails() || !box) {
          this.record({ type: 'check.failed', run: action.run, attempt, why: action.why, failure: 'timeout', reason: 'no answer' });
          return this.later(action.run, 'probe');
        }
        return this.record({ type: 'check.done', run: action.run, attempt, why: action.why, reading: this.reading(box) });
      }
      case 'stop_training':
        if (this.fails() || !box) return this.later(action.run, 'stop_training');
        box.process = null;
        return this.record({ type: 'training.stopped', run: action.run, attempt: run?.attempts.at(-1)?.number ?? 0 });
      case 'fix':
        return this.record({ type: 'fix.applied', run: action.run, command: action.command, exit_code: this.fails() ? 1 : 0, tail: [] });
      case 'sync': {
        if (this.fails() || !box) {
          if (action.final) this.record({ type: 'rescue.judged', run: action.run, instance: run?.instance ?? 0, verdict: 'unverified', files: 0, bytes: 0, reason: 'unreachable' });
          return this.later(action.run, 'sync');
        }
        this.record({ type: 'files.home', run: action.run, instance: box.instance.id, files: [], bytes: 0 });
        if (action.final) this.record({ type: 'rescue.judged', run: action.run, instance: box.instance.id, verdict: 'verified', files: 1, bytes: 1, reason: 'hashed' });
        return;
      }
      case 'destroy': {
        const target = this.boxes.get(action.instance);
        if (refuseDestroy(this.world, action.instance, action.run, action.gate) !== null) this.violations.push({ rule: 'the decider wants a destroy that the guard refuses', at: this.now });
        if (target?.process && !target.process.hung) {
          const allowed = run?.verdict === 'destroyed_by_user' || run?.verdict === 'killed_by_criterion';
          if (!allowed) this.violations.push({ rule: '1: a live and advancing run is destroyed', at: this.now });
        }
        if (run?.rescue?.verdict === 'unverified' || !run?.rescue) this.violations.push({ rule: '2: destroyed without a verdict on its results', at: this.now });
        this.record({ type: 'destroy.intended', run: action.run, instance: action.instance, gate: action.gate, reason: action.reason });
        if (this.fails()) return action.run === null ? undefined : this.later(action.run, 'destroy');
        this.record({ type: 'destroy.accepted', instance: action.instance });
        // Accepted does not always stick.
        if (target && (!this.fails() || target.destroyAsked > 2)) target.exists = false;
        if (target) target.destroyAsked += 1;
        return;
      }
      case 'stop': {
        this.record({ type: 'stop.intended', run: action.run, instance: action.instance, reason: action.reason }, { type: 'stop.accepted', instance: action.instance });
        if (box) box.instance = { ...box.instance, actual_status: 'exited', intended_status: 'stopped', cur_state: 'stopped' };
        return;
      }
    }
  }

  private born(label: string, machine_id: number): number {
    const id = (this.nextId += 1);
    const instance: Instance = { id, machine_id, label, actual_status: 'loading', intended_status: 'running', cur_state: 'running', next_state: 'running', status_msg: null, gpu_name: 'RTX 4090', num_gpus: 1, gpu_ram: 24_564, gpu_util: null, gpu_temp: null, disk_space: 20, disk_usage: 1, dph_total: 0.35, dph_base: 0.34, storage_total_cost: 0.01, inet_up_cost: 0, inet_down_cost: 0, inet_up_billed: null, inet_down_billed: null, is_bid: false, min_bid: null, start_date: this.now / 1_000, end_date: null, ssh_host: 'ssh4.vast.ai', ssh_port: 10_000, public_ipaddr: null, direct_ssh_port: null, geolocation: null };
    this.boxes.set(id, { instance, exists: true, process: null, sticks: this.fails(), bornAt: this.now, checkpoint: null, destroyAsked: 0 });
    return id;
  }

  /** The boxes' own lives: loading ends, steps are made, processes die or hang, runs end. */
  private live(ms: number): void {
    for (const box of this.boxes.values()) {
      if (!box.exists) continue;
      if (box.instance.actual_status === 'loading' && !box.sticks && this.now - box.bornAt > 60_000) box.instance = { ...box.instance, actual_status: 'running' };
      const live = box.process;
      const run = runsOf(this.world).find((one) => one.instance === box.instance.id);
      if (!live || !run || run.attempts.at(-1)?.number !== live.attempt) continue;
      if (live.hung) continue;
      live.step += Math.max(1, Math.round(ms / 30_000));
      if (live.step % 10 === 0) box.checkpoint = live.step;
      this.record({ type: 'progress', run: run.id, attempt: live.attempt, reading: reading(live.step) });
      const luck = this.dice();
      if (luck < this.trouble / 10) live.hung = true;
      else if (luck < this.trouble / 4) this.dies(box, run.id, 1, null, [LOGS.oom, LOGS.module, LOGS.bug][Math.floor(this.dice() * 3)] ?? LOGS.oom);
      else if (luck < this.trouble / 3) this.dies(box, run.id, null, 'SEGV', 'step 12');
      else if (live.step > 150) this.dies(box, run.id, 0, null, 'Training completed.');
    }
  }

  /** Lets the process on a box die with this log. */
  kill(box: Box, run: string, log: string): void {
    this.dies(box, run, 1, null, log);
  }

  private dies(box: Box, run: string, exit_code: number | null, signal: string | null, log: string): void {
    const attempt = box.process?.attempt ?? 0;
    box.process = null;
    this.record({ type: 'process.exited', run, attempt, exit_code, signal, oom_kills: 0, tail: log.split('\n'), pushed: true });
  }

  private reading(box: Box): ProbeReading {
    const busy = box.process !== null && !box.process.hung;
    return { at: this.now, gpus: [{ index: 0, name: 'RTX 4090', util: busy ? 97 : 100, mem_used: 20_000, mem_total: 24_564, power_w: busy ? 400 : 90, power_limit_w: 450, temp_c: 60, sm_clock_mhz: 2_500, throttled: false }], alive: box.process !== null, cpu_s: 1, load1: 1, mem_used: 1, mem_total: 2, disk: null, shm: null, net: null, io: null, log_bytes: 1, log_age_s: busy ? 1 : 9_999, oom_kills: 0, kernel: [], boot_id: 'a', uptime_s: 1, exit: null, driver_version: null, cuda_version: null };
  }

  /** What must hold at every moment. */
  private checkAlways(): void {
    const live = new Map<string, number>();
    for (const box of this.boxes.values()) {
      const run = /^vastsit:(.+):\d+$/.exec(box.instance.label ?? '')?.[1];
      if (box.exists && box.process && run) live.set(run, (live.get(run) ?? 0) + 1);
    }
    for (const [run, count] of live) if (count > 1) this.violations.push({ rule: `4: ${count} live attempts of ${run}`, at: this.now });
    const labels = [...this.boxes.values()].map((box) => box.instance.label);
    if (new Set(labels).size !== labels.length) this.violations.push({ rule: '6: one label was rented twice', at: this.now });
    for (const run of runsOf(this.world)) {
      const remedies = [...run.incidents, ...(run.incident ? [run.incident] : [])].reduce((total, incident) => total + incident.remedies.length, 0);
      if (remedies > 8) this.violations.push({ rule: `5: ${remedies} repairs in ${run.id}`, at: this.now });
      if (run.hold && run.hold.until < this.now - 60_000) this.violations.push({ rule: '9: a hold outlived its end', at: this.now });
    }
  }
}

function reading(step: number): ProgressReading {
  return { step, total_steps: 150, epoch: null, loss: 1 / step, learning_rate: null, rate: { value: 2, unit: 's/it' }, steps_per_s: 0.5, eval: null, eta_s: null, format: 'hf', activity: 'training', diverged: false };
}
