/** The whole screen as lines: a pure function of the world, the screen's memory and the time. Always exactly `rows` lines of `columns` cells. */
import type { World } from '../core/state.ts';
import { beside, block, clickable, fitLine, line, lineWidth, overlay, piece, plain, widthOf, wrap, type Line, type Piece } from './line.ts';
import { GLYPH } from './glyphs.ts';
import { KEYS, keyName, keyOf } from './keys.ts';
import { helpRows, layoutOf, LEAST, pageRows } from './layout.ts';
import { basePlace, placeOf } from './on-key.ts';
import { actsOnRun } from './palette.ts';
import { banner, header } from './panes/header.ts';
import { box } from './panes/box.ts';
import { costs } from './panes/costs.ts';
import { dialogBox, dialogWidth } from './panes/dialog.ts';
import { log } from './panes/log.ts';
import { helpOf, pageLines } from './panes/page.ts';
import { paletteBox } from './panes/palette.ts';
import { said } from './panes/said.ts';
import { table } from './panes/table.ts';
import { pendingRuns } from './select.ts';
import type { Pane, Ui } from './ui.ts';

/** `now` is the program's (scaled) time in ms; `title` stands beside the program's name. */
export function view(ui: Ui, world: World, now: number, title: string): Line[] {
  const { columns, rows } = ui.size;
  const layout = layoutOf(ui, world);
  if (layout.shape === 'tiny') return notice(columns, rows);
  const head = header(ui, world, now, ui.elsewhere === null ? title : `${title} ${GLYPH.dot} ${ui.elsewhere}`, layout.header);
  const sign = layout.banner ? banner(ui, world, now) : null;
  const top = sign ? [...head, sign] : head;
  const room = pageRows(ui, world);
  const page = pageLines(ui, world, now);
  const body = ui.page.name === 'home' || page.length === 0 ? [...inPane('runs', table(ui, world, now, layout)), ...below(ui, world, now)] : page.slice(Math.max(0, Math.min(ui.page.scroll, page.length - room)));
  const screen = [...top, ...block(body, columns, room), fitLine(footer(ui, world, now), columns)];
  return overlays(screen, ui, world, now);
}

function below(ui: Ui, world: World, now: number): Line[] {
  const layout = layoutOf(ui, world);
  const { columns } = ui.size;
  if (layout.said === null) return [];
  const beneath = layout.shape === 'wide' && layout.costs ? columns - layout.costs.width - 1 : columns;
  const logs = layout.log === null ? [] : inPane('log', log(ui, world, beneath, layout.log));
  const words = inPane('said', said(ui, world, now, beneath, layout.said));
  if (!layout.costs) return [...logs, ...words];
  const ticker = inPane('costs', costs(world, now, layout.costs.width, layout.costs.rows));
  return layout.shape === 'wide' ? beside([...logs, ...words], ticker) : [...ticker, ...words];
}

const inPane = (pane: Pane, lines: Line[]): Line[] => lines.map((row) => clickable(row, { on: 'pane', pane }));

function overlays(screen: Line[], ui: Ui, world: World, now: number): Line[] {
  const { columns, rows } = ui.size;
  const lay = (lines: Line[], width: number): Line[] => overlay(screen, lines, Math.floor((columns - width) / 2), Math.max(0, Math.floor((rows - lines.length) / 2)));
  if (ui.dialog) {
    const lines = dialogBox(ui.dialog, ui, world, now);
    return lay(fitHeight(lines, rows), dialogWidth(ui.dialog, columns));
  }
  if (ui.palette) {
    const width = Math.min(90, columns - 2);
    const lines = paletteBox(ui.palette, basePlace(ui), world, width, rows);
    return overlay(screen, lines, 1, Math.max(0, rows - 1 - lines.length));
  }
  if (ui.help === null) return screen;
  const width = Math.min(86, columns - 2);
  const lines = helpOf(ui);
  const space = helpRows(ui);
  const from = Math.max(0, Math.min(ui.help, lines.length - space));
  const more = lines.length - from - space;
  return lay(box(more > 0 ? `Keys (${more} more below)` : 'Keys', lines.slice(from, from + space), width, 'rule_focus'), width);
}

