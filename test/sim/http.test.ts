import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createVastMarket } from '../../src/vast/index.ts';
import { createClock } from '../../src/clock.ts';
import { clock, rent, RENT, running, show, until, world, type World } from './helpers.ts';

type Rows = Record<string, unknown>[];
let w: World;
beforeAll(async () => {
  w = await world({ credit_usd: 100, strangers: [{ label: 'alices-notebook', gpu: 'RTX 3090' }] });
});
afterAll(() => w.close());

const offers = async (body: unknown): Promise<Rows> => (await w.ask('POST', '/api/v0/bundles/', body)).body['offers'] as Rows;

describe('search', () => {
  test('coerces texts, honours operators, orders and limits', async () => {
    const found = await offers({ verified: { eq: true }, external: { eq: false }, gpu_name: { eq: 'RTX 4090' }, num_gpus: { eq: '1' }, reliability: { gt: '0.98' }, gpu_ram: { gte: 20000 }, cuda_max_good: { gte: '12.1' }, geolocation: { in: ['US', 'CA', 'SE'] }, order: [['dph_total', 'asc']], type: 'on-demand', limit: 2 });
    expect(found).toHaveLength(2);
    for (const offer of found) expect(offer).toMatchObject({ gpu_name: 'RTX 4090', num_gpus: 1, rentable: true });
    expect(Number(found[0]?.['dph_total'])).toBeLessThanOrEqual(Number(found[1]?.['dph_total']));
    expect(await offers({ gpu_name: { in: ['H100 SXM', 'L40S'] }, num_gpus: { gte: '2', lte: '4' } })).toHaveLength(2);
    expect((await offers({ gpu_name: { notin: ['RTX 4090'] } })).every(({ gpu_name }) => gpu_name !== 'RTX 4090')).toBe(true);
    expect(await offers({ verified: { eq: false } })).toEqual([]);
    expect(await offers({ driver_version: { gte: '999000000' } })).toEqual([]);
  });
  test('prices the disk that is asked for, and bids at the floor', async () => {
    const query = { gpu_name: { eq: 'L40S' }, allocated_storage: '72' };
    const [offer] = await offers(query);
    expect(Number(offer?.['dph_total']) - Number(offer?.['dph_base'])).toBeCloseTo((0.15 * 72) / 720, 6);
    const [bid] = await offers({ ...query, type: 'bid' });
    expect(bid?.['dph_base']).toBe(bid?.['min_bid']);
    expect((await w.ask('POST', '/api/v0/bundles/', { type: 'nonsense' })).status).toBe(400);
    expect((await w.ask('POST', '/api/v0/bundles/', { num_gpus: { near: 1 } })).status).toBe(400);
  });
  test('answers the other forms alike, with and without a trailing slash, and exactly as JSON', async () => {
    const now = await w.ask('PUT', '/api/v0/search/asks', { select_cols: ['*'], q: { num_gpus: { eq: '8' } } });
    expect(now.type).toBe('application/json');
    expect((now.body['offers'] as Rows).map(({ gpu_name }) => gpu_name)).toEqual(['H100 SXM']);
    expect((await w.ask('GET', `/api/v0/bundles?q=${encodeURIComponent('{"num_gpus":{"eq":"8"}}')}`)).body['offers']).toHaveLength(1);
    expect((await w.ask('GET', '/api/v0/bundles?q=nonsense')).status).toBe(400);
    expect((await w.ask('GET', '/api/v0/gpu_names/unique/', undefined, null)).body['gpu_names']).toContain('RTX 4090');
  });
});

describe('keys', () => {
  test('a wrong key is 401, and 404 on search and charges; none at all is 403', async () => {
    expect(await w.ask('GET', '/api/v1/instances/', undefined, 'wrong')).toMatchObject({ status: 401, body: { success: false, error: 'auth_error', msg: 'Invalid user key' } });
    expect((await w.ask('POST', '/api/v0/bundles/', {}, 'wrong')).status).toBe(404);
    expect((await w.ask('GET', '/api/v0/charges/', undefined, 'wrong')).status).toBe(404);
    expect((await w.ask('GET', '/api/v0/users/current', undefined, null)).status).toBe(403);
  });
  test('a container\'s key reaches its own instance and the lists, nothing else', async () => {
    const mine = await rent(w, { label: 'keyed' });
    const other = await rent(w, { label: 'other' });
    const asMine = (method: string, path: string, body?: unknown) => w.ask(method, path, body, mine.key).then(({ status }) => status);
    expect(mine.key).toMatch(/^[0-9a-f]{64}$/);
    expect(await asMine('GET', `/api/v0/instances/${mine.id}/`)).toBe(200);
    expect(await asMine('PUT', `/api/v0/instances/${mine.id}/`, { label: 'renamed' })).toBe(200);
    expect(await asMine('GET', '/api/v1/instances/')).toBe(200);
    expect(await asMine('POST', '/api/v0/bundles/', {})).toBe(200);
    for (const [method, path] of [
      ['GET', '/api/v0/users/current'],
      ['GET', `/api/v0/instances/${other.id}/`],
      ['DELETE', `/api/v0/instances/${other.id}/`],
      ['PUT', `/api/v0/instances/${other.id}/`],
      ['GET', '/api/v0/ssh/'],
      ['PUT', '/api/v0/asks/1/'],
      ['DELETE', '/api/v0/instances/'],
    ] as const) {
      expect(await asMine(method, path, method === 'GET' ? undefined : {}), `${method} ${path}`).toBe(401);
    }
    expect(await asMine('DELETE', `/api/v0/instances/${mine.id}/`, {})).toBe(200);
    await until(async () => (await show(w, mine.id)) === null, 'gone');
    expect(await asMine('GET', `/api/v0/instances/${mine.id}/`)).toBe(401);
    await w.ask('DELETE', `/api/v0/instances/${other.id}/`, {});
  });
});

