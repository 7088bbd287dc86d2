/** "time: 257.4" may be what one step took, or what has gone by since the start: the lines together tell, one alone doesn't. */

/** The newest figures under the word, oldest first. */
export type Times = readonly number[];

const KEPT = 5;
const TOLD = 4;
/** What goes by between two lines is much the same each time. */
const EVEN = 4;

/** Adds a figure to those before it. */
export const noted = (times: Times, value: number): Times => [...times.slice(1 - KEPT), value];

/** Whether the figures are a clock's: each is later than the one before, by about as much. The times of steps rise thrice in a row now and then, seldom evenly. */
export function runsOn(times: Times): boolean {
  if (times.length < TOLD) return false;
  const gaps = times.slice(1).map((value, at) => value - (times[at] ?? value));
  const least = Math.min(...gaps);
  return least > (times[0] ?? 0) * 0.002 && Math.max(...gaps) <= least * EVEN;
}
