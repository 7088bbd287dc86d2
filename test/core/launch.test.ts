import { describe, expect, it } from 'vitest';
import { decideRunner } from '../../src/core/decide/runner.ts';
import { fatalStatus, imageStatus, LAUNCH_BOUNDS, launchesSpent, termsDiffer } from '../../src/core/launch.ts';
import { preflightFault, preflightWords, type PreflightReading } from '../../src/core/preflight.ts';
import type { Instance } from '../../src/core/market.ts';
import type { RunState, World } from '../../src/core/state.ts';
import { Model } from './model/index.ts';
import { makeSpec } from './spec-factory.ts';

/** A run whose first instance loads, on a market where all is well. */
async function loading(changes: Parameters<typeof makeSpec>[0] = {}): Promise<{ world: World; run: RunState }> {
  const model = new Model(() => 0.999, 0);
  model.submit('one', makeSpec(changes));
  for (let n = 0; n < 20 && model.world.runs['one']?.stage !== 'loading'; n += 1) await model.step(1_000);
  const run = model.world.runs['one'];
  if (!run || run.instance === null) throw new Error('nothing was rented');
  return { world: model.world, run };
}

function withFacts({ world, run }: { world: World; run: RunState }, facts: Partial<Instance>): World {
  const instance = world.fleet[String(run.instance)];
  if (!instance) throw new Error('no instance');
  return { ...world, fleet: { ...world.fleet, [String(run.instance)]: { ...instance, facts: { ...instance.facts, label: 'vastsit:one:1', ...facts } } } };
}

const decided = (world: World, run: RunState): string[] => decideRunner(world, run).map((action) => (action.do === 'emit' ? `${action.body.type}${action.body.type === 'run.ended' ? `:${action.body.verdict}` : ''}` : action.do));

describe('what the market says of an instance that never comes up', () => {
  it.each([
    ['Error response from daemon: manifest for pytorch/pytroch:2.6 not found: manifest unknown', true, true],
    ['Error response from daemon: pull access denied for me/private, repository does not exist or may require docker login', true, true],
    ['Error: unauthorized: authentication required', true, true],
    ['OCI runtime create failed: exec: "/start.sh": stat /start.sh: no such file or directory', true, true],
    ['Error response from daemon: failed to create task: nvidia-container-cli: device error', true, false],
    ['failed to register layer: no space left on device', true, false],
    ['a3ed95caeb02: Pulling fs layer', false, false],
    [null, false, false],
  ])('%s', (text, fatal, image) => expect([fatalStatus(text), imageStatus(text)]).toEqual([fatal, image]));

  it('an image that no host can start ends the run at once: nothing is shopped for', async () => {
    const at = await loading();
    expect(decided(withFacts(at, { status_msg: 'manifest unknown' }), at.run)).toEqual(['run.ended:failed']);
  });

  it('a host that fails is left for the next, and remembered', async () => {
    const at = await loading();
    expect(decided(withFacts(at, { status_msg: 'no space left on device' }), at.run)).toEqual(['machine.remembered', 'launch.given_up']);
  });
});

describe('the terms of what was rented', () => {
  const bid = { market: { bid: 0.3 } };
  it.each([
    ['as asked', {}, { is_bid: false, dph_total: 0.5 }, null],
    ['on demand instead of a bid', bid, { is_bid: false }, /rented on demand/],
    ['a bid instead of on demand', {}, { is_bid: true }, /may be taken away/],
    ['dearer than the cap', {}, { is_bid: false, dph_total: 1.2 }, /above the price cap of \$1\.00/],
    ['at the cap, with rounding', {}, { is_bid: false, dph_total: 1.01 }, null],
    ['not listed yet', bid, { label: null, is_bid: false }, null],
  ])('%s', async (_, spec, facts, words) => {
    const at = await loading(spec);
    const seen = withFacts(at, facts).fleet[String(at.run.instance)]?.facts;
    const said = seen ? termsDiffer(at.run, seen) : 'no facts';
    if (words === null) expect(said).toBeNull();
    else expect(said).toMatch(words);
  });
});

