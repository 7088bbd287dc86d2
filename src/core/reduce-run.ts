/** One run's state machine: which event moves it to which stage. */
import { advanceCadence, startCadence } from './cadence.ts';
import { timesAway } from './away.ts';
import { backoffMs } from './decide/ready.ts';
import type { Event } from './events.ts';
import { isLocal } from './fixes.ts';
import { keepSample, sampleOf } from './efficiency.ts';
import { newestCheckpoint } from './checkpoints.ts';
import { costOf, runCost } from './ledger.ts';
import { isBrainEvent, patchesAfter, reduceBrain } from './reduce-brain.ts';
import { reduceProgress } from './reduce-progress.ts';
import type { Incident, RunState, World } from './state.ts';
import { born, newAttempt } from './reduce-born.ts';
import { findLeft, leave } from './reduce-left.ts';
import { rescueJudged } from './reduce-rescue.ts';
import { dropTrial, reduceTune } from './reduce-tune.ts';
import { isOrderEvent, reduceOrder } from './reduce-orders.ts';
import { afterStop, attemptPatch, resumeStage } from './reduce-repair.ts';
import { closeLines, remember } from './triggers/eyes.ts';
import { healthyAt } from './triggers/index.ts';

export function reduceRun(before: RunState, event: Event, world: World): RunState;
export function reduceRun(before: RunState | null, event: Event, world: World): RunState | null;
export function reduceRun(before: RunState | null, event: Event, world: World): RunState | null {
  if (before === null) return event.type === 'run.submitted' ? born(event, event.at) : null;
  const eyes = remember(before, event);
  const seen = eyes === before.eyes ? before : { ...before, eyes };
  const changed = isBrainEvent(event) ? reduceBrain(seen, event) : isOrderEvent(event) ? reduceOrder(seen, event) : change(seen, event, world);
  const after = patchesAfter(before, changed, event);
  if (after.stage === before.stage) return after;
  return { ...after, stage_since: event.at, eyes: before.stage === 'training' ? closeLines(after.eyes, event.at) : after.eyes };
}

