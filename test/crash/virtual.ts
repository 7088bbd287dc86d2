/** Time that moves only when nothing else can happen: hours of it pass in milliseconds, the same way each time. */
import type { Clock } from '../../src/core/ports.ts';

/** A quarter of a second a tick, and some more: beyond it something spins. */
const MOST_MOVES = 5_000;

export interface Virtual {
  /** Real time, and the program's, which runs `scale` times as fast. */
  wire: Clock;
  clock: Clock;
  /** Moves on from timer to timer until `done`; false when `limit_ms` of the program's time passed first. */
  until(done: () => boolean, limit_ms: number): Promise<boolean>;
}

export function virtualTime(scale: number): Virtual {
  const start = 1_700_000_000_000;
  let now = start;
  let count = 0;
  let timers: { at: number; n: number; fn: () => void }[] = [];
  const make = (by: number): Clock => {
    const after = (ms: number, fn: () => void): (() => void) => {
      const timer = { at: now + Math.max(0, ms) / by, n: (count += 1), fn };
      timers.push(timer);
      return () => void (timers = timers.filter((one) => one !== timer));
    };
    return { scale: by, now: () => start + (now - start) * by, after, sleep: (ms) => new Promise((resolve) => void after(ms, resolve)) };
  };
  return {
    wire: make(1),
    clock: make(scale),
    async until(done, limit_ms) {
      let moves = 0;
      for (const end = now + limit_ms / scale; ; moves += 1) {
        if (moves > MOST_MOVES) throw new Error('time does not get on: something asks again and again');
        // All that needs no time comes first: promises, and what they lead to.
        for (let n = 0; n < 3; n += 1) await new Promise((resolve) => setImmediate(resolve));
        if (done()) return true;
        const next = timers.reduce<(typeof timers)[number] | null>((best, one) => (best === null || one.at < best.at || (one.at === best.at && one.n < best.n) ? one : best), null);
        if (!next || next.at > end) return false;
        timers = timers.filter((one) => one !== next);
        now = Math.max(now, next.at);
        next.fn();
      }
    },
  };
}
