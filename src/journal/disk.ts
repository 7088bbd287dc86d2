/** The calls that the journal's promises rest on, in one place so that a test can make each of them fail. */
import { closeSync, existsSync, fsync, fsyncSync, ftruncateSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errorCode } from './errors.ts';

export interface Disk {
  /** May write less than it was given, as write(2) may. */
  write(fd: number, bytes: Buffer): number;
  sync(fd: number): void;
  truncate(fd: number, length: number): void;
  syncLater(fd: number, done: (error: Error | null) => void): void;
}

export const realDisk: Disk = {
  write: (fd, bytes) => writeSync(fd, bytes),
  sync: fsyncSync,
  truncate: ftruncateSync,
  syncLater: fsync,
};

/**
 * `mkdir -p` with mode 0700, level by level: Node's own turns for ever where the system says that the parent of a new folder is
 * missing although it is there, as /proc does.
 */
export function makeDirectory(dir: string): void {
  const missing: string[] = [];
  for (let at = resolve(dir); !existsSync(at); at = dirname(at)) missing.unshift(at);
  // What is there and is no folder fails as mkdir does.
  if (missing.length === 0 && !statSync(dir).isDirectory()) missing.push(dir);
  for (const one of missing) {
    try {
      mkdirSync(one, { mode: 0o700 });
    } catch (error) {
      // Another process may have been quicker.
      if (errorCode(error) !== 'EEXIST' || !statSync(one).isDirectory()) throw error;
    }
  }
}

/** A new file's name is on the disk only once its directory is. Some file systems cannot sync a directory; theirs is not our promise. */
export function syncDirectory(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } catch (error) {
    if (!['EINVAL', 'EISDIR', 'EPERM', 'ENOTSUP'].includes(errorCode(error))) throw error;
  } finally {
    closeSync(fd);
  }
}
