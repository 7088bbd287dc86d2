/** Do our orders reach the market? Reading it is not enough: a key may be allowed to look and not to destroy. */
import { instanceOf, runsOf, isClosed, type World } from './state.ts';

export interface ControlLost {
  /** Since when, epoch ms; null where only the failures are counted. */
  since: number | null;
  /** What fails, and as what: "destroying instance 42 of night failed 3 times (HTTP 502)". */
  words: string;
}

/** Orders that end or change what is billed. One that failed once may be weather. */
const ORDERS = { destroy: 'destroying', stop: 'stopping', wake: 'starting', raise_bid: 'raising the bid for' } as const;
const FAILURES = 2;

/** What is out of control; null when the market answers and takes orders. */
export function controlLost(world: World): ControlLost | null {
  if (world.market.health === 'lost') return { since: world.market.since, words: world.market.reason ?? 'no answer' };
  for (const run of runsOf(world)) {
    const instance = instanceOf(world, run);
    if (isClosed(run) || !instance || instance.gone_at !== null) continue;
    for (const [effect, doing] of Object.entries(ORDERS)) {
      const failed = run.backoff[effect];
      if (failed && failed.count >= FAILURES) return { since: null, words: `${doing} instance ${instance.id} of ${run.id} failed ${failed.count} times (${failed.reason})` };
    }
  }
  return null;
}
