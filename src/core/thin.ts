/** Points over steps, kept few: dense enough everywhere, whatever the length of the run. */

/**
 * Adds a point, at most `kept` in all. A point closer to the last one than the whole span allows is left out, so that
 * halving never empties the early part: thinned alone, old points would be halved again each time and the start be lost.
 */
export function addSparse<T extends { step: number }>(points: readonly T[], next: T, kept: number): T[] {
  const [first, last] = [points[0], points.at(-1)];
  if (first && last && next.step - last.step < (2 * (next.step - first.step)) / kept) return points as T[];
  const all = [...points, next];
  return all.length <= kept ? all : all.filter((_, index) => (all.length - 1 - index) % 2 === 0);
}
