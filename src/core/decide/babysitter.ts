/** The babysitter's decisions: from a first forward step to an instance that is gone. Pure: world in, actions out. */
import type { Action } from '../actions.ts';
import type { Body, Diagnosis, Trigger } from '../events.ts';
import { MACHINE_MEMORY_MS, nextRemedy, pipInstall } from '../ladder.ts';
import { runCost } from '../ledger.ts';
import { currentAttempt, instanceOf, type RunState, type World } from '../state.ts';
import { teardown, teardownCase } from '../teardown.ts';
import { triage, type Evidence } from '../triage/index.ts';
import { judge, killCriterion, suspected } from '../triggers.ts';
import { ready } from './ready.ts';

const MINUTE = 60_000;
/** How often checkpoints come home while the run goes on. */
const SYNC_MS = 10 * MINUTE;
/** How long after a suspicion a look is not repeated. */
const LOOK_AGAIN_MS = MINUTE;
/** Renting on while results cannot be verified: after this many dollars the instance is stopped, its disk kept. */
const WAIT_CAP_USD = 1;
const DESTROY_AGAIN_MS = 30_000;

const emit = (body: Body): Action => ({ do: 'emit', body });

export function decideBabysitter(world: World, run: RunState): Action[] {
  if (run.stage === 'closed') return [];
  if (run.hold && run.hold.until <= world.now) return [emit({ type: 'hold.ended', run: run.id, why: 'expired' })];
  if (run.verdict === null) {
    if (run.destroy_ordered) return [emit({ type: 'run.ended', run: run.id, verdict: 'destroyed_by_user', reason: run.destroy_ordered.waive ? 'the user ordered it and waived what is not at home' : 'the user ordered it' })];
    const criterion = killCriterion(run, runCost(world, run).usd, world.now);
    if (criterion && !run.hold) return [emit({ type: 'run.ended', run: run.id, verdict: 'killed_by_criterion', reason: criterion })];
  }
  switch (run.stage) {
    case 'training':
      return watch(world, run);
    case 'ended':
      return judgeEnd(world, run);
    case 'repairing':
      return repair(world, run);
    case 'rescuing':
      return rescue(world, run);
    case 'tearing_down':
      return tearDown(world, run);
    default:
      return [];
  }
}

function watch(world: World, run: RunState): Action[] {
  const { now } = world;
  const attempt = currentAttempt(run);
  const actions: Action[] = [];
  if (!attempt) return actions;
  const step = run.progress?.reading.step ?? null;
  const incident = run.incident;
  const proven = incident && attempt.number > incident.attempt && step !== null && (incident.step === null || step > incident.step);
  if (incident && proven) return [emit({ type: 'incident.resolved', run: run.id, incident: incident.id, step })];

  // An incident of this very attempt is already being answered.
  if (!incident || attempt.number > incident.attempt) {
    const reading = run.check?.reading;
    const found = reading && run.check && run.check.at >= (attempt.started_at ?? 0) && run.failed_checks === 0 ? judge(run, reading, run.check.at) : null;
    if (found) return openIncident(run, found.trigger, step, { log: run.tail.join('\n'), stalled: found.trigger === 'step_stalled', ...(reading && { kernel: reading.kernel, disk: reading.disk, shm: reading.shm }) }, found.words);
  } else if (incident.ended === null && !run.repair) return answer(world, run);

  if (run.stream === 'closed' && ready(world, run, 'follow')) actions.push({ do: 'follow', run: run.id });
  const scheduled = run.cadence !== null && run.cadence.next_at <= now;
  const suspicion = (suspected(run, now) || run.progress?.reading.diverged === true) && now - (run.check?.at ?? 0) > LOOK_AGAIN_MS;
  if ((scheduled || suspicion) && ready(world, run, 'probe')) actions.push({ do: 'probe', run: run.id, why: scheduled ? 'scheduled' : 'suspicion' });
  const advanced = run.progress !== null && run.progress.advanced_at > (run.home_at ?? attempt.started_at ?? now);
  if (run.spec.checkpoints && advanced && now - (run.home_at ?? attempt.started_at ?? now) >= SYNC_MS && ready(world, run, 'sync')) actions.push({ do: 'sync', run: run.id, final: false });
  return actions;
}

/** The process is over: an end, or an incident with its root cause. */
function judgeEnd(world: World, run: RunState): Action[] {
  const attempt = currentAttempt(run);
  if (!attempt?.exit) return [];
  const incident = run.incident;
  if (incident && incident.attempt === attempt.number && incident.ended === null) return answer(world, run);
  const reading = run.check?.reading;
  const { exit } = attempt;
  const setupFailed = attempt.started_at === null;
  const evidence: Evidence = { log: exit.tail.join('\n'), exit_code: exit.exit_code, signal: exit.signal, oom_kills: exit.oom_kills, ...(reading && { kernel: reading.kernel, disk: reading.disk, shm: reading.shm }) };
  const found = triage(evidence);
  if (!setupFailed && exit.exit_code === 0 && (found.kind === 'done' || found.kind === 'healthy')) {
    return [emit({ type: 'run.ended', run: run.id, verdict: found.cause === 'early_stop' ? 'early_stopped' : 'done', reason: found.cause === 'early_stop' ? 'the trainer stopped early by its own policy' : 'the training command ended with exit code 0' })];
  }
  return openIncident(run, setupFailed ? 'setup_failed' : exit.exit_code === null && exit.signal === null ? 'session_died' : 'process_exited', run.progress?.reading.step ?? attempt.last_step, evidence, null);
}

