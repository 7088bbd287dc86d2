import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { beside, block, clip, fit, fitLine, line, lineText, lineWidth, overlay, piece, plain, sliceLine, wrap } from '../../src/cockpit/line.ts';

const foreign = fc.string({ unit: fc.constantFrom('a', ' ', '学', 'é', '👩‍🔬', '✅', 'ש', 'ｶ', '—', '🇸🇪'), maxLength: 30 });

describe('rows of text', () => {
  it('fit any text into exactly the cells asked for', () => {
    fc.assert(
      fc.property(foreign, fc.integer({ min: 0, max: 40 }), fc.constantFrom('end' as const, 'middle' as const), fc.constantFrom('left' as const, 'right' as const), (text, width, where, align) => {
        expect(stringWidth(fit(text, width, align, where))).toBe(width);
      }),
    );
  });

  it('fit and slice lines of several pieces to the cell', () => {
    fc.assert(
      fc.property(fc.array(foreign, { maxLength: 5 }), fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 30 }), (texts, width, from) => {
        const row = line(...texts.map((text) => piece(text)));
        expect(stringWidth(lineText(fitLine(row, width)))).toBe(width);
        expect(lineWidth(sliceLine(fitLine(row, 60), from, from + 10))).toBe(10);
      }),
    );
  });

  it('keep every row of a screen as wide under an overlay, wide characters cut in two included', () => {
    const screen = block([plain('学習中学習中学習中'), plain('plain ascii text')], 20, 3);
    const laid = overlay(screen, [plain('[box]')], 3, 0);
    expect(laid.map(lineWidth)).toEqual([20, 20, 20]);
    expect(lineText(laid[0] ?? line())).toBe('学 [box]習中学習中  ');
  });

  it('stand beside each other with a rule between', () => {
    expect(beside(block([plain('a')], 3, 2), block([plain('b')], 2, 2)).map(lineText)).toEqual(['a  │b ', '   │  ']);
  });

  it('clip ids in the middle, with more of the start', () => {
    expect(clip('nanogpt-shakespeare', 12, 'middle')).toBe('nanogpt-…are');
    expect(clip('short', 12, 'middle')).toBe('short');
  });

  it('wrap words and cut what is longer than a row', () => {
    expect(wrap('one two three', 8)).toEqual(['one two', 'three']);
    expect(wrap('abcdefghijkl x', 6)).toEqual(['abcde…', 'x']);
  });
});
