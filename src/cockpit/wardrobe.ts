/** The themes that this terminal can wear, and the one to begin with. */
import { speaksUnicode } from './glyphs.ts';
import { colourDepth, createPaint, defaultTheme, loadThemes, type Paint } from './theme.ts';

export interface Wardrobe {
  readonly paints: readonly { name: string; paint: Paint }[];
  /** Index of the one to begin with. */
  readonly chosen: number;
  /** What is wrong with a theme's file or name, in words. */
  readonly problems: string[];
}

/** One of a later folder replaces its namesake of an earlier one. Also tells Ink what of the environment it would get wrong. */
export function openWardrobe(dirs: readonly string[], theme: string | undefined, env: NodeJS.ProcessEnv): Wardrobe {
  const depth = colourDepth(env);
  // Ink reads both when it is imported: under CI it would draw nothing at all.
  if (env['NO_COLOR'] && !env['FORCE_COLOR']) env['FORCE_COLOR'] = '0';
  delete env['CI'];
  const read = dirs.map(loadThemes);
  const problems = read.flatMap((folder) => folder.problems);
  const themes = [...new Map(read.flatMap((folder) => folder.themes).map((one) => [one.name, one])).values()];
  const unicode = speaksUnicode(env);
  const marks = env['TERM'] !== 'dumb';
  const paints = (themes.length > 0 ? themes : [undefined]).map((one) => ({ name: one?.name ?? 'plain', paint: createPaint(one, depth, unicode, marks) }));
  const named = theme === undefined || theme === 'default' ? null : theme;
  const at = (name: string): number => paints.findIndex((one) => one.name === name);
  if (named !== null && at(named) < 0) problems.push(`no theme "${named}"; there are ${paints.map(({ name }) => name).join(', ')}`);
  const chosen = named !== null && at(named) >= 0 ? at(named) : Math.max(0, at(defaultTheme(env)));
  return { paints, chosen, problems };
}