describe('an instance', () => {
  test('goes from nothing over loading to running, stops, starts and disappears', async () => {
    const [offer] = await offers({ gpu_name: { eq: 'A100 SXM4' }, order: [['dph_total', 'asc']], num_gpus: { eq: 1 } });
    const id = (await w.ask('PUT', `/api/v0/asks/${String(offer?.['id'])}/`, RENT)).body['new_contract'] as number;
    const again = await w.ask('PUT', `/api/v0/asks/${String(offer?.['id'])}/`, RENT);
    expect(again).toMatchObject({ status: 410, body: { success: false, error: 'no_such_ask' } });
    const fresh = await show(w, id);
    // On a clock this fast it may be loading by the time it is looked at.
    expect([null, 'loading']).toContain(fresh?.['actual_status']);
    expect(fresh).toMatchObject({ id, intended_status: 'running', label: 'vastsit:demo:1', extra_env: [], disk_usage: -1 });
    expect(typeof fresh?.['start_date']).toBe('number');
    expect(fresh).not.toHaveProperty('ports');
    await until(async () => (await show(w, id))?.['status_msg'] !== null && (await show(w, id))?.['actual_status'] === 'loading', 'loading');
    const port = await running(w, id);
    expect(await show(w, id)).toMatchObject({ cur_state: 'running', public_ipaddr: '127.0.0.1', ssh_host: '127.0.0.1', ssh_port: port, ports: { '22/tcp': [{ HostPort: String(port) }] }, is_bid: false });
    expect((await w.ask('PUT', '/api/v0/instances/', { state: 'stopped', ids: [id] })).body).toEqual({ success: true });
    expect(await show(w, id)).toMatchObject({ actual_status: 'running', intended_status: 'stopped', cur_state: 'stopped', next_state: 'stopped' });
    await until(async () => (await show(w, id))?.['actual_status'] === 'exited', 'exited');
    expect(await show(w, id)).not.toHaveProperty('ports');
    await w.ask('PUT', `/api/v0/instances/${id}/`, { state: 'running' });
    await running(w, id);
    await w.ask('PUT', `/api/v0/instances/reboot/${id}/`, {});
    expect((await show(w, id))?.['actual_status']).toBe('rebooting');
    await until(async () => (await show(w, id))?.['actual_status'] === 'loading', 'loading after the reboot');
    await running(w, id);
    for (let times = 0; times < 6; times += 1) expect((await w.ask('DELETE', '/api/v0/instances/', { instance_ids: [id] })).status).toBe(200);
    await until(async () => (await show(w, id)) === null, 'gone');
    expect(await w.ask('DELETE', `/api/v0/instances/${id}/`, {})).toMatchObject({ status: 404, body: { error: 'no_such_instance' } });
  });
  test('keys are attached, listed as a text, and detached', async () => {
    const { id } = await rent(w);
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl someone';
    expect((await w.ask('POST', `/api/v0/instances/${id}/ssh/`, { ssh_key: key })).status).toBe(200);
    expect((await w.ask('POST', `/api/v0/instances/${id}/ssh/`, { ssh_key: key })).status).toBe(400);
    const [held] = JSON.parse((await w.ask('GET', `/api/v0/instances/${id}/ssh/`)).body['ssh_keys'] as string) as { id: number; public_key: string }[];
    expect(held?.public_key).toBe(key);
    expect((await w.ask('DELETE', `/api/v0/instances/${id}/ssh/${held?.id}/`, {})).status).toBe(200);
    expect((await w.ask('GET', `/api/v0/instances/${id}/ssh/`)).body['ssh_keys']).toBe('[]');
    await w.ask('DELETE', `/api/v0/instances/${id}/`, {});
  });
  test('a bid below the floor makes nothing with cancel_unavail, and a stopped zombie without', async () => {
    const [offer] = await offers({ type: 'bid', order: [['min_bid', 'desc']] });
    const path = `/api/v0/asks/${String(offer?.['id'])}/`;
    const refused = await w.ask('PUT', path, { ...RENT, price: 0.01 });
    expect(refused).toMatchObject({ status: 400, body: { success: false, error: 'invalid_price' } });
    expect(refused.body).not.toHaveProperty('new_contract');
    const zombie = await w.ask('PUT', path, { ...RENT, price: 0.01, cancel_unavail: false });
    expect(await show(w, zombie.body['new_contract'] as number)).toMatchObject({ actual_status: 'created', intended_status: 'stopped' });
    await w.ask('DELETE', `/api/v0/instances/${String(zombie.body['new_contract'])}/`, {});
  });
});

