/** Moving about: selection, scrolling, panes, and the one way back. Pure. */
import type { World } from '../core/state.ts';
import { panesOf } from './layout.ts';
import { follow, lookBy } from './look.ts';
import { readBy } from './reasoning.ts';
import { helpOf, pageLines, sectionsOf } from './panes/page.ts';
import { logRun, openIncident, rowsOf, targetRun } from './select.ts';
import { withToast, type LogPane, type Ui } from './ui.ts';

export function neighbour(ui: Ui, world: World, by: 1 | -1): Ui['focus'] {
  const panes = panesOf(ui, world);
  const at = panes.indexOf(ui.focus);
  return panes[(Math.max(0, at) + by + panes.length) % panes.length] ?? 'runs';
}

/** Esc undoes the newest thing first, and never leaves the program. */
export function back(before: Ui): Ui {
  const ui = before.toast ? { ...before, toast: null } : before;
  if (ui.page.name !== 'home') return { ...ui, page: { name: 'home' } };
  if (ui.look.find !== '' || ui.look.held !== null) return follow(ui);
  if (ui.reading.at !== null) return { ...ui, reading: { ...ui.reading, at: null } };
  if (ui.filter.text !== '') return { ...ui, filter: { text: '', editing: false } };
  if (ui.focus !== 'runs') return { ...ui, focus: 'runs' };
  return ui.log.is === 'closed' ? ui : { ...ui, log: { is: 'closed' } };
}

export function pin(ui: Ui, world: World, now: number): Ui {
  if (ui.log.is === 'pinned') {
    const run = logRun(ui.log, ui.selected, world);
    const incident = run && openIncident(run);
    const log: LogPane = run && incident ? { is: 'auto', run: run.id, incident: incident.id } : { is: 'open' };
    return withToast({ ...ui, log }, 'log unpinned', false, now);
  }
  const run = logRun(ui.log, ui.selected, world) ?? targetRun(ui, world);
  return run ? withToast({ ...ui, log: { is: 'pinned', run: run.id } }, `log pinned to ${run.id}`, false, now) : ui;
}

/** Infinite steps go to the first or last row. */
export function scroll(ui: Ui, by: number, world: World): Ui {
  const clamp = (value: number, last: number): number => Math.min(Math.max(0, value), Math.max(0, last));
  if (ui.help !== null) return { ...ui, help: clamp(ui.help + by, 100) };
  if (ui.page.name !== 'home') return { ...ui, page: { ...ui.page, scroll: clamp(ui.page.scroll + by, 10_000) } };
  switch (ui.focus) {
    case 'said':
      return readBy(ui, world, by);
    case 'log':
      return lookBy(ui, world, by);
    case 'runs':
    case 'costs': {
      const rows = rowsOf(ui, world);
      const at = rows.findIndex(({ key }) => key === ui.selected);
      return { ...ui, selected: rows[clamp(at < 0 ? 0 : at + by, rows.length - 1)]?.key ?? null };
    }
  }
}

/** To the next title of a page or of the help, or to the one before. */
export function section(ui: Ui, world: World, way: 1 | -1): Ui {
  const help = ui.help !== null;
  const here = ui.help ?? (ui.page.name === 'home' ? 0 : ui.page.scroll);
  const starts = sectionsOf(help ? helpOf(ui) : pageLines(ui, world, world.now));
  const to = way > 0 ? starts.find((at) => at > here) : (starts.findLast((at) => at < here) ?? 0);
  return to === undefined ? ui : scroll(ui, to - here, world);
}
