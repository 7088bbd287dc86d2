/** The dialogs in words: the object by name, what it costs, what would be lost, the verb on the button. */
import { burnOf, runCost, totals } from '../../core/ledger.ts';
import { span } from '../../core/line.ts';
import { instanceOf, type RunState, type World } from '../../core/state.ts';
import { cleanLine } from '../../core/text.ts';
import { isOver, leavesBehind } from '../select.ts';
import type { Dialog } from '../dialogs.ts';
import { ago, bytes, money, perHour } from '../format.ts';
import { GLYPH } from '../glyphs.ts';
import { line, piece, plain, wrap, type Line } from '../line.ts';
import type { Role } from '../theme.ts';
import { box } from './box.ts';

/** Cells that a dialog takes, when the terminal has them. */
const WIDTH = 72;

export function dialogBox(dialog: Dialog, world: World, now: number, columns: number): Line[] {
  const width = Math.min(WIDTH, columns - 4);
  const text = (words: string, role: Role = 'text'): Line[] => wrap(words, width - 4).map((row) => plain(row, role));
  if (dialog.kind === 'quit') return box('Leave the cockpit?', [...quitWords(world, now).flatMap(([words, role]) => text(words, role)), line(), buttons(['Stay', 'Leave'], dialog.choice)], width, 'rule_focus');
  const run = world.runs[dialog.run];
  if (!run || isOver(run)) return box('Over', text(`${dialog.run} has ended.`), width, 'rule');
  const instance = instanceOf(world, run);
  const rate = instance ? burnOf(instance) : 0;
  const object = instance ? `${run.id} on instance ${instance.id} (${cleanLine(instance.facts.gpu_name, 24)}, ${perHour(rate)})` : `${run.id}, which has no instance yet`;
  switch (dialog.kind) {
    case 'destroy': {
      const typed = dialog.choice === 2 ? [line(piece('      type ', 'muted'), piece(run.id, 'title'), piece(': ', 'muted'), piece(dialog.typed, dialog.typed === run.id ? 'danger' : 'text'), piece(GLYPH.caret, 'key'))] : [];
      const options = ['Leave it alone', instance ? 'Bring results home, then destroy' : 'Give the run up', 'Destroy now, without bringing anything home'];
      return box(
        `Destroy ${cleanLine(run.id, 40)}?`,
        [
          ...text(`${object}. Spent so far: ${money(runCost(world, run, now).usd)}.`),
          line(),
          ...lossWords(run, now).flatMap(([words, role]) => text(words, role)),
          line(),
          ...options.map((option, index) => optionLine(option, index === dialog.choice, index === 2 ? 'danger' : 'text')),
          ...typed,
        ],
        width,
        'danger',
      );
    }
    case 'hold': {
      const minutes = Number(dialog.minutes);
      const price = minutes > 0 ? `costs ${money((rate * minutes) / 60)} and ends at ${new Date(now + minutes * 60_000).toISOString().slice(11, 16)} UTC` : 'how long?';
      const field = (name: 'minutes' | 'reason', value: string, note: string): Line =>
        line(piece(dialog.field === name ? `${GLYPH.select} ` : '  ', 'key'), piece(`${name.padEnd(8)} `, 'muted'), piece(value, 'title'), piece(dialog.field === name ? GLYPH.caret : ' ', 'key'), piece(` ${note}`, 'muted'));
      return box(
        `Hold ${cleanLine(run.id, 40)} for debugging?`,
        [
          ...text(`${object} stays up and bills, whatever its run does. A hold always ends; then the usual teardown goes on.`),
          line(),
          field('minutes', dialog.minutes, price),
          field('reason', dialog.reason, dialog.reason === '' ? 'why, for whoever reads the log' : ''),
          ...(dialog.error === null ? [line()] : text(`  ${dialog.error}`, 'warn')),
          buttons(['Cancel', `Hold for ${span(minutes * 60_000)}`], dialog.field === 'buttons' ? dialog.choice : -1),
        ],
        width,
        'rule_focus',
      );
    }
    case 'release':
      return box(`Release the hold on ${cleanLine(run.id, 40)}?`, [...text(`${object}. From then on the teardown policy decides: results come home first, then the instance goes.`), line(), buttons(['Keep holding', 'Release'], dialog.choice)], width, 'rule_focus');
    case 'keep': {
      const words = dialog.keep
        ? `${object} will not be destroyed when the run is over. It bills ${perHour(rate)} until you say otherwise; your budget of ${money(run.spec.kill.dollars)} still holds.`
        : `${object} goes the usual way again: when the run is over and its results are home, the instance is destroyed.`;
      return box(dialog.keep ? `Keep ${cleanLine(run.id, 40)}?` : `No longer keep ${cleanLine(run.id, 40)}?`, [...text(words), line(), buttons(['Leave it', dialog.keep ? 'Keep it' : 'Let it go'], dialog.choice)], width, 'rule_focus');
    }
  }
}

type Words = [words: string, role: Role][];

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

function quitWords(world: World, now: number): Words {
  const { runs, instances } = leavesBehind(world);
  const sums = totals(world, now);
  if (instances.length === 0 && runs.length === 0) return [['Nothing runs, and nothing of ours bills.', 'text']];
  const words: Words = [
    [`${count(runs.length, 'run')} under way, ${count(instances.length, 'instance')} billing ${perHour(sums.burn_usd_per_hour)}.`, 'text'],
    ['Training goes on without the cockpit. Nothing is repaired and no results come home until it is back. (D leaves too, and a background process watches on.)', 'text'],
    ['When a training ends, the sentinel on its instance lets the lease run out and ends the billing as the spec says.', 'muted'],
  ];
  const open = runs.filter((run) => run.incident && !run.incident.ended);
  if (open.length > 0) words.push([`${GLYPH.alert} In the middle of a repair: ${open.map(({ id }) => id).join(', ')}.`, 'danger']);
  return words;
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
const optionLine = (label: string, focused: boolean, role: Role): Line => line(piece(focused ? ` ${GLYPH.select} ` : '   ', 'key'), piece(` ${label} `, focused ? 'button_focus' : role));
const buttons = (labels: readonly string[], focused: number): Line => line(...labels.flatMap((label, index) => [piece('  '), piece(index === focused ? `${GLYPH.select}${label} ` : ` ${label} `, index === focused ? 'button_focus' : 'button')]));
