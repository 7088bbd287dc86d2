/** What the mouse means: a notch scrolls the pane under the pointer, a click chooses, a click on what is chosen opens it. Pure. */
import type { World } from '../core/state.ts';
import { act, type Pressed } from './act.ts';
import { DEAF_MS } from './dialogs.ts';
import { focused, focusOn } from './form.ts';
import type { Mouse } from './keys.ts';
import { widthOf, type Line } from './line.ts';
import { scroll } from './move.ts';
import { onKey } from './on-key.ts';
import { cursorOf, readTo, reasoningItems } from './reasoning.ts';
import { layoutOf } from './layout.ts';
import { rowsOf } from './select.ts';
import type { Hit } from './hit.ts';
import type { Ui } from './ui.ts';

/** Lines, and entries of the reasoning log, that one notch moves. */
const NOTCH = { lines: 3, entries: 2 };

/** What stands at a place of the screen as it was drawn; null: nothing that a click could mean. */
export function hitAt(screen: readonly Line[], x: number, y: number): Hit | null {
  let at = 0;
  for (const { text, hit } of screen[y]?.pieces ?? []) {
    at += widthOf(text);
    if (x < at) return hit ?? null;
  }
  return null;
}

/** `screen` is what the person sees and points at. `now` is real time in ms. */
export function onMouse(before: Ui, event: Mouse, screen: readonly Line[], world: World, now: number): Pressed {
  const ui = { ...before, key_at: now };
  const hit = hitAt(screen, event.x, event.y);
  if (event.mouse === 'click') return click(ui, hit, world, now);
  return { ui: wheel(ui, event.mouse === 'wheel_up' ? -1 : 1, hit, screen, world) };
}

function wheel(ui: Ui, way: 1 | -1, hit: Hit | null, screen: readonly Line[], world: World): Ui {
  if (ui.dialog) return { ...ui, dialog: { ...ui.dialog, scroll: Math.max(0, ui.dialog.scroll + way * NOTCH.lines) } };
  if (ui.palette) return ui;
  if (ui.help !== null || ui.page.name !== 'home') return scroll(ui, way * NOTCH.lines, world);
  const pane = hit?.on === 'row' ? 'runs' : hit?.on === 'item' ? 'said' : hit?.on === 'pane' ? hit.pane : null;
  if (pane === null || pane === 'costs') return ui;
  if (pane === 'said') return wheelSaid(ui, way, screen, world);
  const windowed = pane === 'log' || rowsOf(ui, world).length > layoutOf(ui, world).runs + layoutOf(ui, world).strangers;
  return { ...scroll({ ...ui, focus: pane }, way * (windowed ? NOTCH.lines : 1), world), focus: ui.focus };
}

/** The window moves, not a cursor inside it: what stands on top goes down, or up. */
function wheelSaid(ui: Ui, way: 1 | -1, screen: readonly Line[], world: World): Ui {
  const items = reasoningItems(world, ui.reading.unfolded);
  const shown = screen.flatMap(({ pieces }) => pieces.flatMap(({ hit }) => (hit?.on === 'item' ? [hit.key] : [])));
  const top = items.findIndex(({ key }) => key === shown[0]);
  const cursor = cursorOf(items, ui.reading.at);
  if (way > 0) return readTo(ui, items, cursor + NOTCH.entries);
  return top <= 0 ? ui : readTo(ui, items, Math.min(cursor, top) - NOTCH.entries);
}

function click(ui: Ui, hit: Hit | null, world: World, now: number): Pressed {
  if (ui.dialog) {
    if (hit?.on !== 'control' || now - ui.dialog.opened_at < DEAF_MS) return { ui };
    const chosen = ui.dialog.focus === hit.index;
    const control = focused(focusOn(ui.dialog, hit.index));
    // A word is typed, never clicked.
    if (chosen && control?.is === 'option' && control.word === null) return onKey(ui, { name: 'enter', text: null }, world, now);
    return { ui: chosen ? ui : { ...ui, dialog: focusOn(ui.dialog, hit.index) } };
  }
  if (ui.palette) {
    if (hit?.on !== 'choice') return { ui: { ...ui, palette: null } };
    return ui.palette.choice === hit.index ? onKey(ui, { name: 'enter', text: null }, world, now) : { ui: { ...ui, palette: { ...ui.palette, choice: hit.index } } };
  }
  const still: Ui = { ...ui, filter: { ...ui.filter, editing: false }, look: { ...ui.look, finding: false } };
  if (hit?.on === 'key') return onKey(still, { name: hit.key, text: null }, world, now);
  if (ui.help !== null) return { ui: { ...ui, help: null } };
  switch (hit?.on) {
    case 'row':
      if (still.selected === hit.key && still.focus === 'runs') return act(still, 'enter', world, now);
      return { ui: { ...still, selected: hit.key, focus: 'runs' } };
    case 'item': {
      const chosen = still.focus === 'said' && still.reading.at === hit.key;
      const there: Ui = { ...still, focus: 'said', reading: { ...still.reading, at: hit.key } };
      return chosen ? act(there, 'expand', world, now) : { ui: there };
    }
    case 'pane':
      return { ui: hit.pane === 'costs' ? still : { ...still, focus: hit.pane } };
    default:
      return { ui: still };
  }
}
