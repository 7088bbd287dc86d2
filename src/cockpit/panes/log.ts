/** The log pane: the run's own output, cleaned; on an alert the cause stands above it and its signature is lit. */
import type { World } from '../../core/state.ts';
import { cleanLine } from '../../core/text.ts';
import { fitLine, line, piece, plain, wrap, type Line } from '../line.ts';
import { logRun, openIncident } from '../select.ts';
import type { Ui } from '../ui.ts';
import { rule } from './parts.ts';

export function log(ui: Ui, world: World, width: number, rows: number): Line[] {
  const run = logRun(ui.log, ui.selected, world);
  if (!run) return [];
  const incident = openIncident(run);
  const how = ui.log.is === 'pinned' ? 'pinned, L unpins' : ui.log.is === 'auto' ? 'opened by the alert, L pins' : 'l closes, L pins';
  const cause = incident ? wrap(`${incident.diagnosis.cause}: ${cleanLine(incident.diagnosis.summary, 300)}`, width - 2).slice(0, rows > 10 ? 2 : 1).map((text) => plain(` ${text}`, 'bad')) : [];
  const space = Math.max(0, rows - cause.length);
  const tail = run.tail.map((text) => cleanLine(text, 1_000));
  const signature = incident ? cleanLine(incident.diagnosis.signature, 300).trim() : '';
  const lit = signature === '' ? -1 : tail.findLastIndex((text) => text.includes(signature));
  // The signature stays in sight, near the lower end, so that what led to it is read first.
  const follow = lit >= 0 && ui.back.log === 0 ? Math.max(0, Math.min(tail.length - space, lit - Math.floor(space * 0.7))) : tail.length - space - ui.back.log;
  const start = Math.max(0, Math.min(follow, tail.length - space));
  const lines = tail.slice(start, start + space).map((text) => (signature !== '' && text.includes(signature) ? { ...plain(` ${text}`, 'signature'), over: 'signature' as const } : plain(` ${text}`, 'muted')));
  const newer = tail.length - start - lines.length;
  const note = [...(newer > 0 ? [piece(`${newer} newer, G follows  `, 'warn')] : []), piece(how, 'faint')];
  const empty = run.stage === 'training' ? ' No output yet.' : ' No output yet: it comes once the command has started.';
  const title = rule([piece('Log ', 'title'), piece(run.id, incident ? 'bad' : 'muted')], note, width, ui.focus === 'log');
  const body = [...cause, ...(tail.length > 0 ? lines : [plain(empty, 'muted')])];
  return [title, ...Array.from({ length: rows }, (_, row) => body[row] ?? line())].map((row) => fitLine(row, width));
}
