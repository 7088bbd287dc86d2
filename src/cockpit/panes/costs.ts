/** The cost ticker: each instance of ours, what it has cost to the cent, what it costs, what it bought, what is left of its budget. */
import { burnOf, costOf, runCost, type Cost } from '../../core/ledger.ts';
import { isOver, oursOf, runById } from '../select.ts';
import type { Role } from '../theme.ts';
import { runsOf, type InstanceState, type World } from '../../core/state.ts';
import { bar, money, perHour, share } from '../format.ts';
import { block, fit, fitLine, line, lineWidth, piece, plain, type Line, type Piece } from '../line.ts';
import { cleanLine } from '../../core/text.ts';
import { rule } from './parts.ts';

/** The rule and `rows` rows; where there is room, each instance has a second row with what is left of its budget. */
export function costs(world: World, now: number, width: number, rows: number): Line[] {
  const ours = oursOf(world);
  const roomy = rows >= 2 * ours.length;
  const hidden = ours.length - rows;
  const shown = hidden > 0 ? ours.slice(0, rows - 1) : ours;
  const lines = shown.flatMap((instance) => {
    const cost = costLine(instance, now, width);
    const budget = budgetLine(instance, world, now);
    if (roomy) return [cost, line(piece('  '), ...budget)];
    return [lineWidth(line(...cost.pieces, ...budget)) < width ? line(...cost.pieces, ...budget) : cost];
  });
  if (hidden > 0) {
    const rest = ours.slice(shown.length);
    lines.push(plain(` and ${rest.length} more, ${perHour(rest.reduce((total, instance) => total + burnOf(instance), 0))}`, 'muted'));
  }
  if (ours.length === 0) lines.push(plain(' Nothing of ours bills.', 'muted'));
  // What is over stays as a receipt where there is room.
  const over = runsOf(world).filter(isOver).sort((a, b) => (b.closed_at ?? 0) - (a.closed_at ?? 0));
  lines.push(...over.slice(0, Math.max(0, rows - lines.length)).map((run) => costRow(run.id, runCost(world, run, now), run.verdict ?? 'over', width, 'off')));
  return [rule([piece('Costs', 'title')], [], width, false), ...block(lines, width, rows)].map((row) => fitLine(row, width));
}

/** Fixed cells of a row: dollars, rate, share and the gaps between. */
const FIGURES = 24;

const costLine = (instance: InstanceState, now: number, width: number): Line =>
  costRow(instance.run ?? String(instance.id), costOf(instance, now), perHour(burnOf(instance)), width, isDiskOnly(instance) ? 'warn' : 'muted');

function costRow(id: string, cost: Cost, note: string, width: number, role: Role): Line {
  const rest = Math.max(0, cost.usd - cost.productive - cost.wasted);
  // Shares of less than a cent say nothing.
  const shares = cost.usd < 0.01 ? [] : [cost.productive, cost.wasted, rest];
  const name = Math.max(8, Math.min(24, width - FIGURES - 10));
  const gauge = Math.max(4, Math.min(16, width - FIGURES - name - 1));
  return line(
    piece(` ${fit(cleanLine(id, 64), name, 'left', 'middle')}`, role === 'off' ? 'off' : 'text'),
    piece(` ${fit(money(cost.usd), 7, 'right')}`, role === 'off' ? 'off' : 'money'),
    piece(` ${fit(note, 8, 'right')} `, role),
    ...bar(['bar_good', 'bar_bad', 'bar_rest'], shares, gauge),
    piece(` ${fit(share(cost.productive, shares.length === 0 ? 0 : cost.usd), 4, 'right')}`, 'muted'),
  );
}

function budgetLine(instance: InstanceState, world: World, now: number): Piece[] {
  const run = runById(world, instance.run);
  const { facts } = instance;
  const what = `  ${instance.id} ${facts.num_gpus > 1 ? `${facts.num_gpus}x ` : ''}${cleanLine(facts.gpu_name, 20)}`;
  if (!run) return [piece(what, 'faint')];
  const left = Math.max(0, run.spec.kill.dollars - runCost(world, run, now).usd);
  const disk = isDiskOnly(instance) ? [piece(', disk alone bills', 'warn')] : [];
  return [piece(what, 'faint'), ...disk, piece(`, ${money(left)} of ${money(run.spec.kill.dollars)} left`, left < 0.1 * run.spec.kill.dollars ? 'warn' : 'faint')];
}

/** A stopped instance still bills its disk. */
const isDiskOnly = ({ facts, rate, gone_at }: InstanceState): boolean => gone_at === null && rate > 0 && (facts.actual_status === 'exited' || facts.actual_status === 'stopped');
