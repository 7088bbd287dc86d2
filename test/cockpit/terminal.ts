/** A real pty read by a terminal emulator: what a person would see, and every byte that made it so. */
import { spawn, type IPty } from 'node-pty';
import xterm from '@xterm/headless';
import type { SvgCell } from '../../src/cockpit/render-svg.ts';

export interface Seen {
  readonly pty: IPty;
  /** All bytes so far. */
  raw(): string;
  screen(): Promise<string[]>;
  /** Waits until the screen matches; fails with the whole screen in the message. */
  until(pattern: RegExp, ms?: number): Promise<string[]>;
  press(keys: string): void;
  resize(columns: number, rows: number): void;
  kind(): Promise<'normal' | 'alternate'>;
  /** Which reports of the mouse the terminal was asked for. */
  mouse(): 'none' | 'x10' | 'vt200' | 'drag' | 'any';
  cells(colours: { fg: string; bg: string }): Promise<SvgCell[][]>;
  exited: Promise<{ exitCode: number; signal?: number | undefined }>;
  /** Closes the window: the program loses its terminal, and is told twice. */
  close(): void;
  dispose(): void;
}

const POLL_MS = 15;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const [FRAME, FRAME_END] = ['\x1b[?2026h', '\x1b[?2026l'];

/** Bytes that may be shown, and those of a frame that is still being written: a terminal shows a synchronized update whole or not at all. */
export function wholeFrames(bytes: string): [string, string] {
  const frame = bytes.lastIndexOf(FRAME);
  if (frame >= 0 && bytes.indexOf(FRAME_END, frame) < 0) return [bytes.slice(0, frame), bytes.slice(frame)];
  // The start of a frame may itself be cut in two.
  const escape = bytes.lastIndexOf('\x1b');
  const cut = escape >= 0 && FRAME.startsWith(bytes.slice(escape)) && bytes.slice(escape) !== FRAME;
  return cut ? [bytes.slice(0, escape), bytes.slice(escape)] : [bytes, ''];
}

/** Runs `file` by node, or as the first argument of another program. `answers`: the terminal's own answers reach it. */
export function openTerminal(file: string, args: string[], size: { columns: number; rows: number }, env: Record<string, string> = {}, cwd = process.cwd(), program = process.execPath, answers = true): Seen {
  const term = new xterm.Terminal({ cols: size.columns, rows: size.rows, allowProposedApi: true, scrollback: 200 });
  // Built up, never inherited: a CI run's own variables must not decide what is drawn.
  const pty = spawn(program, [file, ...args], {
    cols: size.columns,
    rows: size.rows,
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', TERM: 'xterm-256color', COLORTERM: 'truecolor', LANG: 'C.UTF-8', NODE_ENV: 'production', ...env },
  });
  let raw = '';
  let held = '';
  let pending: Promise<void> = Promise.resolve();
  const show = (data: string): void => {
    pending = new Promise((resolve) => term.write(data, resolve));
  };
  pty.onData((data) => {
    raw += data;
    const [whole, open] = wholeFrames(held + data);
    held = open;
    show(whole);
  });
  if (answers) term.onData((data) => pty.write(data));
  const exited = new Promise<{ exitCode: number; signal?: number | undefined }>((resolve) => pty.onExit(resolve));
  let alive = true;
  void exited.then(() => {
    alive = false;
    show(held);
  });

  const screen = async (): Promise<string[]> => {
    await pending;
    const buffer = term.buffer.active;
    return Array.from({ length: term.rows }, (_, row) => buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? '');
  };
  return {
    pty,
    raw: () => raw,
    screen,
    async until(pattern, ms = 8_000) {
      for (let waited = 0; ; waited += POLL_MS) {
        const rows = await screen();
        if (pattern.test(rows.join('\n'))) return rows;
        if (waited > ms) throw new Error(`never saw ${String(pattern)} on\n${rows.join('\n')}`);
        await pause(POLL_MS);
      }
    },
    press: (keys) => pty.write(keys),
    resize(columns, rows) {
      term.resize(columns, rows);
      pty.resize(columns, rows);
    },
    async kind() {
      await pending;
      return term.buffer.active.type;
    },
    mouse: () => term.modes.mouseTrackingMode,
    async cells(colours) {
      await pending;
      return cellsOf(term, colours);
    },
    exited,
    // Not in its published types.
    close: () => (pty as IPty & { destroy(): void }).destroy(),
    dispose() {
      if (alive) pty.kill('SIGKILL');
      term.dispose();
    },
  };
}

/** The terminal's own sixteen colours, as xterm has them; a terminal paints them as its user likes. */
const SIXTEEN = ['#000000', '#cd0000', '#00cd00', '#cdcd00', '#1e90ff', '#cd00cd', '#00cdcd', '#e5e5e5', '#7f7f7f', '#ff0000', '#00ff00', '#ffff00', '#5c5cff', '#ff00ff', '#00ffff', '#ffffff'];

/** What stands in each cell; colours that are the terminal's own ground and text are null. */
export function cellsOf(term: xterm.Terminal, colours: { fg: string; bg: string }): SvgCell[][] {
  const buffer = term.buffer.active;
  const cell = buffer.getNullCell();
  const hex = (value: number): string => `#${value.toString(16).padStart(6, '0')}`;
  return Array.from({ length: term.rows }, (_, row) => {
    const line = buffer.getLine(buffer.baseY + row);
    return Array.from({ length: term.cols }, (__, column) => {
      line?.getCell(column, cell);
      const fg = cell.isFgRGB() ? hex(cell.getFgColor()) : cell.isFgPalette() ? (SIXTEEN[cell.getFgColor()] ?? null) : null;
      const bg = cell.isBgRGB() ? hex(cell.getBgColor()) : cell.isBgPalette() ? (SIXTEEN[cell.getBgColor()] ?? null) : null;
      return { text: cell.getWidth() === 0 ? '' : cell.getChars() || ' ', fg: fg === colours.fg ? null : fg, bg, bold: cell.isBold() !== 0, dim: cell.isDim() !== 0, inverse: cell.isInverse() !== 0 };
    });
  });
}
