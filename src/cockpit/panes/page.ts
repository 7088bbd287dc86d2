/** The page that is open in the place of the panes, and the help over it, as lines: whoever scrolls them reads the same. */
import type { World } from '../../core/state.ts';
import type { Line } from '../line.ts';
import { runById, strangersOf } from '../select.ts';
import type { Ui } from '../ui.ts';
import { helpLines } from './help.ts';
import { runPage } from './run-page.ts';
import { strangerPage } from './stranger-page.ts';

/** Empty at home. `now` is the program's time in ms. */
export function pageLines(ui: Ui, world: World, now: number): Line[] {
  const { page } = ui;
  if (page.name === 'home') return [];
  if (page.name === 'run') {
    const run = runById(world, page.run);
    return run ? runPage(run, world, now, ui.size.columns, ui.status) : [];
  }
  const stranger = strangersOf(world).find(({ id }) => id === page.instance);
  return stranger ? strangerPage(stranger, world, now, ui.size.columns) : [];
}

export const helpOf = (ui: Ui): Line[] => helpLines(ui.page.name === 'home' ? 'home' : 'run');

/** Where the sections begin: a rule, or a title that stands alone. */
export const sectionsOf = (lines: readonly Line[]): number[] =>
  lines.flatMap(({ pieces }, index) => {
    const [first] = pieces;
    return first?.role === 'rule' || first?.role === 'rule_focus' || (first?.role === 'title' && pieces.length === 1) ? [index] : [];
  });
