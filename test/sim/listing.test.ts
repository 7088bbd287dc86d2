import fc from 'fast-check';
import { expect, test } from 'vitest';
import { listInstances } from '../../src/sim/listing.ts';
import { passes } from '../../src/sim/filter.ts';

test('pages hold every row once and in order, whatever the order and the page size', () => {
  const rows = fc.uniqueArray(fc.record({ id: fc.integer({ min: 1, max: 999 }), label: fc.option(fc.constantFrom('a', 'b', 'c')), gpu_name: fc.constantFrom('x', 'y') }), { selector: ({ id }) => id, maxLength: 60 });
  const order = fc.array(fc.record({ col: fc.constantFrom('id', 'label', 'gpu_name'), dir: fc.constantFrom('asc', 'desc') }), { maxLength: 3 });
  fc.assert(
    fc.property(rows, order, fc.integer({ min: 1, max: 40 }), (all, order_by, limit) => {
      const seen: unknown[] = [];
      let token: string | null = null;
      do {
        const query = new URLSearchParams({ order_by: JSON.stringify(order_by), limit: String(limit), ...(token !== null && { after_token: token }) });
        const page = listInstances(all, query);
        seen.push(...(page['instances'] as unknown[]));
        expect(page['total_instances']).toBe(all.length);
        token = page['next_token'] as string | null;
      } while (token !== null);
      expect(seen).toHaveLength(all.length);
      expect(new Set(seen)).toEqual(new Set(all));
    }),
  );
});

test('a text filter means the same as the number it spells', () => {
  const operator = fc.constantFrom('eq', 'neq', 'gt', 'gte', 'lt', 'lte');
  fc.assert(fc.property(fc.integer(), fc.integer(), operator, (held, wanted, op) => passes({ v: held }, { v: { [op]: String(wanted) } }) === passes({ v: held }, { v: { [op]: wanted } })));
});
