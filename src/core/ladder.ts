/**
 * The recovery ladder: transient rerun -> dependency/runtime fix -> conservative config reduction -> instance switch.
 * The cause chooses the entry rung; a failed repair climbs to the next rung that this cause can use; everything is bounded.
 */
import type { Cause, Rung } from './causes.ts';
import type { Diagnosis, Fix, Remedy } from './events.ts';
import { reduction } from './knobs.ts';
import { shellQuote } from './quote.ts';
import type { Incident, RunState } from './state.ts';

export type LadderRung = Exclude<Rung, 'none'>;
type Rungs = readonly LadderRung[];

/** From the bottom to the top. */
export const RUNGS: Rungs = ['rerun', 'fix', 'reduce', 'switch'];

/** The rungs that can help against a cause, lowest first. None: only a person can. */
export const ROUTES: Readonly<Record<Cause, Rungs>> = {
  gpu_oom: ['reduce'],
  host_oom_killed: ['reduce', 'switch'],
  disk_full: [],
  missing_dependency: ['fix'],
  dependency_version_mismatch: [],
  cuda_driver_mismatch: ['switch'],
  gpu_hardware: ['switch'],
  nccl_comm: ['rerun', 'switch'],
  network_download: ['rerun', 'switch'],
  auth_missing: [],
  data_error: [],
  config_error: [],
  code_bug: [],
  numeric_divergence: [],
  shm_dataloader: ['rerun', 'reduce', 'switch'],
  checkpoint_corrupt: ['rerun'],
  preempted: ['rerun', 'switch'],
  segfault: ['rerun', 'switch'],
  stall: ['rerun', 'switch'],
  completed: [],
  early_stop: [],
  unknown: ['rerun'],
};

export const BOUNDS = { per_run: 8, per_fingerprint: 4, per_rung: { rerun: 3, fix: 3, reduce: 4, switch: 2 } } as const;

const BACKOFF_MS = [0, 30_000, 120_000];
/** How long a machine that failed us is avoided. */
export const MACHINE_MEMORY_MS = 7 * 24 * 3_600_000;

export type NextStep = { remedy: Remedy; why: string } | { give_up: string; best_option: string };

/** Every remedy of the run so far, each with the fingerprint of the failure that it answered. */
export function spentRemedies(run: RunState): { remedy: Remedy; fingerprint: string }[] {
  return [...run.incidents, ...(run.incident ? [run.incident] : [])].flatMap((one) => one.remedies.map(({ remedy }) => ({ remedy, fingerprint: one.diagnosis.fingerprint })));
}

/** The next remedy for an incident, or why there is none. `machine_id` is the machine that it happened on. */
export function nextRemedy(run: RunState, incident: Pick<Incident, 'remedies'>, diagnosis: Diagnosis, machine_id: number): NextStep {
  const spent = spentRemedies(run);
  const give_up = (reason: string): NextStep => ({ give_up: reason, best_option: diagnosis.next });
  const route = ROUTES[diagnosis.cause];
  if (route.length === 0) return give_up(`no automatic repair is safe for ${diagnosis.cause}`);
  if (spent.length >= BOUNDS.per_run) return give_up(`${BOUNDS.per_run} repairs in this run are enough`);
  const same = spent.filter(({ fingerprint }) => fingerprint === diagnosis.fingerprint).length;
  if (same >= BOUNDS.per_fingerprint) return give_up(`the same failure came back after ${same} repairs`);

  const last = incident.remedies.at(-1)?.remedy;
  // A config reduction has steps of its own: the next one is tried before the next rung. Down is never tried again.
  const left = route.filter((rung) => last === undefined || RUNGS.indexOf(rung) > RUNGS.indexOf(last.rung) || (rung === 'reduce' && last.rung === 'reduce'));
  for (const rung of left) {
    const used = spent.filter(({ remedy }) => remedy.rung === rung).length;
    if (used >= BOUNDS.per_rung[rung]) continue;
    const remedy = build(rung, run, diagnosis, machine_id, used);
    if (remedy) return { remedy, why: last ? `the ${last.rung} did not hold; next for ${diagnosis.cause} is ${rung}` : `${diagnosis.cause} enters the ladder at ${rung}` };
  }
  return give_up(last ? `nothing is left above ${last.rung} for ${diagnosis.cause}` : `the spec allows no repair for ${diagnosis.cause}`);
}

function build(rung: Rungs[number], run: RunState, diagnosis: Diagnosis, machine_id: number, used: number): Remedy | null {
  switch (rung) {
    case 'rerun':
      return { rung, backoff_ms: diagnosis.cause === 'network_download' || diagnosis.cause === 'preempted' ? (BACKOFF_MS[Math.min(used + 1, 2)] ?? 0) : (BACKOFF_MS[Math.min(used, 2)] ?? 0) };
    case 'fix': {
      // Installing twice what did not help once is a loop.
      const name = diagnosis.package;
      return name && !run.fixes.includes(pipInstall({ package: name })) ? { rung, fix: { kind: 'pip_install', package: name } } : null;
    }
    case 'reduce':
      return reduction(run.spec, run.knobs, diagnosis.cause);
    case 'switch':
      return { rung, machine_id, reason: diagnosis.summary };
  }
}

/** The exact command of a pip fix. Name and version are validated, never log text. */
export function pipInstall({ package: name, version }: { package: string; version?: string }): string {
  if (!/^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(name)) throw new RangeError(`${JSON.stringify(name)} is not a package name`);
  if (version !== undefined && !/^[0-9][0-9a-z.]*$/.test(version)) throw new RangeError(`${JSON.stringify(version)} is not a version`);
  return `pip install --no-input --disable-pip-version-check ${name}${version === undefined ? '' : `==${version}`}`;
}

/** The command that carries out a fix on a box, and again on the next instance. A patch's own files are put there before. */
export function fixCommand(fix: Fix): string {
  switch (fix.kind) {
    case 'pip_install':
      return pipInstall(fix);
    case 'set_env':
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(fix.name)) throw new RangeError(`${JSON.stringify(fix.name)} is not the name of a variable`);
      return `printf '%s\\n' ${shellQuote(`${fix.name}=${shellQuote(fix.value)}`)} >> .vastsit/env.sh`;
    case 'patch':
      return `sh .vastsit/patch.sh apply ${Math.trunc(fix.patch)} ${fix.files.map(shellQuote).join(' ')}`;
  }
}