function change(run: RunState, event: Event, world: World): RunState {
  switch (event.type) {
    case 'session.started':
      // What was in flight when the last session died is unknown, never failed.
      return unclear({ ...run, stream: 'closed', ssh: { ...run.ssh, up: false }, backoff: {}, tail: [] });
    case 'fleet.seen':
    case 'fleet.fresh': {
      const held = run.instance === null ? undefined : world.fleet[String(run.instance)];
      // The number that it had belongs to somebody else now.
      const seen = held?.owner === 'stranger' ? vanish(run) : findLeft(run, world);
      // What is not kept must not move a run: a restart would find it elsewhere.
      return event.type === 'fleet.seen' && seen.stage === 'loading' && held?.facts.actual_status === 'running' ? { ...seen, stage: 'connecting' } : seen;
    }
    case 'offers.ranked':
      return clear({ ...run, offers: event.offers, offers_at: event.at, rejected: event.rejected, tried_offers: [] }, 'search');
    case 'offer.missed':
      return { ...run, wished: null };
    case 'create.intended':
      return { ...run, stage: 'renting', attempt: event.attempt, intended: [...run.intended, { attempt: event.attempt, at: event.at, unclear: false }], renting: { attempt: event.attempt, offer: event.offer, unclear: false, absent_reads: 0, at: event.at }, tried_offers: [...run.tried_offers, event.offer.offer_id] };
    case 'create.unclear':
      return unclear(run);
    case 'create.absent': {
      if (!run.renting) return run;
      const absent_reads = run.renting.absent_reads + 1;
      // Two good lists without the label: it was never made, and the next create is safe.
      return absent_reads < 2 ? { ...run, renting: { ...run.renting, absent_reads } } : backToSearch(run);
    }
    case 'create.refused':
      return backToSearch(run);
    case 'adopt.intended':
      return { ...run, attempt: event.attempt };
    case 'create.accepted':
    case 'instance.adopted':
      return {
        ...run,
        stage: run.verdict === null ? 'loading' : 'rescuing',
        renting: null,
        wished: null,
        adopting: null,
        instance: event.instance,
        attempts: [...run.attempts, newAttempt(event.attempt, event.instance, event.machine_id)],
        prepared: false,
        ran_here: false,
        lease_until: null,
        rescue: null,
        ssh: { up: false, endpoint: null, since: event.at, reason: null },
        backoff: {},
      };
    case 'launch.given_up':
      return { ...run, stage: 'rescuing', rescue: null, given_up: [...run.given_up, { instance: event.instance, machine_id: event.machine_id, reason: event.reason }] };
    case 'preflight.done':
      return { ...run, preflight: { instance: event.instance, fault: event.fault } };
    case 'ssh.up':
      return clear({ ...run, stage: run.stage === 'connecting' ? 'preparing' : run.stage, ssh: { up: true, endpoint: event.endpoint, since: event.at, reason: null } }, 'connect');
    case 'sentinel.told':
      return { ...run, sentinel_s: event.until_s };
    case 'ssh.down':
      return { ...run, ssh: { ...run.ssh, up: false, since: run.ssh.up ? event.at : run.ssh.since, reason: event.reason } };
    case 'prepare.done':
      return clear({ ...run, prepared: true, stage: run.stage === 'preparing' ? 'starting' : run.stage }, 'prepare');
    case 'prepare.failed':
      return clear({ ...attemptPatch(run, run.attempt, { exit: { exit_code: event.exit_code, signal: null, oom_kills: 0, tail: event.tail }, ended_at: event.at }), stage: run.stage === 'preparing' ? 'ended' : run.stage }, 'prepare');
    case 'start.failed':
      return clear({ ...attemptPatch(run, event.attempt, { exit: { exit_code: event.exit_code, signal: null, oom_kills: 0, tail: event.tail }, ended_at: event.at }), stage: run.stage === 'starting' ? 'ended' : run.stage }, 'start');
    case 'start.intended': {
      const known = run.attempts.some((attempt) => attempt.number === event.attempt);
      const machine_id = world.fleet[String(event.instance)]?.machine_id ?? 0;
      const attempts = known ? run.attempts : [...run.attempts, newAttempt(event.attempt, event.instance, machine_id)];
      // A process may exist from here on, so the gate no longer opens by "never ran", also where it was judged so before.
      const again = run.verdict !== null && run.rescue?.verdict === 'nothing_never_ran' ? { rescue: null, stage: 'rescuing' as const } : {};
      return attemptPatch({ ...run, ...again, attempt: event.attempt, attempts, ran_here: true, bad_checkpoints: [...run.bad_checkpoints, ...(event.avoid ?? [])] }, event.attempt, { command: event.command, resume_from: event.resume_from, resume_step: event.resume_step, exit: null, ended_at: null });
    }
    case 'process.started':
      return clear(
        {
          ...attemptPatch(run, event.attempt, { started_at: event.at }),
          stage: run.stage === 'starting' ? 'training' : run.stage,
          stream: 'closed',
          repair: null,
          given_up: [],
          check: null,
          failed_checks: 0,
          samples: [],
          advice: null,
          sound_step: run.attempts.find(({ number }) => number === event.attempt)?.resume_step ?? null,
          tail: [],
          cadence: startCadence(event.at),
          progress: run.progress && { ...run.progress, reading: { ...run.progress.reading, rate: null, steps_per_s: null, eta_s: null, diverged: false }, advanced_at: event.at },
        },
        'start',
      );
    case 'handed_over':
      return { ...run, handed_over: true };
    case 'progress':
    case 'progress.marked':
      return reduceProgress(run, event);
    case 'lease.seen':
      return { ...run, lease_until: event.until };
    case 'log.tail':
      return { ...run, tail: event.lines };
    case 'stream.opened':
      return clear({ ...run, stream: 'open' }, 'follow');
    case 'stream.lost':
      return fail({ ...run, stream: 'closed' }, 'follow', event.reason, event.at + backoffMs((run.backoff['follow']?.count ?? 0) + 1));
    case 'process.exited': {
      if (run.attempts.at(-1)?.number !== event.attempt || run.attempts.at(-1)?.exit) return run;
      const ended = attemptPatch(run, event.attempt, { ended_at: event.at, exit: { exit_code: event.exit_code, signal: event.signal, oom_kills: event.oom_kills, tail: event.tail } });
      return { ...ended, stream: 'closed', stage: run.stage === 'training' ? 'ended' : run.stage };
    }
    case 'check.done': {
      const looked = clear({ ...run, check: { at: event.at, why: event.why, reading: event.reading, failure: null }, failed_checks: 0 }, 'probe');
      const seen = { healthy: healthyAt(looked, event.reading, event.at), alert: run.incident !== null };
      const samples = !seen.healthy ? [] : trainedSince(run) ? keepSample(run.samples, sampleOf(event.reading, run.samples.length > 0 ? (run.check?.reading ?? null) : null)) : run.samples;
      return { ...looked, samples, cadence: run.cadence && (event.why === 'scheduled' || seen.alert !== (run.cadence.phase === 'alert')) ? advanceCadence(run.cadence, seen, event.at) : run.cadence };
    }
    case 'check.failed':
      return { ...run, failed_checks: run.failed_checks + 1, check: { at: event.at, why: event.why, reading: run.check?.reading ?? null, failure: event.reason } };
    case 'incident.opened': {
      const open: Incident = { id: event.incident, opened_at: event.at, step: event.step, attempt: event.attempt, usd: runCost(world, run, event.at).usd, diagnosis: event.diagnosis, remedies: [], ended: null };
      const past = run.incident ? [...run.incidents, { ...run.incident, ended: { at: event.at, how: 'superseded' as const } }] : run.incidents;
      return { ...run, incident: open, incidents: past, repair: null };
    }
    case 'incident.recurred':
      return run.incident ? { ...run, repair: null, incident: { ...run.incident, attempt: event.attempt, step: maxStep(run.incident.step, event.step), diagnosis: event.diagnosis } } : run;
    case 'remedy.chosen':
      return chooseRemedy(run, event, runCost(world, run, event.at).usd);
    case 'training.stopped': {
      const stopped = attemptPatch(withEvidence(run, (event.stood ?? []).map((place) => `it stood in ${place}`)), event.attempt, { ended_at: event.at });
      return clear(run.repair ? afterStop({ ...stopped, repair: { ...run.repair, stopped: true } }) : stopped, 'stop_training');
    }
    case 'fix.applied': {
      if (!run.repair) return run;
      if (event.exit_code === 0) return clear({ ...run, fixes: run.repair.remedy.rung === 'fix' && isLocal(run.repair.remedy.fix) ? run.fixes : [...run.fixes, event.command], repair: { ...run.repair, applied: true }, stage: resumeStage(run) }, 'fix');
      return clear({ ...attemptPatch(run, run.attempt, { exit: { exit_code: event.exit_code, signal: null, oom_kills: 0, tail: event.tail } }), stage: 'ended', repair: null }, 'fix');
    }
    case 'incident.resolved':
      return run.incident ? { ...run, incident: null, incidents: [...run.incidents, { ...run.incident, ended: { at: event.at, how: 'resolved', step: event.step } }] } : run;
    case 'incident.given_up':
      return run.incident ? { ...run, incident: null, incidents: [...run.incidents, { ...run.incident, ended: { at: event.at, how: 'given_up', reason: event.reason, best_option: event.best_option } }] } : run;
    case 'files.home': {
      const merged = new Map([...run.home, ...event.files].map((file) => [file.path, file]));
      const home = [...merged.values()];
      const newest = newestCheckpoint(home, run.spec.checkpoints?.path ?? [], run.bad_checkpoints);
      const known = run.checkpoint?.path === newest?.path;
      const before = run.checkpoint?.step ?? null;
      const every = newest?.step != null && before !== null && newest.step > before ? newest.step - before : null;
      const checkpoint = known || !newest ? run.checkpoint : { path: newest.path, step: newest.step, at: event.at, usd: runCost(world, run, event.at).usd, every };
      const synced = { ...run, home, home_at: event.at, checkpoint };
      // At the end only a verdict counts: what was fetched on the way to it must not reset its back-off.
      return run.stage === 'training' ? clear(synced, 'sync') : synced;
    }
    case 'run.ended':
      return { ...dropTrial(run, event.at, 'the run ended first'), verdict: event.verdict, verdict_reason: event.reason, repair: null, stage: run.renting !== null ? 'renting' : run.instance === null ? 'tearing_down' : 'rescuing', rescue: null };
    case 'rescue.judged':
      return rescueJudged(event.verdict === 'unverified' ? run : clear(run, 'sync'), event);
    case 'destroy.accepted':
      return run;
    case 'instance.gone':
    case 'instance.given_back': {
      if (run.adopting === event.instance) return { ...run, adopting: null };
      if (run.instance !== event.instance) return run.left.some((one) => one.instance === event.instance) ? { ...run, left: run.left.filter((one) => one.instance !== event.instance) } : run;
      const back = event.type === 'instance.given_back' ? world.fleet[String(event.instance)] : undefined;
      return vanish(back ? { ...run, returned: costOf(back, event.at) } : run);
    }
    case 'run.closed':
      // What was only for deciding would be kept for ever: the state tells of a year's runs.
      return { ...run, stage: 'closed', closed_at: event.at, hold: null, destroy_pending: null, samples: [], offers: run.offers.filter((offer) => run.attempts.some((attempt) => attempt.machine_id === offer.machine_id)) };
    case 'hold.ended':
      return { ...run, hold: null };
    case 'rescue.asked':
      return run.rescue ? { ...run, rescue: { ...run.rescue, asked_usd: event.usd, asked_at: event.at } } : run;
    case 'instance.away':
      return { ...run, away: { kind: event.kind, instance: event.instance, attempt: run.attempt, since: event.at, back_at: null, times: 1 + timesAway(run.away, event.at), asks: 0, asked_at: null }, stream: 'closed', ssh: { ...run.ssh, up: false, reason: event.kind } };
    case 'instance.back':
      return run.away ? { ...run, away: { ...run.away, back_at: event.at }, backoff: {}, cadence: run.cadence && { ...run.cadence, next_at: event.at } } : run;
    case 'bid.raised':
      return { ...run, bid_ordered: null };
    case 'wake.accepted': {
      // Each time that it is started for its results it has the cap anew, or it would be stopped before anything came home.
      const one = world.fleet[String(event.instance)];
      const asked = askedBack(run, event.at);
      const left = asked.left.map((other) => (one && other.instance === one.id ? { ...other, asked_usd: costOf(one, event.at).idle } : other));
      return asked.rescue && one && run.instance === one.id ? { ...asked, rescue: { ...asked.rescue, asked_usd: costOf(one, event.at).rescue } } : { ...asked, left };
    }
    case 'bid.intended':
      // A bid costs more each time, so the intent counts; to start what may have been started already costs nothing.
      return askedBack(run, event.at);
    case 'left.judged':
      return { ...run, left: run.left.map((one) => (one.instance === event.instance ? { ...one, verdict: event.verdict, why: event.reason } : one)) };
    case 'left.asked':
      return { ...run, left: run.left.map((one) => (one.instance === event.instance ? { ...one, asked_usd: event.usd, asked_at: event.at } : one)) };
    case 'efficiency.judged':
      return { ...run, advice: event.advice };
    case 'trial.chosen':
    case 'trial.judged':
      return reduceTune(run, event);
    case 'effect.failed':
      // A bid that a person ordered is tried once: they read why, and may order another.
      return fail(event.effect === 'raise_bid' ? { ...run, bid_ordered: null } : run, event.effect, event.reason, event.retry_at);
    default:
      return run;
  }
}

