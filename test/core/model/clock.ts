/** Time that moves only when a test says so. */
import type { Clock } from '../../../src/core/ports.ts';

interface Timer {
  at: number;
  fn: () => void;
}

export const START = 1_700_000_000_000;

export class VirtualClock implements Clock {
  readonly scale = 1;
  private time = START;
  private timers: Timer[] = [];

  readonly now = (): number => this.time;

  readonly after = (ms: number, fn: () => void): (() => void) => {
    const timer = { at: this.time + ms, fn };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((one) => one !== timer);
    };
  };

  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      this.after(ms, resolve);
      signal?.addEventListener('abort', () => resolve());
    });

  /** Moves on, then rings what is due by then: a test's step is the smallest time that there is. */
  advance(ms: number): void {
    this.time += ms;
    const due = this.timers.filter(({ at }) => at <= this.time);
    this.timers = this.timers.filter(({ at }) => at > this.time);
    for (const { fn } of due) fn();
  }

  /** A process that was killed rings no more. */
  clear(): void {
    this.timers = [];
  }
}

/** Lets everything happen that needs no time: nothing in a model waits for anything but promises. */
export const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
