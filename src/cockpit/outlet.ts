/**
 * The way to the terminal, which may be slow (a thin link) or stall for good (a dead one, a multiplexer that was stopped). Node waits
 * for a terminal with the whole process, and this one watches runs: here nobody waits, and nobody runs ahead of what is shown.
 */
import type { Clock } from '../core/ports.ts';

/** Asks whether all is well; a terminal answers once it has read all that came before. What lies in a link's buffers is told by nothing else. */
const ASK = '\x1b[5n';
/** Bytes from one question to the next. */
const ASK_EVERY = 1_024;
/** Bytes that may be under way: about a second of the thinnest link. A link that is only far away is not held up by it. */
const AHEAD = 2_048;
/** An answer that takes longer, real ms, was lost. */
const LOST_MS = 10_000;
/** How long one waits on the way out until all has arrived, real ms. */
const SETTLE_MS = 2_000;

export interface Outlet {
  write(text: string): void;
  /** Is there room for the next frame? When there is again, `onFree` is called. */
  free(): boolean;
  /** The terminal has answered. */
  answered(): void;
  /** Nobody waits for the terminal from here on. */
  open(): void;
  /** Resolves when all has arrived, or when that takes too long. */
  settled(): Promise<void>;
  /** Whoever writes next waits for it, as usual; unless it stalls. */
  close(): void;
}

export function createOutlet(stdout: NodeJS.WriteStream, clock: Clock, onFree: () => void): Outlet {
  /** Bytes before each question that is open; without a first answer, the terminal may be one that never gives any. */
  let asked: number[] = [];
  let [answers, unasked] = [false, 0];
  let giveUp: (() => void) | null = null;
  const waiting: (() => void)[] = [];

  const ahead = (): number => (answers ? asked.reduce((sum, bytes) => sum + bytes, 0) : 0);
  const free = (): boolean => stdout.writableLength === 0 && ahead() <= AHEAD;
  const look = (): void => {
    if (stdout.writableLength === 0 && ahead() === 0) for (const done of waiting.splice(0)) done();
    if (free()) onFree();
  };
  const forget = (): void => {
    giveUp?.();
    giveUp = null;
    asked = [];
  };
  const watch = (): void => {
    giveUp?.();
    giveUp = asked.length === 0 ? null : clock.after(LOST_MS, () => (forget(), look()));
  };

  return {
    write(text) {
      unasked += text.length;
      const asks = unasked >= ASK_EVERY && stdout.isTTY;
      if (asks) {
        asked.push(unasked);
        unasked = 0;
        watch();
      }
      stdout.write(asks ? text + ASK : text, look);
    },
    free,
    answered() {
      answers = true;
      asked.shift();
      watch();
      look();
    },
    open() {
      forget();
      unasked = 0;
      setBlocking(stdout, false);
    },
    async settled() {
      if (stdout.writableLength === 0 && ahead() === 0) return;
      await new Promise<void>((resolve) => {
        const cancel = clock.after(SETTLE_MS, resolve);
        waiting.push(() => (cancel(), resolve()));
      });
    },
    close() {
      forget();
      if (stdout.writableLength === 0) setBlocking(stdout, true);
    },
  };
}

/** Node has no public way to say it. */
function setBlocking(stdout: NodeJS.WriteStream, on: boolean): void {
  const { _handle: handle } = stdout as { _handle?: { setBlocking?: (on: boolean) => unknown } };
  handle?.setBlocking?.(on);
}
