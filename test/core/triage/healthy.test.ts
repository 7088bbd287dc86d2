import { describe, expect, it } from 'vitest';
import { triage } from '../../../src/core/triage/index.ts';

const training = (from: number, count = 6) => Array.from({ length: count }, (_, n) => `step ${from + n}/1000 | loss ${(3 - n / 10).toFixed(3)} | 2.5 it/s`).join('\n') + '\n';
const TRACE = 'Traceback (most recent call last):\n  File "/app/data.py", line 41, in load\n    return Image.open(path)\n';

const HEALTHY: readonly [name: string, log: string][] = [
  ['nothing yet', ''],
  ['starting', 'Loading model\nLoading data set\nStarting training for 100 epochs...\n'],
  ['plain', training(1)],
  ['a loss scale that searches', `${training(1)}[deepspeed] OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, reducing to 32768\n${training(7)}`],
  ['a loss scale that searches, as the last line', `${training(1)}[deepspeed] OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, reducing to 32768\n`],
  ['an exception that nobody needed', `Exception ignored in: <function Pool.__del__ at 0x7f0000000000>\nTraceback (most recent call last):\n  File "/usr/lib/python3.10/multiprocessing/pool.py", line 268, in __del__\nResourceWarning: unclosed running pool\n${training(1)}`],
  ['an exception that was handled', `${training(1)}${TRACE}OSError: image file is truncated (3 bytes not processed)\nskipping data/a.png\n${training(7)}`],
  ['a download that retries', `'(ReadTimeoutError("HTTPSConnectionPool(host='example.org', port=443): Read timed out. (read timeout=10)"), '(Request ID: 1)')' thrown while requesting GET https://example.org/a\nRetrying in 1s [Retry 1/5].\n`],
  ['a path that is tried before the start', 'INFO Validating /data/training existence... SUCCESS\nINFO Validating /data/training/model existence and writability... SUCCESS\n'],
  ['a tracker\'s list of settings', `wandb:     early_stopping_delta: 0.001\nwandb:     early_stopping: 5\n${training(1)}`],
  ['an error that is handled, and a step or two', `${training(1)}${TRACE}OSError: image file is truncated (3 bytes not processed)\n${training(7, 4)}`],
  ['settings written out', '{\n    "optimizer": "adam",\n    "tuner_early_stopping": 5,\n    "tuner_metric": "latency",\n'],
  ['a tokenizer that is trained first', 'Tokenizer training completed.\nLoading model\n'],
  ['a counter of patience', `${training(1)}EarlyStopping counter: 5 out of 15\n`],
  ['an early stopping that is configured', 'early_stopping: true\nearly_stopping_patience: 5\nEarlyStopping(monitor=val_loss, patience=5)\n' + training(1)],
  ['optional packages', "UserWarning: No module named 'apex', falling back to the native implementation\nINFO: xformers not installed, using default attention (ModuleNotFoundError: No module named 'xformers')\n" + training(1)],
  ['optional packages, nothing trained yet', "WARNING:root:flash_attn is not available: No module named 'flash_attn'\nUsing eager attention\n"],
  ['TensorFlow at level E', '2026-01-02 03:04:05.678: E external/local_xla/xla/stream_executor/cuda/cuda_fft.cc:485] Unable to register cuFFT factory: Attempting to register factory for plugin cuFFT when one has already been registered\nW0000 TF-TRT Warning: Could not find TensorRT\n' + training(1)],
  ['a partial load', 'size mismatch for head.weight: copying a param with shape torch.Size([1000, 768]) from checkpoint, the shape in current model is torch.Size([10, 768]).\nSome weights were not initialized from the model checkpoint\n' + training(1)],
  ['a partial load, at the end', 'missing keys in source state_dict: head.weight\nunexpected key in source state_dict: fc.weight\n'],
  ['metrics with bad names', `[0]\ttrain-error:0.046522\teval-error:0.042834\n[1]\ttrain-error:0.022263\teval-error:0.021726\n`],
  ['GAN', '[3/25][100/1583] Loss_D: 0.0012 Loss_G: 9.8765 errD1: 100.00\n'],
  ['everything at level ERROR', `ERROR:launcher:rank 0 starts\nERROR:launcher:step 1/1000 loss 3.0\nERROR:launcher:step 2/1000 loss 2.9\n`],
  ['CRITICAL words', `CRITICAL: Starting finetuning\n${training(1)}`],
  ['an error rate', 'step 5/10 | loss 0.5 | error 0.25 | failed samples: 0\n'],
  ['NaN of statistics', 'Epoch 3 | step 10/50 | loss 1.2 | mean_iou nan | reward nan\n'],
  ['a spike that passed', 'step 1/9 | loss 3.0\nstep 2/9 | loss nan\nstep 3/9 | loss 2.9\n'],
  ['allocator pressure', `${training(1)}[WARNING] [stage3.py:1949:step] 2 pytorch allocator cache flushes since last step. this happens when there is high memory pressure\n`],
  ['an out-of-memory that was answered', `${training(1)}WARNING: CUDA out of memory caught, retrying with batch size 8\n${training(7)}`],
  ['a new attempt in the same file', `${training(1)}${TRACE}torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n==== restarting ====\nLoading model\n${training(1, 8)}`],
  ['NCCL chatter', 'node:1:2 [0] NCCL INFO Bootstrap : Using eth0:10.0.0.2<0>\nnode:1:2 [0] NCCL INFO NET/Plugin : No plugin found (libnccl-net.so), using internal implementation\n' + training(1)],
  ['tracker trouble', `${training(1)}wandb: ERROR Error while calling W&B API: internal database error\nwandb: WARNING Network error (ConnectionError), entering retry loop.\n${training(7)}`],
  ['saving', `${training(1)}Saving model checkpoint to out/checkpoint-6\n`],
  ['a prompt in the data', `${training(1)}prompt: "Why does CUDA out of memory happen?" answer: "Segmentation fault is different"\n${training(7)}`],
  ['an epoch that finished', 'Epoch 3 finished in 20 s, loss 0.5\nepoch 4 done\n'],
  ['a validation that finished', `${training(1)}Validation finished, resuming training\n`],
  ['cuDNN plan', 'UserWarning: Plan failed with a cudnnException: CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR: cudnnFinalizeDescriptor Failed cudnn_status: CUDNN_STATUS_NOT_SUPPORTED\n' + training(1)],
  ['gradient checkpointing', '`use_cache=True` is incompatible with gradient checkpointing. Setting `use_cache=False`.\nThe attention mask is not set and cannot be inferred\n' + training(1)],
  ['one failed sample of many', `${training(1)}Error loading image 00017.png: cannot identify image file\n${training(7)}`],
  ['a bar', '  3%|▎         | 33/1000 [01:00<29:18,  1.82s/it]'],
  ['GRPO', "{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 1e-06, 'reward': 0.0, 'kl': 0.0, 'epoch': 0.01}\n"],
  ['pip resolves', "ERROR: pip's dependency resolver does not currently take into account all the packages that are installed. This behaviour is the source of the following dependency conflicts.\nfoo 1.0 requires bar==2.0, but you have bar 3.0 which is incompatible.\nSuccessfully installed bar-3.0\nStarting\nLoading model\nLoading data\nCompiling\n"],
];

describe('healthy logs raise no alarm', () => {
  it.each(HEALTHY)('%s', (_name, log) => {
    const verdict = triage({ log });
    expect({ kind: verdict.kind, cause: verdict.cause, signature: verdict.signature }).toEqual({ kind: 'healthy', cause: null, signature: '' });
  });
});
