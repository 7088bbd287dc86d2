/** When calls may go out: Vast counts requests per endpoint, sends no Retry-After, and punishes haste. */
import { MarketError, type Clock } from '../core/ports.ts';

/** Documented least time between two calls, ms; 1 s where nothing is documented. */
const INTERVAL_MS = {
  search: 6_000,
  create: 4_500,
  list: 1_000,
  show: 2_000,
  change: 1_000,
  destroy: 3_000,
  bid: 5_500,
  ssh: 1_000,
  logs: 1_000,
  account: 1_000,
} as const;
export type Endpoint = keyof typeof INTERVAL_MS;

const BACK_OFF_MS = [1_000, 2_000, 4_000, 8_000] as const;
const CREATE_PENALTY_MS = 12_000;
/** No wait is longer; one that seems longer comes from an odd answer or a wall clock that was set back. */
const LONGEST_MS = 60_000;
const SLOTS = 4;

export interface Paced {
  endpoint: Endpoint;
  /** Sent once, whatever the answer. */
  once?: boolean;
}

export interface Pacer {
  /** Calls `send` when its turn comes, again after 429 and 5xx (five times at most), and passes on its result. */
  run<T>(call: Paced, send: () => Promise<T>): Promise<T>;
}

interface Waiting {
  readonly order: number;
  readonly call: Paced;
  readonly urgent: boolean;
  notBefore: number;
  go(): void;
}

/** `jitter` gives 0 to 1; up to a quarter of it is added to every back-off. Times are measured on `clock`. */
export function createPacer({ clock, jitter }: { clock: Clock; jitter: () => number }): Pacer {
  const openAt = new Map<Endpoint, number>();
  let waiting: Waiting[] = [];
  let calls = 0;
  let inFlight = 0;
  let cancelTimer: (() => void) | null = null;

  const waitOf = (job: Waiting, now: number): number => {
    const wait = Math.max(openAt.get(job.call.endpoint) ?? 0, job.notBefore) - now;
    return wait > LONGEST_MS * 2 ? 0 : wait;
  };

  const pump = (): void => {
    cancelTimer?.();
    cancelTimer = null;
    const now = clock.now();
    let next = Infinity;
    const held: Waiting[] = [];
    for (const job of waiting) {
      const wait = waitOf(job, now);
      if (wait > 0) next = Math.min(next, wait);
      // A destroy ends billing: it never waits for a slot that slower calls hold.
      if (wait > 0 || (inFlight >= SLOTS && !job.urgent)) {
        held.push(job);
        continue;
      }
      openAt.set(job.call.endpoint, now + INTERVAL_MS[job.call.endpoint]);
      inFlight += 1;
      job.go();
    }
    waiting = held;
    if (next !== Infinity) cancelTimer = clock.after(next, pump);
  };

  const turn = (call: Paced, order: number, notBefore: number): Promise<void> =>
    new Promise((go) => {
      const urgent = call.endpoint === 'destroy';
      waiting.push({ order, call, urgent, notBefore, go });
      waiting.sort((a, b) => Number(b.urgent) - Number(a.urgent) || a.order - b.order);
      pump();
    });

  const backOff = (call: Paced, error: MarketError, failures: number): number => {
    const asked = error.detail.retry_after_s === undefined ? null : error.detail.retry_after_s * 1_000;
    const wait = asked ?? (call.endpoint === 'create' ? CREATE_PENALTY_MS : (BACK_OFF_MS[failures] ?? 8_000));
    return Math.min(LONGEST_MS, wait * (1 + jitter() / 4));
  };

  return {
    async run(call, send) {
      const order = (calls += 1);
      let notBefore = 0;
      for (let failures = 0; ; failures += 1) {
        await turn(call, order, notBefore);
        try {
          return await send();
        } catch (error) {
          const kind = error instanceof MarketError ? pressure(error) : null;
          if (!(error instanceof MarketError) || kind === null) throw error;
          const until = clock.now() + backOff(call, error, failures);
          // A 429 is about the endpoint, so everybody waits; a 5xx may be about this one instance.
          if (kind === 'endpoint') openAt.set(call.endpoint, Math.max(until, openAt.get(call.endpoint) ?? 0));
          if (call.once || failures >= BACK_OFF_MS.length) throw error;
          notBefore = until;
        } finally {
          inFlight -= 1;
          pump();
        }
      }
    },
  };
}

/** What a failure asks to be left alone for a while: the whole endpoint, this call, or (null) nothing: waiting does not help. */
function pressure({ failure, detail }: MarketError): 'endpoint' | 'call' | null {
  if (failure === 'rate_limited') return 'endpoint';
  return failure === 'unavailable' && (detail.status ?? 0) >= 500 ? 'call' : null;
}
