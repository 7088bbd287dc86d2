/** The reasoning log: what the agents saw, concluded, decided and refused, newest last. */
import type { Said, World } from '../../core/state.ts';
import { cleanLine } from '../../core/text.ts';
import { clockTime } from '../format.ts';
import { GLYPH } from '../glyphs.ts';
import { block, clip, fit, fitLine, line, piece, plain, wrap, type Line } from '../line.ts';
import type { Role } from '../theme.ts';
import type { Ui } from '../ui.ts';
import { actorRole, rule, SHORT_ACTOR } from './parts.ts';

/** The newest entries that fit; a long one takes a second row. */
export function said(ui: Ui, world: World, width: number, rows: number): Line[] {
  const back = Math.max(0, Math.min(ui.back.said, world.said.length - 1));
  const shown: Line[] = [];
  for (let index = world.said.length - back - 1; index >= 0 && shown.length < rows; index -= 1) {
    const entry = world.said[index];
    if (entry) shown.unshift(...saidLines(entry, width, Math.min(2, rows - shown.length)));
  }
  const note = back > 0 ? [piece(`${back} newer, G follows`, 'warn')] : [];
  const title = rule([piece('Reasoning', 'title')], note, width, ui.focus === 'said');
  const lines = shown.length > 0 ? shown : [plain(' What the agents see, decide and refuse is told here.', 'muted')];
  return [title, ...block(lines, width, rows)].map((row) => fitLine(row, width));
}

/** Where the words begin: time, actor and sign stand before them. */
const INDENT = 20;

/** A check's compact line begins with the time that already stands in its own column. */
const OWN_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ /;

/** One entry in at most `most` rows of `width` cells. */
export function saidLines(entry: Said, width: number, most: number): Line[] {
  const [sign, role] = LEVELS[entry.level];
  const name = entry.run === null ? '' : `${clip(cleanLine(entry.run, 64), width < 70 ? 12 : 20, 'middle')} `;
  const rows = wrap(name + cleanLine(entry.text, 600).replace(OWN_TIME, ''), Math.max(20, width - INDENT - 1));
  const kept = rows.length <= most ? rows : [...rows.slice(0, most - 1), rows.slice(most - 1).join(' ')];
  const loud: Role = entry.level === 'info' ? 'muted' : role;
  return kept.map((text, index) => {
    if (index > 0) return line(piece(' '.repeat(INDENT)), piece(text));
    const named = text.startsWith(name) ? name.length : 0;
    const head = [piece(` ${clockTime(entry.at)} `, 'faint'), piece(fit(SHORT_ACTOR[entry.actor], 8), actorRole(entry.actor)), piece(`${sign} `, role)];
    return line(...head, piece(text.slice(0, named), loud), piece(text.slice(named)));
  });
}

const LEVELS: Readonly<Record<Said['level'], readonly [sign: string, role: Role]>> = { info: [' ', 'muted'], milestone: [GLYPH.milestone, 'ok'], alert: [GLYPH.alert, 'bad'] };
