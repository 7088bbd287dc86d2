/** What one line says, before it is weighed against the lines before it. Absent means: the line doesn't say. */
import type { Rate } from './rates.ts';

export interface LineRecord {
  /** The line as a whole belongs to the training loop, or to an evaluation. */
  context: 'train' | 'eval';
  shape: 'bar' | 'line' | 'dict' | 'table' | 'csv' | 'user';
  format?: string;
  step?: number;
  /** An abbreviated count (12.8k) may be off by this much. */
  slack?: number;
  total?: number;
  /** The step has no other training value beside it, or a word that may mean something else: only believed while nothing better is known. */
  weakStep?: boolean;
  epoch?: number;
  /** NaN and infinities as printed. */
  loss?: number;
  /** How surely it is the training loss: 10 is "loss" itself, 2 some loss. */
  lossRank?: number;
  lr?: number;
  rate?: Rate;
  /** Seconds per step when the line says so beside a rate in other units. */
  stepSeconds?: number;
  /** The rate is what the line calls just "time", in seconds. */
  timed?: number;
  eta?: number;
  eval?: Record<string, number>;
  /** A gradient norm of nan beside a loss of exactly zero, or beside none. */
  deadGradient?: boolean;
}
