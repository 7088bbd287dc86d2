/** Themes: a palette and roles, one JSON file each. Components name roles; only a theme names a colour. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { nearest, nearestReadable, rgb, shownAs } from './colour.ts';
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

/** Reads every theme of a folder, by file name; none where there is no such folder. A broken file costs only itself: it is named in `problems`. */
export function loadThemes(dir: string): { themes: Theme[]; problems: string[] } {
  const themes: Theme[] = [];
  const problems: string[] = [];
  for (const file of filesIn(dir).filter((name) => name.endsWith('.json')).sort()) {
    try {
      themes.push(themeSchema.parse(JSON.parse(readFileSync(join(dir, file), 'utf8'))));
    } catch (error) {
      problems.push(`theme ${file}: ${error instanceof z.ZodError ? issueWords(error) : 'not readable as JSON'}`);
    }
  }
  return { themes, problems };
}

/** The field at fault and what was expected there. */
function issueWords({ issues }: z.ZodError): string {
  const [issue] = issues;
  return issue ? `${issue.path.length > 0 ? `${issue.path.join('.')}: ` : ''}${issue.message}` : 'invalid';
}

function filesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/** What a theme becomes on one terminal: a line in, a string with SGR codes out. */
export type Paint = (line: Line) => string;

/** One SGR code a sequence: Ink reads compound ones as one style that it cannot close. */
const sgr = (code: string | number): string => `\x1b[${code}m`;

/** Rules and bars are shapes, not text: they may be faint. */
const SHAPES: ReadonlySet<Role> = new Set(['rule', 'rule_focus', 'bar_good', 'bar_bad', 'bar_rest']);

export function createPaint(theme: Theme | undefined, depth: Depth, unicode: boolean, marks: boolean): Paint {
  const known = new Map<string, readonly [open: string, close: string]>();
  const codes = (role: Role, over: Role | undefined): readonly [open: string, close: string] => {
    const key = `${role} ${over ?? ''}`;
    const found = known.get(key) ?? codesOf(theme, role, over, depth, marks);
    known.set(key, found);
    return found;
  };
  return (row) =>
    row.pieces
      .map(({ text, role, over = row.over }) => {
        const shown = unicode ? text : toAscii(text, widthOf);
        const [open, close] = codes(role, over);
        return shown === '' ? '' : open + shown + close;
      })
      .join('');
}

/** What is written before and after a piece. A role's own colours win over those of what it is laid on. */
function codesOf(theme: Theme | undefined, role: Role, over: Role | undefined, depth: Depth, marks: boolean): readonly [open: string, close: string] {
  const styles = [styleOf(theme, role), ...(over === undefined ? [] : [styleOf(theme, over)])];
  // Inverse turns each colour into a ground of its own: a row in patches. It is laid on as one.
  const coloured = styles.at(-1)?.inverse === true ? styles.slice(-1) : styles;
  const own = (name: 'fg' | 'bg'): string => coloured.map((style) => theme?.palette[style[name] ?? ''] ?? 'default').find((value) => value !== 'default') ?? 'default';
  const ground = own('bg');
  const front = own('fg');
  const readable = SHAPES.has(role) ? null : { on: ground.startsWith('#') ? ground : (theme?.made_for.bg ?? '#000000'), painted: ground.startsWith('#') };
  const [fg, bg] = [colourCode(front, depth, 'fg', ground === 'default' || ground.startsWith('#') ? readable : null), colourCode(ground, depth, 'bg', null)];
  const signs: [number, number][] = [];
  const has = (test: (style: Style, of: Role) => boolean): boolean => marks && styles.some((style, index) => test(style, index === 0 ? role : (over ?? role)));
  if (has(({ bold }) => bold === true)) signs.push([1, 22]);
  if (has(({ underline }) => underline === true)) signs.push([4, 24]);
  // Without colour a ground cannot be seen, so inverse says the same.
  if (has(({ inverse, bg: under }, of) => inverse === true || (depth === 'none' && under !== undefined && of !== 'dialog'))) signs.push([7, 27]);
  const open = signs.map(([on]) => sgr(on)).join('') + fg + bg;
  const close = (bg === '' ? '' : sgr(49)) + (fg === '' ? '' : sgr(39)) + signs.toReversed().map(([, off]) => sgr(off)).join('');
  return [open, close];
}

type Style = z.output<typeof style>;
const styleOf = (theme: Theme | undefined, role: Role): Style => theme?.roles[role] ?? theme?.roles.text ?? {};

/** `readable`: the ground under text. With few colours the nearest one may vanish on it, so the nearest that can be read is taken. */
function colourCode(value: string, depth: Depth, ground: 'fg' | 'bg', readable: { on: string; painted: boolean } | null): string {
  if (value === 'default' || depth === 'none') return '';
  const shift = ground === 'bg' ? 10 : 0;
  if (!value.startsWith('#')) {
    const bright = value.startsWith('bright-');
    return sgr((bright ? 90 : 30) + shift + ANSI.findIndex((name) => name === value.replace('bright-', '')));
  }
  if (depth === 'truecolor') return sgr(`${38 + shift};2;${rgb(value).join(';')}`);
  const under = readable && (readable.painted ? shownAs(nearest(readable.on, depth)) : readable.on);
  const n = under === null ? nearest(value, depth) : nearestReadable(value, under, depth);
  return depth === '256' ? sgr(`${38 + shift};5;${n}`) : sgr((n < 8 ? 30 : 82) + n + shift);
}
