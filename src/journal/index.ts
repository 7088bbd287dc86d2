/** The journal room: what happened, who may write it, and what people read in STATUS.md. */
export { JournalError, type JournalFailure } from './errors.ts';
export { makeDirectory } from './disk.ts';
export { isLocked, takeLock, LockError, type Lock, type LockOwner } from './lock.ts';
export { openJournal, type Journal, type JournalOptions } from './journal.ts';
export { compactJournal, readHistory, readJournal } from './snapshot.ts';
export { writeStatus } from './status-file.ts';
export { statusMarkdown } from './status-md.ts';
