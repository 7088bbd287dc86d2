import { afterEach, describe, expect, test } from 'vitest';
import { clock, rent, running, show, until, world, type World } from './helpers.ts';

let w: World;
afterEach(() => w.close());
const credit = async (): Promise<number> => (await w.ask('GET', '/api/v0/users/current')).body['credit'] as number;

describe('the bill', () => {
  test('is storage alone until running, then the whole price, then storage, then nothing', async () => {
    w = await world({ credit_usd: 50, loading: { pull: '10m' }, offers: [{ gpu: 'RTX 4090', usd_per_gpu: 3.6 }] });
    const { id } = await rent(w, { disk: 72 });
    const storage = (0.15 * 72) / 720;
    expect(w.sim.burn()).toBeCloseTo(storage, 6);
    expect(w.sim.burn('vastsit:')).toBeCloseTo(storage, 6);
    expect(w.sim.burn('someone')).toBe(0);
    await running(w, id);
    expect(w.sim.burn()).toBeCloseTo(3.6 + storage, 6);
    const row = await show(w, id);
    expect(row).toMatchObject({ dph_total: 3.615, storage_total_cost: 0.015, instance: { totalHour: 3.615 }, search: { totalHour: 3.615 } });
    // Loading took ten minutes of the disk alone; since then everything has been billed by the second.
    const since = Number(row?.['start_date']) * 1000;
    const [bill] = w.sim.bill();
    const hours = (clock.now() - since) / 3_600_000;
    expect(bill?.usd).toBeGreaterThan(storage / 6);
    expect(bill?.usd).toBeLessThan(hours * storage + (hours - 1 / 6) * 3.6 + 0.01);
    await w.ask('PUT', `/api/v0/instances/${id}/`, { state: 'stopped' });
    await until(async () => (await show(w, id))?.['actual_status'] === 'exited', 'exited');
    expect(w.sim.burn()).toBeCloseTo(storage, 6);
    await w.ask('DELETE', `/api/v0/instances/${id}/`, {});
    expect(w.sim.burn()).toBe(0);
    const [last] = w.sim.bill();
    expect(last).toMatchObject({ instance: id, label: 'vastsit:demo:1', gone: true });
    expect(await credit()).toBeCloseTo(50 - (last?.usd ?? 0), 5);
    const day = clock.now() / 1000;
    const charges = await w.ask('GET', `/api/v0/charges/?select_filters=${encodeURIComponent(JSON.stringify({ day: { gte: day - 86_400, lte: day } }))}&format=table`);
    expect(charges.body).toMatchObject({ success: true, count: 1, total: 1, next_token: null });
    const [charge] = charges.body['results'] as { source: string; amount: number; items: { amount: number }[] }[];
    expect(charge?.source).toBe(`instance-${id}`);
    expect(charge?.amount).toBeCloseTo(last?.usd ?? 0, 5);
    expect(charge?.items.reduce((sum, item) => sum + item.amount, 0)).toBeCloseTo(charge?.amount ?? 0, 5);
    expect((await w.ask('GET', '/api/v0/charges/')).body['success']).toBe(false);
  });
  test('stops everything when the credit is gone, and refuses to rent', async () => {
    w = await world({ credit_usd: 0.05, offers: [{ gpu: 'RTX 4090', usd_per_gpu: 30 }, { gpu: 'RTX 4090' }] });
    const { id } = await rent(w, {}, { order: [['dph_total', 'desc']] });
    await running(w, id);
    await until(async () => (await show(w, id))?.['intended_status'] === 'stopped', 'stopped for lack of credit');
    expect(await credit()).toBeLessThanOrEqual(0);
    await expect(rent(w)).rejects.toThrow('insufficient_credit');
  });
});
