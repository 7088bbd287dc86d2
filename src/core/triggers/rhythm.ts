/**
 * The run's own rhythm: how long its steps take, and which long pauses it has come back from. Fed with every reading
 * of the log; judged by the triggers. Pauses in which nobody listened teach nothing.
 */
import type { ProgressReading } from '../progress/index.ts';
import { addSparse } from '../thin.ts';

type Activity = NonNullable<ProgressReading['activity']>;

export interface Rhythm {
  /** Longest pause come back from, ms, by what the log spoke of meanwhile; `training` when it spoke of nothing else. */
  pauses: Partial<Record<Activity, number>>;
  /** What the log has spoken of since the last advance, other than training. */
  doing: Activity | null;
  /** Advances count from here on, epoch ms; null while nobody listens. */
  heard_from: number | null;
  /** Closed laps of this attempt, newest last: ms a step while it trained. */
  laps: number[];
  lap: { ms: number; steps: number };
  /** ms a step in this attempt's stable phase; null until it is known. */
  pace: number | null;
  /** The objective as it was shown, (step, value), spread over the whole run. */
  objective: { step: number; value: number }[];
}

export const NO_RHYTHM: Rhythm = { pauses: {}, doing: null, heard_from: null, laps: [], lap: { ms: 0, steps: 0 }, pace: null, objective: [] };

/** Training time in a lap, ms. */
export const LAP_MS = 60_000;
const LAPS_KEPT = 30;
/** The first laps are warm-up; as many again make the pace known. */
export const WARM_UP = 2;
export const STABLE = 10;
const POINTS_KEPT = 60;
/** A gap this many times the median is a pause and no training time. */
const PAUSE = 5;

/** The step grew by `steps`, `gap_ms` after it last did. `heard`: somebody listened all the while. */
export interface Advance {
  gap_ms: number;
  steps: number;
  heard: boolean;
}

/** Folds one reading in; `advance` is null when its step is the one before. */
export function learn(rhythm: Rhythm, reading: ProgressReading, advance: Advance | null, recent_gaps: readonly number[], metric: string): Rhythm {
  const objective = withObjective(rhythm.objective, reading, metric);
  if (advance === null) {
    const doing = reading.activity === null || reading.activity === 'training' ? rhythm.doing : reading.activity;
    return doing === rhythm.doing && objective === rhythm.objective ? rhythm : { ...rhythm, doing, objective };
  }
  const fresh = { ...rhythm, objective, doing: null };
  if (!advance.heard) return fresh;
  const what = rhythm.doing ?? 'training';
  const usual = median(recent_gaps.slice(-20));
  const pause = rhythm.doing !== null || (usual !== null && advance.gap_ms > PAUSE * usual);
  const longest = rhythm.pauses[what] ?? 0;
  const pauses = pause && advance.gap_ms > longest ? { ...rhythm.pauses, [what]: advance.gap_ms } : rhythm.pauses;
  return pause ? { ...fresh, pauses } : { ...fresh, ...lapped(rhythm, advance) };
}

/** A stream that opens first tells what was written before; that says nothing about the pace. */
const CATCH_UP_MS = 30_000;

export const listening = (rhythm: Rhythm, at: number | null): Rhythm => ({ ...rhythm, heard_from: at === null ? null : at + CATCH_UP_MS });

/** A new attempt, on this box or another, finds its own pace; what its pauses are like it keeps. */
export const restarted = (rhythm: Rhythm): Rhythm => ({ ...NO_RHYTHM, pauses: rhythm.pauses, objective: rhythm.objective });

function lapped(rhythm: Rhythm, { gap_ms, steps }: Advance): Pick<Rhythm, 'lap' | 'laps' | 'pace'> {
  const lap = { ms: rhythm.lap.ms + gap_ms, steps: rhythm.lap.steps + steps };
  if (lap.ms < LAP_MS) return { lap, laps: rhythm.laps, pace: rhythm.pace };
  const laps = [...rhythm.laps, lap.ms / lap.steps].slice(-LAPS_KEPT);
  return { lap: { ms: 0, steps: 0 }, laps, pace: rhythm.pace ?? (laps.length >= WARM_UP + STABLE ? median(laps.slice(WARM_UP)) : null) };
}

function withObjective(points: Rhythm['objective'], reading: ProgressReading, metric: string): Rhythm['objective'] {
  const value = objectiveOf(reading, metric);
  const { step } = reading;
  const last = points.at(-1);
  if (value === null || step === null || !Number.isFinite(value) || (last && (value === last.value || step === last.step))) return points;
  // A resume goes back: what came after its step belongs to the attempt that died.
  const kept = last && step < last.step ? points.filter((point) => point.step < step) : points;
  return addSparse(kept, { step, value }, POINTS_KEPT);
}

/** The value of the spec's objective; `eval_` in front makes no difference. */
export function objectiveOf(reading: ProgressReading, metric: string): number | null {
  if (metric === 'loss') return reading.loss;
  const plain = (name: string): string => name.toLowerCase().replace(/^(eval|val|valid|validation|test)[_/]/, '');
  const exact = reading.eval?.[metric];
  return exact ?? Object.entries(reading.eval ?? {}).find(([name]) => plain(name) === plain(metric))?.[1] ?? null;
}

/** Middle value; null of nothing. */
export const median = (values: readonly number[]): number | null => quantile(values, 0.5);

export function quantile(values: readonly number[], share: number): number | null {
  const sorted = sortedOf(values);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
}

/** A run's gaps are asked about at every look, and change with a step: what is worth it is sorted once. */
const WORTH_KEEPING = 32;
const known = new WeakMap<readonly number[], readonly number[]>();

function sortedOf(values: readonly number[]): readonly number[] {
  const kept = known.get(values);
  if (kept) return kept;
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length >= WORTH_KEEPING) known.set(values, sorted);
  return sorted;
}
