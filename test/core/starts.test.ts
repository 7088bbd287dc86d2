/** Attempts that fail before they begin, and boxes that will not begin one. */
import { describe, expect, it } from 'vitest';
import type { RunState } from '../../src/core/state.ts';
import { Model, type SimBox } from './model/index.ts';
import { makeSpec } from './spec-factory.ts';

const runOf = (model: Model): RunState => {
  const run = model.world.runs['one'];
  if (!run) throw new Error('no run');
  return run;
};
const box = (model: Model): SimBox => {
  const found = model.boxes.get(runOf(model).instance ?? 0);
  if (!found) throw new Error('no box');
  return found;
};
async function until(model: Model, done: () => boolean, steps = 400): Promise<void> {
  for (let n = 0; n < steps && !done(); n += 1) await model.step(20_000);
  expect(done()).toBe(true);
}
const start = (changes: Parameters<typeof makeSpec>[0] = {}): Model => {
  const model = new Model(() => 0.999, 0);
  model.submit('one', makeSpec(changes));
  return model;
};
const told = (model: Model, type: string): number => model.events.filter((event) => event.type === type).length;
const training = (step: number) => (model: Model) => (): boolean => model.boxes.size > 0 && runOf(model).stage === 'training' && (runOf(model).progress?.reading.step ?? 0) >= step;

describe('a setup that failed and was repaired', () => {
  it('is proven by the first step of an attempt of its own, and the training goes on to its end', async () => {
    const model = start({ setup: 'make ready' });
    model.setupSays = "ModuleNotFoundError: No module named 'einops'";
    await until(model, training(3)(model));
    expect(runOf(model)).toMatchObject({ attempt: 2, incident: null, incidents: [{ attempt: 1, ended: { how: 'resolved' }, remedies: [{ remedy: { rung: 'fix' } }] }] });
    await until(model, () => runOf(model).stage === 'closed', 2_000);
    expect([runOf(model).verdict, told(model, 'remedy.chosen'), model.violations]).toEqual(['done', 1, []]);
  });
});

describe('a box that was reached and will not start an attempt', () => {
  it('is a failure for the ladder, not a start that is tried for ever: a disk that stays full is left with what is on it', async () => {
    const model = start();
    await until(model, training(25)(model));
    const full = box(model);
    full.full = true;
    model.kill(full, 'OSError: [Errno 28] No space left on device');
    await until(model, () => model.creates === 2, 60);
    expect(runOf(model).incidents.concat(runOf(model).incident ?? []).map(({ diagnosis, remedies }) => [diagnosis.trigger, diagnosis.cause, remedies.map(({ remedy }) => remedy.rung).join()])).toEqual([['process_exited', 'disk_full', 'fix'], ['start_failed', 'disk_full', 'switch']]);
    await until(model, () => runOf(model).stage === 'closed', 2_000);
    expect([runOf(model).verdict, full.exists, model.violations]).toEqual(['done', false, []]);
  });

  it('because an older attempt lives there has that one ended first', async () => {
    const model = start();
    await until(model, training(12)(model));
    const one = box(model);
    model.toldByTest = true;
    // Taken for dead, and alive all the same.
    model.record({ type: 'process.exited', run: 'one', attempt: 1, exit_code: null, signal: 'SEGV', oom_kills: 0, tail: [], pushed: false });
    await until(model, () => one.process?.attempt === 2, 60);
    await until(model, () => runOf(model).stage === 'closed', 2_000);
    expect([runOf(model).verdict, model.creates, told(model, 'start.failed')]).toEqual(['done', 1, 0]);
  });
});

describe('a hung process that no signal ends', () => {
  it('is left for another machine; what it holds is waited for up to the cap, then stopped, read and ended', async () => {
    const model = start({ teardown: { wait_usd: 0.2 } });
    await until(model, training(33)(model));
    const old = box(model);
    Object.assign(old, { unkillable: true, process: { ...old.process, hung: true } });
    await until(model, () => runOf(model).left.length > 0, 600);
    expect(model.events.findLast(({ type }) => type === 'remedy.chosen')).toMatchObject({ remedy: { rung: 'switch', leave: true }, why: expect.stringContaining('survive KILL') as unknown });
    expect(Object.values(model.world.machines)).toHaveLength(1);
    old.write('out/only-here.json', 'x', model.now);
    // The later attempt comes to no good end, so that what is left counts.
    await until(model, training(60)(model));
    model.kill(box(model), "KeyError: 'labelz'");
    await until(model, () => old.instance.actual_status === 'exited', 600);
    expect(model.world.fleet[String(old.instance.id)]?.usd.idle).toBeLessThan(0.5);
    await until(model, () => runOf(model).stage === 'closed', 3_000);
    expect([old.exists, [...model.home.keys()].some((path) => path.endsWith(`left-${old.instance.id}/out/only-here.json`)), model.violations]).toEqual([false, true, []]);
  });

});

describe('what is left behind on a box that lets nobody in any more', () => {
  it('is told about each day, with the price of its disk, until the user lets it go', async () => {
    const model = start({ teardown: { wait_usd: 0.2 } });
    await until(model, training(33)(model));
    const old = box(model);
    old.offlineUntil = model.now + 60 * 60_000;
    await until(model, () => runOf(model).left.length > 0, 600);
    Object.assign(old, { offlineUntil: 0, deafUntil: Infinity, process: null });
    await until(model, training(60)(model));
    model.kill(box(model), "KeyError: 'labelz'");
    for (let n = 0; n < 6 * 24 * 4; n += 1) await model.step(600_000);
    const asked = model.events.filter((event) => event.type === 'left.asked');
    expect([asked.length >= 2, old.exists, old.instance.actual_status, runOf(model).stage]).toEqual([true, true, 'exited', 'tearing_down']);
    expect(model.world.said.findLast(({ text }) => text.includes('waiting for the results'))?.text).toMatch(/costs \$0\.010\/h; `vastsit-tui destroy one --waive` ends it/);
    model.order({ do: 'destroy', run: 'one', waive: true });
    await until(model, () => runOf(model).stage === 'closed', 100);
    expect([old.exists, model.violations]).toEqual([false, []]);
  });
});

describe('a list that is not kept', () => {
  it('moves no run: a restart would find it where it was', () => {
    const model = new Model(() => 0.999, 0);
    const facts = model.boxes.get(model.stranger())?.instance;
    if (!facts) throw new Error('no stranger');
    model.toldByTest = true;
    model.submit('one', makeSpec(), facts.id);
    model.record({ type: 'fleet.seen', instances: [facts] });
    model.record({ type: 'adopt.intended', run: 'one', attempt: 1, instance: facts.id, label: 'vastsit:one:1', label_before: 'mine' }, { type: 'instance.adopted', run: 'one', attempt: 1, instance: facts.id, machine_id: 9 });
    model.record({ type: 'fleet.fresh', instances: [facts] });
    expect(runOf(model).stage).toBe('loading');
    model.record({ type: 'fleet.seen', instances: [facts] });
    expect(runOf(model).stage).toBe('connecting');
  });
});
