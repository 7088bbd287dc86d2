/**
 * A long journal is compacted: the world it tells goes into `snapshot.json`, its lines into `journal-<last seq>.jsonl.gz`, and
 * the journal begins anew. Nothing is thrown away: a snapshot that this program did not write itself is passed over, and all
 * is read from the first line on.
 */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { EVENT_VERSION, type Event } from '../core/events.ts';
import { reduce } from '../core/reduce.ts';
import { born } from '../core/reduce-born.ts';
import { parseSpec } from '../core/spec.ts';
import { emptyWorld, type World } from '../core/state.ts';
import { VERSION } from '../core/version.ts';
import { syncDirectory } from './disk.ts';
import { diskError, errorCode, JournalError } from './errors.ts';
import { JOURNAL_FILE, parseJournal, readOrEmpty } from './read.ts';

const SNAPSHOT_FILE = 'snapshot.json';
const ARCHIVE = /^journal-(\d+)\.jsonl\.gz$/;
/** Bytes of a journal that are worth compacting. */
export const LONG = 4 * 1024 * 1024;

const content = z.object({ v: z.number(), program: z.string(), shape: z.string(), seq: z.number(), world: z.unknown() });

/** What a world of this program looks like; a snapshot with another look was written by another one. */
function shape(): string {
  const spec = parseSpec({ name: 'a', image: 'a', hardware: { max_usd_per_hour: 1 }, run: 'a', kill: { hours: 1, dollars: 1 } });
  const run = born({ type: 'run.submitted', run: 'a', spec, spec_path: '', warnings: [], v: 1, seq: 1, at: 0 }, 0);
  return [...Object.keys(emptyWorld(0)), ...Object.keys(run)].sort().join(' ');
}

export interface History {
  /** The world up to the snapshot; null when all is in `events`. */
  base: World | null;
  events: Event[];
  /** The highest number that is on the disk anywhere. */
  seq: number;
}

/** What is needed to know the present: the snapshot and what came after it. Throws JournalError. */
export function readHistory(dir: string): History {
  const path = join(dir, JOURNAL_FILE);
  const { events } = parseJournal(readOrEmpty(path), path);
  return sinceSnapshot(dir, events);
}

/** The same, for the journal's events that were read already. */
export function sinceSnapshot(dir: string, events: readonly Event[]): History {
  const found = readSnapshot(dir);
  const last = Math.max(found?.seq ?? 0, ...archives(dir).map(({ seq }) => seq), events.at(-1)?.seq ?? 0);
  if (found) return { base: found.world, events: events.filter(({ seq }) => seq > found.seq), seq: last };
  return { base: null, events: withArchives(dir, events), seq: last };
}

/** Everything that ever happened, from the first line on. Throws JournalError. */
export function readJournal(dir: string): Event[] {
  const path = join(dir, JOURNAL_FILE);
  return withArchives(dir, parseJournal(readOrEmpty(path), path).events);
}

/** Compacts a journal of more than `bytes`. The caller holds the lock, and nobody writes. Killed at any moment it loses nothing. Throws JournalError. */
export function compactJournal(dir: string, bytes = LONG): void {
  const path = join(dir, JOURNAL_FILE);
  const raw = readOrEmpty(path);
  if (raw.length <= bytes) return;
  const { events, good } = parseJournal(raw, path);
  const history = sinceSnapshot(dir, events);
  const last = events.at(-1);
  // A torn end is mended first, by whoever opens it.
  if (good < raw.length || !last) return;
  const world = history.events.reduce(reduce, history.base ?? emptyWorld(history.events[0]?.at ?? last.at));
  try {
    replace(dir, `journal-${String(last.seq).padStart(9, '0')}.jsonl.gz`, gzipSync(raw));
    replace(dir, SNAPSHOT_FILE, JSON.stringify({ v: EVENT_VERSION, program: VERSION, shape: shape(), seq: last.seq, world }));
    replace(dir, JOURNAL_FILE, '');
  } catch (error) {
    throw diskError(error, `compact ${path}`);
  }
}

function readSnapshot(dir: string): { seq: number; world: World } | null {
  const path = join(dir, SNAPSHOT_FILE);
  const text = readOrEmpty(path).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const read = content.safeParse(value);
  if (!read.success) return null;
  const { v, program, seq, world } = read.data;
  if (v > EVENT_VERSION) throw new JournalError('newer', `${path} was written by a newer version of vastsit-tui (format ${v}, this one reads ${EVENT_VERSION}). Update vastsit-tui, or set VASTSIT_HOME to another directory.`);
  return program === VERSION && read.data.shape === shape() ? { seq, world: world as World } : null;
}

function archives(dir: string): { name: string; seq: number }[] {
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw diskError(error, `read ${dir}`);
  }
  return names.flatMap((name) => ({ name, seq: Number(ARCHIVE.exec(name)?.[1] ?? NaN) })).filter(({ seq }) => Number.isFinite(seq)).sort((a, b) => a.seq - b.seq);
}

/** A kill between two steps of compacting leaves lines in two places: each number counts once. */
function withArchives(dir: string, events: readonly Event[]): Event[] {
  const all: Event[] = [];
  const add = (more: readonly Event[]): void => {
    const last = all.at(-1)?.seq ?? 0;
    for (const event of more) if (event.seq > last) all.push(event);
  };
  for (const { name } of archives(dir)) {
    const path = join(dir, name);
    let raw: Buffer;
    try {
      raw = gunzipSync(readFileSync(path));
    } catch (error) {
      throw errorCode(error).startsWith('Z') ? new JournalError('damaged', `${path} is damaged. The file was left as it is. Make a copy and move it away: what it told is lost, and the market is asked what really exists.`) : diskError(error, `read ${path}`);
    }
    add(parseJournal(raw, path).events);
  }
  add(events);
  return all;
}

/** The old content or the new, also after a power cut. */
function replace(dir: string, name: string, bytes: string | Uint8Array): void {
  const temporary = join(dir, `${name}.new`);
  try {
    writeFileSync(temporary, bytes, { mode: 0o600, flush: true });
    renameSync(temporary, join(dir, name));
  } finally {
    rmSync(temporary, { force: true });
  }
  syncDirectory(dir);
}
