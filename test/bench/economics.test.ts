import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { BASE, CURES, CLASSES, HOUR } from './economics/assumptions.ts';
import { runFleet, type Fleet } from './economics/fleet.ts';
import { live } from './economics/live.ts';
import { personOf } from './economics/person.ts';
import { plot } from './economics/plot.ts';
import { policies } from './economics/policies.ts';
import { goals, notBest, table } from './economics/report.ts';
import { fateOf, priceOf } from './economics/world.ts';

const agent = readFileSync(fileURLToPath(new URL('../../agents/babysitter.md', import.meta.url)), 'utf8');
const play = (seed: number, runs: number): Promise<Fleet> => runFleet({ seed, runs, assumptions: BASE, agent, bundle: null });
const many = Array.from({ length: 2_000 }, (_, id) => fateOf(3, id));

describe('the simulated fleet', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await play(11, 8);
  }, 60_000);

  it('gives the same numbers for the same seed, and others for another', async () => {
    expect((await play(11, 4)).ours).toEqual(fleet.ours.slice(0, 4));
    expect(fateOf(12, 0)).not.toEqual(fateOf(11, 0));
  });

  it('prints each policy once, each figure a number, shares between 0 and 1', () => {
    const names = fleet.figures.map(({ name }) => name);
    expect(names.slice(0, 2)).toEqual(['ours', 'oracle']);
    expect(new Set(names).size).toBe(names.length);
    for (const one of fleet.figures) {
      expect(Object.keys(one)).toEqual(['name', 'waste_per_100', 'usd_per_finished', 'hours_per_finished', 'finished_by_morning', 'detect_s', 'recover_s', 'busy_killed', 'work_lost_h', 'tokens']);
      for (const [key, value] of Object.entries(one)) if (key !== 'name') expect(value, `${one.name} ${key}`).toSatisfy(Number.isFinite);
      expect(one.finished_by_morning).toBeGreaterThanOrEqual(0);
      expect(one.finished_by_morning).toBeLessThanOrEqual(1);
      expect(table(fleet.figures)).toContain(one.name);
    }
  });

  it('lets the program itself finish each run, and pay for all of its useful hours', () => {
    for (const [id, outcome] of fleet.ours.entries()) {
      const fate = fleet.fates[id];
      expect(outcome.finishedAt - (fate?.launch ?? 0)).toBeGreaterThan((fate?.training ?? 0) + (fate?.setup ?? 0));
      expect(outcome.billed).toBeGreaterThan(outcome.useful * 0.999);
      expect(outcome.busyKilled).toBe(0);
    }
  });

  it('says which goals hold and where a peer is better, and draws a dot a policy', () => {
    expect(goals(fleet.figures, fleet.floorOnDemand)).toHaveLength(5);
    expect(notBest(fleet.figures).join()).toContain('tokens');
    const picture = plot(fleet.figures, 8);
    expect(picture.match(/<circle/g)).toHaveLength(fleet.figures.length);
    expect(picture).not.toContain('NaN');
  });
});

describe('the baselines', () => {
  it('finish no run without paying for its useful hours', () => {
    for (const policy of policies(BASE)) {
      for (const fate of many.slice(0, 400)) {
        const outcome = live(fate, policy);
        expect(outcome.billed, `${policy.name} run ${fate.id}`).toBeGreaterThan(outcome.useful * 0.999);
        expect(outcome.useful).toBeCloseTo((priceOf(fate, policy.mayBid) * (fate.setup + fate.training + fate.results)) / HOUR, 6);
        for (const { at, seenAt, recoveredAt } of outcome.failures) expect(seenAt >= at && recoveredAt >= at).toBe(true);
      }
    }
  });

  it('waste no less than the oracle, over the fleet', () => {
    const waste = policies(BASE).map((policy) => ({ name: policy.name, usd: many.reduce((sum, fate) => { const { billed, useful } = live(fate, policy); return sum + (billed - useful) / useful; }, 0) }));
    const floor = waste.find(({ name }) => name === 'oracle')?.usd ?? Infinity;
    for (const { name, usd } of waste) expect(usd, name).toBeGreaterThanOrEqual(floor);
  });
});

describe('the worlds', () => {
  it('fail as often and as early as the facts say', () => {
    const failing = many.filter(({ obstacles }) => obstacles.length > 0);
    expect(failing.length / many.length).toBeGreaterThan(0.26);
    expect(failing.length / many.length).toBeLessThan(0.34);
    const first = failing.map(({ obstacles }) => obstacles[0]?.position ?? 0);
    expect(first.filter((ms) => ms < 10 * 60_000).length / first.length).toBeGreaterThan(0.6);
  });

  it('have shares that add up', () => {
    expect(Object.values(CLASSES).reduce((a, b) => a + b)).toBeCloseTo(1, 9);
    for (const cures of Object.values(CURES)) expect(Object.values(cures).reduce((a, b) => a + b)).toBe(100);
  });

  it('meet an owner who sleeps: what ends at night is seen in the morning', () => {
    const delays = many.slice(0, 500).filter(({ forgotten }) => !forgotten).map((fate) => {
      const night = Math.floor(fate.launch / (24 * HOUR)) * 24 * HOUR + 27 * HOUR;
      return (personOf(fate).notices(night, 'ended') - night) / HOUR;
    });
    for (const delay of delays) expect(delay > 5 && delay <= 6).toBe(true);
  });
});
