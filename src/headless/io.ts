import { cleanText } from '../core/text.ts';

/** What a command writes to: data on stdout, talk on stderr. One place, so that nothing else can break a pipe. */
export interface Io {
  /** One line of data. */
  out: (line: string) => void;
  /** One line for people. */
  talk: (line: string) => void;
}

/** Lines to a terminal or a pipe: whatever a box or the market wrote, no escape code of theirs leaves, and no known secret. */
export function terminalIo(out: (text: string) => void, talk: (text: string) => void, redact: (text: string) => string = (text) => text): Io {
  const clean = (line: string): string => `${redact(cleanText(line))}\n`;
  return { out: (line) => out(clean(line)), talk: (line) => talk(clean(line)) };
}

/** Documented in --help and the README; never reused for something else. */
export const EXIT = {
  ok: 0,
  run_failed: 1,
  usage: 2,
  refused: 3,
  credentials: 4,
  no_offer: 5,
  unreachable: 6,
  pending: 8,
  locked: 9,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Schema version of every JSON line; fields are added, never renamed. */
export const JSON_VERSION = 1;

export const json = (io: Io, value: Record<string, unknown>): void => io.out(JSON.stringify({ v: JSON_VERSION, ...value }));
