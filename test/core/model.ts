/**
 * A world to test deciders in: the real `decide` and `reduce` over virtual time, with an outside that answers as a seed
 * says: offers that vanish, creates whose answer is lost, boxes that stick, processes that die, lists that fail.
 * Nothing in it is asynchronous, so that thousands of evenings fit into a second.
 */
import type { Action } from '../../src/core/actions.ts';
import { decideBabysitter } from '../../src/core/decide/babysitter.ts';
import { decideFleet } from '../../src/core/decide/fleet.ts';
import { decideRunner } from '../../src/core/decide/runner.ts';
import type { ProposedChoice } from '../../src/core/brain/proposal.ts';
import type { BrainSettings } from '../../src/core/brain/state.ts';
import { backoffMs } from '../../src/core/decide/ready.ts';
import type { Body, Event } from '../../src/core/events.ts';
import { refuseRent } from '../../src/core/budget.ts';
import { labelOf, type Instance } from '../../src/core/market.ts';
import type { ProbeReading } from '../../src/core/probe.ts';
import type { ProgressReading } from '../../src/core/progress/index.ts';
import { reduce } from '../../src/core/reduce.ts';
import type { Spec } from '../../src/core/spec.ts';
import { emptyWorld, isClosed, runsOf, type World } from '../../src/core/state.ts';
import { answerOrder } from '../../src/core/orders.ts';
import { refuseAdopt, refuseDestroy } from '../../src/agents/guard.ts';

export interface Box {
  instance: Instance;
  /** What really is, whatever the API says. */
  exists: boolean;
  process: { attempt: number; step: number; hung: boolean } | null;
  sticks: boolean;
  bornAt: number;
  checkpoint: number | null;
  destroyAsked: number;
  /** The lies and the weather: not listed before, offline until, outbid until, listed again after its end. */
  hiddenUntil: number;
  offlineUntil: number;
  outbidUntil: number;
  ghostAt: number | null;
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

/** What a model may come up with, sense and nonsense. */
const PROPOSALS: readonly [ProposedChoice, ...ProposedChoice[]] = [
  { kind: 'apply_diff', diff: '--- a/train.py\n+++ b/train.py\n@@ -1,2 +1,2 @@\n a = 1\n-b = 2\n+b = 3\n' },
  { kind: 'rerun' },
  { kind: 'switch_instance' },
  { kind: 'set_knob', knob: 'batch_size', value: 8 },
  { kind: 'set_env', name: 'OMP_NUM_THREADS', value: '4' },
  { kind: 'install_package', name: 'einops' },
  { kind: 'ask_user', question: 'May I?', then: { kind: 'rerun' } },
  { kind: 'give_up', best_option: 'Look at the data.' },
  { kind: 'apply_diff', diff: 'no diff' },
];

/** The model that worlds with a brain have. */
export const BRAIN: BrainSettings = { model: 'model', limits: { turns: 8, tokens: 40_000, usd: 1, wall_ms: 90_000, consults: 6, diff_lines: { fix: 24, reduce: 40, switch: 40 } } };

export class Model {
  world: World;
  readonly events: Event[] = [];
  readonly boxes = new Map<number, Box>();
  readonly violations: Violation[] = [];
  now = 1_700_000_000_000;
  creates = 0;
  /** Steps of a training, half a minute each. */
  length = 150;
  /** Nobody gets in to any box; what runs there goes on unseen. */
  sshRefused = false;
  /** So many stops are refused. */
  refuseStop = 0;
  private nextId = 100;
  readonly strangers: number[] = [];
  private readonly rented = new Map<string, number>();

  constructor(
    public dice: Dice,
    public trouble: number,
    brain: BrainSettings | null = null,
  ) {
    this.world = emptyWorld(this.now);
    this.record({ type: 'session.started', version: 'test', pid: 1, brain });
  }

  /** From here on everything works. */
  calm(): void {
    this.dice = () => 0.999;
    this.trouble = 0;
    for (const box of this.boxes.values()) Object.assign(box, { sticks: false, hiddenUntil: 0, offlineUntil: 0, outbidUntil: 0 });
  }

  record(...bodies: Body[]): void {
    for (const body of bodies) {
      const event: Event = { ...body, v: 1, seq: this.events.length + 1, at: this.now };
      this.events.push(event);
      this.world = reduce(this.world, event);
    }
  }

  submit(run: string, spec: Spec, adopt?: number): void {
    this.record({ type: 'run.submitted', run, spec, spec_path: '/project/spec.yaml', warnings: [], ...(adopt !== undefined && { adopt }) });
  }

