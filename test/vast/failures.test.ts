import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Clock, CreateRequest, Market, MarketFailure } from '../../src/core/ports.ts';
import { createClock } from '../../src/clock.ts';
import { createVastMarket } from '../../src/vast/index.ts';
import { failureOf, KEY, scripted, type Answer } from './server.ts';

const ORDER: CreateRequest = { image: 'i', disk_gb: 20, label: 'vastsit:night:1', bid_usd_per_hour: null, env: {}, onstart: '' };
const html = { 'content-type': 'text/html' };
const create = (market: Market) => market.create(5, ORDER);

type Row = [what: string, answer: Answer, call: (market: Market) => Promise<unknown>, failure: MarketFailure, requests: number];
const rows: Row[] = [
  ['401', { status: 401, json: { success: false, error: 'auth_error', msg: 'Invalid user key' } }, (m) => m.list(), 'auth', 1],
  ['401 without a body', { status: 401, text: '' }, (m) => m.list(), 'auth', 1],
  ['a bad key hidden in a 404', { status: 404, json: { msg: 'Invalid user key' } }, (m) => m.searchOffers({ type: 'bid', disk_gb: 8 }), 'auth', 1],
  ['an expired session hidden in a 404 of show', { status: 404, json: { success: false, error: 'not_found', msg: 'Your session has expired, please log in again' } }, (m) => m.show(42), 'auth', 1],
  ['a bad key hidden in a 404 of destroy', { status: 404, json: { error: 'not_found', msg: 'Invalid user key' } }, (m) => m.destroy(42), 'auth', 1],
  ['a bad key hidden in a 404 of create', { status: 404, json: { msg: 'Invalid user key' } }, create, 'auth', 1],
  ['403 without login', { status: 403, json: { msg: 'This action requires login.' } }, (m) => m.account(), 'auth', 1],
  ['403 of another owner', { status: 403, json: { msg: 'not the owner' } }, (m) => m.destroy(42), 'forbidden', 1],
  ['401 of a scoped key', { status: 401, json: { error: 'auth_error', msg: 'key lacks permission group billing_read' } }, (m) => m.account(), 'forbidden', 1],
  ['auth_error with another status', { status: 400, json: { success: false, error: 'auth_error' } }, (m) => m.list(), 'auth', 1],
  ['no_such_instance at 200, which is no proof', { json: { success: false, error: 'no_such_instance' } }, (m) => m.show(42), 'not_found', 1],
  ['an instance that is not there', { status: 404, json: { error: 'no_such_instance' } }, (m) => m.label(42, 'x'), 'not_found', 1],
  ['404 of a wrong address on show', { status: 404, text: '<h1>404 Not Found</h1>', headers: html }, (m) => m.show(42), 'malformed', 1],
  ['404 of a wrong address on destroy', { status: 404, json: { detail: 'Not Found' } }, (m) => m.destroy(42), 'malformed', 1],
  ['no_such_ask, 404', { status: 404, json: { success: false, error: 'no_such_ask', msg: 'error 404/3603: no_such_ask 5 not available' } }, create, 'offer_gone', 1],
  ['no_such_ask, 410', { status: 410, json: { message: 'error 404/3603: no_such_ask Instance type is not available' } }, create, 'offer_gone', 1],
  ['no_such_ask, 400', { status: 400, json: { error: 'no_such_ask' } }, create, 'offer_gone', 1],
  ['taken meanwhile', { status: 409, text: '' }, create, 'offer_gone', 1],
  ['no credit, 400', { status: 400, json: { error: 'insufficient_credit', msg: 'Insufficient credit' } }, create, 'no_credit', 1],
  ['no credit, 411', { status: 411, json: { detail: 'Your account credit is too low' } }, create, 'no_credit', 1],
  ['no credit, 200', { json: { success: false, msg: 'You have insufficient funds' } }, create, 'no_credit', 1],
  ['no billing', { status: 400, json: { error: 'missing_billing' } }, (m) => m.setState(42, 'running'), 'no_credit', 1],
  ['bad arguments', { status: 400, json: { success: false, error: 'invalid_args', msg: 'disk too small' } }, create, 'invalid', 1],
  ['a refusal at 200', { json: { success: false, error: 'label_too_long' } }, (m) => m.label(42, 'x'), 'invalid', 1],
  ['an error without success at 200', { json: { error: 'invalid_request', instances: [] } }, (m) => m.list(), 'invalid', 1],
  ['429, plain', { status: 429, text: 'API requests too frequent', headers: { 'content-type': 'text/plain' } }, create, 'rate_limited', 1],
  ['429, plain with threshold', { status: 429, text: 'API requests too frequent: endpoint threshold=4.5' }, (m) => m.list(), 'rate_limited', 5],
  ['429, detail', { status: 429, json: { detail: 'API requests too frequent endpoint threshold=2.0' } }, (m) => m.destroy(42), 'rate_limited', 5],
  ['429, JSON', { status: 429, json: { success: false, error: 'rate_limit_exceeded', msg: 'slow down' } }, (m) => m.setState(42, 'stopped'), 'rate_limited', 5],
  ['a rate limit at 200', { json: { success: false, error: 'rate_limit_exceeded' } }, (m) => m.label(42, 'x'), 'rate_limited', 5],
  ['502', { status: 502, text: '<html>Bad Gateway</html>', headers: html }, (m) => m.destroy(42), 'unavailable', 5],
  ['503 that speaks of no such instance', { status: 503, json: { error: 'no_such_instance' } }, (m) => m.show(42), 'unavailable', 5],
  ['500 on create', { status: 500, json: { msg: 'no_such_ask' } }, create, 'unclear', 1],
  ['a connection dropped, read', 'drop', (m) => m.account(), 'unavailable', 1],
  ['a connection dropped, create', 'drop', create, 'unclear', 1],
  ['a connection dropped half-way, read', 'half', (m) => m.account(), 'unavailable', 1],
  ['a connection dropped half-way, create', 'half', create, 'unclear', 1],
  ['half a JSON', { text: '{"instances": [' }, (m) => m.list(), 'malformed', 1],
  ['half a JSON on create', { text: '{"success": true, "new_con' }, create, 'unclear', 1],
  ['a success without an id on create', { json: { success: true } }, create, 'unclear', 1],
  ['no JSON', { text: '<html>maintenance</html>', headers: html }, (m) => m.show(42), 'malformed', 1],
  ['a list instead of an object', { json: [] }, (m) => m.list(), 'malformed', 1],
  ['a redirect', { status: 301, text: '', headers: { location: 'https://example.invalid/' } }, (m) => m.list(), 'malformed', 1],
  ['a redirect on create', { status: 301, text: '', headers: { location: 'https://example.invalid/' } }, create, 'unclear', 1],
  ['an account without credit', { json: { id: 1 } }, (m) => m.account(), 'malformed', 1],
  ['a search without offers', { json: { success: true } }, (m) => m.searchOffers({ type: 'bid', disk_gb: 8 }), 'malformed', 1],
  ['a search with no usable offer', { json: { offers: [{ id: 1 }, 7] } }, (m) => m.searchOffers({ type: 'bid', disk_gb: 8 }), 'malformed', 1],
];

