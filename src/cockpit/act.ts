/** What each action of the key table does on the table and on a run's page. Pure: commands and effects are returned, not carried out. */
import type { Command } from '../core/commands.ts';
import { burnOf } from '../core/ledger.ts';
import type { RunState, World } from '../core/state.ts';
import { askAdopt, askBid, askDestroy, askHold, askKeep, askProposal, askQuit, askRelaunch, askRelease, askSwitch, type Asked } from './ask.ts';
import { keyOf, type KeyAction } from './keys.ts';
import { copyLog, findNext } from './look.ts';
import { back, neighbour, pin, scroll, section } from './move.ts';
import { groupKey, toggle, unfold } from './reasoning.ts';
import { isOver, leavesBehind, pendingRuns, targetRun, targetStranger } from './select.ts';
import { withToast, type Ui } from './ui.ts';
import { pickDialog, type Errand } from './wizard.ts';

/** `copy`: cleaned text for the clipboard; `what` names it. */
export type Effect = 'quit' | 'detach' | 'redraw' | 'suspend' | 'mouse' | { do: 'copy'; text: string; what: string } | { do: 'shell'; run: string };
export interface Pressed {
  ui: Ui;
  command?: Command;
  effect?: Effect;
  /** What the launch wizard wants read or written. */
  errand?: Errand;
}

export function act(ui: Ui, action: KeyAction, world: World, now: number): Pressed {
  const run = targetRun(ui, world);
  const stranger = targetStranger(ui, world);
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
    case 'half_up':
      return { ui: scroll(ui, -Math.ceil(page / 2), world) };
    case 'half_down':
      return { ui: scroll(ui, Math.ceil(page / 2), world) };
    case 'first':
      return { ui: scroll(ui, Number.NEGATIVE_INFINITY, world) };
    case 'last':
      return { ui: scroll(ui, Number.POSITIVE_INFINITY, world) };
    case 'next_pane':
      return { ui: { ...ui, focus: neighbour(ui, world, 1) } };
    case 'previous_pane':
      return { ui: { ...ui, focus: neighbour(ui, world, -1) } };
    case 'next_section':
    case 'previous_section':
      return { ui: section(ui, world, action === 'next_section' ? 1 : -1) };
    case 'enter':
      if (stranger) return { ui: { ...ui, page: { name: 'stranger', instance: stranger.id, scroll: 0 } } };
      return { ui: run ? { ...ui, page: { name: 'run', run: run.id, scroll: 0 } } : ui };
    case 'back':
      return { ui: back(ui) };
    case 'close':
      return { ui: { ...ui, help: null } };
    case 'help':
      return { ui: { ...ui, help: 0 } };
    case 'mouse':
      return { ui, effect: 'mouse' };
    case 'theme':
      return { ui: { ...ui, theme: ui.theme + 1 } };
    case 'filter':
      return { ui: { ...ui, filter: { ...ui.filter, editing: true } } };
    case 'logs':
      return { ui: { ...ui, log: ui.log.is === 'closed' ? { is: 'open' } : { is: 'closed' }, focus: ui.log.is !== 'closed' && ui.focus === 'log' ? 'runs' : ui.focus, look: { ...ui.look, held: null, back: 0 } } };
    case 'pin':
      return { ui: pin(ui, world, now) };
    case 'find':
      return { ui: { ...ui, look: { ...ui.look, finding: true } } };
    case 'find_next':
    case 'find_previous':
      return { ui: findNext(ui, world, action === 'find_next' ? 1 : -1, now) };
    case 'wrap':
      return { ui: withToast({ ...ui, look: { ...ui.look, wrap: !ui.look.wrap } }, ui.look.wrap ? 'long lines are cut' : 'long lines are wrapped', false, now) };
    case 'copy':
      return copyLog(ui, world, now);
    case 'shell':
      return onLive(ui, run, world, now, (live) => (live.ssh.up ? { ui, effect: { do: 'shell', run: live.id } } : refuse(ui, `${live.id} has no box that answers; its log and checkpoints at home are here`, now)));
    case 'expand':
      return { ui: ui.focus === 'said' ? unfold(ui, world) : unfoldIncident(ui, run, world, now) };
    case 'check':
      return onLive(ui, run, world, now, (live) => ({ ui, command: { do: 'check', run: live.id } }));
    case 'undo':
      return undo(ui, run, world, now);
    case 'destroy':
      return asks(ui, run, world, now, askDestroy);
    case 'hold':
      return asks(ui, run, world, now, askHold);
    case 'release':
      return asks(ui, run, world, now, askRelease);
    case 'keep':
      return asks(ui, run, world, now, askKeep);
    case 'relaunch':
      return asks(ui, run, world, now, askRelaunch);
    case 'switch':
      return asks(ui, run, world, now, askSwitch);
    case 'bid':
      return asks(ui, run, world, now, askBid);
    case 'answer':
      return asks(ui, run, world, now, askProposal);
    case 'launch':
      return { ui: { ...ui, dialog: pickDialog(ui.wizard.specs, now), toast: null }, errand: { do: 'load_specs' } };
    case 'palette':
      return { ui: { ...ui, palette: { text: '', choice: 0 }, toast: null } };
    case 'adopt':
      return open(ui, askAdopt(world, stranger, now), now);
    case 'quit': {
      const { runs, instances } = leavesBehind(world);
      // Somebody else has the loops: nothing is left behind.
      if (ui.elsewhere !== null) return { ui, effect: 'quit' };
      const idle = runs.length === 0 && instances.every((instance) => burnOf(instance) === 0);
      return idle ? { ui, effect: 'quit' } : open(ui, askQuit(now), now);
    }
    case 'detach':
      return { ui, effect: 'detach' };
    case 'next':
    case 'previous':
    case 'confirm':
    case 'yes':
    case 'cancel':
    case 'erase':
    case 'left':
    case 'right':
    case 'start':
    case 'end':
    case 'clear':
    case 'interrupt':
    case 'redraw':
    case 'suspend':
      return { ui };
  }
}

