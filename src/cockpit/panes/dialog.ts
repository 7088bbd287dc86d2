/** A dialog as a box: its words, then its fields and options. A body that is too long is scrolled; the options stay in sight. */
import { burnOf } from '../../core/ledger.ts';
import { span } from '../../core/line.ts';
import { instanceOf, type World } from '../../core/state.ts';
import type { Control, Dialog } from '../form.ts';
import { valueOf } from '../form.ts';
import { money } from '../format.ts';
import { GLYPH } from '../glyphs.ts';
import { clickable, clip, cut, line, piece, plain, widthOf, wrap, type Line } from '../line.ts';
import { isOver } from '../select.ts';
import type { Role } from '../theme.ts';
import type { Ui } from '../ui.ts';
import { box } from './box.ts';
import { dialogWords } from './dialog-words.ts';
import { offerRow } from './wizard-words.ts';

/** Cells that a dialog takes, when the terminal has them. */
export const DIALOG_WIDTH = 72;
/** A command line wants room. */
const WIDE: readonly Dialog['kind'][] = ['relaunch', 'proposal', 'offers', 'spec'];
/** Rows of options that are in sight at once, where there are more: at least so many. */
const LEAST_OPTIONS = 4;
const WIDE_WIDTH = 100;
const NAME = 10;
/** Cells of an option's line that are not its words. */
const OPTION_EDGE = 5;

export const dialogWidth = (dialog: Dialog, columns: number): number => Math.min(WIDE.includes(dialog.kind) ? WIDE_WIDTH : DIALOG_WIDTH, columns - 4);

export function dialogBox(dialog: Dialog, ui: Ui, world: World, now: number): Line[] {
  const width = dialogWidth(dialog, ui.size.columns);
  const known = dialog.run === null ? null : (world.runs[dialog.run] ?? null);
  const run = known && !isOver(known) ? known : null;
  const { title, words } = dialogWords(dialog, run, world, ui, now, width - 4);
  const body = words.flatMap(([text, role]) => (text === '' ? [line()] : wrap(text, width - 4).map((row) => plain(row, role))));
  const ended = dialog.run !== null && run === null;
  const foot = ended ? [] : [line(), ...controls(dialog, ui, world, now, width - 4)];
  const room = Math.max(1, ui.size.rows - 2 - foot.length);
  const from = Math.max(0, Math.min(dialog.scroll, body.length - room));
  const more = body.length - from - room;
  const shown = more > 0 ? [...body.slice(from, from + room - 1), plain(`${GLYPH.more} ${more + 1} more lines: PgDn`, 'muted')] : body.slice(from);
  return box(title, [...shown, ...foot], width, dialog.kind === 'destroy' ? 'danger' : 'rule_focus');
}

function controls(dialog: Dialog, ui: Ui, world: World, now: number, width: number): Line[] {
  const fields = dialog.controls.flatMap((control, index) => (control.is === 'text' ? [clickable(field(control, dialog, index === dialog.focus, world, now, width), { on: 'control', index })] : []));
  const options = dialog.controls.flatMap((control, index) => (control.is === 'option' ? [{ control, on: index === dialog.focus, hit: { on: 'control' as const, index } }] : []));
  const error = dialog.error === null ? [] : wrap(dialog.error, width - 2).map((row) => plain(`  ${row}`, 'warn'));
  // Options that want a word stand below each other, so that the word has a row of its own.
  const rows = dialog.kind === 'offers' || options.length > 3 || dialog.kind === 'launch' || options.some(({ control }) => control.word !== null)
    ? inSight(options, Math.max(LEAST_OPTIONS, Math.floor(ui.size.rows / 2) - 3)).flatMap(({ control, on, hit }) => [clickable(optionLine(label(control, dialog, ui, world, width), on, control.danger ? 'danger' : 'text'), hit), ...(on && control.word !== null ? [typing(control.word, dialog.typed)] : [])])
    : [line(...options.flatMap(({ control, on, hit }) => [piece('  '), { ...piece(on ? `${GLYPH.select}${label(control, dialog, ui, world, width)} ` : ` ${label(control, dialog, ui, world, width)} `, on ? 'button_focus' : 'button'), hit }]))];
  return [...fields, ...(fields.length > 0 ? (error.length > 0 ? error : [line()]) : error), ...rows];
}

/** The options around the one that has the focus; the first, which leaves all as it is, stays. */
function inSight<T extends { on: boolean }>(options: readonly T[], room: number): T[] {
  if (options.length <= room) return [...options];
  const at = Math.max(1, options.findIndex(({ on }) => on));
  const from = Math.max(1, Math.min(at - Math.floor(room / 2), options.length - room + 1));
  return [...options.slice(0, 1), ...options.slice(from, from + room - 1)];
}

function label(control: Extract<Control, { is: 'option' }>, dialog: Dialog, ui: Ui, world: World, width: number): string {
  if (dialog.kind === 'hold' && control.name === 'hold') return `Hold for ${span(Number(valueOf(dialog, 'minutes')) * 60_000)}`;
  return (dialog.kind === 'offers' ? offerRow(control.name, ui, world, width - OPTION_EDGE) : null) ?? control.says;
}

const typing = (word: string, typed: string): Line => line(piece('      type ', 'muted'), piece(word, 'title'), piece(': ', 'muted'), piece(typed, typed === word ? 'danger' : 'text'), piece(GLYPH.caret, 'key'));

/** The part of a long value around the place where it is written. */
function field(control: Extract<Control, { is: 'text' }>, dialog: Dialog, on: boolean, world: World, now: number, width: number): Line {
  const note = on || control.name === 'minutes' ? noteOf(control, dialog, world, now) : '';
  const room = Math.max(8, width - NAME - 5 - (note === '' ? 0 : widthOf(note) + 1));
  const at = on ? Math.min(dialog.at, control.value.length) : 0;
  const from = Math.max(0, at - Math.floor(room * 0.8));
  const before = control.value.slice(from, at);
  const head = [piece(on ? `${GLYPH.select} ` : '  ', 'key'), piece(`${control.name.padEnd(NAME - 2)} `, 'muted')];
  if (!on) return line(...head, piece(clip(control.value, room), 'title'), piece(note === '' ? '' : `  ${note}`, 'muted'));
  return line(...head, piece(`${from > 0 ? GLYPH.more : ''}${before}`, 'title'), piece(GLYPH.caret, 'key'), piece(cut(control.value.slice(at), Math.max(0, room - widthOf(before))), 'title'), piece(note === '' ? '' : ` ${note}`, 'muted'));
}

function noteOf(control: Extract<Control, { is: 'text' }>, dialog: Dialog, world: World, now: number): string {
  if (control.name === 'reason') return control.value === '' ? 'why, for whoever reads the log' : '';
  if (control.name !== 'minutes') return '';
  const run = dialog.run === null ? undefined : world.runs[dialog.run];
  const instance = run && instanceOf(world, run);
  const minutes = Number(control.value);
  const rate = instance ? burnOf(instance) : 0;
  return minutes > 0 ? `costs ${money((rate * minutes) / 60)} and ends at ${new Date(now + minutes * 60_000).toISOString().slice(11, 16)} UTC` : 'how long?';
}

const optionLine = (says: string, on: boolean, role: Role): Line => line(piece(on ? ` ${GLYPH.select} ` : '   ', 'key'), piece(` ${says} `, on ? 'button_focus' : role));