const askedBack = (run: RunState, at: number): RunState => (run.away && run.away.back_at === null ? { ...run, away: { ...run.away, asks: run.away.asks + 1, asked_at: at } } : run);

function chooseRemedy(run: RunState, event: Extract<Event, { type: 'remedy.chosen' }>, usd: number): RunState {
  // A run that ended meanwhile is not repaired any more.
  if (!run.incident || run.verdict !== null) return run;
  const { remedy } = event;
  const knobs = remedy.rung === 'reduce' ? { ...run.knobs, [remedy.knob]: remedy.to, ...(remedy.keeps && { [remedy.keeps.knob]: remedy.keeps.to }) } : run.knobs;
  const attempt = run.attempts.at(-1);
  const stopped = attempt?.ended_at != null || attempt?.started_at == null;
  const avoid = remedy.rung === 'rerun' && remedy.avoid !== undefined ? [remedy.avoid] : [];
  const next: RunState = {
    ...run,
    knobs,
    bad_checkpoints: [...run.bad_checkpoints, ...avoid],
    stage: 'repairing',
    incident: { ...run.incident, remedies: [...run.incident.remedies, { remedy, at: event.at, why: event.why, attempt: run.attempt, ...(event.by === 'model' && { guess_usd: usd }) }] },
    repair: { remedy, stopped, applied: false, not_before: event.at + (remedy.rung === 'rerun' ? remedy.backoff_ms : 0) },
  };
  if (remedy.rung === 'switch' && remedy.leave) return leave(attemptPatch(dropTrial(next, event.at, 'the run went on elsewhere first'), run.attempt, { ended_at: attempt?.ended_at ?? event.at }), event.at);
  return stopped ? afterStop(next) : next;
}

