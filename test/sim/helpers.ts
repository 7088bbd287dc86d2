import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClock } from '../../src/clock.ts';
import { startSim, type ScenarioInput, type Sim } from '../../src/sim/index.ts';

export const SCALE = 600;
export const clock = createClock(SCALE);
const real = createClock();

export interface Answer {
  status: number;
  type: string | null;
  body: Record<string, unknown>;
  text: string;
}

export interface World {
  sim: Sim;
  dir: string;
  /** A request as the account, or with another key (null sends none). */
  ask(method: string, path: string, body?: unknown, key?: string | null): Promise<Answer>;
  close(): Promise<void>;
}

export async function world(scenario?: string | ScenarioInput): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), 'sim-'));
  const sim = await startSim({ scenario, clock, dir: join(dir, 'boxes') });
  return {
    sim,
    dir,
    async ask(method, path, body, key = sim.apiKey) {
      const answer = await fetch(`${sim.url}${path}`, {
        method,
        headers: { ...(key !== null && { authorization: `Bearer ${key}` }), ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      let parsed: unknown = null;
      try {
        parsed = JSON.parse(text);
      } catch {
        // a log is no JSON
      }
      return { status: answer.status, type: answer.headers.get('content-type'), body: (parsed ?? {}) as Record<string, unknown>, text };
    },
    async close() {
      await sim.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Polls until `look` gives something. */
export async function until<T>(look: () => T | null | undefined | false | Promise<T | null | undefined | false>, what: string, ms = 40_000): Promise<T> {
  const end = real.now() + ms;
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    if (real.now() > end) throw new Error(`never came: ${what}`);
    await real.sleep(20);
  }
}

export const RENT = { client_id: 'me', image: 'pytorch/pytorch:2.6.0', env: {}, price: null, disk: 20, label: 'vastsit:demo:1', onstart: '', runtype: 'ssh_direc ssh_proxy', cancel_unavail: true };

/** Rents the cheapest offer that fits; resolves with the new contract's id and key. */
export async function rent(w: World, terms: Record<string, unknown> = {}, query: Record<string, unknown> = {}): Promise<{ id: number; key: string; machine_id: number }> {
  const search = await w.ask('POST', '/api/v0/bundles/', { order: [['dph_total', 'asc']], ...query });
  const [offer] = search.body['offers'] as { id: number; machine_id: number }[];
  if (!offer) throw new Error('no offer');
  const made = await w.ask('PUT', `/api/v0/asks/${offer.id}/`, { ...RENT, ...terms });
  if (made.status !== 200) throw new Error(made.text);
  return { id: made.body['new_contract'] as number, key: made.body['instance_api_key'] as string, machine_id: offer.machine_id };
}

export async function show(w: World, id: number): Promise<Record<string, unknown> | null> {
  return (await w.ask('GET', `/api/v0/instances/${id}/?owner=me`)).body['instances'] as Record<string, unknown> | null;
}

export const running = (w: World, id: number): Promise<number> => until(() => w.sim.instances().find((each) => each.id === id && each.actual_status === 'running')?.port, `instance ${id} running`);

export interface Ssh {
  publicKey: string;
  /** Arguments of ssh up to the host, then more. */
  args(port: number, ...more: string[]): string[];
  run(port: number, command: readonly string[], input?: Buffer, ...more: string[]): Promise<{ code: number | null; stdout: Buffer; stderr: string }>;
}

/** A key of its own in `dir`, and the OpenSSH client as a program uses it. */
export async function sshIn(dir: string): Promise<Ssh> {
  const key = join(dir, 'id');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', key]);
  const args = (port: number, ...more: string[]): string[] => [
    '-F', 'none', '-i', key, '-p', String(port), '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=accept-new', '-o', `UserKnownHostsFile=${join(dir, 'known_hosts')}`, '-o', 'LogLevel=ERROR', ...more, 'root@127.0.0.1',
  ];
  return {
    publicKey: (await readFile(`${key}.pub`, 'utf8')).trim(),
    args,
    run: (port, command, input, ...more) =>
      new Promise((resolve, reject) => {
        const child = spawn('ssh', [...args(port, ...more), ...command], { stdio: 'pipe' });
        const out: Buffer[] = [];
        let stderr = '';
        child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
        child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
        child.on('error', reject);
        child.stdin.on('error', () => undefined);
        child.on('close', (code) => resolve({ code, stdout: Buffer.concat(out), stderr }));
        child.stdin.end(input);
      }),
  };
}
