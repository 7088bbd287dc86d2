/** Themes: a palette and roles, one JSON file each. Components name roles; only a theme names a colour. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { toAscii } from './glyphs.ts';
import { widthOf, type Line } from './line.ts';

export const ROLES = [
  'text', 'muted', 'faint', 'title', 'key', 'rule', 'rule_focus', 'selection', 'money',
  'ok', 'busy', 'warn', 'bad', 'off', 'signature', 'found', 'bar_good', 'bar_bad', 'bar_rest',
  'banner_bad', 'banner_good', 'dialog', 'danger', 'button', 'button_focus',
  'user', 'runner', 'babysitter', 'market', 'sentinel', 'program',
] as const;
export type Role = (typeof ROLES)[number];

/** A theme's colour: `#rrggbb`, the name of one of the terminal's own sixteen, or `default`. */
const ANSI = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;
const colour = z.union([z.string().regex(/^#[0-9a-f]{6}$/), z.enum(['default', ...ANSI, ...ANSI.map((name) => `bright-${name}` as const)])]);
const style = z.strictObject({
  fg: z.string().optional(),
  bg: z.string().optional(),
  bold: z.boolean().optional(),
  underline: z.boolean().optional(),
  inverse: z.boolean().optional(),
});

export const themeSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9-]{1,32}$/),
    /** The terminal's own colours that it was made for; contrast is judged against them, nothing is painted with them. */
    made_for: z.strictObject({ bg: z.string().regex(/^#[0-9a-f]{6}$/), fg: z.string().regex(/^#[0-9a-f]{6}$/) }),
    palette: z.record(z.string(), colour),
    roles: z.partialRecord(z.enum(ROLES), style),
  })
  .refine(({ palette, roles }) => Object.values(roles).every(({ fg, bg }) => [fg, bg].every((name) => name === undefined || name in palette)), 'a role names a colour that the palette lacks');

export type Theme = z.output<typeof themeSchema>;

/** How many colours the terminal has. */
export type Depth = 'none' | '16' | '256' | 'truecolor';

/** FORCE_COLOR wins over NO_COLOR, which wins over what the terminal claims. */
export function colourDepth(env: NodeJS.ProcessEnv): Depth {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined && forced !== '') return forced === '0' || forced === 'false' ? 'none' : forced === '2' ? '256' : forced === '3' ? 'truecolor' : '16';
  if (env['NO_COLOR'] || env['TERM'] === 'dumb') return 'none';
  if (/^(truecolor|24bit)$/.test(env['COLORTERM'] ?? '')) return 'truecolor';
  return /256/.test(env['TERM'] ?? '') ? '256' : '16';
}

/** A terminal that says its ground is light (COLORFGBG) gets the light theme; any other the dark one. */
export const defaultTheme = (env: NodeJS.ProcessEnv): string => (/;(7|15)$/.test(env['COLORFGBG'] ?? '') ? 'light' : 'dark');

/** Reads every theme of a folder, by file name. A broken file costs only itself: it is named in `problems`. */
export function loadThemes(dir: string): { themes: Theme[]; problems: string[] } {
  const themes: Theme[] = [];
  const problems: string[] = [];
  for (const file of readdirSync(dir).filter((name) => name.endsWith('.json')).sort()) {
    try {
      themes.push(themeSchema.parse(JSON.parse(readFileSync(join(dir, file), 'utf8'))));
    } catch (error) {
      problems.push(`theme ${file}: ${error instanceof z.ZodError ? (error.issues[0]?.message ?? 'invalid') : 'not readable as JSON'}`);
    }
  }
  return { themes, problems };
}

/** What a theme becomes on one terminal: a line in, a string with SGR codes out. */
export type Paint = (line: Line) => string;

interface Codes {
  fg: string;
  bg: string;
  marks: readonly (readonly [open: number, close: number])[];
}

/** One SGR code a sequence: Ink reads compound ones as one style that it cannot close. */
const sgr = (code: string | number): string => `\x1b[${code}m`;

export function createPaint(theme: Theme | undefined, depth: Depth, unicode: boolean, marks: boolean): Paint {
  const codes = new Map<Role, Codes>(ROLES.map((role) => [role, codesOf(theme, role, depth, marks)]));
  return (row) =>
    row.pieces
      .map(({ text, role, over = row.over }) => {
        const shown = unicode ? text : toAscii(text, widthOf);
        const own = codes.get(role);
        const laid = over === undefined ? undefined : codes.get(over);
        const fg = own?.fg || laid?.fg || '';
        const bg = own?.bg || laid?.bg || '';
        const signs = [...new Map([...(own?.marks ?? []), ...(laid?.marks ?? [])])];
        const open = signs.map(([on]) => sgr(on)).join('') + fg + bg;
        const close = (bg === '' ? '' : sgr(49)) + (fg === '' ? '' : sgr(39)) + signs.reverse().map(([, off]) => sgr(off)).join('');
        return shown === '' ? '' : open + shown + close;
      })
      .join('');
}

function codesOf(theme: Theme | undefined, role: Role, depth: Depth, marks: boolean): Codes {
  const { fg, bg, bold, underline, inverse } = theme?.roles[role] ?? theme?.roles.text ?? {};
  // Without colour a ground cannot be seen, so inverse says the same.
  const flip = inverse === true || (depth === 'none' && bg !== undefined && role !== 'dialog');
  const on: (readonly [number, number])[] = [];
  if (marks && bold) on.push([1, 22]);
  if (marks && underline) on.push([4, 24]);
  if (marks && flip) on.push([7, 27]);
  return { fg: colourCode(theme?.palette[fg ?? ''], depth, 'fg'), bg: colourCode(theme?.palette[bg ?? ''], depth, 'bg'), marks: on };
}

function colourCode(value: string | undefined, depth: Depth, ground: 'fg' | 'bg'): string {
  if (value === undefined || value === 'default' || depth === 'none') return '';
  const shift = ground === 'bg' ? 10 : 0;
  if (!value.startsWith('#')) {
    const bright = value.startsWith('bright-');
    return sgr((bright ? 90 : 30) + shift + ANSI.findIndex((name) => name === value.replace('bright-', '')));
  }
  const [r, g, b] = rgb(value);
  if (depth === 'truecolor') return sgr(`${38 + shift};2;${r};${g};${b}`);
  if (depth === '256') return sgr(`${38 + shift};5;${cube(r, g, b)}`);
  const nearest = near16(r, g, b);
  return sgr((nearest < 8 ? 30 : 82) + nearest + shift);
}

export function rgb(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** The nearest entry of the 6x6x6 cube or the grey ramp of the 256 colours. */
function cube(r: number, g: number, b: number): number {
  const steps = [0, 95, 135, 175, 215, 255];
  const index = (value: number): number => steps.reduce((best, step, at) => (Math.abs(step - value) < Math.abs((steps[best] ?? 0) - value) ? at : best), 0);
  const [i, j, k] = [index(r), index(g), index(b)];
  const grey = Math.max(0, Math.min(23, Math.round(((r + g + b) / 3 - 8) / 10)));
  const far = (x: number, y: number, z: number): number => (x - r) ** 2 + (y - g) ** 2 + (z - b) ** 2;
  const level = 8 + 10 * grey;
  return far(level, level, level) < far(steps[i] ?? 0, steps[j] ?? 0, steps[k] ?? 0) ? 232 + grey : 16 + 36 * i + 6 * j + k;
}

/** The nearest of the sixteen by hue first: a muted green must stay green, not turn grey. */
function near16(r: number, g: number, b: number): number {
  const top = Math.max(r, g, b);
  const low = Math.min(r, g, b);
  if (top - low < 48) return top < 64 ? 0 : top < 150 ? 8 : top < 220 ? 7 : 15;
  const middle = (top + low) / 2;
  const hue = (r > middle ? 1 : 0) + (g > middle ? 2 : 0) + (b > middle ? 4 : 0);
  return top > 200 ? hue + 8 : hue;
}
