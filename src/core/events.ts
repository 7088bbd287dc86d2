/**
 * Everything that can happen, as data. An event is appended to the journal before anyone acts on it;
 * state is nothing but `reduce` over these. Fields are added, never renamed: old journals must replay.
 */
import type { Proposal } from './brain/proposal.ts';
import type { BrainSettings, Usage } from './brain/state.ts';
import type { Cause, Rung } from './causes.ts';
import type { Advice } from './efficiency.ts';
import type { Fix } from './fixes.ts';
import type { Instance } from './market.ts';
import type { FileFact, MarketFailure, RemoteFailure } from './ports.ts';
import type { ProbeReading } from './probe.ts';
import type { ProgressReading } from './progress/index.ts';
import type { Spec } from './spec.ts';
import type { Trial } from './tune.ts';
import type { AlertKind } from './triggers/alerts.ts';

/** Journal format; a journal with a higher one is refused, never guessed at. */
export const EVENT_VERSION = 1;

export type Actor = 'user' | 'runner' | 'babysitter' | 'market' | 'sentinel' | 'program';

/** An offer that fits, with the price that counts. */
export interface RankedOffer {
  offer_id: number;
  machine_id: number;
  gpu_name: string;
  num_gpus: number;
  dph_total: number;
  /** $/h: GPU + disk + planned traffic spread over the run's hours. */
  all_in_usd_per_hour: number;
  reliability: number;
  geolocation: string | null;
}

/** What broke: from trigger to resolved or given up. */
export interface Diagnosis {
  trigger: Trigger;
  cause: Cause;
  confidence: number;
  fingerprint: string;
  signature: string;
  evidence: string[];
  transient: boolean;
  rung: Rung;
  summary: string;
  next: string;
  /** The pip package that is missing, when the cause says so. */
  package?: string;
  /** Fixes that the log calls for, the likeliest first. */
  fixes?: Fix[];
}

export type Trigger =
  | 'process_exited'
  | 'session_died'
  | 'step_stalled'
  | 'error_in_log'
  | 'gpu_idle'
  | 'throughput_low'
  | 'metric_wrong'
  | 'setup_failed'
  | 'start_failed'
  | 'instance_offline'
  | 'instance_stopped'
  /** The box lets no repair be carried out. */
  | 'instance_stuck'
  | 'disk_filling'
  /** A resumed attempt began below the checkpoint that it was given. */
  | 'resume_lost'
  /** A resumed attempt told no number at all: what it was given holds none. */
  | 'checkpoint_poisoned';

/** One rung of the ladder, applied. Each is typed; none is free text from a log. */
export type Remedy =
  /** `avoid`: the checkpoint that is not used again. */
  | { rung: 'rerun'; backoff_ms: number; avoid?: string }
  | { rung: 'fix'; fix: Fix }
  | { rung: 'reduce'; knob: string; from: number; to: number; keeps: { knob: string; from: number; to: number } | null }
  /** `leave`: the old instance cannot be reached; it is left behind under its lower fencing number. */
  | { rung: 'switch'; machine_id: number; reason: string; leave?: true };

export type RescueVerdict = 'verified' | 'nothing_never_ran' | 'waived' | 'unverified';

/** How a run ended. `refused`: an offer fits, and the budget or the credit does not pay for it. */
export type Verdict = 'done' | 'early_stopped' | 'failed' | 'killed_by_criterion' | 'destroyed_by_user' | 'no_offer' | 'refused' | 'lost';

