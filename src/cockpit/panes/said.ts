/** The reasoning log: what the agents saw, concluded, decided and refused, newest last; an incident's lines stand together. */
import type { Said, World } from '../../core/state.ts';
import { cleanLine } from '../../core/text.ts';
import { clockTime } from '../format.ts';
import { GLYPH } from '../glyphs.ts';
import { keyOf } from '../keys.ts';
import { block, clickable, clip, fit, fitLine, line, lineWidth, piece, plain, wrap, type Line, type Piece } from '../line.ts';
import { cursorOf, reasoningItems, standing, type Item } from '../reasoning.ts';
import type { Role } from '../theme.ts';
import type { Ui } from '../ui.ts';
import { actorRole, rule, SHORT_ACTOR } from './parts.ts';

/** The rule and `rows` rows; a long entry takes two of them until it is unfolded. */
export function said(ui: Ui, world: World, now: number, width: number, rows: number): Line[] {
  const items = reasoningItems(world, ui.reading.unfolded);
  const focused = ui.focus === 'said';
  const following = ui.reading.at === null;
  const speaking = following && rows >= 3 ? speakingLines(world, width) : [];
  const { lines, newer } = windowOf(items, cursorOf(items, ui.reading.at), rows - speaking.length, (item, chosen) => {
    const drawn = itemLines(item, now, width).map((row) => clickable(fitLine(row, width), { on: 'item', key: item.key }));
    return focused && chosen ? drawn.map((row) => ({ ...row, over: 'selection' as const })) : drawn;
  });
  const note = newer > 0 ? [piece(`${newer} newer, ${keyOf('last')} follows`, 'warn')] : focused ? [piece(`${keyOf('expand')} unfolds`, 'faint')] : [];
  const title = rule([piece('Reasoning', 'title')], note, width, focused);
  const shown = items.length > 0 ? [...lines, ...speaking] : wrap('What the agents see, decide and refuse is told here. Nothing has happened yet: launch a run, and the first lines come within seconds.', width - 2).map((text) => plain(` ${text}`, 'muted'));
  return [title, ...block(shown, width, rows)].map((row) => fitLine(row, width));
}

/** The newest items that fit; or, once the cursor is further back than that, those from the cursor on. */
function windowOf(items: readonly Item[], cursor: number, rows: number, draw: (item: Item, chosen: boolean) => Line[]): { lines: Line[]; newer: number } {
  const lines: Line[] = [];
  let index = items.length - 1;
  for (; index >= 0 && lines.length < rows; index -= 1) {
    const item = items[index];
    const drawn = item ? draw(item, index === cursor) : [];
    // Half an entry without its beginning says nothing.
    if (lines.length > 0 && lines.length + drawn.length > rows) break;
    lines.unshift(...drawn);
  }
  if (cursor > index) return { lines: lines.slice(0, rows), newer: 0 };
  lines.length = 0;
  for (index = cursor; index < items.length && lines.length < rows; index += 1) {
    const item = items[index];
    if (item) lines.push(...draw(item, index === cursor));
  }
  return { lines: lines.slice(0, rows), newer: items.length - index };
}

/** While the model speaks, its newest words stand below; they become an entry when it has come to a conclusion. */
function speakingLines(world: World, width: number): Line[] {
  const run = Object.values(world.runs).find(({ brain }) => brain.says !== '');
  if (!run) return [];
  const words = wrap(cleanLine(run.brain.says, 2_000), width - INDENT - 3);
  const shown = words.slice(-2);
  return shown.map((text, index) =>
    index === 0
      ? line(piece(` ${clockTime(world.now)} `, 'faint'), piece(fit(SHORT_ACTOR.babysitter, 8), 'babysitter'), piece(`${GLYPH.busy} `, 'busy'), piece(`${words.length > 2 ? GLYPH.more : ''}${text}`, 'babysitter'))
      : line(piece(' '.repeat(INDENT)), piece(text, 'babysitter'), piece(GLYPH.caret, 'key')),
  );
}

