/** A line chart in braille: two by four dots a cell. Pure. */
export interface Point {
  x: number;
  y: number;
}

/** Bits of a braille cell by column and row of its dots. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

/** The range that a chart shows; a flat line stands in its middle. */
export function rangeOf(points: readonly Point[]): { low: number; high: number } {
  const known = points.map(({ y }) => y).filter(Number.isFinite);
  if (known.length === 0) return { low: 0, high: 0 };
  return { low: Math.min(...known), high: Math.max(...known) };
}

/** `height` rows of `width` cells, top first; x ascends. Values that are no numbers leave a gap. */
export function brailleChart(points: readonly Point[], width: number, height: number): string[] {
  const [columns, rows] = [width * 2, height * 4];
  const { low, high } = rangeOf(points);
  const [first, last] = [points[0]?.x ?? 0, points.at(-1)?.x ?? 0];
  const cells = Array.from({ length: height }, () => new Uint8Array(width));
  const dot = (x: number, y: number): void => {
    const cell = cells[y >> 2];
    const at = x >> 1;
    if (cell) cell[at] = (cell[at] ?? 0) | (DOTS[x & 1]?.[y & 3] ?? 0);
  };
  const across = (x: number): number => (last === first ? 0 : Math.round(((x - first) / (last - first)) * (columns - 1)));
  const up = (y: number): number => (high === low ? rows >> 1 : Math.round(((high - y) / (high - low)) * (rows - 1)));
  let before: { x: number; y: number } | null = null;
  for (const point of points) {
    if (!Number.isFinite(point.y)) {
      before = null;
      continue;
    }
    const here = { x: across(point.x), y: up(point.y) };
    line(before ?? here, here, dot);
    before = here;
  }
  // The empty braille cell shows grey dots in some fonts.
  return cells.map((row) => [...row].map((bits) => (bits === 0 ? ' ' : String.fromCharCode(0x2800 + bits))).join(''));
}

/** Every dot between two, both ends included. */
function line(from: Point, to: Point, dot: (x: number, y: number) => void): void {
  const steps = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y));
  for (let step = 0; step <= steps; step += 1) {
    const share = steps === 0 ? 0 : step / steps;
    dot(Math.round(from.x + (to.x - from.x) * share), Math.round(from.y + (to.y - from.y) * share));
  }
}
