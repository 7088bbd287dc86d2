/** Bytes of a journal -> events. Lenient about what an event holds, strict about what would make history a guess. */
import { readFileSync } from 'node:fs';
import { EVENT_VERSION, type Event } from '../core/events.ts';
import { diskError, errorCode, JournalError } from './errors.ts';

export const JOURNAL_FILE = 'journal.jsonl';
const NEWLINE = 10;

export interface Reading {
  events: Event[];
  /** Bytes up to the end of the last whole line. */
  good: number;
  /** What stands after that: a write that a crash cut short. Empty when all is whole. */
  torn: Buffer;
}

/**
 * Splits and checks the file's bytes. The last line may be torn (no newline, or no JSON) and is handed back apart.
 * Throws JournalError: `newer` for a line of a later format, `damaged` for a bad line with good ones after it.
 */
export function parseJournal(bytes: Buffer, path: string): Reading {
  const events: Event[] = [];
  let start = 0;
  for (let line = 1; start < bytes.length; line += 1) {
    const end = bytes.indexOf(NEWLINE, start);
    if (end < 0) break;
    const event = parseEvent(bytes.toString('utf8', start, end));
    if (event === null) {
      if (end + 1 >= bytes.length) break;
      throw new JournalError('damaged', `Line ${line} of ${path} is damaged, with whole lines after it, so it was not a crash of this program. The file was left as it is. Make a copy, remove that line, and start again: what it told is lost, and the market is asked what really exists.`, line);
    }
    if (event.v > EVENT_VERSION) {
      throw new JournalError('newer', `${path} was written by a newer version of vastsit-tui (format ${event.v} in line ${line}, this one reads ${EVENT_VERSION}). Update vastsit-tui, or set VASTSIT_HOME to another directory.`, line);
    }
    events.push(event);
    start = end + 1;
  }
  return { events, good: start, torn: bytes.subarray(start) };
}

/** Throws JournalError when the file is there and cannot be read. */
export function readOrEmpty(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return Buffer.alloc(0);
    throw diskError(error, `read ${path}`);
  }
}

function parseEvent(line: string): Event | null {
  try {
    const value: unknown = JSON.parse(line);
    return isEvent(value) ? value : null;
  } catch {
    return null;
  }
}

/** Only the stamp is checked: an older journal may lack fields, and `reduce` tells what it makes of each type. */
export function isEvent(value: unknown): value is Event {
  if (typeof value !== 'object' || value === null) return false;
  const { v, seq, at, type } = value as Record<string, unknown>;
  return typeof v === 'number' && typeof seq === 'number' && typeof at === 'number' && typeof type === 'string';
}
