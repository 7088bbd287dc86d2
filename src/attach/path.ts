/** Where the owner listens. */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAME = 'owner.sock';
/** A Unix socket's address holds 108 bytes on Linux and 104 elsewhere, with its end. */
const LONGEST = 103;

/** `owner.sock` in the state directory; where that is too long an address, in a directory of ours among the temporary files. */
export function socketPath(dir: string): string {
  const path = join(dir, NAME);
  if (Buffer.byteLength(path) <= LONGEST) return path;
  return join(tmpdir(), `vastsit-${process.getuid?.() ?? 0}-${createHash('sha256').update(dir).digest('hex').slice(0, 16)}`, NAME);
}

/** Makes sure that nobody else can reach the socket's directory. Throws when it belongs to somebody else. */
export function closeToOthers(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const found = lstatSync(directory);
  if (!found.isDirectory() || (process.getuid !== undefined && found.uid !== process.getuid())) throw new Error(`${directory} is not a directory of yours`);
  if ((found.mode & 0o077) !== 0) chmodSync(directory, 0o700);
}
