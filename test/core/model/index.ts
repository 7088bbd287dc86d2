/**
 * A world to test in: the production engine with both agents, their deciders and their effects, over virtual time, with an
 * outside that answers as a seed says. Nothing in it waits for anything but promises, so that an evening takes milliseconds.
 */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { BrainPort } from '../../../src/agents/context.ts';
import { createEngine, type Engine } from '../../../src/agents/engine.ts';
import type { BrainSettings } from '../../../src/core/brain/state.ts';
import type { RunCommand } from '../../../src/core/commands.ts';
import { isVolatile, type Body, type Event } from '../../../src/core/events.ts';
import type { Instance } from '../../../src/core/market.ts';
import { RemoteError } from '../../../src/core/ports.ts';
import { createRedactor } from '../../../src/core/redact.ts';
import { reduce, tick } from '../../../src/core/reduce.ts';
import type { Spec } from '../../../src/core/spec.ts';
import { emptyWorld, runsOf, type World } from '../../../src/core/state.ts';
import { serialise } from '../../../src/journal/serialise.ts';
import { openBox, SimBox } from './box.ts';
import { drain, START, VirtualClock } from './clock.ts';
import { mortal, type Life } from './life.ts';
import { instance, openMarket } from './market.ts';
import * as rules from './rules.ts';
import { AGENT, LOGS, PROPOSALS } from './sayings.ts';

export { SimBox } from './box.ts';
export { START } from './clock.ts';
export { BRAIN } from './sayings.ts';

/** Patches are really written; not into the project. */
/** Steps after which a hot machine slows down. */
const WARM = 40;
const HOME = join(tmpdir(), `vastsit-model-${process.pid}`);
afterAll(() => rmSync(HOME, { recursive: true, force: true }));

/** One throw of the dice a decision: 0 to 1. */
export type Dice = () => number;

export class Model {
  world: World = emptyWorld(START);
  events: Event[] = [];
  readonly boxes = new Map<number, SimBox>();
  /** Instances on the account that are somebody else's, and those of the user that a run may adopt. */
  readonly others = new Map<number, Instance>();
  readonly strangers: number[] = [];
  readonly violations: { rule: string; at: number }[] = [];
  readonly clock = new VirtualClock();
  /** Files at home: path to hash. */
  readonly home = new Map<string, string>();
  /** What the ports saw: creates by label, absences in a row, the newest attempt that was started. */
  readonly rented = new Map<string, number>();
  readonly absent = new Map<number, number>();
  answers: string[] = [];
  readonly denied = new Set<number>();
  readonly newest = new Map<string, { attempt: number; box: number }>();
  /** When the first attempt of a run was started. */
  readonly began = new Map<string, number>();
  creates = 0;
  nextId = 100;
  lastList: Instance[] = [];
  /** So many stops are refused. */
  refuseStop = 0;
  /** So many new labels are put on, and the answer is lost. */
  loseLabels = 0;
  /** The next setup fails with these words. */
  setupSays: string | null = null;
  /** A value that must appear nowhere; the trainer prints it. */
  secret: string | null = null;
  private redact = createRedactor([]);
  /** Everything works since. */
  calmSince: number | null = null;
  /** A test tells events itself. */
  toldByTest = false;
  crashes = 0;
  /** Each training dies again and again of the same cause: its place in LOGS; past their end, of the first and the last by turns. */
  curse: number | null = null;
  /** How often hosts go away, beside the trouble that there is. */
  windy = 1;
  /** $ on the account. */
  credit = 50;
  msPerStep: (run: string) => number = () => 30_000;
  util: (run: string) => number = () => 97;
  /** Machines that slow their GPU down to a quarter once it is warm. */
  hot: (machine: number) => boolean = () => false;
  private life: Life = { dead: false };
  private engine: Engine | null = null;
  private crashWanted = false;

  constructor(
    public dice: Dice,
    public trouble: number,
    private readonly brain: BrainSettings | null = null,
    private readonly step_ms = 0,
  ) {
    if (trouble === 0) this.calmSince = START;
    this.start();
  }

  get now(): number {
    return this.clock.now();
  }

  throttles(box: SimBox): boolean {
    return this.hot(box.instance.machine_id) && (box.process?.step ?? 0) >= WARM;
  }

  /** From here on everything works. */
  calm(): void {
    this.dice = () => 0.999;
    this.trouble = 0;
    this.curse = null;
    this.calmSince = this.now;
    for (const box of this.boxes.values()) Object.assign(box, { sticks: false, hiddenUntil: 0, offlineUntil: 0, outbidUntil: 0, deafUntil: 0 });
  }

