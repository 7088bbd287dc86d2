/** One event -> one redacted line of JSON that still reads as the same event. */
import type { Event } from '../core/events.ts';
import { isEvent } from './read.ts';

/**
 * Redacts the serialised line; where that would break it (a secret that spells a number or our own stamp, a key
 * block that seems to reach from one field into another), each text inside is redacted by itself. Returns the event as a replay will read it, so that live and replayed state agree.
 */
export function serialise(event: Event, redact: (text: string) => string): { line: string; event: Event } {
  const plain = JSON.stringify(event);
  const line = redact(plain);
  if (line === plain) return { line, event };
  const read = parsed(line);
  if (read !== null && sameStamp(read, event) && sameShape(read, event)) return { line, event: read };
  const { v, seq, at, type } = event;
  const apart = { ...(redactDeep(event, redact) as object), v, seq, at, type } as Event;
  return { line: JSON.stringify(apart), event: apart };
}

function redactDeep(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) {
    // A key block that spans the lines of a log tail shows only when they are read together.
    const lines: unknown[] = value;
    return lines.length > 0 && lines.every((item) => typeof item === 'string') ? redact(lines.join('\n')).split('\n').map(redact) : lines.map((item) => redactDeep(item, redact));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [redact(key), redactDeep(item, redact)]));
}

function parsed(line: string): Event | null {
  try {
    const value: unknown = JSON.parse(line);
    return isEvent(value) ? value : null;
  } catch {
    return null;
  }
}

const sameStamp = (a: Event, b: Event): boolean => a.v === b.v && a.seq === b.seq && a.at === b.at && a.type === b.type;

/** Lists of texts may have become shorter; anything else missing means that a mask swallowed structure, and a replay would miss it. */
function sameShape(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    if (b.every((item) => typeof item === 'string')) return a.every((item) => typeof item === 'string');
    return a.length === b.length && a.every((item, index) => sameShape(item, b[index]));
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return typeof a === typeof b && (a === null) === (b === null);
  const [left, right] = [Object.values(a), Object.values(b)];
  return left.length === right.length && left.every((item, index) => sameShape(item, right[index]));
}
