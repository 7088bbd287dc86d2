/** One check, boiled down to what windows are judged on. Unknown stays null: it is never zero. */
import type { ProbeReading } from '../probe.ts';
import type { ProgressReading } from '../progress/index.ts';

export interface CheckSample {
  at: number;
  attempt: number;
  step: number | null;
  activity: ProgressReading['activity'];
  /** Counters of the process tree (CPU seconds, bytes of disk IO) and of the box (network bytes, log bytes). */
  cpu_s: number | null;
  io_bytes: number | null;
  net_bytes: number | null;
  log_bytes: number | null;
  disk_used: number | null;
  disk_total: number | null;
  inodes_used: number | null;
  inodes_total: number | null;
  gpus: GpuSample | null;
}

export interface GpuSample {
  count: number;
  /** How many hold memory of a computation. */
  used: number;
  /** Percent, mean over the GPUs; null when none told. */
  util: number | null;
  util_max: number | null;
  /** Highest share of the power limit. */
  power: number | null;
  /** MB on the fullest. */
  mem_mb: number | null;
  throttled: boolean | null;
}

/** A CUDA context alone takes some hundred MB; a card without one shows a few. */
export const USED_MB = 600;
/** More than a day at the slowest cadence, and little to keep. */
const SAMPLES_KEPT = 40;

export function sampleOf(reading: ProbeReading, attempt: number, progress: ProgressReading | null, at: number): CheckSample {
  const { disk, io, net } = reading;
  return {
    at,
    attempt,
    step: progress?.step ?? null,
    activity: progress?.activity ?? null,
    cpu_s: reading.cpu_s,
    io_bytes: io && io.read_bytes + io.write_bytes,
    net_bytes: net && net.rx_bytes + net.tx_bytes,
    log_bytes: reading.log_bytes,
    disk_used: disk?.used_bytes ?? null,
    disk_total: disk?.total_bytes ?? null,
    inodes_used: disk?.used_inodes ?? null,
    inodes_total: disk?.total_inodes ?? null,
    gpus: gpuSample(reading),
  };
}

export function gpuSample({ gpus }: ProbeReading): GpuSample | null {
  if (!gpus || gpus.length === 0) return null;
  const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);
  const utils = known(gpus.map(({ util }) => util));
  const powers = known(gpus.map(({ power_w, power_limit_w }) => (power_w === null || !power_limit_w ? null : power_w / power_limit_w)));
  const mems = known(gpus.map(({ mem_used }) => mem_used));
  const flags = gpus.flatMap(({ throttled }) => (throttled === null ? [] : [throttled]));
  return {
    count: gpus.length,
    used: mems.filter((mb) => mb >= USED_MB).length,
    util: utils.length === 0 ? null : utils.reduce((a, b) => a + b, 0) / utils.length,
    util_max: utils.length === 0 ? null : Math.max(...utils),
    power: powers.length === 0 ? null : Math.max(...powers),
    mem_mb: mems.length === 0 ? null : Math.max(...mems),
    throttled: flags.length === 0 ? null : flags.some(Boolean),
  };
}

export const addSample = (samples: readonly CheckSample[], sample: CheckSample): CheckSample[] => [...samples, sample].slice(-SAMPLES_KEPT);
