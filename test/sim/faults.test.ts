import { afterEach, describe, expect, test } from 'vitest';
import { loadScenario, parseScenario } from '../../src/sim/scenario.ts';
import { FAULT_WORDS, parseFault } from '../../src/sim/fault.ts';
import { rent, RENT, running, show, sshIn, until, world, type World } from './helpers.ts';

describe('the words of faults', () => {
  test.each([
    ['oom at step 40 unless batch_size <= 16', { kind: 'oom', step: 40, unless_batch: 16 }],
    ['oom at step 4', { kind: 'oom', step: 4, unless_batch: null }],
    ['hang', { kind: 'hang', step: 20 }],
    ['missing module einops', { kind: 'missing_module', module: 'einops' }],
    ['slow x2.5 after step 9', { kind: 'slow', factor: 2.5, after: 9 }],
    ['throttled x2 after step 9', { kind: 'throttled', factor: 2, after: 9 }],
    ['nan at step 6', { kind: 'nan', step: 6, shown: null, unless_lr: null }],
    ['nan at step 18 seen at step 25 unless lr <= 0.04', { kind: 'nan', step: 18, shown: 25, unless_lr: 0.04 }],
    ['batches take 1.5 s to load', { kind: 'loading', seconds: 1.5, one_disk: false }],
    ['batches take 48 s to load from one disk', { kind: 'loading', seconds: 48, one_disk: true }],
    ['resume is ignored', { kind: 'resume_ignored' }],
    ['exit 3 at step 5', { kind: 'exit', code: 3, step: 5 }],
    ['host offline at 30s for 2m', { kind: 'host_offline', at_ms: 30_000, for_ms: 120_000 }],
    ['outbid at 1m', { kind: 'outbid', at_ms: 60_000, for_ms: null }],
    ['api list empty for 30s', { kind: 'api', api: 'list', answer: 'empty', at_ms: 0, for_ms: 30_000 }],
    ['api 429 for 5s', { kind: 'api', api: 'any', answer: '429', at_ms: 0, for_ms: 5_000 }],
    ['api destroy 429 threshold at 1m for 5s', { kind: 'api', api: 'destroy', answer: '429 threshold', at_ms: 60_000, for_ms: 5_000 }],
    ['destroy does not stick 3 times', { kind: 'destroy_ignored', times: 3 }],
    ['unlisted for 1m', { kind: 'unlisted', at_ms: 0, for_ms: 60_000 }],
    ['clock behind by 2h', { kind: 'clock', ms: -7_200_000, at_ms: 0, for_ms: null }],
    ['api hangs', { kind: 'api', api: 'any', answer: 'hangs', at_ms: 0, for_ms: null }],
  ])('%s', (text, fault) => expect(parseFault(text)).toEqual(fault));
  test('unknown words list what is understood', () => {
    expect(() => parseFault('gremlins at step 3')).toThrow(/"gremlins at step 3".*oom at step N.*stuck loading/);
    expect(FAULT_WORDS.length).toBeGreaterThan(12);
  });
});

describe('a scenario', () => {
  test.each([
    [{ faults: [{ on: { run: 'x' }, fault: 'gremlins' }] }, /^faults\.0\.fault: "gremlins" is no fault/],
    [{ faults: [{ on: { runs: 'x' }, fault: 'hang' }] }, /^faults\.0\.on: .*runs/],
    [{ faults: [{ on: { machine: 'first' }, fault: 'hang' }] }, /^faults\.0\.on\.run: .*name the run/],
    [{ faults: [{ on: { run: 'x' }, fault: 'hang', for: '30s' }] }, /^faults\.0\.from: "hang" takes no time/],
    [{ faults: [{ on: { run: 'x' }, fault: 'api 429' }] }, /^faults\.0\.on: an api fault/],
    [{ loading: { pull: 'soon' } }, /^loading\.pull: expected a duration/],
    [{ credit_usd: 'much' }, /^credit_usd: /],
    [{ offers: [{ gpu: 'RTX 4090', machine: 1 }, { gpu: 'RTX 4090', machine: 1 }] }, /^offers: two machines/],
  ])('%j names the field', (input, message) => expect(() => parseScenario(input)).toThrow(message));
  test('from and for stand beside the words of an api fault', () => {
    expect(parseScenario({ faults: [{ on: { api: 'list' }, fault: 'empty', from: '60s', for: '30s' }] }).faults[0]?.fault).toEqual({ kind: 'api', api: 'list', answer: 'empty', at_ms: 60_000, for_ms: 30_000 });
  });
  test('is found by its name, and its absence is said', async () => {
    expect((await loadScenario('demo')).faults).toHaveLength(4);
    await expect(loadScenario('no-such')).rejects.toThrow('no scenario "no-such"');
  });
});

