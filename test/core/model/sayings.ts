/** What logs say in a model, and what its language model comes up with. */
import { limitsOf, type AgentFile } from '../../../src/agents/brain/agent-files.ts';
import type { ProposedChoice } from '../../../src/core/brain/proposal.ts';
import type { BrainSettings } from '../../../src/core/brain/state.ts';

/** Stands in what logs say, where a careless program would run it. */
export const HOSTILE = 'pwned';

const TRACEBACK = 'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\n    import x\n';
export const LOGS = [
  'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.65 GiB',
  `${TRACEBACK}ModuleNotFoundError: No module named 'einops'`,
  `${TRACEBACK}ModuleNotFoundError: No module named '$(touch ${HOSTILE})'`,
  `${TRACEBACK}ModuleNotFoundError: No module named 'einops; touch ${HOSTILE}'`,
  `ImportError: lib${HOSTILE}.so.1: cannot open shared object file: No such file or directory`,
  `${TRACEBACK}KeyError: 'labelz'`,
  'RuntimeError: unable to write to file </torch_1_2_0>: No space left on device (28)',
] as const;

/** What a model may come up with, sense and nonsense. */
export const PROPOSALS: readonly ProposedChoice[] = [
  { kind: 'apply_diff', diff: '--- a/train.py\n+++ b/train.py\n@@ -1,2 +1,2 @@\n a = 1\n-b = 2\n+b = 3\n' },
  { kind: 'rerun' },
  { kind: 'switch_instance' },
  { kind: 'set_knob', knob: 'batch_size', value: 8 },
  { kind: 'set_env', name: 'OMP_NUM_THREADS', value: '4' },
  { kind: 'install_package', name: 'einops' },
  { kind: 'install_package', name: 'package-of-a-stranger' },
  { kind: 'ask_user', question: 'May I?', then: { kind: 'rerun' } },
  { kind: 'give_up', best_option: 'Look at the data.' },
  { kind: 'apply_diff', diff: 'no diff' },
];

export const AGENT: AgentFile = { name: 'babysitter', path: 'agents/babysitter.md', model: null, temperature: null, price: { in: 0.25, out: 2 }, tools: [], limits: { turns: 8, tokens: 40_000, usd: 1, wall_seconds: 90, answer_tokens: 500, consults: 6, diff_lines: { fix: 24, reduce: 40, switch: 40 } }, mandate: 'Keep the training alive.' };

/** The model that worlds with a brain have. */
export const BRAIN: BrainSettings = { model: 'model', limits: limitsOf(AGENT, 1) };
