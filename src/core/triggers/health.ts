/** What is wrong with a run that advances all the same. Each needs a window of looks, and none judges before it has one. */
import { figure } from '../line.ts';
import { instanceOf, type RunState, type World } from '../state.ts';
import type { Look } from './alerts.ts';
import { median } from './rhythm.ts';
import type { CheckSample } from './sample.ts';
import { BUSY_POWER } from './signs.ts';

const UNKNOWN: Look = { is: 'unknown' };
const OFF: Look = { is: 'off' };
const DOUBT: Look = { is: 'doubt' };

/** This attempt's newest samples that have GPUs, oldest first. */
function window(run: RunState, count: number): (CheckSample & { gpus: NonNullable<CheckSample['gpus']> })[] {
  const attempt = run.attempts.at(-1)?.number;
  return run.eyes.samples
    .filter((one) => one.attempt === attempt)
    .slice(-count)
    .flatMap((one) => (one.gpus === null ? [] : [{ ...one, gpus: one.gpus }]));
}

/** Training went on between each two of them, and the log spoke of nothing else. */
const trained = (samples: readonly CheckSample[]): boolean =>
  samples.every((one) => one.activity === 'training' || one.activity === null) && samples.every((one, index) => index === 0 || (one.step !== null && one.step > (samples[index - 1]?.step ?? Infinity)));

/** `bad` at the newest look asks for more looks; in all of a full window it is on; good ones close it. */
function overWindow(samples: readonly CheckSample[], count: number, bad: (sample: CheckSample) => boolean | null, words: () => string): Look {
  const newest = samples.at(-1);
  const verdict = newest ? bad(newest) : null;
  if (verdict === null) return UNKNOWN;
  if (!verdict) return OFF;
  if (samples.length < count) return DOUBT;
  return samples.every((one) => bad(one) === true) ? { is: 'on', words: words() } : DOUBT;
}

const LOW_UTIL = { on: 25, off: 40 };

/** Steps come, and the GPU mostly waits for them. */
export function gpuLow(_: World, run: RunState): Look {
  const samples = window(run, 4);
  if (!trained(samples.slice(-2)) || cpuOnly(samples.at(-1)) !== false) return UNKNOWN;
  const bad = ({ gpus }: CheckSample): boolean | null => {
    if (gpus?.util == null) return null;
    if (gpus.util < LOW_UTIL.on && (gpus.power === null || gpus.power < BUSY_POWER)) return true;
    return gpus.util >= LOW_UTIL.off ? false : null;
  };
  const look = overWindow(samples, 4, bad, () => `the GPU is used to ${Math.round(median(samples.map(({ gpus }) => gpus.util ?? 0)) ?? 0)} % while it trains: it waits for data or for the CPU`);
  return look.is === 'on' && !trained(samples) ? DOUBT : look;
}

function cpuOnly(sample: CheckSample | undefined): boolean | null {
  const gpus = sample?.gpus;
  if (!gpus || gpus.mem_mb === null || gpus.util_max === null) return null;
  return gpus.used === 0 && gpus.util_max <= 2;
}

/** Steps come, and no GPU holds anything: a silent fall back to the CPU. */
export function cpuRun(_: World, run: RunState): Look {
  const samples = window(run, 3);
  const look = overWindow(samples, 3, cpuOnly, () => 'it trains on the CPU: no GPU holds memory or computes; check the torch build and its driver');
  return look.is === 'off' || trained(samples) ? look : UNKNOWN;
}

/** Fewer GPUs than are paid for: missing, or never used. */
export function fewerGpus(world: World, run: RunState): Look {
  const paid = instanceOf(world, run)?.facts.num_gpus ?? run.spec.hardware.num_gpus;
  const samples = window(run, 3);
  const short = ({ gpus }: CheckSample): boolean | null => (gpus === null || gpus.mem_mb === null ? null : gpus.count < paid || (gpus.used > 0 && gpus.used < gpus.count));
  const newest = samples.at(-1)?.gpus;
  const look = overWindow(samples, 3, short, () => (newest && newest.count < paid ? `pays for ${paid} GPUs, and the driver shows ${newest.count}` : `pays for ${paid} GPUs and uses ${newest?.used ?? 0}`));
  return look.is === 'off' || trained(samples) || (newest && newest.count < paid) ? look : UNKNOWN;
}

export function throttled(_: World, run: RunState): Look {
  return overWindow(window(run, 3), 3, ({ gpus }) => gpus?.throttled ?? null, () => 'the GPU is slowed down by heat or power: the machine is at fault');
}

/** Shares of the expected pace. */
const SLOW = { on: 0.6, off: 0.8 };
const DECLARED = { on: 0.9, off: 1 };
const RECENT_LAPS = 10;

/** Median pace of the last laps (a minute of training each, at least) against the declared or the learned one. */
export function throughputLow(_: World, run: RunState): Look {
  const { laps, pace } = run.eyes.rhythm;
  const { rate } = run.spec;
  const recent = median(laps.slice(-RECENT_LAPS));
  if (recent === null || laps.length < RECENT_LAPS) return UNKNOWN;
  const expected = rate === 'learn' ? (pace === null ? null : 1_000 / pace) : rate.min;
  if (expected === null) return UNKNOWN;
  const now = 1_000 / recent;
  const bounds = rate === 'learn' ? SLOW : DECLARED;
  if (now >= bounds.off * expected) return OFF;
  return now < bounds.on * expected ? { is: 'on', words: `${figure(now)} steps/s for the last ${RECENT_LAPS} minutes of training; ${rate === 'learn' ? 'its own stable pace was' : 'the spec expects at least'} ${figure(expected)}` } : UNKNOWN;
}

/** Nothing is said about a metric before this many steps, unless the spec has a word of its own. */
const MIN_STEPS = 100;
const POINTS_A_THIRD = 3;
/** Worse than the best third by this share, and by this many times the noise. */
const WORSE = { share: 0.25, noise: 5 };

/** The objective gets worse and worse: its last third of steps against the best of the earlier ones. */
export function metricWorse(_: World, run: RunState): Look {
  const { objective: points } = run.eyes.rhythm;
  const { metric, direction } = run.spec.objective;
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || last.step < Math.max(run.spec.early_stop?.min_steps ?? MIN_STEPS, 1)) return UNKNOWN;
  const sign = direction === 'min' ? 1 : -1;
  const third = (last.step - first.step) / 3;
  const part = (n: number): number[] => points.filter(({ step }) => step >= first.step + n * third && (n === 2 || step < first.step + (n + 1) * third)).map(({ value }) => sign * value);
  const parts = [part(0), part(1), part(2)];
  if (parts.some((values) => values.length < POINTS_A_THIRD)) return UNKNOWN;
  const [a = 0, b = 0, c = 0] = parts.map((values) => median(values) ?? 0);
  const best = Math.min(a, b);
  const noise = Math.max(...parts.map((values) => median(values.map((value) => Math.abs(value - (median(values) ?? 0)))) ?? 0));
  if (c <= best + noise) return OFF;
  if (c - best <= Math.max(WORSE.share * Math.abs(best), WORSE.noise * noise, run.spec.early_stop?.min_delta ?? 0) || c <= b) return UNKNOWN;
  return { is: 'on', words: `${metric} is ${figure(sign * c)} and was ${figure(sign * best)}: it gets worse, and it should ${direction === 'min' ? 'fall' : 'rise'}` };
}
