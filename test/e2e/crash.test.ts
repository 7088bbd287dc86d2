/** The real program killed for real, where it hurts most; every other point is enumerated by test/crash and by `npm run bench -- crash`. */
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openField, type Field } from '../crash/real.ts';

let field: Field;
beforeAll(async () => {
  field = await openField(resolve('.'));
});
afterAll(() => field.close());

it('finishes what the killed one began: a rented instance that nobody heard of, a start half written, a destroy unanswered', async () => {
  const points = ['after PUT /api/v0/asks/N/ #1', 'in start.intended #1', 'after DELETE /api/v0/instances/N/ #1'];
  const ends = await Promise.all(points.map(async (point) => ({ point, ...(await field.cut(point)) })));
  expect(ends.map(({ point, killed, wrong }) => ({ point, killed, wrong }))).toEqual(points.map((point) => ({ point, killed: true, wrong: [] })));
});