function openIncident(run: RunState, trigger: Trigger, step: number | null, evidence: Evidence, words: string | null): Action[] {
  const attempt = currentAttempt(run);
  if (!attempt) return [];
  const found = triage(evidence);
  const diagnosis: Diagnosis = {
    trigger,
    cause: found.cause ?? (trigger === 'step_stalled' ? 'stall' : 'unknown'),
    confidence: found.confidence,
    // What a stalled log last said is chance: the stall itself is what comes back.
    fingerprint: trigger === 'step_stalled' ? 'stall' : found.fingerprint,
    signature: found.signature,
    evidence: found.evidence,
    transient: found.transient,
    rung: found.rung,
    summary: words === null ? found.summary : `${found.summary} (${words})`,
    next: found.next,
    ...(found.detail.package && { package: found.detail.package }),
  };
  const same = run.incident && run.incident.ended === null && run.incident.diagnosis.fingerprint === diagnosis.fingerprint;
  return same && run.incident
    ? [emit({ type: 'incident.recurred', run: run.id, incident: run.incident.id, attempt: attempt.number, step, diagnosis })]
    : [emit({ type: 'incident.opened', run: run.id, incident: run.incidents.length + (run.incident ? 2 : 1), attempt: attempt.number, step, diagnosis })];
}

/** Choose the smallest safe remedy, or give up with a report. */
function answer(world: World, run: RunState): Action[] {
  const incident = run.incident;
  const instance = instanceOf(world, run);
  if (!incident || !instance) return [];
  const next = nextRemedy(run, incident, incident.diagnosis, instance.machine_id);
  if ('give_up' in next) {
    return [
      emit({ type: 'incident.given_up', run: run.id, incident: incident.id, reason: next.give_up, best_option: next.best_option }),
      emit({ type: 'run.ended', run: run.id, verdict: 'failed', reason: `${incident.diagnosis.summary} ${next.give_up}` }),
    ];
  }
  const remember: Action[] =
    next.remedy.rung === 'switch' ? [emit({ type: 'machine.remembered', machine_id: instance.machine_id, run: run.id, reason: incident.diagnosis.summary, until: world.now + MACHINE_MEMORY_MS })] : [];
  return [...remember, emit({ type: 'remedy.chosen', run: run.id, incident: incident.id, remedy: next.remedy, why: next.why })];
}

function repair(world: World, run: RunState): Action[] {
  const plan = run.repair;
  if (!plan) return [];
  if (!plan.stopped) return ready(world, run, 'stop_training') ? [{ do: 'stop_training', run: run.id }] : [];
  if (plan.remedy.rung === 'fix' && !plan.applied) return ready(world, run, 'fix') ? [{ do: 'fix', run: run.id, command: pipInstall(plan.remedy.fix.package) }] : [];
  return [];
}

function rescue(world: World, run: RunState): Action[] {
  const instance = instanceOf(world, run);
  if (!instance) return [];
  const waived = run.destroy_ordered?.waive === true;
  if (waived || !run.ran_here) {
    return [emit({ type: 'rescue.judged', run: run.id, instance: instance.id, verdict: waived ? 'waived' : 'nothing_never_ran', files: 0, bytes: 0, reason: waived ? 'the user waived what is not at home' : 'no process of the run ever started on it' })];
  }
  const attempt = currentAttempt(run);
  if (attempt?.started_at && attempt.ended_at === null) return ready(world, run, 'stop_training') ? [{ do: 'stop_training', run: run.id }] : [];
  // A stopped instance cannot be read; what happens to it is the user's to say.
  if (instance.stop !== 'none') return [];
  const waited = run.rescue?.verdict === 'unverified' ? (instance.rate * (world.now - run.rescue.since)) / 3_600_000 : 0;
  if (waited >= WAIT_CAP_USD && !run.hold) return [{ do: 'stop', run: run.id, instance: instance.id, reason: `waiting for its results has cost $${waited.toFixed(2)}; stopped, the disk is kept and still bills` }];
  return ready(world, run, 'sync') ? [{ do: 'sync', run: run.id, final: true }] : [];
}

function tearDown(world: World, run: RunState): Action[] {
  const instance = instanceOf(world, run);
  if (!instance) {
    return run.verdict === null ? [] : [emit({ type: 'run.closed', run: run.id, verdict: run.verdict, usd: runCost(world, run).usd })];
  }
  const { act, because } = teardown(teardownCase(run));
  switch (act) {
    case 'keep':
      return run.verdict ? [emit({ type: 'run.closed', run: run.id, verdict: run.verdict, usd: runCost(world, run).usd })] : [];
    case 'stop':
      if (instance.stop === 'none') return [{ do: 'stop', run: run.id, instance: instance.id, reason: because }];
      // A stopped disk bills on: the second timer ends it.
      return world.now - run.stage_since < run.spec.teardown.stopped_grace ? [] : destroyNow(world, run, 'its grace as a stopped instance is over');
    case 'destroy':
      return destroyNow(world, run, because);
    case 'destroy_after_grace':
      return world.now - run.stage_since < run.spec.teardown.idle_grace ? [] : destroyNow(world, run, because);
    case 'rescue_first':
    case 'wait':
      return [];
  }
}

function destroyNow(world: World, run: RunState, reason: string): Action[] {
  const instance = instanceOf(world, run);
  const gate = run.rescue?.verdict;
  if (!instance || !gate || gate === 'unverified' || instance.gone_at !== null) return [];
  // Accepted is not gone: as long as a good list shows it, it is asked again.
  const asked = instance.destroy === 'accepted' && (world.now - (instance.destroy_at ?? 0) < DESTROY_AGAIN_MS || instance.absent_reads > 0);
  return asked || !ready(world, run, 'destroy') ? [] : [{ do: 'destroy', run: run.id, instance: instance.id, gate, reason }];
}
