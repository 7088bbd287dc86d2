/** The runner's decisions: from spec to a first forward step. Pure: world in, actions out. */
import type { Action } from '../actions.ts';
import { refuseRent } from '../budget.ts';
import type { RankedOffer } from '../events.ts';
import { MACHINE_MEMORY_MS } from '../ladder.ts';
import { fatalStatus, imageStatus, launchesSpent, termsDiffer } from '../launch.ts';
import { currentAttempt, instanceOf, isAway, runsOf, type RunState, type World } from '../state.ts';
import { leaveStuck } from './away.ts';
import { emit, failingFor, ready } from './ready.ts';

const MINUTE = 60_000;
/** A cold pull takes up to 11 minutes on a healthy host; a frozen status text proves nothing. */
const LOADING_LIMIT_MS = 20 * MINUTE;
const CONNECT_LIMIT_MS = 10 * MINUTE;
/** Counted only while the effect keeps failing: a long upload that moves is no failure. */
const PREPARE_LIMIT_MS = 30 * MINUTE;
/** The server gave the GPU to someone else when it keeps the instance stopped although we asked for running. */
const STOPPED_AT_BIRTH_MS = MINUTE;
const OFFERS_FRESH_MS = MINUTE;
const SEARCH_EVERY_MS = MINUTE;
/** A relaunch in the middle of a run waits longer for an offer than a first launch does. */
const SEARCH_LIMIT_MS = 30 * MINUTE;

export function decideRunner(world: World, run: RunState): Action[] {
  if (isAway(run)) return [];
  switch (run.stage) {
    case 'searching':
      return search(world, run);
    case 'renting':
      return rent(world, run);
    case 'loading':
      return load(world, run);
    case 'connecting': {
      const late = giveUpIf(world, run, world.now - run.stage_since > CONNECT_LIMIT_MS, `SSH did not open within ${CONNECT_LIMIT_MS / MINUTE} min${run.ssh.reason ? ` (${run.ssh.reason})` : ''}`);
      return late.length > 0 ? late : ready(world, run, 'connect') ? [{ do: 'connect', run: run.id }] : [];
    }
    case 'preparing': {
      const late = giveUpIf(world, run, failingFor(world, run, 'prepare', PREPARE_LIMIT_MS), 'it could not be prepared: the box stayed out of reach');
      if (late.length > 0) return late;
      const fault = run.preflight?.instance === run.instance ? (run.preflight?.fault ?? null) : null;
      if (fault !== null) return giveUpIf(world, run, true, fault);
      return ready(world, run, 'prepare') && (run.repair?.not_before ?? 0) <= world.now ? [{ do: 'prepare', run: run.id }] : [];
    }
    case 'starting': {
      const late = giveUpIf(world, run, !run.ran_here && failingFor(world, run, 'start', PREPARE_LIMIT_MS), 'training could not be started: the box stayed out of reach');
      const stuck = late.length > 0 ? late : leaveStuck(world, run, 'start');
      if (stuck.length > 0) return stuck;
      const attempt = currentAttempt(run);
      // One that failed before it began is over: what comes after it must be told from it, or its repair is never proven.
      const number = attempt && attempt.started_at === null && attempt.exit === null && attempt.instance === run.instance ? attempt.number : run.attempt + 1;
      return ready(world, run, 'start') && (run.repair?.not_before ?? 0) <= world.now ? [{ do: 'start', run: run.id, attempt: number }] : [];
    }
    case 'training': {
      const attempt = currentAttempt(run);
      return !run.handed_over && attempt?.first_step != null ? [{ do: 'emit', body: { type: 'handed_over', run: run.id, attempt: attempt.number, step: attempt.first_step } }] : [];
    }
    default:
      return [];
  }
}

function search(world: World, run: RunState): Action[] {
  const { now } = world;
  if (run.destroy_ordered || run.destroy_pending) return [];
  if (world.market.list_at === null) return []; // what we own is not known yet: never rent blindly
  const enough = launchesSpent(world, run);
  if (enough !== null) return [emit({ type: 'run.ended', run: run.id, verdict: 'failed', reason: enough })];
  if (run.offers_at === null || now - run.offers_at > OFFERS_FRESH_MS) return ready(world, run, 'search') ? [{ do: 'search', run: run.id }] : [];
  const missed = run.wished === null ? null : whyMissed(world, run, run.wished);
  if (run.wished !== null && missed !== null) return [emit({ type: 'offer.missed', run: run.id, offer_id: run.wished, reason: missed })];
  const offer = run.offers.find((one) => (run.wished === null || one.offer_id === run.wished) && whyNot(world, run, one) === null);
  const first = !run.attempts.some((attempt) => attempt.started_at !== null);
  const unaffordable = offer ? refuseRent(world, run, offer.all_in_usd_per_hour) : null;
  if (offer && unaffordable === null) return !ready(world, run, 'create') ? [] : [{ do: 'create', run: run.id, attempt: run.attempt + 1, offer }];
  // A first launch is refused at once; a run that has begun waits for room, as long as for an offer.
  if (unaffordable !== null && (first || now - run.stage_since > SEARCH_LIMIT_MS)) return refuse(run, unaffordable);
  if ((first && run.offers.length === 0 && run.attempts.length === 0) || now - run.stage_since > SEARCH_LIMIT_MS) {
    const reasons = Object.entries(run.rejected).map(([reason, count]) => `${count} by ${reason}`);
    return [{ do: 'emit', body: { type: 'run.ended', run: run.id, verdict: 'no_offer', reason: `no offer fits${reasons.length > 0 ? ` (out: ${reasons.join(', ')})` : ''}` } }];
  }
  return now - run.offers_at >= SEARCH_EVERY_MS && ready(world, run, 'search') ? [{ do: 'search', run: run.id }] : [];
}

