import { parseSpec, type Spec, type SpecInput } from '../../src/core/spec.ts';

/** A small valid spec, with whatever a test wants different. */
export function makeSpec(changes: Partial<SpecInput> = {}): Spec {
  return parseSpec({
    name: 'demo',
    image: 'vastai/pytorch',
    hardware: { gpu: ['RTX 4090'], max_usd_per_hour: 1 },
    run: 'python train.py --batch-size {batch_size} --accum {accum}',
    knobs: { batch_size: { value: 32, floor: 4, keeps: 'accum' }, accum: { value: 1, floor: 1, answers: [] } },
    checkpoints: { path: 'ckpt/*', resume: 'python train.py --batch-size {batch_size} --accum {accum} --resume {checkpoint}' },
    artifacts: ['out/**'],
    kill: { hours: 12, dollars: 6 },
    ...changes,
  });
}
