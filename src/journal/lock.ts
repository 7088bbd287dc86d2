/** One writer a state directory: a file with an owner and a heartbeat, taken over only from the dead. */
import { randomBytes } from 'node:crypto';
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../core/ports.ts';
import { cleanLine } from '../core/text.ts';
import { makeDirectory } from './disk.ts';
import { diskError, errorCode, JournalError } from './errors.ts';
import { bornOf, hereAs, isAlive } from './process.ts';

/** Real ms between two renewals. */
export const HEARTBEAT_MS = 5_000;
/** Real ms without a renewal after which an owner that cannot be looked up counts as dead. */
export const STALE_MS = 30_000;

export interface LockOwner {
  pid: number;
  /** For people: "cockpit", "background". */
  what: string;
}

/** Someone else writes here. The message names who, since when, and what to do. */
export class LockError extends Error {
  override readonly name = 'LockError';
  constructor(
    message: string,
    readonly pid: number,
    readonly since: number,
  ) {
    super(message);
  }
}

export interface Lock {
  /** Whether the file still names us: false after a takeover. Reads the disk. */
  held(): boolean;
  /** Stops the heartbeat and removes the file, if it is still ours. Never rejects. */
  release(): Promise<void>;
}

const content = z.object({ pid: z.number().int().positive(), what: z.string(), host: z.string(), pids: z.string().nullable(), born: z.string().nullable(), since: z.number(), token: z.string().regex(/^[0-9a-f]{32}$/) });
type Content = z.output<typeof content>;

const UNREADABLE = 'unreadable';

/** Locks that this very process holds: our own pid in a file proves nothing, a container starts each time with the same one. */
const ours = new Set<string>();

/** Does a live process hold the lock of this directory? A look only. */
export function isLocked(dir: string, now: number): boolean {
  const found = readLock(join(dir, 'lock'));
  return found !== null && found.token !== null && !isDead(found, now);
}

/**
 * Takes `dir/lock` (directory created with mode 0700) and renews it by `wire`. `onLost` is called once when a renewal finds
 * that another took it over: stop writing then. Rejects with LockError when a live process holds it, with JournalError when
 * the disk refuses.
 */
export async function takeLock({ dir, wire, owner, onLost }: { dir: string; wire: Clock; owner: LockOwner; onLost?: () => void }): Promise<Lock> {
  const path = join(dir, 'lock');
  const token = randomBytes(16).toString('hex');
  const mine: Content = { ...owner, ...hereAs(), born: bornOf(owner.pid), since: wire.now(), token };
  try {
    makeDirectory(dir);
    while (!placed(dir, path, mine)) {
      const found = readLock(path);
      if (found === null) continue; // released in between
      if (found.token !== null && !isDead(found, wire.now())) throw heldBy(found, wire.now());
      if (found.token === null && wire.now() - found.beat < STALE_MS) throw new LockError(`The lock file ${path} cannot be read as one of ours. If no vastsit-tui runs here, remove it and start again.`, 0, found.beat);
      takeOver(dir, path, mine, found.token ?? UNREADABLE);
      if (readLock(path)?.token === token) break;
    }
  } catch (error) {
    throw error instanceof LockError || error instanceof JournalError ? error : diskError(error, `take the lock ${path}`);
  }
  ours.add(token);

  const held = (): boolean => readLock(path)?.token === token;
  let cancel = (): void => undefined;
  const renew = (): void => {
    try {
      if (!held()) {
        ours.delete(token);
        onLost?.();
        return;
      }
      utimesSync(path, wire.now() / 1_000, wire.now() / 1_000);
    } catch {
      // A disk that does not answer now may at the next renewal; until then a taker asks for the process itself.
    }
    cancel = wire.after(HEARTBEAT_MS, renew);
  };
  cancel = wire.after(HEARTBEAT_MS, renew);

  return {
    held,
    async release() {
      cancel();
      ours.delete(token);
      try {
        if (held()) rmSync(path, { force: true });
      } catch {
        // The next taker finds this process gone.
      }
    },
  };
}

