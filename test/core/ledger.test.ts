import { describe, expect, it } from 'vitest';
import { leastValuable, refuseRent } from '../../src/core/budget.ts';
import { today } from '../../src/core/day.ts';
import { runCost, stepShares, totals } from '../../src/core/ledger.ts';
import { reduce } from '../../src/core/reduce.ts';
import type { Event } from '../../src/core/events.ts';
import type { Attempt, World } from '../../src/core/state.ts';
import { attempt, calmWorld, instance, run } from '../cockpit/world.ts';

const tried = (...attempts: Partial<Attempt>[]): { attempts: Attempt[] } => ({ attempts: attempts.map((part, index) => attempt(index + 1, 1, part)) });

describe('the shares of steps', () => {
  it.each<[string, Partial<Attempt>[], { repeated: number; saved: number }]>([
    ['no attempt', [], { repeated: 0, saved: 0 }],
    ['one attempt', [{ first_step: 1, last_step: 100 }], { repeated: 0, saved: 0 }],
    ['nothing seen yet', [{ first_step: null, last_step: null }], { repeated: 0, saved: 0 }],
    ['a resume from half way', [{ first_step: 1, last_step: 100 }, { first_step: 51, last_step: 150, resume_step: 50 }], { repeated: 50 / 200, saved: 50 / 200 }],
    ['all over again', [{ first_step: 1, last_step: 100 }, { first_step: 1, last_step: 100 }], { repeated: 0.5, saved: 0 }],
    ['a resume that died again at once', [{ first_step: 1, last_step: 100 }, { first_step: 91, last_step: 95, resume_step: 90 }], { repeated: 5 / 105, saved: 90 / 105 }],
  ])('%s', (_name, attempts, shares) => expect(stepShares(tried(...attempts))).toEqual(shares));
});

describe('repeated work', () => {
  it('moves from productive to wasted, for the run and in the sums, and changes no total', () => {
    const calm = calmWorld();
    const world: World = { ...calm, runs: { a: run('a', 31_244, tried({ first_step: 1, last_step: 100 }, { first_step: 51, last_step: 150, resume_step: 50 })) }, fleet: { 1: instance(31_244, 'a') } };
    const plain = totals({ ...world, runs: {} }, world.now);
    const [sums, cost] = [totals(world, world.now), runCost(world, run('a', 31_244, world.runs['a']))];
    expect(sums.usd).toBeCloseTo(plain.usd, 9);
    expect(sums.repeats).toBeCloseTo(plain.productive / 4, 9);
    expect([sums.wasted - plain.wasted, plain.productive - sums.productive, sums.rescued, cost.repeats]).toEqual([sums.repeats, sums.repeats, sums.repeats, sums.repeats].map((usd) => expect.closeTo(usd, 9) as number));
    expect(cost.wasted).toBeCloseTo(cost.loading + cost.idle + cost.repeats, 9);
  });
});

describe('today', () => {
  const MIDNIGHT = Date.parse('2026-03-15T00:00:00Z');
  const event = (at: number): Event => ({ type: 'said', actor: 'program', run: null, level: 'info', text: 'x', v: 1, seq: 99, at });

  it('begins at midnight UTC, to the moment, whether an event or only time came by', () => {
    const world = calmWorld();
    const before = totals(world, MIDNIGHT).usd;
    const later = MIDNIGHT + 3_600_000;
    const seen = [world, reduce(world, event(later)), reduce(reduce(world, event(MIDNIGHT - 1)), event(MIDNIGHT + 5_000))];
    for (const one of seen) expect(today(one, totals(one, later), later).usd).toBeCloseTo(totals(world, later).usd - before, 9);
    expect(today(world, totals(world, world.now), world.now).usd).toBeCloseTo(totals(world, world.now).usd, 9);
  });
});

describe('traffic', () => {
  const event = (body: Partial<Event>): Event => ({ ...body, run: 'a', instance: 31_244, v: 1, seq: 99, at: calmWorld().now } as Event);
  it('is paid in both directions, by the prices of the instance, in the run\'s bill and in the sums', () => {
    const one = instance(31_244, 'a');
    const world: World = { ...calmWorld(), runs: { a: run('a', 31_244) }, fleet: { 31_244: { ...one, facts: { ...one.facts, inet_up_cost: 0.02, inet_down_cost: 0.01 } } } };
    const home = reduce(world, event({ type: 'files.home', files: [], bytes: 3e9 }));
    const both = reduce(home, event({ type: 'prepare.done', bytes_up: 5e9, restored: null }));
    const bill = (now: World) => runCost(now, now.runs['a'] ?? run('a', 31_244)).traffic - runCost(world, run('a', 31_244)).traffic;
    expect([bill(home), bill(both), totals(both).traffic - totals(world).traffic]).toEqual([0.06, 0.11, 0.11].map((usd) => expect.closeTo(usd, 9) as number));
  });
});

describe('the least valuable run', () => {
  it('is the one that is least done; of two that are as far, the one in which less was invested', () => {
    const at = (id: string, number: number, step: number) => {
      const one = run(id, number);
      return { ...one, progress: one.progress && { ...one.progress, reading: { ...one.progress.reading, step, total_steps: 100 } } };
    };
    const paid = (number: number, id: string, productive: number) => ({ ...instance(number, id), usd: { ...instance(number, id).usd, productive } });
    const world: World = { ...calmWorld(), runs: { far: at('far', 1, 90), dear: at('dear', 2, 20), cheap: at('cheap', 3, 20) }, fleet: { 1: paid(1, 'far', 1), 2: paid(2, 'dear', 9), 3: paid(3, 'cheap', 2) } };
    const without = (id: string): World => ({ ...world, runs: Object.fromEntries(Object.entries(world.runs).filter(([name]) => name !== id)) });
    expect([leastValuable(world)?.id, leastValuable(without('cheap'))?.id, leastValuable(without('dear'))?.id]).toEqual(['cheap', 'dear', 'cheap']);
  });
});

describe('an instance that is not ours', () => {
  it('drains the same credit: a launch is refused that would not last an hour beside it', () => {
    const calm = calmWorld();
    const stranger = { ...instance(7, null), owner: 'stranger' as const, run: null, rate: 1 };
    const world = (fleet: World['fleet']): World => ({ ...calm, budget_usd_per_hour: null, runs: { a: { ...run('a', 1), attempts: [] } }, fleet, account: { credit_usd: 1, email: null, at: calm.now } });
    const asked = (fleet: World['fleet']) => refuseRent(world(fleet), { ...run('a', 1), attempts: [] }, 0.5);
    expect([asked({}), asked({ 7: stranger })]).toEqual([null, 'the credit of $1.00 would last 40 min with this instance']);
  });
});
