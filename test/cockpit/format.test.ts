import { describe, expect, it } from 'vitest';
import { bar, bytes, money, perHour, shortAction, shortNamed, shortRate, shortStep, sparkline } from '../../src/cockpit/format.ts';

describe('figures', () => {
  it('never round money up', () => {
    expect(money(1.239)).toBe('$1.23');
    expect(money(0.1 + 0.2)).toBe('$0.30');
    expect(money(3.14159, 4)).toBe('$3.1415');
  });

  it('show a third digit where a rate is tiny', () => expect([perHour(0.012), perHour(1.1), perHour(0)]).toEqual(['$0.012/h', '$1.10/h', '$0.00/h']));

  it.each([
    ['1240/2000', 9, '1240/2000'],
    ['1240/2000', 8, '1240/2k'],
    ['12400/60000', 8, '12k/60k'],
    ['12400/60000', 11, '12400/60000'],
    ['1234567/9000000', 8, '1.2M/9M'],
    ['-', 8, '-'],
    ['412', 8, '412'],
  ])('say step %s in %i cells as %s', (step, width, want) => expect(shortStep(step, width)).toBe(want));

  it.each([
    ['3.42 it/s', 9, '3.42 it/s'],
    ['3.42 it/s', 7, '3.4it/s'],
    ['31200 tok/s', 7, '31kt/s'],
    ['-', 7, '-'],
  ])('say rate %s in %i cells as %s', (rate, width, want) => expect(shortRate(rate, width)).toBe(want));

  it('keep the figure and shorten the word', () => {
    expect(shortNamed('accuracy 0.931', 9)).toBe('acc 0.931');
    expect(shortNamed('loss 1.73', 9)).toBe('loss 1.73');
    expect(shortNamed('loss 0.287', 9)).toBe('loss 0.29');
    expect(shortAction('batch_size 32>16', 8)).toBe('bs 32>16');
    expect(shortAction('watch', 3)).toBe('watch');
  });

  it('share a bar by weight, to the cell', () => {
    const parts = bar(['bar_good', 'bar_bad', 'bar_rest'], [89, 6, 5], 24);
    expect(parts.map(({ text }) => text.length)).toEqual([21, 2, 1]);
    expect(bar(['bar_good'], [0], 5)[0]?.text).toHaveLength(5);
  });

  it('draw a falling loss as a falling row of blocks', () => {
    expect(sparkline([8, 7, 6, 5, 4, 3, 2, 1], 8)).toBe('█▇▆▅▄▃▂▁');
    expect(sparkline(Array.from({ length: 400 }, (_, index) => index), 4)).toHaveLength(4);
    expect(sparkline([], 4)).toBe('');
  });

  it('count bytes in steps of a thousand', () => expect([bytes(999), bytes(344e6), bytes(1.5e9)]).toEqual(['999 B', '344 MB', '1.5 GB']));
});
