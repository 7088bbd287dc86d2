/** The owner's end of the socket: shows the world to viewers and takes orders. A viewer that is slow, hostile or dead costs the owner nothing. */
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Command, CommandAnswer } from '../core/commands.ts';
import type { Event } from '../core/events.ts';
import type { Clock } from '../core/ports.ts';
import type { World } from '../core/state.ts';
import { closeToOthers, socketPath } from './path.ts';
import { createLines, lineOf, ORDER_BYTES, PROTOCOL, readToOwner, type Bye, type FromOwner, type Owner, type ToOwner } from './protocol.ts';

/** Who connects and says nothing is let go after this time, real ms. */
const HELLO_MS = 5_000;
const MOST_CONNECTIONS = 32;
/** Bytes that may wait for a viewer; beyond them it gets no more events, and a whole world once it has caught up. */
const WAITING_BYTES = 1024 * 1024;
/** Real ms between two whole worlds for one viewer. */
const WORLD_EVERY_MS = 1_000;

export interface ServeOptions {
  dir: string;
  /** Real time. */
  wire: Clock;
  owner: Owner;
  world: () => World;
  subscribe: (listener: (events: readonly Event[]) => void) => () => void;
  obey: (command: Command) => Promise<CommandAnswer>;
}

export interface Served {
  /** How many screens look on. */
  viewers(): number;
  /** Tells everyone why, and ends. Never rejects. */
  close(why: Bye): Promise<void>;
}

interface Peer {
  send(message: FromOwner | string): void;
  /** Bytes that wait to be read by the other side. */
  waiting(): number;
  end(): void;
}

/** `due`: it missed events, and gets a whole world once it has read what waits for it. */
interface Screen {
  due: boolean;
  sent_at: number;
}

/** Listens in the state directory, whose lock the caller holds. Rejects when the system has no such sockets there. */
export async function serveOwner({ dir, wire, owner, world, subscribe, obey }: ServeOptions): Promise<Served> {
  const path = socketPath(dir);
  closeToOthers(dirname(path));
  // The lock is ours, so what lies there is a dead owner's.
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const screens = new Map<Peer, Screen>();
  const cancels = new Set<() => void>();

  const show = (peer: Peer): void => {
    const screen = screens.get(peer);
    if (!screen) return;
    const wait = screen.sent_at + WORLD_EVERY_MS - wire.now();
    if (wait > 0) {
      const cancel = wire.after(wait, () => {
        cancels.delete(cancel);
        if (screen.due && peer.waiting() === 0) show(peer);
      });
      cancels.add(cancel);
      return;
    }
    screen.due = false;
    screen.sent_at = wire.now();
    peer.send({ type: 'world', world: world() });
  };
  const unsubscribe = subscribe((events) => {
    if (screens.size === 0) return;
    const line = lineOf({ type: 'events', events });
    for (const [peer, screen] of screens) {
      // What a slow one missed is not kept for it: it sees the newest world when it reads again.
      screen.due ||= peer.waiting() > WAITING_BYTES;
      if (!screen.due) peer.send(line);
    }
  });

  const hear = async (peer: Peer, message: ToOwner, greeted: boolean): Promise<boolean> => {
    if (message.type === 'order') {
      if (!greeted) return false;
      const answer = await obey(message.command).catch((error: unknown): CommandAnswer => ({ ok: false, why: error instanceof Error ? error.message : String(error) }));
      peer.send({ type: 'answer', id: message.id, answer });
      return true;
    }
    if (greeted) return false;
    const other = message.protocol !== PROTOCOL || (message.wants === 'screen' && message.version !== owner.version);
    if (other) {
      peer.send({ type: 'refused', why: `${owner.what} (process ${owner.pid}) runs version ${owner.version} of vastsit-tui and this is ${message.version.slice(0, 40)}: end it, or use the same version` });
      return false;
    }
    peer.send({ type: 'welcome', protocol: PROTOCOL, ...owner });
    if (message.wants === 'screen') {
      screens.set(peer, { due: false, sent_at: wire.now() });
      peer.send({ type: 'world', world: world() });
    }
    return true;
  };

  const server = createServer((socket) => {
    if (sockets.size >= MOST_CONNECTIONS) return void socket.destroy();
    sockets.add(socket);
    const peer: Peer = {
      send: (message) => void (socket.writable && socket.write(typeof message === 'string' ? message : lineOf(message))),
      waiting: () => socket.writableLength,
      end: () => socket.end(),
    };
    let greeted = false;
    const cancel = wire.after(HELLO_MS, () => void (greeted || socket.destroy()));
    const lines = createLines(ORDER_BYTES, (line) => {
      const message = readToOwner(line);
      if (message === null) return void socket.destroy();
      const first = !greeted;
      greeted = true;
      void hear(peer, message, !first).then((goesOn) => void (goesOn || peer.end()));
    });
    socket.on('data', (chunk: Buffer) => void (lines.push(chunk) || socket.destroy()));
    socket.on('drain', () => void (screens.get(peer)?.due && show(peer)));
    // Whatever is wrong with one of them ends that one.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      cancel();
      sockets.delete(socket);
      screens.delete(peer);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // Bound before listen returns, so that nobody finds the socket open for a moment.
    const mask = process.umask(0o177);
    try {
      server.listen(path, resolve);
    } finally {
      process.umask(mask);
    }
  });
  server.on('error', () => undefined);

  return {
    viewers: () => screens.size,
    async close(why) {
      unsubscribe();
      for (const cancel of cancels) cancel();
      for (const peer of screens.keys()) peer.send({ type: 'bye', why });
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) {
        // A viewer that never reads must not keep this process.
        if (socket.writableLength > WAITING_BYTES) socket.destroy();
        else socket.end();
      }
      const cancel = wire.after(WORLD_EVERY_MS, () => {
        for (const socket of sockets) socket.destroy();
      });
      await closed;
      cancel();
    },
  };
}