/** A box that is taller than the screen loses rows above its options, never the options. */
const fitHeight = (lines: Line[], rows: number): Line[] => (lines.length <= rows ? lines : [...lines.slice(0, 1), ...lines.slice(lines.length - rows + 1)]);

function footer(ui: Ui, world: World, now: number): Line {
  if (ui.palette && !ui.dialog) return line(piece(' :', 'key'), piece(ui.palette.text, 'title'), piece(GLYPH.caret, 'key'), piece('  Tab completes, Enter does it, Esc leaves it', 'muted'));
  if (ui.filter.editing) return line(piece(' /', 'key'), piece(ui.filter.text, 'title'), piece(GLYPH.caret, 'key'), piece('  Enter keeps the filter, Esc clears it', 'muted'));
  const [pending] = pendingRuns(world);
  if (pending?.destroy_pending && !ui.dialog && ui.help === null) {
    const left = Math.max(0, Math.ceil((pending.destroy_pending.until - now) / 1_000 / ui.pace));
    return line(piece(` ${GLYPH.alert} Destroying ${pending.id} in ${left} s: `, 'danger'), ...pressable(line(piece(keyOf('undo'), 'key'), piece(' calls it back', 'text')), KEYS.find(({ action }) => action === 'undo')?.keys[0] ?? ''));
  }
  if (ui.look.finding) return line(piece(' /', 'key'), piece(ui.look.find, 'title'), piece(GLYPH.caret, 'key'), piece(`  Enter finds, ${keyOf('find_next')} and ${keyOf('find_previous')} go on, Esc ends the search`, 'muted'));
  if (ui.toast) return plain(` ${ui.toast.text}`, ui.toast.bad ? 'warn' : 'ok');
  const place = placeOf(ui);
  if (place === 'dialog' || place === 'text') return line(piece(' ↑↓', 'key'), piece(' choose  ', 'muted'), piece('Enter', 'key'), piece(' take  ', 'muted'), piece('Esc', 'key'), piece(' leave everything as it is', 'muted'));
  const back = place === 'home' || place === 'said' ? [] : [pressable(line(piece(' Esc', 'key'), piece(' back ', 'muted')), 'esc')];
  // What acts on a run is no offer where none is selected.
  const idle = place === 'home' && ui.selected === null;
  const hints = KEYS.filter(({ hint, places, action }) => hint !== undefined && places.includes(place) && !(idle && actsOnRun(action))).map(({ keys: [key = ''], hint }) => pressable(line(piece(` ${keyName(key)}`, 'key'), piece(` ${hint ?? ''} `, 'muted')), key));
  // The way to help and the way out stay in sight; the rest gives way from its end.
  const ends = hints.slice(-2);
  const kept = [...back, ...hints.slice(0, -2)];
  while (kept.length > 0 && lineWidth(line(...kept.flat(), ...ends.flat())) > ui.size.columns) kept.pop();
  return line(...kept.flat(), ...ends.flat());
}

const pressable = (words: Line, key: string): readonly Piece[] => clickable(words, { on: 'key', key }).pieces;

/** Too small to be useful: says what it has and what it needs. Keys still work. */
function notice(columns: number, rows: number): Line[] {
  const words = [`The terminal is ${columns}x${rows}.`, `The cockpit needs ${LEAST.columns}x${LEAST.rows}.`, `Make it larger, or ${keyOf('quit')} to leave.`];
  const lines = words.flatMap((text) => wrap(text, columns)).map((text) => plain(' '.repeat(Math.max(0, Math.floor((columns - widthOf(text)) / 2))) + text, 'warn'));
  const above = Math.max(0, Math.floor((rows - lines.length) / 2));
  return block([...Array.from({ length: above }, () => line()), ...lines], columns, rows);
}