  /** An instance of the account that no run of ours rented. */
  stranger(): number {
    const id = this.born('mine', 9, false);
    const box = this.boxes.get(id);
    if (box) Object.assign(box, { sticks: false, hiddenUntil: 0, instance: { ...box.instance, actual_status: 'running' } });
    this.strangers.push(id);
    return id;
  }

  /** What a person orders, through the same policy as a key. */
  order(command: Parameters<typeof answerOrder>[1]): void {
    const answer = answerOrder(this.world, command, this.now, 1);
    if (answer.ok) this.record(...answer.events);
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
    return [...this.boxes.values()].filter((box) => box.exists && box.hiddenUntil <= this.now).map((box) => this.shown(box));
  }

  /** An instance as the market tells it now. */
  private shown(box: Box): Instance {
    if (box.offlineUntil > this.now) return { ...box.instance, actual_status: 'offline' };
    return box.outbidUntil > this.now ? { ...box.instance, actual_status: 'exited', cur_state: 'stopped' } : box.instance;
  }

  private reachable(box: Box | undefined): box is Box {
    return !this.sshRefused && box !== undefined && box.exists && this.shown(box).actual_status === 'running';
  }

  private lies(): boolean {
    return this.dice() < this.trouble / 8;
  }

  /** Somebody says yes to everything that waits for a word. */
  approve(): void {
    for (const { id, brain } of runsOf(this.world)) if (brain.consult.stage === 'pending') this.record({ type: 'user.approved', run: id, key: brain.consult.key });
  }

