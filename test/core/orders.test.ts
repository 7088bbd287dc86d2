import { describe, expect, it } from 'vitest';
import { refuseAdopt, refuseDestroy } from '../../src/agents/guard.ts';
import { adoptMisfit } from '../../src/core/adopt.ts';
import type { RunCommand } from '../../src/core/commands.ts';
import { runCost } from '../../src/core/ledger.ts';
import { answerOrder } from '../../src/core/orders.ts';
import type { RunState, World } from '../../src/core/state.ts';
import { alertWorld, calmWorld, facts, instance, NOW, run } from '../cockpit/world.ts';
import { Model } from './model/index.ts';
import { makeSpec } from './spec-factory.ts';

const ONE = 'nanogpt-shakespeare';
type Order = Parameters<typeof answerOrder>[1];
const answer = (world: World, order: Order) => answerOrder(world, order, NOW, 1);
const withRun = (part: Partial<RunState>, world = calmWorld()): World => ({ ...world, runs: { ...world.runs, [ONE]: { ...(world.runs[ONE] as RunState), ...part } } });
const interruptible = (part = {}): World => ({ ...calmWorld(), fleet: { ...calmWorld().fleet, 31244: instance(31_244, ONE, { facts: facts(31_244, { is_bid: true, dph_base: 0.3, dph_total: 0.312, ...part }) }) } });

/** A model whose one run trains. */
async function training(spec = makeSpec(), adopt = false): Promise<Model> {
  const model = new Model(() => 0.999, 0);
  model.submit('one', spec, adopt ? model.stranger() : undefined);
  for (let n = 0; n < 40 && model.world.runs['one']?.stage !== 'training'; n += 1) await model.step(10_000);
  expect(model.world.runs['one']?.stage).toBe('training');
  return model;
}
const one = (model: Model): RunState => model.world.runs['one'] as RunState;
async function steps(model: Model, count: number, ms = 10_000): Promise<void> {
  for (let n = 0; n < count; n += 1) await model.step(ms);
}

