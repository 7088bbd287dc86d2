/** `status` and `cost`: what is known, from the journal and one look at the market. */
import { costOf, runCost, totals, waitingOf, waitingWords, type Cost } from '../core/ledger.ts';
import { COLUMNS, compactLine, span } from '../core/line.ts';
import { standingWords } from '../core/standing.ts';
import { fleetOf, runsOf, type World } from '../core/state.ts';
import { cleanLine } from '../core/text.ts';
import { json, type Io } from './io.ts';
import { round } from './stream.ts';

export function printStatus(io: Io, world: World, now: number, asJson: boolean, stale: string | null): void {
  const sum = totals(world, now);
  const strangers = fleetOf(world).filter((one) => one.owner === 'stranger' && one.gone_at === null);
  if (asJson) {
    return json(io, {
      type: 'status',
      ts: new Date(now).toISOString(),
      stale,
      runs: runsOf(world).map((run) => ({ run: run.id, stage: run.stage, verdict: run.verdict, reason: run.verdict_reason, instance: run.instance, attempt: run.attempt, hold_until: run.hold && new Date(run.hold.until).toISOString(), line: compactLine(run, now), usd: round(runCost(world, run, now).usd), waiting: waitingOf(world, run, now), standing: standingWords(world, run, now) })),
      machines_avoided: avoided(world, now),
      strangers: strangers.map((one) => ({ instance: one.id, label: one.label, gpu: `${one.facts.num_gpus}x ${one.facts.gpu_name}`, usd_per_hour: round(one.rate) })),
      credit_usd: sum.credit_usd,
      runway_h: sum.runway_h,
      usd_per_hour: round(sum.burn_usd_per_hour),
      usd: round(sum.usd),
      usd_wasted: round(sum.wasted),
    });
  }
  const rows = [['run', 'instance', ...COLUMNS]];
  for (const run of runsOf(world)) {
    const line = compactLine(run, now);
    rows.push([run.id, run.instance === null ? '-' : String(run.instance), ...COLUMNS.map((column) => line[column])]);
  }
  for (const row of table(rows)) io.out(row);
  if (rows.length === 1) io.out('no runs yet: `vastsit-tui init` writes a spec, `vastsit-tui launch experiment.yaml` starts it');
  for (const run of runsOf(world)) {
    const standing = standingWords(world, run, now);
    if (standing !== null) io.out(`${run.id}: ${standing}`);
    const waiting = waitingOf(world, run, now);
    if (waiting) io.out(`${run.id}: ${waitingWords(waiting)} (${cleanLine(waiting.why, 160)})`);
  }
  for (const { machine_id, reason, until } of avoided(world, now)) io.out(`machine ${machine_id} is avoided until ${until.slice(0, 16)}Z: ${cleanLine(reason, 160)}`);
  for (const one of strangers) io.out(`(not ours) instance ${one.id}  ${cleanLine(one.label ?? 'no label', 40)}  ${one.facts.num_gpus}x ${cleanLine(one.facts.gpu_name, 40)}  $${one.rate.toFixed(3)}/h`);
  io.out('');
  io.out(`burn $${sum.burn_usd_per_hour.toFixed(3)}/h  spent $${sum.usd.toFixed(2)}  wasted $${sum.wasted.toFixed(2)}  credit ${sum.credit_usd === null ? 'unknown' : `$${sum.credit_usd.toFixed(2)}`}  runway ${sum.runway_h === null ? '-' : span(sum.runway_h * 3_600_000)}`);
  if (stale !== null) io.talk(stale);
}

/** Machines that failed us, as long as they are remembered. */
const avoided = (world: World, now: number) =>
  Object.entries(world.machines)
    .filter(([, { until }]) => until > now)
    .map(([machine_id, { reason, evidence, until }]) => ({ machine_id: Number(machine_id), reason, evidence, until: new Date(until).toISOString() }));

export function printCost(io: Io, world: World, now: number, asJson: boolean): void {
  const rows = fleetOf(world)
    .filter((one) => one.owner === 'ours')
    .map((one) => ({ instance: one.id, run: one.run, gpu: `${one.facts.num_gpus}x ${one.facts.gpu_name}`, billing: one.gone_at === null, cost: costOf(one, now) }));
  const sum = totals(world, now);
  if (asJson) {
    return json(io, {
      type: 'cost',
      ts: new Date(now).toISOString(),
      instances: rows.map(({ cost, ...row }) => ({ ...row, ...dollars(cost) })),
      usd: round(sum.usd),
      usd_productive: round(sum.productive),
      usd_wasted: round(sum.wasted),
      usd_per_hour: round(sum.burn_usd_per_hour),
    });
  }
  const money = (usd: number) => `$${usd.toFixed(3)}`;
  for (const row of table([
    ['instance', 'run', 'gpu', 'total', 'productive', 'wasted', 'setup', 'rescue', 'hold', 'traffic', ''],
    ...rows.map(({ instance, run, gpu, cost, billing }) => [String(instance), run ?? '-', gpu, money(cost.usd), money(cost.productive), money(cost.wasted), money(cost.setup), money(cost.rescue), money(cost.hold), money(cost.traffic), billing ? 'billing' : 'gone']),
  ])) io.out(row);
  io.out(`total ${money(sum.usd)}, productive ${money(sum.productive)}, wasted ${money(sum.wasted)}, language model ${money(sum.model)}, burning ${money(sum.burn_usd_per_hour)}/h`);
}

const dollars = (cost: Cost): Record<string, number> => Object.fromEntries((Object.keys(cost) as (keyof Cost)[]).map((part) => [part === 'usd' ? 'usd' : `usd_${part}`, round(cost[part])]));

/** Columns as wide as their widest cell, a line each: a cell from the market may have held a tab or a line break. */
export function table(raw: readonly (readonly string[])[]): string[] {
  const rows = raw.map((row) => row.map((cell) => cleanLine(cell)));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd());
}
