/** The other end: a screen that looks on, or a command that asks for one thing. */
import { connect as dial, type Socket } from 'node:net';
import type { Command, CommandAnswer } from '../core/commands.ts';
import type { Event } from '../core/events.ts';
import type { Clock } from '../core/ports.ts';
import type { World } from '../core/state.ts';
import { VERSION } from '../core/version.ts';
import { socketPath } from './path.ts';
import { createLines, lineOf, PROTOCOL, readFromOwner, WORLD_BYTES, type Bye, type FromOwner, type Owner, type Wants } from './protocol.ts';

/** How long an owner may take to answer, real ms: it may be busy, not silent. */
const ANSWER_MS = 10_000;

/** The owner is there and cannot be worked with; the message says why. */
export class AttachError extends Error {
  override readonly name = 'AttachError';
}

export interface Connection {
  owner: Owner;
  /** Rejects with AttachError when the connection ends, or no answer comes in time: then the order may have been carried out. */
  order(command: Command): Promise<CommandAnswer>;
  close(): void;
  /** How it ended, also by `close`. */
  ended: Promise<Bye | 'lost'>;
}

export interface ConnectOptions {
  dir: string;
  wire: Clock;
  wants: Wants;
  onWorld?: (world: World) => void;
  onEvents?: (events: readonly Event[]) => void;
}

/** Resolves with null when nobody listens. Rejects with AttachError. */
export async function connectOwner({ dir, wire, wants, onWorld, onEvents }: ConnectOptions): Promise<Connection | null> {
  const socket = await open(socketPath(dir));
  if (socket === null) return null;
  const waiting = new Map<number, { resolve(answer: CommandAnswer): void; reject(error: AttachError): void }>();
  let how: Bye | 'lost' = 'lost';
  let orders = 0;
  const ended = new Promise<Bye | 'lost'>((resolve) => socket.once('close', () => resolve(how)));
  const lost = new AttachError('the process that owns the state directory ended the connection');
  void ended.then(() => {
    for (const each of waiting.values()) each.reject(lost);
  });

  return new Promise((resolve, reject) => {
    const late = wire.after(ANSWER_MS, () => {
      socket.destroy();
      reject(new AttachError(`the process that owns the state directory did not answer within ${ANSWER_MS / 1_000} s; is it suspended?`));
    });
    const hear = (message: FromOwner): void => {
      switch (message.type) {
        case 'welcome':
          late();
          return resolve({
            owner: { version: message.version, pid: message.pid, what: message.what },
            ended,
            close: () => socket.destroy(),
            order(command) {
              const id = (orders += 1);
              let cancel = (): void => undefined;
              return new Promise<CommandAnswer>((done, fail) => {
                cancel = wire.after(ANSWER_MS, () => fail(new AttachError(`${message.what} (process ${message.pid}) did not answer within ${ANSWER_MS / 1_000} s; is it suspended?`)));
                waiting.set(id, { resolve: done, reject: fail });
                if (socket.destroyed) fail(lost);
                else socket.write(lineOf({ type: 'order', id, command }));
              }).finally(() => {
                cancel();
                waiting.delete(id);
              });
            },
          });
        case 'refused':
          late();
          return reject(new AttachError(message.why));
        case 'world':
          return onWorld?.(message.world);
        case 'events':
          return onEvents?.(message.events);
        case 'answer':
          return waiting.get(message.id)?.resolve(message.answer);
        case 'bye':
          how = message.why;
      }
    };
    const lines = createLines(WORLD_BYTES, (line) => {
      const message = readFromOwner(line);
      if (message === null) socket.destroy();
      else hear(message);
    });
    socket.on('data', (chunk: Buffer) => void (lines.push(chunk) || socket.destroy()));
    void ended.then(() => {
      late();
      reject(lost);
    });
    socket.write(lineOf({ type: 'hello', protocol: PROTOCOL, version: VERSION, wants }));
  });
}

/** null when nobody listens there. */
function open(path: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = dial(path);
    socket.once('connect', () => resolve(socket));
    socket.on('error', () => {
      socket.destroy();
      resolve(null);
    });
  });
}
