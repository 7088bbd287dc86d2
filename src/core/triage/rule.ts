/** How a rule of triage is written. */
import type { Cause } from '../causes.ts';

/**
 * How much a line explains. `fact`: it names the cause by itself. `error`: an ordinary exception. `consequence`: something else probably came first
 * (a peer that vanished, an aborted collective). `summary`: a launcher's or shell's remark that something died.
 */
export type Weight = 'fact' | 'error' | 'consequence' | 'summary';

export interface Rule {
  cause: Cause;
  weight: Weight;
  /** Searched in one cleaned line. Linear-time patterns only. */
  match: RegExp;
  /** Also believed when nothing marks the line as an error (a kernel line, a shell's word). */
  alone?: boolean;
  transient?: boolean;
  /** Named groups become detail fields. */
}

export const WEIGHT: Readonly<Record<Weight, number>> = { fact: 4, error: 3, consequence: 2, summary: 1 };
