/** One key, one new screen state: a pure reducer over the key table. It returns the command or effect and carries out neither. */
import { burnOf } from '../core/ledger.ts';
import type { Command } from '../core/commands.ts';
import { instanceOf, type RunState, type World } from '../core/state.ts';
import { DEAF_MS, isTyping, stepDialog, typedText, type Dialog, type DialogAct } from './dialogs.ts';
import { bindingFor, type Key, type KeyAction, type Place } from './keys.ts';
import { panesOf } from './layout.ts';
import { isOver, leavesBehind, logRun, openIncident, orderedRuns, targetRun } from './select.ts';
import { withToast, type LogPane, type Ui } from './ui.ts';

export type Effect = 'quit' | 'detach' | 'redraw' | 'suspend';
export interface Pressed {
  ui: Ui;
  command?: Command;
  effect?: Effect;
}

/** A second ctrl-c within this time leaves, real ms. */
const TWICE_MS = 2_000;

/** Which part of the table is live. */
export function placeOf(ui: Ui): Place {
  if (ui.dialog) return isTyping(ui.dialog) ? 'text' : 'dialog';
  if (ui.filter.editing) return 'text';
  return ui.help !== null ? 'help' : ui.page.name;
}

/** `now` is real time in ms; it only guards against keys that answer a dialog by accident. */
export function onKey(before: Ui, key: Key, world: World, now: number): Pressed {
  const ui = { ...before, key_at: now };
  const place = placeOf(ui);
  const binding = key.name === 'paste' ? null : bindingFor(place, key.name);
  switch (binding?.action) {
    case 'redraw':
      return { ui, effect: 'redraw' };
    case 'suspend':
      return { ui, effect: 'suspend' };
    case 'interrupt':
      if (ui.ctrl_c_at !== null && now - ui.ctrl_c_at < TWICE_MS) return { ui, effect: 'quit' };
      return { ui: { ...ui, ctrl_c_at: now, dialog: { kind: 'quit', opened_at: now, choice: 0 } } };
    default:
      break;
  }
  if (ui.dialog) return onDialogKey(ui, ui.dialog, key, binding?.action ?? null, world, now);
  if (ui.filter.editing) return { ui: onFilterKey(ui, key, binding?.action ?? null) };
  return binding ? act(ui, binding.action, world, now) : { ui };
}

function onDialogKey(ui: Ui, dialog: Dialog, key: Key, action: KeyAction | null, world: World, now: number): Pressed {
  if (now - dialog.opened_at < DEAF_MS || key.name === 'paste') return { ui };
  if (action === 'yes') return dialog.kind === 'quit' ? { ui: { ...ui, dialog: null }, effect: 'quit' } : { ui };
  const said = dialogAct(action, key);
  if (said === null) return { ui };
  const { dialog: next, command, quit } = stepDialog(dialog, said, world);
  return { ui: { ...ui, dialog: next }, ...(command ? { command } : {}), ...(quit ? { effect: 'quit' } : {}) };
}

function dialogAct(action: KeyAction | null, key: Key): DialogAct | null {
  switch (action) {
    case 'next':
    case 'previous':
    case 'confirm':
    case 'cancel':
    case 'erase':
      return action;
    default:
      return key.text === null ? null : { text: key.text };
  }
}

function onFilterKey(ui: Ui, key: Key, action: KeyAction | null): Ui {
  const { text } = ui.filter;
  if (action === 'cancel') return { ...ui, filter: { text: '', editing: false } };
  if (action === 'confirm') return { ...ui, filter: { text, editing: false } };
  if (action === 'erase') return { ...ui, filter: { text: text.slice(0, -1), editing: true } };
  return key.text === null ? ui : { ...ui, filter: { text: (text + typedText(key.text)).slice(0, 60), editing: true } };
}

