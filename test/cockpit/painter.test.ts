import fc from 'fast-check';
import xterm from '@xterm/headless';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/core/ports.ts';
import { anchor, changedRows, createPainter } from '../../src/cockpit/painter.ts';
import { changedSpan } from '../../src/cockpit/span.ts';
import { cellsOf, wholeFrames } from './terminal.ts';

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

function open(rows = 3, free = () => true) {
  const written: string[] = [];
  const clock = manualClock();
  const painter = createPainter({ write: (text: string) => written.push(text), free, columns: 20, rows }, clock);
  return { written, clock, painter };
}

describe('the painter', () => {
  it('writes everything once, then only cells that changed, inside one synchronized update', () => {
    const { written, clock, painter } = open();
    painter.stdout.write('a\nb\nc');
    clock.pass(100);
    painter.stdout.write('a\nB\nc');
    expect(written).toEqual(['\x1b[?2026h\x1b[0m\x1b[2J\x1b[1;1H\x1b[Ka\x1b[0m\x1b[2;1H\x1b[Kb\x1b[0m\x1b[3;1H\x1b[Kc\x1b[0m\x1b[?2026l', '\x1b[?2026h\x1b[2;1HB\x1b[?2026l']);
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
    expect(written[1]).toContain('49');
  });

  it('skips frames while the terminal has no room, and shows the newest once it has', () => {
    let room = true;
    const { written, clock, painter } = open(1, () => room);
    painter.stdout.write('a\n');
    room = false;
    for (const row of ['b', 'c', 'd']) {
      clock.pass(1_000);
      painter.stdout.write(`${row}\n`);
    }
    painter.repaint();
    expect(written).toHaveLength(1);
    room = true;
    painter.flow();
    painter.flow();
    expect(written.slice(1)).toEqual(['\x1b[?2026h\x1b[0m\x1b[2J\x1b[1;1H\x1b[Kd\x1b[0m\x1b[?2026l']);
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

describe('a changed span', () => {
  const line = (text: string): string => changedSpan('burn $1.75/h  spent $3.1486 today', text, 2) ?? 'whole';

  it('is the digits that moved, not the row', () => {
    expect(line('burn $1.75/h  spent $3.1487 today')).toBe('\x1b[2;27H7');
    expect(line('burn $1.75/h  spent $3.1486 today')).toBe('');
    expect(changedSpan('\x1b[31mab\x1b[39m c', '\x1b[31maB\x1b[39m c', 1)).toBe('\x1b[1;2H\x1b[31mB\x1b[0m');
    expect(changedSpan('abc', 'a', 1)).toBe('\x1b[1;2H  ');
  });

  it('is refused where a row ran over the edge', () => {
    expect(changedSpan('abcd', 'abx', 1, 3)).toBeNull();
    expect(changedSpan('abc', 'abx', 1, 3)).toBe('\x1b[1;3Hx');
  });

  it('is refused where terminals argue about widths', () => {
    for (const text of ['学', '👩‍🔬', 'e\u0301', '\x1b[2K']) expect(changedSpan('a', text, 1)).toBeNull();
  });

  const style = fc.constantFrom('\x1b[1m', '\x1b[22m', '\x1b[7m', '\x1b[27m', '\x1b[38;2;9;8;7m', '\x1b[92m', '\x1b[39m', '\x1b[48;5;17m', '\x1b[49m', '\x1b[4m', '\x1b[24m');
  const row = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom('a', 'b', ' ', '●', '━', '学', '⠑') }, { weight: 1, arbitrary: style }), { maxLength: 16 }).map((parts) => `${parts.join('')}\x1b[22m\x1b[24m\x1b[27m\x1b[39m\x1b[49m`);

  it('leads to the same screen as painting all of it, whatever was there', async () => {
    const look = async (bytes: string): Promise<string> => {
      const term = new xterm.Terminal({ cols: 40, rows: 3, allowProposedApi: true });
      await new Promise<void>((resolve) => term.write(`\x1b[?7l${bytes}`, resolve));
      const cells = cellsOf(term, { fg: '', bg: '' });
      const pens = Array.from({ length: 3 }, (_, y) => Array.from({ length: 40 }, (__, x) => term.buffer.active.getLine(y)?.getCell(x)).map((cell) => [cell?.getFgColor(), cell?.getBgColor(), cell?.isUnderline()].join()));
      term.dispose();
      return JSON.stringify([cells, pens]);
    };
    const rows = fc.array(row, { minLength: 3, maxLength: 3 });
    await fc.assert(fc.asyncProperty(rows, rows, async (before, after) => {
      expect(await look(changedRows(null, before, 3) + changedRows(before, after, 3))).toBe(await look(changedRows(null, after, 3)));
    }), { numRuns: 100 });
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
