/**
 * What people use today, from published mechanics; each at its fair best: checkpoints lie in a bucket and outlive the box, no
 * terminal holds an instance, restarts are switched on where they are documented. Where two settings pull in different
 * directions, both stand in the table.
 */
import { DAY, HOUR, MINUTE, type Need } from './assumptions.ts';
import type { Dice } from './dice.ts';
import type { Policy, Reaction } from './live.ts';

const OWNER: Reaction = { seenAfter: Infinity, after: 0, then: 'stop' };
const SECOND = 1_000;

const human: Policy = {
  name: 'human',
  words: 'a person who looks now and then, and in the morning',
  cite: 'assumed: awake 08:00-23:30, a look an hour (two at weekends), 2 % forgotten until the notice of Vast after 24 idle hours (docs.vast.ai, notifications)',
  mayBid: true,
  patience: null,
  repairsInPlace: true,
  fresh: 1,
  ends: () => null,
  react: () => OWNER,
};

const IDLE_MIN = 5;
/** Looked at each 60 s: whole idle minutes, and a minute to stop. */
const autostopAfter = (dice: Dice): number => (IDLE_MIN + dice() + 1) * MINUTE;
const autostop: Policy = {
  ...human,
  name: 'skypilot_autostop',
  words: 'SkyPilot cluster, autostop 5 min, no terminal left open',
  cite: 'sky/skylet/events.py, autostop_lib.py: every 60 s, idle = no job in the queue and no pty; default 5 min',
  patience: 10 * MINUTE,
  ends: ({ dice }) => autostopAfter(dice),
  react: ({ how, dice }) => (how === 'exit' || how === 'offline' || how === 'outbid' ? { seenAfter: 0, after: autostopAfter(dice), then: 'stop' } : OWNER),
};

const JOBS_POLL = 15 * SECOND;
const JOBS_DOWN = 90 * SECOND;
/** `max_restarts_on_errors`; a preempted or lost cluster is recovered elsewhere, always. */
function jobs(name: string, restartsOnErrors: number, words: string): Policy {
  return {
    ...autostop,
    name,
    words,
    cite: 'sky/jobs/controller.py, recovery_strategy.py, docs "Managed Jobs": poll 15 s, down after an end, recovery elsewhere; max_restarts_on_errors 0 by default',
    repairsInPlace: false,
    ends: ({ dice }) => dice() * JOBS_POLL + JOBS_DOWN,
    react: ({ how, restarts, dice }) => {
      if (how === 'offline' || how === 'outbid') return { seenAfter: dice() * JOBS_POLL, after: MINUTE, then: 'elsewhere' };
      if (how !== 'exit') return OWNER;
      return { seenAfter: dice() * JOBS_POLL, after: JOBS_DOWN, then: restarts < restartsOnErrors ? 'elsewhere' : 'stop' };
    },
  };
}

const DSTACK_DELAYS = [15, 30, 60, 120, 300, 600].map((seconds) => seconds * SECOND);
const DSTACK_END = 27 * SECOND;
const LOST_CONTACT = 2 * MINUTE;
/** Samples of the hour before must all be low: what begins in the middle of one is seen an hour later. */
const UTIL_WINDOW = HOUR;

function dstack(name: string, words: string, { retry, util }: { retry: boolean; util: boolean }): Policy {
  return {
    ...human,
    name,
    words,
    cite: 'dstackai/dstack @511c318 core/backends/vastai (on demand only, destroyed at the end of the job), runs/pending.py (retry delays, 1 h), pipeline_tasks/jobs_running.py (utilization_policy; docs: 10 %, 1 h)',
    mayBid: false,
    patience: 10 * MINUTE,
    repairsInPlace: false,
    ends: () => DSTACK_END,
    react: ({ how, at, fault, restarts, restartingSince }) => {
      const again = retry && (restarts === 0 || at - restartingSince < HOUR);
      const delay = DSTACK_DELAYS[Math.min(restarts, DSTACK_DELAYS.length - 1)] ?? 0;
      if (how === 'offline' || how === 'outbid') return { seenAfter: LOST_CONTACT, after: 0, wait: delay, then: again ? 'elsewhere' : 'stop' };
      if (how === 'exit') return { seenAfter: 0, after: DSTACK_END, wait: delay, then: again ? 'elsewhere' : 'stop' };
      return util && how === 'hang' && fault?.spins === false ? { seenAfter: UTIL_WINDOW, after: DSTACK_END, then: 'stop' } : OWNER;
    },
  };
}

