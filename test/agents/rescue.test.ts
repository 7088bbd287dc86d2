import { describe, expect, it } from 'vitest';
import type { Context } from '../../src/agents/context.ts';
import { create, list } from '../../src/agents/effects/market.ts';
import { salvage, sync } from '../../src/agents/effects/rescue.ts';
import type { Body } from '../../src/core/events.ts';
import { RemoteError, type Box, type FileFact, type Market, type Remote } from '../../src/core/ports.ts';
import { Model } from '../core/model/index.ts';
import { makeSpec } from '../core/spec-factory.ts';

const file = (path: string, sha256 = path): FileFact => ({ path, bytes: 100, sha256, mtime_s: 0 });
const ckpt = (step: number, sha256?: string): FileFact => file(`ckpt/step-${step}.pt`, sha256);
const never = (): never => {
  throw new Error('not expected here');
};

/** A box whose listings are given one after the other (the last one stays), and a home that keeps what was fetched. */
async function world(listings: FileFact[][], changes: Parameters<typeof makeSpec>[0] = {}) {
  const model = new Model(() => 0.999, 0);
  model.submit('one', makeSpec(changes));
  for (let n = 0; n < 20; n += 1) await model.step(20_000);
  const home = new Map<string, string>();
  const damaged = new Set<string>();
  const lost = new Set<string>();
  const stopped: number[] = [];
  const box: Box = {
    instance: model.world.runs['one']?.instance ?? 0,
    put: never, exec: never, start: never, follow: never, probe: never, renewLease: never, sshCommand: () => [],
    list: () => Promise.resolve((listings.length > 1 ? listings.shift() : listings[0]) ?? []),
    fetch: (one, local) => (lost.has(one.path) ? Promise.reject(new RemoteError('lost', 'the line broke')) : damaged.has(one.path) ? Promise.reject(new RemoteError('integrity', 'it changed')) : Promise.resolve(void home.set(local, one.sha256))),
    stopTraining: ({ attempt }) => Promise.resolve(void stopped.push(attempt)),
    close: () => Promise.resolve(),
  };
  const remote: Remote = { publicKey: () => Promise.resolve(''), connect: () => Promise.resolve(box), closeAll: () => Promise.resolve() };
  const market: Market = { searchOffers: never, create: never, list: never, show: never, destroy: never, setState: never, label: never, changeBid: never, attachKey: never, account: never, logs: never };
  const clock = { now: () => model.now, sleep: () => Promise.resolve(), after: () => () => undefined, scale: 1 };
  const context: Context = {
    clock, wire: clock, market, remote, secret: () => undefined,
    facts: { world: () => model.world, record: (...bodies: Body[]) => model.record(...bodies) },
    home: { runDir: (run) => run, pathFor: (run, path) => `${run}/${path}`, fact: (path) => Promise.resolve(home.has(path) ? { bytes: 100, sha256: home.get(path) ?? '' } : null) },
    sessions: { box: () => Promise.resolve(box), drop: () => Promise.resolve(), stream: never, leases: new Map(), closeAll: () => Promise.resolve() },
  };
  return { model, home, damaged, lost, stopped, context };
}

describe('bringing checkpoints home while the run goes on', () => {
  it('takes the two newest that two listings show alike: what changed between them is being written', async () => {
    const { context, home, model } = await world([[ckpt(10), ckpt(20), ckpt(30), ckpt(40, 'half')], [ckpt(10), ckpt(20), ckpt(30), ckpt(40, 'whole')]]);
    await sync(context, { do: 'sync', run: 'one', final: false });
    expect([...home.keys()]).toEqual(['one/ckpt/step-30.pt']);
    expect(model.world.runs['one']?.checkpoint).toMatchObject({ path: 'ckpt/step-30.pt', step: 30 });
    await sync(context, { do: 'sync', run: 'one', final: false });
    expect(model.world.runs['one']?.checkpoint?.step).toBe(40);
    expect(home.get('one/ckpt/step-40.pt')).toBe('whole');
  });

  it('goes on with the others when one was damaged on the way', async () => {
    const { context, home, damaged } = await world([[ckpt(10), ckpt(20)]]);
    damaged.add('ckpt/step-20.pt');
    await sync(context, { do: 'sync', run: 'one', final: false });
    expect([...home.keys()]).toEqual(['one/ckpt/step-10.pt']);
  });

  it('counts what a crash between the copy and its line in the journal left at home', async () => {
    const { context, home, model } = await world([[ckpt(10), ckpt(20)]]);
    home.set('one/ckpt/step-20.pt', 'ckpt/step-20.pt');
    await sync(context, { do: 'sync', run: 'one', final: false });
    expect(model.world.runs['one']?.checkpoint).toMatchObject({ path: 'ckpt/step-20.pt', step: 20 });
    expect(model.events.findLast(({ type }) => type === 'files.home')).toMatchObject({ files: [{ path: 'ckpt/step-20.pt' }, { path: 'ckpt/step-10.pt' }], bytes: 100 });
    await sync(context, { do: 'sync', run: 'one', final: false });
    expect(model.events.findLast(({ type }) => type === 'files.home')).toMatchObject({ files: [], bytes: 0 });
  });

  it('keeps what came home before the line broke, and pays for its traffic', async () => {
    const { context, lost, model } = await world([[ckpt(10), ckpt(20)]]);
    lost.add('ckpt/step-10.pt');
    await expect(sync(context, { do: 'sync', run: 'one', final: false })).rejects.toThrow('the line broke');
    expect(model.world.runs['one']?.checkpoint?.step).toBe(20);
    expect(model.events.findLast(({ type }) => type === 'files.home')).toMatchObject({ bytes: 100 });
  });

  it('keeps two at least, whatever the spec says', async () => {
    const { context, home } = await world([[ckpt(10), ckpt(20), ckpt(30)]], { checkpoints: { path: 'ckpt/*', keep: 1 } });
    await sync(context, { do: 'sync', run: 'one', final: false });
    expect([...home.keys()].sort()).toEqual(['one/ckpt/step-20.pt', 'one/ckpt/step-30.pt']);
  });
});

