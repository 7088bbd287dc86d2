/** What the babysitter makes of a living process, and of one that ended. */
import type { Action } from '../actions.ts';
import type { Cause } from '../causes.ts';
import type { Diagnosis, Trigger } from '../events.ts';
import { checkpointDue } from '../checkpoints.ts';
import { earlyStop } from '../early-stop.ts';
import { judgeEfficiency } from '../efficiency.ts';
import { fixesFor } from '../fixes.ts';
import { currentAttempt, instanceOf, type Attempt, type RunState, type World } from '../state.ts';
import { leastValuable } from '../budget.ts';
import { SLOW_HOST, slowHost } from '../slow-host.ts';
import { triage, type Evidence } from '../triage/index.ts';
import { POLICY } from '../triage/policy.ts';
import { judge, suspicious } from '../triggers/index.ts';
import { takenAway } from '../triggers/market.ts';
import { poisoned, resumeLost } from '../triggers/resume.ts';
import { frozenFor } from '../triggers/stall.ts';
import { doubtful } from './alerts.ts';
import { emit, ready } from './ready.ts';
import { answer } from './recover.ts';
import { takeBack, tune } from './tune.ts';

const MINUTE = 60_000;
/** How often checkpoints come home while the run goes on. */
const SYNC_MS = 10 * MINUTE;
/** The same while a new one is due, and for the run that is brought home first once the credit is running out. */
const SYNC_FIRST_MS = MINUTE;
/** How soon a look is repeated, out of suspicion; the longer the step is frozen, the less a minute tells. */
const LOOK_AGAIN = { least_ms: MINUTE, share: 0.1 };
/** It takes two looks to call a process dead that left no word of its end: the second comes soon. */
const DEAD_AGAIN_MS = 15_000;
/** How soon, when a window of looks is not full yet. */
const DOUBT_MS = 4 * MINUTE;

export function watch(world: World, run: RunState): Action[] {
  const { now } = world;
  const attempt = currentAttempt(run);
  const actions: Action[] = [];
  if (!attempt) return actions;
  const proof = proven(run, attempt);
  if (proof.length > 0) return proof;
  const step = run.progress?.reading.step ?? null;
  const incident = run.incident;

  // An incident of this very attempt is already being answered.
  if (!incident || attempt.number > incident.attempt) {
    const reading = run.check?.reading;
    const lost = resumeLost(run);
    if (lost) {
      const refusal: Action = emit({ type: 'refused', actor: 'babysitter', run: run.id, what: `attempt ${attempt.number}`, why: lost });
      return [refusal, ...openIncident(run, 'resume_lost', attempt.resume_step, { log: run.tail.join('\n') }, lost)];
    }
    const found = reading && run.check && run.check.at >= (attempt.started_at ?? 0) && run.failed_checks === 0 ? judge(run, reading, run.check.at) : null;
    const poison = found?.trigger === 'metric_wrong' ? poisoned(run) : null;
    // Proven repaired beyond where the numbers were first seen to be gone, not beyond the resume.
    if (poison !== null) return openIncident(run, 'checkpoint_poisoned', Math.max(step ?? 0, incident?.step ?? 0), { log: run.tail.join('\n') }, poison);
    if (found) return openIncident(run, found.trigger, step, { log: run.tail.join('\n'), stalled: hangs(found.trigger), ...(reading && { kernel: reading.kernel, disk: reading.disk, shm: reading.shm }) }, found.words);
  } else if (incident.ended === null && !run.repair) {
    const answered = answer(world, run);
    if (answered.some((action) => action.do === 'emit')) return answered;
    // While a model or a person is being asked, a living process is listened to as before.
    actions.push(...answered);
  }

  const enough = incident ? null : earlyStop(run.spec, run.evals);
  if (enough) return [emit({ type: 'run.ended', run: run.id, verdict: 'early_stopped', reason: enough })];
  const advice = incident ? null : judgeEfficiency(run, instanceOf(world, run)?.facts.cpu_cores_effective ?? null);
  if (advice && advice.bottleneck !== run.advice?.bottleneck) return [emit({ type: 'efficiency.judged', run: run.id, attempt: attempt.number, advice })];
  const slow = incident ? null : slowHost(world, run);
  if (slow?.act === 'move') return openIncident(run, SLOW_HOST, step, { log: '' }, slow.words, slow.evidence);
  if (slow && ready(world, run, 'search')) actions.push({ do: 'search', run: run.id });
  const change = tune(world, run);
  if (change.length > 0) return change;

  if (run.stream === 'closed' && ready(world, run, 'follow')) actions.push({ do: 'follow', run: run.id });
  const scheduled = run.cadence !== null && run.cadence.next_at <= now;
  const looked = now - (run.check?.at ?? 0);
  const dead = looked > DEAD_AGAIN_MS && run.check?.reading?.alive === false && run.check.failure === null;
  const suspicion = dead || (looked > Math.max(LOOK_AGAIN.least_ms, LOOK_AGAIN.share * frozenFor(run, now)) && suspicious(run, now)) || (looked > DOUBT_MS && doubtful(world, run));
  if ((scheduled || suspicion) && ready(world, run, 'probe')) actions.push({ do: 'probe', run: run.id, why: scheduled ? 'scheduled' : 'suspicion' });
  const advanced = run.progress !== null && run.progress.advanced_at > (run.home_at ?? attempt.started_at ?? now);
  if (run.spec.checkpoints && advanced && now - (run.home_at ?? attempt.started_at ?? now) >= (checkpointDue(run.checkpoint, step) || (world.runway !== 'ok' && leastValuable(world)?.id === run.id) ? SYNC_FIRST_MS : SYNC_MS) && ready(world, run, 'sync')) actions.push({ do: 'sync', run: run.id, final: false });
  return actions;
}

