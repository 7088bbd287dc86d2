/** Vast's routes: each translates a request into the market's words and the outcome into Vast's answer. */
import type { IncomingHttpHeaders } from 'node:http';
import { randomBytes } from 'node:crypto';
import type { Clock } from '../core/ports.ts';
import { accrue, instanceRow, type Contract } from './contract.ts';
import { MODELS } from './catalogue.ts';
import type { ApiName } from './fault.ts';
import { ApiError, isRow, type Row } from './filter.ts';
import type { BoxHost } from './lifecycle.ts';
import { listInstances } from './listing.ts';
import { idsOf, type SimMarket } from './market.ts';
import { round } from './offers.ts';

export interface World {
  market: SimMarket;
  boxes: BoxHost;
  clock: Clock;
  url: () => string;
  account: { id: number; email: string };
  /** The request's answer is lost although it was carried out. */
  lose: () => never;
  audits: readonly { route: string; method: string; at: number }[];
  /** Logs that were asked for, by their secret name. */
  uploads: Map<string, { id: number; tail: number; filter: string; ready_at: number }>;
}

export interface Asked {
  method: string;
  /** The numbers in the path. */
  params: readonly number[];
  query: URLSearchParams;
  body: Row;
  /** The contract whose restricted key was used; null for the account. */
  container: Contract | null;
  headers: IncomingHttpHeaders;
}

export interface Route {
  method: string;
  path: RegExp;
  name: string;
  /** Which of the scenario's api faults strike here. */
  api: ApiName;
  /** May a container's own key call it? `own`: when the id in the path is its own. */
  container: 'no' | 'own' | 'any';
  /** Needs no key. */
  open?: boolean;
  answer(world: World, asked: Asked): unknown;
}

const row = ({ boxes, clock, market }: World, contract: Contract): Row => instanceRow(contract, clock.now(), boxes.gpu(contract.id), market.skew());
const listed = ({ market }: World, { container }: Asked): Contract[] => [...market.contracts.values()].filter((each) => !each.gone && !market.unlisted(each) && (container === null || each === container));
const done = { success: true };
const idOf = (asked: Asked): number => asked.params[0] ?? 0;
/** A result file takes this long to appear, in real milliseconds. */
const UPLOAD_MS = 300;

function change(world: World, contract: Contract, body: Row): void {
  const { state, label } = body;
  if (label !== undefined) world.market.label(contract, typeof label === 'string' ? label : '');
  if (state === 'running' && contract.intended !== 'running') world.market.life.boot(contract);
  else if (state === 'stopped' && contract.intended !== 'stopped') world.market.life.halt(contract);
  else if (state !== undefined && state !== 'running' && state !== 'stopped') throw new ApiError(400, 'invalid_args', 'state must be running or stopped');
}

function destroy({ market }: World, contract: Contract): void {
  if (!market.once(contract, 'destroy_ignored')) market.life.destroy(contract);
}

function create(world: World, offer: number, body: Row): Row {
  const contract = world.market.rent(offer, body);
  if (world.market.once(contract, 'create_lost')) world.lose();
  return { success: true, new_contract: contract.id, instance_api_key: contract.key };
}

const epoch = (ms: number): number => ms / 1_000;

function charges({ market, clock }: World, { query }: Asked): Row {
  const filters: unknown = JSON.parse(query.get('select_filters') ?? 'null');
  const day = isRow(filters) ? filters['day'] : undefined;
  if (!isRow(day)) return { success: false, error: 'invalid_args', msg: 'select_filters needs a range for day' };
  const [from, to] = [Number(day['gte'] ?? -Infinity), Number(day['lte'] ?? Infinity)];
  const now = clock.now();
  const results = [...market.contracts.values()]
    .filter((contract) => epoch(contract.created_ms) <= to + 86_400 && epoch(contract.ended_ms ?? now) >= from)
    .map((contract) => {
      accrue(contract, now);
      const end = contract.ended_ms ?? now;
      const hours = `${((end - contract.created_ms) / 3_600_000).toFixed(2)}h`;
      const item = (type: string, usd: number): Row => ({ type, description: hours, amount: round(usd) });
      return {
        start: epoch(contract.created_ms), end: epoch(end), type: 'instance', source: `instance-${contract.id}`, description: `Instance ${contract.id}`,
        amount: round(contract.gpu_usd + contract.disk_usd), metadata: { label: contract.label ?? '' }, items: [item('gpu', contract.gpu_usd), item('disk', contract.disk_usd)],
      };
    });
  if (query.get('latest_first') === 'true') results.reverse();
  const limit = Math.min(500, Number(query.get('limit') ?? 20) || 20);
  const after = Number(query.get('after_token') ?? 0) || 0;
  const next = after + limit;
  const page = results.slice(after, next);
  return { success: true, count: page.length, total: results.length, next_token: next < results.length ? String(next) : null, results: page };
}

