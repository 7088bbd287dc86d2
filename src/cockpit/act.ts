/** What each action of the key table does on the table and on a run's page. Pure: commands and effects are returned, not carried out. */
import type { Command } from '../core/commands.ts';
import { burnOf } from '../core/ledger.ts';
import { instanceOf, type RunState, type World } from '../core/state.ts';
import type { Dialog } from './dialogs.ts';
import type { KeyAction } from './keys.ts';
import { copyLog, findNext } from './look.ts';
import { back, neighbour, pin, scroll } from './move.ts';
import { groupKey, toggle, unfold } from './reasoning.ts';
import { isOver, leavesBehind, targetRun } from './select.ts';
import { withToast, type Ui } from './ui.ts';

/** `copy`: cleaned text for the clipboard; `what` names it. */
export type Effect = 'quit' | 'detach' | 'redraw' | 'suspend' | { do: 'copy'; text: string; what: string } | { do: 'shell'; run: string };
export interface Pressed {
  ui: Ui;
  command?: Command;
  effect?: Effect;
}

export function act(ui: Ui, action: KeyAction, world: World, now: number): Pressed {
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
      return onLive(ui, run, now, (live) => (live.ssh.up ? { ui, effect: { do: 'shell', run: live.id } } : refuse(ui, `${live.id} has no box that answers; its log and checkpoints at home are here`, now)));
    case 'expand':
      return { ui: ui.focus === 'said' ? unfold(ui, world) : unfoldIncident(ui, run, now) };
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

function unfoldIncident(ui: Ui, run: RunState | null, now: number): Ui {
  const incident = run?.incident ?? run?.incidents.at(-1);
  return run && incident ? toggle(ui, groupKey(run.id, incident.id)) : withToast(ui, `${run?.id ?? 'no run'} has had no incident`, true, now);
}
