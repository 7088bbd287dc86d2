import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addSparse } from '../../src/core/thin.ts';

describe('points over a run', () => {
  it('stay few, in order, near the newest step, and present in every third however long the run is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 20_000 }), fc.integer({ min: 1, max: 7 }), fc.constantFrom(60, 240), (steps, stride, kept) => {
        let points: { step: number }[] = [];
        for (let n = 1; n <= steps; n += 1) points = addSparse(points, { step: n * stride }, kept);
        const end = steps * stride;
        expect(points.length).toBeLessThanOrEqual(kept);
        expect(points.every(({ step }, index) => index === 0 || step > (points[index - 1]?.step ?? 0))).toBe(true);
        expect(end - (points.at(-1)?.step ?? 0)).toBeLessThanOrEqual((4 * end) / kept + stride);
        for (const third of [0, 1, 2]) expect(points.filter(({ step }) => step > (third * end) / 3 && step <= ((third + 1) * end) / 3).length).toBeGreaterThanOrEqual(4);
      }),
      { numRuns: 60 },
    );
  });
});
