import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDiff } from '../../../src/core/brain/diff.ts';
import { countTokens, headWithin, lastLinesWithin } from '../../../src/core/brain/tokens.ts';

const DIFF = '--- a/train.py\n+++ b/train.py\n@@ -3,3 +3,3 @@\n BATCH = 32\n-WIDTH = 128\n+WIDTH = 64\n def build():\n';

describe('diffs', () => {
  it('are written anew with counts of our own, whatever counts a model wrote', () => {
    const read = readDiff(DIFF.replace('@@ -3,3 +3,3 @@', '@@ -3,77 +3,99 @@ def f():').replace('--- a', 'diff --git a/train.py b/train.py\nindex 0a1b2c..3d4e5f 100644\n--- a'));
    expect(read).toMatchObject({ text: DIFF, added: ['WIDTH = 64'], removed: ['WIDTH = 128'] });
  });

  it('read the same when they are read again', () => {
    const line = fc.string({ unit: fc.constantFrom('a', ' ', '-', '+', '@', '\\', '=', '1', '#'), maxLength: 12 });
    const hunk = fc.array(fc.tuple(fc.constantFrom(' ', '+', '-'), line), { minLength: 1, maxLength: 12 }).map((lines) => lines.map(([sign, text]) => sign + text).join('\n'));
    fc.assert(
      fc.property(fc.array(hunk, { minLength: 1, maxLength: 3 }), fc.constantFrom('a.py', 'src/b.py', '../c', '.d', 'e f', '/g'), (hunks, path) => {
        const read = readDiff(`--- a/${path}\n+++ b/${path}\n${hunks.map((each, n) => `@@ -${n * 20 + 1},1 +${n * 20 + 1},1 @@\n${each}\n`).join('')}`);
        if ('problem' in read) return;
        expect(read.files.every((file) => ['a.py', 'src/b.py'].includes(file.path))).toBe(true);
        expect(readDiff(read.text)).toEqual(read);
      }),
      { numRuns: 500 },
    );
  });

  it('never throw, whatever they are', () => {
    fc.assert(fc.property(fc.string({ maxLength: 400 }), (text) => void readDiff(text)));
    fc.assert(fc.property(fc.string({ maxLength: 100 }), (text) => void readDiff(DIFF + text)));
  });
});

describe('tokens', () => {
  it('are counted on the high side', () => {
    // What the public tokenizer o200k_base makes of these texts.
    const known: [string, number][] = [
      ['The training ended with an error that nobody has seen before.', 12],
      ['RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x64 and 128x10)', 22],
      ["{'loss': 0.4312, 'grad_norm': 1.2031, 'learning_rate': 4.2e-05, 'epoch': 0.12}", 39],
      ['q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8BI0Vnid', 36],
      ['学習中 ステップ 10 損失 1.2', 15],
      [' 62%|██████▏   | 1240/2000 [06:02<03:42,  3.42it/s]', 33],
    ];
    for (const [text, count] of known) expect(countTokens(text), text).toBeGreaterThanOrEqual(count);
  });

  it('are never exceeded by a cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), fc.integer({ min: 10, max: 200 }), (text, budget) => {
        expect(countTokens(headWithin(text, budget))).toBeLessThanOrEqual(budget + 4);
        expect(countTokens(lastLinesWithin(text.split('\n'), budget).join('\n'))).toBeLessThanOrEqual(budget + 4);
      }),
    );
  });
});