  private perform(action: Action): void {
    if (action.do === 'emit') return;
    const run = 'run' in action && action.run !== null ? this.world.runs[action.run] : undefined;
    const box = run?.instance == null ? undefined : this.boxes.get(run.instance);
    switch (action.do) {
      case 'account':
        return this.record({ type: 'account.seen', credit_usd: 50, email: null });
      case 'list':
        if (this.fails()) return this.record({ type: 'fleet.unknown', failure: this.dice() < 0.3 ? 'auth' : 'unavailable', reason: 'down' });
        return this.record({ type: 'fleet.seen', instances: this.lies() ? [] : this.listed() });
      case 'confirm_gone':
        if (this.fails()) return;
        return this.record({ type: this.boxes.get(action.instance)?.exists === true ? 'instance.present' : 'instance.absent', instance: action.instance });
      case 'search': {
        const offers = [1, 2, 3, 4, 5].map((n) => ({ offer_id: this.nextId * 10 + n, machine_id: n, gpu_name: 'RTX 4090', num_gpus: 1, dph_total: 0.3 + n / 100, all_in_usd_per_hour: 0.3 + n / 100, reliability: 0.99, geolocation: null }));
        return this.fails() ? this.later(action.run, 'search') : this.record({ type: 'offers.ranked', run: action.run, offers: offers.filter(({ machine_id }) => (this.world.machines[String(machine_id)]?.until ?? 0) <= this.now), rejected: {} });
      }
      case 'create': {
        if (run && refuseRent(this.world, run, action.offer.all_in_usd_per_hour) !== null) return this.later(action.run, 'create');
        const label = labelOf(action.run, action.attempt);
        this.record({ type: 'create.intended', run: action.run, attempt: action.attempt, offer: action.offer, label, bid_usd_per_hour: null });
        this.creates += 1;
        this.rented.set(label, (this.rented.get(label) ?? 0) + 1);
        const bid = run?.spec.market !== 'on-demand';
        const luck = this.dice();
        if (luck < this.trouble / 2) return this.record({ type: 'create.refused', run: action.run, attempt: action.attempt, offer_id: action.offer.offer_id, failure: 'offer_gone', reason: 'taken' });
        const made = luck >= this.trouble ? true : this.fails();
        const id = made ? this.born(label, action.offer.machine_id, bid) : 0;
        // Carried out twice, as a lost answer may be.
        if (made && luck < this.trouble && this.fails()) this.born(label, action.offer.machine_id, bid);
        return luck < this.trouble ? this.record({ type: 'create.unclear', run: action.run, attempt: action.attempt, reason: 'timeout' }) : this.record({ type: 'create.accepted', run: action.run, attempt: action.attempt, instance: id, machine_id: action.offer.machine_id });
      }
      case 'find': {
        if (this.fails()) return this.later(action.run, 'find');
        const found = this.listed().find((one) => one.label === labelOf(action.run, action.attempt));
        if (found) return this.record({ type: 'create.accepted', run: action.run, attempt: action.attempt, instance: found.id, machine_id: found.machine_id });
        this.record({ type: 'create.absent', run: action.run, attempt: action.attempt });
        return this.later(action.run, 'find');
      }
      case 'adopt': {
        const one = this.boxes.get(action.instance);
        if (refuseAdopt(this.world, action.instance, action.run) !== null || !one) return this.later(action.run, 'adopt');
        const label = labelOf(action.run, 1);
        this.record({ type: 'adopt.intended', run: action.run, attempt: 1, instance: action.instance, label, label_before: one.instance.label });
        if (!this.fails()) one.instance = { ...one.instance, label };
        if (this.fails()) return this.later(action.run, 'adopt');
        one.instance = { ...one.instance, label };
        return this.record({ type: 'instance.adopted', run: action.run, attempt: 1, instance: action.instance, machine_id: one.instance.machine_id });
      }
      case 'give_back': {
        const one = this.boxes.get(action.instance);
        this.record({ type: 'give_back.intended', run: action.run, instance: action.instance, label: 'mine' });
        if (this.fails() || !one) return this.later(action.run, 'give_back');
        if (one.process && !one.process.hung && !run?.destroy_ordered?.waive) this.violations.push({ rule: '1: given back with a training that goes on', at: this.now });
        one.instance = { ...one.instance, label: 'mine' };
        return this.record({ type: 'instance.given_back', run: action.run, instance: action.instance });
      }
      case 'connect':
        return this.fails() || !this.reachable(box) ? this.later(action.run, 'connect') : this.record({ type: 'ssh.up', run: action.run, instance: box.instance.id, endpoint: 'direct' });
      case 'prepare':
        if (this.reachable(box)) box.checkpoint ??= run?.checkpoint?.step ?? null;
        return this.fails() || !this.reachable(box) ? this.later(action.run, 'prepare') : this.record({ type: 'prepare.done', run: action.run, instance: box.instance.id, bytes_up: 1e6, restored: null });
      case 'start': {
        if (!this.reachable(box)) return this.later(action.run, 'start');
        this.record({ type: 'start.intended', run: action.run, attempt: action.attempt, instance: box.instance.id, command: 'train', resume_from: null, resume_step: box.checkpoint });
        if (this.fails()) return this.later(action.run, 'start');
        box.process = { attempt: action.attempt, step: box.checkpoint ?? 0, hung: false };
        return this.record({ type: 'process.started', run: action.run, attempt: action.attempt, pid: 1 });
      }
      case 'follow': {
        const attempt = run?.attempts.at(-1)?.number ?? 0;
        return this.fails() || !this.reachable(box) ? this.later(action.run, 'follow') : this.record({ type: 'stream.opened', run: action.run, attempt, alive: true });
      }
      case 'probe': {
        const attempt = run?.attempts.at(-1)?.number ?? 0;
        if (this.fails() || !this.reachable(box)) {
          this.record({ type: 'check.failed', run: action.run, attempt, why: action.why, failure: 'timeout', reason: 'no answer' });
          return this.later(action.run, 'probe');
        }
        this.record({ type: 'check.done', run: action.run, attempt, why: action.why, reading: this.reading(box) });
        // As the real probe: two looks in a row that call it dead.
        if (box.process === null && run?.check?.reading?.alive === false && run.check.failure === null) this.record({ type: 'process.exited', run: action.run, attempt, exit_code: null, signal: null, oom_kills: 0, tail: [], pushed: false });
        return;
      }
      case 'stop_training':
        if (this.fails() || !this.reachable(box)) return this.later(action.run, 'stop_training');
        box.process = null;
        return this.record({ type: 'training.stopped', run: action.run, attempt: run?.attempts.at(-1)?.number ?? 0 });
      case 'consult': {
        const { incident, key } = action;
        this.record({ type: 'brain.asked', run: action.run, incident, key, model: 'model', tokens: 4_000 }, { type: 'brain.used', run: action.run, usage: { tokens_in: 4_000, tokens_out: 200, usd: 0.002 } });
        if (this.fails()) return this.record({ type: 'brain.failed', run: action.run, incident, key, reason: 'it took too long' });
        const choice = PROPOSALS[Math.floor(this.dice() * PROPOSALS.length)] ?? PROPOSALS[0];
        return this.record({ type: 'brain.proposed', run: action.run, incident, key, proposal: { diagnosis: 'a guess', action: choice } });
      }
      case 'keep_patch':
        return this.fails() ? this.later(action.run, 'keep_patch') : this.record({ type: 'patch.home', run: action.run, patch: action.patch, path: `patches/${action.patch}.patch` });
      case 'fix':
        return this.record({ type: 'fix.applied', run: action.run, command: action.command, exit_code: this.fails() ? 1 : 0, tail: [] });
      case 'sync': {
        if (this.fails() || !this.reachable(box)) {
          if (action.final) this.record({ type: 'rescue.judged', run: action.run, instance: run?.instance ?? 0, verdict: 'unverified', files: 0, bytes: 0, reason: 'unreachable' });
          return this.later(action.run, 'sync');
        }
        const files = box.checkpoint === null ? [] : [{ path: `ckpt/step-${box.checkpoint}.pt`, bytes: 1_000, sha256: `${action.run}-${box.checkpoint}`, mtime_s: this.now / 1_000 }];
        this.record({ type: 'files.home', run: action.run, instance: box.instance.id, files, bytes: 0 });
        if (action.final) this.record({ type: 'rescue.judged', run: action.run, instance: box.instance.id, verdict: 'verified', files: 1, bytes: 1, reason: 'hashed' });
        return;
      }
      case 'destroy': {
        const target = this.boxes.get(action.instance);
        if (refuseDestroy(this.world, action.instance, action.run, action.gate) !== null) this.violations.push({ rule: 'the decider wants a destroy that the guard refuses', at: this.now });
        if (target?.process && !target.process.hung) {
          // What is cut off and left behind is a copy of a run whose later attempt reached its end.
          const copy = run?.verdict === 'done' && run.rescue?.verdict === 'verified' && run.left.some((one) => one.instance === action.instance);
          const allowed = copy || run?.destroy_ordered != null || run?.verdict === 'killed_by_criterion';
          if (!allowed) this.violations.push({ rule: '1: a live and advancing run is destroyed', at: this.now });
        }
        if (this.strangers.includes(action.instance) && run?.destroy_ordered == null) this.violations.push({ rule: '8: an instance that was adopted is ended without an order', at: this.now });
        const left = run?.left.find((one) => one.instance === action.instance);
        const verdict = left ? left.verdict : run?.rescue?.verdict;
        if (verdict === 'unverified' || verdict == null) this.violations.push({ rule: '2: destroyed without a verdict on its results', at: this.now });
        this.record({ type: 'destroy.intended', run: action.run, instance: action.instance, gate: action.gate, reason: action.reason });
        if (this.fails()) return action.run === null ? undefined : this.later(action.run, 'destroy');
        this.record({ type: 'destroy.accepted', instance: action.instance });
        // Accepted does not always stick.
        if (target && (!this.fails() || target.destroyAsked > 2)) {
          target.exists = false;
          if (this.lies() && target.destroyAsked < 3) target.ghostAt = this.now + this.dice() * 1_200_000;
        }
        if (target) target.destroyAsked += 1;
        return;
      }
      case 'stop': {
        if (this.strangers.includes(action.instance)) this.violations.push({ rule: '8: an instance that was adopted is stopped', at: this.now });
        this.record({ type: 'stop.intended', run: action.run, instance: action.instance, reason: action.reason });
        if (this.refuseStop-- > 0 || this.fails()) return this.later(action.run, 'stop');
        this.record({ type: 'stop.accepted', instance: action.instance });
        if (box) Object.assign(box, { process: null, instance: { ...box.instance, actual_status: 'exited', intended_status: 'stopped', cur_state: 'stopped' } });
        return;
      }
      case 'wake':
        this.record({ type: 'wake.intended', run: action.run, instance: action.instance, reason: action.reason });
        if (this.fails() || !box) return this.later(action.run, 'wake');
        box.instance = { ...box.instance, actual_status: 'running', intended_status: 'running', cur_state: 'running' };
        return this.record({ type: 'wake.accepted', run: action.run, instance: action.instance });
      case 'raise_bid':
        this.record({ type: 'bid.intended', run: action.run, instance: action.instance, from: action.from, to: action.to, reason: action.reason });
        if (action.to > (run?.spec.hardware.max_usd_per_hour ?? 0)) this.violations.push({ rule: 'a bid above the price cap', at: this.now });
        if (this.fails()) return this.later(action.run, 'raise_bid');
        if (box) box.instance = { ...box.instance, dph_base: action.to, dph_total: action.to + box.instance.storage_total_cost };
        if (box && !this.fails()) box.outbidUntil = this.now;
        return this.record({ type: 'bid.raised', run: action.run, instance: action.instance, usd_per_hour: action.to });
      case 'salvage': {
        const old = this.boxes.get(action.instance);
        if (this.fails() || !this.reachable(old)) return this.later(action.run, 'salvage');
        old.process = null;
        return this.record({ type: 'left.judged', run: action.run, instance: action.instance, verdict: 'verified', reason: 'hashed' });
      }
    }
  }

