/** What a resumed training tells: whether it went on, whether its checkpoint holds numbers, and when a repair is proven. */
import { describe, expect, it } from 'vitest';
import { nextRemedy } from '../../src/core/ladder.ts';
import { Bench, SECOND } from './triggers-factory.ts';

const STEP = 5 * SECOND;
const CHECKPOINTS = { checkpoints: { path: 'ckpt/*', resume: 'train --resume {checkpoint}' }, run: 'train', knobs: {} };

/** Steps with numbers, then none; the loop has answered with a reduction, and the next attempt is given the checkpoint of step 20. */
function diverged(resume_step: number | null = 20): Bench {
  const bench = new Bench(CHECKPOINTS);
  bench.train(25, STEP);
  bench.log({ step: 26, loss: null, diverged: true });
  bench.look();
  // What the process still did before it was ended.
  bench.log({ step: 29, loss: null, diverged: true });
  resume(bench, resume_step);
  return bench;
}

function resume(bench: Bench, resume_step: number | null, remedy: Parameters<Bench['record']>[0] & { type: 'remedy.chosen' } = { type: 'remedy.chosen', run: 'demo', incident: bench.run.incident?.id ?? 0, remedy: { rung: 'reduce', knob: 'lr', from: 2, to: 1, keeps: null }, why: '' }): void {
  bench.record(remedy, { type: 'training.stopped', run: 'demo', attempt: bench.attempt });
  bench.attempt += 1;
  bench.record(
    { type: 'start.intended', run: 'demo', attempt: bench.attempt, instance: 7, command: 'train', resume_from: resume_step === null ? 'ckpt/last.pt' : `ckpt/step-${resume_step}.pt`, resume_step },
    { type: 'process.started', run: 'demo', attempt: bench.attempt, pid: 2 },
    { type: 'stream.opened', run: 'demo', attempt: bench.attempt, alive: true },
  );
  bench.step = resume_step ?? 0;
  bench.wait(60 * SECOND);
}

const resolved = (bench: Bench): (number | null)[] => bench.of('incident.resolved').map(({ step }) => step);

describe('a repair', () => {
  it('is not proven by what the attempt before still made', () => {
    const bench = diverged();
    expect(bench.run.progress?.reading.step).toBe(29);
    bench.look();
    expect(resolved(bench)).toEqual([]);
  });

  it('of a divergence is proven by numbers beyond it, not by steps', () => {
    const bench = diverged();
    bench.train(5, STEP);
    bench.conclude();
    expect(resolved(bench)).toEqual([]);
    // Counted on between two lines that tell a loss.
    bench.log({ step: 28, loss: bench.run.progress?.reading.loss ?? null });
    bench.conclude();
    expect(resolved(bench)).toEqual([]);
    bench.log({ step: 30, loss: 0.5 });
    bench.conclude();
    expect(resolved(bench)).toEqual([30]);
  });
});

describe('a resume at a checkpoint beyond the step where the numbers went', () => {
  it('proves nothing by itself', () => {
    const bench = diverged(30);
    bench.conclude();
    expect(resolved(bench)).toEqual([]);
  });
});

describe('a checkpoint after which nothing is a number', () => {
  it.each([20, null])('is not used again, and the rung of the divergence is kept for one that has some (step %s)', (step) => {
    const bench = diverged(step);
    bench.log({ step: step ?? 1, loss: null });
    bench.log({ step: 40, loss: null, diverged: true });
    bench.look();
    expect(bench.incidents).toEqual(['metric_wrong', 'checkpoint_poisoned']);
    const { incident } = bench.run;
    expect(incident).toMatchObject({ step: 40, diagnosis: { cause: 'checkpoint_corrupt', summary: expect.stringMatching(/^The checkpoint holds no numbers: /) as unknown } });
    expect(incident && nextRemedy(bench.run, incident, incident.diagnosis, 1)).toMatchObject({ remedy: { rung: 'rerun', avoid: step === null ? 'ckpt/last.pt' : 'ckpt/step-20.pt' } });
  });

  it('is one that told numbers before they went: the training is at fault again', () => {
    const bench = diverged();
    bench.train(8, STEP);
    bench.log({ step: 29, loss: null, diverged: true });
    bench.look();
    expect(bench.of('incident.recurred').map(({ diagnosis }) => diagnosis.cause)).toEqual(['numeric_divergence']);
    expect(bench.incidents).toEqual(['metric_wrong']);
  });

  it('is blamed once: where the one before is no better, the training is at fault', () => {
    const bench = diverged();
    bench.log({ step: 21, loss: null, diverged: true });
    bench.look();
    resume(bench, 10, { type: 'remedy.chosen', run: 'demo', incident: bench.run.incident?.id ?? 0, remedy: { rung: 'rerun', backoff_ms: 0, avoid: 'ckpt/step-20.pt' }, why: '' });
    bench.log({ step: 11, loss: null, diverged: true });
    bench.look();
    expect(bench.incidents).toEqual(['metric_wrong', 'checkpoint_poisoned', 'metric_wrong']);
    expect(bench.run.incident?.diagnosis.cause).toBe('numeric_divergence');
  });
});

describe('a resume that begins anew', () => {
  it('is refused in words that say what to mend', () => {
    const bench = diverged();
    bench.step = 0;
    bench.train(4, STEP);
    bench.conclude();
    expect(bench.of('refused').map(({ why }) => why)).toEqual(['it was given the checkpoint of step 20, and trains at step 4']);
    expect(bench.run.incident?.diagnosis).toMatchObject({ trigger: 'resume_lost', cause: 'checkpoint_corrupt', summary: 'The resume command does not resume: it was given the checkpoint of step 20, and trains at step 4.', next: expect.stringContaining('checkpoints.resume') as unknown });
  });
});
