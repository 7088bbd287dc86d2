/** What stands on the primary screen once the cockpit is gone, and in the window's title while it is there. */
import { totals } from '../core/ledger.ts';
import { compactLine } from '../core/line.ts';
import { isClosed, runsOf, type World } from '../core/state.ts';
import { cleanLine } from '../core/text.ts';
import { money, perHour } from './format.ts';
import { alertsOf, oursOf } from './select.ts';

/** Three lines: what runs, what it costs, how to come back. `now` is the program's time in ms; `watcher` goes on watching. */
export function farewell(world: World, now: number, watcher: string | null = null): string[] {
  const live = runsOf(world).filter((run) => !isClosed(run));
  const sums = totals(world, now);
  const named = live.slice(0, 4).map((run) => `${run.id} (${compactLine(run, now).state})`).join(', ');
  const more = live.length > 4 ? ` and ${live.length - 4} more` : '';
  return [
    live.length === 0 ? 'Nothing runs.' : `Still under way: ${cleanLine(named)}${more}.`,
    `${oursOf(world).length} of our instances bill ${perHour(sums.burn_usd_per_hour)}; spent ${money(sums.usd)}, ${money(sums.wasted)} of it wasted.`,
    watcher !== null ? `${watcher} watches on. Come back with: vastsit-tui` : live.length === 0 ? 'Come back with: vastsit-tui' : 'Nobody watches until you come back with: vastsit-tui (or in words: vastsit-tui status)',
  ];
}

/** n running, what burns, what is wrong. */
export function windowTitle(world: World): string {
  const alerts = alertsOf(world).length;
  const live = runsOf(world).filter((run) => !isClosed(run)).length;
  return `vastsit: ${live} running, ${perHour(totals(world).burn_usd_per_hour)}${alerts > 0 ? `, ${alerts} ${alerts === 1 ? 'alert' : 'alerts'}` : ''}`;
}

