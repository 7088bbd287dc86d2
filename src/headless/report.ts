/** `report RUN`: why a run stands where it stands. */
import { reportLines, reportOf } from '../core/report.ts';
import type { RunState, World } from '../core/state.ts';
import { cleanLine } from '../core/text.ts';
import { json, type Io } from './io.ts';

export function printReport(io: Io, world: World, run: RunState, now: number, asJson: boolean): void {
  const report = reportOf(world, run, now);
  if (asJson) json(io, { type: 'report', ...report });
  else for (const line of reportLines(report, cleanLine)) io.out(line);
}