/** The process is over: an end, or an incident with its root cause. */
export function judgeEnd(world: World, run: RunState): Action[] {
  const attempt = currentAttempt(run);
  if (!attempt?.exit) return [];
  const incident = run.incident;
  if (incident && incident.attempt === attempt.number && incident.ended === null) return answer(world, run);
  // A short training may get past the step and end between two looks: the repair held, however this attempt ended.
  const proof = proven(run, attempt);
  if (proof.length > 0) return proof;
  const reading = run.check?.reading;
  const { exit } = attempt;
  const unstarted = attempt.started_at === null;
  const evidence: Evidence = { log: exit.tail.join('\n'), exit_code: exit.exit_code, signal: exit.signal, oom_kills: exit.oom_kills, ...statusOf(world, run), ...wentAway(run), ...(reading && { kernel: reading.kernel, disk: reading.disk, shm: reading.shm }) };
  const found = triage(evidence);
  if (!unstarted && exit.exit_code === 0 && (found.kind === 'done' || found.kind === 'healthy')) {
    return [emit({ type: 'run.ended', run: run.id, verdict: found.cause === 'early_stop' ? 'early_stopped' : 'done', reason: found.cause === 'early_stop' ? trainerStopped(run) : 'the training command ended with exit code 0' })];
  }
  return openIncident(run, unstarted ? (attempt.command === '' ? 'setup_failed' : 'start_failed') : exit.exit_code === null && exit.signal === null ? 'session_died' : 'process_exited', run.progress?.reading.step ?? attempt.last_step, evidence, null);
}

/** Early stop is policy behaviour, no failure; one that came before the spec's own minimum is said. */
function trainerStopped(run: RunState): string {
  const step = run.progress?.reading.step ?? null;
  const least = run.spec.early_stop?.min_steps ?? 0;
  return `the trainer stopped early by its own policy${step !== null && step < least ? `, at step ${step}, before early_stop.min_steps (${least})` : ''}`;
}

/** A process that was lost while the instance was away did not die of itself. */
function wentAway(run: RunState): Pick<Evidence, 'api_status'> {
  const attempt = currentAttempt(run);
  const lost = attempt?.exit && attempt.exit.exit_code === null && attempt.exit.signal === null;
  return lost && run.away?.attempt === attempt.number ? { api_status: run.away.kind === 'outbid' ? 'outbid' : `preempted: ${run.away.kind}` } : {};
}

