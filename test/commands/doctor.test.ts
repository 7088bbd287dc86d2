/** `doctor`: each finding with its remedy, and the rehearsal of the lease on a box of the embedded market. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClock } from '../../src/clock.ts';
import { findings } from '../../src/commands/doctor.ts';
import { RefusedError } from '../../src/headless/errors.ts';
import { openJournal } from '../../src/journal/index.ts';
import { rehearse } from '../../src/commands/rehearse.ts';
import { startSim, type ScenarioInput, type Sim } from '../../src/sim/index.ts';
import { makeSpec } from '../core/spec-factory.ts';

const SCALE = 60;
let root: string;
let sim: Sim | null = null;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'vastsit-doctor-'));
});
afterEach(async () => {
  await sim?.close();
  sim = null;
  await rm(root, { recursive: true, force: true });
});

const market = async (scenario: ScenarioInput = {}, scale = SCALE): Promise<Sim> => (sim = await startSim({ scenario: { loading: { provision: '2s', pull: '10s', destroy: '2s', stop: '2s' }, ...scenario }, clock: createClock(scale), dir: join(root, 'market') }));
/** An environment without the user's own keys. */
const envOf = (more: Record<string, string> = {}): Record<string, string> => ({ PATH: process.env['PATH'] ?? '', HOME: root, VASTSIT_HOME: join(root, 'state'), ...more });
const look = async (env: Record<string, string>): Promise<Record<string, { ok: boolean; found: string; remedy: string | null }>> =>
  Object.fromEntries((await findings({ env, dir: join(root, 'state'), project: root, wire: createClock() })).map(({ check, ...rest }) => [check, rest]));

