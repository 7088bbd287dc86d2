/** The status table: one row a run, its name and instance as head, then the nine words of the compact line; strangers below. */
import { COLUMNS, compactLine, type CompactLine } from '../../core/line.ts';
import { burnOf, totals } from '../../core/ledger.ts';
import { instanceOf, type InstanceState, type RunState, type World } from '../../core/state.ts';
import { cleanLine } from '../../core/text.ts';
import { perHour } from '../format.ts';
import { GLYPH } from '../glyphs.ts';
import { keyOf } from '../keys.ts';
import { clickable, fit, fitLine, line, piece, plain, widthOf, type Line, type Piece } from '../line.ts';
import { alertsOf, isOver, rowsOf, strangerKey, strangersOf } from '../select.ts';
import type { Role } from '../theme.ts';
import type { Layout } from '../layout.ts';
import type { Ui } from '../ui.ts';
import { whyOf } from './why.ts';
import { cell, widthsFor, type Column, type Widths } from './columns.ts';
import { rule, signOf } from './parts.ts';

/** Fewer cells would only hold the beginning of a reason. */
const LEAST_WHY = 20;

const RIGHT: ReadonlySet<Column> = new Set(['step', 'rate', 'gpu', 'mem', 'next_eta']);

/** The table's rule, column names and rows: 2 + layout.runs + layout.strangers lines. */
export function table(ui: Ui, world: World, now: number, layout: Layout): Line[] {
  const width = ui.size.columns;
  const runs = rowsOf(ui, world).flatMap((row) => (row.is === 'run' ? [row.run] : []));
  const shown = runs.slice(ui.top, ui.top + layout.runs).map((run) => ({ run, words: compactLine(run, now) }));
  const widths = widthsFor(width, { names: shown.map(({ run }) => run.id), lines: shown.map(({ words }) => words) });
  const body = shown.length > 0 ? shown.map(({ run, words }) => runLine(run, words, world, widths, run.id === ui.selected)) : emptyLines(ui, world);
  const rows = [...body, ...Array.from({ length: Math.max(0, layout.runs - body.length) }, () => line())].slice(0, layout.runs);
  return [title(ui, world, runs.length, layout), names(widths), ...rows, ...strangerLines(ui, world, layout.strangers)].map((row) => fitLine(row, width));
}

function title(ui: Ui, world: World, count: number, layout: Layout): Line {
  const all = Object.values(world.runs);
  const alerts = alertsOf(world).length;
  const live = all.filter((run) => !isOver(run)).length;
  const filter = ui.filter.text === '' ? [] : [piece(` filtered by "${ui.filter.text}"`, 'warn')];
  const window = count > layout.runs ? [piece(`${ui.top + 1}-${Math.min(count, ui.top + layout.runs)} of ${count}`, 'muted')] : [];
  const note = alerts > 0 ? [piece(`${alerts} of ${live} in repair`, 'bad'), ...(window.length > 0 ? [piece('  '), ...window] : [])] : window;
  const summary = all.length === 0 ? [] : [piece(` ${live} live${all.length > live ? `, ${all.length - live} over` : ''}`, 'muted')];
  return rule([piece('Runs', 'title'), ...summary, ...filter], note, ui.size.columns, ui.focus === 'runs');
}

function names(widths: Widths): Line {
  const cells: Piece[] = [piece(fit('  run', 2 + widths.name), 'faint')];
  if (widths.instance > 0) cells.push(piece(` ${fit('instance', widths.instance)}`, 'faint'));
  for (const column of COLUMNS) {
    const width = widths.cells[column];
    if (width === 0) continue;
    cells.push(piece(` ${fit(column, width, RIGHT.has(column) ? 'right' : 'left')}`, 'faint'));
  }
  return line(...cells);
}