describe('what goes wrong', () => {
  let w: World;
  afterEach(() => w.close());

  test('a run\'s first machine sticks in loading, the next does not', async () => {
    w = await world({ faults: [{ on: { run: 'stuck', machine: 'first' }, fault: 'stuck loading' }] });
    const first = await rent(w, { label: 'vastsit:stuck:1' });
    const other = await rent(w, { label: 'vastsit:fine:1' });
    await running(w, other.id);
    const second = await rent(w, { label: 'vastsit:stuck:2' });
    await running(w, second.id);
    expect((await show(w, first.id))?.['actual_status']).toBe('loading');
    expect(second.machine_id).not.toBe(first.machine_id);
  });
  test('the answer of a create is lost once, and the instance is there', async () => {
    w = await world({ faults: [{ on: { instance: 'first' }, fault: 'create times out after success' }] });
    const [offer] = (await w.ask('POST', '/api/v0/bundles/', {})).body['offers'] as { id: number }[];
    await expect(w.ask('PUT', `/api/v0/asks/${offer?.id}/`, RENT)).rejects.toThrow();
    expect(w.sim.instances().map(({ label }) => label)).toEqual([RENT.label]);
    await rent(w, { label: 'vastsit:demo:2' });
  });
  test('a destroy that is accepted does not stick, once', async () => {
    w = await world({ faults: [{ on: { run: 'demo' }, fault: 'destroy does not stick' }] });
    const { id } = await rent(w);
    expect((await w.ask('DELETE', `/api/v0/instances/${id}/`, {})).body).toEqual({ success: true });
    await running(w, id);
    await w.ask('DELETE', `/api/v0/instances/${id}/`, {});
    await until(async () => (await show(w, id)) === null, 'gone');
  });
  test('requests are answered wrongly for a while', async () => {
    w = await world({});
    await rent(w);
    w.sim.inject({ on: { api: 'list' }, fault: 'empty', for: '10m' });
    expect((await w.ask('GET', '/api/v1/instances/')).body).toMatchObject({ success: true, instances: [], total_instances: 0 });
    await until(async () => ((await w.ask('GET', '/api/v1/instances/')).body['instances'] as unknown[]).length === 1, 'the list again');
    w.sim.inject({ fault: 'api 429 for 1m' });
    expect((await w.ask('GET', '/api/v0/users/current')).status).toBe(429);
    w.sim.inject({ fault: 'api account 401' });
    await until(async () => (await w.ask('GET', '/api/v0/users/current')).status === 401, 'no key any more');
    w.sim.inject({ fault: 'api show hangs for 1h' });
    const asked = w.ask('GET', '/api/v0/instances/1/').catch(() => 'cut off');
    await w.sim.close();
    expect(await asked).toBe('cut off');
  });
  test('a host goes offline, costs nothing meanwhile, and comes back with its processes', async () => {
    w = await world({});
    const ssh = await sshIn(w.dir);
    await w.ask('POST', '/api/v0/ssh/', { ssh_key: ssh.publicKey });
    const { id } = await rent(w);
    const port = await running(w, id);
    await ssh.run(port, ['nohup sleep 500 >/dev/null 2>&1 </dev/null & echo $! > pid']);
    w.sim.inject({ on: { instance: id }, fault: 'host offline for 10m' });
    await until(async () => (await show(w, id))?.['actual_status'] === 'offline', 'offline');
    expect(w.sim.burn()).toBe(0);
    await until(async () => (await ssh.run(port, ['true'])).code === 255, 'no way in');
    await running(w, id);
    await until(async () => (await ssh.run(port, ['kill -0 $(cat pid)'])).code === 0, 'the process, still alive');
  });
  test('sshd refuses for a while after the start', async () => {
    w = await world({ faults: [{ on: { run: 'demo', attempt: 1 }, fault: 'ssh refused for 10m' }] });
    const ssh = await sshIn(w.dir);
    await w.ask('POST', '/api/v0/ssh/', { ssh_key: ssh.publicKey });
    const { id } = await rent(w);
    const port = await running(w, id);
    expect((await ssh.run(port, ['true'])).stderr).toContain('Connection refused');
    await until(async () => (await ssh.run(port, ['true'])).code === 0, 'an open door');
  });
  test('a start waits while somebody else has the GPU', async () => {
    w = await world({ offers: [{ gpu: 'RTX 4090' }] });
    const first = await rent(w);
    await running(w, first.id);
    await w.ask('PUT', `/api/v0/instances/${first.id}/`, { state: 'stopped' });
    await until(async () => (await show(w, first.id))?.['actual_status'] === 'exited', 'stopped');
    const second = await rent(w);
    await w.ask('PUT', `/api/v0/instances/${first.id}/`, { state: 'running' });
    expect(await show(w, first.id)).toMatchObject({ actual_status: 'exited', intended_status: 'running', cur_state: 'stopped' });
    await running(w, second.id);
    await w.ask('DELETE', `/api/v0/instances/${second.id}/`, {});
    await running(w, first.id);
  });
  test('an outbid instance is stopped in all three states and resumes by itself', async () => {
    w = await world({ faults: [{ on: { run: 'demo' }, fault: 'outbid at 10s for 5m' }] });
    const { id } = await rent(w, { price: 20 }, { type: 'bid' });
    await running(w, id);
    const out = await until(async () => ((await show(w, id))?.['actual_status'] === 'exited' ? show(w, id) : null), 'outbid');
    expect(out).toMatchObject({ is_bid: true, intended_status: 'stopped', cur_state: 'stopped', next_state: 'stopped' });
    await running(w, id);
  });
});
