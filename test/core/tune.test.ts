import { describe, expect, it } from 'vitest';
import { factsOf } from '../../src/core/fixes.ts';
import { reportLines, reportOf } from '../../src/core/report.ts';
import { parseSpec, SpecError, type SpecInput } from '../../src/core/spec.ts';
import type { RunState } from '../../src/core/state.ts';
import { cleanLine } from '../../src/core/text.ts';
import { changesFor, judgeTrial, measured, nextTrial, onTrial, remedyOf, type Trial } from '../../src/core/tune.ts';
import { statusMarkdown } from '../../src/journal/status-md.ts';
import { Model, type SimBox } from './model/index.ts';
import { makeSpec } from './spec-factory.ts';
import { Bench, gpu } from './triggers-factory.ts';

const MINUTE = 60_000;
const TUNED: Partial<SpecInput> = {
  complexity: 'moderate',
  run: 'train --workers {workers}',
  knobs: { workers: { value: 2, floor: 0, answers: [], ceiling: 16, speeds: ['data'] } },
  checkpoints: { path: 'ckpt/*', resume: 'train --workers {workers} --resume {checkpoint}' },
};

/** A run whose GPU waits for data, and whose steps take `msPerStep`, depending on what is in force. */
function starved(msPerStep: (run: RunState) => number, changes: Partial<SpecInput> = TUNED): Model {
  const model = new Model(() => 0.999, 0);
  model.util = () => 35;
  model.msPerStep = (id) => {
    const run = model.world.runs[id];
    return run ? msPerStep(run) : 60_000;
  };
  model.submit('one', makeSpec(changes));
  return model;
}
const run = (model: Model): RunState => model.world.runs['one'] ?? ((): never => { throw new Error('no run'); })();
const box = (model: Model): SimBox => model.boxes.get(run(model).instance ?? 0) ?? ((): never => { throw new Error('no box'); })();
async function until(model: Model, done: () => boolean, steps = 400): Promise<void> {
  for (let n = 0; n < steps && !done(); n += 1) await model.step(30_000);
}
const faster = (one: RunState): number => ((one.knobs['workers'] ?? 0) >= 4 ? 30_000 : 60_000);

describe('the samples that a bottleneck is judged by', () => {
  it('are taken of training alone: a model that is loading, an evaluation and a frozen step are none of them', () => {
    const bench = new Bench();
    const idle = { gpus: [gpu({ util: 0, power_w: 60 })] };
    for (let n = 0; n < 4; n += 1) {
      bench.wait(MINUTE);
      bench.look(idle);
    }
    expect(bench.run.samples).toEqual([]);
    for (let n = 0; n < 3; n += 1) {
      bench.train(20, 3_000);
      bench.look();
    }
    bench.log({ step: bench.step + 1, activity: 'evaluating' });
    bench.wait(MINUTE);
    bench.look(idle);
    bench.log({ activity: 'training' });
    bench.look(idle);
    expect(bench.run.samples).toHaveLength(3);
    expect(bench.run.samples.every(({ util }) => (util ?? 0) > 0.5)).toBe(true);
  });
});

