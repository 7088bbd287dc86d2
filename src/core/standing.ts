/** Why an instance bills although nobody trains on it, at which price, and until when: one line for screens and files. */
import { awayChoice } from './decide/away.ts';
import { isDown } from './away.ts';
import { span } from './line.ts';
import { instanceOf, type RunState, type World } from './state.ts';
import { endsAt, stopsFirst } from './teardown.ts';

/** Null when there is nothing to say. What waiting for results costs is told by `waitingWords`. */
export function standingWords(world: World, run: RunState, now: number): string | null {
  const instance = instanceOf(world, run);
  if (!instance || instance.gone_at !== null) return null;
  const rate = `$${instance.rate.toFixed(3)}/h`;
  const choice = run.verdict === null ? awayChoice(world, run) : null;
  if (choice && run.away) return `${run.away.kind} for ${span(Math.max(1, now - run.away.since))} at ${rate}: ${choice.act === 'wait' ? '' : `${choice.act}, `}${choice.because}`;
  if (!stopsFirst(run) || instance.adopted) return null;
  return `${isDown(instance.facts) ? `stopped, which is not safe: its disk bills ${rate}` : `being stopped, and bills ${rate}`}; destroyed in ${span(endsAt(run) - now)}`;
}