describe('the paged list', () => {
  test('hands out 25 rows at most and a token for the rest; filters stored columns alone', async () => {
    const p = await world({ credit_usd: 100, offers: Array.from({ length: 30 }, () => ({ gpu: 'RTX 3090' })), loading: { provision: '2h', pull: '2h' } });
    try {
      for (let n = 0; n < 30; n += 1) await rent(p, { label: n % 3 === 0 ? `job-${n}` : null });
      const list = (query: Record<string, string>) => p.ask('GET', `/api/v1/instances/?${new URLSearchParams(query).toString()}`);
      const first = (await list({ select_filters: '{}', order_by: '[{"col": "id", "dir": "asc"}]', limit: '100' })).body;
      expect(first).toMatchObject({ success: true, instances_found: 25, total_instances: 30, label_counts: { '': 20, 'job-0': 1 } });
      const second = (await list({ limit: '25', after_token: first['next_token'] as string })).body;
      expect(second).toMatchObject({ instances_found: 5, next_token: null });
      const ids = [...(first['instances'] as Rows), ...(second['instances'] as Rows)].map(({ id }) => id);
      expect(new Set(ids).size).toBe(30);
      expect((await list({ limit: '0' })).body['instances_found']).toBe(5);
      const some = (await list({ select_filters: '{"label": {"in": ["job-3", "job-6"]}}', order_by: '[{"col":"label","dir":"desc"}]', limit: '1', select_cols: '["label","nonsense"]' })).body;
      expect(some).toMatchObject({ total_instances: 2, instances: [{ label: 'job-6', nonsense: null }] });
      expect((await list({ select_filters: '{"label": {"in": ["job-3", "job-6"]}}', order_by: '[{"col":"label","dir":"desc"}]', limit: '1', after_token: some['next_token'] as string })).body['instances']).toMatchObject([{ label: 'job-3' }]);
      expect(await list({ select_filters: '{"dph_total": {"gt": 0}}' })).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
      expect(await list({ after_token: 'nonsense' })).toMatchObject({ status: 400, body: { error: 'invalid_token' } });
      expect((await p.ask('GET', '/api/v0/instances/?owner=me')).body['instances']).toHaveLength(30);
    } finally {
      await p.close();
    }
  });
});

describe('our own client', () => {
  test('rents, reads, labels, stops and destroys through the same port as at Vast', async () => {
    const market = createVastMarket({ url: w.sim.url, apiKey: w.sim.apiKey, clock, wire: createClock() });
    const [offer] = await market.searchOffers({ type: 'on-demand', gpu_name: ['RTX A6000'], num_gpus: 1, gpu_ram_mb: 48_000, disk_gb: 20, reliability: 0.9, cuda_max_good: 12.4 });
    if (!offer) throw new Error('no offer');
    const { new_contract: id } = await market.create(offer.id, { image: 'a/b:c', disk_gb: 20, label: 'vastsit:ours:1', bid_usd_per_hour: null, env: { A: 'b' }, onstart: 'echo up' });
    await until(async () => (await market.show(id))?.actual_status === 'running', 'running');
    expect(await market.show(id)).toMatchObject({ label: 'vastsit:ours:1', direct_ssh_port: expect.any(Number) as number, gpu_name: 'RTX A6000', dph_total: offer.dph_total });
    await market.attachKey(id, 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl us');
    await market.attachKey(id, 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl us');
    await market.label(id, 'vastsit:ours:2');
    expect((await market.list()).map(({ label }) => label)).toEqual(expect.arrayContaining(['alices-notebook', 'vastsit:ours:2']));
    expect(await market.logs(id, 50)).toContain('up');
    expect((await market.account()).credit).toBeLessThan(100);
    await market.destroy(id);
    await until(async () => (await market.show(id)) === null, 'gone');
    await market.destroy(id);
  });
});
