/**
 * The one place that draws. Ink renders whole frames into it (debug mode); it writes only the cells that changed. Ink's own
 * full-height output clears the terminal and its scrollback each frame, so it never reaches the terminal directly.
 */
import { EventEmitter } from 'node:events';
import stringWidth from 'string-width';
import type { Clock } from '../core/ports.ts';
import { changedSpan } from './span.ts';

/** At most one write in this time, real ms; the first one after a pause goes out at once. */
const GAP_MS = 40;

export interface Painter {
  /** What Ink is given as its stdout. */
  readonly stdout: NodeJS.WriteStream;
  /** Forgets what is on the screen, so that the next frame paints every row after a clear. */
  forget(): void;
  /** Paints the newest frame again, whole. */
  repaint(): void;
  /** The terminal has room again: the newest frame is painted, those between are skipped. */
  flow(): void;
  /** No bytes leave between `pause` and `repaint`. */
  pause(): void;
  close(): void;
}

export function createPainter(terminal: { write(text: string): unknown; free(): boolean; readonly columns: number; readonly rows: number }, clock: Clock): Painter {
  let frame: string[] | null = null;
  let shown: string[] | null = null;
  let painted_at = Number.NEGATIVE_INFINITY;
  let cancel: (() => void) | null = null;
  let state: 'open' | 'paused' | 'closed' = 'open';

  const paint = (): void => {
    cancel = null;
    if (state !== 'open' || !frame || !terminal.free()) return;
    const bytes = changedRows(shown, frame, terminal.rows, terminal.columns);
    shown = frame;
    if (bytes === '') return;
    painted_at = clock.now();
    terminal.write(`\x1b[?2026h${bytes}\x1b[?2026l`);
  };
  const schedule = (): void => {
    if (cancel) return;
    const wait = painted_at + GAP_MS - clock.now();
    if (wait <= 0) paint();
    else cancel = clock.after(wait, paint);
  };
  const stop = (): void => {
    cancel?.();
    cancel = null;
  };

  const stdout = Object.assign(new EventEmitter(), {
    isTTY: true,
    write(text: string): boolean {
      // Cursor codes and clears of Ink's own are not frames.
      if (text === '' || /^(\x1b\[[?0-9;]*[A-Za-z])+$/.test(text)) return true;
      frame = text.split('\n');
      schedule();
      return true;
    },
  });
  Object.defineProperties(stdout, { columns: { get: () => terminal.columns }, rows: { get: () => terminal.rows } });

  return {
    stdout: stdout as unknown as NodeJS.WriteStream,
    forget: () => {
      shown = null;
    },
    flow() {
      if (frame !== shown) schedule();
    },
    repaint() {
      if (state === 'closed') return;
      state = 'open';
      shown = null;
      stop();
      paint();
    },
    pause() {
      state = 'paused';
      stop();
    },
    close() {
      state = 'closed';
      stop();
    },
  };
}

/**
 * The bytes that turn `before` into `after`; everything when `before` is null. Never CSI 3J: the scrollback is the user's.
 * A row is erased before it is written: with wrap off, erasing after a full row would take its last cell.
 */
export function changedRows(before: readonly string[] | null, after: readonly string[], rows: number, columns = Number.POSITIVE_INFINITY): string {
  let bytes = before === null ? '\x1b[0m\x1b[2J' : '';
  for (let row = 0; row < rows; row += 1) {
    const next = after[row] ?? '';
    const old = before?.[row] ?? '';
    if (next === old) continue;
    const span = before === null ? null : changedSpan(old, next, row + 1, columns);
    bytes += span ?? `\x1b[${row + 1};1H\x1b[K${anchor(next)}\x1b[0m`;
  }
  return bytes;
}

const PARTS = /\x1b\[[0-9;]*m|[^\x1b]+/g;
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * Terminals disagree about the width of emoji and joined characters. After each such character the cursor is put where the
 * layout believes it to be, so that whatever follows stands in its column everywhere.
 */
export function anchor(row: string): string {
  if (!/[^\u0000-\u10ff\u2010-\u25ff]/.test(row)) return row;
  let column = 1;
  return row.replace(PARTS, (part) => {
    if (part.startsWith('\x1b')) return part;
    let out = '';
    for (const { segment } of graphemes.segment(part)) {
      const width = stringWidth(segment);
      column += width;
      out += width === 2 || segment.length > 1 ? `${segment}\x1b[${column}G` : segment;
    }
    return out;
  });
}
