/** Where a screen plays: takes the terminal, draws, hears, lends it out, and gives it back as it was found on every way out. */
import type { Clock } from '../core/ports.ts';
import type { FrameStore, Press } from './app.tsx';
import { createEars } from './ears.ts';
import { runIn } from './lend.ts';
import { createOutlet } from './outlet.ts';
import { createPainter } from './painter.ts';
import { createScreen, guardExits, stopGroup, type Exit } from './screen.ts';

/** A stop that the system ignored (no shell above us) must not leave an empty screen. Real ms. */
const STOP_IGNORED_MS = 200;
/** What the wheel still sends while the terminal hears that it is over is ours, not the shell's. Real ms. */
const DRAIN_MS = 30;

export interface StagePorts {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  /** Real time. */
  clock: Clock;
  /** Are clicks and the wheel asked for at the start? */
  mouse: boolean;
  /** Said on the primary screen while the program is stopped. */
  suspended: string;
}

export interface Play {
  /** Painted rows; whoever sets them has thought of the terminal's size. */
  readonly frame: FrameStore;
  readonly press: Press;
  /** Sets the frame anew, for the present size. */
  readonly draw: () => void;
}

export interface Stage {
  readonly size: () => { columns: number; rows: number };
  /** Plays until `end`, a signal or an error nobody caught. Never rejects: what went wrong is in the answer. */
  play(play: Play, begun: () => void): Promise<Exit>;
  end(exit: Exit): void;
  title(text: string): void;
  repaint(): void;
  suspend(): void;
  /** Asks for the mouse or leaves it to the terminal; answers whether it is asked for now. */
  toggleMouse(): boolean;
  /** Straight to the terminal: a code that is no picture. */
  write(code: string): void;
  /** Another program has the terminal until it ends; answers in words. null: it is lent already. */
  lend(argv: readonly string[], words: string): Promise<string | null>;
}

export function createStage({ stdin, stdout, clock, mouse, suspended: farewell }: StagePorts): Stage {
  const size = (): { columns: number; rows: number } => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
  const outlet = createOutlet(stdout, clock, () => painter.flow());
  const painter = createPainter({ ...outlet, get columns() { return size().columns; }, get rows() { return size().rows; } }, clock);
  const screen = createScreen(outlet, mouse);
  const ears = createEars(stdin, clock, () => outlet.answered());
  let over: (exit: Exit) => void = () => undefined;
  const ended = new Promise<Exit>((resolve) => {
    over = resolve;
  });
  let draw: () => void = () => undefined;
  let [stopped, lent] = [false, false];

  const away = async (words: string): Promise<void> => {
    painter.pause();
    // The terminal's answers are ours to hear, not the next reader's.
    await outlet.settled();
    ears.shut();
    screen.leave();
    outlet.write(`${words}\n`);
    await outlet.settled();
    outlet.close();
  };
  const back = (): void => {
    outlet.open();
    screen.enter();
    ears.open();
    draw();
    painter.repaint();
  };
  const suspend = (): void => {
    if (stopped || lent) return;
    stopped = true;
    void away(farewell).then(() => {
      stopGroup(suspend);
      clock.after(STOP_IGNORED_MS, resume);
    });
  };
  const resume = (): void => {
    if (!stopped) return;
    stopped = false;
    process.on('SIGTSTP', suspend);
    back();
  };
  const resized = (): void => {
    if (lent || stopped) return;
    painter.forget();
    draw();
    painter.repaint();
  };

  return {
    size,
    title: (text) => (outlet.free() ? screen.title(text) : undefined),
    repaint: () => painter.repaint(),
    end: (exit) => over(exit),
    write: (code) => outlet.write(code),
    toggleMouse: () => screen.toggleMouse(),
    suspend,
    async lend(argv, words) {
      if (lent || stopped) return null;
      lent = true;
      await away(words);
      const said = await runIn(argv);
      lent = false;
      back();
      return said;
    },
    async play(play, begun) {
      const { mount } = await import('./app.tsx');
      draw = play.draw;
      // A terminal that hung up fails every call; that ends the play and must not crash what is said after it.
      for (const stream of [stdout, stdin]) stream.on('error', () => over({ quit: 'hangup' }));
      // A ctrl-c that was typed at the shell is the shell's.
      const release = guardExits({ end: (how, signal) => (lent && signal === 'SIGINT' ? undefined : over(how)), leave: () => screen.leave(), stop: suspend, resume });
      outlet.open();
      screen.enter();
      // Before the first frame: a key that comes while Ink still sets up would be echoed, and Enter would scroll the screen.
      ears.open();
      let unmount: () => void = () => undefined;
      let exit: Exit;
      try {
        draw();
        const app = mount(play.frame, play.press, ears.stdin, painter.stdout);
        unmount = () => app.unmount();
        app.gone.then(() => over({ quit: 'user' }), (error: unknown) => over({ quit: 'error', error: error instanceof Error ? error : new Error(String(error)) }));
        stdout.on('resize', resized);
        begun();
        exit = await ended;
      } catch (error) {
        exit = { quit: 'error', error: error instanceof Error ? error : new Error(String(error)) };
      }
      stdout.off('resize', resized);
      painter.close();
      unmount();
      screen.leave();
      await outlet.settled();
      if (exit.quit === 'user' || exit.quit === 'detach') await clock.sleep(DRAIN_MS);
      ears.shut();
      outlet.close();
      release();
      return exit;
    },
  };
}
