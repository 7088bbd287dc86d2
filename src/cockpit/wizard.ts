/**
 * The launch wizard's data: which specs there are, what the market offers for one, and the form that writes a new one. What
 * has to be read or written is an errand that the session runs; its answer comes back here. Pure.
 */
import type { RankedOffer } from '../core/events.ts';
import { parseSpec, SpecError, type Spec, type SpecInput } from '../core/spec.ts';
import { runsOf, type World } from '../core/state.ts';
import { createDialog, option, text, valueOf, type Dialog } from './form.ts';
import type { Ui } from './ui.ts';

/** A YAML file of the project; `problem` says why it is no spec. */
export interface SpecFile {
  readonly path: string;
  readonly name: string | null;
  readonly problem: string | null;
}

export interface Found {
  readonly spec: Spec;
  readonly offers: readonly RankedOffer[];
  readonly rejected: Readonly<Record<string, number>>;
}

export type Errand = { do: 'load_specs' } | { do: 'load_offers'; path: string } | { do: 'write_spec'; path: string; spec: SpecInput };

/** What the wizard is given to read and write with. Each rejects in words. */
export interface WizardPorts {
  specs(): Promise<SpecFile[]>;
  offers(path: string): Promise<Found>;
  /** Never over a file that is there. */
  write(path: string, spec: SpecInput): Promise<void>;
}

export type Loaded<T> = { readonly is: 'loading' } | { readonly is: 'failed'; readonly why: string } | { readonly is: 'ready'; readonly value: T };

export interface Wizard {
  readonly specs: Loaded<readonly SpecFile[]>;
  readonly offers: Loaded<Found>;
  /** The spec that they were asked for, and real ms of the last answer of the market. */
  readonly offers_of: string | null;
  readonly offers_at: number;
}

export const NO_WIZARD: Wizard = { specs: { is: 'loading' }, offers: { is: 'loading' }, offers_of: null, offers_at: 0 };
/** Offers change; while they are looked at they are asked for again after this time, real ms. */
export const OFFERS_FRESH_MS = 15_000;
const SPECS_SHOWN = 12;

/** The first step: which spec. The list of specs is filled in when it was read. */
export function pickDialog(specs: Wizard['specs'], now: number): Dialog {
  const files = specs.is === 'ready' ? specs.value.filter(({ problem }) => problem === null).slice(0, SPECS_SHOWN) : [];
  const dialog = createDialog('launch', null, now, [option('no', 'Not now'), ...files.map(({ path, name }) => option(`spec:${path}`, `${path}  (${name ?? ''})`)), option('form', 'A new spec, written by a form')]);
  return { ...dialog, focus: files.length > 0 ? 1 : 0 };
}

/** Stands for whatever the rule picks when the launch begins. */
const BY_RULE = 'rule';

/** The second: what the market offers for it, one option each; they are filled in when they were read. */
export function offersDialog(path: string, now: number, offers: readonly RankedOffer[] = []): Dialog {
  const dialog = createDialog('offers', null, now, [option('no', 'Not now'), option(BY_RULE, 'The first that is still there'), ...offers.map(({ offer_id }) => option(String(offer_id), `offer ${offer_id}`))]);
  return { ...dialog, about: path, focus: 1 };
}

/** The third: what was chosen, and the word that spends money. */
export const confirmDialog = (path: string, chosen: string, now: number): Dialog => ({ ...createDialog('confirm', null, now, [option('no', 'Not now'), option(chosen, 'Launch it', 'launch', false)]), about: path });

/** The offer that an option of these dialogs means; null: whatever the rule picks. */
export const chosenOffer = (name: string): number | null => (name === BY_RULE || name === 'no' ? null : Number(name));

const FIELDS: readonly [name: string, value: string, takes: 'any' | 'digits' | 'price'][] = [
  ['name', 'my-run', 'any'], ['image', 'vastai/pytorch', 'any'], ['gpu', 'RTX 4090, RTX 3090', 'any'], ['vram GB', '20', 'digits'], ['disk GB', '40', 'digits'], ['max $/h', '0.60', 'price'],
  ['upload', 'train.py', 'any'], ['setup', '', 'any'], ['run', 'python train.py', 'any'], ['ckpts', 'ckpt/**', 'any'], ['resume', '', 'any'], ['results', 'out/**', 'any'], ['hours', '12', 'price'], ['dollars', '6', 'price'],
];

export const specDialog = (now: number): Dialog => createDialog('spec', null, now, [...FIELDS.map(([name, value, takes]) => text(name, value, takes, 400)), option('no', 'Back'), option('write', 'Write it, and see offers')]);

/** The field of the form that a field of the spec stands in. */
const FIELD_OF: Readonly<Record<string, string>> = { name: 'name', image: 'image', 'hardware.gpu': 'gpu', 'hardware.gpu_ram_gb': 'vram GB', 'hardware.disk_gb': 'disk GB', 'hardware.max_usd_per_hour': 'max $/h', upload: 'upload', setup: 'setup', run: 'run', 'checkpoints.path': 'ckpts', 'checkpoints.resume': 'resume', artifacts: 'results', 'kill.hours': 'hours', 'kill.dollars': 'dollars' };