function act(ui: Ui, action: KeyAction, world: World, now: number): Pressed {
  const run = targetRun(ui, world);
  const page = Math.max(1, ui.size.rows - 8);
  switch (action) {
    case 'up':
      return { ui: scroll(ui, -1, world) };
    case 'down':
      return { ui: scroll(ui, 1, world) };
    case 'page_up':
      return { ui: scroll(ui, -page, world) };
    case 'page_down':
      return { ui: scroll(ui, page, world) };
    case 'first':
      return { ui: scroll(ui, Number.NEGATIVE_INFINITY, world) };
    case 'last':
      return { ui: scroll(ui, Number.POSITIVE_INFINITY, world) };
    case 'next_pane':
      return { ui: { ...ui, focus: neighbour(ui, world, 1) } };
    case 'previous_pane':
      return { ui: { ...ui, focus: neighbour(ui, world, -1) } };
    case 'enter':
      return { ui: run ? { ...ui, page: { name: 'run', run: run.id, scroll: 0 } } : ui };
    case 'back':
      return { ui: back(ui) };
    case 'close':
      return { ui: { ...ui, help: null } };
    case 'help':
      return { ui: { ...ui, help: 0 } };
    case 'theme':
      return { ui: { ...ui, theme: ui.theme + 1 } };
    case 'filter':
      return { ui: { ...ui, filter: { ...ui.filter, editing: true } } };
    case 'logs':
      return { ui: { ...ui, log: ui.log.is === 'closed' ? { is: 'open' } : { is: 'closed' }, focus: ui.log.is === 'closed' ? ui.focus : 'runs', back: { ...ui.back, log: 0 } } };
    case 'pin':
      return { ui: pin(ui, world, now) };
    case 'check':
      return onLive(ui, run, now, (live) => ({ ui, command: { do: 'check', run: live.id } }));
    case 'destroy':
      return onLive(ui, run, now, (live) => ask(ui, { kind: 'destroy', run: live.id, opened_at: now, choice: 0, typed: '' }));
    case 'hold':
      return onLive(ui, run, now, (live) =>
        instanceOf(world, live) ? ask(ui, { kind: 'hold', run: live.id, opened_at: now, field: 'minutes', minutes: '30', reason: '', choice: 1, error: null }) : refuse(ui, `${live.id} has no instance to hold`, now),
      );
    case 'release':
      return onLive(ui, run, now, (live) => (live.hold ? ask(ui, { kind: 'release', run: live.id, opened_at: now, choice: 0 }) : refuse(ui, `${live.id} is not held`, now)));
    case 'keep':
      return onLive(ui, run, now, (live) => ask(ui, { kind: 'keep', run: live.id, keep: !live.keep, opened_at: now, choice: 0 }));
    case 'quit': {
      const { runs, instances } = leavesBehind(world);
      // Somebody else has the loops: nothing is left behind.
      if (ui.elsewhere !== null) return { ui, effect: 'quit' };
      const idle = runs.length === 0 && instances.every((instance) => burnOf(instance) === 0);
      return idle ? { ui, effect: 'quit' } : ask(ui, { kind: 'quit', opened_at: now, choice: 0 });
    }
    case 'detach':
      return { ui, effect: 'detach' };
    case 'next':
    case 'previous':
    case 'confirm':
    case 'yes':
    case 'cancel':
    case 'erase':
    case 'interrupt':
    case 'redraw':
    case 'suspend':
      return { ui };
  }
}

const ask = (ui: Ui, dialog: Dialog): Pressed => ({ ui: { ...ui, dialog, toast: null } });
const refuse = (ui: Ui, why: string, now: number): Pressed => ({ ui: withToast(ui, why, true, now) });

function onLive(ui: Ui, run: RunState | null, now: number, then: (run: RunState) => Pressed): Pressed {
  if (!run) return refuse(ui, 'no run is selected', now);
  return isOver(run) ? refuse(ui, `${run.id} is over and bills for nothing`, now) : then(run);
}

function neighbour(ui: Ui, world: World, by: 1 | -1): Ui['focus'] {
  const panes = panesOf(ui, world);
  const at = panes.indexOf(ui.focus);
  return panes[(Math.max(0, at) + by + panes.length) % panes.length] ?? 'runs';
}

/** Esc undoes the newest thing first, and never leaves the program. */
function back(before: Ui): Ui {
  const ui = before.toast ? { ...before, toast: null } : before;
  if (ui.page.name === 'run') return { ...ui, page: { name: 'home' } };
  if (ui.back.said > 0 || ui.back.log > 0) return { ...ui, back: { said: 0, log: 0 } };
  if (ui.filter.text !== '') return { ...ui, filter: { text: '', editing: false } };
  if (ui.focus !== 'runs') return { ...ui, focus: 'runs' };
  return ui.log.is === 'closed' ? ui : { ...ui, log: { is: 'closed' } };
}

function pin(ui: Ui, world: World, now: number): Ui {
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
function scroll(ui: Ui, by: number, world: World): Ui {
  const clamp = (value: number, last: number): number => Math.min(Math.max(0, value), Math.max(0, last));
  if (ui.help !== null) return { ...ui, help: clamp(ui.help + by, 100) };
  if (ui.page.name === 'run') return { ...ui, page: { ...ui.page, scroll: clamp(ui.page.scroll + by, 10_000) } };
  switch (ui.focus) {
    case 'said':
      return { ...ui, back: { ...ui.back, said: clamp(ui.back.said - by, world.said.length) } };
    case 'log':
      return { ...ui, back: { ...ui.back, log: clamp(ui.back.log - by, logRun(ui.log, ui.selected, world)?.tail.length ?? 0) } };
    case 'runs':
    case 'costs': {
      const runs = orderedRuns(world, ui.filter.text);
      const at = runs.findIndex(({ id }) => id === ui.selected);
      return { ...ui, selected: runs[clamp(at < 0 ? 0 : at + by, runs.length - 1)]?.id ?? null };
    }
  }
}
