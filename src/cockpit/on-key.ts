/** One key, one new screen state: a pure reducer over the key table. It returns the command or effect and carries out neither. */
import type { World } from '../core/state.ts';
import { act, type Pressed } from './act.ts';
import { askQuit } from './ask.ts';
import { DEAF_MS, stepDialog, typedText, type DialogAct } from './dialogs.ts';
import { isTyping, type Dialog } from './form.ts';
import { bindingFor, type Key, type KeyAction, type Place } from './keys.ts';
import { findNext, follow } from './look.ts';
import { chosen, completions, type Palette } from './palette.ts';
import type { Ui } from './ui.ts';
import { offersDialog, pickDialog } from './wizard.ts';

export type { Effect, Pressed } from './act.ts';

/** A second ctrl-c within this time leaves, real ms. */
const TWICE_MS = 2_000;

/** Which part of the table is live. */
export function placeOf(ui: Ui): Place {
  if (ui.dialog) return isTyping(ui.dialog) ? 'text' : 'dialog';
  if (ui.palette || ui.filter.editing || ui.look.finding) return 'text';
  return basePlace(ui);
}

/** The same without fields and dialogs: where one would be after esc. */
export function basePlace(ui: Ui): Place {
  if (ui.help !== null) return 'help';
  if (ui.page.name !== 'home') return 'run';
  return ui.focus === 'log' || ui.focus === 'said' ? ui.focus : 'home';
}

/** `now` is real time in ms; it only guards against keys that answer a dialog by accident. */
export function onKey(before: Ui, key: Key, world: World, now: number): Pressed {
  const ui = { ...before, key_at: now };
  const place = placeOf(ui);
  const binding = key.name === 'paste' ? null : bindingFor(place, key.name);
  if (binding?.action === 'redraw' || binding?.action === 'suspend' || binding?.action === 'interrupt') return perform(ui, binding.action, world, now);
  if (ui.dialog) return onDialogKey(ui, ui.dialog, key, binding?.action ?? null, world, now);
  if (ui.palette) return onPaletteKey(ui, ui.palette, key, binding?.action ?? null, world, now);
  if (ui.filter.editing) return { ui: onFilterKey(ui, key, binding?.action ?? null) };
  if (ui.look.finding) return { ui: onFindKey(ui, key, binding?.action ?? null, world, now) };
  return binding ? perform(ui, binding.action, world, now) : { ui };
}

/** Carries out an action where no field or dialog has the focus, and those that work everywhere. */
function perform(ui: Ui, action: KeyAction, world: World, now: number): Pressed {
  switch (action) {
    case 'redraw':
      return { ui, effect: 'redraw' };
    case 'suspend':
      return { ui, effect: 'suspend' };
    case 'interrupt':
      if (ui.ctrl_c_at !== null && now - ui.ctrl_c_at < TWICE_MS) return { ui, effect: 'quit' };
      return { ui: { ...ui, ctrl_c_at: now, dialog: askQuit(now) } };
    default:
      return act(ui, action, world, now);
  }
}

function onDialogKey(ui: Ui, dialog: Dialog, key: Key, action: KeyAction | null, world: World, now: number): Pressed {
  if (now - dialog.opened_at < DEAF_MS) return { ui };
  if (action === 'yes') return dialog.kind === 'quit' ? { ui: { ...ui, dialog: null }, effect: 'quit' } : { ui };
  const said = dialogAct(action, key);
  if (said === null) return { ui };
  // Esc goes one step back in the wizard.
  if (said === 'cancel' && dialog.kind === 'confirm' && dialog.about !== null) return { ui: { ...ui, dialog: offersDialog(dialog.about, now) }, errand: { do: 'load_offers', path: dialog.about } };
  if (said === 'cancel' && (dialog.kind === 'offers' || dialog.kind === 'spec')) return { ui: { ...ui, dialog: pickDialog(ui.wizard.specs, now) }, errand: { do: 'load_specs' } };
  const { dialog: next, command, quit, errand } = stepDialog(dialog, said, world);
  return { ui: { ...ui, dialog: next }, ...(command ? { command } : {}), ...(quit ? { effect: 'quit' } : {}), ...(errand ? { errand } : {}) };
}

function dialogAct(action: KeyAction | null, key: Key): DialogAct | null {
  switch (action) {
    case 'next':
    case 'previous':
    case 'confirm':
    case 'cancel':
    case 'erase':
    case 'left':
    case 'right':
    case 'start':
    case 'end':
    case 'clear':
    case 'page_up':
    case 'page_down':
      return action;
    default:
      return key.text === null ? null : { text: key.text, pasted: key.name === 'paste' };
  }
}

function onPaletteKey(ui: Ui, palette: Palette, key: Key, action: KeyAction | null, world: World, now: number): Pressed {
  const place = basePlace(ui);
  const become = (text: string, choice = 0): Pressed => ({ ui: { ...ui, palette: { text, choice } } });
  const candidate = chosen(palette, place, world);
  if (action === 'cancel') return { ui: { ...ui, palette: null } };
  if (action === 'erase') return palette.text === '' ? { ui: { ...ui, palette: null } } : become(palette.text.slice(0, -1));
  if (action === 'clear') return become('');
  // The tab key completes; a second one, and the arrows, choose.
  if (key.name === 'tab' && candidate && palette.text !== candidate.text) return become(candidate.text, 0);
  if (action === 'next' || action === 'previous') {
    const count = Math.max(1, completions(palette.text, place, world).length);
    return become(palette.text, (palette.choice + (action === 'next' ? 1 : -1) + count) % count);
  }
  if (action === 'confirm') {
    if (!candidate) return { ui };
    const closed: Ui = { ...ui, palette: null };
    const there: Ui = candidate.run === null ? closed : { ...closed, selected: candidate.run, filter: { text: '', editing: false }, page: closed.page.name === 'run' ? { ...closed.page, run: candidate.run, scroll: 0 } : closed.page };
    return perform(there, candidate.action, world, now);
  }
  return key.text === null || key.name === 'paste' ? { ui } : become((palette.text + typedText(key.text)).slice(0, 80));
}

function onFilterKey(ui: Ui, key: Key, action: KeyAction | null): Ui {
  const { text } = ui.filter;
  if (action === 'cancel') return { ...ui, filter: { text: '', editing: false } };
  if (action === 'confirm') return { ...ui, filter: { text, editing: false } };
  if (action === 'erase' || action === 'clear') return { ...ui, filter: { text: action === 'clear' ? '' : text.slice(0, -1), editing: true } };
  return key.text === null ? ui : { ...ui, filter: { text: (text + typedText(key.text)).slice(0, 60), editing: true } };
}

function onFindKey(ui: Ui, key: Key, action: KeyAction | null, world: World, now: number): Ui {
  const { find } = ui.look;
  const look = (part: Partial<Ui['look']>): Ui => ({ ...ui, look: { ...ui.look, ...part } });
  if (action === 'cancel') return follow(look({ finding: false }));
  if (action === 'confirm') return find === '' ? look({ finding: false }) : findNext(look({ finding: false }), world, -1, now);
  if (action === 'erase') return look({ find: find.slice(0, -1) });
  return key.text === null ? ui : look({ find: (find + typedText(key.text)).slice(0, 60) });
}
