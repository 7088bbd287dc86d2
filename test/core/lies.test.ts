/** Single lies of the market, each of which would cost money or work if it were believed. */
import { describe, expect, it } from 'vitest';
import type { RunState } from '../../src/core/state.ts';
import { Model, type SimBox } from './model/index.ts';
import { makeSpec } from './spec-factory.ts';

const MINUTE = 60_000;

async function training(changes: Parameters<typeof makeSpec>[0] = {}, until = 25): Promise<Model> {
  const model = new Model(() => 0.999, 0);
  model.submit('one', makeSpec(changes));
  for (let n = 0; n < 200 && (boxOf(model)?.process?.step ?? 0) < until; n += 1) await model.step(20_000);
  return model;
}

const runOf = (model: Model): RunState => {
  const run = model.world.runs['one'];
  if (!run) throw new Error('no run');
  return run;
};
const boxOf = (model: Model): SimBox | undefined => {
  const id = model.world.runs['one']?.instance;
  return id == null ? undefined : model.boxes.get(id);
};
const box = (model: Model): SimBox => {
  const found = boxOf(model);
  if (!found) throw new Error('no box');
  return found;
};
const toEnd = async (model: Model, steps = 2_000): Promise<void> => {
  for (let n = 0; n < steps && runOf(model).stage !== 'closed'; n += 1) await model.step(MINUTE);
};
const types = (model: Model): string[] => model.events.map(({ type }) => type);
const existing = (model: Model): number => [...model.boxes.values()].filter(({ exists }) => exists).length;

describe('lists that lie', () => {
  it('an instance that is missing while it is being adopted stays the user\'s when it is back under our label', () => {
    const model = new Model(() => 0.999, 0);
    const facts = model.boxes.get(model.stranger())?.instance;
    if (!facts) throw new Error('no stranger');
    model.submit('one', makeSpec(), facts.id);
    model.record({ type: 'fleet.seen', instances: [facts] });
    model.record({ type: 'adopt.intended', run: 'one', attempt: 1, instance: facts.id, label: 'vastsit:one:1', label_before: 'mine' });
    for (const instances of [[], [{ ...facts, label: 'vastsit:one:1' }]]) model.record({ type: 'fleet.seen', instances });
    expect(model.world.fleet[String(facts.id)]?.adopted).toEqual({ label: 'mine' });
  });

  it('an adopted instance that was read as gone, and is back under the label that it had, is given back', async () => {
    const model = new Model(() => 0.999, 0);
    const facts = model.boxes.get(model.stranger())?.instance;
    if (!facts) throw new Error('no stranger');
    model.toldByTest = true;
    model.submit('one', makeSpec(), facts.id);
    for (let n = 0; n < 20 && runOf(model).instance === null; n += 1) await model.step(1_000);
    model.record({ type: 'fleet.seen', instances: [] }, { type: 'instance.gone', instance: facts.id, run: 'one' }, { type: 'fleet.seen', instances: [facts] });
    await toEnd(model, 100);
    expect(model.boxes.get(facts.id)).toMatchObject({ exists: true, instance: { label: 'mine' } });
    expect(model.world.fleet[String(facts.id)]).toMatchObject({ owner: 'stranger', adopted: null });
  });

  it('an empty list is asked about by id before an instance counts as gone, however often it comes', async () => {
    const model = await training();
    for (let n = 0; n < 10; n += 1) {
      model.record({ type: 'fleet.seen', instances: [] });
      await model.step(1_000);
    }
    expect(types(model)).not.toContain('instance.gone');
    expect(runOf(model).stage).toBe('training');
  });

  it('a repair that was chosen in the look in which its instance turned out to be gone is none: the run is over', async () => {
    const model = await training();
    model.kill(box(model), "ModuleNotFoundError: No module named 'einops'");
    for (let n = 0; n < 20 && !types(model).includes('remedy.chosen'); n += 1) await model.step(1_000);
    const chosen = model.events.findLast((event) => event.type === 'remedy.chosen');
    if (!chosen) throw new Error('nothing was chosen');
    model.record({ type: 'instance.gone', instance: box(model).instance.id, run: 'one' }, chosen);
    expect(runOf(model)).toMatchObject({ verdict: 'lost', stage: 'tearing_down', repair: null });
  });

  it('a 401 neither ends nor starts anything', async () => {
    const model = await training();
    const before = model.creates;
    model.record({ type: 'fleet.unknown', failure: 'auth', reason: 'the key was refused' });
    await model.step(1_000);
    expect([model.creates, runOf(model).stage, model.violations.length]).toEqual([before, 'training', 0]);
  });

  it('an instance that returns from the dead is destroyed again, also when its run is closed', async () => {
    const model = await training();
    const first = box(model);
    await toEnd(model);
    expect([runOf(model).verdict, existing(model)]).toEqual(['done', 0]);
    first.exists = true;
    model.record({ type: 'fleet.seen', instances: [first.instance] });
    expect(runOf(model).stage).toBe('tearing_down');
    await toEnd(model);
    expect([runOf(model).stage, existing(model), model.violations.length]).toEqual(['closed', 0, 0]);
  });
});

