/** Events as lines: JSON for scripts, words for people. The journal, seen live. */
import type { Event } from '../core/events.ts';
import { runCost, totals } from '../core/ledger.ts';
import { compactLine, lineText } from '../core/line.ts';
import type { Said, World } from '../core/state.ts';
import { isVolatile } from '../core/events.ts';
import { cleanLine } from '../core/text.ts';
import { json, type Io } from './io.ts';

export function eventLine(io: Io, event: Event, world: World): void {
  if (isVolatile(event)) return;
  const { at, ...rest } = event;
  const run = event.type === 'check.done' ? world.runs[event.run] : undefined;
  json(io, { ...rest, ts: new Date(at).toISOString(), ...(run && { line: lineText(compactLine(run, at)) }) });
}

export function saidLine(io: Io, said: Said): void {
  const mark = said.level === 'alert' ? '!' : said.level === 'milestone' ? '*' : ' ';
  io.out(`${new Date(said.at).toISOString().slice(11, 19)} ${mark} ${said.actor.padEnd(10)} ${said.run === null ? '' : `${said.run}: `}${cleanLine(said.text)}`);
}

/** The last JSON line of a command that ran runs: what became of each, and what still bills. */
export function resultLine(io: Io, world: World, status: 'ok' | 'failed' | 'interrupted', reason: string | null): void {
  const sum = totals(world);
  json(io, {
    type: 'result',
    ts: new Date(world.now).toISOString(),
    status,
    reason,
    runs: Object.values(world.runs).map((run) => ({
      run: run.id,
      verdict: run.verdict,
      reason: run.verdict_reason,
      step: run.attempts.at(-1)?.last_step ?? null,
      attempts: run.attempts.length,
      incidents: run.incidents.map(({ diagnosis, remedies, ended }) => ({ cause: diagnosis.cause, remedies: remedies.map(({ remedy }) => remedy.rung), ended: ended?.how ?? null })),
      instance: run.instance,
      files_home: run.home.length,
      rescue: run.rescue?.verdict ?? null,
      usd: round(runCost(world, run).usd),
    })),
    usd: round(sum.usd),
    usd_wasted: round(sum.wasted),
    usd_per_hour: round(sum.burn_usd_per_hour),
    strangers_usd_per_hour: round(sum.strangers_usd_per_hour),
  });
}

/** Dollars to a hundredth of a cent. */
export const round = (usd: number): number => Math.round(usd * 10_000) / 10_000;