/** Where the words begin: time, actor and sign stand before them. */
const INDENT = 20;
/** Rows of an entry while it is folded, and at most. */
const FOLDED = 2;
const UNFOLDED = 12;

function itemLines(item: Item, now: number, width: number): Line[] {
  switch (item.is) {
    case 'line':
      return saidLines(item.group === null ? item.entry : { ...item.entry, run: null }, width, item.whole ? UNFOLDED : FOLDED, item.group !== null);
    case 'head':
      return [headLine(item, now, width)];
    case 'evidence':
      return wrap(cleanLine(item.text, 600), Math.max(20, width - INDENT - 12)).slice(0, 4).map((text, index) =>
        line(piece(' '.repeat(INDENT - 2)), piece(`${GLYPH.bar} `, 'rule'), piece(fit(index === 0 ? item.name : '', 10), 'faint'), piece(text, item.name === 'signature' ? 'bad' : 'muted')),
      );
  }
}

function headLine({ run, incident, lines, unfolded }: Extract<Item, { is: 'head' }>, now: number, width: number): Line {
  const { ended } = incident;
  const [sign, role]: [string, Role] = !ended ? [GLYPH.alert, 'bad'] : ended.how === 'resolved' ? [GLYPH.done, 'ok'] : ended.how === 'given_up' ? [GLYPH.failed, 'bad'] : [GLYPH.off, 'off'];
  const where = incident.step === null ? '' : ` at step ${incident.step}`;
  const words: Piece[] = [piece(`${incident.diagnosis.cause}${where}`, ended ? 'text' : 'bad'), piece(`, ${standing(incident, now)}`, ended ? role : 'warn')];
  const head = line(piece(` ${clockTime(incident.opened_at)} `, 'faint'), piece(fit(SHORT_ACTOR.babysitter, 8), 'babysitter'), piece(`${sign} `, role), piece(`${shortName(run.id, width)} `, 'title'), ...words);
  const more = `  ${lines} ${lines === 1 ? 'line' : 'lines'}`;
  return ended && !unfolded && lineWidth(head) + more.length <= width ? line(...head.pieces, piece(more, 'faint')) : head;
}

const shortName = (id: string, width: number): string => clip(cleanLine(id, 64), width < 70 ? 12 : 20, 'middle');

/** A check's compact line begins with the time that already stands in its own column. */
const OWN_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ /;

/** One entry in at most `most` rows of `width` cells; `inside` an incident's group its sign gives way to the group's bar. */
export function saidLines(entry: Said, width: number, most: number, inside = false): Line[] {
  const [level, role] = LEVELS[entry.level];
  const bar = inside && entry.level === 'info';
  const sign = piece(`${bar ? GLYPH.bar : level} `, bar ? 'rule' : role);
  const name = entry.run === null ? '' : `${shortName(entry.run, width)} `;
  const rows = wrap(name + cleanLine(entry.text, 600).replace(OWN_TIME, ''), Math.max(20, width - INDENT - 1));
  const kept = rows.length <= most ? rows : [...rows.slice(0, most - 1), rows.slice(most - 1).join(' ')];
  const loud: Role = entry.level === 'info' ? 'muted' : role;
  return kept.map((text, index) => {
    if (index > 0) return line(piece(' '.repeat(INDENT - 2)), piece(inside ? `${GLYPH.bar} ` : '  ', 'rule'), piece(text));
    const named = text.startsWith(name) ? name.length : 0;
    return line(piece(` ${clockTime(entry.at)} `, 'faint'), piece(fit(SHORT_ACTOR[entry.actor], 8), actorRole(entry.actor)), sign, piece(text.slice(0, named), loud), piece(text.slice(named)));
  });
}

const LEVELS: Readonly<Record<Said['level'], readonly [sign: string, role: Role]>> = { info: [' ', 'muted'], milestone: [GLYPH.milestone, 'ok'], alert: [GLYPH.alert, 'bad'] };