describe('creates that were carried out twice', () => {
  it('the empty twin of an unclear create is destroyed, the other one trains', async () => {
    const model = new Model(() => 0.999, 0);
    model.submit('one', makeSpec());
    const offer = { offer_id: 5, machine_id: 3, gpu_name: 'RTX 4090', num_gpus: 1, dph_total: 0.3, all_in_usd_per_hour: 0.3, reliability: 0.99, geolocation: null };
    model.record({ type: 'create.intended', run: 'one', attempt: 1, offer, label: 'vastsit:one:1', bid_usd_per_hour: null }, { type: 'create.unclear', run: 'one', attempt: 1, reason: 'timeout' });
    const twins = [model.born('vastsit:one:1', 3, false), model.born('vastsit:one:1', 3, false)];
    model.calm();
    for (let n = 0; n < 30; n += 1) await model.step(20_000);
    expect(existing(model)).toBe(1);
    expect(runOf(model).instance).toBe(twins[0]);
    await toEnd(model);
    expect([runOf(model).verdict, existing(model), model.violations]).toEqual(['done', 0, []]);
  });

  it('an instance under our label that fits no create of ours is a stranger\'s: shown, never touched', async () => {
    const model = await training();
    const mine = box(model).instance;
    model.record({ type: 'fleet.seen', instances: [mine, { ...mine, id: 9 }] });
    expect(model.world.fleet['9']?.owner).toBe('stranger');
  });
});

