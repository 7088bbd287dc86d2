import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isVolatile, type Event } from '../../src/core/events.ts';
import { reduce } from '../../src/core/reduce.ts';
import { emptyWorld, runsOf, type World } from '../../src/core/state.ts';
import { barren, evenings, ours, play, unsettled, WORLDS } from './evenings.ts';
import { START } from './model/index.ts';

describe('how random evenings end', () => {
  it('with no bill and every run closed, once the world answers', async () => {
    await fc.assert(
      fc.asyncProperty(evenings, async (evening) => {
        const model = await play(evening);
        model.calm();
        for (const run of evening.runs) model.order({ do: 'keep', run, keep: false });
        for (let n = 0; n < 3_000 && unsettled(model); n += 1) {
          await model.step(60_000);
          // What a training was to leave and did not, nobody can bring home: the user is asked, and lets it go.
          if (n === 300) for (const run of evening.runs) if (barren(model, run)) model.order({ do: 'destroy', run, waive: true });
        }
        expect(runsOf(model.world).map((run) => [run.id, run.stage, run.verdict !== null])).toEqual(evening.runs.map((run) => [run, 'closed', true]));
        expect(ours(model).filter((box) => box.exists).map((box) => box.instance.label)).toEqual([]);
        expect(model.violations).toEqual([]);
      }),
      { numRuns: WORLDS ?? 250 },
    );
  }, 3_600_000);

  it('with the same world again from the journal, event by event, and from any part of it', async () => {
    await fc.assert(
      fc.asyncProperty(evenings, fc.double({ min: 0, max: 1, noNaN: true }), async (evening, share) => {
        const { events, world: lived } = await play(evening, 120);
        const written = events.map((event) => JSON.parse(JSON.stringify(event)) as Event);
        const told = written.reduce(reduce, emptyWorld(START));
        expect({ ...told, now: 0 }).toEqual({ ...lived, now: 0 });
        // What is not kept, a restart does not have: the runs stand where they stood all the same.
        const stands = (world: World) => runsOf(world).map((run) => [run.id, run.stage, run.verdict, run.attempt, run.instance]);
        expect(stands(written.filter((event) => !isVolatile(event)).reduce(reduce, emptyWorld(START)))).toEqual(stands(lived));
        const cut = Math.floor(written.length * share);
        const half = written.slice(0, cut).reduce(reduce, emptyWorld(START));
        expect(written.slice(cut).reduce(reduce, half)).toEqual(told);
      }),
      { numRuns: 30 },
    );
  }, 60_000);
});
