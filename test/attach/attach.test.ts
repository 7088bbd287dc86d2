/** The socket between an owner and everyone else, over the real file system: what is seen, who may ask, and what a bad peer costs. */
import { statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { connectOwner, serveOwner, type Served } from '../../src/attach/index.ts';
import { socketPath } from '../../src/attach/path.ts';
import { createLines, ORDER_BYTES, readToOwner } from '../../src/attach/protocol.ts';
import { createClock } from '../../src/clock.ts';
import type { Command } from '../../src/core/commands.ts';
import type { Event } from '../../src/core/events.ts';
import { reduce } from '../../src/core/reduce.ts';
import { emptyWorld, type World } from '../../src/core/state.ts';
import { VERSION } from '../../src/core/version.ts';
import { tempDirs } from '../journal/temp.ts';

const fresh = tempDirs();
const wire = createClock();
const open: Served[] = [];
afterEach(async () => {
  for (const served of open.splice(0)) await served.close('closed');
});

interface House {
  dir: string;
  served: Served;
  obeyed: Command[];
  world(): World;
  say(text: string): void;
}

async function house(dir = fresh(), obey?: () => never): Promise<House> {
  let world = emptyWorld(1);
  const listeners = new Set<(events: readonly Event[]) => void>();
  const obeyed: Command[] = [];
  const served = await serveOwner({
    dir,
    wire,
    owner: { version: VERSION, pid: 4711, what: 'the cockpit' },
    world: () => world,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async obey(command) {
      obey?.();
      obeyed.push(command);
      return { ok: true, said: `${command.do} it is` };
    },
  });
  open.push(served);
  return {
    dir,
    served,
    obeyed,
    world: () => world,
    say(text) {
      const event: Event = { type: 'said', actor: 'user', run: null, level: 'info', text, v: 1, seq: world.seq + 1, at: world.now + 1 };
      world = reduce(world, event);
      for (const listener of listeners) listener([event]);
    },
  };
}

async function until(look: () => boolean, what: string): Promise<void> {
  for (const end = wire.now() + 8_000; !look(); await wire.sleep(5)) if (wire.now() > end) throw new Error(`never came: ${what}`);
}

/** A bare peer that sends what it likes. */
function raw(dir: string): { socket: Socket; heard(): string; closed: Promise<void> } {
  const socket = connect(socketPath(dir));
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  socket.on('error', () => undefined);
  return { socket, heard: () => heard, closed: new Promise((resolve) => socket.once('close', () => resolve())) };
}

async function viewer(dir: string): Promise<{ world(): World; connection: NonNullable<Awaited<ReturnType<typeof connectOwner>>> }> {
  let world = emptyWorld(0);
  const connection = await connectOwner({ dir, wire, wants: 'screen', onWorld: (whole) => (world = whole), onEvents: (events) => (world = events.reduce(reduce, world)) });
  if (!connection) throw new Error('nobody listens');
  return { world: () => world, connection };
}

const GREETING = `${JSON.stringify({ type: 'hello', protocol: 1, version: VERSION, wants: 'orders' })}\n`;

describe('an owner that is looked at', () => {
  it('shows its world and all that happens, and carries out what is ordered', async () => {
    const home = await house();
    home.say('before');
    const one = await viewer(home.dir);
    expect(one.connection.owner).toEqual({ version: VERSION, pid: 4711, what: 'the cockpit' });
    for (let n = 0; n < 50; n += 1) home.say(`line ${n}`);
    await until(() => one.world().seq === 51, 'the last line');
    expect(one.world()).toEqual(home.world());
    expect(await one.connection.order({ do: 'hold', run: 'a', minutes: 5, reason: 'a look' })).toEqual({ ok: true, said: 'hold it is' });
    expect(home.obeyed).toEqual([{ do: 'hold', run: 'a', minutes: 5, reason: 'a look' }]);
    expect(home.served.viewers()).toBe(1);
    one.connection.close();
    await until(() => home.served.viewers() === 0, 'that it left');
  });

  it('answers in words when an order fails', async () => {
    const home = await house(fresh(), () => {
      throw new Error('the disk is full');
    });
    const one = await viewer(home.dir);
    expect(await one.connection.order({ do: 'check', run: 'a' })).toEqual({ ok: false, why: 'the disk is full' });
  });

  it('is closed to other users, in a short place when the directory has a long name, and where a dead owner left its socket', async () => {
    const deep = join(fresh(), 'd'.repeat(60), 'e'.repeat(60));
    expect(Buffer.byteLength(socketPath(deep))).toBeLessThan(104);
    for (const dir of [fresh(), deep]) {
      const home = await house(dir);
      expect(statSync(socketPath(dir)).mode & 0o777).toBe(0o600);
      expect(statSync(join(socketPath(dir), '..')).mode & 0o077).toBe(0);
      await home.served.close('closed');
      writeFileSync(socketPath(dir), 'left by the dead');
      await (await viewer((await house(dir)).dir)).connection.order({ do: 'check', run: 'a' });
    }
  });

  it('tells how it ended, and nobody answers afterwards', async () => {
    for (const why of ['closed', 'detached'] as const) {
      const home = await house();
      const { connection } = await viewer(home.dir);
      await home.served.close(why);
      expect(await connection.ended).toBe(why);
      await expect(connection.order({ do: 'check', run: 'a' })).rejects.toThrow('ended the connection');
      expect(await connectOwner({ dir: home.dir, wire, wants: 'screen' })).toBeNull();
    }
  });

  it('refuses another protocol, and a screen of another version, with words', async () => {
    const { dir } = await house();
    for (const hello of [{ protocol: 2, version: VERSION, wants: 'orders' }, { protocol: 1, version: '9.9.9', wants: 'screen' }]) {
      const peer = raw(dir);
      peer.socket.write(`${JSON.stringify({ type: 'hello', ...hello })}\n`);
      await peer.closed;
      expect(JSON.parse(peer.heard())).toEqual({ type: 'refused', why: expect.stringMatching(/the cockpit \(process 4711\) runs version .*use the same version/) as string });
    }
    const orders = raw(dir);
    orders.socket.write(GREETING.replace(VERSION, '9.9.9'));
    await until(() => orders.heard().includes('welcome'), 'that an order may come from another version');
  });
});

describe('a bad peer', () => {
  it('is let go, whatever it says, and nobody else notices', async () => {
    const home = await house();
    const good = await viewer(home.dir);
    const bad = [
      'GET / HTTP/1.1\r\n\r\n', '\n', '{}\n', 'null\n', '[]\n', '{"type":"hello"}\n', '\0\xff\xfe\n', `${'x'.repeat(ORDER_BYTES + 1)}`,
      `${JSON.stringify({ type: 'order', id: 1, command: { do: 'destroy', run: 'a', waive: true } })}\n`,
      `${GREETING}${GREETING}`, `${GREETING}{"type":"order","id":1,"command":{"do":"destroy","run":"a"}}\n`, `${GREETING}{"type":"order","id":1,"command":{"do":"rm -rf"}}\n`, `${GREETING}{"type":"order","id":1,"command":{"do":"__proto__"}}\n`,
    ];
    for (const text of bad) {
      const peer = raw(home.dir);
      peer.socket.write(text);
      await peer.closed;
      expect(home.obeyed, text.slice(0, 60)).toEqual([]);
    }
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        const peer = raw(home.dir);
        peer.socket.write(Buffer.concat([bytes, Buffer.from('\n')]));
        await peer.closed;
      }),
      { numRuns: 40 },
    );
    expect(home.obeyed).toEqual([]);
    home.say('still here');
    await until(() => good.world().said.at(-1)?.text === 'still here', 'that the good one goes on');
  });

  it('does not slow the owner nor fill its memory when it reads nothing, and sees the newest world when it reads again', async () => {
    const home = await house();
    const slow = raw(home.dir);
    await new Promise<void>((resolve) => slow.socket.once('connect', () => resolve()));
    slow.socket.write(GREETING.replace('orders', 'screen'));
    await until(() => slow.heard().includes('"world"'), 'the first world');
    slow.socket.pause();
    const quick = await viewer(home.dir);
    // All of it would be 10 MB of text, kept twice.
    const before = process.memoryUsage().arrayBuffers + process.memoryUsage().external;
    for (let n = 0; n < 20_000; n += 1) {
      home.say('x'.repeat(400));
      if (n % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    home.say('the last');
    await until(() => quick.world().said.at(-1)?.text === 'the last', 'the newest for the quick one');
    expect(process.memoryUsage().arrayBuffers + process.memoryUsage().external - before).toBeLessThan(20e6);
    slow.socket.resume();
    await until(() => slow.heard().includes('the last'), 'the newest for the slow one');
    const worlds = slow.heard().split('\n').filter((line) => line.startsWith('{"type":"world"'));
    expect(worlds.length).toBeGreaterThan(1);
    expect((JSON.parse(worlds.at(-1) ?? '') as { world: World }).world.seq).toBe(20_001);
  });
});