function requestLogs({ uploads, clock, url, market }: World, asked: Asked): Row {
  const { id } = market.own(idOf(asked));
  const { tail, filter } = asked.body;
  const name = randomBytes(12).toString('hex');
  uploads.set(name, { id, tail: Number(tail ?? 1_000) || 1_000, filter: typeof filter === 'string' ? filter : '', ready_at: clock.now() + UPLOAD_MS * clock.scale });
  return { success: true, result_url: `${url()}/results?name=${name}`, msg: 'the log is being uploaded' };
}

async function fetchResult({ uploads, clock, boxes }: World, { headers, query }: Asked): Promise<string> {
  if (headers.authorization !== undefined) throw new ApiError(400, 'InvalidArgument', 'Only one auth mechanism allowed');
  const upload = uploads.get(query.get('name') ?? '');
  if (!upload || clock.now() < upload.ready_at) throw new ApiError(403, 'AccessDenied', 'Access Denied');
  const lines = (await boxes.log(upload.id)).replace(/\n$/, '').split('\n').filter((line) => line.includes(upload.filter));
  return `${lines.slice(-upload.tail).join('\n')}\n`;
}

const path = (pattern: string): RegExp => new RegExp(`^${pattern.replaceAll('{id}', '(\\d+)')}/$`);
type Answer = Route['answer'];
const route = (method: string, pattern: string, name: string, api: ApiName, container: Route['container'], answer: Answer): Route => ({ method, path: path(pattern), name, api, container, answer });
const open = (pattern: string, answer: Answer): Route => ({ method: 'GET', path: path(pattern), name: 'open', api: 'any', container: 'any', open: true, answer });

