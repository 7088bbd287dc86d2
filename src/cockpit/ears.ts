/** The keyboard and the mouse: reads the terminal for Ink, which gets nothing but whole sequences, and lets go of it at a word. */
import { PassThrough } from 'node:stream';
import type { Clock } from '../core/ports.ts';
import { createSifter } from './sifter.ts';

export interface Ears {
  /** What Ink is given as its stdin. */
  readonly stdin: NodeJS.ReadStream;
  /** Takes the terminal: raw mode, and every key is ours. */
  open(): void;
  /** Lets go of it, as it was; whoever reads next gets every key. */
  shut(): void;
}

export function createEars(terminal: NodeJS.ReadStream, clock: Clock, answered: () => void): Ears {
  const sifter = createSifter(answered);
  const inner = new PassThrough();
  let cancel: (() => void) | null = null;
  let open = false;

  const give = (text: string): void => {
    if (text !== '') inner.write(text);
  };
  const hear = (data: string | Buffer): void => {
    cancel?.();
    cancel = null;
    give(sifter.push(data.toString()));
    const { waits } = sifter;
    if (waits !== null) cancel = clock.after(waits, () => give(sifter.flush()));
  };

  return {
    // Raw mode and the event loop are ours to manage, not Ink's.
    stdin: Object.assign(inner, { isTTY: true, setRawMode: () => inner, ref: () => inner, unref: () => inner }) as unknown as NodeJS.ReadStream,
    open() {
      if (open) return;
      open = true;
      terminal.setEncoding('utf8');
      if (terminal.isTTY) terminal.setRawMode(true);
      terminal.on('data', hear);
      terminal.resume();
    },
    shut() {
      if (!open) return;
      open = false;
      cancel?.();
      terminal.off('data', hear);
      terminal.pause();
      if (terminal.isTTY) terminal.setRawMode(false);
    },
  };
}
