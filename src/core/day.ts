/** What "today" means: sums since midnight UTC, the time zone of every clock on the screen. */
import { totals, type Totals } from './ledger.ts';
import type { World } from './state.ts';

/** Sums at the day's beginning, UTC: what "today" is counted from. `start` is epoch ms. */
export interface Day {
  start: number;
  usd: number;
  wasted: number;
  rescued: number;
}

const DAY = 24 * 3_600_000;
const dayStart = (at: number): number => Math.floor(at / DAY) * DAY;

/** The sums of `world` as they stood when the day of `at` began. */
export function dayOf(world: World, at: number): Day {
  const start = dayStart(at);
  if (world.day?.start === start) return world.day;
  const { usd, wasted, rescued } = totals(world, start);
  return { start, usd, wasted, rescued };
}

/** Dollars since midnight UTC. */
export function today(world: World, sums: Totals, now: number): Omit<Day, 'start'> {
  const { usd, wasted, rescued } = dayOf(world, now);
  const since = (sum: number, before: number): number => Math.max(0, sum - before);
  return { usd: since(sums.usd, usd), wasted: since(sums.wasted, wasted), rescued: since(sums.rescued, rescued) };
}
