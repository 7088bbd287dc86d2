/** Words that name failures, planted where a healthy run prints them: among its steps, before them, after them, again and again. */
import { describe, expect, it } from 'vitest';
import { triage } from '../../../src/core/triage/index.ts';

const steps = (from: number, count = 6) => Array.from({ length: count }, (_, n) => `step ${from + n * 10}/5000 | loss ${(2.5 - n / 100).toFixed(4)} | lr 3.0e-04 | 512 ms/step`).join('\n');
const bars = (from: number) => Array.from({ length: 6 }, (_, n) => `\r ${from + n}%|▏         | ${from * 10 + n}/1000 [00:0${n}<10:00,  1.50it/s, loss=2.${n}]`).join('');

/** How a run goes on around the words. */
const PLACES: Readonly<Record<string, (words: string) => string>> = {
  'among steps': (words) => `${steps(10)}\n${words}\n${steps(100)}\n`,
  'before a few steps': (words) => `${steps(10)}\n${words}\n${steps(100, 3)}\n`,
  'before all': (words) => `${words}\n${steps(10)}\n`,
  'at the end': (words) => `${steps(10)}\n${words}\n`,
  'every now and then': (words) => `${Array.from({ length: 6 }, (_, n) => `${steps(10 + n * 100, 3)}\n${words}`).join('\n')}\n${steps(900, 1)}\n`,
  'between bars': (words) => `${bars(1)}\n${words}\n${bars(2)}`,
};

/** `never`: places where nobody could tell the words from the real thing. */
const WORDS: readonly [name: string, words: string, never?: readonly string[]][] = [
  ['memory, caught', 'W: CUDA out of memory. Tried to allocate 2.00 GiB (caught); retrying with batch size 8'],
  ['memory, a traceback and a batch skipped', 'Traceback (most recent call last):\n  File "train.py", line 10, in step\n    loss.backward()\ntorch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\nOOM in step, skipping this batch'],
  ['memory, fairseq', 'WARNING | fairseq.trainer | OOM: Ran out of memory with exception: CUDA out of memory. Tried to allocate 20.00 MiB\nWARNING | fairseq.trainer | attempting to recover from OOM in forward/backward pass'],
  ['a story', '--- sample ---\nThe king was Killed in the battle, and the fatal error of the general was known to all.\n--------------'],
  ['a question about a crash', 'Question: Why was he killed?  Answer: Because of an error: segmentation fault (core dumped). Reward: 0.0'],
  ['code that was generated', "### Sample ###\n```python\ntry:\n    x = 1/0\nexcept ZeroDivisionError as e:\n    raise RuntimeError('CUDA out of memory')\n```"],
  ['a traceback in quotes', 'Generated: "Traceback (most recent call last):\\n  File \\"x.py\\", line 1\\nValueError: bad"'],
  ['a traceback that a prompt shows', ">>> prompt: explain this error\nTraceback (most recent call last):\n  File \"main.py\", line 3, in <module>\n    foo()\nNameError: name 'foo' is not defined\n>>> answer: The name foo is not defined.", ['at the end']],
  ['names of columns', 'columns: [id, nan, inf, error_rate, killed, oom]\nerror_rate: 0.12 | nan_count: 0 | inf_count: 0'],
  ['a measure of nothing', 'eval | f1: nan | auc: nan (only one class present)\nUndefinedMetricWarning: Precision is ill-defined and being set to 0.0'],
  ['a thread that lost its peer', 'Exception in thread Thread-5 (_monitor):\nTraceback (most recent call last):\n  File "threading.py", line 1045, in run\n    self._target()\nConnectionResetError: [Errno 104] Connection reset by peer'],
  ['an exception that is ignored', 'Exception ignored in: <function _MultiProcessingDataLoaderIter.__del__ at 0x7f>\nTraceback (most recent call last):\n  File "dataloader.py", line 1510, in __del__\n    self._shutdown_workers()\nAssertionError: can only test a child process'],
  ['a tracker that retries', 'wandb: Network error (ReadTimeout), entering retry loop.\nwandb: ERROR Error while calling W&B API: rate limit exceeded (<Response [429]>)'],
  ['a download that retries', "'(ReadTimeoutError(\"HTTPSConnectionPool(host='example.org', port=443): Read timed out.\"), '(Request ID: abc)')' thrown while requesting GET https://example.org/x\nRetrying in 1s [Retry 1/5]."],
  ['a collective\'s warning', '[rank0]:[W1209 07:52:08.331 ProcessGroupNCCL.cpp:1538] Warning: WARNING: destroy_process_group() was not called'],
  ['a loss scale that searches', '[deepspeed] OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, reducing to 32768\nGradient overflow.  Skipping step, loss scaler 0 reducing loss scale to 16384.0'],
  ['patience', 'EarlyStopping counter: 5 out of 15\nEarly stopping patience: 3/10\nno improvement in 4 epochs, early stopping in 6 more'],
  ['TensorFlow at level E', 'E tensorflow/compiler/xla/stream_executor/cuda/cuda_blas.cc:1518] Unable to register cuBLAS factory: Attempting to register factory for plugin cuBLAS when one has already been registered\nW tensorflow/core/common_runtime/bfc_allocator.cc:245] Allocator (GPU_0_bfc) ran out of memory trying to allocate 2.5GiB. The caller indicates that this is not a failure'],
  ['optional packages', "No module named 'flash_attn' (optional); falling back to sdpa\nWARNING: could not import apex: ModuleNotFoundError: No module named 'apex'"],
  ['weights that were left out', 'size mismatch for head.weight: copying a param with shape [1000, 768] from checkpoint, the shape in current model is [10, 768] (ignored)\nUnexpected key(s) in state_dict: "fc.bias" (skipped)'],
  ['a handler of signals', 'Registered handler for SIGTERM, SIGUSR1\nWill checkpoint when SIGTERM is received'],
  ['settings', "Namespace(fail_on_error=True, kill_timeout=30, oom_retry=3, error='raise', early_stop=True)\n{\"on_error\": \"abort\", \"killed\": false, \"timeout\": 600}"],
  ['samples left out', 'Skipping corrupt image 000123.jpg: cannot identify image file\nERROR: failed to decode sample 9981, skipping\nlibpng error: Read Error'],
  ['nothing failed', 'tests failed: 0, errors: 0\nfailed to improve val loss, keeping the best\npass@1 0.3 failed@1 0.7'],
  ['a card\'s trouble elsewhere', 'dmesg: NVRM: Xid (PCI:0000:01:00): 13, Graphics Exception on another container'],
  ['names', 'run name: kill-bill-segfault-oom\ndataset: error_detection/failures_v2, 1290 files'],
  ['parts that are done', 'Finished preprocessing\nEvaluation finished in 12.3s\nEpoch 3 done\nTokenization complete\n[done] warmup'],
  ['nothing learnt', 'learning rate: 0.0 | loss 0.0'],
];

describe.each(Object.entries(PLACES))('%s', (place, around) => {
  it.each(WORDS.filter(([, , never]) => !never?.includes(place)))('%s', (_name, words) => {
    const { kind, cause, signature } = triage({ log: around(words) });
    expect({ kind, cause, signature }).toEqual({ kind: 'healthy', cause: null, signature: '' });
  });
});

it('still sees the real thing among them', () => {
  const oom = 'Traceback (most recent call last):\n  File "train.py", line 10, in step\n    loss.backward()\ntorch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n';
  for (const [, words] of WORDS) expect(triage({ log: `${steps(10)}\n${words}\n${steps(100)}\n${oom}` })).toMatchObject({ kind: 'failure', cause: 'gpu_oom' });
});
