import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { reduce } from '../../src/core/reduce.ts';
import { emptyWorld, runsOf } from '../../src/core/state.ts';
import { BRAIN, Model } from './model.ts';
import { makeSpec } from './spec-factory.ts';

/** A small deterministic generator, so that a failing world can be played again from its seed. */
function diceOf(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

interface Order {
  at: number;
  what: 'destroy' | 'waive' | 'hold' | 'release' | 'restart' | 'approve';
}

const SPECS = {
  one: makeSpec(),
  two: makeSpec({ teardown: { on_done: 'stop', stopped_grace: '1h' } }),
  three: makeSpec({ market: { bid: 0.3 }, teardown: { wait_usd: 0.2 } }),
} as const;
type Name = keyof typeof SPECS;

const worlds = fc.record({
  runs: fc.constantFrom<Name[]>(['one'], ['two'], ['three'], ['one', 'three'], ['one', 'two', 'three']),
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  trouble: fc.constantFrom(0, 0.05, 0.15, 0.4),
  brain: fc.boolean(),
  pace: fc.constantFrom(5_000, 20_000, 60_000),
  orders: fc.array(fc.record({ at: fc.integer({ min: 0, max: 250 }), what: fc.constantFrom<Order['what']>('destroy', 'waive', 'hold', 'release', 'restart', 'approve') }), { maxLength: 3 }),
});

function play(world: { runs: Name[]; seed: number; trouble: number; brain: boolean; pace: number; orders: Order[] }, steps = 220): Model {
  const model = new Model(diceOf(world.seed), world.trouble, world.brain ? BRAIN : null);
  for (const run of world.runs) model.submit(run, SPECS[run]);
  for (let n = 0; n < steps; n += 1) {
    for (const order of world.orders.filter(({ at }) => at === n)) give(model, order);
    model.step(world.pace);
  }
  return model;
}

function give(model: Model, { what }: Order): void {
  const run = runsOf(model.world)[0];
  if (!run || run.stage === 'closed') return;
  if (what === 'restart') model.record({ type: 'session.started', version: 'test', pid: 2, brain: model.world.brain });
  else if (what === 'approve') model.approve();
  else if (what === 'hold') model.record({ type: 'user.hold', run: run.id, until: model.now + 600_000, reason: 'a look' });
  else if (what === 'release') model.record({ type: 'user.release', run: run.id });
  else model.record({ type: 'user.destroy', run: run.id, waive: what === 'waive' });
}

/** Until every run is closed and nothing exists any more, also of what returns from the dead. */
const unsettled = (model: Model): boolean => runsOf(model.world).some((run) => run.stage !== 'closed') || [...model.boxes.values()].some((box) => box.exists || box.ghostAt !== null);

describe('the invariants of the design, over random evenings', () => {
  it('never breaks one, whatever the market, the boxes and the user do', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        expect(play(world).violations).toEqual([]);
      }),
      { numRuns: 1_500 },
    );
  }, 120_000);

  it('ends the billing of every run in the end, once the world answers', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const model = play(world);
        model.calm();
        for (let n = 0; n < 3_000 && unsettled(model); n += 1) model.step(60_000);
        expect(runsOf(model.world).map((run) => [run.id, run.stage, run.verdict !== null])).toEqual(world.runs.map((run) => [run, 'closed', true]));
        expect([...model.boxes.values()].filter((box) => box.exists).map((box) => box.instance.label)).toEqual([]);
        expect(model.violations).toEqual([]);
      }),
      { numRuns: 500 },
    );
  }, 120_000);

  it('tells the same world again from the journal, event by event', () => {
    fc.assert(
      fc.property(worlds, fc.double({ min: 0, max: 1, noNaN: true }), (world, share) => {
        const { events, world: lived } = play(world, 120);
        const written = events.map((event) => JSON.parse(JSON.stringify(event)) as Event);
        expect(written.reduce(reduce, emptyWorld(1_700_000_000_000))).toEqual(lived);
        // Any prefix is a world as well: nothing throws, and the rest leads to the same end.
        const cut = Math.floor(written.length * share);
        const half = written.slice(0, cut).reduce(reduce, emptyWorld(1_700_000_000_000));
        expect(written.slice(cut).reduce(reduce, half)).toEqual(lived);
      }),
      { numRuns: 30 },
    );
  });
});
