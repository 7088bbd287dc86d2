/** "time: 257.4" may be what one step took, or what has gone by since the start: the lines together tell, one alone doesn't. */

/** The figures under the word as long as each was later than the one before. Plain numbers, changed in place: a copy is one spread. */
export interface Clock {
  clockLast: number;
  /** How many figures in a row. */
  clockRun: number;
  clockLeast: number;
  clockMost: number;
}

export const STOPPED: Clock = { clockLast: Infinity, clockRun: 0, clockLeast: 0, clockMost: 0 };

const TOLD = 4;
/** What goes by between two lines is much the same each time, and no trifle. */
const EVEN = 4;
/** So many in a row are no chance, however uneven: a checkpoint was written in between. */
const SURE = 9;
const TRIFLE = 0.002;

/** Notes a figure, and says whether it is a clock's. The times of steps rise thrice in a row now and then, seldom evenly. */
export function runsOn(clock: Clock, value: number): boolean {
  const gap = value - clock.clockLast;
  clock.clockLast = value;
  if (!(gap > value * TRIFLE)) {
    clock.clockRun = 1;
    return false;
  }
  clock.clockLeast = clock.clockRun === 1 ? gap : Math.min(clock.clockLeast, gap);
  clock.clockMost = clock.clockRun === 1 ? gap : Math.max(clock.clockMost, gap);
  clock.clockRun++;
  return clock.clockRun >= SURE || (clock.clockRun >= TOLD && clock.clockMost <= clock.clockLeast * EVEN);
}
