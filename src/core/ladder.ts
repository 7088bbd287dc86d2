/**
 * The recovery ladder: transient rerun -> dependency/runtime fix -> conservative config reduction -> instance switch.
 * The cause chooses the entry rung; a failed repair climbs to the next rung that this cause can use; everything is bounded.
 */
import type { Cause, Rung } from './causes.ts';
import { checkpointsIn } from './checkpoints.ts';
import type { Diagnosis, Remedy } from './events.ts';
import { knownFacts, type Fix } from './fixes.ts';
import { reduction } from './knobs.ts';
import type { Incident, RunState } from './state.ts';

export type LadderRung = Exclude<Rung, 'none'>;
type Rungs = readonly LadderRung[];

/** From the bottom to the top. */
export const RUNGS: Rungs = ['rerun', 'fix', 'reduce', 'switch'];

/** The rungs that can help against a cause, lowest first. None: only a person can. */
export const ROUTES: Readonly<Record<Cause, Rungs>> = {
  // What does not fit with the smallest batch either shares its GPU with somebody's memory, or wants another machine.
  gpu_oom: ['fix', 'reduce', 'switch'],
  host_oom_killed: ['reduce', 'switch'],
  // A fresh disk holds what the run needs, and nothing else.
  disk_full: ['fix', 'switch'],
  missing_dependency: ['fix'],
  dependency_version_mismatch: ['fix'],
  cuda_driver_mismatch: ['switch'],
  gpu_hardware: ['switch'],
  nccl_comm: ['rerun', 'fix', 'switch'],
  network_download: ['rerun', 'switch'],
  auth_missing: [],
  data_error: [],
  config_error: [],
  code_bug: [],
  // Only where the spec declares a knob (a learning rate, a precision) as its answer: nobody else may change the experiment.
  numeric_divergence: ['reduce'],
  shm_dataloader: ['rerun', 'fix', 'reduce', 'switch'],
  checkpoint_corrupt: ['rerun'],
  preempted: ['rerun', 'switch'],
  segfault: ['rerun', 'switch'],
  stall: ['rerun', 'fix', 'switch'],
  completed: [],
  early_stop: [],
  // Of crashes that say nothing, or speak of the GPU's memory, every third is the machine's.
  unknown: ['rerun', 'fix', 'switch'],
};

export const BOUNDS = {
  per_run: 9,
  /** One more try costs a restart; giving up costs a grace, a person's night and a fresh box. */
  per_fingerprint: 7,
  per_rung: { rerun: 3, fix: 6, reduce: 4, switch: 2 },
  /** A loss that two smaller values have not saved is wrong for another reason, and each look costs the way back to where it broke. */
  divergence: 2,
  /** Share of kill.dollars that repairs may cost without a new checkpoint, once two of them have not led to one. */
  share_without_checkpoint: 0.5,
  /** A model guesses: once its repairs of a failure have not held and have cost so much ($), it is asked no more about it. */
  guesses_usd: 2,
  /** Starts after the run was interrupted from outside, without a new checkpoint. They are no repairs: nothing was wrong with the run. */
  interruptions: 8,
} as const;

export const BACKOFF_MS = [0, 30_000, 120_000, 600_000];
/** What an outside service did passes by itself, but not at once. An instance that is back needs no waiting, and bills. */
const PASSING: readonly Cause[] = ['network_download'];
/** How long a machine that failed us is avoided. */
export const MACHINE_MEMORY_MS = 7 * 24 * 3_600_000;

export type NextStep = { remedy: Remedy; why: string } | { give_up: string; best_option: string };

export interface Spent {
  remedy: Remedy;
  at: number;
  fingerprint: string;
}

/** Every repair of the run so far, each with the fingerprint of the failure that it answered. */
export const spentRemedies = (run: RunState): Spent[] => remediesOf(run, false);

/** The starts of the run after it was interrupted from outside. */
export const interruptions = (run: RunState): Spent[] => remediesOf(run, true);

/** What leaves an instance that went away repairs nothing, also while a failure is being answered. */
const remediesOf = (run: RunState, fromOutside: boolean): Spent[] =>
  [...run.incidents, ...(run.incident ? [run.incident] : [])].flatMap(({ diagnosis, remedies }) =>
    remedies.flatMap(({ remedy, at }) => ((diagnosis.cause === 'preempted' || (remedy.rung === 'switch' && remedy.leave === true)) === fromOutside ? [{ remedy, at, fingerprint: diagnosis.fingerprint }] : [])),
  );

/** Why nothing more may be tried, whoever proposes it; null while there is room. `usd` as in `nextRemedy`. */
export function boundReached(run: RunState, diagnosis: Pick<Diagnosis, 'cause' | 'fingerprint'>, usd: number): string | null {
  if (diagnosis.cause === 'preempted') {
    const lost = interruptions(run).filter(({ at }) => at > (run.checkpoint?.at ?? 0)).length;
    return lost >= BOUNDS.interruptions ? `it was interrupted ${lost} times without a new checkpoint` : lost >= 2 ? overspent(run, lost, 'starts', usd) : null;
  }
  const spent = spentRemedies(run);
  if (spent.length >= BOUNDS.per_run) return `${BOUNDS.per_run} repairs in this run are enough`;
  const same = spent.filter(({ fingerprint }) => fingerprint === diagnosis.fingerprint).length;
  if (same >= BOUNDS.per_fingerprint) return `the same failure came back after ${same} repairs`;
  const fruitless = spent.filter(({ at }) => at > (run.checkpoint?.at ?? 0)).length;
  return fruitless >= 2 ? overspent(run, fruitless, 'repairs', usd) : null;
}

