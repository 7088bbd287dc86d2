/** Instances that went away, and instances that the run has left behind. */
import type { Action } from '../actions.ts';
import { awayKind, awayStep, offlineEnough, remainingMs, repeatElsewhereMs, setupMs, type AwayStep } from '../away.ts';
import { mostBid } from '../budget.ts';
import type { Diagnosis, Trigger } from '../events.ts';
import { boundReached } from '../ladder.ts';
import { costOf, runCost } from '../ledger.ts';
import { currentAttempt, instanceOf, isAway, type InstanceState, type Left, type RunState, type World } from '../state.ts';
import { emit, failingFor, ready } from './ready.ts';
import { askDestroy, ASK_EVERY_MS, askStop, askWake, giveBack } from './wind-up.ts';

/** How long a machine that went away is avoided. */
const AVOID_MS = 24 * 3_600_000;
const WORKING: readonly RunState['stage'][] = ['connecting', 'preparing', 'starting', 'training', 'ended', 'repairing'];

/** News of the instance, or what to do while it is away; null when it is there and the babysitter goes on as usual. */
export function decideAway(world: World, run: RunState): Action[] | null {
  const instance = instanceOf(world, run);
  if (!instance || run.verdict !== null || !run.ran_here || !WORKING.includes(run.stage)) return null;
  const kind = instance.stop === 'none' ? awayKind(instance.facts) : null;
  if (!isAway(run)) return kind === null || (kind === 'offline' && !offlineEnough(run.away, instance.offline_since, world.now)) ? null : [emit({ type: 'instance.away', run: run.id, instance: instance.id, kind })];
  if (kind === null && instance.facts.actual_status === 'running') return [emit({ type: 'instance.back', run: run.id, instance: instance.id })];
  return whileAway(world, run, instance);
}

/** What is to be done about an instance that is away now, and why, with its prices; null when none is. */
export function awayChoice(world: World, run: RunState): AwayStep | null {
  const { away } = run;
  const instance = instanceOf(world, run);
  if (!away || !isAway(run) || !instance || !currentAttempt(run)) return null;
  const { facts } = instance;
  const bound = boundReached(run, { cause: 'preempted', fingerprint: '' }, runCost(world, run).usd - (run.checkpoint?.usd ?? 0));
  return awayStep({
    kind: away.kind,
    for_ms: world.now - away.since,
    asked_ms: away.asked_at === null ? null : world.now - away.asked_at,
    asks: away.asks,
    bid: facts.is_bid ? facts.dph_base : null,
    floor: facts.min_bid,
    cap: mostBid(world, run, instance),
    full: facts.dph_total,
    setup_ms: setupMs(world, run),
    repeat_ms: repeatElsewhereMs(run, away.kind),
    remaining_ms: remainingMs(run),
    may_switch: bound === null,
  });
}

function whileAway(world: World, run: RunState, instance: InstanceState): Action[] {
  const step = awayChoice(world, run);
  switch (step?.act) {
    case undefined:
    case 'wait':
      return [];
    case 'raise':
      return ready(world, run, 'raise_bid') ? [{ do: 'raise_bid', run: run.id, instance: instance.id, from: instance.facts.dph_base, to: step.usd_per_hour, reason: step.because }] : [];
    case 'wake':
      return ready(world, run, 'wake') ? [{ do: 'wake', run: run.id, instance: instance.id, reason: step.because }] : [];
    case 'migrate':
      return migrate(world, run, instance, step.because);
  }
}

/** The run goes on elsewhere; the instance stays ours until nothing on it can be lost. */
function migrate(world: World, run: RunState, instance: InstanceState, because: string): Action[] {
  const { away } = run;
  if (!away) return [];
  const trigger = away.kind === 'offline' ? ('instance_offline' as const) : ('instance_stopped' as const);
  const words = away.kind === 'offline' ? 'Its host went offline' : away.kind === 'outbid' ? 'It was outbid' : 'It was stopped from outside';
  return leaveFor(world, run, instance, { trigger, kind: away.kind, summary: `${words} and did not come back.`, evidence: `the market says ${away.kind} since ${new Date(away.since).toISOString()}` }, because);
}

/** A repair whose steps fail for so long is on a box that is deaf, or holds a process that nothing ends: it bills, and will not change. */
const STUCK_MS = 15 * 60_000;