describe('what doctor finds', () => {
  it('with all in order', async () => {
    // At the wire's own pace, or each slow second of this machine is a minute by which its clock is wrong.
    const { url, apiKey } = await market({ strangers: [{ label: 'other' }] }, 1);
    const found = await look(envOf({ VAST_URL: url, VAST_API_KEY: apiKey, OPENAI_API_KEY: 'sk-canary-of-the-doctor', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }));
    expect(Object.values(found).filter(({ ok }) => !ok)).toEqual([]);
    expect(Object.keys(found)).toEqual(['node', 'ssh', 'ssh-keygen', 'state', 'project', 'api key', 'market', 'instances', 'clock', 'language model']);
    expect(found).toMatchObject({ market: { found: expect.stringMatching(/^credit \$\d/) as unknown }, instances: { found: expect.stringMatching(/^1, billing \$0\.\d+\/h/) as unknown }, 'language model': { found: 'a key is set, at 127.0.0.1:9' } });
    for (const secret of [apiKey, 'sk-canary']) expect(JSON.stringify(found)).not.toContain(secret);
  });

  it('without a key or a model: what to do, and that the rules do the job', async () => {
    expect(await look(envOf())).toMatchObject({ 'api key': { ok: false, remedy: expect.stringContaining('vastai set api-key') as unknown }, 'language model': { ok: true, remedy: expect.stringContaining('OPENAI_API_KEY') as unknown } });
  });

  it('a key file that others can read, a 2FA session that has ended, and one that will', async () => {
    const { url, apiKey } = await market();
    await mkdir(join(root, '.config/vastai'), { recursive: true });
    const file = join(root, '.config/vastai/vast_tfa_key');
    await writeFile(file, apiKey, { mode: 0o644 });
    expect(await look(envOf({ VAST_URL: url }))).toMatchObject({ 'api key': { ok: true, remedy: `chmod 600 ${file}` } });
    await chmod(file, 0o600);
    expect(await look(envOf({ VAST_URL: url }))).toMatchObject({ 'api key': { ok: true, found: expect.stringContaining('2FA session') as unknown } });
    sim?.inject({ fault: 'api 401' });
    expect(await look(envOf({ VAST_URL: url }))).toMatchObject({ market: { ok: false, remedy: expect.stringContaining('has ended: log in again') as unknown } });
  });

  it('no credit, a key that may not list, a clock that is wrong, a state folder that is open to others', async () => {
    const { url, apiKey } = await market({ credit_usd: 0, faults: [{ fault: 'clock ahead by 2h' }, { fault: 'api list 401' }] });
    await mkdir(join(root, 'state'), { mode: 0o755 });
    const found = await look(envOf({ VAST_URL: url, VAST_API_KEY: apiKey }));
    expect(found).toMatchObject({
      market: { ok: false, remedy: expect.stringContaining('Billing') as unknown }, instances: { ok: false, found: 'cannot be listed' },
      state: { ok: false, remedy: `chmod 700 ${join(root, 'state')}` },
    });
    expect(found['clock']).toMatchObject({ ok: false, found: expect.stringMatching(/^1\d\d min behind Vast's$/) as unknown });
  });
});

describe('the rehearsal of the lease', { timeout: 60_000 }, () => {
  const said: string[] = [];
  const io = { out: (line: string) => void said.push(line), talk: (line: string) => void said.push(line) };
  const begin = async (options: Partial<Parameters<typeof rehearse>[1]> = {}, more = '') => {
    said.length = 0;
    const { url, apiKey } = sim ?? (await market());
    await writeFile(join(root, 'spec.yaml'), `name: mine\nimage: pytorch/pytorch:2.6.0\nhardware: { gpu: [RTX 4090], disk_gb: 20, max_usd_per_hour: 0.6 }\nrun: never-run-me\nkill: { hours: 1, dollars: 1 }\n${more}`);
    return rehearse(io, { env: envOf({ VAST_URL: url, VAST_API_KEY: apiKey }), dir: join(root, 'state'), wire: createClock(10), specPath: join(root, 'spec.yaml'), yes: true, json: false, scale: SCALE, times: { command_s: 2, lease_s: 3, grace_s: 1, late_s: 600 }, ...options });
  };
  const ours = (): unknown[] => sim?.bill().filter(({ gone, label }) => !gone && label !== null) ?? [];

  it('falls silent, sees the box end its own billing with its own key, destroys it, and reads that back', async () => {
    expect(await begin({ json: true }), said.join('\n')).toBe(0);
    const result = JSON.parse(said.at(-1) ?? '') as Record<string, unknown>;
    expect(result).toMatchObject({ type: 'rehearsal', ok: true, lease_s: 3, grace_s: 1, reason: null });
    expect(Number(result['usd_per_hour_then'])).toBeLessThan(0.05);
    expect(said.join('\n')).toMatch(/silent from now[\s\S]*the market says of it: running[\s\S]*the market says of it: exited/);
    expect([ours(), sim?.bill().length]).toEqual([[], 1]);
    expect(said.join('\n')).not.toContain('never-run-me');
  });

  it('says so when the box cannot end its billing, and ends it all the same', async () => {
    await market({ faults: [{ fault: 'api change 500 at 1m' }] });
    expect(await begin({ times: { command_s: 2, lease_s: 3, grace_s: 1, late_s: 30 } }), said.join('\n')).toBe(1);
    expect(said.at(-1)).toMatch(/^the lease is not proven: its billing did not end within 34 s/);
    expect(ours()).toEqual([]);
  });

  it('rents nothing without a yes, and nothing while a run is open', async () => {
    await expect(begin({ yes: false, ask: (question) => (said.push(question), Promise.resolve(false)) })).rejects.toThrow(RefusedError);
    expect(said.join()).toMatch(/Rent one for about five minutes at \$0\.\d{3}\/h \(at most \$0\.\d\d\)/);
    const journal = await openJournal({ dir: join(root, 'state'), clock: createClock(), wire: createClock(), redact: (text) => text });
    journal.append([{ type: 'run.submitted', run: 'night', spec: makeSpec(), spec_path: '/nowhere', warnings: [] }], { sync: true });
    await journal.close();
    await expect(begin()).rejects.toThrow(/night is open here, and a rehearsal falls silent/);
    expect(sim?.bill()).toEqual([]);
  });
});
