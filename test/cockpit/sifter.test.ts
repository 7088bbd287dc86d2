import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSifter } from '../../src/cockpit/sifter.ts';

const all = (chunks: readonly string[], sifter = createSifter()): string => chunks.map((chunk) => sifter.push(chunk)).join('');

/** `text` cut at every one of the places. */
const cutAt = (text: string, places: readonly number[]): string[] => {
  const at = [...new Set([0, ...places.map((place) => place % (text.length + 1)), text.length])].sort((a, b) => a - b);
  return at.slice(1).map((end, index) => text.slice(at[index], end));
};
const places = fc.array(fc.nat(), { maxLength: 12 });
const whole = fc.constantFrom('j', 'q', ' ', 'é', '日', '\r', '\x03', '\x1b[A', '\x1b[5~', '\x1b[[A', '\x1bOP', '\x1b[Z', '\x1b[1;5C', '\x1bx', '\x1b[<0;12;3M', '\x1b[<65;200;60M', '\x1b[<0;1;1m', '\x1b[200~d\x1b[<0;1;1Mq\x1b[201~');
const broken = fc.constantFrom('\x1b[<0;12M', '\x1b[<;;M', '\x1b[<0;1;1;1M', '\x1b[<1;2X', '\x1b[M !!', '\x1b[Mq\x7fd', `\x1b[<${'9'.repeat(80)}M`);

describe('the sifter', () => {
  it('hands on what is whole, the same however it was cut', () => {
    fc.assert(fc.property(fc.array(whole, { maxLength: 20 }), places, (tokens, cuts) => void expect(all(cutAt(tokens.join(''), cuts))).toBe(tokens.join(''))));
  });

  it('hands on a sequence in one piece', () => {
    const sifter = createSifter();
    expect(['\x1b', '[', '<0;', '12;3', 'M'].map((part) => sifter.push(part))).toEqual(['', '', '', '', '\x1b[<0;12;3M']);
    expect(['\x1b[', '5', '~j'].map((part) => sifter.push(part))).toEqual(['', '', '\x1b[5~j']);
  });

  it('drops what is broken, and nothing beside it', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(whole.map((text) => ({ text, kept: true })), broken.map((text) => ({ text, kept: false }))), { maxLength: 20 }), places, (tokens, cuts) => {
        const sent = tokens.map(({ text }) => text).join('');
        const kept = tokens.map(({ text, kept: stays }) => (stays ? text : '')).join('');
        expect(all(cutAt(sent, cuts))).toBe(kept);
      }),
    );
  });

  it('takes a lone ESC for a key once nothing follows it, and gives up the rest of a report that comes too late', () => {
    const sifter = createSifter();
    expect(sifter.push('\x1b')).toBe('');
    expect(sifter.waits).toBe(50);
    expect(sifter.flush()).toBe('\x1b');
    expect(sifter.waits).toBeNull();
    expect(sifter.push('[<0;12;3Mj')).toBe('j');
    expect(sifter.push('\x1b[<0;1')).toBe('');
    expect(sifter.waits).toBe(500);
    expect(sifter.flush()).toBe('');
    expect(sifter.push('2;3')).toBe('');
    expect(sifter.push('Mq')).toBe('q');
    expect(sifter.push('[<')).toBe('[<');
  });

  it('never lets a paste end twice or not at all', () => {
    const sifter = createSifter();
    expect(all(['\x1b[200~rm -rf\x1b[2', '01', '~q'], sifter)).toBe('\x1b[200~rm -rf\x1b[201~q');
    expect(sifter.push('\x1b[<0;1;1Mj')).toBe('\x1b[<0;1;1Mj');
  });
});
