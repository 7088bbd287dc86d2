/** The world as the journal tells it. Plain data; only `reduce` makes new ones. */
import type { BrainSettings, BrainState } from './brain/state.ts';
import type { Advice, Sample } from './efficiency.ts';
import type { CheckReason, Diagnosis, RankedOffer, Remedy, RescueVerdict, Verdict } from './events.ts';
import type { Cost } from './ledger.ts';
import type { Day } from './day.ts';
import type { Instance } from './market.ts';
import type { FileFact } from './ports.ts';
import type { ProbeReading } from './probe.ts';
import type { ProgressReading } from './progress/index.ts';
import type { Spec } from './spec.ts';
import type { Trial } from './tune.ts';
import type { AlertState } from './triggers/alerts.ts';
import type { Eyes } from './triggers/eyes.ts';

/** What a second of an instance's bill was spent on. */
export type Bucket = 'loading' | 'setup' | 'productive' | 'idle' | 'rescue' | 'hold';

export interface InstanceState {
  id: number;
  machine_id: number;
  label: string | null;
  owner: 'ours' | 'stranger';
  /** The run that it works for; null for strangers. */
  run: string | null;
  facts: Instance;
  first_seen: number;
  /** $/h right now, and since when (epoch ms). */
  rate: number;
  bucket: Bucket;
  since: number;
  /** Dollars up to `since`, by bucket; `traffic` is estimated from bytes moved. */
  usd: Record<Bucket, number> & { traffic: number };
  /** Consecutive good reads of the market that did not show it. */
  absent_reads: number;
  /** It was the user's before a run of ours: never ended but by the user. The label is the one that it had. */
  adopted: { label: string | null } | null;
  destroy: 'none' | 'intended' | 'accepted';
  /** When the market last accepted a destroy. */
  destroy_at: number | null;
  /** The gate that opened for its last destroy. */
  destroy_gate: Exclude<RescueVerdict, 'unverified'> | null;
  stop: 'none' | 'intended' | 'accepted';
  /** Since when it is stopped, by us or by whoever else, and how often it was started again to fetch results. */
  stop_at: number | null;
  wakes: number;
  gone_at: number | null;
  /** The last time the market answered about it. */
  seen_at: number;
  /** Since when the market calls its host offline; null when it doesn't. */
  offline_since: number | null;
}

/** Where a run stands. One stage at a time; each names what is awaited. */
export type Stage =
  | 'searching' | 'renting' | 'loading'
  | 'connecting'
  | 'preparing'
  | 'starting'
  | 'training'
  | 'ended'
  | 'repairing'
  | 'rescuing'
  | 'tearing_down'
  | 'closed';

export interface Attempt {
  number: number;
  instance: number;
  machine_id: number;
  command: string;
  started_at: number | null;
  ended_at: number | null;
  resume_from: string | null;
  resume_step: number | null;
  first_step: number | null;
  /** When that was seen, epoch ms. */
  first_at: number | null;
  last_step: number | null;
  /** Advances that were seen below the step of the checkpoint that it was given. */
  low_steps: number;
  exit: { exit_code: number | null; signal: string | null; oom_kills: number; tail: string[] } | null;
}

export interface Incident {
  id: number;
  opened_at: number;
  /** The step where it died or stalled; recovery is proven by a step beyond it. */
  step: number | null;
  attempt: number;
  /** What the run had cost when it opened, $. */
  usd: number;
  diagnosis: Diagnosis;
  /** `guess_usd`: proposed by the model, when the run had cost so much. */
  remedies: { remedy: Remedy; at: number; why: string; attempt: number; guess_usd?: number }[];
  ended: { at: number; how: 'resolved'; step: number } | { at: number; how: 'given_up'; reason: string; best_option: string } | { at: number; how: 'superseded' } | null;
}

/** The market took the instance away, or its host went offline, after work began on it. */
export interface Away {
  kind: 'offline' | 'outbid' | 'stopped';
  instance: number;
  attempt: number;
  since: number;
  /** null while it is away. */
  back_at: number | null;
  /** How often in a row: each time within an hour after it was back. */
  times: number;
  /** Bids that were raised and starts that were asked for since it went. */
  asks: number;
  asked_at: number | null;
}

/** An instance of this run that the run no longer works on: another attempt holds the fence. It ends once nothing on it can be lost. */
export interface Left {
  instance: number;
  attempt: number;
  since: number;
  /** Could a process of the run have written anything there? */
  ran: boolean;
  verdict: RescueVerdict | null;
  why: string;
  /** What waiting had cost when the user was told last or it was started again; when they were told. */
  asked_usd?: number;
  asked_at?: number;
}

/** The cadence's own memory. */
export interface Cadence {
  phase: 'early' | 'stabilizing' | 'cruise' | 'alert';
  /** Index into the phase's steps. */
  index: number;
  healthy_in_a_row: number;
  started_at: number;
  next_at: number;
}

export interface ProgressState {
  reading: ProgressReading;
  /** Epoch ms of the last time the training step grew. */
  advanced_at: number;
  /** Recent gaps between two advances, ms, newest last, bounded. */
  gaps: number[];
  /** Sparse (step, at, loss) marks for charts and for the price of repeats; bounded. */
  marks: { step: number; at: number; loss: number | null }[];
}

export interface Check {
  at: number;
  why: CheckReason;
  reading: ProbeReading | null;
  failure: string | null;
}