describe('what an answer means', () => {
  it.each(rows)('%s', async (_what, answer, call, failure, requests) => {
    const { market, seen } = await scripted(() => answer);
    expect((await failureOf(call(market))).failure).toBe(failure);
    expect(seen).toHaveLength(requests);
  });

  it('tells how long to wait, and what Vast said', async () => {
    const { market } = await scripted(() => ({ status: 429, json: { detail: 'API requests too frequent endpoint threshold=4.5' } }));
    const error = await failureOf(create(market));
    expect(error.detail).toEqual({ status: 429, endpoint: 'create', retry_after_s: 4.5 });
    expect(error.message).toContain('API requests too frequent');
  });

  it.each([[400, 'invalid'], [500, 'unclear'], [200, 'invalid']])('keeps the contract that a failed create (%i) left behind', async (status, failure) => {
    const { market } = await scripted(() => ({ status, json: { success: false, error: 'invalid_price', new_contract: 99 } }));
    expect(await failureOf(create(market))).toMatchObject({ failure, detail: { new_contract: 99 } });
  });

  it.each([['create', create, 'unclear'], ['show', (m: Market) => m.show(42), 'unavailable']] as const)('aborts a %s that is not answered in 30 s, after exactly one request', async (endpoint, call, failure) => {
    const deadlines: { ms: number; fn: () => void }[] = [];
    const wire: Clock = { ...createClock(), after: (ms, fn) => (deadlines.push({ ms, fn }), () => undefined) };
    const expire = (): Answer => {
      deadlines[0]?.fn();
      return 'never';
    };
    const { market, seen } = await scripted(expire, { wire });
    const error = await failureOf(call(market));
    expect(error).toMatchObject({ failure, detail: { endpoint } });
    expect(error.message).toContain(failure === 'unclear' ? 'by label' : 'safe to repeat');
    expect(deadlines.map(({ ms }) => ms)).toEqual([30_000]);
    expect(seen).toHaveLength(1);
  });

  it('names the reason when nobody listens', async () => {
    const server = createServer();
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const { port } = server.address() as AddressInfo;
    await new Promise((closed) => server.close(closed));
    const gone = createVastMarket({ url: `http://127.0.0.1:${port}`, apiKey: KEY, clock: createClock(1_000), wire: createClock() });
    const error = await failureOf(gone.account());
    expect(error.failure).toBe('unavailable');
    expect(error.message).toContain('ECONNREFUSED');
    expect((await failureOf(create(gone))).failure).toBe('unclear');
  });

  it.each([[null], [''], ['two words'], [`${KEY}\u20ac`]])('sends nothing without a usable key', async (apiKey) => {
    const { market, seen } = await scripted(() => ({}), { apiKey });
    expect((await failureOf(market.list())).failure).toBe('no_key');
    expect(seen).toEqual([]);
  });

  it.each(['ftp://x', 'console.vast.ai', 'https://user:secret@x', ''])('refuses the address %s without repeating it', (url) => {
    expect(() => createVastMarket({ url, apiKey: KEY, clock: createClock(), wire: createClock() })).toThrow(/^VAST_URL must be a plain http or https address such as https:\/\/console\.vast\.ai\.$/);
  });
});