  private start(): void {
    const life: Life = { dead: false };
    this.life = life;
    const alive = <T>(port: T): T => mortal(port, life);
    const { clock } = this;
    // Pauses that protect a real machine need not be finer than a step of the model.
    const wire = { ...clock, now: clock.now, after: (ms: number, fn: () => void) => clock.after(Math.max(ms, this.step_ms), fn), sleep: (ms: number, signal?: AbortSignal) => clock.sleep(Math.max(ms, this.step_ms), signal) };
    this.engine = createEngine({
      clock,
      wire,
      facts: { world: () => this.world, record: (...bodies) => this.recordOf(life, bodies) },
      market: alive(openMarket(this)),
      remote: {
        publicKey: () => Promise.resolve('ssh-ed25519 AAAA'),
        connect: async (target) => {
          if (life.dead) return new Promise(() => undefined);
          await this.delay();
          const box = this.boxes.get(target.instance);
          if (this.others.has(target.instance)) rules.touch(this, target.instance, 'connecting to');
          if (!box?.hears(this.now) || this.fails()) throw new RemoteError(this.dice() < 0.2 ? 'auth' : 'timeout', 'no answer');
          return alive(openBox(this, box));
        },
        closeAll: () => Promise.resolve(),
      },
      home: { runDir: (run) => run, pathFor: (run, path) => `${HOME}/${run}/${path}`, fact: (path) => Promise.resolve(this.home.has(path) ? { bytes: 1_000, sha256: this.home.get(path) ?? '' } : null) },
      secret: () => this.secret ?? 'not-so-secret',
      brain: this.brain && this.brainPort(),
    });
    this.engine.run().catch((error: unknown) => {
      if (!life.dead) this.violations.push({ rule: `0: the program ended: ${String(error)}`, at: this.now });
    });
    this.record({ type: 'session.started', version: 'test', pid: this.crashes + 1, brain: this.brain });
  }

  private brainPort(): BrainPort {
    const chat: BrainPort['model']['chat'] = async () => {
      await this.delay();
      const choice = PROPOSALS[Math.floor(this.dice() * PROPOSALS.length)] ?? { kind: 'rerun' };
      const call = { id: 'a', name: 'propose', arguments: JSON.stringify({ diagnosis: 'a guess', action: choice }) };
      return { text: this.fails() ? 'Let me think.' : '', calls: this.fails() ? [] : [call], usage: { tokens_in: 2_000, tokens_out: 100 } };
    };
    return { model: { name: 'model', chat }, agent: AGENT, redact: (text) => text, closing: new AbortController().signal };
  }

  /** A dead program writes nothing more, and must not go on as if it had. */
  private recordOf(life: Life, bodies: Body[]): void {
    if (life.dead) throw new Error('killed');
    this.record(...bodies);
  }

  /** kill -9: what was in flight is lost. */
  halt(): void {
    this.life.dead = true;
    this.clock.clear();
  }

  /** kill -9, and another start: what was in flight is lost, and only the journal is left. */
  restart(): void {
    this.halt();
    for (const box of this.boxes.values()) box.followers = [];
    this.events = this.events.filter((event) => !isVolatile(event));
    this.world = this.events.reduce(reduce, emptyWorld(START));
    this.crashes += 1;
    this.start();
  }

  /** Somewhere in the middle of a call that costs money: between its intent and its outcome. */
  mayCrash(): void {
    if (!this.crashWanted && this.dice() < this.trouble / 40) {
      this.crashWanted = true;
      // Nothing of this life is heard from here on; the next one begins with the next step.
      this.life.dead = true;
    }
  }

  record(...bodies: Body[]): void {
    for (const body of bodies) {
      rules.event(this, body);
      const stamped: Event = { ...body, v: 1, seq: (this.events.at(-1)?.seq ?? 0) + 1, at: this.now };
      const event = this.secret === null ? stamped : serialise(stamped, this.redact).event;
      this.events.push(event);
      this.world = reduce(this.world, event);
    }
    this.world = tick(this.world, this.now);
  }

  /** As the program keeps the values that a spec calls secret. */
  keepSecret(value: string): void {
    this.secret = value;
    this.redact = createRedactor([value]);
  }

  submit(run: string, spec: Spec, adopt?: number): void {
    this.record({ type: 'run.submitted', run, spec, spec_path: '/project/spec.yaml', warnings: [], ...(adopt !== undefined && { adopt }) });
  }

  /** An instance of the account that no run of ours rented, and that one may adopt. */
  stranger(): number {
    const id = this.born('mine', 9, false);
    const box = this.boxes.get(id);
    if (box) Object.assign(box, { sticks: false, hiddenUntil: 0, instance: { ...box.instance, actual_status: 'running' } });
    this.strangers.push(id);
    return id;
  }

  /** What a person orders, as the program takes it. */
  order(command: RunCommand): void {
    // A program that was killed in this very moment takes none.
    if (!this.life.dead) this.engine?.command(command);
  }

