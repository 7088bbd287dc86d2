/** How a user, a closing terminal or a reader that left ends a command that has something to close first. */
import { isatty } from 'node:tty';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** `hangup`: whoever sat at the terminal went away and ordered nothing. */
type Way = 'asked' | 'hangup';
const open = new Set<(way: Way) => void>();

export interface Interrupts {
  /** Aborts at the first interruption. */
  signal: AbortSignal;
  /** Did the terminal go away, and nothing else? Whoever asks to end after that is obeyed: then it is false. */
  hungUp: () => boolean;
  /** Until then further signals change nothing: closing is under way. */
  release: () => void;
}

export function onInterrupt(): Interrupts {
  const abort = new AbortController();
  let way: Way | null = null;
  const atTerminal = isatty(0);
  const end = (how: Way): void => {
    // A terminal that closes hangs up twice, by the kernel and by its shell, so only another signal says more than the first.
    way = way === 'asked' || how === 'asked' ? 'asked' : 'hangup';
    abort.abort();
  };
  const onSignal = (signal: NodeJS.Signals): void => end(signal === 'SIGHUP' ? 'hangup' : 'asked');
  // Not `once`: execa re-raises a signal that nobody but itself listens to any more.
  for (const signal of SIGNALS) process.on(signal, onSignal);
  open.add(end);
  return {
    signal: abort.signal,
    // The end of its input may come before its signal.
    hungUp: () => way === 'hangup' || (way === null && atTerminal && !isatty(0)),
    release() {
      open.delete(end);
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}

/** Interrupts whatever has asked to hear of it. False when nothing has. */
export function interrupt(way: Way): boolean {
  for (const end of open) end(way);
  return open.size > 0;
}