const SILENT = 10 * MINUTE;
/** Armed by the first step; before it the launcher's own limit. */
const FIRST_STEP = HOUR;
const FALSE_ALARM = 0.005;
const TEARDOWN = MINUTE;

/** Inside a managed job, which recovers lost hosts, so that the watchdog's own worth is seen. */
function watchdog(name: string, words: string, restarts: number): Policy {
  const job = jobs(name, restarts, words);
  return {
    ...job,
    cite: 'EROICA 5 x, Unicron 3 x the mean step, NVIDIA-resiliency-ext and NeMo (kill and restart, at most 3 times), inside a managed job: no step for max(10 min, 5 steps) and a non-finite loss end it; wrong once in 200 leases (assumed)',
    ends: () => TEARDOWN,
    react: (event) => {
      const { how, at, trainingAt } = event;
      if (how === 'nan') return { seenAfter: 2 * MINUTE, after: TEARDOWN, then: 'stop' };
      if (how === 'hang') return { seenAfter: at <= trainingAt ? FIRST_STEP : SILENT, after: TEARDOWN, then: event.restarts < restarts ? 'elsewhere' : 'stop' };
      return job.react(event);
    },
    errs: ({ trainingAt, until, dice }) => (dice.chance(FALSE_ALARM) && until > trainingAt ? { at: dice.between(trainingAt, until), then: restarts > 0 ? 'here' : 'stop' } : null),
  };
}

const NAIVE = { looks: [1, 3, 7, 15, 25, 35, 45, 55], cruise: [30, 45, 60], look: 0.03, diagnosis: 0.14, ended: 0.98, idle: [0, 0.7, 0.9], spins: [0, 0.5, 0.8], nan: 0.8, alarm: 0.005, again: 0.4, forgets: 0.02, lives: 50 * HOUR, tries: 5 };

/** ms after the start of the attempt, the `n`th from 0. */
function lookAt(n: number): number {
  const early = NAIVE.looks[n];
  if (early !== undefined) return early * MINUTE;
  let at = NAIVE.looks.at(-1) ?? 0;
  for (let k = NAIVE.looks.length; k <= n; k += 1) at += NAIVE.cruise[Math.min(k - NAIVE.looks.length, NAIVE.cruise.length - 1)] ?? 60;
  return at * MINUTE;
}

const firstLookAfter = (ms: number): number => {
  let n = 0;
  while (lookAt(n) <= ms) n += 1;
  return n;
};

/** The look at which it sees what happened `ms` after the start, each with its chance; ms after the start. */
function seenAt(ms: number, chances: readonly number[], dice: Dice): number {
  for (let n = firstLookAfter(ms), k = 0; ; n += 1, k += 1) if (dice.chance(chances[Math.min(k, chances.length - 1)] ?? 1)) return lookAt(n);
}

