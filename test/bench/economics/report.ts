/** The table for people: figures, goals, where ours is not the best, what it hangs on, and where each baseline comes from. */
import type { Policy } from './live.ts';
import { isOnDemand, isPeer } from './policies.ts';
import type { Figures } from './score.ts';
import { bestPeer, type Sensitivity } from './sensitivity.ts';

const COLUMNS: readonly { head: string; of: (one: Figures) => number; show: (value: number) => string; high?: boolean }[] = [
  { head: 'waste/100', of: (one) => one.waste_per_100, show: (value) => value.toFixed(2) },
  { head: '$/finished', of: (one) => one.usd_per_finished, show: (value) => value.toFixed(2) },
  { head: 'h/finished', of: (one) => one.hours_per_finished, show: (value) => value.toFixed(2) },
  { head: 'by morning', of: (one) => one.finished_by_morning, show: (value) => `${(100 * value).toFixed(1)} %`, high: true },
  { head: 'detect', of: (one) => one.detect_s, show: span },
  { head: 'recover', of: (one) => one.recover_s, show: span },
  { head: 'busy killed', of: (one) => one.busy_killed, show: String },
  { head: 'lost h', of: (one) => one.work_lost_h, show: (value) => value.toFixed(0) },
  { head: 'tokens', of: (one) => one.tokens, show: (value) => (value >= 1e6 ? `${(value / 1e6).toFixed(1)}M` : String(value)) },
];

function span(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`;
}

const WIDTH = 24;

export function table(figures: readonly Figures[]): string {
  const lines = [`${''.padEnd(WIDTH)}${COLUMNS.map(({ head }) => head.padStart(12)).join('')}`];
  for (const one of figures) lines.push(`${one.name.padEnd(WIDTH)}${COLUMNS.map(({ of, show }) => show(of(one)).padStart(12)).join('')}`);
  return lines.join('\n');
}

export interface Goal {
  words: string;
  holds: boolean;
}

/** `floorOnDemand`: the waste of an oracle that may not bid, which those are measured against that cannot either. */
export function goals(figures: readonly Figures[], floorOnDemand: number): Goal[] {
  const [ours, oracle] = [figures.find(({ name }) => name === 'ours'), figures.find(({ name }) => name === 'oracle')];
  if (!ours || !oracle) return [];
  const excess = (one: Figures): number => one.waste_per_100 - (isOnDemand(one.name) ? floorOnDemand : oracle.waste_per_100);
  const leanest = bestPeer(figures, excess);
  const surest = bestPeer(figures, (one) => one.finished_by_morning, true);
  const plain = bestPeer(figures.filter(({ tokens }) => tokens === 0), (one) => one.finished_by_morning, true);
  const cheapest = bestPeer(figures, (one) => one.usd_per_finished);
  if (!leanest || !surest || !plain || !cheapest) return [];
  const more = (one: Figures, other: Figures): string => `${(one.finished_by_morning / other.finished_by_morning).toFixed(2)} x ${other.name}`;
  const ofOracle = ours.finished_by_morning / oracle.finished_by_morning;
  return [
    { words: `waste above the oracle's floor at most a fifth of the best peer's: $${excess(ours).toFixed(2)} per 100, ${leanest.name} $${excess(leanest).toFixed(2)}, ratio ${(excess(ours) / excess(leanest)).toFixed(2)}`, holds: excess(ours) <= excess(leanest) / 5 },
    { words: `finished by morning at least 1.3 x the best peer's: ${more(ours, surest)}, ${more(ours, plain)}, the best without a model (the oracle: ${more(oracle, surest)}, ${more(oracle, plain)})`, holds: ours.finished_by_morning >= 1.3 * surest.finished_by_morning },
    { words: `finished by morning within 5 % of the oracle's: ${(100 * ofOracle).toFixed(1)} % of it`, holds: ofOracle >= 0.95 },
    { words: `lowest dollars per finished run: $${ours.usd_per_finished.toFixed(2)}, ${cheapest.name} $${cheapest.usd_per_finished.toFixed(2)}`, holds: ours.usd_per_finished <= cheapest.usd_per_finished },
    { words: `no busy run killed: ${ours.busy_killed}`, holds: ours.busy_killed === 0 },
  ];
}

/** Columns in which a peer is better than ours. */
export function notBest(figures: readonly Figures[]): string[] {
  const ours = figures.find(({ name }) => name === 'ours');
  if (!ours) return [];
  return COLUMNS.flatMap(({ head, of, show, high }) => {
    const better = figures.filter((one) => isPeer(one.name) && (high ? of(one) > of(ours) : of(one) < of(ours)));
    return better.length === 0 ? [] : [`${head}: ours ${show(of(ours))}, ${better.map((one) => `${one.name} ${show(of(one))}`).join(', ')}`];
  });
}

export function sensitivityTable(cases: readonly Sensitivity[], runs: number): string {
  const lines = [`${`sensitivity, first ${runs} runs`.padEnd(46)}${['waste ours', 'oracle', 'best peer', 'by morning', 'oracle', 'best peer', '$/fin. ours', 'best peer'].map((head) => head.padStart(12)).join('')}`];
  for (const { words, figures } of cases) {
    const [ours, oracle] = [figures.find(({ name }) => name === 'ours'), figures.find(({ name }) => name === 'oracle')];
    const [waste, morning, usd] = [bestPeer(figures, (one) => one.waste_per_100), bestPeer(figures, (one) => one.finished_by_morning, true), bestPeer(figures, (one) => one.usd_per_finished)];
    if (!ours || !oracle || !waste || !morning || !usd) continue;
    const cells = [ours.waste_per_100.toFixed(2), oracle.waste_per_100.toFixed(2), waste.waste_per_100.toFixed(2), percent(ours), percent(oracle), percent(morning), ours.usd_per_finished.toFixed(2), usd.usd_per_finished.toFixed(2)];
    lines.push(`${words.padEnd(46)}${cells.map((cell) => cell.padStart(12)).join('')}`);
  }
  return lines.join('\n');
}

const percent = ({ finished_by_morning }: Figures): string => `${(100 * finished_by_morning).toFixed(1)} %`;

export const sources = (policies: readonly Policy[]): string => policies.map(({ name, words, cite }) => `  ${name}: ${words}\n    ${cite}`).join('\n');
