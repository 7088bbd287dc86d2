import { describe, expect, it } from 'vitest';
import type { CreateRequest } from '../../src/core/ports.ts';
import { failureOf, KEY, OFFER, ROW, scripted, type Answer, type Seen } from './server.ts';

const ORDER: CreateRequest = { image: 'repo/image:tag', disk_gb: 20, label: 'vastsit:night:1', bid_usd_per_hour: null, env: { FOO: 'bar' }, onstart: 'touch ready' };

/** One scripted answer for every request; gives the request back without what every one has. */
async function asked(answer: Answer, call: (market: Awaited<ReturnType<typeof scripted>>['market']) => Promise<unknown>) {
  const { market, seen } = await scripted(() => answer);
  const result = await call(market);
  expect(seen).toHaveLength(1);
  const { headers, ...request } = seen[0] as Seen;
  expect(headers.authorization).toBe(`Bearer ${KEY}`);
  expect(headers['content-type']).toBe(request.method === 'GET' ? undefined : 'application/json');
  return { result, request: { ...request, body: request.body === '' ? null : (JSON.parse(request.body) as unknown) } };
}

describe('what is sent', () => {
  it('searches on demand with real numbers, cheapest first', async () => {
    const { request, result } = await asked({ json: { offers: [OFFER] } }, (market) =>
      market.searchOffers({ type: 'on-demand', gpu_name: ['RTX_4090', 'H100 SXM'], num_gpus: 1, gpu_ram_mb: 24_000, cpu_ram_mb: 32_000, disk_gb: 40, reliability: 0.98, cuda_max_good: 12.1, inet_down_mbps: 200, geolocation: ['US', 'CA'], dph_total_max: 0.5, verified: true, limit: 5 }),
    );
    expect(request).toEqual({
      method: 'POST',
      path: '/api/v0/bundles/',
      query: {},
      body: {
        verified: { eq: true }, external: { eq: false }, rentable: { eq: true }, rented: { eq: false }, gpu_name: { in: ['RTX 4090', 'H100 SXM'] }, num_gpus: { eq: 1 },
        gpu_ram: { gte: 23_040 }, cpu_ram: { gte: 32_000 }, reliability: { gte: 0.98 }, cuda_max_good: { gte: 12.1 }, inet_down: { gte: 200 },
        geolocation: { in: ['US', 'CA'] }, dph_total: { lte: 0.5 }, order: [['dph_total', 'asc']], type: 'on-demand', limit: 5, allocated_storage: 40,
      },
    });
    expect(result).toEqual([OFFER]);
  });

  it('searches bids by their floor, and leaves out what was not asked', async () => {
    const { request } = await asked({ json: { offers: [] } }, (market) => market.searchOffers({ type: 'bid', disk_gb: 20, verified: false }));
    expect(request.body).toEqual({ external: { eq: false }, rentable: { eq: true }, rented: { eq: false }, order: [['min_bid', 'asc']], type: 'bid', limit: 100, allocated_storage: 20 });
  });

  it.each([null, 0.12])('creates with the price %s always spelled out', async (price) => {
    const { request, result } = await asked({ json: { success: true, new_contract: '7835610', instance_api_key: 'k' } }, (market) => market.create(11684738, { ...ORDER, bid_usd_per_hour: price }));
    expect(request).toEqual({
      method: 'PUT',
      path: '/api/v0/asks/11684738/',
      query: {},
      body: { client_id: 'me', image: 'repo/image:tag', env: { FOO: 'bar' }, price, disk: 20, label: 'vastsit:night:1', onstart: 'touch ready', runtype: 'ssh_direc ssh_proxy', cancel_unavail: true, force: false },
    });
    expect(result).toEqual({ new_contract: 7835610 });
  });

  it.each([
    ['a price that JSON would turn into null', { bid_usd_per_hour: NaN }],
    ['a free bid', { bid_usd_per_hour: 0 }],
    ['a tiny disk', { disk_gb: 4 }],
    ['no label to find it by', { label: '' }],
    ['an onstart that would be cut off', { onstart: 'x'.repeat(4_049) }],
    ['too large an environment', { env: { A: 'x'.repeat(32_768) } }],
    ['no image', { image: '' }],
  ])('never sends a create with %s', async (_what, wrong) => {
    const { market, seen } = await scripted(() => ({}));
    expect((await failureOf(market.create(1, { ...ORDER, ...wrong }))).failure).toBe('invalid');
    expect(seen).toEqual([]);
  });

  it('never sends an id that is no id, nor a bid that is no price, nor a private key', async () => {
    const { market, seen } = await scripted(() => ({}));
    const wrong = [market.destroy(NaN), market.show(0), market.setState(-1, 'stopped'), market.label(1.5, 'x'), market.create(NaN, ORDER), market.logs(1, 0), market.changeBid(1, NaN), market.attachKey(1, '-----BEGIN OPENSSH PRIVATE KEY-----\nabc'), market.attachKey(1, 'ssh-ed25519 AAAA me\nssh-ed25519 BBBB you')];
    for (const call of wrong) expect((await failureOf(call)).failure).toBe('invalid');
    expect(seen).toEqual([]);
  });

  it('lists, oldest first, in pages of 25', async () => {
    const { request, result } = await asked({ json: { success: true, instances_found: 1, total_instances: 1, next_token: null, instances: [ROW] } }, (market) => market.list());
    expect(request).toEqual({ method: 'GET', path: '/api/v1/instances/', query: { select_filters: '{}', order_by: '[{"col":"id","dir":"asc"}]', limit: '25' }, body: null });
    expect(result).toMatchObject([{ id: 7835610, label: 'vastsit:night:1', public_ipaddr: '203.0.113.7', direct_ssh_port: 40022, status_msg: 'success, running image/ssh' }]);
  });

  it('shows one', async () => {
    const { request, result } = await asked({ json: { instances: ROW } }, (market) => market.show(7835610));
    expect(request).toEqual({ method: 'GET', path: '/api/v0/instances/7835610/', query: { owner: 'me' }, body: null });
    expect(result).toMatchObject({ id: 7835610, ssh_host: 'ssh4.vast.ai', ssh_port: 35610 });
  });

  it.each([
    ['destroy', 'DELETE', '/api/v0/instances/42/', {}, (market) => market.destroy(42)],
    ['stop', 'PUT', '/api/v0/instances/42/', { state: 'stopped' }, (market) => market.setState(42, 'stopped')],
    ['start', 'PUT', '/api/v0/instances/42/', { state: 'running' }, (market) => market.setState(42, 'running')],
    ['label', 'PUT', '/api/v0/instances/42/', { label: 'x' }, (market) => market.label(42, 'x')],
    ['bid', 'PUT', '/api/v0/instances/bid_price/42/', { client_id: 'me', price: 0.2 }, (market) => market.changeBid(42, 0.2)],
    ['attach', 'POST', '/api/v0/instances/42/ssh/', { ssh_key: 'ssh-ed25519 AAAA me' }, (market) => market.attachKey(42, 'ssh-ed25519 AAAA me\n')],
  ] satisfies [string, string, string, unknown, Parameters<typeof asked>[1]][])('sends %s', async (_what, method, path, body, call) => {
    const { request } = await asked({ json: { success: true } }, call);
    expect(request).toEqual({ method, path, query: {}, body });
  });

  it('reads the account, whose money is the credit', async () => {
    const { request, result } = await asked({ json: { id: 7, email: 'a@b.c', credit: '12.5', balance: 0, api_key: 'secret' } }, (market) => market.account());
    expect(request).toEqual({ method: 'GET', path: '/api/v0/users/current', query: {}, body: null });
    expect(result).toEqual({ id: 7, email: 'a@b.c', credit: 12.5 });
  });
});

