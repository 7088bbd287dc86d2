/** A real HTTP server whose answers a test scripts, and a market that talks to it. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { createClock } from '../../src/clock.ts';
import { MarketError, type Clock, type Market } from '../../src/core/ports.ts';
import { createVastMarket } from '../../src/vast/index.ts';

export const KEY = 'c0ffee00canary'.repeat(4);

export interface Seen {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: IncomingHttpHeaders;
  body: string;
}

/** `drop` closes the connection without an answer, `half` in the middle of one, `never` leaves it open. */
export type Answer = { status?: number; json?: unknown; text?: string; headers?: Record<string, string> } | 'drop' | 'half' | 'never';

export interface Scripted {
  url: string;
  seen: Seen[];
  market: Market;
}

/** Starts the server for one test; `answer` is asked with the request and how many came before it. */
export async function scripted(answer: (seen: Seen, nth: number) => Answer | Promise<Answer>, { wireScale = 1, wire = createClock(wireScale), apiKey = KEY }: { wireScale?: number; wire?: Clock; apiKey?: string | null } = {}): Promise<Scripted> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
      const one: Seen = { method: request.method ?? '', path: pathname, query: Object.fromEntries(searchParams), headers: request.headers, body };
      seen.push(one);
      void Promise.resolve(answer(one, seen.length - 1)).then((said) => {
        if (said === 'never') return;
        if (said === 'drop') return request.socket.destroy();
        if (said === 'half') {
          response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
          response.write('{"success": true, "new_');
          return setImmediate(() => request.socket.destroy());
        }
        response.writeHead(said.status ?? 200, said.headers ?? { 'content-type': 'application/json' });
        response.end(said.text ?? JSON.stringify(said.json ?? { success: true }));
      });
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, seen, market: createVastMarket({ url, apiKey, clock: createClock(1_000), wire, jitter: () => 0.5 }) };
}

/** The MarketError that a call rejects with; fails when it resolves, rejects with anything else, or tells the key. */
export async function failureOf(call: Promise<unknown>): Promise<MarketError> {
  const error: unknown = await call.then(
    () => 'resolved',
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MarketError);
  if (!(error instanceof MarketError)) throw new Error('no MarketError');
  const told = `${error.message} ${error.stack ?? ''} ${JSON.stringify(error)} ${String(error.cause)}`;
  expect(told).not.toContain(KEY);
  expect(told).not.toContain('Bearer');
  return error;
}

export const ROW = {
  id: 7835610, machine_id: 22990, host_id: 125418, actual_status: 'running', intended_status: 'running', cur_state: 'running', next_state: 'running',
  status_msg: 'success, running image/ssh\n', label: 'vastsit:night:1', image_runtype: 'ssh_direc ssh_proxy', extra_env: [['A', 'b']], jupyter_token: 'x',
  ssh_host: 'ssh4.vast.ai', ssh_idx: '4', ssh_port: 35610, public_ipaddr: '203.0.113.7 \n', ports: { '22/tcp': [{ HostIp: '0.0.0.0', HostPort: '40022' }] },
  is_bid: false, start_date: 1788000000.12, end_date: 1790592000, num_gpus: 1, gpu_name: 'RTX 4090', gpu_ram: 24564, gpu_util: 97, gpu_temp: 61,
  disk_space: 20, disk_usage: 3.2, inet_up_cost: 0.003, inet_down_cost: 0.003, inet_up_billed: 512, inet_down_billed: 5120, dph_base: 0.3,
  dph_total: 0.3041667, storage_cost: 0.15, storage_total_cost: 0.0041667, min_bid: 0.12, geolocation: 'Texas, US',
};

export const OFFER = {
  id: 11684738, machine_id: 22990, host_id: 125418, gpu_name: 'RTX 4090', num_gpus: 1, gpu_ram: 24564, cpu_ram: 64393, cpu_cores_effective: 24,
  disk_space: 1607.9, dph_base: 0.24667, dph_total: 0.24668, min_bid: 0.09, storage_cost: 0.15, inet_up_cost: 0.003, inet_down_cost: 0.003, inet_up: 77.7,
  inet_down: 105.9, reliability: 0.99, cuda_max_good: 12.2, driver_version: '535.183.01', direct_port_count: 249, geolocation: 'Guangxi, CN',
  verification: 'verified', duration: 13356528.5, rentable: true,
};
