/** The reasoning log as a list of items: an incident's lines stand together under a head, and unfold to the evidence. Pure. */
import { span } from '../core/line.ts';
import { remedyWords } from '../core/narrate.ts';
import type { Incident, RunState, Said, World } from '../core/state.ts';
import { openIncident, runById } from './select.ts';
import type { Ui } from './ui.ts';

/** One thing that the cursor can stand on. `group` names the incident that it belongs to, as `run:incident`. */
export type Item = { key: string; group: string | null } & (
  | { is: 'line'; entry: Said; whole: boolean }
  | { is: 'head'; run: RunState; incident: Incident; lines: number; unfolded: boolean }
  | { is: 'evidence'; name: string; text: string }
);

/** An exit is told a moment before its incident has a name. */
const BEFORE_MS = 10_000;

export const groupKey = (run: string, incident: number): string => `${run}:${incident}`;

/** Oldest first. An open incident shows its lines, an ended one its head; either shows all, with the evidence, once unfolded. */
export function reasoningItems(world: World, unfolded: readonly string[]): Item[] {
  const incidents = new Map<string, readonly Incident[]>();
  const groups = new Map<string, { run: RunState; incident: Incident; lines: { key: string; entry: Said }[] }>();
  const order: ({ key: string; entry: Said } | string)[] = [];
  let [seq, nth] = [-1, 0];
  for (const entry of world.said) {
    nth = entry.seq === seq ? nth + 1 : 0;
    seq = entry.seq;
    const line = { key: `${seq}.${nth}`, entry };
    const run = runById(world, entry.run);
    const incident = run && incidentAt(incidents, run, entry);
    if (!run || !incident) {
      order.push(line);
      continue;
    }
    const key = groupKey(run.id, incident.id);
    const group = groups.get(key) ?? { run, incident, lines: [] };
    groups.set(key, group);
    group.lines.push(line);
    order.push(key);
  }
  // A group stands where its newest line does.
  const last = new Map(order.map((one, index) => [one, index]));
  return order.flatMap((one, index): Item[] => {
    if (typeof one !== 'string') return [{ ...one, group: null, is: 'line', whole: unfolded.includes(one.key) }];
    const group = groups.get(one);
    return group && last.get(one) === index ? groupItems(one, group, unfolded.includes(one)) : [];
  });
}

function groupItems(key: string, { run, incident, lines }: { run: RunState; incident: Incident; lines: readonly { key: string; entry: Said }[] }, unfolded: boolean): Item[] {
  const head: Item = { key, group: key, is: 'head', run, incident, lines: lines.length, unfolded };
  const shown = unfolded || incident === openIncident(run) ? lines.map((line): Item => ({ ...line, group: key, is: 'line', whole: unfolded })) : [];
  const evidence = unfolded ? evidenceOf(incident).map(([name, text], index): Item => ({ key: `${key}.${index}`, group: key, is: 'evidence', name, text })) : [];
  return [head, ...evidence, ...shown];
}

function incidentAt(known: Map<string, readonly Incident[]>, run: RunState, entry: Said): Incident | undefined {
  const all = known.get(run.id) ?? [...run.incidents.filter(({ id }) => id !== run.incident?.id), ...(run.incident ? [run.incident] : [])];
  known.set(run.id, all);
  return all.findLast(({ opened_at, ended }) => entry.at >= opened_at - (entry.level === 'alert' ? BEFORE_MS : 0) && (ended === null || entry.at <= ended.at));
}

/** What a conclusion rests on. */
export function evidenceOf({ diagnosis, remedies }: Incident): [name: string, text: string][] {
  return [
    ['cause', `${diagnosis.cause}, ${Math.round(100 * diagnosis.confidence)} % sure, seen by ${diagnosis.trigger.replaceAll('_', ' ')}: ${diagnosis.summary}`],
    ...(diagnosis.signature === '' ? [] : [['signature', diagnosis.signature] as [string, string]]),
    ...diagnosis.evidence.filter((text) => text !== diagnosis.signature).map((text): [string, string] => ['evidence', text]),
    ...remedies.map(({ remedy, why }): [string, string] => ['tried', `${remedyWords(remedy)}: ${why}`]),
    ['next best', diagnosis.next],
  ];
}

/** How an incident stands, in a few words; `now` is the program's time. */
export function standing({ ended, opened_at }: Incident, now: number): string {
  if (!ended) return `open for ${span(now - opened_at)}`;
  const after = span(ended.at - opened_at);
  switch (ended.how) {
    case 'resolved':
      return `repaired in ${after}`;
    case 'given_up':
      return `given up after ${after}`;
    case 'superseded':
      return `superseded after ${after}`;
  }
}

/** Index of the item under the cursor; the newest while nothing else was chosen. */
export function cursorOf(items: readonly Item[], at: Ui['reading']['at']): number {
  if (at === null) return items.length - 1;
  // What fell out of memory was the oldest.
  return Math.max(0, items.findIndex(({ key }) => key === at));
}

/** The cursor moved by so many items; at the newest it follows again. */
export function readBy(ui: Ui, world: World, by: number): Ui {
  const items = reasoningItems(world, ui.reading.unfolded);
  return readTo(ui, items, cursorOf(items, ui.reading.at) + by);
}

/** The cursor put on the item of that number, or the nearest. */
export function readTo(ui: Ui, items: readonly Item[], to: number): Ui {
  const at = Math.min(Math.max(0, to), items.length - 1);
  return { ...ui, reading: { ...ui.reading, at: at >= items.length - 1 ? null : (items[at]?.key ?? null) } };
}

/** Unfolds what the cursor stands on, or folds it. */
export function unfold(ui: Ui, world: World): Ui {
  const items = reasoningItems(world, ui.reading.unfolded);
  const item = items[cursorOf(items, ui.reading.at)];
  return item ? toggle(ui, item.group ?? item.key) : ui;
}

export function toggle(ui: Ui, key: string): Ui {
  const { unfolded } = ui.reading;
  // The cursor goes to the head: what it stood on may be gone.
  return { ...ui, reading: { at: key, unfolded: unfolded.includes(key) ? unfolded.filter((one) => one !== key) : [...unfolded, key] } };
}
