/** Looking into a log: follow, scroll back, search, copy. Pure. */
import type { RunState, World } from '../core/state.ts';
import { cleanLine } from '../core/text.ts';
import type { Pressed } from './act.ts';
import { logRun, openIncident, targetRun } from './select.ts';
import { withToast, type LogLook, type Ui } from './ui.ts';

/** The lines that the pane shows, and how many of its newest are out of sight below. */
export function linesOf(look: LogLook, run: RunState): { lines: readonly string[]; back: number } {
  return look.held?.run === run.id ? { lines: look.held.lines, back: look.back } : { lines: run.tail, back: 0 };
}

export const isHit = (text: string, find: string): boolean => find !== '' && hitAt(text, find) >= 0;
/** Where `find` begins in `text`, -1 where it is not. Lower case finds upper case too. */
export const hitAt = (text: string, find: string): number => (find === find.toLowerCase() ? text.toLowerCase() : text).indexOf(find);

export const follow = (ui: Ui): Ui => ({ ...ui, look: { ...ui.look, held: null, back: 0, find: '' } });

/** Scrolls by so many lines, towards the newest when positive; at the newest it follows again. */
export function lookBy(ui: Ui, world: World, by: number): Ui {
  const run = logRun(ui.log, ui.selected, world);
  if (!run) return ui;
  const { lines, back } = linesOf(ui.look, run);
  // While it follows an alert, the pane stands at the signature, so that is where one goes on from.
  const from = ui.look.held === null ? back + signatureBack(run) : back;
  const to = Math.min(Math.max(0, from - by), Math.max(0, lines.length - 1));
  return { ...ui, look: { ...ui.look, held: by > 0 && to === 0 ? null : { run: run.id, lines }, back: to } };
}

/** Lines from the newest one back to the signature of the open incident; 0 where there is none. */
function signatureBack(run: RunState): number {
  const at = signatureAt(run, run.tail);
  return at < 0 ? 0 : Math.max(0, run.tail.length - 1 - at);
}

/** Index of the newest line that holds the signature of the open incident, -1 without one. */
export function signatureAt(run: RunState, lines: readonly string[]): number {
  const signature = cleanLine(openIncident(run)?.diagnosis.signature ?? '', 300).trim();
  return signature === '' ? -1 : lines.findLastIndex((text) => cleanLine(text).includes(signature));
}

/** The next hit towards the newest line (1) or the oldest (-1); around the end. */
export function findNext(ui: Ui, world: World, way: 1 | -1, now: number): Ui {
  const run = logRun(ui.log, ui.selected, world);
  const { find } = ui.look;
  if (!run) return ui;
  if (find === '') return withToast(ui, 'nothing is searched for: / begins', true, now);
  const held = linesOf(ui.look, run);
  const hits = held.lines.flatMap((text, index) => (isHit(cleanLine(text), find) ? [index] : []));
  if (hits.length === 0) return withToast(ui, `"${find}" is not in the newest ${held.lines.length} lines; vastsit-tui logs ${run.id} has them all`, true, now);
  const at = ui.look.held?.run === run.id ? held.lines.length - 1 - held.back : held.lines.length;
  const next = way === 1 ? (hits.find((hit) => hit > at) ?? hits[0]) : (hits.findLast((hit) => hit < at) ?? hits.at(-1));
  const hit = next ?? at;
  const words = `hit ${hits.indexOf(hit) + 1} of ${hits.length}`;
  return withToast({ ...ui, look: { ...ui.look, held: { run: run.id, lines: held.lines }, back: held.lines.length - 1 - hit } }, words, false, now);
}

/** What a clipboard is asked to take, in characters: terminals give up beyond some 74,000 bytes of base64. */
const COPY_MOST = 40_000;

/** The newest lines of the log that is looked at, without anything that a terminal would obey. */
export function copyLog(ui: Ui, world: World, now: number): Pressed {
  const run = logRun(ui.log, ui.selected, world) ?? targetRun(ui, world);
  if (!run || run.tail.length === 0) return { ui: withToast(ui, 'there is no output to copy yet', true, now) };
  const text = linesOf(ui.look, run).lines.map((one) => cleanLine(one)).join('\n').slice(-COPY_MOST);
  return { ui, effect: { do: 'copy', text: `${text}\n`, what: run.id } };
}