describe('attachKey', () => {
  it.each([[400, { success: false, error: 'invalid_args', msg: 'SSH key already associated with instance' }], [409, { msg: 'key already exists' }], [200, { success: false, msg: 'already associated' }]])('takes "already there" (%i) for success', async (status, json) => {
    const { market } = await scripted(() => ({ status, json }));
    await market.attachKey(42, 'ssh-ed25519 AAAA me');
  });
});

describe('logs', () => {
  it('asks for them, then waits at their address without the key', async () => {
    let polls = 0;
    const { market, seen, url } = await scripted(
      (request) => {
        if (request.method === 'PUT') return { json: { success: true, result_url: `${url}/bucket/x.log?sig=1` } };
        if (request.headers.authorization !== undefined) return { status: 400, text: 'only one auth mechanism allowed' };
        polls += 1;
        return polls < 3 ? { status: polls === 1 ? 403 : 404, text: '<Error/>' } : { text: 'step 1\n\x1b[31mstep 2\x1b[0m\n' };
      },
      { wireScale: 10 },
    );
    expect(await market.logs(42, 50)).toBe('step 1\nstep 2');
    expect(seen.map(({ method, path, body }) => [method, path, body])).toEqual([['PUT', '/api/v0/instances/request_logs/42/', '{"tail":"50"}'], ...Array.from({ length: 3 }, () => ['GET', '/bucket/x.log', ''])]);
  });

  it('gives up when nothing comes', async () => {
    const { market, url } = await scripted((request) => (request.method === 'PUT' ? { json: { success: true, result_url: `${url}/x.log` } } : { status: 404, text: '' }), { wireScale: 300 });
    expect(await failureOf(market.logs(42, 50))).toMatchObject({ failure: 'unavailable' });
  });

  it.each([undefined, 7, 'file:///etc/passwd', 'not an address'])('follows no address such as %s', async (result_url) => {
    const { market } = await scripted(() => ({ json: { success: true, result_url } }));
    expect(await failureOf(market.logs(42, 50))).toMatchObject({ failure: 'malformed' });
  });
});
