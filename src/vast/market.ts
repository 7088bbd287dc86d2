/** The rental market over Vast's HTTP API. */
import { randomInt } from 'node:crypto';
import type { Instance, Offer } from '../core/market.ts';
import { MarketError, type Clock, type Market } from '../core/ports.ts';
import { fetchLog } from './logs.ts';
import { senseless, unreadable, type Asked } from './errors.ts';
import { createPacer } from './pacing.ts';
import { createBody, createProblem, isPrice, PRICE_RANGE, searchBody } from './search.ts';
import { createTransport, type Call, type Transport } from './transport.ts';
import { readAccount, readInstance, readOffer, toId, toNumber } from './wire.ts';

export const DEFAULT_URL = 'https://console.vast.ai';
const PAGE = 25;
const MOST_PAGES = 400;

export interface VastMarketOptions {
  /** Scheme, host and port; DEFAULT_URL unless the user says otherwise. */
  url: string;
  /** null or empty: every call rejects with `no_key`. */
  apiKey: string | null;
  /** The product's clock (scaled in the demo): paces the calls. */
  clock: Clock;
  /** Real time: deadlines of requests. */
  wire: Clock;
  fetch?: typeof fetch;
  /** Dice for back-off, 0 to 1. */
  jitter?: () => number;
}

export interface VastMarket extends Market {
  /** How far Vast's clock is ahead of ours, ms, by its answers; null before the first one. */
  clockSkew(): number | null;
}

/** A clock that is this much off is no delay of an answer any more. */
const SKEW_STEP_MS = 30_000;

/**
 * Builds the client; sends nothing. Times in instances are told by our clock, whatever Vast's clock says.
 * Throws MarketError `invalid` when `url` is no plain http(s) address.
 */
export function createVastMarket({ url, apiKey, clock, wire, fetch = globalThis.fetch, jitter = dice }: VastMarketOptions): VastMarket {
  checkUrl(url);
  let skew: number | null = null;
  let waiting: Promise<Instance[]> | null = null;
  const dated = (at: number): void => {
    const ahead = at - clock.now();
    if (skew === null || Math.abs(ahead - skew) > SKEW_STEP_MS) skew = ahead;
  };
  const transport = createTransport({ url, apiKey: apiKey?.trim() || null, pacer: createPacer({ clock, jitter }), wire, fetch, dated });
  const { send } = transport;
  const ourTime = (one: Instance): Instance => {
    const late = Math.abs(skew ?? 0) > SKEW_STEP_MS ? (skew ?? 0) / 1_000 : 0;
    return { ...one, start_date: one.start_date === null ? null : one.start_date - late, end_date: one.end_date === null ? null : one.end_date - late };
  };

  /** A call about one instance, whose id becomes a part of a path. */
  const about = async (id: number, call: Omit<Call, 'path'>, path: (id: number) => string): Promise<Record<string, unknown>> => {
    if (toId(id) === null) throw senseless(call, 'the instance id must be a whole positive number');
    return send({ ...call, path: `/api/v0/instances/${path(id)}` });
  };

  return {
    async searchOffers(query) {
      const call: Call = { endpoint: 'search', doing: 'search for offers', method: 'POST', path: '/api/v0/bundles/', body: searchBody(query) };
      const { offers: rows } = await send(call);
      if (!Array.isArray(rows)) throw unreadable(call, 'no list of offers');
      const offers = rows.map(readOffer).filter((offer): offer is Offer => offer !== null);
      if (offers.length === 0 && rows.length > 0) throw unreadable(call, 'not one offer has an id and a price');
      return offers;
    },

    async create(offerId, request) {
      const asked = { endpoint: 'create', doing: 'create an instance', once: true } as const;
      const problem = toId(offerId) === null ? 'the offer id must be a whole positive number' : createProblem(request);
      if (problem !== null) throw senseless(asked, problem);
      const answer = await send({ ...asked, method: 'PUT', path: `/api/v0/asks/${offerId}/`, body: createBody(request) });
      const contract = toId(answer['new_contract']);
      if (contract === null) throw unreadable(asked, 'a success without the new instance\'s id');
      return { new_contract: contract };
    },

    clockSkew: () => skew,

    // Who asks while a list still waits for its turn gets that one: it is as fresh as a list of his own would be.
    list: () => (waiting ??= listAll(transport, () => (waiting = null)).then((all) => all.map(ourTime))),

    async show(id) {
      const asked: Asked = { endpoint: 'show', doing: 'show an instance' };
      try {
        const answer = await about(id, { ...asked, endpoint: 'show', method: 'GET', query: { owner: 'me' } }, (own) => `${own}/`);
        const shown = readShown(asked, id, answer['instances']);
        return shown && ourTime(shown);
      } catch (error) {
        if (error instanceof MarketError && error.failure === 'not_found' && error.detail.status === 404) return null;
        throw error;
      }
    },

    async destroy(id) {
      try {
        await about(id, { endpoint: 'destroy', doing: 'destroy an instance', method: 'DELETE' }, (own) => `${own}/`);
      } catch (error) {
        if (error instanceof MarketError && error.failure === 'not_found') return;
        throw error;
      }
    },

    async setState(id, state) {
      await about(id, { endpoint: 'change', doing: state === 'running' ? 'start an instance' : 'stop an instance', method: 'PUT', body: { state } }, (own) => `${own}/`);
    },

    async label(id, label) {
      await about(id, { endpoint: 'change', doing: 'label an instance', method: 'PUT', body: { label } }, (own) => `${own}/`);
    },

    async changeBid(id, usdPerHour) {
      const call = { endpoint: 'bid', doing: 'change a bid', method: 'PUT', body: { client_id: 'me', price: usdPerHour } } as const;
      if (!isPrice(usdPerHour)) throw senseless(call, PRICE_RANGE);
      await about(id, call, (own) => `bid_price/${own}/`);
    },

    async attachKey(id, publicKey) {
      const key = publicKey.trim();
      const call = { endpoint: 'ssh', doing: 'attach an SSH key', method: 'POST', body: { ssh_key: key } } as const;
      if (!/^(ssh|ecdsa|sk)-\S+ \S+( [^\r\n]*)?$/.test(key)) throw senseless(call, 'this is no public SSH key of one line');
      try {
        await about(id, call, (own) => `${own}/ssh/`);
      } catch (error) {
        if (error instanceof MarketError && error.failure === 'invalid' && /already (been )?(associated|exist|attached|added)/i.test(error.message)) return;
        throw error;
      }
    },

    async account() {
      const call: Call = { endpoint: 'account', doing: 'read the account', method: 'GET', path: '/api/v0/users/current' };
      const account = readAccount(await send(call));
      if (account === null) throw unreadable(call, 'no credit in it');
      return account;
    },

    async logs(id, tail) {
      const call = { endpoint: 'logs', doing: 'fetch the logs', method: 'PUT', body: { tail: String(tail) } } as const;
      if (!Number.isSafeInteger(tail) || tail < 1) throw senseless(call, 'the number of lines must be whole and positive');
      return fetchLog(call, await about(id, call, (own) => `request_logs/${own}/`), transport, wire);
    },
  };
}

