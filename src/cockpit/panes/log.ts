/** The log pane: the run's own output, cleaned; on an alert the cause stands above it and its signature is lit. */
import type { RunState, World } from '../../core/state.ts';
import { cleanLine } from '../../core/text.ts';
import { keyOf } from '../keys.ts';
import { cut, fitLine, line, piece, plain, widthOf, wrap, type Line, type Piece } from '../line.ts';
import { hitAt, isHit, linesOf, signatureAt } from '../look.ts';
import { logRun, openIncident } from '../select.ts';
import type { LogLook, Ui } from '../ui.ts';
import { rule } from './parts.ts';

export function log(ui: Ui, world: World, width: number, rows: number): Line[] {
  const run = logRun(ui.log, ui.selected, world);
  if (!run) return [rule([piece('Log', 'title')], [], width, ui.focus === 'log'), plain(' Not ours: its output is never read.', 'muted'), ...Array.from({ length: rows - 1 }, () => line())].map((row) => fitLine(row, width));
  const incident = openIncident(run);
  const cause = incident ? wrap(`${incident.diagnosis.cause}: ${cleanLine(incident.diagnosis.summary, 300)}`, width - 2).slice(0, rows > 10 ? 2 : 1).map((text) => plain(` ${text}`, 'bad')) : [];
  const space = Math.max(0, rows - cause.length);
  const { lines, below } = windowOf(ui.look, run, width, space);
  const title = rule([piece('Log ', 'title'), piece(cleanLine(run.id, 64), incident ? 'bad' : 'muted')], notes(ui, run, below), width, ui.focus === 'log');
  const body = [...cause, ...(run.tail.length > 0 ? lines : [plain(emptyWords(run), 'muted')])];
  return [title, ...Array.from({ length: rows }, (_, row) => body[row] ?? line())].map((row) => fitLine(row, width));
}

function notes(ui: Ui, run: RunState, below: number): Piece[] {
  const how = ui.log.is === 'pinned' ? `pinned, ${keyOf('pin')} unpins` : ui.log.is === 'auto' ? `opened by the alert, ${keyOf('pin')} pins` : `${keyOf('logs')} closes, ${keyOf('pin')} pins`;
  const keys = ui.focus === 'log' ? `${keyOf('find')} searches, ${keyOf('wrap')} wraps, ${keyOf('copy')} copies` : how;
  const held = ui.look.held?.run === run.id;
  return [...(held ? [piece(`${below > 0 ? `${below} below, ` : ''}${keyOf('last')} follows  `, 'warn')] : []), piece(keys, 'faint')];
}

function emptyWords(run: RunState): string {
  if (run.stage === 'closed') return ` The output is no longer in memory: vastsit-tui logs ${run.id} reads what was kept.`;
  return run.stage === 'training' ? ` No output yet. A run that stays silent is looked at by itself; ${keyOf('check')} checks it now.` : ' No output yet: it comes once the command has started.';
}

/** The lines in sight: the newest, those around the signature of an open incident, or those that one scrolled back to. */
function windowOf(look: LogLook, run: RunState, width: number, space: number): { lines: Line[]; below: number } {
  const { lines, back } = linesOf(look, run);
  const held = look.held?.run === run.id;
  const lit = signatureAt(run, lines);
  const draw = (index: number): Line[] => textLines(cleanLine(lines[index] ?? '', 1_000), look, width, index === lit, held && isHit(cleanLine(lines[index] ?? ''), look.find) && index === lines.length - 1 - back);
  // A signature stays in sight near the lower end, so that what led to it is read first; so does a hit.
  const anchor = held ? lines.length - 1 - back : lit >= 0 ? lit : lines.length - 1;
  const after = held && look.find === '' ? 0 : Math.floor(space * 0.3);
  const shown = [];
  let end = anchor + 1;
  for (; end < lines.length && end <= anchor + after; end += 1) shown.push(...draw(end));
  for (let index = anchor; index >= 0 && shown.length < space; index -= 1) shown.unshift(...draw(index));
  for (; end < lines.length && shown.length < space; end += 1) shown.push(...draw(end));
  return { lines: shown.slice(Math.max(0, shown.length - space)), below: lines.length - end };
}

function textLines(text: string, look: LogLook, width: number, lit: boolean, chosen: boolean): Line[] {
  const rows = look.wrap ? hardWrap(text, width - 2) : [text];
  return rows.map((row) => {
    const pieces = [piece(' '), ...marked(row, look.find, lit ? 'signature' : 'muted')];
    return lit ? { pieces, over: 'signature' as const } : chosen ? { pieces, over: 'selection' as const } : line(...pieces);
  });
}

/** A log line is wrapped where it is full: its spaces may mean something. */
function hardWrap(text: string, width: number): string[] {
  const rows: string[] = [];
  let rest = text;
  while (widthOf(rest) > width) {
    const row = cut(rest, width);
    if (row === '') break;
    rows.push(row);
    rest = rest.slice(row.length);
  }
  return [...rows, rest];
}

/** Every place of `find` stands out. */
function marked(text: string, find: string, role: Piece['role']): Piece[] {
  const at = find === '' ? -1 : hitAt(text, find);
  if (at < 0) return [piece(text, role)];
  return [piece(text.slice(0, at), role), piece(text.slice(at, at + find.length), 'found'), ...marked(text.slice(at + find.length), find, role)];
}
