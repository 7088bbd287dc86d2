import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evenings, play, SECRET, WORLDS } from './evenings.ts';

describe('the invariants of the design, over random evenings of the production engine', () => {
  it('never breaks one, whatever the market, the boxes, the user and kill -9 do', async () => {
    const seen = { creates: 0, crashes: 0, remedies: 0, destroys: 0 };
    await fc.assert(
      fc.asyncProperty(evenings, async (evening) => {
        const model = await play(evening);
        expect(model.violations).toEqual([]);
        if (evening.secret) expect(JSON.stringify([model.events, model.world.said]).includes(SECRET), '10: a secret is in the journal').toBe(false);
        seen.creates += model.creates;
        seen.crashes += model.crashes;
        for (const { type } of model.events) {
          if (type === 'remedy.chosen') seen.remedies += 1;
          if (type === 'destroy.accepted') seen.destroys += 1;
        }
      }),
      { numRuns: WORLDS ?? 600 },
    );
    // A world in which nothing happens proves nothing.
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(50);
  }, 3_600_000);
});