describe('an optimisation', () => {
  it('is made on a stable baseline alone, measured before and after, and kept when it gains; the journal has both figures', async () => {
    const model = starved(faster);
    // Fed well, the GPU waits no more.
    model.util = () => ((run(model).knobs['workers'] ?? 0) >= 4 ? 97 : 35);
    await until(model, () => onTrial(run(model)) !== null);
    const chosen = model.events.find((event) => event.type === 'trial.chosen');
    const started = model.events.find((event) => event.type === 'process.started');
    expect(chosen).toMatchObject({ trial: { bottleneck: 'data', change: { kind: 'knob', knob: 'workers', from: 2, to: 4, keeps: null } } });
    expect((chosen?.at ?? 0) - (started?.at ?? 0)).toBeGreaterThan(12 * MINUTE);
    const trial = onTrial(run(model));
    expect(trial?.before).toBeCloseTo(1 / 60, 3);
    await until(model, () => run(model).trials[0]?.ended != null);
    expect(run(model).trials[0]?.ended).toMatchObject({ how: 'kept', after: expect.closeTo(1 / 30, 3) as number, reason: 'it gains +100.0 %' });
    expect(run(model).knobs['workers']).toBe(4);
    expect(run(model).attempts.at(-1)?.command).toMatch(/^train --workers 4 --resume 'ckpt\/step-\d+\.pt'$/);
    expect(statusMarkdown(model.world, model.now)).toContain('(against data): 0.01667 steps/s before, 0.03333 steps/s after; kept: it gains +100.0 %');
    expect(reportLines(reportOf(model.world, run(model), model.now), cleanLine).join('\n')).toContain('optimisation: workers 2 -> 4');
    await until(model, () => run(model).stage === 'closed', 1_000);
    expect([run(model).verdict, run(model).incidents, model.violations]).toEqual(['done', [], []]);
  });

  it('goes on where it still waits after a gain: the next step of the same knob, and two in a run are enough', async () => {
    const model = starved((one) => 120_000 / (one.knobs['workers'] ?? 1));
    await until(model, () => run(model).stage === 'closed', 1_000);
    expect(run(model).trials.map(({ change, ended }) => [change.kind === 'knob' && change.to, ended?.how])).toEqual([[4, 'kept'], [8, 'kept']]);
    expect([run(model).verdict, run(model).attempts.length, model.violations]).toEqual(['done', 3, []]);
  });

  it('is taken back when it does not gain, and not tried again', async () => {
    const model = starved(() => 60_000);
    await until(model, () => run(model).trials[0]?.ended != null);
    expect(run(model).trials[0]).toMatchObject({ change: { knob: 'workers' }, ended: { how: 'reverted', reason: '+0.0 % is no gain' } });
    expect(run(model).knobs['workers']).toBe(2);
    await until(model, () => run(model).stage === 'closed', 1_000);
    expect(run(model).attempts.at(-1)?.command).toMatch(/^train --workers 2 /);
    const tried = model.events.flatMap((event) => (event.type === 'trial.chosen' ? [JSON.stringify(event.trial.change)] : []));
    expect(new Set(tried).size).toBe(tried.length);
    expect(tried.length).toBeLessThanOrEqual(2);
    expect([run(model).verdict, model.violations]).toEqual(['done', []]);
  });

  it('is blamed first when the training fails under it: taken back without an incident', async () => {
    const model = starved(faster);
    await until(model, () => onTrial(run(model)) !== null && run(model).stage === 'training');
    model.kill(box(model), 'RuntimeError: DataLoader worker (pid 12) is killed by signal: Killed.');
    await until(model, () => run(model).trials[0]?.ended != null);
    expect(run(model).trials[0]?.ended).toMatchObject({ how: 'reverted', after: null, reason: expect.stringMatching(/^it failed: /) as unknown });
    expect(model.events.some(({ type }) => type === 'incident.opened')).toBe(false);
    await until(model, () => run(model).stage === 'training' && run(model).attempt === 3);
    expect(run(model).attempts.at(-1)?.command).toMatch(/^train --workers 2 /);
    // The same again, with nothing on trial, is an incident like any other.
    model.kill(box(model), 'RuntimeError: DataLoader worker (pid 12) is killed by signal: Killed.');
    await until(model, () => model.events.some(({ type }) => type === 'incident.opened'), 20);
    expect(run(model).incident?.diagnosis.cause).toBe('shm_dataloader');
  });

  it('stays within the complexity of the spec, needs a resume command, and leaves a person who holds the box alone', async () => {
    for (const changes of [{ ...TUNED, complexity: 'simple' as const, env: { OMP_NUM_THREADS: '8' } }, { ...TUNED, checkpoints: { path: 'ckpt/*' } }]) {
      const model = starved(faster, changes);
      await until(model, () => run(model).stage === 'closed', 500);
      expect(run(model).verdict).toBe('done');
      expect(run(model).trials).toEqual([]);
      expect(model.events.some(({ type }) => type === 'efficiency.judged')).toBe(true);
    }
    const held = starved(faster);
    await until(held, () => run(held).stage === 'training');
    held.order({ do: 'hold', run: 'one', minutes: 120, reason: 'a look' });
    for (let n = 0; n < 150; n += 1) await held.step(30_000);
    expect(run(held).trials).toEqual([]);
  });

  it('is not made where it would pay, and the run would end before it could be judged', async () => {
    const model = starved(() => 60_000);
    await until(model, () => run(model).eyes.rhythm.laps.length >= 12 && run(model).samples.length >= 3 && run(model).advice !== null);
    const one = (eta_s: number): RunState => {
      const { progress } = run(model);
      return { ...run(model), trials: [], repair: null, incident: null, ...(progress && { progress: { ...progress, reading: { ...progress.reading, eta_s } } }) };
    };
    // Twice the workers may double the rate: what is left must last for twelve minutes then, and a restart.
    const tried = (minutes: number): boolean => nextTrial({ ...one(60 * minutes), stage: 'training' }, model.now) !== null;
    const least = Array.from({ length: 200 }, (_, n) => n).find(tried) ?? 0;
    expect(least).toBeGreaterThanOrEqual(30);
    expect(least).toBeLessThan(90);
  });

  it('sets a known variable in the run\'s own file, and takes the line out again when it does not gain', async () => {
    const model = starved(() => 60_000, { ...TUNED, complexity: 'simple', knobs: {}, run: 'train', checkpoints: { path: 'ckpt/*', resume: 'train --resume {checkpoint}' } });
    await until(model, () => run(model).trials[0]?.ended != null);
    await until(model, () => run(model).attempt === 3);
    const commands = model.events.flatMap((event) => (event.type === 'fix.applied' ? [event.command] : []));
    expect(commands).toEqual([factsOf({ kind: 'env', name: 'OMP_NUM_THREADS', value: '1' }).command, factsOf({ kind: 'env_off', name: 'OMP_NUM_THREADS', value: '1' }).command]);
    expect(run(model).fixes).toEqual([]);
  });
});

