/**
 * What is said, once, and acted on by nobody but a person. Each alert looks at the state and says on, off or unknown;
 * one that is on opens a line, one that was off for long enough closes it, and one that closed stays quiet for a while.
 * Unknown changes nothing.
 */
import type { RunState, World } from '../state.ts';
import { diskFilling } from './disk.ts';
import { cpuRun, fewerGpus, gpuLow, metricWorse, throttled, throughputLow } from './health.ts';
import { endsIn, priceRisen } from './market.ts';
import { frozenFor, workingLong } from './stall.ts';

/** `doubt`: the newest look is bad, and a window of looks is needed to say so; it asks for another one soon. */
export type Look = { is: 'on'; words: string } | { is: 'off' } | { is: 'doubt' } | { is: 'unknown' };

interface Rule {
  /** What is said when it is over. */
  over: string;
  look(world: World, run: RunState): Look;
}

const MINUTE = 60_000;

const EXTENDED = 'the rental lasts long enough again';

/**
 * | alert | why only a line |
 * |---|---|
 * | blind | unknown is no verdict |
 * | working_long | the box computes; an evaluation may just be long |
 * | gpu_low, throughput_low | it advances; leaving costs the work since the last checkpoint, and the cause is the owner's to weigh |
 * | throttled | it advances; only where staying is dearer than leaving is it left (`slow-host.ts`) |
 * | metric_worse | curricula, restarts and noise look alike; the trainer's own early stop is policy |
 * | cpu_run, fewer_gpus | money is wasted, and only another image, command or machine helps |
 * | disk_filling | full is an incident of its own when it comes; what to delete is not ours to guess |
 * | price_risen | the owner weighs the price against the move |
 * | ends_in_72h, 24h, 6h | checkpoints come home all along; only the owner can extend the rental, or move in time |
 */
export const ALERTS = {
  blind: { over: 'it can be looked at again', look: blind },
  working_long: { over: 'steps come again', look: stillWorking },
  gpu_low: { over: 'the GPU is used again', look: gpuLow },
  throughput_low: { over: 'the pace is back', look: throughputLow },
  metric_worse: { over: 'the metric improves again', look: metricWorse },
  cpu_run: { over: 'the GPU computes now', look: cpuRun },
  fewer_gpus: { over: 'all GPUs are there', look: fewerGpus },
  throttled: { over: 'the GPU runs at full clock again', look: throttled },
  disk_filling: { over: 'the disk has room again', look: diskFilling },
  price_risen: { over: 'the price is back', look: priceRisen },
  ends_in_72h: { over: EXTENDED, look: endsIn(72) },
  ends_in_24h: { over: EXTENDED, look: endsIn(24) },
  ends_in_6h: { over: EXTENDED, look: endsIn(6) },
} as const satisfies Record<string, Rule>;

export type AlertKind = keyof typeof ALERTS | 'credit_low';

/** `changed_at` is when a line was last said. */
export interface AlertState {
  open: boolean;
  words: string;
  changed_at: number;
}

/** An alert stays open this long at least, and closed this long: a reading at the border says nothing twice. */
export const OPEN_MS = 5 * MINUTE;
export const QUIET_MS = 30 * MINUTE;

export type AlertChange = { is: 'open'; words: string } | { is: 'close' } | null;

/** What the newest look changes about an alert. Pure; the same look twice changes nothing. */
export function alertChange(state: AlertState | undefined, look: Look, now: number): AlertChange {
  if (state?.open) return look.is === 'off' && now - state.changed_at >= OPEN_MS ? { is: 'close' } : null;
  return look.is === 'on' && (state === undefined || now - state.changed_at >= QUIET_MS) ? { is: 'open', words: look.words } : null;
}

const KINDS = Object.keys(ALERTS) as (keyof typeof ALERTS)[];

/** What every alert says of a run now. */
export const looks = (world: World, run: RunState): { kind: keyof typeof ALERTS; look: Look }[] => KINDS.map((kind) => ({ kind, look: ALERTS[kind].look(world, run) }));

const BLIND_MS = 30 * MINUTE;

function blind({ now }: World, run: RunState): Look {
  const since = run.eyes.blind_since;
  if (since === null) return { is: 'off' };
  // The stream may still tell of steps while a probe finds no answer.
  const heard = run.stream === 'open' && frozenFor(run, now) < BLIND_MS;
  return now - since >= BLIND_MS && !heard ? { is: 'on', words: `blind since ${new Date(since).toISOString().slice(11, 16)} UTC: ${run.check?.failure ?? 'no answer'}; the last verdict stands, nothing is destroyed` } : { is: 'unknown' };
}

function stillWorking({ now }: World, run: RunState): Look {
  if (workingLong(run, now)) return run.failed_checks === 0 ? { is: 'on', words: `no step for ${Math.round(frozenFor(run, now) / MINUTE)} min, although the box works: ${run.eyes.rhythm.doing ?? 'nothing says at what'}` } : { is: 'unknown' };
  return { is: 'off' };
}