describe('an instance that goes away', () => {
  it('offline: waited for as long as going elsewhere takes; then the run goes on elsewhere, and what comes back is looked through', async () => {
    const model = await training({}, 60);
    const old = box(model);
    old.offlineUntil = model.now + 3 * 60 * MINUTE;
    for (let n = 0; n < 10; n += 1) await model.step(MINUTE);
    expect([runOf(model).away?.kind, runOf(model).instance, model.creates]).toEqual(['offline', old.instance.id, 1]);
    for (let n = 0; n < 40; n += 1) await model.step(MINUTE);
    expect(runOf(model).left.map(({ instance }) => instance)).toEqual([old.instance.id]);
    expect(runOf(model).attempt).toBe(2);
    // The old one is back while the new one trains: its training is ended before anything else happens to it.
    old.offlineUntil = 0;
    for (let n = 0; n < 10; n += 1) await model.step(20_000);
    expect(old).toMatchObject({ process: null });
    await toEnd(model);
    expect([runOf(model).verdict, existing(model), model.violations]).toEqual(['done', 0, []]);
  });

  it('offline for a moment: nothing is rented, and the same attempt goes on', async () => {
    const model = await training();
    box(model).offlineUntil = model.now + 5 * MINUTE;
    for (let n = 0; n < 12; n += 1) await model.step(MINUTE);
    expect([runOf(model).stage, runOf(model).attempt, model.creates]).toEqual(['training', 1, 1]);
    expect(types(model)).toContain('instance.back');
  });

  it.each([[5, 'training'], [30, 'closed']])('denied by the lists and by its own page at once for %i min, with no session to hear it: then it is %s', async (minutes, stage) => {
    const model = await training();
    const one = box(model);
    Object.assign(one, { deafUntil: Infinity, hiddenUntil: model.now + minutes * MINUTE, deniedUntil: model.now + minutes * MINUTE });
    one.cutOff(true);
    for (let n = 0; n < minutes * 3 - 3; n += 1) await model.step(20_000);
    expect([runOf(model).stage, runOf(model).verdict]).toEqual([stage, stage === 'closed' ? 'lost' : null]);
    one.deafUntil = 0;
    for (let n = 0; n < 60; n += 1) await model.step(20_000);
    expect([runOf(model).stage, model.creates]).toEqual([stage, 1]);
  });

  it('left behind and stopped: it is started again to look through it, and then destroyed', async () => {
    const model = await training({}, 60);
    const old = box(model);
    old.offlineUntil = model.now + 60 * MINUTE;
    for (let n = 0; n < 50 && runOf(model).left.length === 0; n += 1) await model.step(MINUTE);
    old.process = null;
    old.write('out/only-here.json', 'x', model.now);
    old.instance = { ...old.instance, actual_status: 'exited', cur_state: 'stopped', intended_status: 'stopped' };
    old.offlineUntil = 0;
    // The later attempt fails for good, so that what it left counts.
    for (let n = 0; n < 60 && (runOf(model).stage !== 'training' || (boxOf(model)?.process?.step ?? 0) < 70); n += 1) await model.step(MINUTE);
    model.kill(box(model), "KeyError: 'labelz'");
    await toEnd(model, 700);
    expect([runOf(model).verdict, runOf(model).stage, existing(model), model.violations]).toEqual(['failed', 'closed', 0, []]);
    expect([...model.home.keys()]).toContainEqual(expect.stringMatching(new RegExp(`/one/left-${old.instance.id}/out/only-here\\.json$`)));
  });

  it('outbid: the bid is raised within the price cap, at most twice', async () => {
    const model = await training({ market: { bid: 0.3 } });
    box(model).outbidUntil = model.now + 8 * 60 * MINUTE;
    model.dice = () => 0;
    model.trouble = 0;
    for (let n = 0; n < 3; n += 1) await model.step(MINUTE);
    expect(model.events.find(({ type }) => type === 'bid.raised')).toMatchObject({ usd_per_hour: 0.357 });
    await toEnd(model);
    expect([runOf(model).verdict, existing(model), model.violations]).toEqual(['done', 0, []]);
  });
});

describe('an adopted instance whose giving back was carried out, and whose answer was lost', () => {
  it('is the user\'s again, and the run is over', async () => {
    const model = new Model(() => 0.999, 0);
    model.submit('one', makeSpec(), model.stranger());
    for (let n = 0; n < 60 && (boxOf(model)?.process?.step ?? 0) < 12; n += 1) await model.step(MINUTE);
    const mine = box(model);
    model.kill(mine, 'Training completed.', 0);
    model.loseLabels = 2;
    await toEnd(model, 90);
    expect([runOf(model).stage, runOf(model).verdict, mine.exists, mine.instance.label, model.violations]).toEqual(['closed', 'done', true, 'mine', []]);
  });
});

describe('a stop that does not stick', () => {
  it('is asked again until the market accepts it, and again while a list shows it running on; then the second timer destroys it', async () => {
    const model = await training({ teardown: { on_done: 'stop', stopped_grace: '1h' } });
    const stops = () => types(model).filter((type) => type === 'stop.intended').length;
    const id = box(model).instance.id;
    model.refuseStop = 3;
    await toEnd(model, 90);
    expect(stops()).toBeGreaterThanOrEqual(3);
    expect(model.world.fleet[String(id)]).toMatchObject({ stop: 'accepted' });
    const before = stops();
    // Accepted, and yet it runs on.
    const found = model.boxes.get(id);
    if (!found) throw new Error('no box');
    found.instance = { ...found.instance, actual_status: 'running', cur_state: 'running' };
    for (let n = 0; n < 5; n += 1) await model.step(MINUTE);
    expect(stops()).toBeGreaterThan(before);
    expect(found.instance.actual_status).toBe('exited');
    await toEnd(model);
    expect([runOf(model).stage, existing(model), model.violations]).toEqual(['closed', 0, []]);
  });
});

