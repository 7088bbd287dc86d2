/** Why the journal or its lock cannot be used. Messages say what to do; they name paths, never contents. */

export type JournalFailure = 'newer' | 'damaged' | 'disk_full' | 'read_only' | 'denied' | 'io' | 'closed';

/** `line` counts from 1, when one line of the file is at fault. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
  constructor(
    readonly code: JournalFailure,
    message: string,
    readonly line: number | null = null,
  ) {
    super(message);
  }
}

export const errorCode = (error: unknown): string => (error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown');

const ELSEWHERE = 'set VASTSIT_HOME to another directory';

/** A failed system call in words. `doing` reads as in "cannot <doing>", `elsewhere` as in "free some space, or <elsewhere>". */
export function diskError(error: unknown, doing: string, elsewhere = ELSEWHERE): JournalError {
  const code = errorCode(error);
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new JournalError('disk_full', `Cannot ${doing}: the disk is full (${code}). Free some space there, or ${elsewhere}, and start again. Nothing half-written was left.`);
    case 'EROFS':
      return new JournalError('read_only', `Cannot ${doing}: the file system is read-only. Make it writable, or ${elsewhere}.`);
    case 'EACCES':
    case 'EPERM':
      return new JournalError('denied', `Cannot ${doing}: permission denied (${code}). Give your user write access, or ${elsewhere}.`);
    case 'ENOENT':
      return new JournalError('io', `Cannot ${doing}: no file can be made there (ENOENT). Check the path, or ${elsewhere}.`);
    case 'ENOTDIR':
    case 'EEXIST':
      return new JournalError('io', `Cannot ${doing}: a file stands where a directory is needed (${code}). Move it away, or ${elsewhere}.`);
    default:
      return new JournalError('io', `Cannot ${doing}: ${code}. Check the disk, or ${elsewhere}, and start again.`);
  }
}