/** Going on elsewhere from a box on which this effect of a repair has failed for too long; empty while it has not, or may not. */
export function leaveStuck(world: World, run: RunState, effect: 'stop_training' | 'fix' | 'start'): Action[] {
  const instance = instanceOf(world, run);
  if (!instance || instance.adopted || !run.ran_here || !failingFor(world, run, effect, STUCK_MS)) return [];
  if (boundReached(run, { cause: 'preempted', fingerprint: '' }, runCost(world, run).usd - (run.checkpoint?.usd ?? 0)) !== null) return [];
  const reason = run.backoff[effect]?.reason ?? '';
  return leaveFor(world, run, instance, { trigger: 'instance_stuck', kind: 'stuck', summary: 'Its box lets no repair be carried out.', evidence: reason }, `for ${STUCK_MS / 60_000} min it could not be repaired where it is: ${reason}`);
}

function leaveFor(world: World, run: RunState, instance: InstanceState, why: { trigger: Trigger; kind: string; summary: string; evidence: string }, because: string): Action[] {
  const diagnosis: Diagnosis = { trigger: why.trigger, cause: 'preempted', confidence: 1, fingerprint: `preempted:${why.kind}`, signature: '', evidence: [why.evidence], transient: true, rung: 'switch', summary: why.summary, next: 'Rent on demand, or with a higher price cap.' };
  const open = run.incident && run.incident.ended === null ? run.incident : null;
  const incident = open?.id ?? run.incidents.length + 1;
  return [
    ...(open ? [] : [emit({ type: 'incident.opened', run: run.id, incident, attempt: run.attempt, step: run.progress?.reading.step ?? null, diagnosis })]),
    emit({ type: 'machine.remembered', machine_id: instance.machine_id, run: run.id, reason: diagnosis.summary, evidence: diagnosis.evidence, until: world.now + AVOID_MS }),
    emit({ type: 'remedy.chosen', run: run.id, incident, remedy: { rung: 'switch', machine_id: instance.machine_id, reason: diagnosis.summary, leave: true }, why: because }),
  ];
}

/** What the run has left behind is looked through as soon as it can be read, and ended when nothing on it can be lost. */
export function decideLeft(world: World, run: RunState): Action[] {
  return run.left.flatMap((left) => {
    const instance = world.fleet[String(left.instance)];
    return !instance || instance.gone_at !== null ? [] : endLeft(world, run, left, instance);
  });
}

function endLeft(world: World, run: RunState, left: Left, instance: InstanceState): Action[] {
  const judged = (verdict: 'verified' | 'nothing_never_ran' | 'waived', reason: string): Action[] => [emit({ type: 'left.judged', run: run.id, instance: left.instance, verdict, reason })];
  if (left.verdict !== null && left.verdict !== 'unverified') return instance.adopted ? giveBack(world, run, instance) : askDestroy(world, run, instance, left.verdict, left.why);
  if (!left.ran) return judged('nothing_never_ran', 'no process of the run ever started on it');
  if (run.destroy_ordered?.waive) return judged('waived', 'the user waived what is not at home');
  const finished = !instance.adopted && (run.verdict === 'done' || run.verdict === 'early_stopped') && run.rescue?.verdict === 'verified';
  if (finished) return judged('verified', 'a later attempt of the run reached its end, and its results are home');
  const { wait_usd, wait_then } = run.spec.teardown;
  const usd = costOf(instance, world.now).idle;
  const dear = usd >= (left.asked_usd ?? 0) + wait_usd;
  const asked = (): Action[] => [emit({ type: 'left.asked', run: run.id, instance: left.instance, usd, usd_per_hour: instance.rate })];
  if (instance.facts.actual_status === 'running') {
    // What cannot be read is waited for as the results of a run are: for so much, then as a disk alone.
    if (dear && (wait_then === 'ask' || instance.adopted)) return asked();
    if (dear || instance.stop !== 'none') return askStop(world, run, instance, `waiting for what the run left on it has cost $${usd.toFixed(2)}; stopped, the disk is kept and bills $${instance.facts.storage_total_cost.toFixed(3)}/h`);
    return ready(world, run, 'salvage') ? [{ do: 'salvage', run: run.id, instance: left.instance, attempt: left.attempt }] : [];
  }
  // Stopped, its disk bills on, and nothing can be read from it.
  const down = awayKind(instance.facts);
  if (down !== 'stopped' && down !== 'outbid') return [];
  const since = Math.max(left.since, instance.stop_at ?? 0);
  const wake = askWake(world, run, instance, since);
  return wake.length > 0 || world.now - (left.asked_at ?? since) < ASK_EVERY_MS ? wake : asked();
}
