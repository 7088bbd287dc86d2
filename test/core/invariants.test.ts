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

const WHAT = ['destroy', 'waive', 'later', 'recall', 'hold', 'release', 'relaunch', 'switch', 'bid', 'keep', 'let go', 'restart', 'approve'] as const;

interface Order {
  at: number;
  what: (typeof WHAT)[number];
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
  adopt: fc.boolean(),
  pace: fc.constantFrom(5_000, 20_000, 60_000),
  orders: fc.array(fc.record({ at: fc.integer({ min: 0, max: 250 }), what: fc.constantFrom(...WHAT) }), { maxLength: 5 }),
});

function play(world: { runs: Name[]; seed: number; trouble: number; brain: boolean; adopt: boolean; pace: number; orders: Order[] }, steps = 220): Model {
  const model = new Model(diceOf(world.seed), world.trouble, world.brain ? BRAIN : null);
  for (const [n, run] of world.runs.entries()) model.submit(run, SPECS[run], world.adopt && n === 0 ? model.stranger() : undefined);
  for (let n = 0; n < steps; n += 1) {
    for (const order of world.orders.filter(({ at }) => at === n)) give(model, order);
    model.step(world.pace);
  }
  return model;
}

function give(model: Model, { what }: Order): void {
  const run = runsOf(model.world)[0]?.id;
  if (run === undefined) return;
  switch (what) {
    case 'restart':
      return model.record({ type: 'session.started', version: 'test', pid: 2, brain: model.world.brain });
    case 'approve':
      return model.approve();
    case 'hold':
      return model.order({ do: 'hold', run, minutes: 10, reason: 'a look' });
    case 'later':
      return model.order({ do: 'destroy', run, waive: true, grace_s: 90 });
    case 'bid':
      return model.order({ do: 'raise_bid', run, usd_per_hour: 0.4 });
    case 'keep':
    case 'let go':
      return model.order({ do: 'keep', run, keep: what === 'keep' });
    case 'destroy':
    case 'waive':
      return model.order({ do: 'destroy', run, waive: what === 'waive' });
    default:
      return model.order({ do: what, run });
  }
}

/** Until every run is closed and nothing exists any more, also of what returns from the dead. */
const unsettled = (model: Model): boolean => runsOf(model.world).some((run) => run.stage !== 'closed') || [...model.boxes.values()].some((box) => box.instance.label !== 'mine' && (box.exists || box.ghostAt !== null));

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
        for (const run of world.runs) model.order({ do: 'keep', run, keep: false });
        for (let n = 0; n < 3_000 && unsettled(model); n += 1) model.step(60_000);
        expect(runsOf(model.world).map((run) => [run.id, run.stage, run.verdict !== null])).toEqual(world.runs.map((run) => [run, 'closed', true]));
        // What was the user's before is the user's again, and bills on.
        expect([...model.boxes.values()].filter((box) => box.exists && box.instance.label !== 'mine').map((box) => box.instance.label)).toEqual([]);
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