export type Body =
  | { type: 'session.started'; version: string; pid: number; brain?: BrainSettings | null }
  | { type: 'session.ended'; reason: string }
  // facts of the market
  | { type: 'account.seen'; credit_usd: number; email: string | null }
  /** A list that differs from what we knew; `fleet.fresh` is one that says the same again, with newer readings. */
  | { type: 'fleet.seen'; instances: Instance[] }
  | { type: 'fleet.fresh'; instances: Instance[] }
  | { type: 'fleet.unknown'; failure: MarketFailure; reason: string }
  // the runner
  /** `adopt`: it runs on this instance of the account, which was not ours, instead of a rented one. `offer`: the one that the user chose. */
  | { type: 'run.submitted'; run: string; spec: Spec; spec_path: string; warnings: string[]; adopt?: number; offer?: number }
  /** The offer that the user chose cannot be had: the rule takes its next. */
  | { type: 'offer.missed'; run: string; offer_id: number; reason: string }
  | { type: 'offers.ranked'; run: string; offers: RankedOffer[]; rejected: Record<string, number> }
  | { type: 'create.intended'; run: string; attempt: number; offer: RankedOffer; label: string; bid_usd_per_hour: number | null }
  | { type: 'create.accepted'; run: string; attempt: number; instance: number; machine_id: number }
  | { type: 'create.refused'; run: string; attempt: number; offer_id: number; failure: MarketFailure; reason: string }
  | { type: 'create.unclear'; run: string; attempt: number; reason: string }
  | { type: 'create.absent'; run: string; attempt: number }
  | { type: 'adopt.intended'; run: string; attempt: number; instance: number; label: string; label_before: string | null }
  | { type: 'instance.adopted'; run: string; attempt: number; instance: number; machine_id: number }
  /** An adopted instance is the user's again, under the label that it had. */
  | { type: 'give_back.intended'; run: string; instance: number; label: string }
  | { type: 'instance.given_back'; run: string; instance: number }
  | { type: 'launch.given_up'; run: string; instance: number; machine_id: number; reason: string }
  /** What the sentinel did on its own while nobody watched, from its log; `until_s`: epoch seconds of its newest line, on the box's clock. */
  | { type: 'sentinel.told'; run: string; instance: number; until_s: number; lines: string[] }
  | { type: 'ssh.up'; run: string; instance: number; endpoint: string }
  | { type: 'ssh.down'; run: string; instance: number; failure: RemoteFailure; reason: string }
  /** The first look at a new box; a fault ends its launch before anything is sent to it. */
  | { type: 'preflight.done'; run: string; instance: number; words: string; fault: string | null }
  | { type: 'prepare.done'; run: string; instance: number; bytes_up: number; restored: string | null }
  /** The box was reached, and would not start it, more than once. */
  | { type: 'start.failed'; run: string; attempt: number; instance: number; exit_code: number | null; tail: string[] }
  | { type: 'prepare.failed'; run: string; instance: number; step: 'upload' | 'setup'; exit_code: number | null; tail: string[] }
  | { type: 'start.intended'; run: string; attempt: number; instance: number; command: string; resume_from: string | null; resume_step: number | null; /** Hashes (`sha256:…`) of what was saved after the loss was gone. */ avoid?: string[] }
  | { type: 'process.started'; run: string; attempt: number; pid: number }
  | { type: 'handed_over'; run: string; attempt: number; step: number }
  // the babysitter
  /** `progress` moves the screen several times a second; `progress.marked` is the one a journal keeps. */
  | { type: 'progress'; run: string; attempt: number; reading: ProgressReading }
  | { type: 'progress.marked'; run: string; attempt: number; reading: ProgressReading }
  | { type: 'log.tail'; run: string; lines: string[] }
  /** The lease that the sentinel holds, as it was renewed or as the box tells it: `until` is epoch ms of the program's clock. */
  | { type: 'lease.seen'; run: string; until: number }
  | { type: 'stream.opened'; run: string; attempt: number; alive: boolean }
  | { type: 'stream.lost'; run: string; attempt: number; reason: string }
  | { type: 'process.exited'; run: string; attempt: number; exit_code: number | null; signal: string | null; oom_kills: number; tail: string[]; pushed: boolean }
  | { type: 'check.done'; run: string; attempt: number; why: CheckReason; reading: ProbeReading }
  | { type: 'check.failed'; run: string; attempt: number; why: CheckReason; failure: RemoteFailure; reason: string }
  | { type: 'incident.opened'; run: string; incident: number; attempt: number; step: number | null; diagnosis: Diagnosis }
  | { type: 'incident.recurred'; run: string; incident: number; attempt: number; step: number | null; diagnosis: Diagnosis }
  /** `by`: proposed by the model and passed by the guard; the rules' own without it. */
  | { type: 'remedy.chosen'; run: string; incident: number; remedy: Remedy; why: string; by?: 'model' }
  /** `stood`: where its processes were when a hang was ended. */
  | { type: 'training.stopped'; run: string; attempt: number; stood?: string[] }
  | { type: 'fix.applied'; run: string; command: string; exit_code: number; tail: string[] }
  | { type: 'incident.resolved'; run: string; incident: number; step: number }
  | { type: 'incident.given_up'; run: string; incident: number; reason: string; best_option: string }
  /** Something a person should know, said once; `run` is null for what concerns the account. */
  | { type: 'alert.opened'; run: string | null; alert: AlertKind; words: string }
  | { type: 'alert.closed'; run: string | null; alert: AlertKind; words: string }
  /** `evidence`: the lines that speak against it. It ends: machines are repaired, and hosts are blamed for what they did not do. */
  | { type: 'machine.remembered'; machine_id: number; run: string; reason: string; evidence?: string[]; until: number }
  // the language model: asked once an occurrence (`key`), billed a request, judged by the guard
  | { type: 'brain.asked'; run: string; incident: number; key: string; model: string; tokens: number }
  /** The newest of its words; volatile. */
  | { type: 'brain.said'; run: string; text: string }
  | { type: 'brain.used'; run: string; usage: Usage }
  | { type: 'brain.proposed'; run: string; incident: number; key: string; proposal: Proposal }
  /** `final`: the rules go on. Otherwise the reason went back to the model, once. */
  | { type: 'brain.refused'; run: string; incident: number; key: string; what: string; why: string; final: boolean }
  | { type: 'brain.failed'; run: string; incident: number; key: string; reason: string }
  | { type: 'proposal.pending'; run: string; incident: number; key: string; proposal: Proposal; why: string; until: number }
  | { type: 'proposal.expired'; run: string; key: string }
  | { type: 'patch.reverted'; run: string; patch: number }
  | { type: 'patch.home'; run: string; patch: number; path: string }
  // results and the end
  | { type: 'files.home'; run: string; instance: number; files: FileFact[]; bytes: number }
  | { type: 'run.ended'; run: string; verdict: Verdict; reason: string }
  | { type: 'rescue.judged'; run: string; instance: number; verdict: RescueVerdict; files: number; bytes: number; reason: string }
  /** Waiting for results costs; said again each time that it has cost the cap once more. */
  | { type: 'rescue.asked'; run: string; instance: number; usd: number; usd_per_hour: number }
  /** A stopped instance is asked to run again, for its results or for the run. */
  | { type: 'wake.intended'; run: string; instance: number; reason: string }
  | { type: 'wake.accepted'; run: string; instance: number }
  | { type: 'instance.away'; run: string; instance: number; kind: 'offline' | 'outbid' | 'stopped' }
  | { type: 'instance.back'; run: string; instance: number }
  | { type: 'bid.intended'; run: string; instance: number; from: number; to: number; reason: string }
  | { type: 'bid.raised'; run: string; instance: number; usd_per_hour: number }
  /** The verdict on what an instance holds that the run has left behind. */
  | { type: 'left.judged'; run: string; instance: number; verdict: RescueVerdict; reason: string }
  | { type: 'left.asked'; run: string; instance: number; usd: number; usd_per_hour: number }
  | { type: 'budget.set'; usd_per_hour: number | null }
  | { type: 'runway.judged'; level: 'ok' | 'warn' | 'critical'; hours: number | null }
  | { type: 'efficiency.judged'; run: string; attempt: number; advice: Advice }
  /** An optimisation is tried; then kept or taken back, with the rates before and after it in steps per second. */
  | { type: 'trial.chosen'; run: string; trial: Omit<Trial, 'ended'>; why: string }
  | { type: 'trial.judged'; run: string; trial: number; how: 'kept' | 'reverted'; after: number | null; reason: string }
  | { type: 'destroy.intended'; run: string | null; instance: number; gate: Exclude<RescueVerdict, 'unverified'>; reason: string }
  | { type: 'destroy.accepted'; instance: number }
  | { type: 'stop.intended'; run: string; instance: number; reason: string }
  | { type: 'stop.accepted'; instance: number }
  | { type: 'instance.absent'; instance: number }
  /** Asked for by its id, the market knows it: a list without it was wrong. */
  | { type: 'instance.present'; instance: number }
  | { type: 'instance.gone'; instance: number; run: string | null }
  | { type: 'run.closed'; run: string; verdict: Verdict; usd: number }
  // the user
  /** With `until` it waits so long for a change of mind, and then is `destroy.due`. */
  | { type: 'user.destroy'; run: string; waive: boolean; until?: number }
  | { type: 'user.recall'; run: string }
  | { type: 'destroy.due'; run: string }
  /** The commands that count from now on; `resume` is null where the spec has none. */
  | { type: 'user.relaunch'; run: string; command: string; resume: string | null }
  | { type: 'user.switch'; run: string; machine_id: number }
  | { type: 'user.bid'; run: string; instance: number; usd_per_hour: number }
  | { type: 'user.hold'; run: string; until: number; reason: string }
  | { type: 'user.release'; run: string }
  | { type: 'user.keep'; run: string; keep: boolean }
  | { type: 'user.approved'; run: string; key: string }
  | { type: 'user.refused'; run: string; key: string }
  | { type: 'hold.ended'; run: string; why: 'expired' | 'released' }
  // the agents' own words and failures
  | { type: 'said'; actor: Actor; run: string | null; level: 'info' | 'milestone' | 'alert'; text: string }
  | { type: 'refused'; actor: Actor; run: string | null; what: string; why: string }
  | { type: 'effect.failed'; run: string | null; effect: string; reason: string; retry_at: number };

export type CheckReason = 'scheduled' | 'pushed' | 'suspicion' | 'asked';

export type EventType = Body['type'];
export type BodyOf<T extends EventType> = Extract<Body, { type: T }>;

/** `at` is epoch ms of the program's clock; `seq` counts from 1 within a journal. */
export type Event = Body & { v: number; seq: number; at: number };

/** Events that are facts of the moment: they move the screen, and are read anew after a restart. */
export function isVolatile(body: Body): boolean {
  return body.type === 'log.tail' || body.type === 'progress' || body.type === 'fleet.fresh' || body.type === 'brain.said' || body.type === 'lease.seen';
}

/** Events that must be on disk before the effect they announce. */
export function isIntent(body: Body): boolean {
  return body.type.endsWith('.intended') || body.type === 'remedy.chosen' || body.type === 'trial.chosen' || body.type === 'brain.asked' || body.type === 'run.submitted' || body.type.startsWith('user.');
}