  /** A new instance under this label; returns its id. */
  born(label: string, machine_id: number, bid: boolean): number {
    const id = (this.nextId += 1);
    const instance: Instance = { id, machine_id, label, actual_status: 'loading', intended_status: 'running', cur_state: 'running', next_state: 'running', status_msg: null, gpu_name: 'RTX 4090', num_gpus: 1, gpu_ram: 24_564, gpu_util: null, gpu_temp: null, disk_space: 20, disk_usage: 1, dph_total: 0.35, dph_base: 0.34, storage_total_cost: 0.01, inet_up_cost: 0, inet_down_cost: 0, inet_up_billed: null, inet_down_billed: null, is_bid: bid, min_bid: bid ? 0.3 : null, start_date: this.now / 1_000, end_date: null, ssh_host: 'ssh4.vast.ai', ssh_port: 10_000, public_ipaddr: null, direct_ssh_port: null, geolocation: null };
    this.boxes.set(id, { instance, exists: true, process: null, sticks: this.fails(), bornAt: this.now, checkpoint: null, destroyAsked: 0, hiddenUntil: this.fails() ? this.now + this.dice() * 300_000 : 0, offlineUntil: 0, outbidUntil: 0, ghostAt: null });
    return id;
  }

  /** The boxes' own lives: loading ends, steps are made, processes die or hang, runs end. */
  private live(ms: number): void {
    for (const box of this.boxes.values()) {
      if (box.ghostAt !== null && box.ghostAt <= this.now) Object.assign(box, { exists: true, ghostAt: null, process: null });
      if (!box.exists) continue;
      if (box.offlineUntil > this.now) continue;
      if (box.outbidUntil > this.now) box.process = null;
      if (box.instance.actual_status === 'running' && this.dice() < this.trouble / 60) {
        const until = this.now + this.dice() * 36_000_000;
        if (box.instance.is_bid) box.outbidUntil = until;
        else box.offlineUntil = until;
        continue;
      }
      if (box.instance.actual_status === 'loading' && !box.sticks && this.now - box.bornAt > 60_000) box.instance = { ...box.instance, actual_status: 'running' };
      const live = box.process;
      const run = runsOf(this.world).find((one) => one.instance === box.instance.id);
      if (!live || !run || run.attempts.at(-1)?.number !== live.attempt) continue;
      if (live.hung) continue;
      live.step += Math.max(1, Math.round(ms / 30_000));
      if (live.step % 10 === 0) box.checkpoint = live.step;
      if (this.sshRefused) continue;
      this.record({ type: 'progress', run: run.id, attempt: live.attempt, reading: reading(live.step) });
      const luck = this.dice();
      if (luck < this.trouble / 10) live.hung = true;
      else if (luck < this.trouble / 4) this.dies(box, run.id, 1, null, [LOGS.oom, LOGS.module, LOGS.bug][Math.floor(this.dice() * 3)] ?? LOGS.oom);
      else if (luck < this.trouble / 3) this.dies(box, run.id, null, 'SEGV', 'step 12');
      else if (live.step > this.length) this.dies(box, run.id, 0, null, 'Training completed.');
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
      const old = run !== undefined && this.world.runs[run]?.left.some((one) => one.instance === box.instance.id);
      if (this.reachable(box) && box.process && run && !old) live.set(run, (live.get(run) ?? 0) + 1);
    }
    for (const [run, count] of live) if (count > 1) this.violations.push({ rule: `4: ${count} live attempts of ${run}`, at: this.now });
    for (const [label, count] of this.rented) if (count > 1) this.violations.push({ rule: `6: ${label} was asked for twice`, at: this.now });
    for (const run of runsOf(this.world)) {
      const remedies = [...run.incidents, ...(run.incident ? [run.incident] : [])].reduce((total, incident) => total + incident.remedies.length, 0);
      if (remedies > 8) this.violations.push({ rule: `5: ${remedies} repairs in ${run.id}`, at: this.now });
      if (run.brain.consults > BRAIN.limits.consults) this.violations.push({ rule: `5: ${run.brain.consults} consults in ${run.id}`, at: this.now });
      if (run.hold && run.hold.until < this.now - 60_000) this.violations.push({ rule: '9: a hold outlived its end', at: this.now });
    }
  }
}

function reading(step: number): ProgressReading {
  return { step, total_steps: 150, epoch: null, loss: 1 / step, learning_rate: null, rate: { value: 2, unit: 's/it' }, steps_per_s: 0.5, eval: null, eta_s: null, format: 'hf', activity: 'training', diverged: false };
}
