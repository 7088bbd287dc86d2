/** The value of a number as it was printed, and what an abbreviated one may be off by. */
import { codeAt, digit } from './codes.ts';

const POWERS = Array.from({ length: 17 }, (_, places) => 10 ** places);

/** The number between two places of the line that was loaded; infinities and thousands separators too. */
export function toNumber(line: string, start: number, stop: number): number {
  // Up to 15 digits are exact as an integer, and so is their quotient by a small power of ten.
  if (stop - start <= 16) {
    let value = 0;
    let places = -1;
    let at = start;
    for (; at < stop; at++) {
      const code = codeAt(at);
      if (digit(code)) {
        value = value * 10 + code - 48;
        if (places >= 0) places++;
      } else if (code === 46 && places < 0) places = 0;
      else break;
    }
    if (at === stop && value < 1e15) return places > 0 ? value / (POWERS[places] ?? 1) : value;
  }
  const text = line.slice(start, stop);
  const value = Number(text);
  if (!Number.isNaN(value)) return value;
  const lower = text.toLowerCase();
  if (lower.endsWith('inf') || lower.endsWith('infinity')) return lower.startsWith('-') ? -Infinity : Infinity;
  return Number(text.replaceAll(',', ''));
}

export function multiplier(unit: string): number {
  switch (unit) {
    case 'k':
    case 'K':
    case 'kit':
      return 1e3;
    case 'M':
    case 'Mit':
      return 1e6;
    default:
      return 1;
  }
}

/** One unit in the last printed place. */
export function slackOf(line: string, start: number, stop: number, scale: number): number {
  const text = line.slice(start, stop);
  const point = text.indexOf('.');
  return scale / 10 ** (point < 0 ? 0 : text.length - point - 1);
}
