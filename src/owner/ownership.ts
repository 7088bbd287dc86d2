/** Is the state directory still ours? Asked before all that is written: an owner that slept must neither write nor act. */
import { LockError, type Lock } from '../journal/index.ts';

/** Once lost, it stays lost. */
export interface Ownership {
  lost: boolean;
  onLost: () => void;
}

export function lose(ownership: Ownership): void {
  ownership.lost = true;
  ownership.onLost();
}

/** Throws LockError when another has taken over: an owner that slept must neither write nor act. */
export function mustOwn(ownership: Ownership, lock: Lock, now: number): void {
  let held = true;
  try {
    held = lock.held();
  } catch {
    // A disk that does not answer now says nothing about who owns it.
  }
  if (!held) lose(ownership);
  if (ownership.lost) throw new LockError('Another vastsit-tui has taken over this state directory while this one was away: nothing more is done or written here.', process.pid, now);
}
