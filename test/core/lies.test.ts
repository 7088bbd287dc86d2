/** Single lies of the market, each of which would cost money or work if it were believed. */
import { describe, expect, it } from 'vitest';
import type { RunState } from '../../src/core/state.ts';
import { Model, type Box } from './model.ts';
import { makeSpec } from './spec-factory.ts';

const MINUTE = 60_000;

function training(changes: Parameters<typeof makeSpec>[0] = {}, until = 25): Model {
  const model = new Model(() => 0.999, 0);
  model.submit('one', makeSpec(changes));
  for (let n = 0; n < 200 && (boxOf(model)?.process?.step ?? 0) < until; n += 1) model.step(20_000);
  return model;
}

const runOf = (model: Model): RunState => {
  const run = model.world.runs['one'];
  if (!run) throw new Error('no run');
  return run;
};
const boxOf = (model: Model): Box | undefined => {
  const id = model.world.runs['one']?.instance;
  return id == null ? undefined : model.boxes.get(id);
};
const box = (model: Model): Box => {
  const found = boxOf(model);
  if (!found) throw new Error('no box');
  return found;
};
const toEnd = (model: Model, steps = 2_000): void => {
  for (let n = 0; n < steps && runOf(model).stage !== 'closed'; n += 1) model.step(MINUTE);
};
const types = (model: Model): string[] => model.events.map(({ type }) => type);
const existing = (model: Model): number => [...model.boxes.values()].filter(({ exists }) => exists).length;

describe('lists that lie', () => {
  it('an empty list is asked about by id before an instance counts as gone, however often it comes', () => {
    const model = training();
    for (let n = 0; n < 10; n += 1) {
      model.record({ type: 'fleet.seen', instances: [] });
      model.step(1_000);
    }
    expect(types(model)).not.toContain('instance.gone');
    expect(runOf(model).stage).toBe('training');
  });

  it('a 401 neither ends nor starts anything', () => {
    const model = training();
    const before = model.creates;
    model.record({ type: 'fleet.unknown', failure: 'auth', reason: 'the key was refused' });
    model.step(1_000);
    expect([model.creates, runOf(model).stage, model.violations.length]).toEqual([before, 'training', 0]);
  });

  it('an instance that returns from the dead is destroyed again, also when its run is closed', () => {
    const model = training();
    const first = box(model);
    toEnd(model);
    expect([runOf(model).verdict, existing(model)]).toEqual(['done', 0]);
    first.exists = true;
    model.record({ type: 'fleet.seen', instances: [first.instance] });
    expect(runOf(model).stage).toBe('tearing_down');
    toEnd(model);
    expect([runOf(model).stage, existing(model), model.violations.length]).toEqual(['closed', 0, 0]);
  });
});

describe('creates that were carried out twice', () => {
  it('the empty twin of an unclear create is destroyed, the other one trains', () => {
    const model = new Model(() => 0.999, 0);
    model.submit('one', makeSpec());
    const offer = { offer_id: 5, machine_id: 3, gpu_name: 'RTX 4090', num_gpus: 1, dph_total: 0.3, all_in_usd_per_hour: 0.3, reliability: 0.99, geolocation: null };
    model.record({ type: 'create.intended', run: 'one', attempt: 1, offer, label: 'vastsit:one:1', bid_usd_per_hour: null }, { type: 'create.unclear', run: 'one', attempt: 1, reason: 'timeout' });
    const twins = [model.born('vastsit:one:1', 3, false), model.born('vastsit:one:1', 3, false)];
    model.calm();
    for (let n = 0; n < 30; n += 1) model.step(20_000);
    expect(existing(model)).toBe(1);
    expect(runOf(model).instance).toBe(twins[0]);
    toEnd(model);
    expect([runOf(model).verdict, existing(model), model.violations]).toEqual(['done', 0, []]);
  });

  it('an instance under our label that fits no create of ours is a stranger\'s: shown, never touched', () => {
    const model = training();
    const mine = box(model).instance;
    model.record({ type: 'fleet.seen', instances: [mine, { ...mine, id: 9 }] });
    expect(model.world.fleet['9']?.owner).toBe('stranger');
  });
});

