/** One writer a state directory: a file with an owner and a heartbeat, taken over only from the dead. */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../core/ports.ts';
import { cleanLine } from '../core/text.ts';
import { diskError, errorCode, JournalError } from './errors.ts';
import { bornOf, isAlive } from './process.ts';

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

const content = z.object({ pid: z.number().int().positive(), what: z.string(), host: z.string(), born: z.string().nullable(), since: z.number(), token: z.string().regex(/^[0-9a-f]{32}$/) });
type Content = z.output<typeof content>;

/** Locks that this very process holds: our own pid in a file proves nothing, a container starts each time with the same one. */
const ours = new Set<string>();

/**
 * Takes `dir/lock` (directory created with mode 0700) and renews it by `wire`. `onLost` is called once when a renewal finds
 * that another took it over: stop writing then. Rejects with LockError when a live process holds it, with JournalError when
 * the disk refuses.
 */
export async function takeLock({ dir, wire, owner, onLost }: { dir: string; wire: Clock; owner: LockOwner; onLost?: () => void }): Promise<Lock> {
  const path = join(dir, 'lock');
  const token = randomBytes(16).toString('hex');
  const mine: Content = { ...owner, host: hostname(), born: bornOf(owner.pid), since: wire.now(), token };
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    while (!placed(dir, path, mine)) {
      const found = readLock(path);
      if (found === null) continue; // released in between
      if (found.token !== null && !isDead(found, wire.now())) throw heldBy(found, wire.now());
      if (found.token === null && wire.now() - found.beat < STALE_MS) throw new LockError(`The lock file ${path} cannot be read as one of ours. If no vastsit-tui runs here, remove it and start again.`, 0, found.beat);
      takeOver(dir, path, mine, found.token ?? 'unreadable');
      if (readLock(path)?.token === token) break;
    }
  } catch (error) {
    throw error instanceof LockError || error instanceof JournalError ? error : diskError(error, `take the lock ${path}`);
  }
  ours.add(token);
  beat(path, wire);

  const held = (): boolean => readLock(path)?.token === token;
  let cancel = (): void => undefined;
  const renew = (): void => {
    if (!held()) {
      ours.delete(token);
      onLost?.();
      return;
    }
    beat(path, wire);
    cancel = wire.after(HEARTBEAT_MS, renew);
  };
  cancel = wire.after(HEARTBEAT_MS, renew);

  return {
    held,
    async release() {
      cancel();
      ours.delete(token);
      if (held()) rmSync(path, { force: true });
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
    return read.success ? { ...read.data, beat } : { pid: 0, what: '', host: '', born: null, since: beat, token: null, beat };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** On this host the process itself is asked, so a suspended laptop's owner keeps its lock; elsewhere only the heartbeat speaks. */
function isDead(found: Found, now: number): boolean {
  if (found.token !== null && ours.has(found.token)) return false;
  const silent = now - found.beat >= STALE_MS;
  if (found.host !== hostname()) return silent;
  if (!isAlive(found.pid)) return true;
  const born = bornOf(found.pid);
  if (born === null || found.born === null) return silent || found.pid === process.pid;
  return born !== found.born; // the number was given to another process
}

function heldBy(found: Found, now: number): LockError {
  const who = `${cleanLine(found.what, 40) || 'vastsit-tui'}, process ${found.pid}${found.host === hostname() ? '' : ` on ${cleanLine(found.host, 60)}`}`;
  const since = new Date(found.since).toISOString();
  const silent = now - found.beat >= STALE_MS ? ` It has not shown a sign of life for ${Math.round((now - found.beat) / 1_000)} s; if it hangs, end it: kill ${found.pid}.` : '';
  return new LockError(`Another vastsit-tui (${who}) has been working here since ${since}.${silent} Quit it first, or set VASTSIT_HOME to work apart; \`vastsit-tui status\` only reads and always works.`, found.pid, found.since);
}

/** Creates `path` with its whole content in one step. False when it is there already. */
function placed(dir: string, path: string, mine: Content, suffix = ''): boolean {
  const temporary = join(dir, `lock.new-${mine.token}${suffix}`);
  writeFileSync(temporary, JSON.stringify(mine), { mode: 0o600, flush: true });
  try {
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
  for (let n = 0; ; n += 1) {
    const claim = join(dir, `${prefix}${n}`);
    if (!placed(dir, claim, mine)) {
      const other = readLock(claim);
      if (other !== null && other.token !== mine.token && !isGone(other)) throw new LockError('Another vastsit-tui is starting here at this moment. Wait a few seconds and try again.', other.pid, other.since);
      continue;
    }
    try {
      const now = readLock(path);
      if (now === null || (now.token ?? 'unreadable') !== dead) return rmSync(claim, { force: true });
      const next = join(dir, `lock.next-${mine.token}`);
      writeFileSync(next, JSON.stringify(mine), { mode: 0o600, flush: true });
      renameSync(next, path);
    } catch (error) {
      rmSync(claim, { force: true });
      throw error;
    }
    for (const name of readdirSync(dir)) if (name.startsWith(prefix)) rmSync(join(dir, name), { force: true });
    return;
  }
}

function isGone(claim: Found): boolean {
  if (claim.host !== hostname()) return false;
  const born = bornOf(claim.pid);
  return !isAlive(claim.pid) || (born !== null && claim.born !== null && born !== claim.born);
}

/** The file's own time is set from `wire`, so that reader and writer mean the same clock. A failed renewal is tried again at the next. */
function beat(path: string, wire: Clock): void {
  try {
    const seconds = wire.now() / 1_000;
    utimesSync(path, seconds, seconds);
  } catch {
    // The next renewal, or a taker's look at the process, tells.
  }
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
