/** A run and an attempt as they begin. */
import { noBrain } from './brain/state.ts';
import type { Event } from './events.ts';
import { initialKnobs } from './knobs.ts';
import type { Attempt, RunState } from './state.ts';
import { NO_EYES } from './triggers/eyes.ts';

export function newAttempt(number: number, instance: number, machine_id: number): Attempt {
  return { number, instance, machine_id, command: '', started_at: null, ended_at: null, resume_from: null, resume_step: null, first_step: null, first_at: null, last_step: null, low_steps: 0, exit: null };
}

export function born(event: Extract<Event, { type: 'run.submitted' }>, at: number): RunState {
  return {
    id: event.run,
    spec: event.spec,
    spec_path: event.spec_path,
    submitted_at: at,
    stage: event.adopt === undefined ? 'searching' : 'renting',
    stage_since: at,
    verdict: null,
    verdict_reason: null,
    closed_at: null,
    attempt: 0,
    attempts: [],
    instance: null,
    offers: [],
    offers_at: null,
    rejected: {},
    renting: null,
    tried_offers: [],
    wished: event.offer ?? null,
    adopting: event.adopt ?? null,
    returned: null,
    given_up: [],
    preflight: null,
    ssh: { up: false, endpoint: null, since: at, reason: null },
    stream: 'closed',
    prepared: false,
    ran_here: false,
    knobs: initialKnobs(event.spec),
    fixes: [],
    progress: null,
    check: null,
    failed_checks: 0,
    cadence: null,
    handed_over: false,
    incident: null,
    incidents: [],
    repair: null,
    home: [],
    home_at: null,
    checkpoint: null,
    bad_checkpoints: [],
    sound_step: null,
    away: null,
    left: [],
    intended: [],
    evals: [],
    samples: [],
    advice: null,
    trials: [],
    rescue: null,
    hold: null,
    keep: false,
    destroy_ordered: null,
    destroy_pending: null,
    bid_ordered: null,
    brain: noBrain(),
    backoff: {},
    tail: [],
    sentinel_s: 0,
    lease_until: null,
    eyes: NO_EYES,
  };
}