const open = (ui: Ui, asked: Asked, now: number): Pressed => (typeof asked === 'string' ? refuse(ui, asked, now) : { ui: { ...ui, dialog: asked, toast: null } });
const refuse = (ui: Ui, why: string, now: number): Pressed => ({ ui: withToast(ui, why, true, now) });

const asks = (ui: Ui, run: RunState | null, world: World, now: number, dialog: (world: World, run: RunState, now: number) => Asked): Pressed => onLive(ui, run, world, now, (live) => open(ui, dialog(world, live, now), now));

/** The destroy of the run that keys act on, else the one whose grace ends first. */
function undo(ui: Ui, run: RunState | null, world: World, now: number): Pressed {
  const pending = run?.destroy_pending ? run : pendingRuns(world)[0];
  return pending ? { ui, command: { do: 'recall', run: pending.id } } : refuse(ui, 'nothing waits that could be called back', now);
}

function onLive(ui: Ui, run: RunState | null, world: World, now: number, then: (run: RunState) => Pressed): Pressed {
  if (!run) return refuse(ui, noRun(ui, world), now);
  return isOver(run) ? refuse(ui, `${run.id} is over and bills for nothing`, now) : then(run);
}

function noRun(ui: Ui, world: World): string {
  const stranger = targetStranger(ui, world);
  return stranger ? `instance ${stranger.id} is not ours, and is never touched; ${keyOf('adopt')} puts a run on it` : 'no run is selected';
}

function unfoldIncident(ui: Ui, run: RunState | null, world: World, now: number): Ui {
  const incident = run?.incident ?? run?.incidents.at(-1);
  return run && incident ? toggle(ui, groupKey(run.id, incident.id)) : withToast(ui, run ? `${run.id} has had no incident` : noRun(ui, world), true, now);
}
