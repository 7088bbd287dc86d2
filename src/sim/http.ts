/** The market's HTTP server: who asks, what goes wrong with requests, and the answer as bytes. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Clock } from '../core/ports.ts';
import type { Contract } from './contract.ts';
import type { ApiFault } from './fault.ts';
import { ApiError, isRow, type Row } from './filter.ts';
import type { SimMarket } from './market.ts';
import { ROUTES, type Route, type World } from './routes.ts';

export interface HttpServer {
  port: number;
  close(): Promise<void>;
}

export interface HttpOptions {
  market: SimMarket;
  world: World;
  clock: Clock;
  apiKey: string;
  port: number;
  /** Called for every request: an audit of who asked what. */
  audit: (entry: { route: string; method: string; at: number }) => void;
}

const MAX_BODY = 1 << 20;
/** The answer never comes, or the connection breaks. */
class NoAnswer extends Error {}
/** An error whose body has another shape than the usual three fields. */
class Plain extends Error {
  constructor(
    readonly status: number,
    readonly body: string | Row,
  ) {
    super('an error in a shape of its own');
  }
}

/** Listens on 127.0.0.1 (`port` 0 takes a free one). */
export async function serveMarket({ market, world, clock, apiKey, port, audit }: HttpOptions): Promise<HttpServer> {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const method = request.method ?? 'GET';
    const path = url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`;
    audit({ route: url.pathname, method, at: clock.now() });
    const text = await readBody(request);
    const found = findRoute(method, path);
    if (!found) throw new ApiError(404, 'not_found', 'no such route');
    const { route, params } = found;
    if (route.open) return send(response, await route.answer(world, { method, params, query: url.searchParams, body: {}, container: null, headers: request.headers }));
    const fault = market.apiFault(route.api);
    if (fault) misbehave(fault);
    const container = authorize(request, url, route, params);
    const answer = await route.answer(world, { method, params, query: url.searchParams, body: parseBody(text), container, headers: request.headers });
    if (fault?.answer === 'half' || fault?.answer === 'cut') return sendHalf(response, answer, fault.answer === 'cut');
    send(response, fault?.answer === 'empty' ? emptied(answer) : fault?.answer === 'short' ? shortened(answer) : answer);
  };

  /** null: the account itself. Otherwise the contract whose own restricted key was shown. */
  const authorize = (request: IncomingMessage, url: URL, route: Route, params: readonly number[]): Contract | null => {
    const header = request.headers.authorization;
    const key = header === undefined ? url.searchParams.get('api_key') : /^Bearer (.+)$/i.exec(header)?.[1]?.trim();
    if (key === null) throw new ApiError(403, 'auth_error', 'This action requires login.');
    if (key === apiKey) return null;
    const owner = [...market.contracts.values()].find((contract) => contract.key === key && !contract.gone);
    // Vast says 404 on these routes, as if they were not there.
    if (!owner) throw new ApiError(['search', 'charges'].includes(route.name) ? 404 : 401, 'auth_error', 'Invalid user key');
    const allowed = route.container === 'any' || (route.container === 'own' && params[0] === owner.id);
    if (!allowed) throw new ApiError(401, 'auth_error', 'the key lacks a permission group for this route');
    return owner;
  };

  const server = createServer((request, response) => {
    response.setHeader('date', new Date(clock.now() + market.skew()).toUTCString());
    handle(request, response).catch((error: unknown) => {
      if (error instanceof NoAnswer) {
        if (error.message === 'drop') request.socket.destroy();
        return; // the client waits until it gives up, or until the server closes
      }
      if (error instanceof Plain) return send(response, error.body, error.status);
      if (error instanceof ApiError) return send(response, { success: false, error: error.code, msg: error.message, ...error.extra }, error.status);
      if (error instanceof SyntaxError) return send(response, { success: false, error: 'invalid_request', msg: 'not valid JSON' }, 400);
      send(response, { success: false, error: 'internal', msg: error instanceof Error ? error.message : String(error) }, 500);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Ends the request as if the answer had been lost on its way. */
export function loseAnswer(): never {
  throw new NoAnswer('drop');
}

/** Throws what the client gets instead of an answer; returns for faults that change the answer alone. */
function misbehave({ answer }: ApiFault): void {
  switch (answer) {
    case '429':
      throw new ApiError(429, 'rate_limit_exceeded', 'API requests too frequent');
    case '429 text':
      throw new Plain(429, 'API requests too frequent');
    case '429 threshold':
      throw new Plain(429, 'API requests too frequent: endpoint threshold=2.0');
    case '429 detail':
      throw new Plain(429, { detail: 'API requests too frequent endpoint threshold=2.0' });
    case '401':
      throw new ApiError(401, 'auth_error', 'Invalid user key');
    case '404':
      throw new ApiError(404, 'no_such_instance', 'error 404/3603: no such instance');
    case '500':
      throw new ApiError(500, 'server_error', 'Internal Server Error');
    case '503':
      throw new Plain(503, '<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>');
    case 'hangs':
      throw new NoAnswer('hang');
    case 'empty':
    case 'short':
    case 'half':
    case 'cut':
      return;
  }
}

/** A list without its last page; a single page lacks its last row. The counts lie along, so that nothing contradicts. */
function shortened(answer: unknown): unknown {
  if (!isRow(answer) || !Array.isArray(answer['instances'])) return answer;
  const rows: unknown[] = answer['instances'];
  const [total, next] = [Number(answer['total_instances'] ?? rows.length), answer['next_token'] ?? null];
  const kept = next === null ? rows.slice(0, -1) : rows;
  // The page before the last one says that it is the last.
  return { ...answer, instances: kept, instances_found: kept.length, total_instances: next === null ? Math.max(0, total - 1) : rows.length, next_token: null };
}

/** The same answer with nothing in its lists, as an endpoint that was retired gives it. */
function emptied(answer: unknown): unknown {
  if (Array.isArray(answer)) return [];
  if (!isRow(answer)) return answer;
  const kept: Record<string, unknown> = { ...answer };
  for (const [key, value] of Object.entries(answer)) {
    if (Array.isArray(value)) kept[key] = [];
    if (['instances_found', 'total_instances', 'count', 'total'].includes(key)) kept[key] = 0;
    if (key === 'next_token') kept[key] = null;
    if (key === 'label_counts') kept[key] = {};
  }
  return kept;
}

function findRoute(method: string, path: string): { route: Route; params: number[] } | null {
  for (const route of ROUTES) {
    const match = route.method === method ? route.path.exec(path) : null;
    if (match) return { route, params: match.slice(1).map(Number) };
  }
  return null;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new ApiError(400, 'invalid_request', 'the body is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseBody(text: string): Row {
  if (text.trim() === '') return {};
  try {
    const body: unknown = JSON.parse(text);
    if (isRow(body)) return body;
  } catch {
    // said below
  }
  throw new ApiError(400, 'invalid_request', 'Request body must be valid JSON');
}

/** Half of the bytes: as a whole answer of its own, or broken off before its announced end. */
function sendHalf(response: ServerResponse, answer: unknown, cut: boolean): void {
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
  const half = text.slice(0, Math.ceil(text.length / 2));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': cut ? Buffer.byteLength(text) : Buffer.byteLength(half) });
  if (!cut) return void response.end(half);
  response.write(half, () => response.destroy());
}

function send(response: ServerResponse, answer: unknown, status = 200): void {
  if (typeof answer === 'string') {
    response.writeHead(status, { 'content-type': 'text/plain' });
    response.end(answer);
    return;
  }
  // Exactly this type: the official CLIs stumble over a charset.
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer));
}
