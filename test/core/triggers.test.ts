import { describe, expect, it } from 'vitest';
import type { ProbeReading } from '../../src/core/probe.ts';
import { stallLimit } from '../../src/core/triggers/index.ts';
import { Bench, gpu, IDLE, MINUTE, SECOND, SPINNING } from './triggers-factory.ts';

/** The box of a run that hangs in silence. */
const silent = (ms: number) => ({ log_age_s: ms / 1_000 });

describe('a step that no longer comes', () => {
  it('is a stall when the GPU spins at low power and the log is silent', () => {
    const bench = new Bench();
    bench.train(60, 5 * SECOND);
    bench.wait(4 * MINUTE);
    expect(bench.wants('probe')).toBe(true);
    bench.look({ gpus: [SPINNING], ...silent(4 * MINUTE) });
    expect(bench.incidents).toEqual(['step_stalled']);
    expect(bench.run.incident?.diagnosis).toMatchObject({ cause: 'stall', fingerprint: 'stall', summary: expect.stringContaining('spins at low power') as string });
  });

  it('is a stall at 0 % with memory held, once two looks agree that no process computes', () => {
    const bench = new Bench();
    bench.train(60, 5 * SECOND);
    bench.cores = 0.02;
    bench.wait(5 * MINUTE);
    bench.look({ gpus: [IDLE], ...silent(5 * MINUTE) });
    expect(bench.incidents).toEqual([]);
    bench.wait(70 * SECOND);
    expect(bench.wants('probe')).toBe(true);
    bench.look({ gpus: [IDLE], ...silent(6 * MINUTE) });
    expect(bench.incidents).toEqual(['step_stalled']);
    expect(bench.run.incident?.diagnosis.summary).toContain('holding 19.5 GB');
  });

  it.each([
    ['the GPU computes', { gpus: [gpu()] }, 1],
    ['a process computes and nothing else shows it', { gpus: [IDLE] }, 2],
    ['the log goes on', { gpus: [IDLE], log_age_s: 2 }, 0],
  ] as const)('is no stall after 20 minutes when %s', (_, box, cores) => {
    const bench = new Bench();
    bench.train(60, 5 * SECOND);
    bench.cores = cores;
    bench.watch(20 * MINUTE, 2 * MINUTE, { ...silent(20 * MINUTE), ...box, gpus: [...box.gpus] });
    expect(bench.incidents).toEqual([]);
  });

  it('is no stall while the disk or the network moves', () => {
    for (const kind of ['io', 'net'] as const) {
      const bench = new Bench();
      bench.train(60, 5 * SECOND);
      bench.cores = 0;
      for (let n = 1; n <= 20; n += 1) {
        bench.wait(MINUTE);
        const moved = n * 60 * 20e6;
        bench.look({ gpus: [IDLE], ...silent(n * MINUTE), ...(kind === 'io' ? { io: { read_bytes: moved, write_bytes: 0 } } : { net: { rx_bytes: moved, tx_bytes: 0 } }) });
      }
      expect(bench.incidents).toEqual([]);
    }
  });

  it('waits for an evaluation of 40 minutes that it has seen before, also when its GPU idles', () => {
    const bench = new Bench();
    bench.train(60, 5 * SECOND);
    bench.log({ activity: 'evaluating' });
    bench.wait(40 * MINUTE);
    bench.log({ step: bench.step + 1 });
    bench.train(60, 5 * SECOND);
    bench.log({ activity: 'evaluating' });
    bench.cores = 0;
    bench.watch(60 * MINUTE, 5 * MINUTE, { gpus: [IDLE], ...silent(40 * MINUTE) });
    expect(bench.incidents).toEqual([]);
    bench.watch(40 * MINUTE, 5 * MINUTE, { gpus: [IDLE], ...silent(40 * MINUTE) });
    expect(bench.incidents).toEqual(['step_stalled']);
  });

  it('finds a hang between two such evaluations as soon as any other', () => {
    const bench = new Bench();
    bench.train(60, 5 * SECOND);
    bench.log({ activity: 'evaluating' });
    bench.wait(40 * MINUTE);
    bench.log({ step: bench.step + 1 });
    bench.train(60, 5 * SECOND);
    expect(stallLimit(bench.run)).toBe(3 * MINUTE);
  });

  it('waits for a pause that the log never named, as long as it has seen one', () => {
    const bench = new Bench();
    bench.train(30, 5 * SECOND);
    bench.wait(40 * MINUTE);
    bench.train(60, 5 * SECOND);
    expect(stallLimit(bench.run)).toBeGreaterThan(45 * MINUTE);
  });

  it('learns nothing from hours in which nobody listened', () => {
    const bench = new Bench();
    bench.train(60, 5 * SECOND);
    bench.record({ type: 'stream.lost', run: 'demo', attempt: 1, reason: 'asleep' });
    bench.wait(5 * 60 * MINUTE);
    bench.record({ type: 'stream.opened', run: 'demo', attempt: 1, alive: true });
    bench.log({ step: bench.step + 3_000 });
    bench.train(60, 5 * SECOND);
    expect(stallLimit(bench.run)).toBe(3 * MINUTE);
    expect(bench.run.eyes.rhythm.pauses).toEqual({});
  });

  it('is no verdict while the stream is closed and the log has grown', () => {
    const bench = new Bench();
    bench.train(60, 5 * SECOND);
    bench.record({ type: 'stream.lost', run: 'demo', attempt: 1, reason: 'asleep' });
    bench.wait(20 * MINUTE);
    bench.look({ gpus: [SPINNING], ...silent(2 * MINUTE) });
    expect(bench.incidents).toEqual([]);
  });

  it('never judges a probe that failed', () => {
    const bench = new Bench();
    bench.train(60, 5 * SECOND);
    bench.wait(10 * MINUTE);
    bench.record({ type: 'check.failed', run: 'demo', attempt: 1, why: 'suspicion', failure: 'timeout', reason: 'no answer' });
    bench.conclude();
    expect([bench.incidents, bench.lines]).toEqual([[], []]);
  });

  it('is idleness when no step was ever read, no process computes and half an hour has gone', () => {
    const bench = new Bench();
    bench.cores = 0;
    bench.watch(25 * MINUTE, 5 * MINUTE, { gpus: [IDLE], ...silent(30 * MINUTE) });
    expect(bench.incidents).toEqual([]);
    bench.watch(10 * MINUTE, 2 * MINUTE, { gpus: [IDLE], ...silent(30 * MINUTE) });
    expect(bench.incidents).toEqual(['gpu_idle']);
    expect(bench.run.incident?.diagnosis.cause).toBe('stall');
  });

  it('is known after 12 minutes where two looks see that nothing at all moves, and not where bytes come in', () => {
    const still = { gpus: [IDLE], io: { read_bytes: 5e9, write_bytes: 0 }, ...silent(10 * MINUTE) };
    const seen = (part: (n: number) => Partial<ProbeReading>) => {
      const bench = new Bench();
      bench.cores = 0;
      for (let n = 0; n < 7; n += 1) bench.watch(3 * MINUTE, 3 * MINUTE, part(n));
      return bench;
    };
    const hung = seen(() => still);
    expect(hung.incidents).toEqual(['gpu_idle']);
    expect(hung.of('incident.opened')[0]?.diagnosis.summary).toContain('no step for 1');
    expect(seen((n) => ({ ...still, io: { read_bytes: 5e9 + n * 1e9, write_bytes: 0 } })).incidents).toEqual([]);
    expect(seen(() => ({ ...still, ...silent(2 * MINUTE) })).incidents).toEqual([]);
  });

  it('is the data set being built when a process computes for hours before the first step', () => {
    const bench = new Bench();
    bench.cores = 8;
    bench.watch(4 * 60 * MINUTE, 10 * MINUTE, { gpus: [IDLE], ...silent(60 * MINUTE) });
    expect(bench.incidents).toEqual([]);
    expect(bench.lines).toEqual(['+working_long']);
  });
});

