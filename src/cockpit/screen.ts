/** The terminal's own state: alternate screen, wrap, cursor, paste marks, mouse, title; and its return on every way out. */
/** Buttons and the wheel, told as SGR; no movement. */
const MOUSE = '\x1b[?1000h\x1b[?1006h';
/** Every way to hear of the mouse: a program on a box that died may have left any of them. */
const NO_MOUSE = '\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l';
const ENTER = `\x1b[22;2t\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[?2004h${NO_MOUSE}\x1b[2J\x1b[H`;
const LEAVE = `\x1b[?2026l\x1b[0m${NO_MOUSE}\x1b[?2004l\x1b[?25h\x1b[?7h\x1b[?1049l\x1b[23;2t`;

export interface Screen {
  enter(): void;
  /** Safe to call twice: only the first call after `enter` writes. */
  leave(): void;
  title(text: string): void;
  /** Answers whether the mouse is ours now. */
  toggleMouse(): boolean;
}

export function createScreen(stdout: { write(text: string): unknown }, mouse: boolean): Screen {
  let ours = mouse;
  let inside = false;
  let titled = '';
  return {
    enter() {
      if (inside) return;
      inside = true;
      titled = '';
      stdout.write(ours ? ENTER + MOUSE : ENTER);
    },
    leave() {
      if (!inside) return;
      inside = false;
      stdout.write(LEAVE);
    },
    title(text) {
      const plain = text.replace(/[^\x20-\x7e]/g, '');
      if (!inside || plain === titled) return;
      titled = plain;
      stdout.write(`\x1b]2;${plain}\x07`);
    },
    toggleMouse() {
      ours = !ours;
      if (inside) stdout.write(ours ? MOUSE : NO_MOUSE);
      return ours;
    },
  };
}

export type Exit = { quit: 'user' } | { quit: 'detach' } | { quit: 'signal' } | { quit: 'hangup' } | { quit: 'error'; error: Error };

/** Which signals end the cockpit. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Listens for every way that the process may end or be stopped. `end` is called once with the way out; `leave` also runs
 * at `exit`, when nothing else had the time. Returns the function that takes all listeners away again.
 */
export function guardExits(on: { end: (exit: Exit, signal?: NodeJS.Signals) => void; leave: () => void; stop: () => void; resume: () => void }): () => void {
  const end = (signal: NodeJS.Signals): void => on.end({ quit: signal === 'SIGHUP' ? 'hangup' : 'signal' }, signal);
  const fail = (error: unknown): void => on.end({ quit: 'error', error: error instanceof Error ? error : new Error(String(error)) });
  for (const signal of ENDING) process.on(signal, end);
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  process.on('exit', on.leave);
  process.on('SIGTSTP', on.stop);
  process.on('SIGCONT', on.resume);
  return () => {
    for (const signal of ENDING) process.off(signal, end);
    process.off('uncaughtException', fail);
    process.off('unhandledRejection', fail);
    process.off('exit', on.leave);
    process.off('SIGTSTP', on.stop);
    process.off('SIGCONT', on.resume);
  };
}

/** Stops the whole foreground group, as the terminal's own ctrl-z would; our listener must not swallow it. */
export function stopGroup(listener: () => void): void {
  process.off('SIGTSTP', listener);
  process.kill(0, 'SIGTSTP');
}
