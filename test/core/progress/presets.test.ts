import { describe, expect, it } from 'vitest';
import { patternProblem, PRESET_NAMES, readLog } from '../../../src/core/progress/index.ts';

const BAR = ' 42%|████▏     | 42/100 [00:42<00:58,  1.00s/it]';
const DICT = "{'loss': 1.5, 'learning_rate': 1e-05, 'epoch': 0.42, 'step': 42}";
const LINES: Readonly<Record<string, string>> = {
  tqdm: BAR, accelerate: BAR, diffusers: BAR, kohya: BAR, 'hf-trainer': DICT, trl: DICT, unsloth: DICT, axolotl: DICT, 'llama-factory': DICT,
  nanogpt: 'iter 42: loss 1.5, time 120.50ms, mfu 30.10%',
  lightning: 'Epoch 3:  42%|████▏     | 42/100 [00:42<00:58,  1.00it/s, v_num=2, train_loss=1.5]',
  torchtune: 'Step 42 | loss:1.5 lr:2e-05 tokens_per_second_per_gpu:655.9',
  megatron: ' iteration       42/  100000 | consumed samples:  10752 | elapsed time per iteration (ms): 1520.5 | lm loss: 1.5E+00 |',
  deepspeed: 'epoch=0/micro_step=84/global_step=42, RunningAvgSamplesPerSec=12.5, CurrSamplesPerSec=12.7',
  fairseq: '2026-01-02 03:04:05 | INFO | train_inner | {"epoch": 2, "loss": "1.5", "num_updates": "42", "lr": "0.0003"}',
  mmengine: '01/02 03:04:05 - mmengine - INFO - Epoch(train)  [2][  42/1833]  lr: 2.0e-02  time: 0.43  loss: 1.5',
  detectron2: '[01/02 03:04:05 d2.utils.events]:  eta: 1:20:30  iter: 42  total_loss: 1.5  time: 0.25  lr: 0.02',
  timm: 'Train: 12 [  42/1251 (  3%)]  Loss: 1.500 (1.60)  Time: 0.25s, 1020.25/s  LR: 9.9e-04',
  ultralytics: '      3/50      4.2G      1.112     0.9001      1.301         21        640:  42%|████▏     | 42/100 [00:04<00:05,  9.90it/s]',
  keras: ' 42/100 [========>.....................] - ETA: 12s - loss: 1.5 - accuracy: 0.81',
  flax: 'I0102 03:04:05.678901 139876543210 logging_writer.py:48] [42] learning_rate=0.1, loss=1.5',
  maxtext: 'completed step: 42, seconds: 2.500, TFLOP/s/device: 180.500, Tokens/s/device: 3276.800, loss: 1.5',
  jax: 'completed step: 42, seconds: 2.500, TFLOP/s/device: 180.500, loss: 1.5',
  sb3: '| time/                   |              |\n|    total_timesteps      | 42           |',
  jsonl: '{"step": 42, "loss": 1.5}',
  csv: 'epoch,step,train_loss\n0,42,1.5',
};
/** In a form that is no preset's, and in forms that are one's each. */
const FOREIGN = ['tick 77: step 77 loss 9.0', '{"step": 77, "loss": 9.0}', ' 77%|███████▋  | 77/100 [00:42<00:58,  1.00s/it]', 'completed step: 77, loss: 9.0'];

describe('presets', () => {
  it('has a sample of each', () => {
    expect(Object.keys(LINES).sort()).toEqual([...PRESET_NAMES].sort());
  });

  it.each(PRESET_NAMES)('%s counts its own format', (format) => {
    expect(readLog(LINES[format] ?? '', { format })).toMatchObject({ step: 42 });
  });

  it.each(PRESET_NAMES)('%s counts nothing else', (format) => {
    const free = 'our own words: step 77 loss 9.0';
    expect(readLog(`${LINES[format] ?? ''}\n${free}\n`, { format })).toMatchObject({ step: 42 });
  });

  it('restricts to one format where several are mixed', () => {
    const mixed = [...FOREIGN, '{"step": 42, "loss": 1.5}', 'step 99 loss 8.0', ''].join('\n');
    expect(readLog(mixed, { format: 'jsonl' })).toMatchObject({ step: 42, loss: 1.5 });
    expect(readLog(mixed, { format: 'tqdm' })).toMatchObject({ step: 77, total_steps: 100, loss: null });
    expect(readLog(mixed, { format: 'maxtext' })).toMatchObject({ step: 77, loss: 9 });
    expect(readLog(mixed, { format: 'auto' })).toMatchObject({ step: 99, loss: 8 });
  });
});

describe('patterns of the user', () => {
  it.each(['(a+)+$', '(a*)*b', '(?:a|a)*b', '((?:a|b)c)+', '(?:\\d+,?)*x', '(a?a?)*b', '(a{1,9})*b', '(?:\\s*\\w+\\s*)+=', '(a+){25}'])('refuses %s', (source) => {
    expect(patternProblem(source)).toMatch(/repeated group/);
    // The spec refuses it before; here it matches nothing, at once.
    expect(readLog(`${'a'.repeat(900)}!\nstep 3/9 | loss 1.0\n`, { regex: source })).toMatchObject({ step: 3 });
  });

  it.each(['step (?<step>\\d+)/(?<total>\\d+)', '(?:iter|step) (?<step>\\d+)', '(?<loss>\\d+(?:\\.\\d+)?)', '(?<eta>(?:\\d+:){2}\\d+)', '[(a+)+]+ (?<step>\\d+)', '\\(a+\\)+ (?<step>\\d+)', '(?<!val )loss (?<loss>\\S+)', '(?<step>\\d{1,3}(?:,\\d{3})*)'])('accepts %s', (source) => {
    expect(patternProblem(source)).toBeNull();
  });

  it('names what does not compile', () => {
    expect(patternProblem('(')).toBe('expected a regular expression that compiles');
  });
});
