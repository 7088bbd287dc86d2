/** A clock that jumps from one timer to the next, as soon as everything that the last one woke has come to rest. */
import type { Clock } from '../../../src/core/ports.ts';

interface Timer {
  at: number;
  order: number;
  fn: () => void;
  dead: boolean;
}

export interface VirtualClock extends Clock {
  /** Lets time pass until `over`; throws when nothing is left to wait for. */
  until(over: () => boolean): Promise<void>;
  /** The same time, in which a second of the caller is `factor` seconds: how a scaled program sees real time. */
  slowed(factor: number): Clock;
}

export function virtualClock(start: number, scale: number): VirtualClock {
  let now = start;
  let order = 0;
  const heap: Timer[] = [];
  const before = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
  const swap = (i: number, j: number): void => {
    const [a, b] = [heap[i], heap[j]];
    if (a && b) [heap[i], heap[j]] = [b, a];
  };
  const less = (i: number, j: number): boolean => {
    const [a, b] = [heap[i], heap[j]];
    return a !== undefined && b !== undefined && before(a, b);
  };
  const push = (timer: Timer): void => {
    heap.push(timer);
    for (let i = heap.length - 1; i > 0; ) {
      const up = (i - 1) >> 1;
      if (!less(i, up)) break;
      swap(i, up);
      i = up;
    }
  };
  const pop = (): Timer | undefined => {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let i = 0; ; ) {
      const least = [2 * i + 1, 2 * i + 2].reduce((best, child) => (less(child, best) ? child : best), i);
      if (least === i) break;
      swap(i, least);
      i = least;
    }
    return first;
  };
  const after = (ms: number, fn: () => void): (() => void) => {
    const timer: Timer = { at: now + Math.max(0, ms), order: (order += 1), fn, dead: false };
    push(timer);
    return () => {
      timer.dead = true;
    };
  };
  const clockOf = (factor: number, shown: number): Clock => ({
    scale: shown,
    now: () => now,
    after: (ms, fn) => after(ms * factor, fn),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const done = (): void => {
          cancel();
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const cancel = after(ms * factor, done);
        signal?.addEventListener('abort', done);
      }),
  });
  return {
    ...clockOf(1, scale),
    slowed: (factor) => clockOf(factor, 1),
    async until(over) {
      for (;;) {
        // Everything that was woken runs on promises alone: when the queue of them is empty, it has come to rest.
        await new Promise<void>((rest) => setImmediate(rest));
        if (over()) return;
        const next = pop();
        if (!next) throw new Error('nothing is left to wait for');
        if (next.dead) continue;
        now = next.at;
        next.fn();
      }
    },
  };
}
