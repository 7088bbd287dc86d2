/**
 * Every number of the simulated fleet. `P`: published; `C`: computed from published data; `A`: assumed, no source.
 * Nothing here knows of a policy: all of them meet the same worlds.
 */
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** What cures a failure. A restart is a rerun; moving to another host is a rerun as well. */
export type Need = 'rerun' | 'code' | 'config' | 'host' | 'person';

export type FailureClass = 'script' | 'gpu_oom' | 'ram_disk' | 'checkpoint' | 'cuda' | 'hang' | 'nan' | 'unknown';

export interface Assumptions {
  /** An attempt at the job fails, if the failure comes before its end. A: 0.17 (SURF) to 0.43 (Acme). */
  failureShare: number;
  /** Share of failures that are hangs; the other classes keep their proportions. A, on ByteRobust 9.9 %, L4 16.6 % with slow ones. */
  hangShare: number;
  /**
   * A language model finds the right diagnosis, and then the right repair (A: AIOpsLab, RCACopilot, SetupBench). Where the
   * diagnosis is right and only a person can repair, it says so; a wrong one invents a cause that it can mend (Edge Delta).
   */
  rightDiagnosis: number;
  rightFix: number;
  /** Mean ms between two looks of a person who is awake, on a working day; twice that at weekends. A. */
  checkEvery: number;
  /** Share of all failures that the same command run again gets over; null: each class as below. */
  rerunShare: number | null;
  /** The collective watchdog of PyTorch ends a hang of several GPUs after 10 min, so often (A; in BLOOM's run it did not). */
  watchdog: number;
}

export const BASE: Assumptions = { failureShare: 0.35, hangShare: 0.09, rightDiagnosis: 0.5, rightFix: 0.6, checkEvery: 60 * MINUTE, rerunShare: null, watchdog: 0.8 };

/** GPUs of a job (C: Philly and Helios, cut at 8). */
export const GPUS = { 1: 0.8, 2: 0.05, 4: 0.04, 8: 0.11 };

/** Training time (C: Philly, Helios, PAI, jobs above 10 min). */
export const DURATION = {
  small: { median: 45 * MINUTE, sigma: 1.8, least: 10 * MINUTE, most: 72 * HOUR },
  eight: { median: 200 * MINUTE, sigma: 2, least: 10 * MINUTE, most: 96 * HOUR },
};

/** Install, data, model; billed, GPU idle. A restart repeats half of it, another box all of it. A. */
export const SETUP = { median: 8 * MINUTE, sigma: 0.7, most: 60 * MINUTE };
export const CHECKPOINT_EVERY = 30 * MINUTE;
/** The last checkpoint and the results on their way to where they are kept, while the box bills: the same for each policy, part of the job. A. */
export const RESULTS = { median: 20_000, sigma: 1, most: 5 * MINUTE };
/** A silent evaluation once an hour; part of the training time. A. */
export const EVALUATION = { every: HOUR, median: 2 * MINUTE, sigma: 1, most: 30 * MINUTE };
/** A. */
export const STEP = { median: 3_000, sigma: 0.8, least: 200, most: 60_000 };

/** A. */
export const LAUNCH = { day: 0.6, evening: 0.35, night: 0.05 };
/** Share of interruptible rentals (A), and their price (P: Vast, "often 50 %+ cheaper"). */
export const BIDS = { share: 0.3, price: 0.5 };
export const FORGOTTEN = 0.02;

/** $ a GPU-hour: low, mode, high (P: listings of 2026), and the mix (A). */
export const CARDS = {
  'RTX 3090': { mix: 0.15, usd: [0.15, 0.2, 0.3], mb: 24_564, watts: 350 },
  'RTX 4090': { mix: 0.35, usd: [0.31, 0.42, 0.88], mb: 24_564, watts: 450 },
  'RTX 5090': { mix: 0.1, usd: [0.6, 0.9, 1.14], mb: 32_607, watts: 575 },
  'A100 SXM4': { mix: 0.2, usd: [0.78, 1.19, 1.7], mb: 81_920, watts: 400 },
  'H100 SXM': { mix: 0.2, usd: [1.85, 2.45, 3.2], mb: 81_559, watts: 700 },
} as const;

/** Shares of the classes (A, anchored in Acme, Philly, ByteRobust). */
export const CLASSES: Readonly<Record<FailureClass, number>> = { script: 0.47, gpu_oom: 0.16, ram_disk: 0.07, checkpoint: 0.06, cuda: 0.08, hang: 0.09, nan: 0.05, unknown: 0.02 };

/** What cures a failure, in percent of its class (A, anchored in Platform-X, ByteRobust, Lablup, Unicron). */
export const CURES: Readonly<Record<FailureClass | 'bad_host', Readonly<Record<Need, number>>>> = {
  script: { rerun: 3, code: 72, config: 15, host: 0, person: 10 },
  gpu_oom: { rerun: 5, code: 0, config: 85, host: 5, person: 5 },
  ram_disk: { rerun: 15, code: 5, config: 50, host: 25, person: 5 },
  checkpoint: { rerun: 60, code: 20, config: 5, host: 10, person: 5 },
  cuda: { rerun: 35, code: 15, config: 5, host: 40, person: 5 },
  hang: { rerun: 55, code: 20, config: 10, host: 10, person: 5 },
  nan: { rerun: 15, code: 15, config: 50, host: 0, person: 20 },
  unknown: { rerun: 35, code: 20, config: 10, host: 15, person: 20 },
  bad_host: { rerun: 10, code: 0, config: 0, host: 90, person: 0 },
};

/** Of a market's machines. Shares: P (Vast's own test records, 3 of 70) and A. */
export const HOSTS = {
  badAtStart: 0.043,
  badHangs: 2 / 3,
  /** Mean up-time is 2 h x r/(1 - r) (A); a host that is offline is not billed, and comes back with nothing running. */
  reliability: [0.95, 0.98, 0.99],
  outage: 2 * HOUR,
  /** An 8-GPU server fails once in 47.7 days (P: Meta). */
  breaks: 47.7 * DAY * 8,
  /** Interruptible (C: AWS V100 traces; none for Vast), mean and shape; a price falls again after as long as an outage (A). */
  bidLife: { mean: 5.9 * HOUR, shape: 0.6 },
  /** The new floor over the old bid (A); the most that anyone bids is the price on demand. */
  newFloor: [1.02, 2.2] as [number, number],
  /** Of a stopped instance that is asked to run again, the GPU is taken (A). */
  taken: 0.3,
  /** Loading is not billed (P). Shares A. */
  loading: { soon: 0.92, late: 0.05 },
};

/** A person (A; anecdotes of 5 to 18 h unnoticed). */
export const PERSON = { up: 8 * HOUR, asleep: 23.5 * HOUR, sees: { ended: 1, hang: 0.8, nan: 0.7 }, repair: 20 * MINUTE, notice: 24 * HOUR };

/** Hangs of several GPUs that show 100 % utilisation (A). */
export const SPINS = 0.6;
export const WATCHDOG_AFTER = 10 * MINUTE;
