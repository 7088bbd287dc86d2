/**
 * A host that slows its GPU down by heat or power. What advances is seldom left: only where the driver says so for a
 * while, the pace is below its band, and other machines bring the steps that are left home for less, the move included.
 */
import { repeatHereMs, setupMs } from './away.ts';
import { committedUsdPerHour } from './budget.ts';
import type { RankedOffer } from './events.ts';
import { BOUNDS, boundReached, spentRemedies } from './ladder.ts';
import { runCost } from './ledger.ts';
import { figure, span } from './line.ts';
import { instanceOf, type InstanceState, type RunState, type World } from './state.ts';
import { median, STABLE } from './triggers/rhythm.ts';
import { onTrial } from './tune.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** So long the driver must have said it. */
const LASTS_MS = 15 * MINUTE;
/** Share of its band below which the pace counts as slow: the driver is the second witness. */
const SLOW = 0.85;
/** How often the market is asked while it lasts, and how old an answer may be. */
const ASK_MS = 30 * MINUTE;
const FRESH_MS = 5 * MINUTE;
/** Results come home at the old price meanwhile. */
const LEAVE_MS = 5 * MINUTE;
/** What the move must cost at most, as a share of staying. */
const BETTER = 0.9;
/** Machines that must be better: the first may be gone when it is asked for. */
const CHOICE = 2;
/** The next host may be as hot: then the card or its load is at fault. */
const MOVES = 1;
/** What a move for this reason is counted by. */
export const SLOW_HOST = 'throughput_low';

export type SlowHost = { act: 'search' } | { act: 'move'; words: string; evidence: string[] };

/** What to do about a slow host; null: nothing, or nothing yet. */
export function slowHost(world: World, run: RunState): SlowHost | null {
  const instance = instanceOf(world, run);
  const alert = run.eyes.alerts.throttled;
  if (!instance || !alert?.open || world.now - alert.changed_at < LASTS_MS || !mayLeave(world, run, instance)) return null;
  const pace = paces(run);
  const { step = null, total_steps = null } = run.progress?.reading ?? {};
  if (pace === null || step === null || total_steps === null) return null;
  const age = world.now - (run.offers_at ?? 0);
  if (age > ASK_MS) return { act: 'search' };
  if (age > FRESH_MS) return null;

  const left = total_steps - step;
  const stay_ms = left * pace.now;
  const go_ms = setupMs(world, run) + ((repeatHereMs(run) ?? stay_ms) * pace.expected) / pace.now + left * pace.expected;
  const stay_usd = (instance.rate * stay_ms) / HOUR;
  const usd = ({ all_in_usd_per_hour }: RankedOffer): number => (instance.rate * LEAVE_MS + all_in_usd_per_hour * go_ms) / HOUR;
  const pays = (offer: RankedOffer): boolean => offer.gpu_name === instance.facts.gpu_name && usd(offer) <= BETTER * stay_usd && LEAVE_MS + go_ms < stay_ms && affordable(world, run, instance, offer, usd(offer));
  // In the order in which the runner takes them.
  const others = run.offers.filter(({ machine_id }, index, all) => machine_id !== instance.machine_id && (world.machines[String(machine_id)]?.until ?? 0) <= world.now && all.findIndex((one) => one.machine_id === machine_id) === index).slice(0, CHOICE);
  const [best] = others;
  if (!best || others.length < CHOICE || !others.every(pays)) return null;
  const rate = (ms: number): string => figure(1_000 / ms);
  return {
    act: 'move',
    words: `${rate(pace.now)} steps/s where ${rate(pace.expected)} are due; on another ${best.gpu_name} the steps that are left take about ${span(LEAVE_MS + go_ms)} and $${usd(best).toFixed(2)}, the move included, here ${span(stay_ms)} and $${stay_usd.toFixed(2)}`,
    evidence: [`the driver reports a slowdown by heat or power since ${new Date(alert.changed_at).toISOString()}`, ...heat(run)],
  };
}

/** Nobody's wish and no bound stands against it, and a checkpoint is home to go on from. */
function mayLeave(world: World, run: RunState, instance: InstanceState): boolean {
  const free = !instance.adopted && !run.hold && !run.keep && run.destroy_ordered === null && run.destroy_pending === null && run.repair === null && onTrial(run) === null;
  const spent = spentRemedies(run);
  const usd = runCost(world, run).usd - (run.checkpoint?.usd ?? 0);
  return (
    free && run.checkpoint !== null && run.spec.checkpoints?.resume !== undefined &&
    spent.filter(({ fingerprint }) => fingerprint === SLOW_HOST).length < MOVES &&
    spent.filter(({ remedy }) => remedy.rung === 'switch').length < BOUNDS.per_rung.switch &&
    boundReached(run, { cause: 'gpu_hardware', fingerprint: SLOW_HOST }, usd) === null
  );
}

/** ms a step as it is, and as its band has it; null while that is unknown, or when it is not slow. */
function paces({ eyes, spec }: RunState): { now: number; expected: number } | null {
  const { laps, pace } = eyes.rhythm;
  const now = laps.length < STABLE ? null : median(laps.slice(-STABLE));
  const expected = spec.rate === 'learn' ? pace : 1_000 / spec.rate.min;
  return now === null || expected === null || expected > SLOW * now ? null : { now, expected };
}

/** By the run's own money, and by the fleet's, in which this instance makes room. */
function affordable(world: World, run: RunState, instance: InstanceState, { all_in_usd_per_hour }: RankedOffer, usd: number): boolean {
  const limit = world.budget_usd_per_hour;
  return runCost(world, run).usd + usd <= run.spec.kill.dollars && (limit === null || committedUsdPerHour(world) - Math.max(instance.rate, instance.facts.dph_total) + all_in_usd_per_hour <= limit);
}

function heat({ check }: RunState): string[] {
  const [gpu] = check?.reading?.gpus ?? [];
  const told = gpu ? [gpu.temp_c === null ? '' : `${gpu.temp_c} °C`, gpu.sm_clock_mhz === null ? '' : `${gpu.sm_clock_mhz} MHz`, gpu.power_w === null || gpu.power_limit_w === null ? '' : `${Math.round(gpu.power_w)} of ${Math.round(gpu.power_limit_w)} W`].filter((one) => one !== '') : [];
  return told.length === 0 ? [] : [`its GPU at the last look: ${told.join(', ')}`];
}
