/** What the box looks like, from several signs over a window: one low sample proves nothing. */
import type { ProbeReading } from '../probe.ts';
import { gpuSample, type CheckSample, type GpuSample } from './sample.ts';

/** `spinning`: fully used and hardly warm, as in a collective that waits for a peer. */
export type GpuLook = 'busy' | 'spinning' | 'idle' | 'unknown';

export interface Signs {
  gpu: GpuLook;
  /** The process tree or the box moved bytes since the sample before; null when that is not known. */
  moving: boolean | null;
  /** The process tree computed; null when that is not known. */
  computing: boolean | null;
  /** ms since the log last grew; null when the box could not tell. */
  silent_ms: number | null;
  /** MB that the fullest GPU holds. */
  held_mb: number | null;
}

/** A GPU that computes draws well above this share of its limit; a spinning collective does not. */
export const BUSY_POWER = 0.45;
const SPINNING_UTIL = 90;
const IDLE_UTIL = 10;
/** Cores. A waiting interpreter with its workers needs a few hundredths of one. */
const COMPUTING_CORES = 0.3;
/** Bytes a second of disk or network: below are heartbeats and log lines. */
const MOVING_BYTES_S = 1_000_000;
/** Two samples closer than this give no rate. */
const APART_MS = 15_000;

/** The signs at the newest look. Growth is measured between the last two samples, both taken at or after `since`. */
export function signsOf(samples: readonly CheckSample[], reading: ProbeReading, since: number): Signs {
  const gpu = gpuSample(reading);
  const newest = samples.at(-1);
  const before = newest && samples.findLast((one) => one.attempt === newest.attempt && one.at >= since && newest.at - one.at >= APART_MS);
  const io = newest && before ? perSecond(before, newest, 'io_bytes') : null;
  const net = newest && before ? perSecond(before, newest, 'net_bytes') : null;
  const cpu = newest && before ? perSecond(before, newest, 'cpu_s') : null;
  return {
    gpu: gpuLook(gpu),
    moving: io === null && net === null ? null : (io ?? 0) > MOVING_BYTES_S || (net ?? 0) > MOVING_BYTES_S,
    computing: cpu === null ? null : cpu > COMPUTING_CORES,
    silent_ms: reading.log_age_s === null ? null : reading.log_age_s * 1_000,
    held_mb: gpu?.mem_mb ?? null,
  };
}

export function gpuLook(gpu: GpuSample | null): GpuLook {
  if (gpu === null || (gpu.util_max === null && gpu.power === null)) return 'unknown';
  if (gpu.power === null) return (gpu.util_max ?? 0) >= IDLE_UTIL ? 'busy' : 'idle';
  if (gpu.power >= BUSY_POWER) return 'busy';
  if (gpu.util_max === null) return 'idle';
  return gpu.util_max >= SPINNING_UTIL ? 'spinning' : 'idle';
}

/** Growth of a counter a second; null when either end is unknown or the counter began anew. */
function perSecond(before: CheckSample, after: CheckSample, field: 'cpu_s' | 'io_bytes' | 'net_bytes'): number | null {
  const [a, b] = [before[field], after[field]];
  return a === null || b === null || b < a ? null : (1_000 * (b - a)) / (after.at - before.at);
}
