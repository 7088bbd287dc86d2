/** Results at home, on the local disk: one directory a run, and nothing outside it. */
import { createHash } from 'node:crypto';
import { constants, lstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join, relative as relativeTo, resolve, sep } from 'node:path';
import type { Home } from './core/ports.ts';
import { cleanLine } from './core/text.ts';

export type HomeFailure = 'bad_run' | 'outside' | 'symlink' | 'not_a_file' | 'unreadable';

/** A path that is refused, or a file that cannot be read. Messages are fit for a screen. */
export class HomeError extends Error {
  override readonly name = 'HomeError';
  constructor(
    readonly code: HomeFailure,
    message: string,
  ) {
    super(message);
  }
}

const RUN_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * Results below `root` (default `./results` of the project). The root may itself be a link to a larger disk; below it no
 * link is followed, because names there come from a rented machine.
 */
export function createHome({ root = 'results' }: { root?: string } = {}): Home {
  const base = resolve(root);

  const runDir = (run: string): string => {
    if (!RUN_NAME.test(run)) throw new HomeError('bad_run', `Not a run's name: "${cleanLine(run, 80)}".`);
    return join(base, run);
  };

  /** Throws HomeError when a directory on the way from the root to `path` is a link or no directory; the rest may be absent. */
  const refuseLinks = (path: string): void => {
    const parts = relativeTo(base, path).split(sep);
    let at = base;
    for (const [index, part] of parts.entries()) {
      at = join(at, part);
      const found = lstatSync(at, { throwIfNoEntry: false });
      if (!found) return;
      if (found.isSymbolicLink()) throw new HomeError('symlink', `${cleanLine(at)} is a symbolic link; results are never read or written through one. Move it away.`);
      if (index < parts.length - 1 && !found.isDirectory()) throw new HomeError('not_a_file', `${cleanLine(at)} is in the way: a directory is needed there. Move it away.`);
    }
  };

  return {
    runDir,

    pathFor(run, relative) {
      const dir = runDir(run);
      const parts = relative.split(sep === '\\' ? /[\\/]/ : '/').filter((part) => part !== '' && part !== '.');
      const drive = sep === '\\' && relative.includes(':');
      if (relative.startsWith('/') || parts.length === 0 || parts.includes('..') || relative.includes('\0') || drive) {
        throw new HomeError('outside', `"${cleanLine(relative, 200)}" is not a path below the results of ${run}; it is refused.`);
      }
      const path = join(dir, ...parts);
      refuseLinks(path);
      return path;
    },

    async fact(path) {
      const full = resolve(base, path);
      if (!full.startsWith(base + sep)) throw new HomeError('outside', `${cleanLine(path, 200)} is outside ${base}; it is refused.`);
      refuseLinks(full);
      return hashOf(full);
    },
  };
}

/** SHA-256 and bytes of a regular file, read as a stream; null when it is not there. Rejects with HomeError. */
async function hashOf(path: string): Promise<{ bytes: number; sha256: string } | null> {
  try {
    // Not through a link that appeared since the check, and not stuck on a pipe that nobody writes to.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) throw new HomeError('not_a_file', `${cleanLine(path)} is not a regular file.`);
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
        hash.update(chunk);
        bytes += chunk.length;
      }
      return { bytes, sha256: hash.digest('hex') };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof HomeError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    if (code === 'ENOENT') return null;
    throw new HomeError(code === 'ELOOP' ? 'symlink' : 'unreadable', `${cleanLine(path)} cannot be read (${code}). Check its permissions and the disk.`);
  }
}
