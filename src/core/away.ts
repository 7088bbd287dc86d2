/**
 * An instance that went away after work began on it: its host is offline, somebody outbid it, or it was stopped. One
 * decision, with its price: wait, ask for it back, or go on elsewhere under a higher fencing number.
 */
import { checkpointsIn } from './checkpoints.ts';
import type { Instance } from './market.ts';
import type { Away, RunState, World } from './state.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Renting, pulling and preparing another instance takes about so long, until this run has shown how long it takes. */
const SETUP_MS = 15 * MINUTE;
/** Offline is usually temporary; nobody is billed for it, but the run stands still. */
const LONGEST_WAIT_MS = 6 * HOUR;
/** How long an accepted bid or start may take to show. */
const ASK_AGAIN_MS = 10 * MINUTE;
const ASKS = 2;
/** A job of unknown length is taken for the mean of what people train. */
const UNKNOWN_REMAINING_MS = 3 * HOUR;
/** A bid just above the floor is outbid again at once. */
const OVER_FLOOR = 1.05;

export interface AwayCase {
  kind: Away['kind'];
  /** ms that it is away; ms since it was asked back, null when it was not. */
  for_ms: number;
  asked_ms: number | null;
  asks: number;
  /** $/h: our bid, the market's floor for this machine, and the most that the spec and the fleet's budget allow for the GPU. */
  bid: number | null;
  floor: number | null;
  cap: number;
  /** $/h of such an instance while it runs, all of it. */
  full: number;
  /** ms from renting another instance to its first step. */
  setup_ms: number;
  /** ms of training that another instance would repeat and this one would not, from the newest checkpoint at home; null when none is there. */
  repeat_ms: number | null;
  /** ms of training that are left at its own pace; null while that is unknown. */
  remaining_ms: number | null;
  /** May the ladder still switch? */
  may_switch: boolean;
}

export type AwayStep =
  | { act: 'wait'; because: string }
  | { act: 'raise'; usd_per_hour: number; because: string }
  | { act: 'wake'; because: string }
  | { act: 'migrate'; because: string };

/** What the market's facts say about an instance on which work began; null when it is there. Unknown words are no news. */
export function awayKind(facts: Instance): Away['kind'] | null {
  if (facts.actual_status === 'offline') return 'offline';
  const down = facts.actual_status === 'exited' || facts.actual_status === 'stopped' || facts.cur_state === 'stopped';
  return !down ? null : facts.is_bid ? 'outbid' : 'stopped';
}

/** Stopped, by whom ever: nothing can be read there before it is started again. An offline host is another matter. */
export const isDown = (facts: Instance): boolean => !['offline', null].includes(awayKind(facts));

/** An offline host is believed after so long, and after twice as long each time that it blinks again within the hour. */
const OFFLINE_MS = 2 * MINUTE;
const BLINKS_COUNTED = 4;

/** How often in a row the instance of `away` went, when it goes again at `now`. */
export const timesAway = (away: Away | null, now: number): number => (away !== null && away.back_at !== null && now - away.back_at < HOUR ? away.times : 0);

/** A host that blinks is no host that went: whether it has been offline for long enough, `since` it first was. */
export const offlineEnough = (away: Away | null, since: number | null, now: number): boolean => since !== null && now - since >= OFFLINE_MS * 2 ** Math.min(timesAway(away, now), BLINKS_COUNTED);

/**
 * Waiting goes on for as long as going elsewhere would cost in time, which is at most twice the best that hindsight could
 * do. Asking back (a higher bid, a start) comes first where the spec's price allows it.
 */
export function awayStep(one: AwayCase): AwayStep {
  const limit = one.repeat_ms === null ? LONGEST_WAIT_MS : Math.min(LONGEST_WAIT_MS, one.setup_ms + one.repeat_ms);
  const patient = one.asked_ms !== null && one.asked_ms < ASK_AGAIN_MS;
  const minutes = Math.round(limit / MINUTE);
  const elsewhere = `about ${minutes} min, $${((one.full * limit) / HOUR).toFixed(2)}`;
  if (one.kind === 'outbid' && !patient && one.asks < ASKS) {
    const wanted = one.floor === null ? null : Math.ceil(Math.max(one.floor * OVER_FLOOR, (one.bid ?? 0) * OVER_FLOOR) * 1_000 - 1e-6) / 1_000;
    // The higher price is paid to the end: going on elsewhere at the old one may cost less.
    const more = wanted === null || one.bid === null ? null : ((wanted - one.bid) * (one.remaining_ms ?? UNKNOWN_REMAINING_MS)) / HOUR;
    const dearer = more !== null && one.may_switch && more > ((one.bid ?? 0) * limit) / HOUR;
    if (wanted !== null && wanted <= one.cap && !dearer) return { act: 'raise', usd_per_hour: wanted, because: `the floor is $${one.floor?.toFixed(3)}/h and at most $${one.cap.toFixed(3)}/h is allowed; ${more === null || one.remaining_ms === null ? '' : `to the end it costs $${more.toFixed(2)} more, `}going on elsewhere ${elsewhere}` };
  }
  if (one.kind === 'stopped' && !patient && one.asks < 1 && one.for_ms < limit) return { act: 'wake', because: 'it was stopped from outside; its disk bills on' };
  if (one.for_ms >= limit && !patient) {
    return one.may_switch
      ? { act: 'migrate', because: one.repeat_ms === null ? `it is away for ${minutes} min and no checkpoint is at home: the run starts over elsewhere` : `it is away for longer than going on elsewhere takes (${elsewhere})` }
      : { act: 'wait', because: 'it was interrupted too often without a new checkpoint to begin elsewhere once more; it is waited for' };
  }
  return { act: 'wait', because: `${one.kind === 'offline' ? 'a host that is offline usually comes back, and is not billed' : 'its disk bills on'}; going on elsewhere costs ${elsewhere}` };
}

