/** The part of a row that changed, and the bytes that make it so. A slow link must not carry a whole row for one digit. */

/** One cell: what stands in it and the SGR codes that are in force there. */
interface Cell {
  text: string;
  style: string;
}

const PARTS = /\x1b\[([0-9;]*)m|[^]/gu;
/** Cells that every terminal agrees are one wide; a row with any other is written whole. */
const NARROW = /^[\x20-\x7e\u00a0-\u02ff\u2010-\u25ff\u2800-\u28ff]$/;

/** Closing codes, and which slot each code opens: foreground, ground, bold, underline, inverse. */
function slotOf(code: number): { slot: string; closes: boolean } | null {
  if (code === 39 || code === 49) return { slot: code === 39 ? 'fg' : 'bg', closes: true };
  if (code === 22 || code === 24 || code === 27) return { slot: `${code}`, closes: true };
  if (code === 1 || code === 4 || code === 7) return { slot: `${code === 1 ? 22 : code + 20}`, closes: false };
  if ((code >= 30 && code <= 38) || (code >= 90 && code <= 97)) return { slot: 'fg', closes: false };
  if ((code >= 40 && code <= 48) || (code >= 100 && code <= 107)) return { slot: 'bg', closes: false };
  return null;
}

/** The cells of a painted row; null where it holds something that is not plainly one cell or one style. */
function cellsOf(row: string): Cell[] | null {
  const cells: Cell[] = [];
  const open = new Map<string, string>();
  let style = '';
  for (const [part, codes] of row.matchAll(PARTS)) {
    if (codes === undefined) {
      if (!NARROW.test(part)) return null;
      cells.push({ text: part, style });
      continue;
    }
    const found = slotOf(Number(codes.split(';')[0]));
    if (!found) return null;
    if (found.closes) open.delete(found.slot);
    else open.set(found.slot, part);
    style = [...open].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, code]) => code).join('');
  }
  return cells;
}

const BLANK: Cell = { text: ' ', style: '' };

/**
 * Bytes that turn the row `before` into `after` on the screen's line `line` (1 is the top), from the first changed cell to the
 * last; null where the whole row must be written. The cursor may be anywhere, and no style is left open.
 */
export function changedSpan(before: string, after: string, line: number, columns = Number.POSITIVE_INFINITY): string | null {
  const [old, next] = [cellsOf(before), cellsOf(after)];
  // What ran over the edge, during a resize, left nobody knows what in the last cell.
  if (!old || !next || old.length > columns || next.length > columns) return null;
  const width = Math.max(old.length, next.length);
  const same = (at: number): boolean => (old[at] ?? BLANK).text === (next[at] ?? BLANK).text && (old[at] ?? BLANK).style === (next[at] ?? BLANK).style;
  let from = 0;
  while (from < width && same(from)) from += 1;
  if (from === width) return '';
  let to = width;
  while (to > from && same(to - 1)) to -= 1;
  let bytes = `\x1b[${line};${from + 1}H`;
  let style = '';
  for (let at = from; at < to; at += 1) {
    const cell = next[at] ?? BLANK;
    if (cell.style !== style) bytes += `${style === '' ? '' : '\x1b[0m'}${cell.style}`;
    style = cell.style;
    bytes += cell.text;
  }
  return style === '' ? bytes : `${bytes}\x1b[0m`;
}