export interface RunState {
  id: string;
  spec: Spec;
  spec_path: string;
  submitted_at: number;
  stage: Stage;
  stage_since: number;
  /** The verdict on the training; the instance may still have to go. */
  verdict: Verdict | null;
  verdict_reason: string | null;
  closed_at: number | null;
  /** Number of the newest attempt: the fencing number. An attempt is counted when it is rented or relaunched. */
  attempt: number;
  attempts: Attempt[];
  instance: number | null;
  offers: RankedOffer[];
  offers_at: number | null;
  rejected: Record<string, number>;
  renting: { attempt: number; offer: RankedOffer; unclear: boolean; absent_reads: number; at: number } | null;
  tried_offers: number[];
  /** The offer that the user chose for the launch, until it is rented or missed. */
  wished: number | null;
  /** The instance that it is to run on, until that is ours. */
  adopting: number | null;
  /** What an adopted instance had cost the run when it was given back. */
  returned: Cost | null;
  /** Instances that never came up, since a process of the run last started. */
  given_up: { instance: number; machine_id: number; reason: string }[];
  /** The first look at an instance, before anything is sent to it. */
  preflight: { instance: number; fault: string | null } | null;
  ssh: { up: boolean; endpoint: string | null; since: number; reason: string | null };
  stream: 'open' | 'closed';
  prepared: boolean;
  /** Did any process of the run ever start on the current instance? */
  ran_here: boolean;
  knobs: Record<string, number>;
  /** Fixes applied so far, as commands; a new instance gets them after its setup. */
  fixes: string[];
  progress: ProgressState | null;
  check: Check | null;
  failed_checks: number;
  cadence: Cadence | null;
  handed_over: boolean;
  incident: Incident | null;
  incidents: Incident[];
  repair: { remedy: Remedy; stopped: boolean; applied: boolean; not_before: number } | null;
  /** Verified at home, newest last. */
  home: FileFact[];
  home_at: number | null;
  /** The newest good checkpoint at home, since when, what the run had cost by then ($), and the steps between it and the one before. */
  checkpoint: { path: string; step: number | null; at: number; usd: number; every: number | null } | null;
  /** Paths and hashes (`sha256:…`) of checkpoints that are not used again. */
  bad_checkpoints: string[];
  /** The newest step whose loss this attempt told and found a number; before the first, the step that it was resumed at. */
  sound_step: number | null;
  away: Away | null;
  left: Left[];
  /** Every attempt that a create was intended for; where its outcome was `unclear`, a label that turns up late is ours. */
  intended: { attempt: number; at: number; unclear: boolean }[];
  /** Values of the objective at evaluations, newest last, bounded. */
  evals: { step: number; value: number }[];
  /** Readings of healthy checks of this attempt, newest last, bounded. */
  samples: Sample[];
  advice: Advice | null;
  /** Optimisations that were tried, newest last. */
  trials: Trial[];
  /** `asked_usd`: what waiting had cost when the user was asked last; `asked_at`: when that was. */
  rescue: { verdict: RescueVerdict; at: number; reason: string; since: number; asked_usd: number; asked_at: number | null } | null;
  hold: { until: number; reason: string } | null;
  keep: boolean;
  destroy_ordered: { waive: boolean } | null;
  /** A destroy that can still be called back, until when. */
  destroy_pending: { waive: boolean; until: number } | null;
  /** A bid that the user ordered and the market has not taken yet. */
  bid_ordered: { instance: number; usd_per_hour: number } | null;
  brain: BrainState;
  /** Effects that failed and when they may be tried again. */
  backoff: Record<string, { count: number; until: number; reason: string }>;
  tail: string[];
  /** Up to when the sentinel's own log was heard, epoch seconds on the box's clock. */
  sentinel_s: number;
  /** Until when the sentinel waits for us, epoch ms of the program's clock; null: not heard yet. */
  lease_until: number | null;
  /** What the triggers remember. */
  eyes: Eyes;
}

/** One line of the reasoning log. */
export interface Said {
  seq: number;
  at: number;
  actor: 'user' | 'runner' | 'babysitter' | 'market' | 'sentinel' | 'program';
  run: string | null;
  level: 'info' | 'milestone' | 'alert';
  text: string;
}

export interface World {
  /** Time of the newest event or tick, epoch ms of the program's clock. */
  now: number;
  seq: number;
  account: { credit_usd: number; email: string | null; at: number } | null;
  market: { health: 'unknown' | 'ok' | 'lost'; since: number; reason: string | null; list_at: number | null };
  fleet: Record<string, InstanceState>;
  runs: Record<string, RunState>;
  /** Machines that failed us, by machine_id. */
  machines: Record<string, { reason: string; evidence: string[]; until: number }>;
  /** $/h that the whole fleet may burn; null: no limit. */
  budget_usd_per_hour: number | null;
  /** How the credit was judged last. */
  runway: 'ok' | 'warn' | 'critical';
  said: Said[];
  started_at: number | null;
  /** The sums at the beginning of the newest event's day; null before the first event. */
  day: Day | null;
  /** The model that this session may consult; null: the rules do the whole job. */
  brain: BrainSettings | null;
  /** The line about the account's runway. */
  credit_alert: AlertState | null;
}

export function emptyWorld(now: number): World {
  return {
    now,
    seq: 0,
    account: null,
    market: { health: 'unknown', since: now, reason: null, list_at: null },
    fleet: {},
    runs: {},
    machines: {},
    budget_usd_per_hour: null,
    runway: 'ok',
    said: [],
    started_at: null,
    day: null,
    brain: null,
    credit_alert: null,
  };
}

export const runsOf = (world: World): RunState[] => Object.values(world.runs);
export const fleetOf = (world: World): InstanceState[] => Object.values(world.fleet);
export const instanceOf = (world: World, run: RunState): InstanceState | null => (run.instance === null ? null : (world.fleet[String(run.instance)] ?? null));
export const isAway = (run: RunState): boolean => run.away !== null && run.away.back_at === null;
export const isClosed = (run: RunState): boolean => run.stage === 'closed';
export const currentAttempt = (run: RunState): Attempt | null => run.attempts.at(-1) ?? null;