describe('the last look at a box', () => {
  it('is verified only when a second listing shows nothing that is not at home; a cut-off checkpoint comes along', async () => {
    const cut = { ...ckpt(40), bytes: 10 };
    const { context, home, model } = await world([[ckpt(10), ckpt(20), ckpt(30), cut, file('out/m.json')], [ckpt(10), ckpt(20), ckpt(30), cut, file('out/m.json'), file('out/late.json')]]);
    await expect(sync(context, { do: 'sync', run: 'one', final: true })).resolves.toBeUndefined();
    expect(model.events.findLast(({ type }) => type === 'rescue.judged')).toMatchObject({ verdict: 'unverified', reason: 'not home yet: out/late.json' });
    await sync(context, { do: 'sync', run: 'one', final: true });
    expect(model.events.findLast(({ type }) => type === 'rescue.judged')).toMatchObject({ verdict: 'verified' });
    expect([...home.keys()].sort()).toEqual(['one/ckpt/step-20.pt', 'one/ckpt/step-30.pt', 'one/ckpt/step-40.pt', 'one/out/late.json', 'one/out/m.json']);
  });
});

describe('a run that ended well', () => {
  const ends = async (listing: FileFact[], changes: Parameters<typeof makeSpec>[0] = {}) => {
    const scene = await world([listing], changes);
    scene.model.record({ type: 'run.ended', run: 'one', verdict: 'done', reason: 'exit code 0' });
    return scene;
  };
  const judged = async ({ context, model }: Awaited<ReturnType<typeof ends>>) => {
    await sync(context, { do: 'sync', run: 'one', final: true });
    return model.events.findLast(({ type }) => type === 'rescue.judged');
  };

  it('before its first checkpoint is whole with its artifacts: its instance does not bill on for a checkpoint that will never be', async () => {
    expect(await judged(await ends([file('out/m.json')]))).toMatchObject({ verdict: 'verified' });
  });

  it('without the artifacts that it declares is not, and without any declared neither is one that left no checkpoint', async () => {
    expect(await judged(await ends([file('elsewhere/m.json')]))).toMatchObject({ verdict: 'unverified' });
    expect(await judged(await ends([], { artifacts: [] }))).toMatchObject({ verdict: 'unverified' });
  });
});

describe('an instance that the run has left behind', () => {
  it('has its training ended, and what only it holds comes home beside the newer attempt\'s, replacing nothing', async () => {
    const { context, home, model, stopped } = await world([[ckpt(20), file('out/m.json', 'old')]]);
    home.set('one/ckpt/step-20.pt', 'ckpt/step-20.pt').set('one/out/m.json', 'new');
    const instance = model.world.runs['one']?.instance ?? 0;
    await salvage(context, { do: 'salvage', run: 'one', instance, attempt: 1 });
    expect(stopped).toEqual([1]);
    expect(home.get('one/out/m.json')).toBe('new');
    expect(home.get(`one/left-${instance}/out/m.json`)).toBe('old');
    expect(home.size).toBe(3);
    expect(model.events.findLast(({ type }) => type === 'left.judged')).toMatchObject({ verdict: 'verified' });
  });

  it('is not judged while something of it is missing', async () => {
    const { context, model, damaged } = await world([[file('out/m.json')]]);
    damaged.add('out/m.json');
    await expect(salvage(context, { do: 'salvage', run: 'one', instance: model.world.runs['one']?.instance ?? 0, attempt: 1 })).rejects.toThrow();
    expect(model.events.some(({ type }) => type === 'left.judged')).toBe(false);
  });
});

describe('a create at the effect\'s edge', () => {
  it('is refused beyond the fleet\'s budget, although it was decided on before another one reserved', async () => {
    const { context, model } = await world([[]]);
    model.record({ type: 'budget.set', usd_per_hour: 0.5 });
    const offer = { offer_id: 9, machine_id: 9, gpu_name: 'RTX 4090', num_gpus: 1, dph_total: 0.3, all_in_usd_per_hour: 0.3, reliability: 0.99, geolocation: null };
    await expect(create(context, { do: 'create', run: 'one', attempt: 2, offer })).rejects.toThrow(/the fleet may burn \$0\.50\/h/);
    expect(model.events.filter(({ type }) => type === 'create.intended')).toHaveLength(1);
  });
});

describe('a list in which nothing is new', () => {
  it('is kept all the same when a run waits for what it shows: that moves the run, and a restart must find it moved', async () => {
    const { context, model } = await world([[]]);
    model.toldByTest = true;
    const facts = model.boxes.get(model.stranger())?.instance;
    if (!facts) throw new Error('no stranger');
    const all = [...Object.values(model.world.fleet).map((one) => one.facts), facts];
    const seen = async () => {
      await list({ ...context, market: { ...context.market, list: () => Promise.resolve(all) } });
      return model.events.at(-1)?.type;
    };
    model.record({ type: 'fleet.seen', instances: all });
    expect(await seen()).toBe('fleet.fresh');
    model.submit('two', makeSpec(), facts.id);
    model.record({ type: 'adopt.intended', run: 'two', attempt: 1, instance: facts.id, label: 'vastsit:two:1', label_before: 'mine' }, { type: 'instance.adopted', run: 'two', attempt: 1, instance: facts.id, machine_id: 9 });
    expect([await seen(), model.world.runs['two']?.stage, await seen()]).toEqual(['fleet.seen', 'connecting', 'fleet.fresh']);
  });
});