describe('an order is refused in words', () => {
  it.each<[string, World, Order, RegExp]>([
    ['an unknown run', calmWorld(), { do: 'switch', run: 'nobody' }, /there is no run nobody/],
    ['a run that is over', calmWorld(), { do: 'relaunch', run: 'cifar-baseline' }, /closed and nothing of it bills/],
    ['a place that is no knob', calmWorld(), { do: 'relaunch', run: ONE, command: 'python x.py {speed}' }, /run: \{speed\} is not a declared knob/],
    ['no command at all', calmWorld(), { do: 'relaunch', run: ONE, command: '  ' }, /must not be empty/],
    ['a relaunch beyond the budget', withRun({ spec: { ...(calmWorld().runs[ONE] as RunState).spec, kill: { hours: 12, dollars: 0.1 } } }), { do: 'relaunch', run: ONE }, /spent \$.* of the allowed \$0\.10; a relaunch would end at once/],
    ['a relaunch in the middle of a repair', alertWorld(), { do: 'relaunch', run: 'vit-finetune' }, /a repair of vit-finetune is under way/],
    ['a relaunch while it starts', withRun({ stage: 'starting' }), { do: 'relaunch', run: ONE }, /just starting/],
    ['a relaunch out of reach', withRun({ away: { kind: 'offline', instance: 31_244, attempt: 1, since: NOW, back_at: null, times: 1, asks: 0, asked_at: null } }), { do: 'relaunch', run: ONE }, /out of reach; switch goes on elsewhere/],
    ['a switch under a hold', withRun({ hold: { until: NOW + 1, reason: 'x' } }), { do: 'switch', run: ONE }, /held; release it first/],
    ['a switch that is under way', withRun({ stage: 'rescuing' }), { do: 'switch', run: ONE }, /leaves instance 31244 already/],
    ['a switch of what is being destroyed', withRun({ destroy_ordered: { waive: false } }), { do: 'switch', run: ONE }, /is being destroyed/],
    ['anything while a destroy can be called back', withRun({ destroy_pending: { waive: false, until: NOW + 9 } }), { do: 'relaunch', run: ONE }, /call it back first/],
    ['a bid for a rented instance', calmWorld(), { do: 'raise_bid', run: ONE, usd_per_hour: 0.5 }, /rented on demand/],
    ['a bid that is none', interruptible(), { do: 'raise_bid', run: ONE, usd_per_hour: 0.3 }, /\$0\.300\/h already/],
    ['a bid that is no number', interruptible(), { do: 'raise_bid', run: ONE, usd_per_hour: Number.NaN }, /already/],
    ['a bid above the cap, with its disk', interruptible(), { do: 'raise_bid', run: ONE, usd_per_hour: 0.595 }, /above the spec's cap of \$0\.60/],
    ['a bid above the cap, with its disk and the traffic that is planned', withRun({ spec: { ...(calmWorld().runs[ONE] as RunState).spec, hardware: { ...(calmWorld().runs[ONE] as RunState).spec.hardware, traffic_gb: { down: 60, up: 0 } } } }, interruptible({ inet_down_cost: 0.02 })), { do: 'raise_bid', run: ONE, usd_per_hour: 0.5 }, /for the disk and the planned traffic are above the spec's cap of \$0\.60/],
    ['a bid above the fleet\'s budget', { ...interruptible(), budget_usd_per_hour: 2 }, { do: 'raise_bid', run: ONE, usd_per_hour: 0.55 }, /the fleet may burn \$2\.00/],
    ['nothing to call back', calmWorld(), { do: 'recall', run: ONE }, /no destroy of nanogpt-shakespeare was ordered/],
    ['too late to call back', withRun({ destroy_ordered: { waive: false } }), { do: 'recall', run: ONE }, /cannot be called back any more/],
  ])('%s', async (_name, world, order, why) => {
    const found = answer(world, order);
    expect(found.ok ? found.said : found.why).toMatch(why);
    expect(found.ok).toBe(false);
  });

  it('and nothing of it reaches the journal', async () => {
    const model = await training();
    const before = model.events.length;
    for (const order of [{ do: 'raise_bid', run: 'one', usd_per_hour: 9 }, { do: 'recall', run: 'one' }, { do: 'relaunch', run: 'one', command: '{x}' }] satisfies RunCommand[]) model.order(order);
    expect(model.events).toHaveLength(before);
  });
});

describe('a destroy with a grace', () => {
  it('waits it, trains on meanwhile, and is as if it had never been when it is called back', async () => {
    const model = await training();
    model.order({ do: 'hold', run: 'one', minutes: 600, reason: 'look' });
    model.order({ do: 'destroy', run: 'one', waive: true, grace_s: 60 });
    await steps(model, 3);
    expect(one(model)).toMatchObject({ stage: 'training', destroy_ordered: null, hold: { reason: 'look' } });
    model.order({ do: 'recall', run: 'one' });
    await steps(model, 20);
    expect(one(model)).toMatchObject({ stage: 'training', destroy_pending: null, destroy_ordered: null, hold: { reason: 'look' } });
  });

  it('is carried out after it, through the gate', async () => {
    const model = await training();
    model.order({ do: 'destroy', run: 'one', waive: false, grace_s: 60 });
    await steps(model, 60);
    expect(one(model)).toMatchObject({ stage: 'closed', verdict: 'destroyed_by_user', rescue: { verdict: 'verified' } });
    expect(model.violations).toEqual([]);
  });

  it('counts real seconds, whatever the clock\'s pace', async () => {
    const found = answerOrder(calmWorld(), { do: 'destroy', run: ONE, waive: false, grace_s: 10 }, NOW, 60);
    expect(found.ok && found.events).toEqual([{ type: 'user.destroy', run: ONE, waive: false, until: NOW + 600_000 }]);
  });

  it('also of a closed run whose instance is kept', async () => {
    const model = await training(makeSpec({ teardown: { on_done: 'keep' } }));
    await steps(model, 700);
    expect(one(model)).toMatchObject({ stage: 'closed', verdict: 'done' });
    model.order({ do: 'destroy', run: 'one', waive: false, grace_s: 60 });
    expect(one(model).stage).toBe('closed');
    await steps(model, 60);
    expect(one(model)).toMatchObject({ stage: 'closed', instance: null });
  });
});

describe('a relaunch', () => {
  it('ends the training and starts the edited command as the next attempt on the same instance', async () => {
    const model = await training();
    const { instance: box, attempt } = one(model);
    model.order({ do: 'relaunch', run: 'one', command: 'python other.py --batch-size {batch_size}' });
    expect(one(model)).toMatchObject({ stage: 'repairing', repair: { stopped: false } });
    await steps(model, 10);
    expect(one(model)).toMatchObject({ stage: 'training', instance: box, attempt: attempt + 1, spec: { run: 'python other.py --batch-size {batch_size}' } });
    expect(model.violations).toEqual([]);
  });

  it('takes up a run that failed and is held, and is none of the ladder\'s repairs', async () => {
    const model = await training();
    const box = [...model.boxes.values()][0];
    if (!box) throw new Error('no box');
    model.kill(box, "KeyError: 'labelz'");
    model.order({ do: 'hold', run: 'one', minutes: 60, reason: 'mend it' });
    await steps(model, 10);
    expect(one(model)).toMatchObject({ verdict: 'failed', stage: 'tearing_down' });
    model.order({ do: 'relaunch', run: 'one' });
    await steps(model, 10);
    expect(one(model)).toMatchObject({ verdict: null, stage: 'training', attempt: 2, rescue: null });
    expect([...one(model).incidents].flatMap(({ remedies }) => remedies)).toEqual([]);
    model.order({ do: 'release', run: 'one' });
    await steps(model, 900);
    expect(one(model)).toMatchObject({ verdict: 'done', stage: 'closed' });
    expect(model.violations).toEqual([]);
  });

  it('only changes the command of what has not started', async () => {
    const model = new Model(() => 0.999, 0);
    model.submit('one', makeSpec());
    await model.step(1_000);
    model.order({ do: 'relaunch', run: 'one', command: 'python other.py' });
    expect(one(model)).toMatchObject({ spec: { run: 'python other.py' }, repair: null, attempt: expect.any(Number) as number });
    await steps(model, 30);
    expect(one(model)).toMatchObject({ stage: 'training', attempt: 1 });
  });
});

describe('a switch', () => {
  it('brings the newest checkpoint home, ends the instance and goes on on another machine', async () => {
    const model = await training();
    await steps(model, 60);
    const { instance: box } = one(model);
    const machine = model.world.fleet[String(box)]?.machine_id;
    model.order({ do: 'switch', run: 'one' });
    await steps(model, 60);
    expect(one(model)).toMatchObject({ stage: 'training', verdict: null, attempt: 2 });
    expect(one(model).instance).not.toBe(box);
    expect(model.world.fleet[String(one(model).instance)]?.machine_id).not.toBe(machine);
    expect(model.world.fleet[String(box)]?.gone_at).not.toBeNull();
    expect(one(model).attempts.at(-1)?.resume_step).toBeGreaterThan(0);
    expect(model.violations).toEqual([]);
  });
});

describe('a bid', () => {
  it('is made once, and is over when the market took it', async () => {
    const model = await training(makeSpec({ market: { bid: 0.34 } }));
    model.order({ do: 'raise_bid', run: 'one', usd_per_hour: 0.4 });
    await steps(model, 3);
    expect(one(model).bid_ordered).toBeNull();
    expect(model.events.filter(({ type }) => type === 'bid.raised')).toHaveLength(1);
    expect(model.world.fleet[String(one(model).instance)]?.facts.dph_base).toBe(0.4);
  });
});

describe('adopting', () => {
  const spec = makeSpec({ hardware: { gpu: ['RTX 3060'], disk_gb: 20, max_usd_per_hour: 0.2 } });
  it.each<[string, World, number, RegExp]>([
    ['what is not there', calmWorld(), 7, /there is no instance 7 on the account/],
    ['what is ours', calmWorld(), 31_244, /works for nanogpt-shakespeare already/],
    ['what does not run', { ...calmWorld(), fleet: { 9: instance(9, null, { facts: facts(9, { gpu_name: 'RTX 3060', actual_status: 'exited' }) }) } }, 9, /is exited, not running/],
    ['what is too dear', { ...calmWorld(), fleet: { 9: instance(9, null, { facts: facts(9, { gpu_name: 'RTX 3060' }) }) } }, 9, /above the spec's cap of \$0\.20/],
    ['the wrong GPU', { ...calmWorld(), fleet: { 9: instance(9, null) } }, 9, /has RTX 4090, and the spec wants RTX 3060/],
    ['another cockpit\'s', { ...calmWorld(), fleet: { 9: instance(9, null, { label: 'vastsit:theirs:2', facts: facts(9, { gpu_name: 'RTX 3060', dph_total: 0.1 }) }) } }, 9, /theirs of another cockpit owns it/],
    ['beyond the fleet\'s budget', { ...calmWorld(), budget_usd_per_hour: 1.8 }, 30_871, /the fleet may burn \$1\.80/],
  ])('refuses %s', (_name, world, id, why) => expect(adoptMisfit(world, id, spec)).toMatch(why));

  it('allows what fits', () => expect(adoptMisfit(calmWorld(), 30_871, spec)).toBeNull());

  it('runs on the user\'s instance, rents nothing, and gives it back with its label and its bill told', async () => {
    const model = await training(makeSpec(), true);
    const [mine] = model.strangers;
    expect(one(model).instance).toBe(mine);
    expect(model.creates).toBe(0);
    expect(model.boxes.get(mine ?? 0)?.instance.label).toBe('vastsit:one:1');
    await steps(model, 900);
    expect(one(model)).toMatchObject({ stage: 'closed', verdict: 'done', instance: null });
    expect(model.boxes.get(mine ?? 0)).toMatchObject({ exists: true, process: null, instance: { label: 'mine' } });
    expect(model.world.fleet[String(mine)]).toMatchObject({ owner: 'stranger', run: null, adopted: null });
    expect(runCost(model.world, one(model)).usd).toBeGreaterThan(0.1);
    expect(model.violations).toEqual([]);
  });

  it('is guarded at the effect: never destroyed but by the user, never taken twice', async () => {
    const adopted = run('one', 5, { stage: 'tearing_down', verdict: 'failed', rescue: { verdict: 'verified', at: 0, reason: '', since: 0, asked_usd: 0, asked_at: null } });
    const world: World = { ...calmWorld(), fleet: { 5: instance(5, 'one', { adopted: { label: null } }) }, runs: { one: adopted } };
    expect(refuseDestroy(world, 5, 'one', 'verified')).toMatch(/only the user ends it/);
    expect(refuseDestroy({ ...world, runs: { one: { ...adopted, destroy_ordered: { waive: false } } } }, 5, 'one', 'verified')).toBeNull();
    expect(refuseAdopt(world, 5, 'two')).toMatch(/works for one already/);
    expect(refuseAdopt(calmWorld(), 30_871, 'two')).toBeNull();
  });
});

describe('a destroy that is ordered while a start is on its way', () => {
  const orderedWhileStarting = async (): Promise<Model> => {
    const model = new Model(() => 0.999, 0);
    model.submit('one', makeSpec());
    // The box takes its time with each answer, so that the order falls between them.
    model.delay = () => (one(model).stage === 'starting' ? model.clock.sleep(15_000) : Promise.resolve());
    for (let n = 0; n < 40 && one(model).stage !== 'starting'; n += 1) await model.step(5_000);
    model.order({ do: 'destroy', run: 'one', waive: false });
    return model;
  };

  it('begins nothing any more, and the instance is destroyed', async () => {
    const model = await orderedWhileStarting();
    await steps(model, 60);
    expect(model.events.map(({ type }) => type)).not.toContain('start.intended');
    expect([one(model).stage, [...model.boxes.values()].filter(({ exists }) => exists)]).toEqual(['closed', []]);
    expect(model.violations).toEqual([]);
  });

  it('judges the gate anew where a start was under way before the order was heard', async () => {
    const model = await orderedWhileStarting();
    for (let n = 0; n < 10 && one(model).rescue === null; n += 1) await model.step(1_000);
    expect(one(model).rescue?.verdict).toBe('nothing_never_ran');
    const box = one(model).instance ?? 0;
    model.record({ type: 'start.intended', run: 'one', attempt: 1, instance: box, command: 'python train.py', resume_from: null, resume_step: null });
    expect(one(model)).toMatchObject({ stage: 'rescuing', rescue: null });
  });
});

describe('a destroy with results waived', () => {
  it('is carried out although a look that was on its way comes back without them', async () => {
    const model = await training();
    const instance = one(model).instance ?? 0;
    const destroyed = model.boxes.get(instance);
    if (!destroyed) throw new Error('no box');
    model.order({ do: 'destroy', run: 'one', waive: true });
    for (let n = 0; n < 20 && one(model).stage !== 'tearing_down'; n += 1) await model.step(100);
    model.record({ type: 'rescue.judged', run: 'one', instance, verdict: 'unverified', files: 0, bytes: 0, reason: 'no answer' });
    // The destroy was accepted, and did not stick.
    destroyed.exists = true;
    await steps(model, 60);
    expect([one(model).stage, destroyed.exists]).toEqual(['closed', false]);
  });
});

describe('a destroy of an adopted instance that is under the label of its user again', () => {
  it('is refused, and the instance is theirs: the run is over', async () => {
    const model = await training(makeSpec(), true);
    const theirs = model.boxes.get(one(model).instance ?? 0);
    if (!theirs) throw new Error('no box');
    theirs.instance = { ...theirs.instance, label: 'mine' };
    await steps(model, 6);
    model.order({ do: 'destroy', run: 'one', waive: true });
    await steps(model, 60);
    expect([one(model).stage, theirs.exists, theirs.instance.label]).toEqual(['closed', true, 'mine']);
  });
});
