/** What a run remembers of its language model: the consult in hand, the bill, the patches. Plain data. */
import type { Proposal } from './proposal.ts';

/** Hard limits, from the agent's file; the loop and the guard both hold them. */
export interface BrainLimits {
  /** Requests in one consult. */
  turns: number;
  /** Tokens (in and out) and dollars that one run may cost in all. */
  tokens: number;
  usd: number;
  /** How long one consult may take, ms of the program's clock. */
  wall_ms: number;
  /** Consults in one run. */
  consults: number;
  /** Changed lines of one diff, by the highest rung that the incident has reached. */
  diff_lines: { fix: number; reduce: number; switch: number };
}

/** The model that is configured; null in the world means that the rules do the whole job. */
export interface BrainSettings {
  model: string;
  limits: BrainLimits;
}

export interface Usage {
  tokens_in: number;
  tokens_out: number;
  usd: number;
}

/** Where the consult about one occurrence of an incident stands. `key` names the occurrence. */
export type Consult =
  | { stage: 'none' }
  | { stage: 'asked'; key: string; incident: number; at: number }
  | { stage: 'proposed'; key: string; incident: number; proposal: Proposal; approved: boolean }
  /** Waits for a person until `until`; nobody's answer is a no. */
  | { stage: 'pending'; key: string; incident: number; proposal: Proposal; why: string; at: number; until: number };

export interface Patch {
  n: number;
  incident: number;
  files: string[];
  diff: string;
  why: string;
  /** `disproven`: applied, and the same failure came back. `proven`: training got beyond the step where it had died. */
  status: 'chosen' | 'refused_by_box' | 'applied' | 'disproven' | 'reverted' | 'proven';
  /** Where it lies at home, relative to the run's results; null until it is proven and written. */
  home: string | null;
}

export interface BrainState {
  consult: Consult;
  /** Occurrences that have had their consult: the rules go on with them. */
  closed: string[];
  /** The next best option as the model sees it, by the occurrence that it gave up on. */
  reports: Record<string, string>;
  consults: number;
  usage: Usage;
  /** The model's words while it speaks; empty when it is silent. */
  says: string;
  patches: Patch[];
}

export const noBrain = (): BrainState => ({ consult: { stage: 'none' }, closed: [], reports: {}, consults: 0, usage: { tokens_in: 0, tokens_out: 0, usd: 0 }, says: '', patches: [] });

/** The name of an occurrence: an incident comes again with a new attempt, or after a remedy that failed before the start. */
export const occurrence = (incident: { id: number; attempt: number; remedies: readonly unknown[] }): string => `${incident.id}.${incident.attempt}.${incident.remedies.length}`;