describe('an instance that goes away', () => {
  it('offline: waited for as long as going elsewhere takes; then the run goes on elsewhere, and what comes back is looked through', () => {
    const model = training({}, 60);
    const old = box(model);
    old.offlineUntil = model.now + 3 * 60 * MINUTE;
    for (let n = 0; n < 10; n += 1) model.step(MINUTE);
    expect([runOf(model).away?.kind, runOf(model).instance, model.creates]).toEqual(['offline', old.instance.id, 1]);
    for (let n = 0; n < 40; n += 1) model.step(MINUTE);
    expect(runOf(model).left.map(({ instance }) => instance)).toEqual([old.instance.id]);
    expect(runOf(model).attempt).toBe(2);
    // The old one is back while the new one trains: its training is ended before anything else happens to it.
    old.offlineUntil = 0;
    for (let n = 0; n < 10; n += 1) model.step(20_000);
    expect(old).toMatchObject({ process: null });
    toEnd(model);
    expect([runOf(model).verdict, existing(model), model.violations]).toEqual(['done', 0, []]);
  });

  it('offline for a moment: nothing is rented, and the same attempt goes on', () => {
    const model = training();
    box(model).offlineUntil = model.now + 5 * MINUTE;
    for (let n = 0; n < 12; n += 1) model.step(MINUTE);
    expect([runOf(model).stage, runOf(model).attempt, model.creates]).toEqual(['training', 1, 1]);
    expect(types(model)).toContain('instance.back');
  });

  it('outbid: the bid is raised within the price cap, at most twice', () => {
    const model = training({ market: { bid: 0.3 } });
    box(model).outbidUntil = model.now + 8 * 60 * MINUTE;
    model.dice = () => 0;
    model.trouble = 0;
    for (let n = 0; n < 3; n += 1) model.step(MINUTE);
    expect(model.events.find(({ type }) => type === 'bid.raised')).toMatchObject({ usd_per_hour: 0.357 });
    toEnd(model);
    expect([runOf(model).verdict, existing(model), model.violations]).toEqual(['done', 0, []]);
  });
});

describe('a stop that does not stick', () => {
  it('is asked again until the market accepts it, and again while a list shows it running on; then the second timer destroys it', () => {
    const model = training({ teardown: { on_done: 'stop', stopped_grace: '1h' } });
    const stops = () => types(model).filter((type) => type === 'stop.intended').length;
    const id = box(model).instance.id;
    model.refuseStop = 3;
    toEnd(model, 90);
    expect(stops()).toBeGreaterThanOrEqual(3);
    expect(model.world.fleet[String(id)]).toMatchObject({ stop: 'accepted' });
    const before = stops();
    // Accepted, and yet it runs on.
    const found = model.boxes.get(id);
    if (!found) throw new Error('no box');
    found.instance = { ...found.instance, actual_status: 'running', cur_state: 'running' };
    for (let n = 0; n < 5; n += 1) model.step(MINUTE);
    expect(stops()).toBeGreaterThan(before);
    expect(found.instance.actual_status).toBe('exited');
    toEnd(model);
    expect([runOf(model).stage, existing(model), model.violations]).toEqual(['closed', 0, []]);
  });
});

describe('a box that lets nobody in for nine hours', () => {
  it('goes on training: nothing is rented, stopped or destroyed, and the same attempt is found at work', () => {
    const model = new Model(() => 0.999, 0);
    model.length = 1_600;
    model.submit('one', makeSpec({ kill: { hours: 40, dollars: 100 } }));
    for (let n = 0; n < 200 && (boxOf(model)?.process?.step ?? 0) < 25; n += 1) model.step(20_000);
    const before = model.events.length;
    model.sshRefused = true;
    model.record({ type: 'stream.lost', run: 'one', attempt: 1, reason: 'the session ended' });
    for (let n = 0; n < 9 * 60; n += 1) model.step(MINUTE);
    const acted = model.events.slice(before).map(({ type }) => type).filter((type) => !['fleet.seen', 'fleet.fresh', 'account.seen', 'effect.failed', 'stream.lost', 'check.failed', 'alert.opened', 'alert.closed', 'incident.opened', 'runway.judged'].includes(type));
    expect([acted, runOf(model).stage, runOf(model).attempt, existing(model)]).toEqual([[], 'training', 1, 1]);
    model.sshRefused = false;
    toEnd(model);
    expect([runOf(model).verdict, runOf(model).attempt, model.creates, existing(model), model.violations]).toEqual(['done', 1, 1, 0, []]);
  });
});

