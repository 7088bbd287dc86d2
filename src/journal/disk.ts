/** The four calls that the journal's promises rest on, in one place so that a test can make each of them fail. */
import { fsync, fsyncSync, ftruncateSync, writeSync } from 'node:fs';

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