describe('what may be changed', () => {
  it('grows a declared knob by its factor up to its ceiling, and a batch only where what it keeps comes out whole', () => {
    const spec = makeSpec({ knobs: { batch_size: { value: 16, floor: 4, keeps: 'accum', ceiling: 64, speeds: ['none'] }, accum: { value: 2, floor: 1, answers: [] } } });
    expect(changesFor(spec, { batch_size: 16, accum: 2 }, 'none')).toMatchObject([{ change: { knob: 'batch_size', from: 16, to: 32, keeps: { knob: 'accum', from: 2, to: 1 } }, size: 'config', risk: 'medium' }]);
    expect(changesFor(spec, { batch_size: 32, accum: 1 }, 'none')).toEqual([]);
    expect(changesFor(spec, { batch_size: 16, accum: 2 }, 'data').map(({ change }) => change.kind)).toEqual(['env']);
    const workers = makeSpec(TUNED);
    expect(changesFor(workers, { workers: 0 }, 'data')[0]?.change).toMatchObject({ from: 0, to: 1 });
    expect(changesFor(workers, { workers: 16 }, 'data').some(({ change }) => change.kind === 'knob')).toBe(false);
    expect(changesFor(workers, { workers: 12 }, 'data')[0]?.change).toMatchObject({ to: 16 });
  });

  it('is undone by its own inverse', () => {
    const change = { kind: 'knob', knob: 'batch_size', from: 16, to: 32, keeps: { knob: 'accum', from: 2, to: 1 } } as const;
    expect(remedyOf(change, true)).toEqual({ rung: 'reduce', knob: 'batch_size', from: 32, to: 16, keeps: { knob: 'accum', from: 1, to: 2 } });
  });

  it('must be said in the spec: speeds want a ceiling, and a ceiling is not below the value', () => {
    const problems = (knob: object): string[] => {
      try {
        parseSpec({ ...makeSpecInput, knobs: { workers: knob } });
        return [];
      } catch (error) {
        return error instanceof SpecError ? error.problems.map(({ field }) => field) : [String(error)];
      }
    };
    expect(problems({ value: 4, floor: 0, speeds: ['data'] })).toEqual(['knobs.workers.ceiling']);
    expect(problems({ value: 4, floor: 0, ceiling: 2, speeds: ['data'] })).toEqual(['knobs.workers.ceiling']);
    expect(problems({ value: 4, floor: 0, ceiling: 8, speeds: ['data'] })).toEqual([]);
  });
});
const makeSpecInput = { name: 'x', image: 'i', hardware: { max_usd_per_hour: 1 }, run: 'train', kill: { hours: 1, dollars: 1 } };

describe('the figures', () => {
  it('are known after twelve laps, without pauses; with them where pauses are to be shortened, over a longer time', async () => {
    const model = starved(() => 60_000);
    await until(model, () => run(model).eyes.rhythm.laps.length === 11);
    const attempt = () => run(model).attempts.at(-1) ?? ((): never => { throw new Error('no attempt'); })();
    expect(measured(run(model), attempt(), 'data')).toBeNull();
    await until(model, () => run(model).eyes.rhythm.laps.length === 12);
    expect(measured(run(model), attempt(), 'data')).toBeCloseTo(1 / 60, 3);
    expect(measured(run(model), attempt(), 'logging')).toBeNull();
    expect(nextTrial({ ...run(model), advice: null }, model.now)).toBeNull();
    // A look at all that is home takes longer the longer the run: it is not taken at each decision for nothing.
    const unread: RunState = { ...run(model), advice: { bottleneck: 'data', evidence: [], baseline: 1, suggestions: [] } };
    Object.defineProperty(unread, 'home', { get: () => { throw new Error('read for nothing'); } });
    expect(nextTrial(unread, model.now)).toBeNull();
  });

  it('give a change that comes to no rhythm an hour, then take it back', async () => {
    const model = starved(() => 60_000);
    await until(model, () => onTrial(run(model)) !== null && run(model).stage === 'training');
    const trial: Trial = onTrial(run(model)) ?? ((): never => { throw new Error('no trial'); })();
    const started = run(model).attempts.at(-1)?.started_at ?? 0;
    expect(judgeTrial(run(model), trial, started + 59 * MINUTE)).toBeNull();
    expect(judgeTrial(run(model), trial, started + 61 * MINUTE)).toMatchObject({ how: 'reverted', after: null, reason: 'no stable rhythm came of it' });
  });
});
