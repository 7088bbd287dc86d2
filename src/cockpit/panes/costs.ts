/** The cost ticker: each instance of ours, what it has cost to the cent, what it costs, what it bought, what is left of its budget. */
import { burnOf, costOf, runCost, type Cost } from '../../core/ledger.ts';
import { isOver, oursOf, runById } from '../select.ts';
import type { Role } from '../theme.ts';
import { runsOf, type InstanceState, type RunState, type World } from '../../core/state.ts';
import { stateWord } from '../../core/line.ts';
import { bar, firstFit, money, perHour, share } from '../format.ts';
import { block, clickable, fit, fitLine, line, piece, plain, type Line, type Piece } from '../line.ts';
import { cleanLine } from '../../core/text.ts';
import { rule } from './parts.ts';

/** The rule and `rows` rows; where there is room, each instance has a second row with what it is and what is left of its budget. */
export function costs(world: World, now: number, width: number, rows: number): Line[] {
  const ours = oursOf(world);
  const roomy = rows >= 2 * ours.length;
  const hidden = ours.length - rows;
  const shown = hidden > 0 ? ours.slice(0, rows - 1) : ours;
  const lines = shown.flatMap((instance) => {
    const bill = billOf(instance, world, now);
    const drawn = roomy ? twoRows(bill, width) : [oneRow(bill, width)];
    const { run } = instance;
    return run === null ? drawn : drawn.map((row) => clickable(row, { on: 'row', key: run }));
  });
  if (hidden > 0) {
    const rest = ours.slice(shown.length);
    lines.push(plain(` and ${rest.length} more, ${perHour(rest.reduce((total, instance) => total + burnOf(instance), 0))}`, 'muted'));
  }
  if (ours.length === 0) lines.push(world.market.list_at === null ? plain(' Not known before Vast answers.', 'muted') : plain(' Nothing of ours bills.', 'muted'));
  // What is over stays as a receipt where there is room.
  const over = runsOf(world).filter(isOver).sort((a, b) => (b.closed_at ?? 0) - (a.closed_at ?? 0));
  lines.push(...over.slice(0, Math.max(0, rows - lines.length)).map((run) => receipt(run, world, now, width, roomy)));
  return [rule([piece('Costs', 'title')], [], width, false), ...block(lines, width, rows)].map((row) => fitLine(row, width));
}

function receipt(run: RunState, world: World, now: number, width: number, roomy: boolean): Line {
  const bill: Bill = { name: run.id, what: '', cost: runCost(world, run, now), rate: stateWord(run), diskOnly: false, over: true, left: null };
  return clickable(roomy ? headRow(bill, width) : oneRow(bill, width), { on: 'row', key: run.id });
}

interface Bill {
  name: string;
  what: string;
  cost: Cost;
  rate: string;
  /** A stopped instance still bills its disk. */
  diskOnly: boolean;
  over: boolean;
  /** Of the run's dollars; null where there is no budget. */
  left: { usd: number; of: number } | null;
}

function billOf(instance: InstanceState, world: World, now: number): Bill {
  const { facts, rate } = instance;
  const run = runById(world, instance.run);
  const of = run?.spec.kill.dollars ?? 0;
  return {
    name: instance.run ?? String(instance.id),
    what: `${facts.num_gpus > 1 ? `${facts.num_gpus}x ` : ''}${cleanLine(facts.gpu_name, 20)} ${instance.id}`,
    cost: costOf(instance, now),
    rate: perHour(burnOf(instance)),
    diskOnly: rate > 0 && (facts.actual_status === 'exited' || facts.actual_status === 'stopped'),
    over: false,
    left: run ? { usd: Math.max(0, of - runCost(world, run, now).usd), of } : null,
  };
}

/** Cells of dollars, rate and share. */
const DOLLARS = 9;
const RATE = 9;
const SHARE = 5;

function oneRow(bill: Bill, width: number): Line {
  const left = leftPieces(bill, width >= 76 ? 20 : 0);
  const digits = width >= 60;
  const room = width - 2 - (digits ? DOLLARS : DOLLARS - 2) - RATE - SHARE - (width >= 76 ? 20 : 0);
  const gauge = Math.max(4, Math.min(12, Math.floor(room / 3)));
  return line(name(bill, Math.max(8, Math.min(40, room - gauge - 1))), ...dollars(bill, digits), rate(bill), piece(' '), ...meter(bill, gauge), ...left);
}

const headRow = (bill: Bill, width: number): Line => line(name(bill, Math.max(8, width - 1 - DOLLARS - RATE)), ...dollars(bill, true), rate(bill));

/** Cells of the second row that are not the instance's own words. */
const LEFT = 12;

function twoRows(bill: Bill, width: number): Line[] {
  const left = width >= 60 ? 20 : LEFT;
  const gauge = Math.max(4, Math.min(12, width - 3 - 17 - SHARE - left));
  // That it is stopped, and bills all the same, weighs more than what its dollars bought.
  const bars = bill.diskOnly ? [] : meter(bill, gauge);
  const space = Math.max(8, width - 4 - (bill.diskOnly ? 0 : gauge + SHARE) - left);
  const what = firstFit([bill.diskOnly ? `${bill.what}, stopped: its disk bills` : bill.what, bill.diskOnly ? `${bill.what}, stopped` : bill.what, bill.what], space);
  return [headRow(bill, width), line(piece(`   ${fit(what, space)} `, bill.diskOnly ? 'warn' : 'faint'), ...bars, ...leftPieces(bill, left))];
}

const name = ({ name: id, over }: Bill, width: number): Piece => piece(` ${fit(cleanLine(id, 64), width, 'left', 'middle')}`, over ? 'off' : 'text');

/** To the cent; the two digits beyond it show that the money moves. */
function dollars({ cost, over }: Bill, digits: boolean): Piece[] {
  const role: Role = over ? 'off' : 'money';
  const whole = fit(money(cost.usd), DOLLARS - 2, 'right');
  return digits ? [piece(whole, role), piece(money(cost.usd, 4).slice(-2), 'faint')] : [piece(whole, role)];
}

const rate = ({ rate: text, diskOnly, over }: Bill): Piece => piece(` ${fit(text, RATE - 1, 'right')}`, over ? 'off' : diskOnly ? 'warn' : 'muted');

function meter({ cost }: Bill, width: number): Piece[] {
  // Shares of less than a cent say nothing.
  const rest = Math.max(0, cost.usd - cost.productive - cost.wasted);
  const shares = cost.usd < 0.01 ? [] : [cost.productive, cost.wasted, rest];
  return [...bar(['bar_good', 'bar_bad', 'bar_rest'], shares, width), piece(` ${fit(share(cost.productive, shares.length === 0 ? 0 : cost.usd), SHARE - 1, 'right')}`, 'muted')];
}

function leftPieces({ left }: Bill, width: number): Piece[] {
  if (width === 0 || left === null) return [];
  const words = firstFit([`${money(left.usd)} of ${money(left.of)} left`, `${money(left.usd)} left`], width - 1);
  return [piece(` ${fit(words, width - 1, 'right')}`, left.usd < 0.1 * left.of ? 'warn' : 'faint')];
}
