/** What the market and the spec say against a run: limits that are reached, prices that rose, hosts that went away. */
import { span } from '../line.ts';
import { burnRates } from '../ledger.ts';
import { rateNow } from '../market.ts';
import { instanceOf, type RunState, type World } from '../state.ts';
import type { Look } from './alerts.ts';

const MINUTE = 60_000;

/** The kill criterion that is reached, in words; null while none is. Hours count from the first start of training. */
export function killCriterion(run: RunState, usd: number, now: number): string | null {
  const started = run.attempts.find((attempt) => attempt.started_at !== null)?.started_at;
  if (usd >= run.spec.kill.dollars) return `spent $${usd.toFixed(2)} of the allowed $${run.spec.kill.dollars.toFixed(2)}`;
  if (started && now - started >= run.spec.kill.hours * 3_600_000) return `ran for ${run.spec.kill.hours} h, the most that the spec allows`;
  return null;
}

/** The market keeps an instance stopped that we want running: a higher bid, an empty account, or its end date. */
export const takenAway = (world: World, run: RunState): boolean => {
  const instance = instanceOf(world, run);
  if (!instance || instance.stop !== 'none' || instance.gone_at !== null) return false;
  const { actual_status, intended_status, cur_state } = instance.facts;
  return actual_status === 'exited' || actual_status === 'stopped' || (intended_status === 'stopped' && cur_state === 'stopped');
};

/** Above what was agreed by more than rounding. */
export function priceRisen(world: World, run: RunState): Look {
  const facts = instanceOf(world, run)?.facts;
  const rented = run.eyes.rented_usd;
  // A bid is paid as it was bid: the offer's price was the floor.
  if (!facts || facts.is_bid || rented === null || rented <= 0 || rateNow(facts) !== facts.dph_total) return { is: 'unknown' };
  const cap = run.spec.hardware.max_usd_per_hour;
  if (facts.dph_total <= rented * 1.02 + 0.002) return { is: 'off' };
  return { is: 'on', words: `the price rose from $${rented.toFixed(3)}/h to $${facts.dph_total.toFixed(3)}/h${facts.dph_total > cap ? `, above the cap of $${cap.toFixed(2)}/h` : ''}` };
}

/** The rental ends within `hours`, and the run does not: then the instance is stopped, may not start again, and is deleted later. */
export const endsIn =
  (hours: number) =>
  (world: World, run: RunState): Look => {
    const end = instanceOf(world, run)?.facts.end_date ?? null;
    if (end === null) return { is: 'unknown' };
    const left = end * 1_000 - world.now;
    const eta = run.progress?.reading.eta_s ?? null;
    if (left > hours * 60 * MINUTE || (eta !== null && eta * 1_000 < left / 2)) return { is: 'off' };
    return { is: 'on', words: `the rental of this machine ends in ${span(Math.max(0, left))}${eta === null ? '' : `, and the run needs about ${span(eta * 1_000)} more`}: extend it, or let the run go on elsewhere` };
  };

/** At zero everything is stopped, and later destroyed. */
const RUNWAY_H = { on: 3, off: 4 };

export function creditLow(world: World): Look {
  const { runway_h } = burnRates(world);
  const credit_usd = world.account?.credit_usd ?? null;
  if (credit_usd === null || runway_h === null) return { is: 'unknown' };
  if (runway_h >= RUNWAY_H.off) return { is: 'off' };
  return runway_h < RUNWAY_H.on ? { is: 'on', words: `the credit of $${credit_usd.toFixed(2)} lasts ${span(runway_h * 60 * MINUTE)} at the present rate; at zero everything is stopped` } : { is: 'unknown' };
}
