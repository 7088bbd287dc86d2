/** How a user, a closing terminal or a reader that left ends a command that has something to close first. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const open = new Set<AbortController>();

export interface Interrupts {
  /** Aborts at the first interruption. */
  signal: AbortSignal;
  /** Until then further signals change nothing: closing is under way. */
  release: () => void;
}

export function onInterrupt(): Interrupts {
  const abort = new AbortController();
  const end = (): void => abort.abort();
  // Not `once`: execa re-raises a signal that nobody but itself listens to any more.
  for (const signal of SIGNALS) process.on(signal, end);
  open.add(abort);
  return {
    signal: abort.signal,
    release() {
      open.delete(abort);
      for (const signal of SIGNALS) process.off(signal, end);
    },
  };
}

/** Interrupts whatever has asked to hear of it. False when nothing has. */
export function interrupt(): boolean {
  for (const abort of open) abort.abort();
  return open.size > 0;
}
