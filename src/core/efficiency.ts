/**
 * What holds a healthy run back, from what the box itself reads, and what would help. Said only once the run's rhythm is
 * stable: before that every number describes the start, not the training.
 */
import type { GpuReading, ProbeReading } from './probe.ts';
import type { ProgressState, RunState } from './state.ts';
import type { Spec } from './spec.ts';
import { figure } from './line.ts';
import { median, quantile, STABLE, WARM_UP, type Rhythm } from './triggers/rhythm.ts';
import { changesFor, ROOM, type Change } from './tune.ts';

/** One healthy check, reduced to shares (0 to 1) and rates; null is unknown, never zero. */
export interface Sample {
  at: number;
  util: number | null;
  /** Power drawn as a share of the limit. */
  power: number | null;
  memory: number | null;
  throttled: boolean | null;
  /** Busy CPU seconds per second, over the time since the check before. */
  cores: number | null;
  /** Bytes per second, over the same time. */
  read: number | null;
  written: number | null;
  /** Share of the host's memory that is in use. */
  host_memory: number | null;
}

export type Bottleneck = 'data' | 'compute' | 'memory' | 'logging' | 'throttling' | 'none';

/** A change that would help. `gain` is the expected rise of the step rate (0.2 is 20 %); `size` is what must be touched. */
export interface Suggestion {
  what: string;
  gain: number;
  size: 'setting' | 'config' | 'code' | 'hardware';
  risk: 'low' | 'medium' | 'high';
  /** May it be made without asking, under the spec's complexity? */
  allowed: boolean;
  /** What the program can change by itself; null where it takes a person. */
  change: Change | null;
}

export interface Advice {
  bottleneck: Bottleneck;
  evidence: string[];
  suggestions: Suggestion[];
  /** Steps per second that a change must beat. */
  baseline: number;
}

const SAMPLES_KEPT = 6;
const ENOUGH_SAMPLES = 3;
/** How well the mean of the laps must be known: their spread (interquartile range over median) by the root of their number. */
const KNOWN = 0.08;

/** A reading as a sample; `before` is the healthy reading before it on the same attempt. */
export function sampleOf(reading: ProbeReading, before: ProbeReading | null): Sample {
  const gpus = reading.gpus ?? [];
  const seconds = before ? (reading.at - before.at) / 1_000 : 0;
  const rate = (now: number | null | undefined, then: number | null | undefined): number | null => (now == null || then == null || seconds <= 0 || now < then ? null : (now - then) / seconds);
  return {
    at: reading.at,
    util: mean(gpus.map(({ util }) => share(util, 100))),
    power: mean(gpus.map(({ power_w, power_limit_w }) => share(power_w, power_limit_w))),
    memory: mean(gpus.map(({ mem_used, mem_total }) => share(mem_used, mem_total))),
    throttled: throttledOf(gpus),
    cores: rate(reading.cpu_s, before?.cpu_s),
    read: rate(reading.io?.read_bytes, before?.io?.read_bytes),
    written: rate(reading.io?.write_bytes, before?.io?.write_bytes),
    host_memory: share(reading.mem_used, reading.mem_total),
  };
}

export const keepSample = (samples: readonly Sample[], sample: Sample): Sample[] => [...samples, sample].slice(-SAMPLES_KEPT);

/**
 * Steps per second of a stable rhythm; null while it is not stable, so that nothing is judged or changed too early. Stable is
 * a rhythm whose mean is known: a noisy one takes longer, one that drifts never gets there.
 */
export function stableRate({ laps }: Pick<Rhythm, 'laps'>, samples: readonly Sample[]): number | null {
  const trained = laps.slice(WARM_UP);
  const middle = median(trained);
  if (trained.length < STABLE || samples.length < ENOUGH_SAMPLES || middle === null || middle <= 0) return null;
  const spread = ((quantile(trained, 0.75) ?? 0) - (quantile(trained, 0.25) ?? 0)) / middle;
  return spread / Math.sqrt(trained.length) > KNOWN ? null : 1_000 / middle;
}

