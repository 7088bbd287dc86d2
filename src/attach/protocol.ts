/**
 * What the owner of a state directory and other processes on this machine say to each other: one JSON object a line, over
 * a Unix socket that only its user may open. Everything read is checked like any other input.
 */
import { z } from 'zod';
import type { Command, CommandAnswer } from '../core/commands.ts';
import type { Event } from '../core/events.ts';
import type { World } from '../core/state.ts';

/** Raised when a line changes its meaning; fields may be added without. */
export const PROTOCOL = 1;

/** Longest line that an owner reads, in bytes: a hello or an order. */
export const ORDER_BYTES = 64 * 1024;
/** Longest line that a viewer reads, in bytes: a whole world. */
export const WORLD_BYTES = 64 * 1024 * 1024;

/** Who owns the state directory, for people: "the cockpit, process 4711". */
export interface Owner {
  version: string;
  pid: number;
  what: string;
}

/** `screen` gets the world and every event after it; `orders` only asks and is answered. */
export type Wants = 'screen' | 'orders';
/** Why the owner ends: `detached` means that a background process follows at once. */
export type Bye = 'closed' | 'detached';

export type FromOwner =
  | ({ type: 'welcome'; protocol: number } & Owner)
  | { type: 'refused'; why: string }
  | { type: 'world'; world: World }
  | { type: 'events'; events: readonly Event[] }
  | { type: 'answer'; id: number; answer: CommandAnswer }
  | { type: 'bye'; why: Bye };

export type ToOwner = { type: 'hello'; protocol: number; version: string; wants: Wants } | { type: 'order'; id: number; command: Command };

const run = z.string().max(200);
const path = z.string().max(4_096);
const words = z.string().max(16_384);
const COMMANDS: Record<Command['do'], z.ZodObject> = {
  launch: z.object({ do: z.literal('launch'), spec_path: path, offer: z.number().optional() }),
  adopt: z.object({ do: z.literal('adopt'), instance: z.number(), spec_path: path }),
  destroy: z.object({ do: z.literal('destroy'), run, waive: z.boolean(), grace_s: z.number().optional() }),
  recall: z.object({ do: z.literal('recall'), run }),
  hold: z.object({ do: z.literal('hold'), run, minutes: z.number(), reason: z.string().max(1_000) }),
  release: z.object({ do: z.literal('release'), run }),
  keep: z.object({ do: z.literal('keep'), run, keep: z.boolean() }),
  relaunch: z.object({ do: z.literal('relaunch'), run, command: words.optional(), resume: words.optional() }),
  switch: z.object({ do: z.literal('switch'), run }),
  raise_bid: z.object({ do: z.literal('raise_bid'), run, usd_per_hour: z.number() }),
  check: z.object({ do: z.literal('check'), run }),
  approve: z.object({ do: z.literal('approve'), run }),
  refuse: z.object({ do: z.literal('refuse'), run }),
};
const hello = z.object({ type: z.literal('hello'), protocol: z.number(), version: z.string().max(100), wants: z.enum(['screen', 'orders']) });
const order = z.object({ type: z.literal('order'), id: z.number(), command: z.object({ do: z.enum(Object.keys(COMMANDS) as [Command['do'], ...Command['do'][]]) }).loose() });

/** One line from a stranger as a message; null for anything else. */
export function readToOwner(line: string): ToOwner | null {
  const value = parsed(line);
  const greeting = hello.safeParse(value);
  if (greeting.success) return greeting.data;
  const asked = order.safeParse(value);
  if (!asked.success) return null;
  const { id, command } = asked.data;
  const checked = COMMANDS[command.do].safeParse(command);
  // The table has one entry a command, so what it lets pass is one.
  return checked.success ? { type: 'order', id, command: checked.data as unknown as Command } : null;
}

const fromOwner = z.discriminatedUnion('type', [
  z.object({ type: z.literal('welcome'), protocol: z.number(), version: z.string(), pid: z.number(), what: z.string() }),
  z.object({ type: z.literal('refused'), why: z.string() }),
  z.object({ type: z.literal('world'), world: z.object({ now: z.number(), runs: z.record(z.string(), z.unknown()), fleet: z.record(z.string(), z.unknown()) }).loose() }),
  z.object({ type: z.literal('events'), events: z.array(z.object({ type: z.string(), seq: z.number(), at: z.number() }).loose()) }),
  z.object({ type: z.literal('answer'), id: z.number(), answer: z.union([z.object({ ok: z.literal(true), said: z.string() }), z.object({ ok: z.literal(false), why: z.string() })]) }),
  z.object({ type: z.literal('bye'), why: z.enum(['closed', 'detached']) }),
]);

/** One line from the owner; null when it is none. Worlds and events come from the same version of this program, which was agreed on before. */
export function readFromOwner(line: string): FromOwner | null {
  const read = fromOwner.safeParse(parsed(line));
  return read.success ? (read.data as unknown as FromOwner) : null;
}

export const lineOf = (message: FromOwner | ToOwner): string => `${JSON.stringify(message)}\n`;

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** Cuts a stream of bytes into lines. `push` is false once a line is longer than `most` bytes: nothing more is read then. */
export function createLines(most: number, on: (line: string) => void): { push(chunk: Buffer): boolean } {
  let parts: Buffer[] = [];
  let size = 0;
  return {
    push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        if (size + end - start > most) return false;
        const line = Buffer.concat([...parts, chunk.subarray(start, end)]).toString('utf8');
        parts = [];
        size = 0;
        start = end + 1;
        on(line);
      }
      size += chunk.length - start;
      if (size > most) return false;
      if (start < chunk.length) parts.push(chunk.subarray(start));
      return true;
    },
  };
}
