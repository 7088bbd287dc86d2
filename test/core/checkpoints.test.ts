import { describe, expect, it } from 'vitest';
import { checkpointDue, checkpointsIn, hashWord, newestCheckpoint, stable, unsound } from '../../src/core/checkpoints.ts';
import type { FileFact } from '../../src/core/ports.ts';
import { createRedactor } from '../../src/core/redact.ts';
import { makeSpec } from './spec-factory.ts';

const file = (path: string, bytes = 100, sha256 = path): FileFact => ({ path, bytes, sha256, mtime_s: 0 });
const good = (globs: string[], files: FileFact[], bad: string[] = []): string[] => checkpointsIn(files, globs, bad).map(({ path }) => path);

describe('which checkpoints are good', () => {
  it('takes a folder as one checkpoint where the glob leaves its content open', () => {
    const files = ['model.safetensors', 'optimizer.pt', 'trainer_state.json'].flatMap((name) => [file(`out/checkpoint-50/${name}`), file(`out/checkpoint-100/${name}`)]);
    const [first] = checkpointsIn(files, ['out/checkpoint-*/**']);
    expect(first).toMatchObject({ path: 'out/checkpoint-100', step: 100, bytes: 300 });
    expect(first?.files).toHaveLength(3);
    expect(good(['out/**'], [file('out/step-1/a.pt'), file('out/step-2/a.pt')])).toEqual(['out/step-2', 'out/step-1']);
    expect(good(['out/checkpoint-*/model.pt'], [file('out/checkpoint-7/model.pt')])).toEqual(['out/checkpoint-7/model.pt']);
  });

  it('leaves out what a writer has not finished', () => {
    expect(good(['ckpt/**'], [file('ckpt/step-9.pt.tmp'), file('ckpt/tmp-checkpoint-8/a.pt'), file('ckpt/step-7.pt', 0), file('ckpt/step-6.part'), file('ckpt/step-5.pt')])).toEqual(['ckpt/step-5.pt']);
  });

  it('leaves out a set with a part missing, and a folder with an empty weight file', () => {
    const sharded = (step: number, parts: number[]) => parts.map((part) => file(`out/checkpoint-${step}/model-0000${part}-of-00002.safetensors`));
    expect(good(['out/checkpoint-*/**'], [...sharded(10, [1, 2]), ...sharded(20, [1])])).toEqual(['out/checkpoint-10']);
    expect(good(['out/checkpoint-*/**'], [file('out/checkpoint-3/a.json'), file('out/checkpoint-3/b.pt', 0)])).toEqual([]);
  });

  it('leaves out one that is far smaller than its siblings', () => {
    expect(good(['ckpt/*'], [file('ckpt/step-10.pt', 1000), file('ckpt/step-20.pt', 1010), file('ckpt/step-30.pt', 300)])).toEqual(['ckpt/step-20.pt', 'ckpt/step-10.pt']);
    // One sibling proves nothing, and a final model of another name may be small.
    expect(good(['ckpt/*'], [file('ckpt/step-10.pt', 1000), file('ckpt/step-20.pt', 300)])).toEqual(['ckpt/step-20.pt', 'ckpt/step-10.pt']);
  });

  it('goes back to the one before, once the newest is known as damaged by path or hash', () => {
    const files = [file('ckpt/step-10.pt'), file('ckpt/step-20.pt')];
    expect(newestCheckpoint(files, ['ckpt/*'], ['ckpt/step-20.pt'])?.path).toBe('ckpt/step-10.pt');
    expect(newestCheckpoint([file('ckpt/step-20.pt', 100, 'beef')], ['ckpt/*'], ['sha256:beef'])).toBeNull();
  });

  it('believes only what two listings show alike', () => {
    expect(stable([file('a', 1, 'x'), file('b', 1, 'x')], [file('a', 2, 'y'), file('b', 1, 'x'), file('c', 1, 'z')]).map(({ path }) => path)).toEqual(['b']);
  });
});

describe('when the next checkpoint is due', () => {
  it('is one interval of steps after the newest, for a while, and never where names tell no steps', () => {
    const due = (step: number | null, newest: number | null = 1_000, every: number | null = 400) => checkpointDue({ step: newest, every }, step);
    expect([due(1_399), due(1_400), due(1_500), due(1_501), due(null)]).toEqual([false, true, true, false, false]);
    expect([due(5_000, 3, 1), due(1_400, null), due(1_400, 1_000, null), checkpointDue(null, 9)]).toEqual([false, false, false, false]);
  });
});

describe('what was saved after a divergence', () => {
  it('is not resumed: the newest checkpoint from before it is, wherever both lie', () => {
    const spec = makeSpec({ checkpoints: { path: 'ckpt/*', resume: 'python train.py --resume {checkpoint}' } });
    const files = [file('ckpt/step-100.pt'), file('ckpt/step-200.pt'), file('ckpt/step-300.pt')];
    const state = (cause: string, sound_step: number | null, step = 310) => ({ spec, bad_checkpoints: [], attempts: [], sound_step, incident: { diagnosis: { cause } } as never, progress: { reading: { step } } as never });
    expect(unsound(state('numeric_divergence', 250), files)).toEqual(['sha256:ckpt/step-300.pt']);
    expect(newestCheckpoint(files, ['ckpt/*'], unsound(state('numeric_divergence', 250), files))?.step).toBe(200);
    expect([unsound(state('stall', 250), files), unsound(state('numeric_divergence', null), files), unsound({ ...state('numeric_divergence', 250), incident: null }, files)]).toEqual([[], [], []]);
    // Given step 200, and nothing that was told after it was a number.
    const given = { ...state('numeric_divergence', 200, 201), attempts: [{ resume_from: 'ckpt/step-200.pt', resume_step: 200 }] as never };
    expect([unsound(given, files), unsound({ ...given, sound_step: 201 }, files)]).toEqual([['sha256:ckpt/step-200.pt'], []]);
    // Named by samples, not by steps.
    expect(unsound(state('numeric_divergence', 3, 4), files)).toEqual([]);
  });

  it('is remembered in words that a journal keeps: a bare hash would be masked as a key', () => {
    const sha256 = 'ab'.repeat(32);
    const [word = ''] = [hashWord({ sha256 })];
    expect(createRedactor([])(JSON.stringify({ avoid: [word] }))).toContain(sha256);
    expect(good(['ckpt/*'], [file('ckpt/step-1.pt', 100, sha256)], [word])).toEqual([]);
  });
});
