import { describe, expect, it } from 'vitest';
import { refuseDestroy, refuseTouch } from '../../src/agents/guard.ts';
import type { RescueVerdict } from '../../src/core/events.ts';
import type { World } from '../../src/core/state.ts';
import { makeSpec } from '../core/spec-factory.ts';
import { Model } from '../core/model/index.ts';

/** A run that trains on its own instance, beside a stranger's. */
async function evening(): Promise<{ world: World; ours: number }> {
  const model = new Model(() => 0.999, 0);
  model.submit('one', makeSpec());
  for (let n = 0; n < 20; n += 1) await model.step(20_000);
  const ours = model.world.runs['one']?.instance;
  if (ours == null) throw new Error('the model rented nothing');
  const [mine] = [...model.boxes.values()];
  if (!mine) throw new Error('no box');
  model.record({ type: 'fleet.seen', instances: [mine.instance, { ...mine.instance, id: 9, label: 'alices-notebook' }, { ...mine.instance, id: 10, label: 'vastsit:one:1' }, { ...mine.instance, id: 11, label: 'vastsit:other:1' }] });
  return { world: model.world, ours };
}

/** The same run, with results that were judged to be home. */
function rescued(world: World): World {
  const run = world.runs['one'];
  if (!run) throw new Error('no run');
  return { ...world, runs: { one: { ...run, rescue: { verdict: 'verified', at: world.now, reason: 'all home', since: world.now, asked_usd: 0, asked_at: null } } } };
}

const open: RescueVerdict[] = ['verified', 'waived', 'nothing_never_ran'];

describe('the guard at the effect\'s edge', () => {
  it('touches nothing that is not ours, whatever its label says', async () => {
    const { world, ours } = await evening();
    expect(refuseTouch(world, ours, 'one')).toBeNull();
    for (const stranger of [9, 10, 11, 12_345]) {
      expect(refuseTouch(world, stranger, 'one'), String(stranger)).not.toBeNull();
      for (const gate of open) expect(refuseDestroy(world, stranger, 'one', gate), `${stranger} ${gate}`).not.toBeNull();
    }
  });

  it('lets a number go that the market has given to another machine', async () => {
    const { world, ours } = await evening();
    const one = world.fleet[String(ours)];
    if (!one) throw new Error('not in the fleet');
    const moved = { ...world, fleet: { ...world.fleet, [ours]: { ...one, label: null, facts: { ...one.facts, machine_id: one.facts.machine_id + 1 } } } };
    expect(refuseTouch(moved, ours, 'one')).toMatch(/given its number to somebody else/);
  });

  it('lets an instance go that somebody else has relabelled', async () => {
    const { world, ours } = await evening();
    const one = world.fleet[String(ours)];
    if (!one) throw new Error('not in the fleet');
    const relabelled = { ...world, fleet: { ...world.fleet, [ours]: { ...one, label: 'mine now' } } };
    expect(refuseTouch(relabelled, ours, 'one')).toMatch(/somebody else/);
  });

  it('believes no gate that the world does not support', async () => {
    const { world, ours } = await evening();
    expect(refuseDestroy(rescued(world), ours, 'one', 'verified')).toBeNull();
    expect(refuseDestroy(world, ours, 'one', 'verified'), 'nobody has judged it').toMatch(/not verified/);
    expect(refuseDestroy(world, ours, 'one', 'unverified')).toMatch(/not verified/);
    expect(refuseDestroy(world, ours, 'one', 'nothing_never_ran')).toMatch(/was started/);
    expect(refuseDestroy(world, ours, 'one', 'waived')).toMatch(/has not waived/);
  });

  it('respects a hold, unless the user ordered the destroy', async () => {
    const evened = await evening();
    const { ours } = evened;
    const world = rescued(evened.world);
    const run = world.runs['one'];
    if (!run) throw new Error('no run');
    const held = { ...run, hold: { until: world.now + 1_000, reason: 'a look' } };
    expect(refuseDestroy({ ...world, runs: { one: held } }, ours, 'one', 'verified')).toMatch(/hold/);
    expect(refuseDestroy({ ...world, runs: { one: { ...held, destroy_ordered: { waive: false } } } }, ours, 'one', 'verified')).toBeNull();
  });
});