describe('launches that come to nothing', () => {
  const gaveUp = (count: number, reason: (n: number) => string): RunState['given_up'] => Array.from({ length: count }, (_, n) => ({ instance: 900 + n, machine_id: 50 + n, reason: reason(n) }));

  it('are bounded in number', async () => {
    const { world, run } = await loading();
    const stuck = (count: number): RunState => ({ ...run, given_up: gaveUp(count, () => 'still loading after 20 min') });
    expect(launchesSpent(world, stuck(LAUNCH_BOUNDS.instances - 1))).toBeNull();
    expect(launchesSpent(world, stuck(LAUNCH_BOUNDS.instances))).toMatch(/6 instances in a row/);
  });

  it('are bounded in dollars', async () => {
    const { world, run } = await loading();
    const instance = world.fleet[String(run.instance)];
    if (!instance) throw new Error('no instance');
    const dear = { ...world, fleet: { ...world.fleet, 900: { ...instance, usd: { ...instance.usd, loading: LAUNCH_BOUNDS.share_of_dollars * run.spec.kill.dollars } } } };
    expect(launchesSpent(dear, { ...run, given_up: gaveUp(1, () => 'still loading') })).toMatch(/have cost \$1\.20 of the allowed \$6\.00/);
  });

  it('end when two machines fail in the same words, but not when one machine does so twice or the words differ', async () => {
    const { world, run } = await loading();
    const words = (n: number): string => `the market says: Error response from daemon: container 4f${n}e8a1b2c3 exited with 12${n}`;
    expect(launchesSpent(world, { ...run, given_up: gaveUp(2, words) })).toMatch(/two machines failed in the same words/);
    expect(launchesSpent(world, { ...run, given_up: gaveUp(2, words).map((one) => ({ ...one, machine_id: 7 })) })).toBeNull();
    expect(launchesSpent(world, { ...run, given_up: gaveUp(2, (n) => (n === 0 ? words(0) : 'the market says: no space left on device')) })).toBeNull();
  });

  it('end the search, and a process that starts begins the count anew', async () => {
    const { world, run } = await loading();
    const given_up = gaveUp(LAUNCH_BOUNDS.instances, () => 'still loading after 20 min');
    expect(decided(world, { ...run, stage: 'searching', instance: null, given_up })).toEqual(['run.ended:failed']);
    const model = new Model(() => 0.999, 0);
    model.submit('one', makeSpec());
    for (let n = 0; n < 12; n += 1) await model.step(20_000);
    const trained = model.world.runs['one'];
    expect([trained?.stage, trained?.given_up]).toEqual(['training', []]);
  });
});

describe('the first look at a box', () => {
  const good: PreflightReading = { gpus: 1, smi_error: null, disk_free_gb: 40, torch: { version: '2.6.0', devices: 1, computes: true, error: null } };
  it.each([
    ['all well', good, null],
    ['nothing is known', { gpus: null, smi_error: null, disk_free_gb: null, torch: null }, null],
    ['the driver is gone', { ...good, gpus: null, smi_error: 'Driver/library version mismatch' }, /Driver\/library/],
    ['no GPU', { ...good, gpus: 0 }, /0 of the 1 GPUs/],
    ['the image is too new for the driver', { ...good, torch: { version: '2.9.0', devices: 0, computes: false, error: 'driver on your system is too old' } }, /cannot compute.*too old/],
    ['PyTorch sees less than the driver', { ...good, torch: { version: '2.6.0', devices: 0, computes: true, error: null } }, /sees 0 of the 1/],
  ])('%s', async (_, seen, words) => {
    const { world, run } = await loading();
    const fault = preflightFault(world, run, seen);
    if (words === null) expect(fault).toBeNull();
    else expect(fault).toMatch(words);
  });

  it('is told in a line', () => expect(preflightWords(good)).toBe('1 GPU, 40 GB free, PyTorch 2.6.0 computes on 1 of them'));

  it('ends the launch when it finds a fault, for this instance alone', async () => {
    const { world, run } = await loading();
    const preparing: RunState = { ...run, stage: 'preparing' };
    expect(decided(world, preparing)).toEqual(['prepare']);
    expect(decided(world, { ...preparing, preflight: { instance: run.instance ?? 0, fault: 'no GPU' } })).toEqual(['machine.remembered', 'launch.given_up']);
    expect(decided(world, { ...preparing, preflight: { instance: 1, fault: 'no GPU' } })).toEqual(['prepare']);
  });
});
