/** A run that trains, over virtual time: steps are made, looks are taken, and the real reducer remembers them. */
import type { Action } from '../../src/core/actions.ts';
import { decideBabysitter } from '../../src/core/decide/babysitter.ts';
import { decideFleet } from '../../src/core/decide/fleet.ts';
import type { Body, BodyOf, Event } from '../../src/core/events.ts';
import type { Instance } from '../../src/core/market.ts';
import type { GpuReading, ProbeReading } from '../../src/core/probe.ts';
import type { ProgressReading } from '../../src/core/progress/index.ts';
import { reduce } from '../../src/core/reduce.ts';
import type { SpecInput } from '../../src/core/spec.ts';
import { emptyWorld, type RunState, type World } from '../../src/core/state.ts';
import { makeSpec } from './spec-factory.ts';

export const SECOND = 1_000;
export const MINUTE = 60_000;

export const gpu = (part: Partial<GpuReading> = {}): GpuReading => ({ index: 0, name: 'RTX 4090', util: 97, mem_used: 20_000, mem_total: 24_564, power_w: 400, power_limit_w: 450, temp_c: 60, sm_clock_mhz: 2_500, throttled: false, ...part });
export const IDLE = gpu({ util: 0, power_w: 60 });
export const SPINNING = gpu({ util: 100, power_w: 95 });

const HEALTHY: ProbeReading = { at: 0, gpus: [gpu()], alive: true, cpu_s: 0, load1: 1, mem_used: 1, mem_total: 2, disk: null, shm: null, net: null, io: null, log_bytes: 1, log_age_s: 1, oom_kills: 0, kernel: [], boot_id: 'a', uptime_s: 1, exit: null, driver_version: null, cuda_version: null };

export class Bench {
  world: World;
  now = 1_700_000_000_000;
  step = 0;
  attempt = 1;
  /** Of the process tree, seconds; grows by `cores` as time passes. */
  cpu_s = 0;
  cores = 1;
  readonly events: Event[] = [];
  instance: Instance = { id: 7, machine_id: 1, label: 'vastsit:demo:1', actual_status: 'running', intended_status: 'running', cur_state: 'running', next_state: 'running', status_msg: null, gpu_name: 'RTX 4090', num_gpus: 1, gpu_ram: 24_564, gpu_util: null, gpu_temp: null, disk_space: 20, disk_usage: 1, dph_total: 0.35, dph_base: 0.34, storage_total_cost: 0.01, inet_up_cost: 0, inet_down_cost: 0, inet_up_billed: null, inet_down_billed: null, is_bid: false, min_bid: null, start_date: 0, end_date: null, ssh_host: 'ssh4.vast.ai', ssh_port: 10_000, public_ipaddr: null, direct_ssh_port: null, geolocation: null };

  constructor(spec: Partial<SpecInput> = {}) {
    this.world = emptyWorld(this.now);
    const offer = { offer_id: 1, machine_id: 1, gpu_name: 'RTX 4090', num_gpus: 1, dph_total: 0.35, all_in_usd_per_hour: 0.35, reliability: 0.99, geolocation: null };
    this.record(
      { type: 'session.started', version: 'test', pid: 1 },
      { type: 'account.seen', credit_usd: 50, email: null },
      { type: 'run.submitted', run: 'demo', spec: makeSpec({ kill: { hours: 1_000, dollars: 1_000 }, ...spec }), spec_path: '/p/spec.yaml', warnings: [] },
      { type: 'create.intended', run: 'demo', attempt: 1, offer, label: 'vastsit:demo:1', bid_usd_per_hour: null },
      { type: 'create.accepted', run: 'demo', attempt: 1, instance: 7, machine_id: 1 },
      { type: 'fleet.seen', instances: [this.instance] },
      { type: 'ssh.up', run: 'demo', instance: 7, endpoint: 'direct' },
      { type: 'prepare.done', run: 'demo', instance: 7, bytes_up: 1, restored: null },
      { type: 'start.intended', run: 'demo', attempt: 1, instance: 7, command: 'train', resume_from: null, resume_step: null },
      { type: 'process.started', run: 'demo', attempt: 1, pid: 1 },
      { type: 'stream.opened', run: 'demo', attempt: 1, alive: true },
    );
    this.wait(MINUTE);
  }

