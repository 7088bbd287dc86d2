/** Colours on terminals that have few of them: the nearest one, and the nearest one that can be read. Pure. */

export function rgb(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

const toHex = (r: number, g: number, b: number): string => `#${[r, g, b].map((value) => value.toString(16).padStart(2, '0')).join('')}`;

/** xterm's sixteen, for want of the user's own. */
const SIXTEEN = ['#000000', '#cd0000', '#00cd00', '#cdcd00', '#0000ee', '#cd00cd', '#00cdcd', '#e5e5e5', '#7f7f7f', '#ff0000', '#00ff00', '#ffff00', '#5c5cff', '#ff00ff', '#00ffff', '#ffffff'] as const;
const STEPS = [0, 95, 135, 175, 215, 255] as const;
const step = (at: number): number => STEPS[at] ?? 0;

/** What an index of the sixteen or of the 256 looks like. */
export function shownAs(n: number): string {
  if (n < 16) return SIXTEEN[n] ?? '#000000';
  if (n >= 232) return toHex(8 + 10 * (n - 232), 8 + 10 * (n - 232), 8 + 10 * (n - 232));
  return toHex(step(Math.floor((n - 16) / 36)), step(Math.floor((n - 16) / 6) % 6), step((n - 16) % 6));
}

/** Relative luminance and contrast as WCAG 2 defines them. */
export function luminance(hex: string): number {
  const [r, g, b] = rgb(hex).map((value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
}
export function contrast(a: string, b: string): number {
  const [high, low] = luminance(a) > luminance(b) ? [a, b] : [b, a];
  return (luminance(high) + 0.05) / (luminance(low) + 0.05);
}
/** WCAG AA for text of ordinary size. */
const AA = 4.5;

const far = (a: string, b: string): number => {
  const [x, y] = [rgb(a), rgb(b)];
  return x.reduce((sum, value, index) => sum + (value - (y[index] ?? 0)) ** 2, 0);
};

/** The index of the nearest colour: of the 6x6x6 cube and the greys, or of the sixteen by hue. */
export function nearest(hex: string, depth: '256' | '16'): number {
  return depth === '16' ? near16(hex) : closest(hex, INDEXED);
}

/** The same, among those that reach WCAG AA on `ground`; of the sixteen the hue is kept where either brightness of it can be read. */
export function nearestReadable(hex: string, ground: string, depth: '256' | '16'): number {
  const first = nearest(hex, depth);
  if (contrast(shownAs(first), ground) >= AA) return first;
  const reads = (n: number): boolean => contrast(shownAs(n), ground) >= AA;
  if (depth === '256') return closest(hex, INDEXED.filter(reads));
  if (reads(first ^ 8)) return first ^ 8;
  return contrast('#ffffff', ground) > contrast('#000000', ground) ? 15 : 0;
}

/** The cube and the greys; the first sixteen are the user's own. */
const INDEXED = Array.from({ length: 240 }, (_, index) => 16 + index);
const closest = (hex: string, among: readonly number[]): number => among.reduce((best, n) => (far(hex, shownAs(n)) < far(hex, shownAs(best)) ? n : best), among[0] ?? 16);

/** By hue first: a muted green must stay green, not turn grey. */
function near16(hex: string): number {
  const [r, g, b] = rgb(hex);
  const top = Math.max(r, g, b);
  const low = Math.min(r, g, b);
  if (top - low < 48) return top < 64 ? 0 : top < 150 ? 8 : top < 220 ? 7 : 15;
  const middle = (top + low) / 2;
  const hue = (r > middle ? 1 : 0) + (g > middle ? 2 : 0) + (b > middle ? 4 : 0);
  return top > 200 ? hue + 8 : hue;
}