describe('gone', () => {
  it('is null for an explicit null and for 404 no_such_instance', async () => {
    const { market } = await scripted((_request, nth) => (nth === 0 ? { json: { instances: null } } : { status: 404, json: { error: nth === 1 ? 'no_such_instance' : 'not_found' } }));
    expect([await market.show(42), await market.show(42), await market.show(42)]).toEqual([null, null, null]);
  });

  it.each([{}, { instances: [] }, { instances: {} }, { instances: { id: 43 } }, { instances: 'none' }, { instances: 0 }])('is not what %j says', async (json) => {
    const { market } = await scripted(() => ({ json }));
    expect((await failureOf(market.show(42))).failure).toBe('malformed');
  });

  it('is what a destroy wants', async () => {
    const { market } = await scripted(() => ({ status: 404, json: { error: 'no_such_instance', msg: 'Instance 42 not found' } }));
    await market.destroy(42);
  });
});

describe('the key', () => {
  it.each(['plain', 'json', 'escape'])('stays out of an error when the server echoes it (%s)', async (how) => {
    const echo = how === 'escape' ? `${KEY.slice(0, 9)}\x1b[0m${KEY.slice(9)}` : KEY;
    const { market } = await scripted(() => (how === 'plain' ? { status: 400, text: `bad: ${echo}` } : { status: 400, json: { msg: `key ${echo} is odd\x1b[2J` } }));
    const error = await failureOf(market.label(42, 'x'));
    expect(error.message).toContain('[key]');
    expect(error.message).not.toContain('\x1b');
  });
});

describe('trying again', () => {
  it('gets through after a few 429 and 5xx', async () => {
    const { market, seen } = await scripted((_request, nth) => [{ status: 429, text: 'API requests too frequent' }, { status: 503, text: '' }, { status: 502, text: '' }][nth] ?? { json: { success: true } });
    await market.destroy(42);
    expect(seen).toHaveLength(4);
  });
});
