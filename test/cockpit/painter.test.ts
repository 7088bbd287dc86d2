import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/core/ports.ts';
import { anchor, changedRows, createPainter } from '../../src/cockpit/painter.ts';
import { wholeFrames } from './terminal.ts';

/** Time stands still until `pass`. */
function manualClock(): Clock & { pass(ms: number): void } {
  let now = 1_000;
  let due: { at: number; fn: () => void }[] = [];
  return {
    scale: 1,
    now: () => now,
    sleep: async () => undefined,
    after(ms, fn) {
      const entry = { at: now + ms, fn };
      due.push(entry);
      return () => {
        due = due.filter((one) => one !== entry);
      };
    },
    pass(ms) {
      now += ms;
      const ready = due.filter(({ at }) => at <= now);
      due = due.filter(({ at }) => at > now);
      for (const { fn } of ready) fn();
    },
  };
}

function open(rows = 3) {
  const written: string[] = [];
  const clock = manualClock();
  const painter = createPainter({ write: (text: string) => written.push(text), columns: 20, rows }, clock);
  return { written, clock, painter };
}

describe('the painter', () => {
  it('writes everything once, then only rows that changed, inside one synchronized update', () => {
    const { written, clock, painter } = open();
    painter.stdout.write('a\nb\nc');
    clock.pass(100);
    painter.stdout.write('a\nB\nc');
    expect(written).toEqual(['\x1b[?2026h\x1b[0m\x1b[2J\x1b[1;1H\x1b[Ka\x1b[0m\x1b[2;1H\x1b[Kb\x1b[0m\x1b[3;1H\x1b[Kc\x1b[0m\x1b[?2026l', '\x1b[?2026h\x1b[2;1H\x1b[KB\x1b[0m\x1b[?2026l']);
  });

  it('writes nothing for an equal frame or for cursor codes', () => {
    const { written, clock, painter } = open();
    painter.stdout.write('a\nb');
    clock.pass(100);
    painter.stdout.write('a\nb');
    painter.stdout.write('\x1b[?25l');
    painter.stdout.write('');
    clock.pass(1_000);
    expect(written).toHaveLength(1);
  });

  it('gathers a burst into its last frame', () => {
    const { written, clock, painter } = open(1);
    for (let count = 0; count < 50; count += 1) painter.stdout.write(`row ${count}\n`);
    expect(written).toHaveLength(1);
    clock.pass(40);
    expect(written).toHaveLength(2);
    expect(written[1]).toContain('row 49');
  });

  it('paints all again after a resize, and nothing while paused or closed', () => {
    const { written, clock, painter } = open(1);
    painter.stdout.write('a\n');
    clock.pass(100);
    painter.pause();
    painter.stdout.write('b\n');
    expect(written).toHaveLength(1);
    painter.repaint();
    expect(written[1]).toContain('\x1b[2J\x1b[1;1H\x1b[Kb');
    painter.close();
    painter.stdout.write('c\n');
    painter.repaint();
    clock.pass(1_000);
    expect(written).toHaveLength(2);
  });

  it('never touches the scrollback and never goes below the last row', () => {
    const bytes = changedRows(null, ['a', 'b', 'c', 'd'], 2);
    expect(bytes).not.toContain('3J');
    expect(bytes).not.toContain('\x1b[3;1H');
  });

  it('puts the cursor right after characters whose width terminals argue about', () => {
    expect(anchor('plain ● ━ text')).toBe('plain ● ━ text');
    expect(anchor('a\x1b[1m学\x1b[22mb')).toBe('a\x1b[1m学\x1b[4G\x1b[22mb');
    expect(anchor('👩‍🔬x')).toBe('👩‍🔬\x1b[3Gx');
  });
});

it('a frame is read whole or not at all, however the pty cuts it', () => {
  const text = 'talk\x1b[2J\x1b[?2026h\x1b[1;1Hone\x1b[?2026l\x1b[0m\x1b[?2026h\x1b[2;1Htwo\x1b[?2026lend';
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 40 }), (sizes) => {
      let [shown, held] = ['', ''];
      for (let at = 0, index = 0; at < text.length; index += 1) {
        const size = sizes[index] ?? text.length;
        const [whole, open] = wholeFrames(held + text.slice(at, at + size));
        [shown, held, at] = [shown + whole, open, at + size];
        expect(shown.split('\x1b[?2026h')).toHaveLength(shown.split('\x1b[?2026l').length);
      }
      expect(shown + held).toBe(text);
      expect(held).toBe('');
    }),
  );
});