export function specOf(dialog: Dialog): { spec: SpecInput; path: string } | { error: string; field: string | null } {
  const of = (name: string): string => valueOf(dialog, name).trim();
  const list = (name: string): string[] => of(name).split(',').map((word) => word.trim()).filter((word) => word !== '');
  const spec: SpecInput = {
    name: of('name'),
    image: of('image'),
    hardware: { ...(list('gpu').length > 0 && { gpu: list('gpu') }), ...(of('vram GB') !== '' && { gpu_ram_gb: Number(of('vram GB')) }), disk_gb: Number(of('disk GB')), max_usd_per_hour: Number(of('max $/h')) },
    ...(list('upload').length > 0 && { upload: list('upload') }),
    ...(of('setup') !== '' && { setup: of('setup') }),
    run: of('run'),
    ...(list('ckpts').length > 0 && { checkpoints: { path: list('ckpts'), ...(of('resume') !== '' && { resume: of('resume') }) } }),
    ...(list('results').length > 0 && { artifacts: list('results') }),
    kill: { hours: Number(of('hours')), dollars: Number(of('dollars')) },
  };
  try {
    parseSpec(spec);
    return { spec, path: `${spec.name}.yaml` };
  } catch (error) {
    const [problem] = error instanceof SpecError ? error.problems : [];
    const field = problem ? (Object.keys(FIELD_OF).find((known) => problem.field === known || problem.field.startsWith(`${known}.`)) ?? null) : null;
    return { error: problem ? `${problem.field}: ${problem.expected}` : 'the form is no spec', field: field === null ? null : (FIELD_OF[field] ?? null) };
  }
}

/** An errand has begun, or has come back. */
export function wizardAsked(ui: Ui, errand: Errand): Ui {
  switch (errand.do) {
    case 'load_specs':
      return { ...ui, wizard: { ...ui.wizard, specs: { is: 'loading' } } };
    case 'load_offers':
      // Offers that are asked for again stay in sight meanwhile.
      return ui.wizard.offers.is === 'ready' && ui.wizard.offers_of === errand.path ? filled(ui) : { ...ui, wizard: { ...ui.wizard, offers: { is: 'loading' }, offers_of: errand.path } };
    case 'write_spec':
      return { ...ui, wizard: { ...ui.wizard, offers: { is: 'loading' }, offers_of: errand.path } };
  }
}

export function specsRead(ui: Ui, specs: Wizard['specs']): Ui {
  const wizard = { ...ui.wizard, specs };
  return ui.dialog?.kind === 'launch' ? { ...ui, wizard, dialog: pickDialog(specs, ui.dialog.opened_at) } : { ...ui, wizard };
}

/** An answer to a question that nobody looks at any more changes nothing. */
export const offersRead = (ui: Ui, path: string, offers: Wizard['offers'], now: number): Ui => (offersAbout(ui.dialog) === path ? filled({ ...ui, wizard: { ...ui.wizard, offers, offers_of: path, offers_at: now } }) : ui);

/** The spec whose offers are looked at; null: none. */
export const offersAbout = (dialog: Dialog | null): string | null => (dialog?.kind === 'offers' || dialog?.kind === 'confirm' ? dialog.about : null);

/** The list of options follows the market; the cursor stays on its offer, and one that is gone is told. */
function filled(ui: Ui): Ui {
  const { dialog, wizard } = ui;
  if (dialog?.kind !== 'offers' || dialog.about === null || wizard.offers.is !== 'ready') return ui;
  const next = offersDialog(dialog.about, dialog.opened_at, wizard.offers.value.offers);
  const on = dialog.controls[dialog.focus]?.name;
  const at = next.controls.findIndex(({ name }) => name === on);
  return { ...ui, dialog: at < 0 ? { ...next, error: `offer ${on ?? ''} is gone` } : { ...next, focus: at } };
}

/** What this program has seen of a machine. */
export function experience(world: World, machine_id: number): string {
  const here = runsOf(world).flatMap(({ attempts }) => attempts.filter((attempt) => attempt.machine_id === machine_id && attempt.first_step !== null));
  const failed = world.machines[String(machine_id)];
  if (failed) return `failed: ${failed.reason}`;
  return here.length === 0 ? 'new to us' : `trained here ${here.length === 1 ? 'once' : `${here.length} times`}`;
}

/** Dollars to the end at this price: at most what the kill criteria allow, and what an earlier run of the spec suggests. */
export function whatIf(world: World, spec: Spec, usd_per_hour: number): { most: number; expected: number | null } {
  const most = Math.min(spec.kill.dollars, usd_per_hour * spec.kill.hours);
  const past = runsOf(world).findLast((run) => run.spec.name === spec.name && run.progress?.reading.steps_per_s != null && run.progress.reading.total_steps !== null);
  const reading = past?.progress?.reading;
  const hours = reading?.total_steps && reading.steps_per_s ? reading.total_steps / reading.steps_per_s / 3_600 : null;
  return { most, expected: hours === null ? null : Math.min(most, hours * usd_per_hour) };
}
