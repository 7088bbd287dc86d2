/** Figures as a person reads them at a glance. */
import { span } from '../core/line.ts';
import { GLYPH, SPARKS } from './glyphs.ts';
import { cut, piece, widthOf, type Piece } from './line.ts';

/** Dollars to the cent, or to `digits`; never rounded up to more than has accrued. */
export function money(usd: number, digits = 2): string {
  const scale = 10 ** digits;
  return `$${(Math.floor(usd * scale + 1e-6) / scale).toFixed(digits)}`;
}

export const perHour = (usd: number): string => `$${usd.toFixed(usd > 0 && usd < 0.1 ? 3 : 2)}/h`;
export const share = (part: number, whole: number): string => (whole <= 0 ? '-' : `${Math.round((100 * part) / whole)}%`);
/** 03:26:51 of an epoch ms, UTC like the `ts` column. */
export const clockTime = (at: number): string => new Date(at).toISOString().slice(11, 19);
export const ago = (ms: number): string => (ms < 1_000 ? 'just now' : `${span(ms)} ago`);

export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = count;
  let unit = 0;
  while (size >= 1_000 && unit < units.length - 1) {
    size /= 1_000;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? size.toFixed(0) : size.toFixed(1)} ${units[unit] ?? 'B'}`;
}

/** 12400 -> 12.4k, or 12k when `digits` is 0. */
export function thousands(count: number, digits: number): string {
  if (count < 10_000 && digits > 0) return String(count);
  if (count < 1_000) return String(count);
  const [size, unit] = count >= 1_000_000 ? [count / 1_000_000, 'M'] : [count / 1_000, 'k'];
  return `${size.toFixed(digits).replace(/\.0$/, '')}${unit}`;
}

/** The first of several ways to say the same that fits into `width`; the last one when none does. */
export const firstFit = (ways: readonly string[], width: number): string => ways.find((way) => widthOf(way) <= width) ?? ways.at(-1) ?? '';

/** `1240/2000` in ever fewer cells. */
export function shortStep(step: string, width: number): string {
  const [done, total] = step.split('/').map(Number);
  if (done === undefined || !Number.isFinite(done)) return step;
  if (total === undefined) return firstFit([step, thousands(done, 1), thousands(done, 0)], width);
  return firstFit([step, `${thousands(done, 1)}/${thousands(total, 1)}`, `${thousands(done, 1)}/${thousands(total, 0)}`, `${thousands(done, 0)}/${thousands(total, 0)}`, share(done, total)], width);
}

/** `3.42 it/s` in ever fewer cells. */
export function shortRate(rate: string, width: number): string {
  const [value = '', unit = ''] = rate.split(' ');
  const size = Number(value);
  if (unit === '' || !Number.isFinite(size)) return rate;
  const round = size >= 1_000 ? thousands(size, 0) : size.toFixed(size >= 10 ? 0 : 1);
  return firstFit([rate, value + unit, round + unit, round + unit.replace(/^(step|sample|token|tok)s?/, (name) => name.slice(0, 1)), round], width);
}

/** `loss 0.287` as `loss 0.29` where that is enough, `accuracy 0.931` as `acc 0.931`: the figure is never cut. */
export function shortNamed(words: string, width: number): string {
  const at = words.lastIndexOf(' ');
  const figure = words.slice(at + 1);
  const round = `${words.slice(0, at + 1)}${Number(Number(figure).toPrecision(2))}`;
  if (widthOf(words) > width && /^-?0\.\d{3}$/.test(figure) && widthOf(round) <= width) return round;
  return at < 1 || widthOf(words) <= width ? words : `${cut(words.slice(0, at), Math.max(1, width - widthOf(figure) - 1))} ${figure}`;
}

/** `batch_size 32>16` as `bs 32>16`. */
export function shortAction(action: string, width: number): string {
  const [name = '', change] = action.split(' ');
  const initials = name.split('_').map((word) => word.slice(0, 1)).join('');
  return change?.includes('>') ? firstFit([action, `${initials} ${change}`, change], width) : action;
}

/** Each part of a bar has a shape of its own, so that it reads without colour. */
const BARS: Partial<Record<Piece['role'], string>> = { bar_good: GLYPH.full, bar_bad: GLYPH.part };

/** A bar of `width` cells whose parts share it by weight. */
export function bar(parts: readonly Piece['role'][], weights: readonly number[], width: number): Piece[] {
  const whole = width <= 0 ? 0 : weights.reduce((total, weight) => total + weight, 0);
  if (whole <= 0) return [piece(GLYPH.rest.repeat(Math.max(0, width)), 'faint')];
  let used = 0;
  let sum = 0;
  return parts.map((role, index) => {
    sum += weights[index] ?? 0;
    const end = Math.round((width * sum) / whole);
    const cells = end - used;
    used = end;
    return piece((BARS[role] ?? GLYPH.rest).repeat(cells), role);
  });
}

/** Values as a row of blocks, newest last, thinned to `width` by means. */
export function sparkline(values: readonly number[], width: number): string {
  const known = values.filter((value) => Number.isFinite(value));
  if (known.length === 0) return '';
  const cells = Math.max(0, Math.min(width, known.length));
  const means = Array.from({ length: cells }, (_, cell) => {
    const from = Math.floor((cell * known.length) / cells);
    const group = known.slice(from, Math.max(from + 1, Math.floor(((cell + 1) * known.length) / cells)));
    return group.reduce((total, value) => total + value, 0) / group.length;
  });
  const low = Math.min(...means);
  const range = Math.max(...means) - low;
  return means.map((value) => SPARKS[range === 0 ? 0 : Math.round(((value - low) / range) * (SPARKS.length - 1))] ?? '').join('');
}
