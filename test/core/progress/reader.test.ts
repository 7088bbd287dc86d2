import { describe, expect, it } from 'vitest';
import { createProgressReader, readLog } from '../../../src/core/progress/index.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('progress reader', () => {
  it('reads nothing from nothing', () => {
    expect(readLog('')).toEqual({ step: null, total_steps: null, epoch: null, loss: null, learning_rate: null, rate: null, steps_per_s: null, eval: null, eta_s: null, format: null, activity: null, diverged: false });
  });

  it('never shows half a number of an unfinished line', () => {
    const reader = createProgressReader();
    reader.feed('step 1200/5000 | loss 2.5\nstep 1201/5000 | loss 2.4\nstep 12');
    expect(reader.reading()).toMatchObject({ step: 1201, loss: 2.4 });
    reader.feed('02/5000 | loss 2.');
    expect(reader.reading()).toMatchObject({ step: 1202, loss: 2.4 });
    reader.feed('3\n');
    expect(reader.reading()).toMatchObject({ step: 1202, loss: 2.3 });
  });

  it('joins a character that was cut between two chunks', () => {
    const text = bytes('  4%|▍         | 40/1000 [00:20<08:00,  2.00it/s]\n');
    for (let cut = 1; cut < text.length; cut++) {
      const reader = createProgressReader();
      reader.feed(text.subarray(0, cut));
      reader.feed(text.subarray(cut));
      expect(reader.reading()).toMatchObject({ step: 40, total_steps: 1000 });
      expect(reader.tail()).toEqual(['  4%|▍         | 40/1000 [00:20<08:00,  2.00it/s]']);
    }
  });

  it('reads UTF-16 by its byte order mark', () => {
    const text = 'step 3/9 loss 0.5\n';
    const little = new Uint8Array(2 + text.length * 2);
    little.set([0xff, 0xfe]);
    for (let at = 0; at < text.length; at++) little[2 + at * 2] = text.charCodeAt(at);
    const reader = createProgressReader();
    reader.feed(little.subarray(0, 1));
    reader.feed(little.subarray(1));
    expect(reader.reading()).toMatchObject({ step: 3, loss: 0.5 });
  });

  it('folds a redrawn bar to its newest state and cleans what it keeps', () => {
    const reader = createProgressReader();
    reader.feed('start\u001b[31m red\u001b[0m\n');
    for (let n = 0; n <= 50; n++) reader.feed(`\r ${n * 2}%|██| ${n}/50 [00:10<00:20, 2.0it/s]`);
    reader.feed('\nnext\u0007\n');
    expect(reader.tail()).toEqual(['start red', ' 100%|██| 50/50 [00:10<00:20, 2.0it/s]', 'next']);
  });

  it('keeps at most 200 lines and a bounded part of a megabyte line', () => {
    const reader = createProgressReader();
    for (let n = 0; n < 3_000; n++) reader.feed(`line ${n}\n`);
    expect(reader.tail()).toHaveLength(200);
    expect(reader.tail().at(-1)).toBe('line 2999');
    reader.feed('x'.repeat(3_000_000));
    reader.feed(' step 8/10 loss 0.25\n');
    expect(reader.reading()).toMatchObject({ step: 8, total_steps: 10, loss: 0.25 });
    expect(reader.tail().join('').length).toBeLessThan(200 * 2_000);
  });

  it('takes a bar that comes after a finished one of unknown purpose, but no nested one', () => {
    expect(readLog('100%|██| 10/10 [00:01<00:00, 9.9it/s]\n  5%|█ | 1/20 [00:10<03:10, 10.0s/it]')).toMatchObject({ step: 1, total_steps: 20 });
    expect(readLog('  5%|█ | 1/20 [00:10<03:10, 10.0s/it]\n 50%|█ | 5/10 [00:01<00:01, 5.0it/s]')).toMatchObject({ step: 1, total_steps: 20 });
  });

  it('keeps the counter of the bar when a line counts over the whole run', () => {
    const log = 'Epoch 70/100:  93%|██| 38/41 [08:17<00:39, 13.00s/batch]\nTrain: STEP 28700 - EPOCH 70/100 | loss: 0.25\nSaved new best model at epoch 70 with val loss 0.31\n';
    expect(readLog(log)).toMatchObject({ step: 38, total_steps: 41, epoch: 70, loss: 0.25, eval: { 'val loss': 0.31 } });
  });

  it('lets the declared total tell which bar is the training', () => {
    const log = 'Total optimization steps = 300\n 50%|██| 2/4 [00:01<00:01, 2.0it/s]\r  1%|█ | 3/300 [00:03<04:57, 1.0s/it]';
    expect(readLog(log)).toMatchObject({ step: 3, total_steps: 300 });
  });

  it('understands a counter that goes back: the newest attempt counts', () => {
    expect(readLog('step 900/1000 loss 1.0\nTraceback (most recent call last):\n  File "a.py", line 1\nKeyError: 1\nstep 5/1000 loss 2.0\n')).toMatchObject({ step: 5, loss: 2 });
  });

  it('keeps an exact step when a rounded one says the same', () => {
    expect(readLog('step 12345/200000 loss 1.0\nProgress on: 12.3kit/200kit rate:1.4it/s remaining:36:00:00\n')).toMatchObject({ step: 12345, total_steps: 200_000, eta_s: 129_600 });
    expect(readLog('step 12345/200000 loss 1.0\nProgress on: 12.9kit/200kit rate:1.4it/s remaining:36:00:00\n')).toMatchObject({ step: 12900 });
  });

  it('ignores settings, saves and evaluations that speak of steps', () => {
    const log = 'save_steps: 500\nwarmup_steps=100\nmax_seq_length=2048\nstep 10/50 loss 1.0\nSaving checkpoint at step 40\nRunning validation at step 30\nEvaluating: 100%|██| 25/25 [00:01<00:00, 30.0it/s]\n';
    expect(readLog(log)).toMatchObject({ step: 10, total_steps: 50, loss: 1 });
  });

  it('names what goes on beside training', () => {
    expect(readLog('Compiling the model with torch.compile\n').activity).toBe('compiling');
    expect(readLog('Downloading shards\n').activity).toBe('downloading');
    expect(readLog('step 3/9 loss 0.5\nSaving model checkpoint to out/checkpoint-3\n').activity).toBe('saving');
    expect(readLog('Tokenizing the data set\n').activity).toBe('preparing');
  });

  it('lets the user\'s own pattern win and leaves the rest to the presets', () => {
    const regex = String.raw`tick (?<step>\d+) of (?<total>\d+) cost (?<loss>\S+) at (?<rate>[\d.]+) (?<unit>\S+) score (?<score>[\d.]+)`;
    expect(readLog('tick 5 of 50 cost 0.9 at 3.5 it/s score 0.7\nlr 0.1\n', { regex })).toMatchObject({ step: 5, total_steps: 50, loss: 0.9, rate: { value: 3.5, unit: 'it/s' }, steps_per_s: 3.5, eval: { score: 0.7 }, learning_rate: 0.1, format: 'user' });
    expect(readLog('step 1/2 loss 3\n', { regex: '(' })).toMatchObject({ step: 1 });
  });

  it('restricts itself to the preset that was named', () => {
    expect(readLog('step 4/9 loss 2\n 10%|█ | 2/20 [00:10<03:10, 10.0s/it]\n', { format: 'tqdm' })).toMatchObject({ step: 2, loss: null });
  });
});
