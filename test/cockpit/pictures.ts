/** The README's pictures: a made-up evening drawn by the real cockpit's code, through the painter into a terminal emulator, as SVG. */
import xterm from '@xterm/headless';
import { changedRows } from '../../src/cockpit/painter.ts';
import { renderSvg } from '../../src/cockpit/render-svg.ts';
import { createPaint, type Theme } from '../../src/cockpit/theme.ts';
import { view } from '../../src/cockpit/view.ts';
import type { Ui } from '../../src/cockpit/ui.ts';
import type { World } from '../../src/core/state.ts';
import { given } from './shoot.ts';
import { cellsOf } from './terminal.ts';
import { alertWorld, calmWorld, NOW } from './world.ts';

export { keysMarkdown } from '../../src/cockpit/keys.ts';

const SIZE = { columns: 120, rows: 34 };

interface Shot {
  name: string;
  title: string;
  world: () => World;
  keys: readonly string[];
}

export const SHOTS: readonly Shot[] = [
  { name: 'calm', title: 'vastsit-tui: all is well', world: calmWorld, keys: [] },
  { name: 'cockpit', title: 'vastsit-tui: out of memory, answered with half the batch', world: alertWorld, keys: [] },
  { name: 'run', title: 'vastsit-tui: one run', world: calmWorld, keys: ['enter'] },
  { name: 'destroy', title: 'vastsit-tui: nothing is destroyed without a question', world: alertWorld, keys: ['d'] },
];

/** One screen as SVG: the same bytes that a terminal of that size would get, in 24-bit colour. */
export async function pictureOf({ title, world, keys }: Shot, theme: Theme, size: Ui['size'] = SIZE): Promise<string> {
  const seen = world();
  const paint = createPaint(theme, 'truecolor', true, true);
  const rows = view(given(seen, keys, size.columns, size.rows), seen, NOW, 'vast.ai').map(paint);
  const term = new xterm.Terminal({ cols: size.columns, rows: size.rows, allowProposedApi: true });
  await new Promise<void>((resolve) => term.write(`\x1b[?7l${changedRows(null, rows, size.rows)}`, resolve));
  const svg = renderSvg(cellsOf(term, theme.made_for), { title, ...theme.made_for });
  term.dispose();
  return svg;
}
