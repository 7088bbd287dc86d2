/** What the launch wizard's steps say. */
import type { World } from '../../core/state.ts';
import { cleanLine } from '../../core/text.ts';
import type { Dialog } from '../form.ts';
import { money } from '../format.ts';
import { fit } from '../line.ts';
import type { Ui } from '../ui.ts';
import { experience, whatIf, type Found } from '../wizard.ts';
import type { Words } from './dialog-words.ts';

/** Offers that are shown; the runner takes the first that is still there. */
const SHOWN = 8;

export function wizardWords(dialog: Dialog, ui: Ui, world: World): { title: string; words: Words } {
  if (dialog.kind === 'spec') return { title: 'A new spec', words: [['Lists are parted by commas. What is left empty is left out; the file is yours to edit afterwards.', 'muted']] };
  if (dialog.kind === 'offers') return { title: `Launch ${cleanLine(dialog.about ?? '', 60)}?`, words: offerWords(ui, world) };
  const { specs } = ui.wizard;
  if (specs.is === 'loading') return { title: 'Launch a run', words: [['Looking for specs in this folder…', 'busy']] };
  if (specs.is === 'failed') return { title: 'Launch a run', words: [[specs.why, 'warn']] };
  const bad = specs.value.filter(({ problem }) => problem !== null).slice(0, 4).map(({ path, problem }): Words[number] => [`${cleanLine(path, 60)}: ${cleanLine(problem ?? '', 120)}`, 'muted']);
  const none = specs.value.some(({ problem }) => problem === null) ? 'Which spec?' : 'No YAML file here is a spec yet. The form writes one, and so does `vastsit-tui init`.';
  return { title: 'Launch a run', words: [[none, 'text'], ...bad] };
}

function offerWords(ui: Ui, world: World): Words {
  const { offers } = ui.wizard;
  if (offers.is === 'loading') return [['Asking the market what fits now…', 'busy']];
  return offers.is === 'failed' ? [[offers.why, 'warn']] : [...specWords(offers.value), ['', 'text'], ...tableWords(offers.value, world)];
}

function specWords({ spec }: Found): Words {
  const { hardware, kill } = spec;
  return [[`${spec.name}: ${hardware.num_gpus}x ${hardware.gpu?.join(' or ') ?? 'any GPU'}, disk ${hardware.disk_gb} GB, at most $${hardware.max_usd_per_hour.toFixed(2)}/h all-in; ended after ${kill.hours} h or ${money(kill.dollars)}, results first.`, 'text']];
}

function tableWords({ spec, offers, rejected }: Found, world: World): Words {
  const out = Object.entries(rejected).map(([why, count]) => `${count} by ${why}`).join(', ');
  if (offers.length === 0) return [[`No offer fits now${out === '' ? '' : ` (out: ${out})`}. A launch looks again each minute for half an hour.`, 'warn']];
  const head: Words = [[`${fit('gpu', 18)} ${fit('all-in', 9, 'right')} ${fit('reliab.', 7, 'right')} ${fit('place', 6)} ${fit('to the end', 16, 'right')}  ${'machine'}`, 'faint']];
  const rows = offers.slice(0, SHOWN).map((offer, index): Words[number] => {
    const { most, expected } = whatIf(world, spec, offer.all_in_usd_per_hour);
    const end = expected === null ? `≤ ${money(most)}` : `~ ${money(expected)}, ≤ ${money(most)}`;
    return [`${fit(`${offer.num_gpus}x ${cleanLine(offer.gpu_name, 20)}`, 18)} ${fit(`$${offer.all_in_usd_per_hour.toFixed(3)}`, 9, 'right')} ${fit(offer.reliability.toFixed(3), 7, 'right')} ${fit(cleanLine(offer.geolocation ?? '-', 12), 6)} ${fit(end, 16, 'right')}  ${offer.machine_id} ${cleanLine(experience(world, offer.machine_id), 40)}`, index === 0 ? 'ok' : 'text'];
  });
  const more = offers.length > SHOWN ? `${offers.length - SHOWN} more fit. ` : '';
  return [...head, ...rows, [`${more}The runner takes the first that is still there${out === '' ? '' : `; out: ${out}`}.`, 'muted']];
}
