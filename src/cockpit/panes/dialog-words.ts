/** What each dialog says: the object by name, what it costs, what would be lost, and what happens then. */
import { actionWords } from '../../core/brain/proposal.ts';
import { burnOf, runCost, totals, waitingOf, waitingWords } from '../../core/ledger.ts';
import { span } from '../../core/line.ts';
import { instanceOf, type RunState, type World } from '../../core/state.ts';
import { cleanLine } from '../../core/text.ts';
import type { Dialog } from '../form.ts';
import { valueOf } from '../form.ts';
import { ago, bytes, money, perHour } from '../format.ts';
import { GLYPH } from '../glyphs.ts';
import { keyOf } from '../keys.ts';
import { leavesBehind, strangersOf } from '../select.ts';
import { GRACE_S } from '../submit.ts';
import type { Role } from '../theme.ts';
import type { Ui } from '../ui.ts';
import { diffRows } from './run-patches.ts';
import { wizardWords } from './wizard-words.ts';

export type Words = [words: string, role: Role][];

/** `run` is the dialog's own, where it has one; `width`: cells of a line. */
export function dialogWords(dialog: Dialog, run: RunState | null, world: World, ui: Ui, now: number, width: number): { title: string; words: Words } {
  if (dialog.kind === 'quit') return { title: 'Leave the cockpit?', words: quitWords(world, ui, now) };
  if (dialog.kind === 'launch' || dialog.kind === 'offers' || dialog.kind === 'confirm' || dialog.kind === 'spec') return wizardWords(dialog, ui, world, width);
  if (dialog.kind === 'adopt') return { title: 'Adopt an instance?', words: adoptWords(world) };
  if (!run) return { title: 'Over', words: [[`${dialog.run ?? 'The run'} has ended.`, 'text']] };
  const name = cleanLine(run.id, 40);
  const instance = instanceOf(world, run);
  const rate = instance ? burnOf(instance) : 0;
  const object = instance ? `${run.id} on instance ${instance.id} (${cleanLine(instance.facts.gpu_name, 24)}, ${perHour(rate)})` : `${run.id}, which has no instance yet`;
  switch (dialog.kind) {
    case 'destroy':
      return { title: `Destroy ${name}?`, words: [[`${object}. Spent so far: ${money(runCost(world, run, now).usd)}.`, 'text'], ['', 'text'], ...lossWords(run, now), ...waitWords(run, world, rate, now)] };
    case 'hold':
      return { title: `Hold ${name} for debugging?`, words: [[`${object} stays up and bills, whatever its run does. A hold always ends; then the usual teardown goes on.`, 'text']] };
    case 'release':
      return { title: `Release the hold on ${name}?`, words: [[`${object}. From then on the teardown policy decides: results come home first, then the instance goes.`, 'text']] };
    case 'keep':
      return run.keep
        ? { title: `No longer keep ${name}?`, words: [[`${object} goes the usual way again: when the run is over and its results are home, the instance is destroyed.`, 'text']] }
        : { title: `Keep ${name}?`, words: [[`${object} will not be destroyed when the run is over. It bills ${perHour(rate)} until you say otherwise; your budget of ${money(run.spec.kill.dollars)} still holds.`, 'text']] };
    case 'relaunch':
      return { title: `Launch ${name} again?`, words: [[`${object}. ${run.stage === 'training' ? 'The training that runs there is ended, and' : 'Here'} attempt ${run.attempt + 1} starts with these commands, from the newest checkpoint where there is one. {knobs} keep their places.`, 'text'], ...(run.stage === 'training' ? lossWords(run, now) : [])] };
    case 'switch':
      return { title: `Switch ${name} to another machine?`, words: [[`${object} is left: its newest checkpoint comes home, then it is destroyed, and the run goes on on another machine, at most ${perHour(run.spec.hardware.max_usd_per_hour)} all-in. Until it trains there, nothing is earned.`, 'text'], ['', 'text'], ...lossWords(run, now)] };
    case 'bid': {
      const facts = instance?.facts;
      const disk = facts?.storage_total_cost ?? 0;
      return { title: `Raise the bid for ${name}?`, words: [[`${object}. The bid is ${perHour(facts?.dph_base ?? 0)}, the floor ${facts?.min_bid == null ? 'unknown' : perHour(facts.min_bid)}; with ${perHour(disk)} for the disk it may cost ${perHour(run.spec.hardware.max_usd_per_hour)}, the spec's cap.`, 'text'], [bidWords(Number(valueOf(dialog, 'bid')), facts?.dph_base ?? 0, disk), 'money']] };
    }
    case 'proposal':
      return { title: `${name}: a proposal`, words: proposalWords(run, now) };
  }
}

const bidWords = (bid: number, from: number, disk: number): string => (bid > 0 ? `${perHour(bid + disk)} in all, ${money((bid - from) * 24)} a day more than now.` : 'Name a price for the GPU in $/h.');

