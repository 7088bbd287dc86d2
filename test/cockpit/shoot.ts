/** Whole screens as text, without a terminal: the same lines that the painter would get. */
import { lineText } from '../../src/cockpit/line.ts';
import { onKey, type Pressed } from '../../src/cockpit/on-key.ts';
import { settle } from '../../src/cockpit/settle.ts';
import { createUi, type Ui } from '../../src/cockpit/ui.ts';
import { view } from '../../src/cockpit/view.ts';
import type { World } from '../../src/core/state.ts';
import { NOW } from './world.ts';

export function screenOf(world: World, columns = 120, rows = 40, change: Partial<Ui> = {}, now = NOW): string[] {
  const ui = settle({ ...createUi({ columns, rows }, 0), ...change }, world, 0);
  return view(ui, world, now, 'demo ×60').map(lineText);
}
export const textOf = (...args: Parameters<typeof screenOf>): string => screenOf(...args).join('\n');

/** What a key leads to, 400 ms after the one before. */
export function pressAll(ui: Ui, world: World, keys: readonly string[]): Pressed {
  let last: Pressed = { ui };
  let now = ui.key_at > 0 ? ui.key_at : 0;
  for (const name of keys) {
    last = onKey(last.ui, { name, text: [...name].length === 1 ? name : null }, world, (now += 400));
    last = { ...last, ui: settle(last.ui, world, now) };
  }
  return last;
}
export const given = (world: World, keys: readonly string[], columns = 120, rows = 40): Ui => pressAll(settle(createUi({ columns, rows }, 0), world, 0), world, keys).ui;