describe('a box that lets nobody in for nine hours', () => {
  it('goes on training: nothing is rented, stopped or destroyed, and the same attempt is found at work', async () => {
    const model = await training({ kill: { hours: 40, dollars: 100 } }, 10);
    model.msPerStep = () => 8 * MINUTE;
    const one = box(model);
    const before = model.events.length;
    one.deafUntil = Infinity;
    for (const { on } of one.followers.splice(0)) on({ type: 'lost', reason: 'the session ended' });
    for (let n = 0; n < 9 * 60; n += 1) await model.step(MINUTE);
    const acts = ['create.intended', 'start.intended', 'stop.intended', 'destroy.intended', 'training.stopped', 'remedy.chosen', 'run.ended', 'instance.gone'];
    expect([model.events.slice(before).map(({ type }) => type).filter((type) => acts.includes(type)), runOf(model).stage, runOf(model).attempt, existing(model)]).toEqual([[], 'training', 1, 1]);
    one.deafUntil = 0;
    model.msPerStep = () => 30_000;
    await toEnd(model);
    expect([runOf(model).verdict, runOf(model).attempt, model.creates, existing(model), model.violations]).toEqual(['done', 1, 1, 0, []]);
  });
});

describe('results that cannot be fetched', () => {
  it('what waiting costs is capped: the instance is stopped, started now and then, and destroyed once its results are home', async () => {
    const model = await training({ teardown: { wait_usd: 0.1 } });
    model.record({ type: 'user.destroy', run: 'one', waive: false });
    model.trouble = 1;
    model.dice = () => 0.5;
    for (let n = 0; n < 60; n += 1) await model.step(MINUTE);
    expect(runOf(model)).toMatchObject({ stage: 'rescuing' });
    expect(existing(model)).toBe(1);
    model.calm();
    await toEnd(model);
    expect([runOf(model).stage, runOf(model).rescue?.verdict, existing(model), model.violations]).toEqual(['closed', 'verified', 0, []]);
  });

  it('a stopped instance that is started for its results has time to bring them home', async () => {
    const model = await training({ teardown: { wait_usd: 0.1 } });
    box(model).deafUntil = Infinity;
    model.order({ do: 'destroy', run: 'one', waive: false });
    model.kill(box(model), '', 143);
    for (let n = 0; n < 200 && box(model).instance.actual_status === 'running'; n += 1) await model.step(MINUTE);
    expect([runOf(model).rescue?.verdict, box(model).instance.actual_status]).toEqual(['unverified', 'exited']);
    box(model).deafUntil = 0;
    await toEnd(model, 400);
    expect([runOf(model).stage, runOf(model).rescue?.verdict, existing(model), model.violations]).toEqual(['closed', 'verified', 0, []]);
  });

  it('or the user is asked each time that it has cost the cap once more, and it goes on', async () => {
    const model = await training({ teardown: { wait_usd: 0.1, wait_then: 'ask' } });
    box(model).deafUntil = Infinity;
    model.order({ do: 'destroy', run: 'one', waive: false });
    // Nothing may be ended that cannot be read: the training is taken to be over by its user.
    for (let n = 0; n < 90; n += 1) await model.step(MINUTE);
    const asked = model.events.filter(({ type }) => type === 'rescue.asked');
    expect(asked.length).toBeGreaterThanOrEqual(2);
    expect(types(model)).not.toContain('stop.intended');
  });
});

describe('a resume that begins below its checkpoint', () => {
  it('is refused and reported, and the older checkpoint is tried', async () => {
    const model = await training({}, 45);
    for (let n = 0; n < 20 && runOf(model).checkpoint?.step !== 40; n += 1) await model.step(MINUTE);
    expect(runOf(model).checkpoint?.step).toBeGreaterThanOrEqual(40);
    const given = `ckpt/step-${box(model).checkpoint ?? 0}.pt`;
    box(model).ignoresResume = true;
    model.kill(box(model), '', null, 'SEGV');
    for (let n = 0; n < 30 && !types(model).includes('refused'); n += 1) await model.step(20_000);
    expect(model.events.find(({ type }) => type === 'refused')).toMatchObject({ why: expect.stringContaining('it was given the checkpoint of step') as unknown });
    expect(model.events.findLast(({ type }) => type === 'remedy.chosen')).toMatchObject({ remedy: { rung: 'rerun', avoid: given } });
    expect(runOf(model).bad_checkpoints).toEqual([given]);
  });
});