/** Its instance is not there any more. */
function vanish(run: RunState): RunState {
  const away = { ...run, instance: null, prepared: false, stream: 'closed' as const, ssh: { ...run.ssh, up: false } };
  if (run.stage === 'closed') return away;
  if (run.verdict !== null) return { ...away, stage: 'tearing_down' };
  if (run.stage === 'tearing_down') return { ...away, stage: 'searching', offers_at: null };
  // It vanished under a run that we did not end: nothing is left there to save.
  return { ...away, verdict: 'lost', verdict_reason: 'the instance disappeared from the account', stage: 'tearing_down' };
}

/** Whether the create was carried out is not known: from now on an instance under its label may be ours. */
function unclear(run: RunState): RunState {
  const { renting } = run;
  return renting ? { ...run, renting: { ...renting, unclear: true }, intended: run.intended.map((one) => (one.attempt === renting.attempt ? { ...one, unclear: true } : one)) } : run;
}

const backToSearch = (run: RunState): RunState => ({ ...run, stage: run.verdict === null ? 'searching' : 'tearing_down', renting: null });

function clear(run: RunState, effect: string): RunState {
  if (!(effect in run.backoff)) return run;
  const backoff = { ...run.backoff };
  delete backoff[effect];
  return { ...run, backoff };
}

function fail(run: RunState, effect: string, reason: string, until: number): RunState {
  return { ...run, backoff: { ...run.backoff, [effect]: { count: (run.backoff[effect]?.count ?? 0) + 1, until, reason } } };
}

const maxStep = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.max(a, b));

function withEvidence(run: RunState, lines: readonly string[]): RunState {
  const { incident } = run;
  return incident === null || lines.length === 0 ? run : { ...run, incident: { ...incident, diagnosis: { ...incident.diagnosis, evidence: [...incident.diagnosis.evidence, ...lines] } } };
}

/** Did steps come since the last look, and nothing else is going on? Loading, evaluating and saving say nothing about the training. */
function trainedSince({ attempts, check, progress }: RunState): boolean {
  const activity = progress?.reading.activity ?? null;
  return attempts.at(-1)?.first_step != null && progress !== null && progress.advanced_at > (check?.at ?? 0) && (activity === 'training' || activity === null);
}
