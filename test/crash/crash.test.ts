/**
 * kill -9 at every journal write and every call to the outside, one by one: enumerated by a recording life, not sampled. A
 * write is cut before it, in its middle and after it; a call before it is made and before its answer is heard. The same with
 * real processes and a real market: `npm run bench -- crash`.
 */
import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { live, type Lived, type Tale } from './lives.ts';
import { TALES } from './tales.ts';

/** The program's ms that a death may cost on top of the undisturbed run: the time it was dead, and looks that begin anew. */
const ALLOWED_MS = 5 * 60_000;

/** What is wrong with how a life ended, beside the undisturbed one. */
function complaints(lived: Lived, calm: Lived): string[] {
  const { run, outside, events, stuck } = lived;
  const wrong = [...outside.broken];
  if (stuck !== null) wrong.push(`never came to its end: ${stuck}`);
  const verdict = run?.verdict ?? null;
  if (verdict !== (calm.run?.verdict ?? null)) wrong.push(`its verdict is ${verdict}: ${run?.verdict_reason ?? ''}`);
  for (const one of outside.machines.values()) {
    if (one.gone_at === null) wrong.push(`instance ${one.facts.id} bills on`);
    else if (one.gone_at - one.born_at > longest(calm) + ALLOWED_MS) wrong.push(`instance ${one.facts.id} billed ${Math.round((one.gone_at - one.born_at) / 1_000)} s`);
  }
  if (outside.machines.size !== calm.outside.machines.size) wrong.push(`${outside.machines.size} instances were rented instead of ${calm.outside.machines.size}`);
  if (outside.started !== calm.outside.started) wrong.push(`${outside.started} trainings were started instead of ${calm.outside.started}`);
  for (const path of calm.outside.atHome.keys()) if (path.startsWith('out/') && !outside.atHome.has(path)) wrong.push(`${path} is not at home`);
  return [...wrong, ...gaps(events)];
}

/** The program's s that its instances were kept beyond those of the undisturbed run: what the death has cost. */
const overrun = (lived: Lived, calm: Lived): number => Math.round((kept(lived) - kept(calm)) / 1_000);
const kept = ({ outside, ended_at }: Lived): number => [...outside.machines.values()].reduce((sum, { born_at, gone_at }) => sum + (gone_at ?? ended_at) - born_at, 0);

const longest = (calm: Lived): number => Math.max(...[...calm.outside.machines.values()].map(({ born_at, gone_at }) => (gone_at ?? calm.ended_at) - born_at));

/** Is the finished record whole? Numbers rise, every intent has its outcome, and the run is closed. */
function gaps(events: readonly Event[]): string[] {
  const wrong: string[] = [];
  if (events.some((event, index) => index > 0 && event.seq <= (events[index - 1]?.seq ?? 0))) wrong.push('the numbers of its events do not rise');
  const later = (at: number, holds: (event: Event) => boolean): boolean => events.slice(at + 1).some(holds);
  events.forEach((event, at) => {
    switch (event.type) {
      case 'create.intended':
        if (!later(at, (next) => (next.type === 'create.accepted' || next.type === 'create.refused' || next.type === 'create.absent') && next.attempt === event.attempt)) wrong.push(`nothing says what came of renting for attempt ${event.attempt}`);
        break;
      case 'start.intended':
        if (!later(at, (next) => next.type === 'process.started' && next.attempt === event.attempt)) wrong.push(`nothing says that attempt ${event.attempt} was started`);
        break;
      case 'destroy.intended':
        if (!later(at, (next) => next.type === 'instance.gone' && next.instance === event.instance)) wrong.push(`nothing says that instance ${event.instance} is gone`);
        break;
      case 'remedy.chosen':
        if (!later(at, (next) => next.type === 'incident.resolved' || next.type === 'incident.given_up')) wrong.push('nothing says what came of the remedy');
        break;
      default:
        break;
    }
  });
  if (!events.some(({ type }) => type === 'run.closed')) wrong.push('it is not closed');
  return wrong;
}

/** Lives the tale once for each of its points, and says how each ended. */
async function enumerate(name: string, tale: Tale, how: 'kill' | 'full', which: (point: string) => boolean): Promise<string[]> {
  const calm = await live(tale, 0);
  const bad = complaints(calm, calm);
  let whole = 0;
  let worst = { s: 0, point: 'none' };
  const points = calm.points.map((point, index) => ({ point, n: index + 1 })).filter(({ point }) => which(point));
  for (const { point, n } of points) {
    const lived = await live(tale, n, how);
    const wrong = complaints(lived, calm);
    if (lived.deaths !== 1) wrong.push(`it was cut ${lived.deaths} times`);
    if (how === 'full' && !/disk is full.*Free some space/.test(lived.told ?? '')) wrong.push(`it said ${lived.told}`);
    if (wrong.length === 0) whole += 1;
    if (overrun(lived, calm) > worst.s) worst = { s: overrun(lived, calm), point };
    bad.push(...wrong.map((words) => `${n}. ${point}: ${words}`));
  }
  const writes = points.filter(({ point }) => point.startsWith('in ')).length;
  console.log(`${name}, ${how}: ${points.length} points (${writes} journal writes, ${points.filter(({ point }) => /^before .*\./.test(point) && /(market|remote|box)\./.test(point)).length} calls): ${whole} finished whole, ${points.length - whole} did not; billed at most ${worst.s} s more than undisturbed (${worst.point})`);
  return bad;
}

describe('an owner that is killed at any moment', () => {
  it.each(Object.entries(TALES))('%s: the next one finishes what it began, twice nothing', async (name, tale) => {
    expect(await enumerate(name, tale, 'kill', () => true)).toEqual([]);
  }, 120_000);
});

describe('a disk that is full at any write', () => {
  it('ends the loops with words before anything unrecorded is done, and loses nothing', async () => {
    expect(await enumerate('launch, repair, rescue, teardown', TALES['launch, repair, rescue, teardown'], 'full', (point) => point.startsWith('in '))).toEqual([]);
  }, 120_000);
});
