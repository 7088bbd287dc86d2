import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createProgressReader, readLog } from '../../../src/core/progress/index.ts';
import { createScanner } from '../../../src/core/progress/scan.ts';

const NUMBER = fc.oneof(fc.integer({ min: 0, max: 99_999 }).map(String), fc.double({ min: 0, max: 50, noNaN: true }).map((value) => value.toFixed(4)), fc.constantFrom('nan', 'inf', '-1.5e-05', '4,755', '12.8k'));
const PIECE = fc.oneof(
  fc.constantFrom('step ', 'top 5 ', 'Acc@1: ', 'loss_2 ', 'k ', 'valid_1 auc: ', 'loss: ', 'Epoch [', '] [', '/', ' | ', 'lr=', 'it/s]', '%|██▌  | ', ' [00:10<01:20, ', '\r', '\n', '\n', '\u001b[A', '\u001b[32m', '\u001b]0;x', 'eta: 1:02:03 ', "{'loss': ", '}', '|    fps     | ', 'val_loss ', '\0', 'Traceback (most recent call last):\n', 'epoch,step,loss\n', ',', '訓練 '),
  NUMBER,
  fc.string({ maxLength: 8 }),
);
const LOG = fc.array(PIECE, { maxLength: 80 }).map((pieces) => pieces.join(''));

function feedCut(bytes: Uint8Array, cuts: readonly number[]) {
  const reader = createProgressReader();
  let from = 0;
  for (const cut of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    reader.feed(bytes.subarray(from, cut));
    reader.reading();
    from = cut;
  }
  return reader;
}

describe('progress reader, fuzzed', () => {
  it('reads the same however the bytes are cut, and asking changes nothing', () => {
    fc.assert(
      fc.property(LOG, fc.array(fc.nat(4_000), { maxLength: 12 }), (log, cuts) => {
        const bytes = new TextEncoder().encode(log);
        const whole = createProgressReader();
        whole.feed(bytes);
        const cut = feedCut(bytes, cuts);
        expect(cut.reading()).toEqual(whole.reading());
        expect(cut.tail()).toEqual(whole.tail());
      }),
      { numRuns: 600 },
    );
  });

  it('never throws on any bytes, and every number that it shows is finite', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), LOG, (bytes, log) => {
        const reader = createProgressReader();
        reader.feed(bytes);
        reader.feed(log);
        const { step, total_steps, epoch, loss, learning_rate, steps_per_s, eta_s, eval: metrics, rate } = reader.reading();
        for (const value of [step, total_steps, epoch, loss, learning_rate, steps_per_s, eta_s, rate?.value ?? null, ...Object.values(metrics ?? {})]) expect(value === null || Number.isFinite(value)).toBe(true);
        for (const line of reader.tail()) expect(line).not.toMatch(/[\x00-\x08\x1b\x9b]/);
      }),
      { numRuns: 600 },
    );
  });

  it('reads a line the same after one whose digits alone differ', () => {
    const digits = fc.array(fc.nat(9), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(LOG, digits, (log, others) => {
        const before = createScanner();
        for (const line of log.split(/[\r\n]/)) {
          let at = 0;
          const twin = line.replace(/\d/g, (digit) => (at++ % 3 === 2 ? digit : String(others[at % others.length])));
          for (const next of [line, twin, line]) expect(before(next)).toEqual(createScanner()(next));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('takes any user pattern', () => {
    fc.assert(fc.property(fc.string({ maxLength: 30 }), LOG, (regex, log) => void readLog(log, { regex })), { numRuns: 200 });
  });

  it('spends linear time on lines made to hurt', () => {
    // Each would take minutes if a pattern backtracked over it.
    for (const unit of ['1/', '[1', '9.', ' 5%|', '[00:', '"a":{', '1e', 'loss ', 'step=', '\u001b[', ',1', '= ', ' \t', 'a.b:', '1:1']) {
      const line = unit.repeat(20_000 / unit.length);
      readLog(`${line}\n`.repeat(5));
    }
  });
});
