/** The four calls that the journal's promises rest on, in one place so that a test can make each of them fail. */
import { closeSync, fsync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
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