const overspent = (run: RunState, count: number, what: string, usd: number): string | null => (usd >= BOUNDS.share_without_checkpoint * run.spec.kill.dollars ? `${count} ${what} and $${usd.toFixed(2)} have not led to a new checkpoint` : null);

/** The market took the attempt's instance away: that it is back is a new beginning, and no rung has failed. */
const wasAway = (run: RunState, { cause }: Diagnosis): boolean => cause === 'preempted' && run.away !== null && run.away.attempt === run.attempt;

/**
 * The next remedy for an incident, or why there is none. `machine_id` is the machine that it happened on; `usd` is what the
 * run has cost since its newest checkpoint came home.
 */
export function nextRemedy(run: RunState, incident: Pick<Incident, 'remedies'>, diagnosis: Diagnosis, machine_id: number, usd = 0): NextStep {
  const spent = spentRemedies(run);
  const give_up = (reason: string): NextStep => ({ give_up: reason, best_option: diagnosis.next });
  const route = ROUTES[diagnosis.cause];
  if (route.length === 0) return give_up(`no automatic repair is safe for ${diagnosis.cause}`);
  const bound = boundReached(run, diagnosis, usd);
  if (bound !== null) return give_up(bound);

  const last = wasAway(run, diagnosis) ? undefined : incident.remedies.at(-1)?.remedy;
  // A reduction has steps of its own, and so have fixes and older checkpoints: the next one is tried before the next rung.
  const steps = last?.rung === 'reduce' || last?.rung === 'fix' || (last?.rung === 'rerun' && last.avoid !== undefined);
  // Down is never tried again, also when the last remedy was none of this route.
  const left = route.filter((rung) => last === undefined || RUNGS.indexOf(rung) > RUNGS.indexOf(last.rung) || (steps && rung === last.rung));
  for (const rung of left) {
    const used = spent.filter(({ remedy }) => remedy.rung === rung).length;
    if (used >= BOUNDS.per_rung[rung]) continue;
    if (rung === 'reduce' && diagnosis.cause === 'numeric_divergence' && incident.remedies.filter(({ remedy }) => remedy.rung === 'reduce').length >= BOUNDS.divergence) continue;
    const remedy = build(rung, run, diagnosis, machine_id, used);
    if (remedy) return { remedy, why: last ? `the ${last.rung} did not hold; next for ${diagnosis.cause} is ${rung}` : `${diagnosis.cause} enters the ladder at ${rung}` };
  }
  return give_up(last ? `nothing is left above ${last.rung} for ${diagnosis.cause}` : `the spec allows no repair for ${diagnosis.cause}`);
}

function build(rung: Rungs[number], run: RunState, diagnosis: Diagnosis, machine_id: number, used: number): Remedy | null {
  switch (rung) {
    case 'rerun': {
      const backoff_ms = BACKOFF_MS[Math.min(used + (PASSING.includes(diagnosis.cause) ? 1 : 0), BACKOFF_MS.length - 1)] ?? 0;
      return diagnosis.cause === 'checkpoint_corrupt' ? rerunWithout(run, diagnosis) : { rung, backoff_ms };
    }
    case 'fix': {
      // What did not help once is not done twice.
      const tried = new Set([...run.incidents, ...(run.incident ? [run.incident] : [])].flatMap((one) => one.remedies.flatMap(({ remedy }) => (remedy.rung === 'fix' ? [knownFacts(remedy.fix)?.command] : []))));
      const fix = fixesOf(diagnosis).find((one) => {
        const command = knownFacts(one)?.command;
        return command !== undefined && !tried.has(command) && !(one.kind === 'env' && one.name in run.spec.env);
      });
      return fix ? { rung, fix } : null;
    }
    case 'reduce':
      return reduction(run.spec, run.knobs, diagnosis.cause);
    case 'switch':
      return { rung, machine_id, reason: diagnosis.summary };
  }
}

/** An older checkpoint, or the start when the damaged one was the only one; null when that is no help. */
function rerunWithout(run: RunState, diagnosis: Diagnosis): Remedy | null {
  const avoid = run.attempts.at(-1)?.resume_from ?? null;
  if (avoid === null) return { rung: 'rerun', backoff_ms: 0 };
  const older = checkpointsIn(run.home, run.spec.checkpoints?.path ?? [], [...run.bad_checkpoints, avoid]).length > 0;
  // A command that began elsewhere than it was told would do so again, and write over what is there.
  return older || diagnosis.trigger !== 'resume_lost' ? { rung: 'rerun', backoff_ms: 0, avoid } : null;
}

const fixesOf = ({ package: name, fixes = [] }: Diagnosis): Fix[] => (name === undefined ? fixes : [{ kind: 'pip_install', package: name }, ...fixes]);
