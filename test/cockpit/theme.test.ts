import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openWardrobe } from '../../src/cockpit/wardrobe.ts';
import { speaksUnicode } from '../../src/cockpit/glyphs.ts';
import { line, piece } from '../../src/cockpit/line.ts';
import { rgb } from '../../src/cockpit/colour.ts';
import { colourDepth, createPaint, defaultTheme, loadThemes, ROLES, type Depth, type Role, type Theme } from '../../src/cockpit/theme.ts';

const { themes, problems } = loadThemes('themes');
const named = (name: string): Theme => {
  const theme = themes.find((one) => one.name === name);
  if (!theme) throw new Error(`no theme ${name}`);
  return theme;
};

function luminance(hex: string): number {
  const [r, g, b] = rgb(hex).map((value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
}
const contrast = (a: string, b: string): number => {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
};

/** Frames and bars are shapes, not text. */
const SHAPES: readonly Role[] = ['rule', 'rule_focus', 'bar_good', 'bar_bad', 'bar_rest'];

describe('the themes', () => {
  it('are six, all valid, with every role', () => {
    expect(problems).toEqual([]);
    expect(themes.map(({ name }) => name)).toEqual(['colour-blind', 'dark', 'high-contrast', 'light', 'mono', 'terminal']);
    for (const theme of themes) expect([theme.name, ROLES.filter((role) => !(role in theme.roles))]).toEqual([theme.name, []]);
  });

  it.each(themes.filter(({ name }) => name !== 'terminal'))('$name reads at WCAG AA, on its own ground, selected and in a dialog', (theme) => {
    const colour = (name: string | undefined, own: string): string => (name === undefined || theme.palette[name] === 'default' ? own : (theme.palette[name] ?? own));
    const bad: string[] = [];
    for (const role of ROLES.filter((one) => !SHAPES.includes(one))) {
      const { fg, bg, inverse } = theme.roles[role] ?? {};
      const front = colour(fg, theme.made_for.fg);
      const grounds = bg !== undefined ? [colour(bg, theme.made_for.bg)] : ['selection', 'dialog'].map((over) => colour(theme.roles[over as Role]?.bg, theme.made_for.bg)).concat(theme.made_for.bg);
      if (inverse) continue;
      for (const ground of grounds) if (contrast(front, ground) < 4.5) bad.push(`${role} ${front} on ${ground}: ${contrast(front, ground).toFixed(2)}`);
    }
    expect(bad).toEqual([]);
  });

  it('cost only themselves when they are broken', () => {
    const dir = mkdtempSync(join(tmpdir(), 'vastsit-themes-'));
    writeFileSync(join(dir, 'a.json'), '{');
    writeFileSync(join(dir, 'b.json'), JSON.stringify({ ...named('dark'), roles: { text: { fg: 'nowhere' } } }));
    writeFileSync(join(dir, 'c.json'), JSON.stringify({ ...named('dark'), name: 'mine', roles: { text: { fg: 'text' } } }));
    const read = loadThemes(dir);
    rmSync(dir, { recursive: true });
    expect(read.themes.map(({ name }) => name)).toEqual(['mine']);
    expect(read.problems).toEqual([expect.stringContaining('a.json'), expect.stringContaining('lacks')]);
  });
});

/** xterm's own sixteen, for a terminal that nobody has adjusted. */
const SIXTEEN = ['#000000', '#cd0000', '#00cd00', '#cdcd00', '#0000ee', '#cd00cd', '#00cdcd', '#e5e5e5', '#7f7f7f', '#ff0000', '#00ff00', '#ffff00', '#5c5cff', '#ff00ff', '#00ffff', '#ffffff'];
const hex = (r: number, g: number, b: number): string => `#${[r, g, b].map((value) => value.toString(16).padStart(2, '0')).join('')}`;

function indexed(n: number): string {
  if (n < 16) return SIXTEEN[n] ?? '';
  const level = (value: number): number => (value === 0 ? 0 : 55 + 40 * value);
  return n >= 232 ? hex(8 + 10 * (n - 232), 8 + 10 * (n - 232), 8 + 10 * (n - 232)) : hex(level(Math.floor((n - 16) / 36)), level(Math.floor((n - 16) / 6) % 6), level((n - 16) % 6));
}

/** The colours that a terminal shows for painted text: what the codes say, else its own. */
function painted(text: string, own: { fg: string; bg: string }): { fg: string; bg: string; bold: boolean } {
  let [fg, bg, inverse, bold] = [own.fg, own.bg, false, false];
  for (const [, codes = ''] of text.slice(0, text.indexOf('x')).matchAll(/\x1b\[([0-9;]*)m/g)) {
    const [kind = 0, mode, ...rest] = codes.split(';').map(Number);
    const [r = 0, g = 0, b = 0] = rest;
    const colour = mode === 5 ? indexed(r) : mode === 2 ? hex(r, g, b) : '';
    if (kind === 38) fg = colour;
    else if (kind === 48) bg = colour;
    else if (kind === 7) inverse = true;
    else if (kind === 1) bold = true;
    else if (kind >= 30 && kind <= 37) fg = indexed(kind - 30);
    else if (kind >= 40 && kind <= 47) bg = indexed(kind - 40);
    else if (kind >= 90 && kind <= 97) fg = indexed(kind - 82);
    else if (kind >= 100 && kind <= 107) bg = indexed(kind - 92);
  }
  return inverse ? { fg: bg, bg: fg, bold } : { fg, bg, bold };
}

describe('what a terminal shows of each pair', () => {
  const cases = themes.flatMap((theme) => (['truecolor', '256', '16', 'none'] as const).map((depth) => ({ name: theme.name, depth, theme })));
  it.each(cases)('$name at $depth reads at WCAG AA: plain, selected, and in a dialog', ({ theme, depth }) => {
    const paint = createPaint(theme, depth, true, true);
    const bad: string[] = [];
    for (const role of ROLES.filter((one) => !SHAPES.includes(one))) {
      for (const over of [undefined, 'selection', 'dialog', 'signature'] as const) {
        if (over === 'signature' && !['signature', 'found'].includes(role)) continue;
        const { fg, bg } = painted(paint({ ...line(piece('x', role)), ...(over && { over }) }), theme.made_for);
        if (contrast(fg, bg) < 4.5) bad.push(`${role} over ${over ?? 'nothing'}: ${fg} on ${bg} is ${contrast(fg, bg).toFixed(2)}`);
      }
    }
    expect(bad).toEqual([]);
  });
});

describe('colour', () => {
  it.each<[Record<string, string>, Depth]>([
    [{ TERM: 'xterm-256color', COLORTERM: 'truecolor' }, 'truecolor'],
    [{ TERM: 'xterm-256color' }, '256'],
    [{ TERM: 'xterm' }, '16'],
    [{ TERM: 'dumb' }, 'none'],
    [{ TERM: 'xterm', NO_COLOR: '1', COLORTERM: 'truecolor' }, 'none'],
    [{ TERM: 'xterm', NO_COLOR: '' }, '16'],
    [{ NO_COLOR: '1', FORCE_COLOR: '3' }, 'truecolor'],
    [{ FORCE_COLOR: '0', COLORTERM: 'truecolor' }, 'none'],
  ])('of %j is %s', (env, depth) => expect(colourDepth(env)).toBe(depth));

  const row = { ...line(piece('x', 'bad')), over: 'selection' as const };
  it.each<[Depth, string]>([
    ['truecolor', '\x1b[1m\x1b[38;2;255;123;114m\x1b[48;2;27;39;53mx\x1b[49m\x1b[39m\x1b[22m'],
    ['256', '\x1b[1m\x1b[38;5;209m\x1b[48;5;235mx\x1b[49m\x1b[39m\x1b[22m'],
    ['16', '\x1b[1m\x1b[91m\x1b[40mx\x1b[49m\x1b[39m\x1b[22m'],
    ['none', '\x1b[1m\x1b[7mx\x1b[27m\x1b[22m'],
  ])('at depth %s still tells a selected alert', (depth, want) => expect(createPaint(named('dark'), depth, true, true)(row)).toBe(want));

  it('of a dumb terminal is nothing at all', () => expect(createPaint(named('dark'), 'none', false, false)(line(piece('● ━ ✓ 学', 'bad')))).toBe('* = + ??'));

  it('follows a light terminal', () => expect([defaultTheme({ COLORFGBG: '0;15' }), defaultTheme({ COLORFGBG: '15;0' }), defaultTheme({})]).toEqual(['light', 'dark', 'dark']));
  it('and shapes follow the locale', () => expect([speaksUnicode({ LANG: 'C.UTF-8' }), speaksUnicode({ LANG: 'C' }), speaksUnicode({ LANG: 'C.UTF-8', TERM: 'linux' })]).toEqual([true, false, false]));
});

describe('the theme to begin with', () => {
  const worn = (theme: string | undefined, env: NodeJS.ProcessEnv = {}): string | undefined => {
    const { paints, chosen } = openWardrobe(['themes'], theme, { TERM: 'xterm-256color', ...env });
    return paints[chosen]?.name;
  };
  it.each<[string | undefined, NodeJS.ProcessEnv, string]>([
    [undefined, {}, 'dark'],
    ['default', {}, 'dark'],
    ['default', { COLORFGBG: '0;15' }, 'light'],
    ['high-contrast', {}, 'high-contrast'],
    ['none-such', {}, 'dark'],
  ])('%s %o is %s', (theme, env, name) => expect(worn(theme, env)).toBe(name));
  it('tells of a name that there is not, and of no other', () => {
    expect(openWardrobe(['themes'], 'none-such', {}).problems).toEqual([expect.stringMatching(/^no theme "none-such"; there are /)]);
    expect(openWardrobe(['themes'], 'default', {}).problems).toEqual([]);
  });
});