/** What a destroy would cost in work: the newest checkpoint at home, its age, and how far the training is beyond it. */
function lossWords(run: RunState, now: number): Words {
  const step = run.progress?.reading.step ?? null;
  const newest = run.home.at(-1);
  const words: Words = [];
  if (step === null && !run.ran_here && run.home.length === 0) words.push(['Nothing has run yet, so nothing would be lost.', 'ok']);
  else if (!newest) words.push([`Nothing is at home yet.${step === null ? '' : ` Everything up to step ${step} would be lost.`}`, 'danger']);
  else {
    const age = run.home_at === null ? '' : `, brought home ${ago(now - run.home_at)}`;
    words.push([`Newest verified copy at home: ${cleanLine(newest.path, 60)} (${bytes(newest.bytes)}${age}).`, 'text']);
    if (step !== null) words.push([`The run is at step ${step}; what came after that copy would be lost.`, 'warn']);
  }
  if (run.rescue) words.push(run.rescue.verdict === 'verified' ? ['Results are home and verified.', 'ok'] : [`Results are not proven home: ${cleanLine(run.rescue.reason, 120)}`, 'warn']);
  return words;
}

/** What bringing home first would cost, and how long there is to think again. */
function waitWords(run: RunState, world: World, rate: number, now: number): Words {
  const instance = instanceOf(world, run);
  const waiting = waitingOf(world, run, now);
  const price: Words = waiting ? [[`So far ${waitingWords(waiting)}.`, 'warn']] : rate > 0 ? [[`Bringing results home first bills on meanwhile: ${money(rate / 6, 3)} for 10 minutes.`, 'muted']] : [];
  const yours: Words = instance?.adopted ? [['It was yours before the run: whatever else lies on it is lost too. Without a destroy it is given back.', 'danger']] : [];
  return [...price, ...yours, [`Whatever you choose waits ${GRACE_S} s, in which ${keyOf('undo')} calls it back.`, 'muted']];
}

function adoptWords(world: World): Words {
  const list = strangersOf(world).slice(0, 6).map(({ id, facts, label }): Words[number] => [`${GLYPH.off} ${id}  ${facts.num_gpus}x ${cleanLine(facts.gpu_name, 24)}  ${cleanLine(facts.actual_status ?? 'provisioning', 16)}  ${perHour(facts.dph_total)}${label ? `  "${cleanLine(label, 24)}"` : ''}`, 'muted']);
  return [['A run of your spec is put on an instance that this program did not rent. It gets our label, is watched and repaired like any other, is never destroyed but by your order, and is given back under its old label when the run is over. What it cost before is not the run\'s.', 'text'], ['', 'text'], ...list];
}

function proposalWords(run: RunState, now: number): Words {
  const { consult } = run.brain;
  if (consult.stage !== 'pending') return [['The question has been answered or has run out.', 'text']];
  const { action, diagnosis } = consult.proposal;
  const inner = action.kind === 'ask_user' ? action.then : action;
  const diff = inner.kind === 'apply_diff' ? diffRows(inner.diff, 400) : [];
  return [[`The model: ${diagnosis}`, 'text'], [`It proposes: ${actionWords(action)}.`, 'title'], [`It asks because ${cleanLine(consult.why, 300)}. Without a word from you it means no in ${span(Math.max(consult.until, run.hold?.until ?? 0) - now)}.`, 'warn'], ...(diff.length > 0 ? [['', 'text'] as Words[number], ...diff] : [])];
}

function quitWords(world: World, ui: Ui, now: number): Words {
  const { runs, instances } = leavesBehind(world);
  const sums = totals(world, now);
  if (instances.length === 0 && runs.length === 0) return [['Nothing runs, and nothing of ours bills.', 'text']];
  const here = `${count(runs.length, 'run')} under way, ${count(instances.length, 'instance')} billing ${perHour(sums.burn_usd_per_hour)}.`;
  if (ui.ends) return [[here, 'text'], ['The demo ends with its screen: its market, its boxes and their trainings are gone then, and nothing bills. On a real account training would go on, under the lease of each box.', 'text']];
  const words: Words = [
    [here, 'text'],
    [`Training goes on without the cockpit. Nothing is repaired and no results come home until it is back. (${keyOf('detach')} leaves too, and a background process watches on; a terminal that closes does the same.)`, 'text'],
    ['When a training ends, the sentinel on its instance lets the lease (15 min) run out and ends the billing as the spec says.', 'muted'],
  ];
  const open = runs.filter((run) => run.incident && !run.incident.ended);
  if (open.length > 0) words.push([`${GLYPH.alert} In the middle of a repair: ${open.map(({ id }) => id).join(', ')}.`, 'danger']);
  const pending = runs.filter((run) => run.destroy_pending);
  if (pending.length > 0) words.push([`${GLYPH.alert} Ordered and not carried out yet: the destroy of ${pending.map(({ id }) => id).join(', ')}. It is done when the cockpit is back.`, 'danger']);
  return words;
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