function runLine(run: RunState, words: CompactLine, world: World, widths: Widths, selected: boolean): Line {
  const { glyph, role } = signOf(run);
  const over = isOver(run);
  const quiet: Role = over ? 'off' : 'text';
  const cells: Piece[] = [
    piece(glyph, role),
    piece(selected ? GLYPH.select : ' ', selected ? 'key' : 'text'),
    piece(fit(cleanLine(run.id, 64), widths.name, 'left', 'middle'), over ? 'off' : 'title'),
  ];
  if (widths.instance > 0) cells.push(piece(` ${fit(run.instance === null ? '-' : String(run.instance), widths.instance, 'left', 'middle')}`, instanceOf(world, run)?.gone_at === null ? 'muted' : 'off'));
  for (const column of COLUMNS) {
    const width = widths.cells[column];
    if (width === 0) continue;
    const word = cell(column, words, width);
    const room = width - widthOf(word) - 2;
    const why = column === 'action' && room >= LEAST_WHY ? whyOf(run, world) : '';
    cells.push(piece(why === '' ? ` ${fit(word, width, RIGHT.has(column) ? 'right' : 'left')}` : ` ${word}`, cellRole(column, words, role, quiet)));
    if (why !== '') cells.push(piece(`  ${fit(why, room)}`, over ? 'off' : 'muted'));
  }
  return rowLine(cells, run.id, selected);
}

function rowLine(pieces: Piece[], key: string, selected: boolean): Line {
  const row = clickable(line(...pieces), { on: 'row', key });
  return selected ? { ...row, over: 'selection' } : row;
}

function cellRole(column: Column, words: CompactLine, state: Role, quiet: Role): Role {
  if (words[column] === '-' || column === 'ts') return 'faint';
  if (column === 'state') return state;
  return column === 'action' && quiet !== 'off' && words.action !== 'watch' ? (state === 'ok' ? 'text' : state) : quiet;
}

function emptyLines(ui: Ui, world: World): Line[] {
  if (Object.keys(world.runs).length > 0) return [plain(`  No run matches "${ui.filter.text}". Esc clears the filter.`, 'muted')];
  if (world.market.health === 'unknown') return [plain('  Asking Vast what is running…', 'busy')];
  // Unknown is not nothing.
  if (world.market.list_at === null) return [plain('  Vast has not answered yet: what runs and what bills is not known.', 'warn'), plain('  It is asked again and again; vastsit-tui doctor tells what is wrong.', 'muted')];
  return [
    plain('  Nothing runs, and nothing of ours bills.', 'text'),
    line(piece(`  ${keyOf('launch')}`, 'key'), piece(' launches a run: picks a spec or writes one, and shows what fits now.', 'muted')),
    line(piece('  vastsit-tui init', 'key'), piece(' writes a commented experiment.yaml to begin with.', 'muted')),
  ];
}

/** Others' instances on the same account: priced, because they drain the same credit, and never touched. */
function strangerLines(ui: Ui, world: World, rows: number): Line[] {
  const strangers = strangersOf(world);
  if (rows === 0) return [];
  const chosen = strangers.findIndex(({ id }) => strangerKey(id) === ui.selected);
  const draw = (one: InstanceState): Line => strangerLine(one, strangerKey(one.id) === ui.selected);
  if (strangers.length <= rows) return strangers.map(draw);
  // One that is selected is in sight, if only as the last that has room.
  const room = Math.max(chosen < 0 ? 0 : 1, rows - 1);
  const from = Math.max(0, chosen - room + 1);
  const rest = strangers.length - room;
  return [...strangers.slice(from, from + room).map(draw), plain(`${GLYPH.off}  ${rest} ${room > 0 ? 'more' : 'others'} not ours, ${perHour(totals(world).strangers_usd_per_hour)} in all`, 'off')].slice(0, rows);
}

function strangerLine(instance: InstanceState, selected: boolean): Line {
  const { facts } = instance;
  const gpu = `${facts.num_gpus > 1 ? `${facts.num_gpus}x ` : ''}${cleanLine(facts.gpu_name, 24)}`;
  const words = `${instance.id}  ${gpu}  ${cleanLine(facts.actual_status ?? 'provisioning', 16)}  ${perHour(burnOf(instance))}  not ours: shown, never touched${facts.label ? `  "${cleanLine(facts.label, 40)}"` : ''}`;
  return rowLine([piece(GLYPH.off, 'off'), piece(selected ? GLYPH.select : ' ', selected ? 'key' : 'off'), piece(words, 'off')], strangerKey(instance.id), selected);
}
