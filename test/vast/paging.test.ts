import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failureOf, ROW, scripted, type Answer } from './server.ts';

/** Serves `count` instances in pages of 25, as Vast does; `spoil` may change a page. */
const pages = (count: number, spoil: (page: Record<string, unknown>, nth: number) => unknown = (page) => page) => {
  const all = Array.from({ length: count }, (_, index) => ({ ...ROW, id: index + 1 }));
  return scripted((request, nth): Answer => {
    const from = Number(request.query['after_token']?.slice(1) ?? 0);
    const instances = all.slice(from, from + 25);
    const next_token = from + 25 < count ? `t${from + 25}` : null;
    return { json: spoil({ success: true, instances_found: instances.length, total_instances: count, label_counts: {}, next_token, instances }, nth) };
  });
};

describe('list', () => {
  it.each([0, 1, 25, 26, 60])('gathers all of %i instances', async (count) => {
    const { market, seen } = await pages(count);
    const found = await market.list();
    expect(found.map(({ id }) => id)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    expect(seen.map(({ query }) => query['after_token'])).toEqual(Array.from({ length: Math.max(1, Math.ceil(count / 25)) }, (_, index) => (index === 0 ? undefined : `t${index * 25}`)));
  });

  const wrong: [string, number, (page: Record<string, unknown>, nth: number) => unknown][] = [
    ['an empty page where there should be rows', 3, (page) => ({ ...page, instances: [] })],
    ['a page without its token', 30, (page) => ({ ...page, next_token: null })],
    ['a row that is no object', 3, (page) => ({ ...page, instances: [null, { ...ROW, id: 2 }, { ...ROW, id: 3 }] })],
    ['a row without an id', 1, (page) => ({ ...page, instances: [{ ...ROW, id: null }] })],
    ['the same page again', 30, (page) => ({ ...page, instances: [{ ...ROW, id: 1 }] })],
    ['a token that never ends', 30, (page) => ({ ...page, next_token: 't0' })],
    ['a token that is no text', 3, (page) => ({ ...page, next_token: 7 })],
    ['no rows at all', 0, () => ({ success: true, total_instances: 0 })],
    ['null rows', 0, (page) => ({ ...page, instances: null })],
    ['an empty list that counts nothing', 0, () => ({ instances: [] })],
    ['a second page that is short', 30, (page, nth) => (nth === 1 ? { ...page, instances: [] } : page)],
  ];
  it.each(wrong)('rejects %s', async (_what, count, spoil) => {
    const { market } = await pages(count, spoil);
    expect((await failureOf(market.list())).failure).toBe('malformed');
  });

  it('rejects as a whole when a later page fails', async () => {
    const { market } = await scripted((_request, nth) => (nth === 0 ? { json: { instances: [ROW], instances_found: 1, total_instances: 2, next_token: 't' } } : { status: 401, json: { msg: 'Invalid user key' } }));
    expect((await failureOf(market.list())).failure).toBe('auth');
  });

  it('believes the counts of the pages when no total is given', async () => {
    const { market } = await pages(30, ({ total_instances: _total, ...page }) => page);
    expect(await market.list()).toHaveLength(30);
  });

  it('survives a row that left between two pages', async () => {
    const { market } = await pages(30, (page, nth) => (nth === 1 ? { ...page, total_instances: 29 } : page));
    expect(await market.list()).toHaveLength(30);
  });

  it('gives every row that was announced, or rejects, whatever the sizes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 5 }), async (count, missing) => {
        const { market } = await pages(count, (page) => ({ ...page, total_instances: count + missing }));
        if (missing === 0) expect(await market.list()).toHaveLength(count);
        else expect((await failureOf(market.list())).failure).toBe('malformed');
      }),
      { numRuns: 20 },
    );
  });
});
