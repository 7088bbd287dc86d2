/** Money that is not spent yet: what a launch may reserve, how long the credit lasts, and who goes home first. */
import { burnRates, runCost } from './ledger.ts';
import { fleetOf, instanceOf, isClosed, runsOf, type InstanceState, type RunState, type World } from './state.ts';

/** Hours that the credit lasts at the present burn. */
export const RUNWAY_WARN_H = 12;
export const RUNWAY_CRITICAL_H = 3;
/** A launch that would leave less than this is refused: it would end before its first checkpoints are home. */
export const RUNWAY_LAUNCH_H = 1;
/** A run that goes on elsewhere must be able to pay for so long a stay, or setting up is all that it buys. */
export const STAY_H = 0.5;

/**
 * $/h that the fleet is committed to, all-in: what bills, what will bill once it has loaded, and offers being rented. Ours
 * alone: a stranger's instance is no part of the budget, but drains the credit (see `runwayHours`).
 */
export function committedUsdPerHour(world: World): number {
  const instances = fleetOf(world).filter((one) => one.owner === 'ours' && one.gone_at === null);
  const renting = runsOf(world).reduce((total, run) => total + (run.renting?.offer.all_in_usd_per_hour ?? 0), 0);
  return instances.reduce((total, one) => total + reservedFor(world, one), renting);
}

function reservedFor(world: World, one: InstanceState): number {
  const runs = one.facts.intended_status === 'running' && one.stop === 'none' && one.destroy === 'none';
  return Math.max(one.rate, runs ? one.facts.dph_total + trafficUsdPerHour(world, one) : 0);
}

/** $/h of the traffic that its run plans, spread over the run's hours. */
function trafficUsdPerHour(world: World, { run, facts }: InstanceState): number {
  const spec = run === null ? undefined : world.runs[run]?.spec;
  if (!spec) return 0;
  const { down, up } = spec.hardware.traffic_gb;
  return (down * facts.inet_down_cost + up * facts.inet_up_cost) / spec.kill.hours;
}

/** The highest bid, $/h, that the spec's all-in cap leaves room for beside the disk and the planned traffic. */
export const specBid = (world: World, run: RunState, instance: InstanceState): number => run.spec.hardware.max_usd_per_hour - besideBid(world, instance);

/** The same within the fleet's budget: a bid that wins bills its whole price again, also where only the disk did. */
export function mostBid(world: World, run: RunState, instance: InstanceState): number {
  const limit = world.budget_usd_per_hour;
  const room = limit === null ? Infinity : limit - (committedUsdPerHour(world) - reservedFor(world, instance)) - besideBid(world, instance);
  return Math.min(specBid(world, run, instance), room);
}

const besideBid = (world: World, instance: InstanceState): number => instance.facts.storage_total_cost + trafficUsdPerHour(world, instance);

/** Why renting at this all-in price is refused; null when the budget and the credit allow it. */
export function refuseRent(world: World, run: RunState, usd_per_hour: number): string | null {
  const committed = committedUsdPerHour(world);
  const limit = world.budget_usd_per_hour;
  if (limit !== null && committed + usd_per_hour > limit) return `the fleet may burn $${limit.toFixed(2)}/h, $${committed.toFixed(2)}/h of it is reserved, and this offer costs $${usd_per_hour.toFixed(2)}/h all-in`;
  const left = run.spec.kill.dollars - runCost(world, run).usd;
  if (run.attempts.some(({ started_at }) => started_at !== null) && left < usd_per_hour * Math.min(STAY_H, run.spec.kill.hours)) return `the run has $${Math.max(0, left).toFixed(2)} left of its $${run.spec.kill.dollars.toFixed(2)}, which pays for ${Math.max(0, Math.round((60 * left) / usd_per_hour))} min at $${usd_per_hour.toFixed(2)}/h`;
  const credit = world.account?.credit_usd;
  const burn = committed + burnRates(world).strangers_usd_per_hour + usd_per_hour;
  const needed = Math.min(RUNWAY_LAUNCH_H, run.spec.kill.hours);
  if (credit !== undefined && burn > 0 && credit / burn < needed) return `the credit of $${credit.toFixed(2)} would last ${Math.max(0, Math.round((60 * credit) / burn))} min with this instance`;
  return null;
}

/** How long the credit lasts, judged; `hours` is null while it is unknown or nothing burns. */
export function judgeRunway(world: World): { level: World['runway']; hours: number | null } {
  const hours = burnRates(world).runway_h;
  return { level: hours === null || hours > RUNWAY_WARN_H ? 'ok' : hours > RUNWAY_CRITICAL_H ? 'warn' : 'critical', hours };
}

/** The run to bring home first when the credit runs out: the least done, then the one in which the least was invested. A person at work holds theirs. */
export function leastValuable(world: World): RunState | null {
  const burning = runsOf(world).filter((run) => !isClosed(run) && run.verdict === null && run.instance !== null && !run.hold);
  const done = (run: RunState): number => {
    const reading = run.progress?.reading;
    return reading?.step == null || !reading.total_steps ? 0 : reading.step / reading.total_steps;
  };
  const invested = (run: RunState): number => instanceOf(world, run)?.usd.productive ?? 0;
  return burning.sort((a, b) => done(a) - done(b) || invested(a) - invested(b) || b.submitted_at - a.submitted_at)[0] ?? null;
}

/** Is somebody on the way home already? One after the other: the burn that is left may be low enough. */
export const someoneLeaving = (world: World): boolean => runsOf(world).some((run) => !isClosed(run) && run.verdict !== null && run.instance !== null && !run.keep && !run.hold);
