/** An offer that a person chose: taken where it can be had, within the same limits; else said, and the rule's next. */
import { describe, expect, it } from 'vitest';
import { decideRunner } from '../../src/core/decide/runner.ts';
import type { Body, RankedOffer } from '../../src/core/events.ts';
import { reduce } from '../../src/core/reduce.ts';
import { emptyWorld, type RunState, type World } from '../../src/core/state.ts';
import { makeSpec } from './spec-factory.ts';

const offer = (offer_id: number, part: Partial<RankedOffer> = {}): RankedOffer => ({ offer_id, machine_id: offer_id + 1_000, gpu_name: 'RTX 4090', num_gpus: 1, dph_total: 0.3, all_in_usd_per_hour: 0.3, reliability: 0.99, geolocation: 'SE', ...part });
const told = (world: World, ...bodies: Body[]): World => bodies.reduce((before, body) => reduce(before, { ...body, v: 1, seq: before.seq + 1, at: 1_000 }), world);
const start = (chosen: number | undefined, offers: RankedOffer[], ...more: Body[]): World =>
  told(emptyWorld(0), { type: 'fleet.seen', instances: [] }, { type: 'run.submitted', run: 'one', spec: makeSpec(), spec_path: '/p/spec.yaml', warnings: [], ...(chosen !== undefined && { offer: chosen }) }, ...more, { type: 'offers.ranked', run: 'one', offers, rejected: {} });
const decided = (world: World): unknown => {
  const [action] = decideRunner(world, world.runs['one'] as RunState);
  return action?.do === 'create' ? action.offer.offer_id : action?.do === 'emit' ? action.body : action?.do;
};
/** What is said, and what is rented in its place. */
const missed = (world: World): { said: string | undefined; then: unknown } => {
  const body = decided(world) as Body;
  expect(body).toMatchObject({ type: 'offer.missed', offer_id: 2 });
  const after = told(world, body);
  return { said: after.said.at(-1)?.text, then: decided(after) };
};

describe('an offer that was chosen', () => {
  it('is rented before the rule\'s first, and without one the rule decides', () => {
    expect(decided(start(undefined, [offer(1), offer(2)]))).toBe(1);
    expect(decided(start(2, [offer(1), offer(2)]))).toBe(2);
  });

  it('is told in the plan', () => expect(start(2, []).said[0]?.text).toContain('on offer 2 if it can be had'));

  it.each<[string, World, RegExp, unknown]>([
    ['is not listed any more', start(2, [offer(1), offer(3)]), /offer 2, which you chose, is gone, or fits no longer: the rule's next is taken/, 1],
    ['is of a machine that has failed since', start(2, [offer(1), offer(2)], { type: 'machine.remembered', machine_id: 1_002, run: 'other', reason: 'stuck', until: 99_000 }), /machine that has failed us since/, 1],
    ['cannot be paid for', start(2, [offer(1, { all_in_usd_per_hour: 0.2 }), offer(2, { all_in_usd_per_hour: 0.9 })], { type: 'budget.set', usd_per_hour: 0.5 }), /cannot be paid for \(/, 1],
  ])('and %s is said, once, and the rule\'s next is taken', (_why, world, words, next) => {
    const { said, then } = missed(world);
    expect(said).toMatch(words);
    expect(then).toBe(next);
  });

  it('and was refused by the market is said too', () => {
    const asked = told(start(2, [offer(1), offer(2)]), { type: 'create.intended', run: 'one', attempt: 1, offer: offer(2), label: 'vastsit:one:1', bid_usd_per_hour: null }, { type: 'create.refused', run: 'one', attempt: 1, offer_id: 2, failure: 'offer_gone', reason: 'no_such_ask' });
    expect(missed(asked)).toEqual({ said: expect.stringContaining('was refused by the market') as string, then: 1 });
  });

  it('is forgotten once it is ours: a later machine is the rule\'s', () => {
    const rented = told(start(2, [offer(1), offer(2)]), { type: 'create.intended', run: 'one', attempt: 1, offer: offer(2), label: 'vastsit:one:1', bid_usd_per_hour: null }, { type: 'create.accepted', run: 'one', attempt: 1, instance: 9, machine_id: 1_002 });
    expect(rented.runs['one']?.wished).toBeNull();
  });
});