  /** Somebody says yes to everything that waits for a word. */
  approve(): void {
    for (const { id, brain } of runsOf(this.world)) if (brain.consult.stage === 'pending') this.order({ do: 'approve', run: id });
  }

  /** What is wanted now is done; then time moves, and the boxes live on. */
  async step(ms: number): Promise<void> {
    this.engine?.wake();
    await drain();
    if (this.crashWanted) {
      this.crashWanted = false;
      this.restart();
      await drain();
    }
    rules.always(this, ms);
    this.clock.advance(ms);
    await drain();
    this.live(ms);
    await drain();
  }

  fails(share = 1): boolean {
    return this.dice() < this.trouble * share;
  }

  lies(): boolean {
    return this.dice() < this.trouble / 8;
  }

  /** An answer may come late. */
  delay(): Promise<void> {
    return this.dice() < this.trouble / 4 ? this.clock.sleep(this.dice() * 60_000) : Promise.resolve();
  }

  listed(): Instance[] {
    const ours = [...this.boxes.values()].filter((box) => box.exists && box.hiddenUntil <= this.now).map((box) => box.shown(this.now));
    return [...ours, ...this.others.values()];
  }

  /** A new instance under this label; returns its id. */
  born(label: string, machine_id: number, bid: boolean): number {
    const id = (this.nextId += 1);
    const box = new SimBox(instance(id, machine_id, label, bid, this.now), this.now, this.fails(), this.fails() ? this.now + this.dice() * 300_000 : 0);
    box.barren = this.fails(0.3);
    this.boxes.set(id, box);
    return id;
  }

  /** Instances of others beside ours, one with a label that looks like ours. */
  addStrangers(): void {
    for (const [id, label] of [[7, null], [8, 'alices-notebook'], [9, 'vastsit:other:1'], [10, 'vastsit:one:1']] as const) this.others.set(id, { ...instance(id, 3, label, false, START - 86_400_000), actual_status: 'running' });
  }

  /** Lets the process on a box die with this log. */
  kill(box: SimBox, log: string, exit_code: number | null = 1, signal: string | null = null): void {
    box.dies(exit_code, signal, log, this.now);
  }

  /** The boxes' own lives: loading ends, steps are made, processes die or hang, hosts go away, runs end. */
  private live(ms: number): void {
    for (const box of this.boxes.values()) {
      if (box.ghostAt !== null && box.ghostAt <= this.now) Object.assign(box, { exists: true, ghostAt: null });
      if (!box.exists) continue;
      if (box.instance.actual_status === 'loading' && !box.sticks && this.now - box.bornAt > 60_000) box.instance = { ...box.instance, actual_status: 'running' };
      if (box.outbidUntil > this.now) box.process = null;
      if (box.instance.actual_status === 'running' && box.offlineUntil <= this.now && box.outbidUntil <= this.now && this.dice() < (this.windy * this.trouble) / 60) {
        const until = this.now + this.dice() * 36_000_000;
        if (box.instance.is_bid) box.outbidUntil = until;
        else box.offlineUntil = until;
      }
      if (box.deafUntil <= this.now && this.dice() < this.trouble / 120) box.deafUntil = this.now + this.dice() * 36_000_000;
      if (box.stopsItself(this.now)) box.stop();
      if (!box.hears(this.now) && box.followers.length > 0) box.cutOff(this.dice() < 0.5);
      this.work(box, ms);
    }
  }

  /** A host that is offline may go on computing: nobody knows. */
  private work(box: SimBox, ms: number): void {
    if (!box.process || box.process.hung) return;
    if (box.train(ms, this.msPerStep(box.run) * (this.throttles(box) ? 4 : 1), this.now)) return box.dies(0, null, 'Training completed.', this.now);
    // Cursed, it comes to its next checkpoint at best.
    if (this.curse !== null && (box.process.step % 10 === 9 || this.dice() < 0.3)) return box.dies(1, null, LOGS[this.curse < LOGS.length ? this.curse : (box.process.attempt % 2) * (LOGS.length - 1)] ?? LOGS[0], this.now);
    const luck = this.dice();
    if (luck > 1 - this.trouble / 60) {
      box.full = true;
      return box.dies(1, null, 'OSError: [Errno 28] No space left on device', this.now);
    }
    if (luck < this.trouble / 10) {
      box.process.hung = true;
      // What was the user's before only the user may stop.
      box.unkillable = luck < this.trouble / 50 && !this.strangers.includes(box.instance.id);
      return;
    }
    if (luck < this.trouble / 4) box.dies(1, null, LOGS[Math.floor(this.dice() * LOGS.length)] ?? LOGS[0], this.now, !this.fails());
    else if (luck < this.trouble / 3) box.dies(null, 'SEGV', '', this.now, !this.fails());
  }
}
