import type { Clock } from './core/ports.ts';

const LONGEST = 2 ** 31 - 1;

/** The wall clock, or one that runs `scale` times as fast from the moment of its creation. The only file that touches timers. */
export function createClock(scale = 1): Clock {
  const born = Date.now();
  const now = scale === 1 ? () => Date.now() : () => born + (Date.now() - born) * scale;
  const after = (ms: number, fn: () => void): (() => void) => {
    const timer = setTimeout(fn, Math.min(LONGEST, Math.max(0, ms / scale)));
    return () => clearTimeout(timer);
  };
  return {
    scale,
    now,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const done = () => {
          cancel();
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const cancel = after(ms, done);
        signal?.addEventListener('abort', done);
      }),
  };
}