/** Triggers that know better than the log what is wrong. */
const CERTAIN: Partial<Record<Trigger, { cause: Cause; summary: string; next: string }>> = {
  resume_lost: { cause: 'checkpoint_corrupt', summary: 'The resume command does not resume', next: 'Let checkpoints.resume load {checkpoint} and go on at its step, then launch again: the good checkpoints are at home.' },
  throughput_low: { cause: 'gpu_hardware', summary: 'The host slows its GPU down', next: 'Name the pace that is due as `rate` in the spec, and rent another machine.' },
  checkpoint_poisoned: { cause: 'checkpoint_corrupt', summary: 'The checkpoint holds no numbers', next: 'Resume from an older checkpoint by hand, and lower what made the numbers go: the learning rate, or the precision.' },
};

const SURE = 0.95;

/** What a trigger means by itself, when the log has no word for it. */
const CAUSE: Partial<Record<Trigger, Cause>> = { step_stalled: 'stall', gpu_idle: 'stall', metric_wrong: 'numeric_divergence' };

const hangs = (trigger: Trigger): boolean => CAUSE[trigger] === 'stall';

/** What the market says: an instance that was outbid explains a dead process better than its last line does. */
const statusOf = (world: World, run: RunState): Pick<Evidence, 'api_status'> => (instanceOf(world, run)?.facts.is_bid && takenAway(world, run) ? { api_status: 'outbid' } : {});

/**
 * A repair is proven by a later attempt that got beyond the step where it died, itself (the sick one may have gone on
 * meanwhile); after a loss of the numbers by numbers that are told, not by steps.
 */
function proven({ id, incident, progress, sound_step }: RunState, attempt: Attempt): Action[] {
  const numbers = incident?.diagnosis.trigger === 'metric_wrong' || incident?.diagnosis.trigger === 'checkpoint_poisoned';
  const told = sound_step !== null && sound_step > (attempt.resume_step ?? -1) ? sound_step : null;
  const step = numbers ? told : attempt.last_step;
  const held = incident && attempt.number > incident.attempt && step !== null && (incident.step === null || step > incident.step) && progress?.reading.diverged !== true;
  return held ? [emit({ type: 'incident.resolved', run: id, incident: incident.id, step })] : [];
}

function openIncident(run: RunState, trigger: Trigger, step: number | null, evidence: Evidence, words: string | null, seen: readonly string[] = []): Action[] {
  const attempt = currentAttempt(run);
  if (!attempt) return [];
  const found = triage(evidence);
  const taken = takeBack(run, attempt.number, found.summary);
  if (taken) return taken;
  const certain = CERTAIN[trigger];
  const cause = certain?.cause ?? found.cause ?? CAUSE[trigger] ?? 'unknown';
  // A trigger may know what the log has no word for.
  const means = found.cause === null ? POLICY[cause] : found;
  const fixes = fixesFor(cause, evidence.log);
  const diagnosis: Diagnosis = {
    trigger,
    cause,
    confidence: certain ? SURE : found.confidence,
    // What a log last said when it stalled, or lost its numbers, is chance: the stall itself is what comes back.
    fingerprint: hangs(trigger) ? 'stall' : certain ? trigger : cause === 'numeric_divergence' ? cause : found.fingerprint,
    signature: found.signature,
    evidence: [...seen, ...found.evidence],
    transient: means.transient,
    rung: means.rung,
    summary: certain ? `${certain.summary}: ${words ?? ''}.` : words === null ? means.summary : `${means.summary} (${words})`,
    next: certain?.next ?? means.next,
    ...(found.detail.package && { package: found.detail.package }),
    ...(fixes.length > 0 && { fixes }),
  };
  const same = run.incident && run.incident.ended === null && run.incident.diagnosis.fingerprint === diagnosis.fingerprint;
  return same && run.incident
    ? [emit({ type: 'incident.recurred', run: run.id, incident: run.incident.id, attempt: attempt.number, step, diagnosis })]
    : [emit({ type: 'incident.opened', run: run.id, incident: run.incidents.length + (run.incident ? 2 : 1), attempt: attempt.number, step, diagnosis })];
}