describe('an error in the log of a process that lives on', () => {
  const OOM = ['Traceback (most recent call last):', '  File "train.py", line 9, in <module>', '    main()', 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.65 GiB'];

  it('is an incident with its own cause, after a look that finds the step frozen since', () => {
    const bench = new Bench();
    bench.train(60, 5 * SECOND);
    bench.tail('step 60', ...OOM);
    bench.wait(30 * SECOND);
    bench.look({ gpus: [SPINNING] });
    expect(bench.incidents).toEqual([]);
    bench.wait(61 * SECOND);
    expect(bench.wants('probe')).toBe(true);
    bench.look({ gpus: [SPINNING] });
    expect(bench.incidents).toEqual(['error_in_log']);
    expect(bench.run.incident?.diagnosis.cause).toBe('gpu_oom');
  });

  it('is none when training goes on, or the GPU computes', () => {
    const bench = new Bench();
    bench.train(60, 5 * SECOND);
    bench.tail('step 60', ...OOM);
    bench.train(30, 5 * SECOND);
    bench.look({ gpus: [IDLE] });
    bench.wait(150 * SECOND);
    bench.look({ gpus: [gpu()] });
    expect(bench.incidents).toEqual([]);
  });
});

describe('a metric', () => {
  it('that is no number is an incident at once, whatever min_steps says', () => {
    const bench = new Bench({ early_stop: { min_steps: 10_000, patience: 3 } });
    bench.train(5, 5 * SECOND);
    bench.log({ step: 6, loss: null, diverged: true });
    expect(bench.wants('probe')).toBe(true);
    bench.look();
    expect(bench.incidents).toEqual(['metric_wrong']);
    expect(bench.run.incident?.diagnosis).toMatchObject({ cause: 'numeric_divergence', rung: 'reduce', summary: 'The training diverged: its loss is no usable number any more. (the training loss is not a number any more)' });
  });

  it('that is no number proves no repair: neither by steps of the sick attempt while a repair was sought, nor by those of the next', () => {
    const bench = new Bench();
    bench.train(60, 5 * SECOND);
    bench.tail('step 61 | loss nan');
    bench.log({ step: 61, loss: null, diverged: true });
    bench.look();
    bench.log({ step: 70, loss: null, diverged: true });
    bench.relaunch();
    bench.conclude();
    expect(bench.of('incident.resolved')).toEqual([]);
    // The news comes before the tail that tells of it: it is the same failure all the same.
    bench.tail('nothing yet');
    bench.log({ step: 60 });
    bench.log({ step: 62, loss: null, diverged: true });
    bench.look();
    expect([bench.of('incident.resolved').length, bench.of('incident.recurred').length, bench.incidents.length]).toEqual([0, 1, 1]);
    bench.relaunch();
    bench.log({ step: 63 });
    bench.conclude();
    expect(bench.of('incident.resolved')).toMatchObject([{ step: 63 }]);
  });

  it('that gets worse and worse is a line, and only after min_steps', () => {
    const rising = (step: number): number => 1 + step / 100 + 0.05 * Math.sin(step * 7);
    const bench = new Bench({ early_stop: { min_steps: 300, patience: 3 } });
    bench.train(290, 5 * SECOND, rising);
    bench.look();
    expect(bench.lines).toEqual([]);
    bench.train(20, 5 * SECOND, rising);
    bench.look();
    expect([bench.lines, bench.incidents]).toEqual([['+metric_worse'], []]);
  });

  it('that falls, rests or is merely noisy is none', () => {
    for (const loss of [(step: number) => 3 / Math.sqrt(step), () => 0.7, (step: number) => 1 + 0.4 * Math.sin(step * 12.9898)]) {
      const bench = new Bench();
      bench.train(600, 5 * SECOND, loss);
      bench.look();
      expect(bench.lines).toEqual([]);
    }
  });

  it('is read the way that the objective points', () => {
    const bench = new Bench({ objective: { metric: 'accuracy', direction: 'max' } });
    for (let n = 0; n < 30; n += 1) {
      bench.train(20, 5 * SECOND);
      bench.log({ step: bench.step + 1, eval: { eval_accuracy: 0.9 - n / 50 } });
    }
    bench.look();
    expect(bench.lines).toEqual(['+metric_worse']);
  });
});