/** ms a step: this attempt's own pace, else the whole run's; null while it is unknown. */
function paceMs({ progress, eyes }: RunState): number | null {
  const steps_per_s = progress?.reading.steps_per_s;
  const [first, last] = [progress?.marks[0], progress?.marks.at(-1)];
  return eyes.rhythm.pace ?? (steps_per_s ? 1_000 / steps_per_s : first && last && last.step > first.step ? (last.at - first.at) / (last.step - first.step) : null);
}

/** ms of training that are left, at this attempt's own pace, else at the whole run's; null while that or the number of steps is unknown. */
export function remainingMs(run: RunState): number | null {
  const { step, total_steps } = run.progress?.reading ?? { step: null, total_steps: null };
  const pace = paceMs(run);
  return step === null || total_steps === null || pace === null ? null : Math.max(0, total_steps - step) * pace;
}

/** ms from renting to the first step, as the last instance that got there took; else a guess. */
export function setupMs(world: World, run: RunState): number {
  const { attempts } = run;
  const began = attempts.findLast((one, index) => one.first_at !== null && attempts.findIndex(({ instance }) => instance === one.instance) === index);
  const rented = began && world.fleet[String(began.instance)]?.first_seen;
  return rented === undefined || began?.first_at == null ? SETUP_MS : Math.max(MINUTE, began.first_at - rented);
}

/** Training time between the newest checkpoint at home and the newest step, ms: without a checkpoint all of it, and without a step all that the process has run; null while that is unknown. */
export function repeatMs(run: RunState): number | null {
  const marks = run.progress?.marks ?? [];
  const last = marks.at(-1);
  if (run.checkpoint === null || !run.spec.checkpoints?.resume) return last && marks[0] ? last.at - marks[0].at : ranMs(run);
  const step = run.checkpoint.step;
  const from = step === null ? undefined : marks.findLast((mark) => mark.step <= step);
  return last && from ? Math.max(0, last.at - from.at) : last ? Math.max(0, last.at - run.checkpoint.at) : 0;
}

function ranMs({ attempts, away }: RunState): number | null {
  const started = attempts.at(-1)?.started_at ?? null;
  return away === null ? null : started === null ? 0 : Math.max(0, away.since - started);
}

/**
 * The same for a restart on this very instance, where newer checkpoints lie than are at home yet: as many steps as the two
 * newest at home tell that lie between two. Where their names tell something else than steps, as if only home had any.
 */
export function repeatHereMs(run: RunState): number | null {
  const [newest, before] = checkpointsIn(run.home, run.spec.checkpoints?.path ?? [], run.bad_checkpoints);
  const { step = null } = run.progress?.reading ?? {};
  const pace = paceMs(run);
  const there = run.progress?.marks.findLast(({ at }) => at <= (run.checkpoint?.at ?? 0))?.step;
  if (newest?.step == null || before?.step == null || step === null || pace === null || there === undefined) return repeatMs(run);
  const every = newest.step - before.step;
  return every > 0 && step >= newest.step && there >= newest.step && there - newest.step < Math.max(2 * every, newest.step) ? ((step - newest.step) % every) * pace : repeatMs(run);
}

/**
 * What of that going on where it is would not repeat. A host out of reach may still be training. A process that ended with
 * its instance begins at the newest checkpoint there: only what is younger than the last look at those can be missing at home.
 */
export function repeatElsewhereMs(run: RunState, kind: Away['kind']): number | null {
  const repeat = repeatMs(run);
  const last = run.progress?.marks.at(-1);
  if (kind === 'offline') return repeat;
  if (!run.spec.checkpoints?.resume) return 0;
  if (!last) return repeat;
  return run.home_at === null ? repeat : Math.max(0, Math.min(repeat ?? Infinity, last.at - run.home_at));
}