  get run(): RunState {
    const run = this.world.runs['demo'];
    if (!run) throw new Error('no run');
    return run;
  }

  record(...bodies: Body[]): void {
    for (const body of bodies) {
      const event: Event = { ...body, v: 1, seq: this.events.length + 1, at: this.now };
      this.events.push(event);
      this.world = reduce(this.world, event);
    }
  }

  wait(ms: number): void {
    this.now += ms;
    this.cpu_s += (this.cores * ms) / 1_000;
    this.world = { ...this.world, now: this.now };
  }

  /** The log says this; the step stays unless it is given. */
  log(part: Partial<ProgressReading> = {}): void {
    this.step = part.step ?? this.step;
    this.record({ type: 'progress', run: 'demo', attempt: this.attempt, reading: { step: this.step || null, total_steps: null, epoch: null, loss: 1, learning_rate: null, rate: null, steps_per_s: null, eval: null, eta_s: null, format: 'hf', activity: 'training', diverged: false, ...part } });
  }

  tail(...lines: string[]): void {
    this.record({ type: 'log.tail', run: 'demo', lines });
  }

  /** Trains `steps` steps of `ms` each. */
  train(steps: number, ms: number, loss: (step: number) => number = (step) => 1 + 1 / step): void {
    for (let n = 0; n < steps; n += 1) {
      this.wait(ms);
      this.log({ step: this.step + 1, loss: loss(this.step + 1) });
    }
  }

  /** A full look; then everything that can be concluded is. */
  look(part: Partial<ProbeReading> = {}): void {
    this.record({ type: 'check.done', run: 'demo', attempt: this.attempt, why: 'scheduled', reading: { ...HEALTHY, at: this.now, cpu_s: this.cpu_s, ...part } });
    this.conclude();
  }

  /** Looks every `every` ms for `ms`. */
  watch(ms: number, every: number, part: Partial<ProbeReading> = {}): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.wait(every);
      this.look(part);
    }
  }

  decide(): Action[] {
    return [...decideFleet(this.world), ...decideBabysitter(this.world, this.run)];
  }

  /** Emits until the deciders rest. An incident is left open, so that its remedy does not end the test's world. */
  conclude(): void {
    for (let round = 0; round < 20; round += 1) {
      const bodies = this.decide().flatMap((action) => (action.do === 'emit' && action.body.type !== 'remedy.chosen' && action.body.type !== 'machine.remembered' && action.body.type !== 'incident.given_up' && action.body.type !== 'run.ended' ? [action.body] : []));
      if (bodies.length === 0) return;
      this.record(...bodies);
    }
    throw new Error('the deciders do not rest');
  }

  /** The training is ended and begins anew, as its repair has it. */
  relaunch(): void {
    const { attempt } = this;
    this.record({ type: 'training.stopped', run: 'demo', attempt }, { type: 'start.intended', run: 'demo', attempt: attempt + 1, instance: 7, command: 'train', resume_from: null, resume_step: null }, { type: 'process.started', run: 'demo', attempt: attempt + 1, pid: 2 });
    this.attempt = attempt + 1;
    this.world = { ...this.world, runs: { demo: { ...this.run, stage: 'training' } } };
  }

  wants(effect: Action['do']): boolean {
    return this.decide().some((action) => action.do === effect);
  }

  of<T extends Event['type']>(type: T): BodyOf<T>[] {
    return this.events.filter((event) => event.type === type) as unknown as BodyOf<T>[];
  }

  /** Triggers of the incidents so far. */
  get incidents(): string[] {
    return this.of('incident.opened').map(({ diagnosis }) => diagnosis.trigger);
  }

  /** `+kind` for each line opened, `-kind` for each closed, in order. */
  get lines(): string[] {
    return this.events.flatMap((event) => (event.type === 'alert.opened' ? [`+${event.alert}`] : event.type === 'alert.closed' ? [`-${event.alert}`] : []));
  }
}