describe('lines of the wire', () => {
  it('come whole however they are cut, and end where they are too long', () => {
    fc.assert(
      fc.property(fc.array(fc.string().filter((text) => !text.includes('\n')), { maxLength: 8 }), fc.array(fc.nat(30), { minLength: 1, maxLength: 30 }), (texts, cuts) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
        const seen: string[] = [];
        const lines = createLines(1_000, (line) => void seen.push(line));
        for (let at = 0, n = 0; at < bytes.length; n += 1) {
          const size = 1 + (cuts[n % cuts.length] ?? 0);
          expect(lines.push(bytes.subarray(at, at + size))).toBe(true);
          at += size;
        }
        expect(seen).toEqual(texts);
      }),
    );
    const lines = createLines(10, () => undefined);
    expect([lines.push(Buffer.from('12345')), lines.push(Buffer.from('67890')), lines.push(Buffer.from('1'))]).toEqual([true, true, false]);
  });

  it('are orders only when every field is there', () => {
    const line = (command: unknown): string => JSON.stringify({ type: 'order', id: 1, command });
    expect(readToOwner(line({ do: 'keep', run: 'a', keep: true, more: 1 }))).toEqual({ type: 'order', id: 1, command: { do: 'keep', run: 'a', keep: true } });
    for (const bad of [{ do: 'keep', run: 'a' }, { do: 'hold', run: 'a', minutes: '5', reason: '' }, { do: 'launch' }, {}, null, 'destroy']) expect(readToOwner(line(bad))).toBeNull();
  });
});
