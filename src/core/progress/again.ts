/** A line of the same shape as the one before: only the digits of its numbers differ, so that nothing but their values is read anew. */
import { codeAt, digit } from './codes.ts';
import { toNumber } from './numbers.ts';
import type { Field } from './scan.ts';

/** Where a field's numbers stand, and what they are multiplied by. */
export interface Spot {
  field: Field;
  /** null for a clock time, which has no value. */
  number: Span | null;
  total: Span | null;
}

interface Span {
  from: number;
  to: number;
  scale: number;
}

const LONGEST = 512;
/** Any digit. */
const WILD = 1;

export class Again {
  private readonly shape = new Uint16Array(LONGEST);
  private length = -1;
  private readonly spots: Spot[] = [];

  /** The fields of the line that was loaded, `end` long; null when it has another shape than the one before. */
  read(line: string, end: number): Field[] | null {
    if (end !== this.length || !this.fits(end)) return null;
    const fields: Field[] = [];
    for (const { field, number, total } of this.spots) {
      const { label, at, value, of, slack, unit, rate } = field;
      fields.push({ label, at, value: number ? toNumber(line, number.from, number.to) * number.scale : value, of: total ? toNumber(line, total.from, total.to) * total.scale : of, slack, unit, rate });
    }
    return fields;
  }

  /** Takes the line that was loaded for the next one's pattern. */
  begin(end: number): void {
    this.spots.length = 0;
    this.length = end <= LONGEST ? end : -1;
    for (let at = 0; at < this.length; at++) this.shape[at] = codeAt(at);
  }

  /** Says that a number stands here, whose digits may be others in the next line. */
  number(from: number, to: number): void {
    for (let at = from; at < to && at < this.length; at++) if (digit(codeAt(at))) this.shape[at] = WILD;
  }

  add(spot: Spot): Field {
    if (this.length >= 0) this.spots.push(spot);
    return spot.field;
  }

  private fits(end: number): boolean {
    for (let at = 0; at < end; at++) {
      const code = codeAt(at);
      const expected = this.shape[at];
      if (expected !== code && (expected !== WILD || !digit(code))) return false;
    }
    return true;
  }
}
