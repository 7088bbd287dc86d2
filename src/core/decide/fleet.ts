/** Decisions about the market as a whole: when to read it, and which silence to look into. */
import type { Action } from '../actions.ts';
import { judgeRunway, leastValuable, RUNWAY_CRITICAL_H, RUNWAY_WARN_H, someoneLeaving } from '../budget.ts';
import { emit } from './ready.ts';
import { decideCredit } from './alerts.ts';
import { decideDue } from './orders.ts';
import { fleetOf, isClosed, runsOf, type InstanceState, type World } from '../state.ts';

const SECOND = 1_000;
/** One list call serves the whole fleet. Closer while something is loading, leaving or unclear. */
const LIST_CALM_MS = 30 * SECOND;
const LIST_BUSY_MS = 10 * SECOND;
const ACCOUNT_MS = 300 * SECOND;
/** A new instance may be missing from lists for a moment. */
const LIST_LAG_MS = 60 * SECOND;
/** So long the market must deny an instance that nobody destroyed, by every list and by its own page, which is asked after so many lists. */
export const VANISHED_MS = 600 * SECOND;
const ASK_EACH = 5;

export function decideFleet(world: World): Action[] {
  const { now } = world;
  const actions: Action[] = [...decideDue(world), ...decideCredit(world)];
  const open = runsOf(world).filter((run) => !isClosed(run));
  const busy = open.some((run) => run.stage === 'loading' || run.stage === 'tearing_down' || run.renting?.unclear) || fleetOf(world).some((one) => one.gone_at === null && one.destroy !== 'none');
  if (due(world.market.list_at, busy ? LIST_BUSY_MS : LIST_CALM_MS, now)) actions.push({ do: 'list' });
  if (due(world.account?.at ?? null, ACCOUNT_MS, now)) actions.push({ do: 'account' });

  actions.push(...runway(world));
  for (const one of fleetOf(world)) {
    if (one.owner !== 'ours' || one.gone_at !== null || one.absent_reads === 0) continue;
    if (one.destroy === 'none' && now - one.first_seen < LIST_LAG_MS) continue;
    if (one.absent_reads >= 2 && isHeard(world, one)) continue;
    // A market that is ill may leave it out of its lists and answer 404 for it, for minutes: that a box went by itself is believed late.
    if (one.destroy === 'none' && now - Math.max(one.seen_at, world.started_at ?? 0) < VANISHED_MS) {
      if (one.absent_reads % ASK_EACH === 1) actions.push({ do: 'confirm_gone', instance: one.id, run: one.run });
    } else if (one.absent_reads >= 2) actions.push({ do: 'emit', body: { type: 'instance.gone', instance: one.id, run: one.run } });
    else actions.push({ do: 'confirm_gone', instance: one.id, run: one.run });
  }
  return actions;
}

/**
 * Does a session on it still bring the training's heartbeats? Then the market is wrong about an instance that nobody
 * destroyed, and nothing is concluded: a session to a box that is gone breaks within seconds.
 */
export function isHeard(world: World, one: InstanceState): boolean {
  const run = one.run === null ? undefined : world.runs[one.run];
  return one.destroy === 'none' && run?.instance === one.id && run.stream === 'open';
}

/** The credit, judged when the level changes; while it is critical, runs are brought home one after the other. */
function runway(world: World): Action[] {
  const { level, hours } = judgeRunway(world);
  // A figure between two levels must not toggle the word.
  const better = level !== world.runway && (level === 'ok' || (level === 'warn' && world.runway === 'critical'));
  if (level !== world.runway && !(better && hours !== null && hours < HYSTERESIS * (level === 'ok' ? RUNWAY_WARN_H : RUNWAY_CRITICAL_H))) return [emit({ type: 'runway.judged', level, hours })];
  const run = level === 'critical' && !someoneLeaving(world) ? leastValuable(world) : null;
  return run === null ? [] : [emit({ type: 'run.ended', run: run.id, verdict: 'killed_by_criterion', reason: `the credit lasts ${hours?.toFixed(1) ?? '?'} h: the least valuable run is brought home first` })];
}

const HYSTERESIS = 1.2;

const due = (last: number | null, every: number, now: number): boolean => last === null || now - last >= every;
