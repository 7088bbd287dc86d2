/** What a dialog's option means when it is taken: a command, the way out, or an error at a field. */
import type { Command } from '../core/commands.ts';
import { LONGEST_HOLD_MIN } from '../core/orders.ts';
import type { World } from '../core/state.ts';
import { valueOf, type Dialog } from './form.ts';
import { isOver } from './select.ts';
import { chosenOffer, confirmDialog, offersDialog, specDialog, specOf, type Errand } from './wizard.ts';

/** How long a destroy from the cockpit can be called back, real seconds. */
export const GRACE_S = 10;

/** `next` opens in its place. */
export type Submitted = { command: Command } | { quit: true } | { next: Dialog; errand?: Errand } | { error: string; field: string | null } | Record<string, never>;

export function submit(dialog: Dialog, taken: string, world: World): Submitted {
  if (dialog.kind === 'quit') return { quit: true };
  if (dialog.kind === 'adopt') return adopt(dialog);
  if (dialog.kind === 'launch' || dialog.kind === 'offers' || dialog.kind === 'confirm' || dialog.kind === 'spec') return wizard(dialog, taken);
  const run = dialog.run === null ? undefined : world.runs[dialog.run];
  // The world may have moved on while the dialog was read.
  if (!run || isOver(run)) return {};
  switch (dialog.kind) {
    case 'destroy':
      return { command: { do: 'destroy', run: run.id, waive: taken === 'now', grace_s: GRACE_S } };
    case 'release':
      return { command: { do: 'release', run: run.id } };
    case 'keep':
      return { command: { do: 'keep', run: run.id, keep: taken === 'keep' } };
    case 'switch':
      return { command: { do: 'switch', run: run.id } };
    case 'proposal':
      return { command: { do: taken === 'approve' ? 'approve' : 'refuse', run: run.id } };
    case 'relaunch': {
      const [command, resume] = [valueOf(dialog, 'command').trim(), valueOf(dialog, 'resume').trim()];
      if (command === '') return { error: 'a command must not be empty', field: 'command' };
      return { command: { do: 'relaunch', run: run.id, command, ...(resume !== '' && { resume }) } };
    }
    case 'bid': {
      const usd = Number(valueOf(dialog, 'bid'));
      return usd > 0 ? { command: { do: 'raise_bid', run: run.id, usd_per_hour: usd } } : { error: 'name a price such as 0.35', field: 'bid' };
    }
    case 'hold': {
      const minutes = Number(valueOf(dialog, 'minutes'));
      const reason = valueOf(dialog, 'reason').trim();
      if (!(minutes >= 1 && minutes <= LONGEST_HOLD_MIN)) return { error: `from 1 to ${LONGEST_HOLD_MIN} minutes: a hold always ends`, field: 'minutes' };
      return reason === '' ? { error: 'say why, for whoever reads the log', field: 'reason' } : { command: { do: 'hold', run: run.id, minutes, reason } };
    }
  }
}

function wizard(dialog: Dialog, taken: string): Submitted {
  const now = dialog.opened_at;
  if (dialog.kind === 'offers') return dialog.about === null ? {} : { next: confirmDialog(dialog.about, taken, now) };
  if (dialog.kind === 'confirm') {
    const offer = chosenOffer(taken);
    return dialog.about === null ? {} : { command: { do: 'launch', spec_path: dialog.about, ...(offer !== null && { offer }) } };
  }
  if (dialog.kind === 'spec') {
    const made = specOf(dialog);
    return 'error' in made ? made : { next: offersDialog(made.path, now), errand: { do: 'write_spec', ...made } };
  }
  const path = taken.replace(/^spec:/, '');
  return taken === 'form' ? { next: specDialog(now) } : { next: offersDialog(path, now), errand: { do: 'load_offers', path } };
}

function adopt(dialog: Dialog): Submitted {
  const instance = Number(valueOf(dialog, 'instance'));
  const spec_path = valueOf(dialog, 'spec').trim();
  if (!(instance > 0)) return { error: 'name the instance by its number', field: 'instance' };
  return spec_path === '' ? { error: 'name the spec that it shall run', field: 'spec' } : { command: { do: 'adopt', instance, spec_path } };
}