/** The verdict on a stable run; null while its baseline is not stable. `cores`: CPU cores that the instance has, null where that is unknown. */
export function judgeEfficiency({ spec, progress, samples, knobs, eyes }: Pick<RunState, 'spec' | 'progress' | 'samples' | 'knobs' | 'eyes'>, cores: number | null): Advice | null {
  const baseline = stableRate(eyes.rhythm, samples);
  if (baseline === null) return null;
  // One look that fell into a pause proves nothing.
  const of = (pick: (sample: Sample) => number | null): number | null => median(samples.map(pick).filter((value) => value !== null));
  const util = of(({ util: value }) => value);
  const power = of(({ power: value }) => value);
  const memory = of(({ memory: value }) => value);
  const busy = of(({ cores: value }) => value);
  const written = of(({ written: value }) => value);
  const read = of(({ read: value }) => value);
  const throttled = samples.filter((one) => one.throttled === true).length;
  const starved = busy !== null && cores !== null && busy > 0.8 * cores;
  /** By how much the rate would rise if the GPU never waited. */
  const room = util === null ? ROOM : 1 / Math.max(util, 0.1) - 1;
  const advice = (bottleneck: Bottleneck, evidence: string[], general: Omit<Suggestion, 'allowed' | 'change'>): Advice => {
    // What can be done at once comes before what a person would have to do. Where every core is busy, more workers only get in each other's way.
    const own = changesFor(spec, knobs, bottleneck, bottleneck === 'data' ? room : ROOM)
      .filter(({ change }) => bottleneck !== 'data' || !starved || change.kind !== 'knob')
      .map(({ words, ...one }) => ({ ...one, what: words }));
    return { bottleneck, evidence, baseline, suggestions: [...own, { ...general, change: null }].map((one) => ({ ...one, allowed: allowed(spec, one) })) };
  };
  const percent = (value: number | null): string => (value === null ? 'unknown' : `${Math.round(value * 100)} %`);
  const mb = (value: number): string => `${Math.round(value / 1e6)} MB/s`;
  const pauses = longPauses(progress);

  if (throttled > samples.length / 2) {
    return advice('throttling', [`the driver reports a slowdown in ${throttled} of ${samples.length} checks`, `GPU power ${percent(power)} of its limit`], { what: 'move to another machine at the next checkpoint: this one is too hot or underpowered', gain: 0.25, size: 'hardware', risk: 'medium' });
  }
  if (util === null) return null;
  if (util >= 0.85 && (power === null || power >= 0.6)) {
    if (memory !== null && memory < 0.5) return advice('none', [`GPU busy ${percent(util)}, power ${percent(power)}, memory ${percent(memory)}`], { what: 'a larger batch fits into the memory that is free', gain: 0.1, size: 'config', risk: 'medium' });
    return advice('compute', [`GPU busy ${percent(util)}, power ${percent(power)}`], { what: 'lower precision (bf16, TF32) or a compiled model, where the model tolerates it', gain: 0.2, size: 'code', risk: 'medium' });
  }
  if (pauses >= 0.2) {
    const evidence = [`${percent(pauses)} of the time is spent in pauses between steps${written === null ? '' : `, ${mb(written)} written`}`];
    return advice('logging', evidence, { what: 'save, log and evaluate less often, or save in the background', gain: pauses / 2, size: 'config', risk: 'low' });
  }
  if (util >= 0.85) return advice('memory', [`GPU busy ${percent(util)} at ${percent(power)} of its power: it waits for its own memory`], { what: 'fused optimizer and attention kernels, channels-last, fewer small operations', gain: 0.15, size: 'code', risk: 'medium' });
  const cpu = busy === null ? [] : [`${busy.toFixed(1)}${cores === null ? '' : ` of ${figure(cores)}`} CPU cores busy`];
  const disk = read === null ? [] : [`${mb(read)} read`];
  return advice(
    'data',
    [`GPU busy ${percent(util)}`, ...cpu, ...disk],
    starved
      ? { what: 'prepare the data once instead of at each step: every core is busy with it', gain: Math.min(0.5, room / 2), size: 'code', risk: 'medium' }
      : { what: 'more data-loader workers, pinned memory and prefetching', gain: Math.min(0.5, room / 2), size: 'config', risk: 'low' },
  );
}

/** What each complexity lets the program change by itself; code is never changed. */
function allowed(spec: Spec, { size, risk }: Pick<Suggestion, 'size' | 'risk'>): boolean {
  switch (spec.complexity) {
    case 'simple':
      return size === 'setting' && risk === 'low';
    case 'moderate':
      return (size === 'setting' || size === 'config') && risk === 'low';
    case 'complex':
      return (size === 'setting' || size === 'config') && risk !== 'high';
  }
}

/** Share of the recent time that went into gaps far longer than an ordinary step. */
function longPauses(progress: ProgressState | null): number {
  const gaps = progress?.gaps.slice(-100) ?? [];
  const median = [...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0;
  const total = gaps.reduce((sum, gap) => sum + gap, 0);
  return total <= 0 ? 0 : gaps.filter((gap) => gap > 3 * median).reduce((sum, gap) => sum + gap - median, 0) / total;
}

const share = (value: number | null, of: number | null): number | null => (value === null || of === null || of <= 0 ? null : value / of);

function throttledOf(gpus: readonly GpuReading[]): boolean | null {
  const known = gpus.flatMap(({ throttled }) => (throttled === null ? [] : [throttled]));
  return known.length === 0 ? null : known.some(Boolean);
}

function mean(values: readonly (number | null)[]): number | null {
  const known = values.flatMap((value) => (value === null ? [] : [value]));
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
