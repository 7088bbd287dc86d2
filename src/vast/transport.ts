/** The one place that talks to Vast: where the key meets the wire, and where every answer is judged. */
import type { Clock } from '../core/ports.ts';
import { isRecord, lost, noKey, refusal, unreadable, type Asked } from './errors.ts';
import type { Endpoint, Pacer } from './pacing.ts';

const DEADLINE_MS = 30_000;
const LARGEST_BYTES = 32 * 2 ** 20;

export interface Call extends Asked {
  endpoint: Endpoint;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** From the root, with the slash at its end where Vast wants one: `/api/v0/instances/42/`. */
  path: string;
  /** Strings go as they are, everything else as JSON. */
  query?: Readonly<Record<string, unknown>>;
  body?: Readonly<Record<string, unknown>>;
  /** Called when the request goes out. */
  begun?: () => void;
}

export interface Transport {
  /** One call when its turn comes; resolves with the answer's object, rejects with MarketError. */
  readonly send: (call: Call) => Promise<Record<string, unknown>>;
  /** GET of a foreign address without the key; any status resolves, no answer rejects with `unavailable`. */
  readonly fetchForeign: (asked: Asked, url: string, deadlineMs: number) => Promise<{ status: number; text: string }>;
}

export interface TransportOptions {
  /** Scheme, host and port: "https://console.vast.ai". */
  url: string;
  apiKey: string | null;
  pacer: Pacer;
  /** Real time, for deadlines. */
  wire: Clock;
  fetch: typeof fetch;
  /** Called with the server's own time (epoch ms) of each answer of Vast's that tells it. */
  dated?: (at: number) => void;
}

export function createTransport({ url, apiKey, pacer, wire, fetch, dated = () => undefined }: TransportOptions): Transport {
  const root = url.replace(/\/+$/, '');
  const scrub = (text: string): string => (apiKey ? text.replaceAll(apiKey, '[key]').replaceAll(encodeURIComponent(apiKey), '[key]') : text);

  const exchange = async (asked: Asked, target: string, init: RequestInit, deadlineMs: number): Promise<{ status: number; text: string }> => {
    const abort = new AbortController();
    const cancel = wire.after(deadlineMs, () => abort.abort());
    try {
      const response = await fetch(target, { ...init, signal: abort.signal });
      const at = Date.parse(response.headers.get('date') ?? '');
      if (target.startsWith(`${root}/api/`) && !Number.isNaN(at)) dated(at);
      return { status: response.status, text: await readText(response) };
    } catch (error) {
      // Only a code is passed on: the message of a failed fetch may quote addresses and headers.
      throw lost(asked, abort.signal.aborted ? `no answer in ${Math.round(deadlineMs / 1_000)} s` : codeOf(error));
    } finally {
      cancel();
    }
  };

  const send = async (call: Call): Promise<Record<string, unknown>> => {
    const headers: Record<string, string> = { authorization: `Bearer ${apiKey}`, accept: 'application/json', 'user-agent': 'vastsit-tui' };
    if (call.method !== 'GET') headers['content-type'] = 'application/json';
    const init: RequestInit = { method: call.method, headers, redirect: 'manual' };
    if (call.method !== 'GET') init.body = JSON.stringify(call.body ?? {});
    const { status, text } = await exchange(call, root + call.path + queryOf(call.query), init, DEADLINE_MS);
    const body = parse(text);
    if (status < 200 || status >= 300) throw refusal(call, status, body, text, scrub);
    if (!isRecord(body)) throw unreadable(call, body === undefined ? 'no JSON, or only a part of it' : 'JSON, but no object', status);
    const failed = body['success'] === false || (body['success'] !== true && typeof body['error'] === 'string' && body['error'] !== '');
    if (failed) throw refusal(call, status, body, text, scrub);
    return body;
  };

  return {
    send: async (call) => {
      if (!apiKey) throw noKey('There is no Vast API key.');
      if (!/^[\x21-\x7e]+$/.test(apiKey)) throw noKey('The Vast API key holds a blank or a character that no key has.');
      return pacer.run(call, () => {
        call.begun?.();
        return send(call);
      });
    },
    fetchForeign: (asked, target, deadlineMs) => exchange(asked, target, {}, deadlineMs),
  };
}

function queryOf(query: Call['query']): string {
  if (!query) return '';
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) params.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  return `?${params.toString()}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  for await (const part of body ?? []) {
    bytes += part.byteLength;
    if (bytes > LARGEST_BYTES) throw Object.assign(new Error('too large'), { code: 'ANSWER_TOO_LARGE' });
    parts.push(part);
  }
  return new TextDecoder().decode(Buffer.concat(parts));
}

/** The system's word for what went wrong (ECONNREFUSED, UND_ERR_SOCKET), or plain words. */
function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    if ('code' in at && typeof at.code === 'string' && /^[A-Z][A-Z0-9_]{2,40}$/.test(at.code)) return at.code;
  }
  return 'connection failed';
}
