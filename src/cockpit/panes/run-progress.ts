/** How far a run is and how well it goes: steps, pace against its band, the loss and the objective over the steps. */
import { figure, span } from '../../core/line.ts';
import { median } from '../../core/triggers/rhythm.ts';
import type { RunState } from '../../core/state.ts';
import { cleanLine } from '../../core/text.ts';
import { brailleChart, rangeOf, type Point } from '../chart.ts';
import { bar } from '../format.ts';
import { fit, line, piece, type Line, type Piece } from '../line.ts';
import type { Role } from '../theme.ts';
import { fact } from './parts.ts';

/** Rows and cells of a chart; the labels of its axis stand before it. */
const CHART = { rows: 6, least: 24, most: 120, label: 13 } as const;

export function progressLines(run: RunState, width: number): Line[] {
  if (!run.progress) return [];
  const { reading } = run.progress;
  const done = reading.step !== null && reading.total_steps !== null && reading.total_steps > 0 ? Math.min(1, reading.step / reading.total_steps) : null;
  const steps = done === null ? [] : [fact('steps', ...bar(['bar_good', 'bar_rest'], [done, 1 - done], Math.min(40, width - 30)), piece(` ${reading.step ?? 0} of ${reading.total_steps ?? 0}`, 'text'), piece(reading.eta_s === null ? '' : `, ${span(reading.eta_s * 1_000)} to go`, 'muted'))];
  const evals = Object.entries(reading.eval ?? {}).slice(0, 4).map(([name, value]) => fact(cleanLine(name, 12), piece(figure(value))));
  return [...steps, ...paceLines(run), ...evals, ...charts(run, width)];
}

/** The pace, and the band that it is judged by: declared in the spec, or learned from the run's own stable phase. */
function paceLines(run: RunState): Line[] {
  const reading = run.progress?.reading;
  const { pace } = run.eyes.rhythm;
  if (!reading?.steps_per_s) return [];
  const now = reading.steps_per_s;
  const unit = reading.rate === null ? [] : [piece(`  (${figure(reading.rate.value)} ${cleanLine(reading.rate.unit, 12)})`, 'muted')];
  const { rate } = run.spec;
  if (rate !== 'learn') {
    const inside = now >= rate.min * 0.9 && (rate.max === undefined || now <= rate.max);
    return [fact('pace', piece(`${figure(now)} steps/s`), ...unit, piece(`  ${inside ? 'inside' : now < rate.min ? 'below' : 'above'} the declared ${figure(rate.min)}${rate.max === undefined ? ' or more' : ` to ${figure(rate.max)}`}`, inside ? 'ok' : 'warn'))];
  }
  const usual = pace ?? median(run.progress?.gaps ?? []);
  if (pace === null || usual === null || usual <= 0) return [fact('pace', piece(`${figure(now)} steps/s`), ...unit, piece('  its band is not learned yet', 'faint'))];
  const share = now / (1_000 / usual);
  return [fact('pace', piece(`${figure(now)} steps/s`), ...unit, piece(`  ${Math.round(100 * share)} % of its own stable pace`, share < 0.6 ? 'warn' : 'ok'))];
}

function charts(run: RunState, width: number): Line[] {
  const loss = (run.progress?.marks ?? []).flatMap(({ step, loss: y }): Point[] => (y === null ? [] : [{ x: step, y }]));
  const goal = run.evals.map(({ step, value }) => ({ x: step, y: value }));
  const { metric, direction } = run.spec.objective;
  const shown: [string, Point[], Role][] = [['loss', loss, 'ok'], ...(metric === 'loss' ? [] : [[`${cleanLine(metric, 20)}, ${direction === 'min' ? 'lower' : 'higher'} is better`, goal, 'busy'] as [string, Point[], Role]])];
  const kept = shown.filter(([, points]) => points.length > 1);
  // Two charts share a row where both have room.
  const beside = kept.length === 2 && width >= 2 * (CHART.label + CHART.least + 12);
  const each = Math.max(CHART.least, Math.min(CHART.most, Math.floor((width - 2) / (beside ? 2 : 1)) - CHART.label - 2));
  const drawn = kept.map(([name, points, role]) => chart(name, points, role, each));
  if (!beside) return drawn.flat();
  const [left = [], right = []] = drawn;
  return left.map((row, index) => line(...row.pieces, piece('  '), ...(right[index]?.pieces ?? [])));
}

/** Name, axis and line; the last row tells the steps. Exactly `cells` + the labels wide. */
function chart(name: string, points: readonly Point[], role: Role, cells: number): Line[] {
  const { low, high } = rangeOf(points);
  const [first, last] = [points[0], points.at(-1)];
  const rows = brailleChart(points, cells, CHART.rows);
  const label = (row: number): Piece => piece(` ${fit(row === 0 ? figure(high) : row === rows.length - 1 ? figure(low) : '', CHART.label - 2, 'right')} `, 'faint');
  const title = fit(`${name} ${figure(first?.y ?? 0)} to ${figure(last?.y ?? 0)}`, cells);
  const foot = `step ${first?.x ?? 0}`;
  return [
    line(piece(' '.repeat(CHART.label)), piece(title, 'muted')),
    ...rows.map((text, row) => line(label(row), piece(text, role))),
    line(piece(' '.repeat(CHART.label)), piece(foot, 'faint'), piece(fit(String(last?.x ?? 0), Math.max(0, cells - foot.length), 'right'), 'faint')),
  ];
}