interface Found extends Omit<Content, 'token'> {
  /** null: the file holds something else. */
  token: string | null;
  /** Epoch ms of the last renewal. */
  beat: number;
}

/** null when there is no lock. */
function readLock(path: string): Found | null {
  try {
    const beat = statSync(path).mtimeMs;
    const read = content.safeParse(safeJson(readFileSync(path, 'utf8')));
    return read.success ? { ...read.data, beat } : { pid: 0, what: '', host: '', pids: null, born: null, since: beat, token: null, beat };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

const isHere = (found: Found): boolean => found.host === hereAs().host && found.pids === hereAs().pids;

/** Here the process itself is asked, so a suspended laptop's owner keeps its lock; elsewhere only the heartbeat speaks. */
function isDead(found: Found, now: number): boolean {
  if (found.token !== null && ours.has(found.token)) return false;
  const silent = now - found.beat >= STALE_MS;
  if (!isHere(found)) return silent;
  if (!isAlive(found.pid)) return true;
  const born = bornOf(found.pid);
  if (born === null || found.born === null) return silent || found.pid === process.pid;
  return born !== found.born; // the number was given to another process
}

function heldBy(found: Found, now: number): LockError {
  const who = `${cleanLine(found.what, 40) || 'vastsit-tui'}, process ${found.pid}${isHere(found) ? '' : ` on ${cleanLine(found.host, 60)}, or in a container there`}`;
  const since = new Date(found.since).toISOString();
  const silent = now - found.beat >= STALE_MS ? ` It has not shown a sign of life for ${Math.round((now - found.beat) / 1_000)} s; if it hangs, end it: kill ${found.pid}.` : '';
  return new LockError(`Another vastsit-tui (${who}) has been working here since ${since}.${silent} Quit it first, or set VASTSIT_HOME to work apart; \`vastsit-tui status\` only reads and always works.`, found.pid, found.since);
}

/** Creates `path` with its whole content in one step. False when it is there already. */
function placed(dir: string, path: string, mine: Content): boolean {
  const temporary = join(dir, `lock.new-${mine.token}`);
  try {
    write(temporary, mine);
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/**
 * Replaces the dead owner's lock. Only who holds a claim on that very lock (by its token) may replace it, and claims are
 * numbered: a claim counts while its process lives, and the next number is open only after that process died. So of any
 * number of takers one replaces the file, and no taker can mistake the winner's fresh lock for the dead one.
 */
function takeOver(dir: string, path: string, mine: Content, dead: string): void {
  const prefix = `lock.claim-${dead}-`;
  let n = 0;
  for (;;) {
    const claim = join(dir, `${prefix}${n}`);
    if (placed(dir, claim, mine)) {
      replace(dir, path, mine, dead, claim);
      for (const name of readdirSync(dir)) if (name.startsWith(prefix)) rmSync(join(dir, name), { force: true });
      return;
    }
    const other = readLock(claim);
    if (other !== null && !isDead(other, mine.since)) throw new LockError('Another vastsit-tui is starting here at this moment. Wait a few seconds and try again.', other.pid, other.since);
    // A claim that went away was given back: its number counts again.
    n = other === null ? 0 : n + 1;
  }
}

/** Under our claim: a last look, then the new lock in one step over the old one. */
function replace(dir: string, path: string, mine: Content, dead: string, claim: string): void {
  const next = join(dir, `lock.next-${mine.token}`);
  try {
    const now = readLock(path);
    if (now === null || (now.token ?? UNREADABLE) !== dead) return;
    write(next, mine);
    renameSync(next, path);
  } finally {
    rmSync(next, { force: true });
    rmSync(claim, { force: true });
  }
}

/** The file's own time is set from the owner's clock, so that reader and writer mean the same one. */
function write(path: string, mine: Content): void {
  writeFileSync(path, JSON.stringify(mine), { mode: 0o600, flush: true });
  utimesSync(path, mine.since / 1_000, mine.since / 1_000);
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