export const ROUTES: readonly Route[] = [
  open('/api/v0/gpu_names/unique', () => ({ gpu_names: Object.keys(MODELS) })),
  open('/api/v0/gpu_types', () => ({ gpu_types: Object.keys(MODELS) })),
  open('/results', fetchResult),
  route('POST', '/api/v0/bundles', 'search', 'search', 'any', ({ market }, { body }) => ({ offers: market.search(body) })),
  route('GET', '/api/v0/bundles', 'search', 'search', 'any', ({ market }, { query }) => ({ offers: market.search(JSON.parse(query.get('q') ?? '{}') as Row) })),
  route('PUT', '/api/v0/search/asks', 'search', 'search', 'any', ({ market }, { body }) => ({ offers: market.search(isRow(body['q']) ? body['q'] : {}) })),
  route('PUT', '/api/v0/asks/{id}', 'create', 'create', 'no', (world, asked) => create(world, idOf(asked), asked.body)),
  route('PUT', '/api/v0/launch_instance', 'create', 'create', 'no', (world, { body }) => {
    const query = isRow(body['q']) ? body['q'] : {};
    const [best] = world.market.search({ ...query, allocated_storage: body['disk'] ?? 8 });
    if (!best) throw new ApiError(404, 'no_such_ask', 'error 404/3603: no_such_ask: nothing matches');
    return create(world, Number(best['id']), body);
  }),
  route('GET', '/api/v1/instances', 'list', 'list', 'any', (world, asked) => listInstances(listed(world, asked).map((each) => row(world, each)), asked.query)),
  route('GET', '/api/v0/instances', 'list', 'list', 'any', (world, asked) => {
    const instances = listed(world, asked).map((each) => row(world, each));
    return { success: true, instances_found: instances.length, instances };
  }),
  route('GET', '/api/v0/instances/filters', 'list', 'list', 'any', (world, asked) => ({
    success: true,
    filters: listed(world, asked).map((each) => ({ actual_status: each.actual, verification: each.machine.verified ? 'verified' : 'unverified', gpu_name: each.machine.gpu_name })),
  })),
  route('GET', '/api/v0/instances/{id}', 'show', 'show', 'own', (world, asked) => {
    const contract = world.market.contracts.get(idOf(asked));
    return { instances: contract && !contract.gone ? row(world, contract) : null };
  }),
  route('PUT', '/api/v0/instances/{id}', 'change', 'change', 'own', (world, asked) => {
    change(world, world.market.own(idOf(asked)), asked.body);
    return done;
  }),
  route('PUT', '/api/v0/instances', 'change', 'change', 'no', (world, { body }) => {
    for (const contract of idsOf(body, 'ids').map((id) => world.market.own(id))) change(world, contract, body);
    return done;
  }),
  route('DELETE', '/api/v0/instances/{id}', 'destroy', 'destroy', 'own', (world, asked) => {
    destroy(world, world.market.own(idOf(asked)));
    return done;
  }),
  route('DELETE', '/api/v0/instances', 'destroy', 'destroy', 'no', (world, { body }) => {
    for (const id of idsOf(body, 'instance_ids')) {
      const contract = world.market.contracts.get(id);
      if (contract && !contract.gone) destroy(world, contract);
    }
    return done;
  }),
  route('PUT', '/api/v0/instances/reboot/{id}', 'change', 'change', 'no', ({ market }, asked) => {
    market.life.reboot(market.own(idOf(asked)), false);
    return done;
  }),
  route('PUT', '/api/v0/instances/recycle/{id}', 'change', 'change', 'no', ({ market }, asked) => {
    market.life.reboot(market.own(idOf(asked)), true);
    return done;
  }),
  route('PUT', '/api/v0/instances/bid_price/{id}', 'change', 'change', 'no', ({ market }, asked) => {
    market.rebid(market.own(idOf(asked)), Number(asked.body['price']));
    return done;
  }),
  route('PUT', '/api/v0/instances/request_logs/{id}', 'logs', 'show', 'no', requestLogs),
  route('GET', '/api/v0/instances/balance/{id}', 'show', 'show', 'no', ({ market }, asked) => (market.own(idOf(asked)), { refundable_deposit: 0, total_discount: 0, discount_months: 0 })),
  route('POST', '/api/v0/instances/{id}/ssh', 'change', 'change', 'no', ({ market }, asked) => {
    market.addKey(market.own(idOf(asked)).keys, asked.body['ssh_key']);
    return { success: true, msg: 'SSH key attached' };
  }),
  route('GET', '/api/v0/instances/{id}/ssh', 'show', 'show', 'no', ({ market }, asked) => ({
    success: true,
    ssh_keys: JSON.stringify(market.own(idOf(asked)).keys.map(({ id, public_key }) => ({ id, name: public_key.split(' ')[2] ?? '', public_key }))),
  })),
  route('DELETE', '/api/v0/instances/{id}/ssh/{id}', 'change', 'change', 'no', ({ market }, asked) => {
    const contract = market.own(idOf(asked));
    if (!contract.keys.some(({ id }) => id === asked.params[1])) throw new ApiError(404, 'not_found', 'no such key');
    contract.keys = contract.keys.filter(({ id }) => id !== asked.params[1]);
    return done;
  }),
  route('GET', '/api/v0/ssh', 'account', 'account', 'no', ({ market, account, clock }) =>
    market.accountKeys.map(({ id, public_key }) => ({ id, user_id: account.id, key: public_key, public_key, created_at: epoch(clock.now()), deleted_at: null })),
  ),
  route('POST', '/api/v0/ssh', 'account', 'account', 'no', ({ market }, { body }) => ({ success: true, key: market.addKey(market.accountKeys, body['ssh_key']) })),
  route('DELETE', '/api/v0/ssh/{id}', 'account', 'account', 'no', ({ market }, asked) => {
    const index = market.accountKeys.findIndex(({ id }) => id === idOf(asked));
    if (index < 0) throw new ApiError(404, 'not_found', 'no such key');
    market.accountKeys.splice(index, 1);
    return done;
  }),
  route('GET', '/api/v0/users/current', 'account', 'account', 'no', ({ market, account }) => {
    const credit = round(market.life.credit());
    return {
      ...account, username: 'demo', fullname: 'Demo Account', credit, balance: 0, ssh_key: market.accountKeys[0]?.public_key ?? '', api_key: '', balance_threshold: 0, balance_threshold_enabled: false,
      autobill_threshold: null, autobill_amount: null, can_pay: false, has_billing: true, last4: null, total_spend: -round(market.bill().reduce((sum, { usd }) => sum + usd, 0)),
    };
  }),
  route('GET', '/api/v0/charges', 'charges', 'account', 'no', charges),
  ...(['/api/v0/audit_logs', '/api/v1/audit_logs'] as const).map((each) =>
    route('GET', each, 'account', 'account', 'no', ({ audits }) => audits.map(({ route: api_route, method, at }) => ({ ip_address: '127.0.0.1', api_key_id: 1, created_at: epoch(at), api_route, args: { method } }))),
  ),
];