const naive = (rightDiagnosis: number, rightFix: number): Policy => ({
  ...human,
  name: 'naive_llm',
  words: 'a language model that looks at 1, 3, 7, 15, every 10, then 30-60 min',
  cite: 'sees, errs and repairs as assumed after AIOpsLab, EROICA, SetupBench; $0.03 a look, $0.14 a diagnosis (ReplayLab); ends of its own after 50 h on average',
  patience: 25 * MINUTE,
  ends: ({ startedAt, at, dice }) => (dice.chance(NAIVE.forgets) || dice.chance(1 - Math.exp(-(at - startedAt) / NAIVE.lives)) ? null : startedAt + seenAt(at - startedAt, [NAIVE.ended], dice) - at + 30 * SECOND),
  react: ({ how, at, fault, startedAt, sameFault, dice }) => {
    if (dice.chance(1 - Math.exp(-(at - startedAt) / NAIVE.lives))) return OWNER;
    const chances = how === 'nan' ? [NAIVE.nan] : how !== 'hang' ? [NAIVE.ended] : fault?.spins ? NAIVE.spins : NAIVE.idle;
    const seenAfter = startedAt + seenAt(at - startedAt, chances, dice) - at;
    if (how === 'offline' || how === 'outbid') return { seenAfter, after: MINUTE, then: 'elsewhere', usd: NAIVE.diagnosis };
    if (sameFault >= NAIVE.tries) return { seenAfter, after: MINUTE, then: 'stop', usd: NAIVE.diagnosis };
    const repeats = sameFault > 0 && dice.chance(NAIVE.again);
    const needed: Need = fault?.need ?? 'rerun';
    const diagnosed = !repeats && dice.chance(rightDiagnosis);
    if (diagnosed && needed === 'person') return { seenAfter, after: MINUTE, then: 'stop', usd: NAIVE.diagnosis };
    const right = diagnosed && dice.chance(rightFix);
    const cures = right ? [needed] : [];
    return { seenAfter, after: 2 * MINUTE, then: right && needed === 'host' ? 'elsewhere' : 'here', cures, usd: NAIVE.diagnosis };
  },
  errs: ({ startedAt, trainingAt, until, dice }) => {
    for (let n = 0; startedAt + lookAt(n) < until; n += 1) if (startedAt + lookAt(n) > trainingAt && dice.chance(NAIVE.alarm)) return { at: startedAt + lookAt(n), then: dice.chance(0.5) ? 'here' : 'stop' };
    return null;
  },
  watches: ({ startedAt, until }) => NAIVE.look * firstLookAfter(until - startedAt),
});

export const oracle: Policy = {
  ...human,
  name: 'oracle',
  words: 'stops the meter as useful work ends, repairs at once what can be repaired',
  cite: 'the floor: half a set-up and the work since the checkpoint for each restart; what only a person can repair waits for one',
  patience: DAY,
  repairsInPlace: false,
  fresh: 0.5,
  foresees: true,
  ends: () => 0,
  react: ({ fault }) => (fault?.need === 'person' ? { seenAfter: 0, after: 0, then: 'stop' } : { seenAfter: 0, after: 0, then: fault === null || fault.need === 'host' ? 'elsewhere' : 'here', cures: fault ? [fault.need] : [] }),
};

/** The oracle first, then the peers. */
export function policies({ rightDiagnosis, rightFix }: { rightDiagnosis: number; rightFix: number }): Policy[] {
  return [
    oracle,
    human,
    autostop,
    jobs('skypilot_jobs', 0, 'SkyPilot managed job'),
    jobs('skypilot_jobs_restarts', 3, 'SkyPilot managed job, max_restarts_on_errors 3'),
    dstack('dstack', 'dstack on Vast', { retry: false, util: false }),
    dstack('dstack_retry', 'dstack on Vast, retry 1 h', { retry: true, util: false }),
    dstack('dstack_util', 'dstack on Vast, utilization_policy 10 % 1 h', { retry: false, util: true }),
    dstack('dstack_util_retry', 'dstack on Vast, utilization_policy, retry', { retry: true, util: true }),
    watchdog('step_watchdog', 'step watchdog in a managed job', 0),
    watchdog('step_watchdog_restarts', 'step watchdog in a managed job, 3 restarts', 3),
    naive(rightDiagnosis, rightFix),
  ];
}

/** Those that cannot bid pay the price on demand, are never outbid, and are measured against an oracle that does the same. */
export const isOnDemand = (name: string): boolean => name.startsWith('dstack');
export const isPeer = (name: string): boolean => name !== 'ours' && name !== 'oracle';
