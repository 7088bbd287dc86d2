/** The containers: one directory, one sshd and any number of real processes for each instance that runs. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { appendFile, mkdir, open, readFile, rm } from 'node:fs/promises';
import type { Clock } from '../core/ports.ts';
import { boxEnv, boxPaths, prepareBox, writeFaults, type BoxPaths } from './box-files.ts';
import { killMarked } from './box-kill.ts';
import { newHostKey, openDoor, type Door } from './box-ssh.ts';
import type { Contract } from './contract.ts';
import type { BoxHost } from './lifecycle.ts';
import type { BoxFault } from './market.ts';

export interface Boxes extends BoxHost {
  /** The label, and with it the faults, have changed. */
  refresh(contract: Contract): void;
  /** Ends everything and removes every directory. */
  close(): Promise<void>;
}

interface Box {
  paths: BoxPaths;
  token: string;
  hostKey: string;
  door: Door | null;
  /** Opens a door like the one that it has, at a free port. */
  opens: (() => Promise<Door>) | null;
  /** What is done to a box is done one after the other. */
  queue: Promise<unknown>;
}

export interface BoxesOptions {
  dir: string;
  clock: Clock;
  /** The market's address, as boxes see it. */
  url: () => string;
  faults: (contract: Contract) => BoxFault[];
  /** Port on 127.0.0.1 of somebody else's sshd, which every instance then leads to; each box opens its own when absent. */
  door?: number | undefined;
  /** Real ms between two heartbeats of a sentinel; by the clock's scale when absent. */
  beat?: number | undefined;
}

const IDLE = { util: 0, temp: 34 };
const PAUSE_MS = 25;

/** Prepares `dir`, where a simulation that was killed may have left boxes: their processes are ended first. */
export async function createBoxes({ dir, clock, url, faults, door, beat }: BoxesOptions): Promise<Boxes> {
  const boxes = new Map<number, Box>();
  const place = createHash('sha256').update(dir).digest('hex').slice(0, 12);
  const pause = (): Promise<void> => clock.sleep(PAUSE_MS * clock.scale);
  await killMarked(`${place}-`, pause);
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true, mode: 0o700 });

  const boxOf = (id: number): Box => {
    const known = boxes.get(id);
    if (known) return known;
    const box: Box = { paths: boxPaths(dir, id), token: `${place}-${randomBytes(8).toString('hex')}-${id};`, hostKey: newHostKey(), door: null, opens: null, queue: Promise.resolve() };
    boxes.set(id, box);
    return box;
  };
  const queued = <T>(id: number, work: (box: Box) => Promise<T>): Promise<T> => {
    const box = boxOf(id);
    const next = box.queue.then(() => work(box));
    box.queue = next.catch(() => undefined);
    return next;
  };
  const halt = async (box: Box): Promise<void> => {
    await box.door?.set(false);
    box.door = null;
    await killMarked(box.token, pause);
  };
  const drop = (id: number): Promise<void> =>
    boxes.has(id)
      ? queued(id, async (box) => {
          await halt(box);
          await rm(box.paths.base, { recursive: true, force: true, maxRetries: 5 });
          boxes.delete(id);
        })
      : Promise.resolve();

  return {
    start: (contract) =>
      queued(contract.id, async (box) => {
        await halt(box);
        await prepareBox(box.paths, contract, faults(contract));
        const env = boxEnv(box.paths, contract, { url: url(), token: box.token, scale: clock.scale, beat });
        await appendFile(box.paths.log, `container C.${contract.id} is up\n`);
        if (contract.onstart.trim() !== '') {
          const log = await open(box.paths.log, 'a');
          const child = spawn('/bin/sh', [`${box.paths.home}/onstart.sh`], { cwd: box.paths.home, env, detached: true, stdio: ['ignore', log.fd, log.fd] });
          child.on('error', () => undefined);
          child.unref();
          await log.close();
        }
        box.opens = async () => (door !== undefined ? { port: door, set: async () => undefined } : openDoor({ hostKey: box.hostKey, keys: () => contract.keys.map(({ public_key }) => public_key), place: { cwd: box.paths.home, env } }));
        box.door = await box.opens();
        return box.door.port;
      }),
    stop: (id) => queued(id, halt),
    wipe: (id) =>
      queued(id, async (box) => {
        await halt(box);
        await rm(box.paths.base, { recursive: true, force: true, maxRetries: 5 });
        box.hostKey = newHostKey();
      }),
    remove: drop,
    moveDoor: (id) =>
      queued(id, async (box) => {
        if (!box.door || !box.opens) return null;
        await box.door.set(false);
        box.door = await box.opens();
        return box.door.port;
      }),
    reach: (id, open) => queued(id, async ({ door }) => door?.set(open)),
    gpu: (id) => {
      const box = boxes.get(id);
      return box?.door ? reading(box.paths.gpu) : null;
    },
    log: async (id) => {
      const box = boxes.get(id);
      return box ? readFile(box.paths.log, 'utf8').catch(() => '') : '';
    },
    refresh: (contract) => {
      const box = boxes.get(contract.id);
      if (box?.door) void queued(contract.id, () => writeFaults(box.paths, faults(contract))).catch(() => undefined);
    },
    async close() {
      await Promise.all([...boxes.keys()].map(drop));
      await killMarked(`${place}-`, pause);
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** What the trainer last said, if it still lives. */
function reading(path: string): { util: number; temp: number } {
  try {
    const { pid, util, power } = JSON.parse(readFileSync(path, 'utf8')) as { pid: number; util: number; power: number };
    process.kill(pid, 0);
    return { util, temp: Math.round(36 + 34 * power) };
  } catch {
    return IDLE;
  }
}