describe('results that cannot be fetched', () => {
  it('what waiting costs is capped: the instance is stopped, started now and then, and destroyed once its results are home', () => {
    const model = training({ teardown: { wait_usd: 0.1 } });
    model.record({ type: 'user.destroy', run: 'one', waive: false });
    model.trouble = 1;
    model.dice = () => 0.5;
    for (let n = 0; n < 60; n += 1) model.step(MINUTE);
    expect(runOf(model)).toMatchObject({ stage: 'rescuing' });
    expect(existing(model)).toBe(1);
    model.calm();
    toEnd(model);
    expect([runOf(model).stage, runOf(model).rescue?.verdict, existing(model), model.violations]).toEqual(['closed', 'verified', 0, []]);
  });

  it('or the user is asked each time that it has cost the cap once more, and it goes on', () => {
    const model = training({ teardown: { wait_usd: 0.1, wait_then: 'ask' } });
    model.record({ type: 'user.destroy', run: 'one', waive: false });
    model.step(MINUTE);
    for (let n = 0; n < 60; n += 1) {
      const run = runOf(model);
      if (run.stage === 'rescuing') model.record({ type: 'rescue.judged', run: 'one', instance: run.instance ?? 0, verdict: 'unverified', files: 0, bytes: 0, reason: 'out of reach' }, { type: 'effect.failed', run: 'one', effect: 'sync', reason: 'out of reach', retry_at: model.now + 2 * MINUTE });
      model.step(MINUTE);
    }
    const asked = model.events.filter(({ type }) => type === 'rescue.asked');
    expect(asked.length).toBeGreaterThanOrEqual(2);
    expect(types(model)).not.toContain('stop.intended');
  });
});

describe('a resume that begins below its checkpoint', () => {
  it('is refused and reported, and the older checkpoint is tried', () => {
    const model = training({}, 45);
    const run = runOf(model);
    const home = [20, 40].map((step) => ({ path: `ckpt/step-${step}.pt`, bytes: 100, sha256: `h${step}`, mtime_s: step }));
    model.record({ type: 'files.home', run: 'one', instance: run.instance ?? 0, files: home, bytes: 200 });
    model.record({ type: 'process.exited', run: 'one', attempt: 1, exit_code: null, signal: 'SEGV', oom_kills: 0, tail: ['step 45'], pushed: true });
    box(model).process = null;
    box(model).checkpoint = 40;
    for (let n = 0; n < 20 && runOf(model).attempt < 2; n += 1) model.step(1_000);
    const process = box(model).process;
    if (!process) throw new Error('not started again');
    model.record({ type: 'start.intended', run: 'one', attempt: 2, instance: run.instance ?? 0, command: 'x', resume_from: 'ckpt/step-40.pt', resume_step: 40 }, { type: 'process.started', run: 'one', attempt: 2, pid: 2 });
    process.step = 1;
    for (let n = 0; n < 30 && !types(model).includes('refused'); n += 1) model.step(20_000);
    expect(model.events.find(({ type }) => type === 'refused')).toMatchObject({ why: expect.stringContaining('checkpoint of step 40') as unknown });
    expect(model.events.findLast(({ type }) => type === 'remedy.chosen')).toMatchObject({ remedy: { rung: 'rerun', avoid: 'ckpt/step-40.pt' } });
    expect(runOf(model).bad_checkpoints).toEqual(['ckpt/step-40.pt']);
  });
});
