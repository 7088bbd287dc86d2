/**
 * One run, lived by as many owners as it takes: the real engine over the real journal, cut off at the nth boundary (a
 * journal write or a call to the outside, before it, in the middle of it, or after it) as kill -9 does, and begun again.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine } from '../../src/agents/engine.ts';
import { isIntent, type Body, type Event } from '../../src/core/events.ts';
import type { Clock } from '../../src/core/ports.ts';
import { reduce, tick } from '../../src/core/reduce.ts';
import type { Spec } from '../../src/core/spec.ts';
import { emptyWorld, type RunState, type World } from '../../src/core/state.ts';
import { realDisk, type Disk } from '../../src/journal/disk.ts';
import { JournalError, openJournal, readJournal } from '../../src/journal/index.ts';
import { createOutside, type Outside, type Storyline } from './outside.ts';
import { virtualTime } from './virtual.ts';

const SCALE = 60;
/** The program's ms between a death and the next start, and the longest that one life may take. */
const DOWN_MS = 5_000;
const LIFE_MS = 4 * 3_600_000;

export interface Lived {
  /** Every boundary that was passed, in order. */
  points: string[];
  run: RunState | undefined;
  world: World;
  outside: Outside;
  events: Event[];
  deaths: number;
  /** What an owner said that had to stop. */
  told: string | null;
  /** null when the run came to its end. */
  stuck: string | null;
  /** Clock ms. */
  ended_at: number;
}

export interface Tale extends Storyline {
  spec: Spec;
  /** Something that a person orders, once, as soon as `when` holds. */
  order?: { when(run: RunState): boolean; bodies(run: RunState): Body[] };
}

interface Life {
  dead: boolean;
}

class Killed extends Error {}
const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/**
 * Lives the tale, cut at the boundary with this number (from 1; none with 0). `full`: no death, but a disk that has no room
 * at that write, and has it again when the next owner starts.
 */
export async function live(tale: Tale, cut: number, how: 'kill' | 'full' = 'kill'): Promise<Lived> {
  const dir = mkdtempSync(join(tmpdir(), 'vastsit-crash-'));
  const time = virtualTime(SCALE);
  const outside = createOutside(time.clock, tale);
  const points: string[] = [];
  let deaths = 0;
  let stuck: string | null = null;
  let world = emptyWorld(time.clock.now());
  let ordered = false;
  let told: string | null = null;

  /** True when the owner dies here. */
  const point = (life: Life, name: string): boolean => {
    points.push(name);
    if (points.length !== cut) return life.dead;
    life.dead ||= how === 'kill';
    return true;
  };
  /** Each method's call has a boundary before it and one after it; the dead hear nothing any more. */
  const cutting = <T extends object>(life: Life, port: string, target: T): T =>
    new Proxy(target, {
      get(from, name) {
        const method: unknown = Reflect.get(from, name);
        if (typeof method !== 'function' || typeof name !== 'string' || name === 'then' || SILENT.includes(name)) return method;
        return async (...args: unknown[]): Promise<unknown> => {
          if (life.dead || point(life, `before ${port}.${name}`)) return never();
          const heard = args.map((arg) => (typeof arg === 'function' ? (...words: unknown[]) => void (life.dead || (arg as (...all: unknown[]) => void)(...words)) : arg));
          const result: unknown = await (Reflect.apply(method, from, heard) as Promise<unknown>);
          if (life.dead || point(life, `after ${port}.${name}`)) return never();
          return name === 'connect' ? cutting(life, 'box', result as object) : result;
        };
      },
    });
  const mortal = (life: Life, clock: Clock): Clock => ({
    scale: clock.scale,
    now: () => clock.now(),
    after: (ms, fn) => clock.after(ms, () => void (life.dead || fn())),
    sleep: (ms) => clock.sleep(ms).then(() => (life.dead ? never<void>() : undefined)),
  });
  const disk = (life: Life): Disk => ({
    ...realDisk,
    // The page cache outlives the process, so a sync that takes its time proves nothing here.
    sync: () => undefined,
    syncLater: (_fd, done) => done(null),
    write(fd, bytes) {
      const what = bytes.toString().split('\n').flatMap((line) => /^\{"type":"([^"]+)"/.exec(line)?.[1] ?? []).join('+');
      if (life.dead || point(life, `before ${what}`)) throw new Killed();
      if (point(life, `in ${what}`)) {
        const half = realDisk.write(fd, bytes.subarray(0, Math.floor(bytes.length / 2)));
        if (how === 'kill') throw new Killed();
        if (half > 0) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      }
      const done = realDisk.write(fd, bytes);
      if (point(life, `after ${what}`)) throw new Killed();
      return done;
    },
    truncate: (fd, length) => void (life.dead || realDisk.truncate(fd, length)),
  });

  /** One owner, from its start to its death or the end of the run. */
  const owner = async (): Promise<'over' | 'killed' | 'stuck'> => {
    const life: Life = { dead: false };
    const [wire, clock] = [mortal(life, time.wire), mortal(life, time.clock)];
    const journal = await openJournal({ dir, clock, wire, redact: (text) => text, disk: disk(life) });
    world = journal.replay().reduce(reduce, emptyWorld(clock.now()));
    let wake = (): void => undefined;
    const record = (...bodies: Body[]): void => {
      if (life.dead) throw new Killed();
      const events = journal.append(bodies, { sync: bodies.some(isIntent) });
      world = tick(events.reduce(reduce, world), clock.now());
      wake();
    };
    try {
      const engine = createEngine({
        clock, wire, facts: { world: () => world, record }, secret: () => undefined,
        market: cutting(life, 'market', outside.market), remote: cutting(life, 'remote', outside.remote(world.seq + 1)), home: outside.home,
      });
      wake = () => engine.wake();
      record({ type: 'session.started', version: 'test', pid: 1, brain: null });
      if (!world.runs['one']) record({ type: 'run.submitted', run: 'one', spec: tale.spec, spec_path: '/project/spec.yaml', warnings: [] });
      let broke: unknown = null;
      engine.run().catch((error: unknown) => (broke = error));
      const over = await time.until(() => {
        const run = world.runs['one'];
        if (run && tale.order && !ordered && !life.dead && tale.order.when(run)) {
          ordered = true;
          try {
            record(...tale.order.bodies(run));
          } catch {
            // Whoever ordered it saw no answer, and orders again.
            ordered = world.runs['one']?.destroy_ordered != null;
          }
        }
        return life.dead || broke !== null || run?.stage === 'closed';
      }, LIFE_MS);
      if (!life.dead && broke !== null) throw broke instanceof Error ? broke : new Error('it broke', { cause: broke });
      if (!over) return 'stuck';
      return life.dead ? 'killed' : 'over';
    } catch (error) {
      if (error instanceof JournalError && error.code === 'disk_full') told = error.message;
      else if (!life.dead) throw error;
      return 'killed';
    } finally {
      life.dead = true;
      await journal.close().catch(() => undefined);
    }
  };

  try {
    for (;;) {
      const how = await owner();
      if (how !== 'killed') {
        if (how === 'stuck') stuck = `${world.runs['one']?.stage ?? 'no run'}: ${JSON.stringify(world.runs['one']?.backoff)}`;
        break;
      }
      deaths += 1;
      ordered = false;
      await time.until(() => false, DOWN_MS);
    }
    return { points, run: world.runs['one'], world, outside, events: readJournal(dir), deaths, told, stuck, ended_at: time.clock.now() };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Told without a call over the wire. */
const SILENT = ['sshCommand', 'instance'];
