/** Random evenings for the property tests: specs, troubles, orders of a person, and where the program is killed. */
import fc from 'fast-check';
import { BRAIN, Model, type SimBox } from './model/index.ts';
import { runsOf } from '../../src/core/state.ts';
import { makeSpec } from './spec-factory.ts';

/** More of them at once than a test run has time for: VASTSIT_WORLDS=5000. */
export const WORLDS = process.env['VASTSIT_WORLDS'] === undefined ? undefined : Number(process.env['VASTSIT_WORLDS']);

/** A small deterministic generator, so that a failing world can be played again from its seed. */
export function diceOf(seed: number): () => number {
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
  one: makeSpec({ env: { TOKEN: { secret: 'TOKEN' } } }),
  two: makeSpec({ setup: 'make ready', teardown: { on_done: 'stop', stopped_grace: '1h' } }),
  three: makeSpec({ market: { bid: 0.3 }, teardown: { wait_usd: 0.2 } }),
  // Its money and its hours run out in the middle of the evening.
  four: makeSpec({ kill: { hours: 1, dollars: 0.3 }, teardown: { wait_usd: 0.05 } }),
} as const;
type Name = keyof typeof SPECS;

export interface Evening {
  runs: Name[];
  seed: number;
  trouble: number;
  brain: boolean;
  secret: boolean;
  adopt: boolean;
  /** $ on the account. */
  credit: number;
  /** The same cause of death each time, as a place in LOGS (7: two by turns); null: chance. */
  curse: number | null;
  /** How much more often than usual hosts go away. */
  windy: number;
  /** Machines that slow their GPU down. */
  hot: 'none' | 'some' | 'all';
  pace: number;
  orders: Order[];
}

export const evenings: fc.Arbitrary<Evening> = fc.record({
  runs: fc.constantFrom<Name[]>(['one'], ['one'], ['two'], ['two'], ['three'], ['three'], ['four'], ['one', 'three'], ['one', 'four'], ['one', 'two', 'three']),
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  trouble: fc.constantFrom(0, 0.05, 0.15, 0.15, 0.4, 0.4),
  brain: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  secret: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  adopt: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  credit: fc.constantFrom(50, 50, 50, 4),
  curse: fc.constantFrom(null, null, null, null, null, 0, 5, 6, 7),
  windy: fc.constantFrom(1, 1, 1, 1, 15),
  hot: fc.constantFrom('none', 'none', 'none', 'some', 'all'),
  pace: fc.constantFrom(10_000, 30_000, 60_000, 60_000),
  orders: fc.array(fc.record({ at: fc.integer({ min: 0, max: 150 }), what: fc.constantFrom(...WHAT) }), { maxLength: 5 }),
});

export const SECRET = 'hf_CanaryOfTheEvening42';

export async function play({ runs, seed, trouble, brain, secret, adopt, credit, curse, windy, hot, pace, orders }: Evening, steps = 150): Promise<Model> {
  const model = new Model(diceOf(seed), trouble, brain ? BRAIN : null, pace);
  Object.assign(model, { credit, curse, windy, hot: (machine: number) => hot === 'all' || (hot === 'some' && machine % 2 === 1) });
  if (secret) model.keepSecret(SECRET);
  model.addStrangers();
  for (const [n, run] of runs.entries()) model.submit(run, SPECS[run], adopt && n === 0 ? model.stranger() : undefined);
  for (let n = 0; n < steps; n += 1) {
    for (const order of orders.filter(({ at }) => at === n)) give(model, order);
    await model.step(pace);
    if (!unsettled(model)) break;
  }
  return model;
}

function give(model: Model, { what }: Order): void {
  const run = runsOf(model.world)[0]?.id;
  if (run === undefined) return;
  switch (what) {
    case 'restart':
      return model.restart();
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

/** What was the user's before is the user's again, and bills on. */
export const ours = (model: Model): SimBox[] => [...model.boxes.values()].filter((box) => box.instance.label !== 'mine');

/** Until every run is closed and nothing exists any more, also of what returns from the dead. */
export const unsettled = (model: Model): boolean => runsOf(model.world).some((run) => run.stage !== 'closed') || ours(model).some((box) => box.exists || box.ghostAt !== null);

/** Does a run wait for results that its training never made? */
export const barren = (model: Model, run: string): boolean => model.world.runs[run]?.rescue?.verdict === 'unverified' && ours(model).some((box) => box.run === run && box.barren);