/** Why an offer that fits is not taken; null when it may be. */
function whyNot(world: World, run: RunState, { offer_id, machine_id }: RankedOffer): string | null {
  if (run.tried_offers.includes(offer_id)) return 'was refused by the market';
  if (runsOf(world).some((other) => other.id !== run.id && other.renting?.offer.offer_id === offer_id)) return 'goes to another run';
  return (world.machines[String(machine_id)]?.until ?? 0) > world.now ? 'is of a machine that has failed us since' : null;
}

/** What a person chose is bound by the same limits as what the rule picks. */
function whyMissed(world: World, run: RunState, wished: number): string | null {
  const offer = run.offers.find(({ offer_id }) => offer_id === wished);
  if (!offer) return 'is gone, or fits no longer';
  const unaffordable = refuseRent(world, run, offer.all_in_usd_per_hour);
  return whyNot(world, run, offer) ?? (unaffordable === null ? null : `cannot be paid for (${unaffordable})`);
}

const refuse = (run: RunState, why: string): Action[] => [
  { do: 'emit', body: { type: 'refused', actor: 'runner', run: run.id, what: `renting for ${run.id}`, why } },
  { do: 'emit', body: { type: 'run.ended', run: run.id, verdict: 'refused', reason: why } },
];

/** How long the instance to adopt may be missing from the lists, and how often labelling it may fail. */
const ADOPT_LIMIT_MS = 5 * MINUTE;
const ADOPT_TRIES = 5;

function adopt(world: World, run: RunState, id: number): Action[] {
  const late = world.now - run.stage_since > ADOPT_LIMIT_MS;
  const end = (reason: string): Action[] => [{ do: 'emit', body: { type: 'run.ended', run: run.id, verdict: 'failed', reason } }];
  if (world.market.list_at === null) return [];
  const one = world.fleet[String(id)];
  if (!one || one.gone_at !== null) return late ? end(`instance ${id} is not on the account`) : [];
  const failed = run.backoff['adopt'];
  if (failed && failed.count >= ADOPT_TRIES) return end(`instance ${id} could not be adopted: ${failed.reason}`);
  return ready(world, run, 'adopt') ? [{ do: 'adopt', run: run.id, instance: id }] : [];
}

function rent(world: World, run: RunState): Action[] {
  if (run.adopting !== null && run.verdict === null) return adopt(world, run, run.adopting);
  const renting = run.renting;
  if (!renting) return [];
  // Exactly once: an unclear create, also one that a crash left open, is settled by its label before anything else.
  return renting.unclear && ready(world, run, 'find') ? [{ do: 'find', run: run.id, attempt: renting.attempt }] : [];
}

function load(world: World, run: RunState): Action[] {
  const instance = instanceOf(world, run);
  if (!instance) return [];
  const age = world.now - run.stage_since;
  const { facts } = instance;
  const words = `the market says: ${facts.status_msg?.trim().slice(0, 160) ?? ''}`;
  if (imageStatus(facts.status_msg)) return [emit({ type: 'run.ended', run: run.id, verdict: 'failed', reason: `the image ${run.spec.image} cannot be started on any host; ${words}` })];
  if (fatalStatus(facts.status_msg)) return giveUpIf(world, run, true, words);
  const terms = termsDiffer(run, facts);
  if (terms !== null) return giveUpIf(world, run, true, terms);
  const stopped = facts.cur_state === 'stopped' || facts.intended_status === 'stopped' || facts.actual_status === 'exited';
  return giveUpIf(world, run, age > LOADING_LIMIT_MS || (stopped && age > STOPPED_AT_BIRTH_MS), stopped ? 'the market stopped it before it came up' : `still ${facts.actual_status ?? 'provisioning'} after ${LOADING_LIMIT_MS / MINUTE} min`);
}

function giveUpIf(world: World, run: RunState, condition: boolean, reason: string): Action[] {
  const instance = instanceOf(world, run);
  if (!condition || !instance) return [];
  // Another instance was not asked for, and this one is not ours to end.
  if (instance.adopted) return [{ do: 'emit', body: { type: 'run.ended', run: run.id, verdict: 'failed', reason } }];
  return [
    { do: 'emit', body: { type: 'machine.remembered', machine_id: instance.machine_id, run: run.id, reason, evidence: [`instance ${instance.id}: actual_status ${instance.facts.actual_status ?? 'none'}, status_msg ${JSON.stringify(instance.facts.status_msg?.trim().slice(0, 160) ?? '')}, first seen ${new Date(instance.first_seen).toISOString()}`], until: world.now + MACHINE_MEMORY_MS } },
    { do: 'emit', body: { type: 'launch.given_up', run: run.id, instance: instance.id, machine_id: instance.machine_id, reason } },
  ];
}