/** Every page. `begun` is called when the first request goes out. */
async function listAll({ send }: Transport, begun: () => void): Promise<Instance[]> {
  const asked = { endpoint: 'list', doing: 'list the instances', method: 'GET', path: '/api/v1/instances/' } as const;
  const found = new Map<number, Instance>();
  const tokens = new Set<string>();
  let promised: number | null = 0;
  for (let token: string | null = null; ; ) {
    const page = await send({
      ...asked,
      ...(token === null && { begun }),
      query: { select_filters: {}, order_by: [{ col: 'id', dir: 'asc' }], limit: PAGE, ...(token !== null && { after_token: token }) },
    });
    const rows = page['instances'];
    if (!Array.isArray(rows)) throw unreadable(asked, 'no list of instances');
    for (const row of rows) {
      if (typeof row !== 'object' || row === null) continue;
      const instance = readInstance(row);
      if (instance === null) throw unreadable(asked, 'an instance without an id');
      found.set(instance.id, instance);
    }
    const onPage = toNumber(page['instances_found']);
    promised = promised === null || onPage === null ? null : promised + onPage;
    const next = page['next_token'] ?? null;
    if (next === null || next === '') {
      // An answer that does not say how many there are proves nothing: short is not empty, and not gone.
      const total = toNumber(page['total_instances']) ?? promised;
      if (total === null) throw unreadable(asked, 'no count of instances, so the list may be short');
      if (found.size < total) throw unreadable(asked, `only ${found.size} of ${total} instances`);
      return [...found.values()];
    }
    if (typeof next !== 'string' || tokens.has(next) || tokens.size >= MOST_PAGES) throw unreadable(asked, 'the pages of the list never end');
    tokens.add(next);
    token = next;
  }
}

/** The object under the plural key; Vast has also sent a list there. Only an explicit null means gone. */
function readShown(asked: Asked, id: number, shown: unknown): Instance | null {
  if (shown === null) return null;
  const instance = (Array.isArray(shown) ? shown : [shown]).map(readInstance).find((row) => row?.id === id);
  if (!instance) throw unreadable(asked, `no instance ${id} in it`);
  return instance;
}

function checkUrl(url: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const plain = parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.username === '' && parsed.password === '' && parsed.search === '' && parsed.hash === '';
  if (!plain) throw new MarketError('invalid', `VAST_URL must be a plain http or https address such as ${DEFAULT_URL}.`);
}

function dice(): number {
  return randomInt(0, 1_001) / 1_000;
}
