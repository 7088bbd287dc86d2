/** The append-only log of everything that happened: JSON lines, one writer, on disk before anyone acts. */
import { closeSync, fchmodSync, fstatSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EVENT_VERSION, isVolatile, type Body, type Event } from '../core/events.ts';
import type { Clock } from '../core/ports.ts';
import type { World } from '../core/state.ts';
import { makeDirectory, realDisk, syncDirectory, type Disk } from './disk.ts';
import { diskError, errorCode, JournalError } from './errors.ts';
import { JOURNAL_FILE, parseJournal, readOrEmpty } from './read.ts';
import { serialise } from './serialise.ts';
import { compactJournal, LONG, sinceSnapshot } from './snapshot.ts';

/** Events that announce no effect may wait this long for the disk, in real ms. */
const SYNC_WITHIN_MS = 1_000;

export interface Journal {
  /** The world as a snapshot has it; null when there is none. */
  readonly base: World | null;
  /** The events after `base`, oldest first. */
  replay(): Event[];
  /** What opening had to mend, in words for people; usually nothing. */
  readonly remarks: readonly string[];
  /**
   * Stamps, redacts and writes the bodies in one write; with `sync` they are on the disk when it returns, without it within
   * a second. Returns the events as a replay will read them. Volatile ones are stamped and not written. Throws JournalError;
   * then none of the bodies is in the file and their numbers are free again.
   */
  append(bodies: readonly Body[], options: { sync: boolean }): Event[];
  /**
   * Puts the lines away once the journal has grown long, as compactJournal does. False when there is nothing to do now. Throws
   * JournalError: then all stands as it did, and it is tried again when as much has been written once more.
   */
  compact(): boolean;
  /** Brings what was written to the disk and lets go of the file, all before it returns. Rejects with JournalError when the disk refuses. */
  close(): Promise<void>;
}

export interface JournalOptions {
  /** Created with mode 0700 when absent. */
  dir: string;
  /** The program's time, for stamps. */
  clock: Clock;
  /** Real time, for the delayed sync. */
  wire: Clock;
  /** Applied to every serialised line; see createRedactor. */
  redact: (text: string) => string;
  disk?: Disk;
  /** Bytes that are worth compacting; 4 MiB unless said. */
  long?: number;
}

/**
 * Opens `dir/journal.jsonl` (mode 0600). A last line that a crash cut short is moved to `journal.torn-<n>`. The caller
 * holds the lock. Rejects with JournalError: newer format, damaged line, or a disk that cannot be read or written.
 */
export async function openJournal({ dir, clock, wire, redact, disk = realDisk, long = LONG }: JournalOptions): Promise<Journal> {
  const path = join(dir, JOURNAL_FILE);
  const fd = openForAppend(dir, path);
  try {
    const { events, good, torn } = parseJournal(readOrEmpty(path), path);
    const remarks: string[] = [];
    if (torn.length > 0) {
      const kept = keepTorn(dir, torn);
      disk.truncate(fd, good);
      disk.sync(fd);
      remarks.push(`The last line of ${path} was cut short by a crash (${torn.length} bytes). It was moved to ${kept}; everything before it stands.`);
    }
    return createWriter({ dir, path, fd, long, good, ...sinceSnapshot(dir, events), remarks, clock, wire, redact, disk });
  } catch (error) {
    closeSync(fd);
    throw error instanceof JournalError ? error : diskError(error, `mend ${path}`);
  }
}

interface Opened extends Required<JournalOptions> {
  path: string;
  fd: number;
  good: number;
  base: World | null;
  events: Event[];
  seq: number;
  remarks: string[];
}

function createWriter({ dir, path, fd: opened, long, good, base, events, seq: newest, remarks, clock, wire, redact, disk }: Opened): Journal {
  let fd = opened;
  let length = good;
  let compactAt = long;
  let syncing = false;
  let seq = newest;
  /** Bytes beyond `length` that a failed write left and that could not be cut off yet. */
  let leftover = false;
  let lateFailure: Error | null = null;
  let cancelSync: (() => void) | null = null;
  let open = true;

  const cut = (): void => {
    leftover = true;
    disk.truncate(fd, length);
    leftover = false;
  };
  const syncNow = (): void => {
    cancelSync?.();
    cancelSync = null;
    disk.sync(fd);
  };
  const syncSoon = (): void => {
    cancelSync ??= wire.after(SYNC_WITHIN_MS, () => {
      cancelSync = null;
      if (!open) return;
      syncing = true;
      disk.syncLater(fd, (error) => {
        syncing = false;
        lateFailure ??= open ? error : null;
      });
    });
  };
  const write = (bytes: Buffer, sync: boolean): void => {
    // A kernel tells once that a sync failed; whoever acts next must hear it.
    if (lateFailure !== null) {
      const error = lateFailure;
      lateFailure = null;
      throw error;
    }
    if (leftover) cut();
    try {
      for (let done = 0; done < bytes.length; ) done += disk.write(fd, bytes.subarray(done));
      if (sync) syncNow();
    } catch (error) {
      try {
        cut();
      } catch {
        // The next append tries again before it writes; the next open would find a torn line at worst.
      }
      throw error;
    }
    length += bytes.length;
    if (!sync) syncSoon();
  };

  return {
    base,
    replay: () => events,
    remarks,
    append(bodies, { sync }) {
      if (!open) throw new JournalError('closed', `${path} is closed: nothing can be recorded any more. Start the program again.`);
      const at = clock.now();
      const stamped = bodies.map((body, index) => ({ body, ...serialise({ ...body, v: EVENT_VERSION, seq: seq + 1 + index, at }, redact) }));
      const lasting = stamped.filter(({ body }) => !isVolatile(body));
      if (lasting.length > 0) {
        try {
          write(Buffer.from(lasting.map(({ line }) => `${line}\n`).join('')), sync);
        } catch (error) {
          throw diskError(error, `write ${path}`);
        }
      }
      seq += bodies.length;
      return stamped.map(({ event }) => event);
    },
    compact() {
      // A file whose sync is under way must not be let go of.
      if (!open || syncing || leftover || lateFailure !== null || length <= compactAt) return false;
      compactAt = length + long;
      syncNow();
      compactJournal(dir, 0);
      const old = fd;
      try {
        fd = openForAppend(dir, path);
      } catch (error) {
        open = false; // the file that we hold has no name any more
        throw error;
      } finally {
        closeSync(old);
      }
      length = 0;
      compactAt = long;
      return true;
    },
    async close() {
      if (!open) return;
      open = false;
      try {
        if (leftover) cut();
        syncNow();
      } catch (error) {
        throw diskError(error, `write ${path}`);
      } finally {
        closeSync(fd);
      }
    },
  };
}

function openForAppend(dir: string, path: string): number {
  try {
    makeDirectory(dir);
    const fd = openSync(path, 'a', 0o600);
    const { mode, size } = fstatSync(fd);
    if ((mode & 0o077) !== 0) fchmodSync(fd, 0o600);
    if (size === 0) syncDirectory(dir);
    return fd;
  } catch (error) {
    throw diskError(error, `open ${path}`);
  }
}

function keepTorn(dir: string, torn: Buffer): string {
  for (let n = 1; ; n += 1) {
    const path = join(dir, `journal.torn-${n}`);
    try {
      writeFileSync(path, torn, { flag: 'wx', mode: 0o600, flush: true });
      return path;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
  }
}
