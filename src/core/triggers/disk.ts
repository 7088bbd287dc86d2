/** A disk that fills: bytes and inodes, and at this pace in how many hours. */
import type { RunState, World } from '../state.ts';
import type { Look } from './alerts.ts';
import type { CheckSample } from './sample.ts';

const HOUR = 3_600_000;
const FULL = { on: 0.95, off: 0.92 };
const HOURS = { on: 2, off: 3 };
/** A half-empty disk that fills fast is a cache being built. */
const WORTH_A_SLOPE = 0.6;
const ENOUGH = 6;
const WINDOW = 12;

interface Fill {
  what: 'bytes' | 'inodes';
  share: number;
  hours: number | null;
  /** Enough looks for the hours to be believed. */
  sure: boolean;
}

interface Point {
  at: number;
  value: number;
  size: number;
}

export function diskFilling(_: World, run: RunState): Look {
  const newest = run.eyes.samples.at(-1);
  if (!newest) return { is: 'unknown' };
  const fills = [fill(run.eyes.samples, 'bytes'), fill(run.eyes.samples, 'inodes')].filter((one) => one !== null);
  if (fills.length === 0) return { is: 'unknown' };
  const soon = ({ share, hours }: Fill): boolean => share >= WORTH_A_SLOPE && hours !== null && hours < HOURS.on;
  const bad = fills.find((one) => one.share >= FULL.on || (one.sure && soon(one)));
  if (bad) {
    const { what, share, hours } = bad;
    return { is: 'on', words: `the disk is ${Math.floor(100 * share)} % full${what === 'inodes' ? ' of files (inodes)' : ''}${hours === null ? '' : `, and full in about ${hours < 1 ? `${Math.max(1, Math.round(60 * hours))} min` : `${hours.toFixed(1)} h`}`}` };
  }
  if (fills.some(soon)) return { is: 'doubt' };
  return fills.every(({ share, hours }) => share < FULL.off && (hours === null || hours > HOURS.off || share < WORTH_A_SLOPE)) ? { is: 'off' } : { is: 'unknown' };
}

function fill(samples: readonly CheckSample[], what: Fill['what']): Fill | null {
  const [used, total] = what === 'bytes' ? (['disk_used', 'disk_total'] as const) : (['inodes_used', 'inodes_total'] as const);
  const points: Point[] = samples.slice(-WINDOW).flatMap((one) => {
    const [value, size] = [one[used], one[total]];
    return value === null || size === null || size <= 0 ? [] : [{ at: one.at, value, size }];
  });
  const last = points.at(-1);
  if (!last) return null;
  const slope = slopeOf(points);
  return { what, share: last.value / last.size, hours: slope === null || slope <= 0 ? null : (last.size - last.value) / slope, sure: points.length >= ENOUGH };
}

/** Units an hour between the lowest points of the older and the newer half: what is deleted again does not fill a disk. */
function slopeOf(points: readonly Point[]): number | null {
  const half = Math.floor(points.length / 2);
  if (half === 0) return null;
  const lowest = (some: readonly Point[]): Point | undefined => some.reduce<Point | undefined>((low, point) => (low === undefined || point.value < low.value ? point : low), undefined);
  const [a, b] = [lowest(points.slice(0, half)), lowest(points.slice(half))];
  return a && b && b.at > a.at ? ((b.value - a.value) * HOUR) / (b.at - a.at) : null;
}
