/** A row of the screen before it has colour: pieces of text, each with a role. Widths are display cells, never `.length`. */
import stringWidth from 'string-width';
import { GLYPH } from './glyphs.ts';
import type { Hit } from './hit.ts';
import type { Role } from './theme.ts';

export interface Piece {
  readonly text: string;
  readonly role: Role;
  readonly over?: Role;
  /** What a click on it means. */
  readonly hit?: Hit;
}

/** `over` is laid over every piece: the selected row keeps its colours and gains a ground. */
export interface Line {
  readonly pieces: readonly Piece[];
  readonly over?: Role;
}

const ASCII = /^[\x20-\x7e]*$/;
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

export const widthOf = (text: string): number => (ASCII.test(text) ? text.length : stringWidth(text));
export const piece = (text: string, role: Role = 'text'): Piece => ({ text, role });
export const line = (...pieces: readonly Piece[]): Line => ({ pieces });
export const plain = (text: string, role: Role = 'text'): Line => line(piece(text, role));
/** What a click on the line means, where its pieces don't say more. */
export const clickable = ({ pieces, ...rest }: Line, hit: Hit): Line => ({ ...rest, pieces: pieces.map((one) => (one.hit ? one : { ...one, hit })) });
export const lineWidth = ({ pieces }: Line): number => pieces.reduce((total, { text }) => total + widthOf(text), 0);
export const lineText = ({ pieces }: Line): string => pieces.map(({ text }) => text).join('');

/** The longest start of `text` that fits into `width` cells; a wide character that would straddle the edge is left out. */
export function cut(text: string, width: number): string {
  if (width <= 0) return '';
  if (ASCII.test(text)) return text.slice(0, width);
  let used = 0;
  let end = 0;
  for (const { segment, index } of graphemes.segment(text)) {
    const cells = stringWidth(segment);
    if (used + cells > width) break;
    used += cells;
    end = index + segment.length;
  }
  return text.slice(0, end);
}

/** The longest end of `text` that fits into `width` cells. */
function cutStart(text: string, width: number): string {
  const parts = [...graphemes.segment(text)].map(({ segment }) => segment);
  let used = 0;
  let from = parts.length;
  while (from > 0) {
    const cells = stringWidth(parts[from - 1] ?? '');
    if (used + cells > width) break;
    used += cells;
    from -= 1;
  }
  return parts.slice(from).join('');
}

/** `text` cut with an ellipsis where it is wider than `width`; ids are cut in the middle, so that both ends can be told apart. */
export function clip(text: string, width: number, where: 'end' | 'middle' = 'end'): string {
  if (widthOf(text) <= width) return text;
  if (width <= 1) return width === 1 ? GLYPH.more : '';
  if (where === 'end' || width < 5) return cut(text, width - 1) + GLYPH.more;
  const tail = Math.floor((width - 1) / 3);
  return cut(text, width - 1 - tail) + GLYPH.more + cutStart(text, tail);
}

/** Exactly `width` cells: clipped or padded. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left', where: 'end' | 'middle' = 'end'): string {
  const clipped = clip(text, width, where);
  const space = ' '.repeat(Math.max(0, width - widthOf(clipped)));
  return align === 'left' ? clipped + space : space + clipped;
}

/** The cells [from, to) of a line; half a wide character becomes a space. */
export function sliceLine(source: Line, from: number, to: number): Line {
  const pieces: Piece[] = [];
  let at = 0;
  for (const part of source.pieces) {
    const start = at;
    at += widthOf(part.text);
    if (at <= from || start >= to) continue;
    pieces.push({ ...part, text: start >= from && at <= to ? part.text : sliceText(part.text, from - start, to - start) });
  }
  return { ...source, pieces };
}

function sliceText(text: string, from: number, to: number): string {
  if (ASCII.test(text)) return text.slice(Math.max(0, from), Math.max(0, to));
  let kept = '';
  let at = 0;
  for (const { segment } of graphemes.segment(text)) {
    const end = at + stringWidth(segment);
    if (at >= from && end <= to) kept += segment;
    else kept += ' '.repeat(Math.max(0, Math.min(end, to) - Math.max(at, from)));
    at = end;
  }
  return kept;
}

/** Exactly `width` cells: cut where it is longer (with an ellipsis), padded where it is shorter. */
export function fitLine(source: Line, width: number): Line {
  const have = lineWidth(source);
  if (have === width) return source;
  if (have < width) return { ...source, pieces: [...source.pieces, piece(' '.repeat(width - have))] };
  const kept = sliceLine(source, 0, width - 1);
  return { ...source, pieces: [...kept.pieces, piece(GLYPH.more, kept.pieces.at(-1)?.role ?? 'text'), piece(' '.repeat(Math.max(0, width - 1 - lineWidth(kept))))] };
}

/** Left and right ends of one row; the right end gives way when both do not fit. */
export function ends(left: Line, right: Line, width: number): Line {
  const space = width - lineWidth(left) - lineWidth(right);
  return space < 1 ? fitLine(left, width) : { pieces: [...left.pieces, piece(' '.repeat(space)), ...right.pieces] };
}

/** Exactly `height` rows of exactly `width` cells. */
export function block(lines: readonly Line[], width: number, height: number): Line[] {
  return Array.from({ length: Math.max(0, height) }, (_, row) => fitLine(lines[row] ?? line(), width));
}

/** Two blocks of equal height side by side, with a rule between. */
export function beside(left: readonly Line[], right: readonly Line[]): Line[] {
  return left.map((row, index) => {
    const other = right[index] ?? line();
    return { pieces: [...flatten(row), piece(GLYPH.bar, 'rule'), ...flatten(other)] };
  });
}

/** A box laid over a screen, its upper left corner at (x, y). */
export function overlay(screen: readonly Line[], box: readonly Line[], x: number, y: number): Line[] {
  return screen.map((row, index) => {
    const laid = box[index - y];
    if (!laid) return row;
    const wide = lineWidth(laid);
    return { pieces: [...flatten(sliceLine(row, 0, x)), ...flatten(laid), ...flatten(sliceLine(row, x + wide, Number.MAX_SAFE_INTEGER))] };
  });
}

/** A line's own ground becomes each piece's, so that lines with different grounds can share a row. */
const flatten = ({ pieces, over }: Line): Piece[] => (over === undefined ? [...pieces] : pieces.map((part) => ({ ...part, over })));

/** Words wrapped to `width` cells; a word longer than the width is cut. */
export function wrap(text: string, width: number): string[] {
  const rows: string[] = [];
  let row = '';
  for (const word of text.split(' ')) {
    const joined = row === '' ? word : `${row} ${word}`;
    if (widthOf(joined) <= width) row = joined;
    else {
      if (row !== '') rows.push(row);
      row = clip(word, width);
    }
  }
  return row === '' ? rows : [...rows, row];
}
