/** What is really so in a run under ours, whatever the program believes; and the account of it. */
import type { Contract } from './market.ts';
import type { Process } from './process.ts';
import type { Fault } from './track.ts';
import type { Fate } from './world.ts';

export interface Truth {
  fate: Fate;
  /** Obstacles that are behind the run. */
  cured: number;
  /** Where a process begins that is given no checkpoint. */
  base: number;
  /** The fault that the last process met, and where and with which settings it did. */
  hit: { fault: Fault; contract: number; settings: readonly number[]; position: number } | null;
  /** The right change of code or packages was made since. */
  codeRight: boolean;
  /** Contracts whose own fault a rerun has cured. */
  curedHosts: Set<number>;
  process: Process | null;
  contract: Contract | null;
  /** Checkpoints by hash: where they stand, and whether their numbers are gone. */
  checkpoints: Map<string, { position: number; poisoned: boolean }>;
  /** The newest good place that is safe at home. */
  home: number;
  finishedAt: number;
  failures: { at: number; seenAt: number; recoveredAt: number; position: number; key: number }[];
  busyKilled: number;
  lost: number;
  /** The end of the last process. */
  last: number;
}

export function truthOf(fate: Fate): Truth {
  return { fate, cured: 0, base: 0, hit: null, codeRight: false, curedHosts: new Set(), process: null, contract: null, checkpoints: new Map(), home: 0, finishedAt: 0, failures: [], busyKilled: 0, lost: 0, last: 0 };
}

/** A process begins at `from`: what was reached before and is not in it has to be done again. */
export function began(truth: Truth, from: number): void {
  truth.lost += Math.max(0, truth.last - from);
  truth.last = from;
}

/** A process is over, or was ended: how far the run has come, and which failures it has got beyond. */
export function ended(truth: Truth, process: Process): void {
  truth.last = process.position();
  passed(truth, process);
}

export function passed(truth: Truth, process: Process): void {
  const reached = process.position();
  for (const failure of truth.failures) {
    if (failure.recoveredAt === 0 && reached > failure.position) failure.recoveredAt = process.trainingAt + Math.max(0, failure.position - process.from);
  }
}

/** The process met its fault. */
export function met(truth: Truth, process: Process, contract: Contract, settings: readonly number[]): void {
  const { fault, at, position } = process.end;
  if (!fault) return;
  passed(truth, process);
  truth.hit = { fault, contract: contract.index, settings, position };
  truth.codeRight = false;
  if (!truth.failures.some((one) => one.recoveredAt === 0 && one.key === fault.obstacle)) truth.failures.push({ at, seenAt: 0, recoveredAt: 0, position, key: fault.obstacle });
}

/** A process starts again, here and with these settings: does it get past what stopped the last one? */
export function cure(truth: Truth, contract: Contract, settings: readonly number[]): void {
  const { hit } = truth;
  if (!hit) return;
  const elsewhere = contract.index !== hit.contract;
  const smaller = settings.some((value, index) => value < (hit.settings[index] ?? 0));
  const helps = { rerun: true, host: elsewhere, config: smaller, code: truth.codeRight, person: false }[hit.fault.need];
  if (!helps) return;
  if (hit.fault.obstacle >= 0) truth.cured = Math.max(truth.cured, hit.fault.obstacle + 1);
  else if (!elsewhere) truth.curedHosts.add(contract.index);
  truth.hit = null;
}

/** The owner repairs what stopped it. */
export function curedByPerson(truth: Truth): void {
  if (truth.hit && truth.hit.fault.obstacle >= 0) truth.cured = Math.max(truth.cured, truth.hit.fault.obstacle + 1);
  truth.hit = null;
  truth.base = Math.max(truth.base, truth.home, 0);
}
