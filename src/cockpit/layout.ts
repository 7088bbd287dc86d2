/** Which panes there are and how many rows each has, from the size of the terminal and what there is to show. Pure. */
import { runsOf, type World } from '../core/state.ts';
import { logRun, oursOf, orderedRuns, strangersOf, targetStranger } from './select.ts';
import type { Pane, Ui } from './ui.ts';

/** `wide` puts costs beside the logs, `normal` stacks, `compact` is the table alone, `tiny` a notice. */
export type Shape = 'wide' | 'normal' | 'compact' | 'tiny';

/** Rows of content; a pane's rule comes on top. `null`: the pane is not shown. */
export interface Layout {
  readonly shape: Shape;
  readonly header: number;
  readonly banner: boolean;
  readonly runs: number;
  readonly strangers: number;
  readonly log: number | null;
  readonly said: number | null;
  readonly costs: { readonly rows: number; readonly width: number } | null;
}

export const LEAST = { columns: 60, rows: 15 } as const;
const COSTS_WIDTH = 46;

export function shapeOf({ columns, rows }: Ui['size']): Shape {
  if (columns < LEAST.columns || rows < LEAST.rows) return 'tiny';
  if (columns < 80 || rows < 24) return 'compact';
  return columns >= 120 ? 'wide' : 'normal';
}

export function layoutOf(ui: Ui, world: World): Layout {
  const shape = shapeOf(ui.size);
  const { columns, rows } = ui.size;
  const banner = world.market.health === 'lost' || ui.finished !== null;
  const header = shape === 'compact' ? 1 : 2;
  const strangers = strangersOf(world).length;
  const wanted = Math.max(runsOf(world).length === 0 ? 3 : orderedRuns(world, ui.filter.text).length, 1);
  // Header, banner, the table's rule and column names, and the last row.
  const room = rows - header - (banner ? 1 : 0) - 2 - 1;
  if (shape === 'compact' || shape === 'tiny') return { shape, header, banner, ...share(room, wanted, strangers), log: null, said: null, costs: null };
  // A stranger's row has no log; moving onto it must not move the panes.
  const logOpen = logRun(ui.log, ui.selected, world) !== null || (ui.log.is === 'open' && targetStranger(ui, world) !== null);
  const table = Math.min(wanted + strangers, Math.max(4, Math.floor(room * (logOpen ? 0.35 : 0.5))));
  const below = room - table;
  if (shape === 'wide') {
    const log = logOpen ? Math.floor(below * 0.6) - 1 : null;
    return { shape, header, banner, ...share(table, wanted, strangers), log, said: below - 1 - (log === null ? 0 : log + 1), costs: { rows: below - 1, width: Math.min(COSTS_WIDTH + Math.floor((columns - 120) / 4), 64) } };
  }
  if (logOpen) {
    const log = Math.floor(below * 0.6) - 1;
    return { shape, header, banner, ...share(table, wanted, strangers), log, said: below - log - 2, costs: null };
  }
  const costs = Math.max(1, Math.min(oursOf(world).length, Math.floor(below / 3)));
  return { shape, header, banner, ...share(table, wanted, strangers), log: null, said: below - costs - 2, costs: { rows: costs, width: columns } };
}

/** Runs first; strangers get what is left, and at least one row, because they bill too. */
function share(room: number, runs: number, strangers: number): { runs: number; strangers: number } {
  const others = strangers === 0 ? 0 : Math.max(1, Math.min(strangers, room - runs));
  return { runs: Math.max(1, Math.min(runs, room - others)), strangers: others };
}

/** The panes that can have the focus now, in reading order. */
export function panesOf(ui: Ui, world: World): Pane[] {
  const layout = layoutOf(ui, world);
  const panes: Pane[] = ['runs'];
  if (layout.log !== null) panes.push('log');
  if (layout.said !== null) panes.push('said');
  return panes;
}

/** Rows between the header and the last row. */
export function pageRows(ui: Ui, world: World): number {
  const { header, banner } = layoutOf(ui, world);
  return ui.size.rows - header - (banner ? 1 : 0) - 1;
}

/** Rows inside the help overlay's frame. */
export const helpRows = (ui: Ui): number => Math.max(1, ui.size.rows - 4);
