/** The ladder as a run stands on it: which rungs, how often each was used, and what is left of every bound. */
import { BOUNDS, ROUTES, RUNGS, spentRemedies } from '../../core/ladder.ts';
import { runCost } from '../../core/ledger.ts';
import type { RunState, World } from '../../core/state.ts';
import { money } from '../format.ts';
import { GLYPH } from '../glyphs.ts';
import { fit, line, piece, wrap, type Line } from '../line.ts';
import { openIncident } from '../select.ts';
import { fact } from './parts.ts';

const WHAT = { rerun: 'run it again as it was', fix: 'mend what it depends on', reduce: 'ask less of the machine', switch: 'go on elsewhere' } as const;

/** Nothing for a run that never needed it: the bounds alone are in `vastsit-tui policy`. */
export function ladderLines(run: RunState, world: World, now: number, width: number): Line[] {
  const spent = spentRemedies(run);
  const incident = openIncident(run);
  if (spent.length === 0 && !incident) return [];
  const route = incident ? ROUTES[incident.diagnosis.cause] : RUNGS;
  const stands = run.repair?.remedy.rung ?? incident?.remedies.at(-1)?.remedy.rung ?? null;
  const rungs = RUNGS.toReversed().map((rung) => {
    const used = spent.filter(({ remedy }) => remedy.rung === rung).length;
    const here = rung === stands;
    const open = route.includes(rung);
    const left = BOUNDS.per_rung[rung] - used;
    return line(
      piece(here ? ` ${GLYPH.select} ` : '   ', 'key'),
      piece(fit(rung, 8), here ? 'title' : open ? 'text' : 'off'),
      piece(fit(WHAT[rung], 26), open ? 'muted' : 'off'),
      piece(open ? `used ${used} of ${BOUNDS.per_rung[rung]}` : `no help against ${incident?.diagnosis.cause ?? 'it'}`, open && left <= 0 ? 'warn' : 'faint'),
    );
  });
  const same = incident ? spent.filter(({ fingerprint }) => fingerprint === incident.diagnosis.fingerprint).length : 0;
  const since = Math.max(0, runCost(world, run, now).usd - (run.checkpoint?.usd ?? 0));
  const bounds = [
    `${BOUNDS.per_run - spent.length} of ${BOUNDS.per_run} repairs`,
    ...(incident ? [`${BOUNDS.per_fingerprint - same} of ${BOUNDS.per_fingerprint} against this failure`] : []),
    `${money(Math.max(0, BOUNDS.share_without_checkpoint * run.spec.kill.dollars - since))} without a new checkpoint`,
  ];
  return [...rungs, ...wrap(bounds.join(', '), width - 15).map((row, index) => fact(index === 0 ? 'left' : '', piece(row, 'muted')))];
}
