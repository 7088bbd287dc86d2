/** The storylines whose every boundary is cut. Together they hold a launch, repairs by a knob, a fix and a start, a rescue, a change of machines and a teardown. */
import { makeSpec } from '../core/spec-factory.ts';
import type { Tale } from './lives.ts';

const OOM = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.65 GiB';
const ECC = 'RuntimeError: CUDA error: uncorrectable ECC error encountered';
const MISSING = "Traceback (most recent call last):\n  File \"train.py\", line 3, in <module>\n    import einops\nModuleNotFoundError: No module named 'einops'";
const SPEC = {
  name: 'one',
  run: 'train --batch {batch_size}',
  knobs: { batch_size: { value: 32, floor: 4 } },
  checkpoints: { path: 'ckpt/step-*.pt', resume: 'train --batch {batch_size} --resume {checkpoint}' },
  teardown: { idle_grace: '2m' },
} as const;

export const TALES = {
  /** Out of memory at step 7, answered with half the batch, proven, done, brought home, destroyed. */
  'launch, repair, rescue, teardown': { spec: makeSpec(SPEC), steps: 12, dies: (command) => (command.includes('--batch 32') ? { step: 7, log: OOM } : null) },
  /** The GPU of the first machine breaks: results home, that instance destroyed, the run goes on elsewhere from its checkpoint. */
  'change of machines': { spec: makeSpec(SPEC), steps: 10, dies: (_command, nth) => (nth === 1 ? { step: 6, log: ECC } : null) },
  /** A package is missing: installed, and the run goes on. */
  'repair by a fix': { spec: makeSpec(SPEC), steps: 6, dies: (_command, _nth, fixed) => (fixed ? null : { step: 1, log: MISSING }) },
  /** Somebody stops the instance: it is started again, and the training goes on from its checkpoint. */
  'stopped by somebody else': { spec: makeSpec(SPEC), steps: 10, stopped: 7, dies: () => null },
  /** A person ends it in the middle: results first. */
  'destroy by a person': {
    spec: makeSpec(SPEC),
    steps: 1_000,
    dies: () => null,
    order: { when: (run) => run.stage === 'training' && (run.progress?.reading.step ?? 0) >= 7, bodies: (run) => [{ type: 'user.destroy', run: run.id, waive: false }] },
  },
} satisfies Readonly<Record<string, Tale>>;
