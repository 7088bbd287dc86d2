/** What the launch wizard's steps say. */
import type { World } from '../../core/state.ts';
import { cleanLine } from '../../core/text.ts';
import type { Dialog } from '../form.ts';
import { money } from '../format.ts';
import { fit } from '../line.ts';
import type { Ui } from '../ui.ts';
import { chosenOffer, experience, whatIf, type Found } from '../wizard.ts';
import type { Words } from './dialog-words.ts';

/** `width`: cells of a line. */
export function wizardWords(dialog: Dialog, ui: Ui, world: World, width: number): { title: string; words: Words } {
  if (dialog.kind === 'spec') return { title: 'A new spec', words: [['Lists are parted by commas. What is left empty is left out; the file is yours to edit afterwards.', 'muted']] };
  if (dialog.kind === 'offers') return { title: `Launch ${cleanLine(dialog.about ?? '', 60)}?`, words: offerWords(ui, width) };
  if (dialog.kind === 'confirm') return { title: `Launch ${cleanLine(dialog.about ?? '', 60)}?`, words: confirmWords(dialog, ui, world) };
  const { specs } = ui.wizard;
  if (specs.is === 'loading') return { title: 'Launch a run', words: [['Looking for specs in this folder…', 'busy']] };
  if (specs.is === 'failed') return { title: 'Launch a run', words: [[specs.why, 'warn']] };
  const bad = specs.value.filter(({ problem }) => problem !== null).slice(0, 4).map(({ path, problem }): Words[number] => [`${cleanLine(path, 60)}: ${cleanLine(problem ?? '', 120)}`, 'muted']);
  const none = specs.value.some(({ problem }) => problem === null) ? 'Which spec?' : 'No YAML file here is a spec yet. The form writes one, and so does `vastsit-tui init`.';
  return { title: 'Launch a run', words: [[none, 'text'], ...bad] };
}

function offerWords(ui: Ui, width: number): Words {
  const { offers } = ui.wizard;
  if (offers.is === 'loading') return [['Asking the market what fits now…', 'busy']];
  if (offers.is === 'failed') return [[offers.why, 'warn']];
  const { rejected } = offers.value;
  const out = Object.entries(rejected).map(([why, count]) => `${count} by ${why}`).join(', ');
  if (offers.value.offers.length === 0) return [[specText(offers.value), 'text'], [`No offer fits now${out === '' ? '' : ` (out: ${out})`}. A launch looks again each minute for half an hour.`, 'warn']];
  const count = offers.value.offers.length;
  return [[specText(offers.value), 'text'], [`${count} ${count === 1 ? 'fits' : 'fit'}, the best first${out === '' ? '' : `; out: ${out}`}. Enter chooses one.`, 'muted'], ['', 'text'], [`    ${columns(['gpu', 'all-in/h', 'reliab.', 'place', 'to the end', 'machine'], width - 5)}`, 'faint']];
}

function specText({ spec }: Found): string {
  const { hardware, kill } = spec;
  return `${spec.name}: ${hardware.num_gpus}x ${hardware.gpu?.join(' or ') ?? 'any GPU'}, disk ${hardware.disk_gb} GB, at most $${hardware.max_usd_per_hour.toFixed(2)}/h all-in; ended after ${kill.hours} h or ${money(kill.dollars)}, results first.`;
}

/** One row of the table of offers; what is known of the machine has the rest of it. */
function columns([gpu = '', price = '', reliability = '', place = '', end = '', machine = '']: readonly string[], width: number): string {
  const roomy = width >= 80;
  const row = [fit(gpu, roomy ? 18 : 14), fit(price, 8, 'right'), fit(reliability, 7, 'right'), ...(roomy ? [fit(place, 6)] : []), fit(end, roomy ? 16 : 10, 'right'), ''].join(' ');
  return `${row} ${fit(machine, Math.max(8, width - row.length - 1))}`;
}

/** "Texas, US" as "US". */
const country = (geolocation: string | null): string => cleanLine(geolocation?.split(',').at(-1)?.trim() ?? '-', 12);

/** null: the option is no offer, or one that is gone. */
export function offerRow(name: string, ui: Ui, world: World, width: number): string | null {
  const { offers } = ui.wizard;
  const offer = offers.is === 'ready' ? offers.value.offers.find(({ offer_id }) => String(offer_id) === name) : undefined;
  if (offers.is !== 'ready' || !offer) return null;
  const { most, expected } = whatIf(world, offers.value.spec, offer.all_in_usd_per_hour);
  const end = expected === null ? `≤ ${money(most)}` : width >= 80 ? `~ ${money(expected)}, ≤ ${money(most)}` : `~ ${money(expected)}`;
  return columns([`${offer.num_gpus}x ${cleanLine(offer.gpu_name, 20)}`, `$${offer.all_in_usd_per_hour.toFixed(3)}`, offer.reliability.toFixed(3), country(offer.geolocation), end, `${offer.machine_id} ${cleanLine(experience(world, offer.machine_id), 60)}`], width);
}

/** What was chosen in whole sentences, and what happens when it is gone by then. */
function confirmWords(dialog: Dialog, ui: Ui, world: World): Words {
  const { offers } = ui.wizard;
  if (offers.is !== 'ready') return [[offers.is === 'failed' ? offers.why : 'Asking the market what fits now…', offers.is === 'failed' ? 'warn' : 'busy']];
  const { spec, offers: fits } = offers.value;
  const chosen = chosenOffer(dialog.controls.at(-1)?.name ?? '');
  const offer = chosen === null ? fits[0] : fits.find(({ offer_id }) => offer_id === chosen);
  const next = fits.find(({ offer_id }) => offer_id !== offer?.offer_id);
  if (!offer) return [[specText(offers.value), 'text'], [chosen === null ? 'No offer fits now. A launch looks again each minute for half an hour.' : `Offer ${chosen} is gone since. A launch says so and takes the first that is there.`, 'warn']];
  const { most, expected } = whatIf(world, spec, offer.all_in_usd_per_hour);
  const name = (one: typeof offer): string => `${one.num_gpus}x ${cleanLine(one.gpu_name, 20)} at $${one.all_in_usd_per_hour.toFixed(3)}/h all-in`;
  return [
    [`${name(offer)}, offer ${offer.offer_id} on machine ${offer.machine_id}${offer.geolocation ? ` in ${cleanLine(offer.geolocation, 30)}` : ''}; reliability ${offer.reliability.toFixed(3)}; ${cleanLine(experience(world, offer.machine_id), 80)}.`, 'title'],
    [`To the end ${expected === null ? '' : `about ${money(expected)}, by what an earlier run took; `}at most ${money(most)}: ended after ${spec.kill.hours} h or ${money(spec.kill.dollars)}, results first.`, 'money'],
    [`${chosen === null ? 'The runner takes the first that is still there' : 'If it is gone by then, or refused, the runner says so and takes the first that is still there'}${next ? `; next now: ${name(next)}` : ''}.`, 'muted'],
  ];
}
