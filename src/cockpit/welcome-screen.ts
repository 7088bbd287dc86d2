/** Plays the first screen of all: on the same stage as the cockpit, before there is anything to show. */
import { createStore } from 'zustand/vanilla';
import type { Clock } from '../core/ports.ts';
import type { FrameStore } from './app.tsx';
import { createKeyReader } from './keys.ts';
import type { Line } from './line.ts';
import { hitAt } from './mouse.ts';
import { createStage } from './stage.ts';
import { openWardrobe } from './wardrobe.ts';
import { found, looking, onWelcomeClick, onWelcomeKey, scrolled, welcome, welcomeView, type Check, type Welcome, type Wish } from './welcome.ts';

export interface WelcomePorts {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  /** Real time. */
  clock: Clock;
  theme?: string;
  themesDirs: readonly string[];
  mouse?: boolean;
  /** Keeps a key; answers where, without telling it. Rejects in words, and then nothing was kept. */
  keep(key: string): Promise<string>;
  /** What the doctor finds; null while there is no key at all. */
  look(): Promise<readonly Check[] | null>;
}

/** Resolves once the terminal is restored. Rejects with an error that nobody caught. */
export async function openWelcome(ports: WelcomePorts): Promise<'ready' | 'demo' | 'quit'> {
  const { paints, chosen } = openWardrobe(ports.themesDirs, ports.theme, process.env);
  const stage = createStage({ stdin: ports.stdin, stdout: ports.stdout, clock: ports.clock, mouse: ports.mouse ?? true, suspended: 'vastsit-tui is suspended; fg brings it back.' });
  const frame: FrameStore = createStore(() => ({ rows: [] as readonly string[] }));
  const read = createKeyReader();
  let state: Welcome = welcome();
  let screen: readonly Line[] = [];
  let answer: 'ready' | 'demo' | 'quit' = 'quit';

  const draw = (): void => {
    const { columns, rows } = stage.size();
    screen = welcomeView(state, columns, rows);
    frame.setState({ rows: screen.map((row) => paints[chosen]?.paint(row) ?? '') });
  };
  const become = (next: Welcome): void => {
    state = next;
    draw();
  };
  const look = async (kept: string | null): Promise<void> => {
    const checks = await ports.look();
    // Whoever went elsewhere meanwhile is not called back.
    if (state.step === 'looking') become(checks === null ? welcome('There is no key yet.') : found(kept, checks));
  };
  const keep = async (key: string): Promise<void> => {
    try {
      const kept = await ports.keep(key);
      become(looking(kept));
      await look(kept);
    } catch (error) {
      become({ ...welcome(error instanceof Error ? error.message : 'the key could not be kept'), step: 'paste', typed: '' });
    }
  };
  const carryOut = (wish: Wish): void => {
    if (wish === 'keep' && state.step === 'paste') void keep(state.typed);
    else if (wish === 'look' && state.step === 'looking') void look(state.kept).catch((error: unknown) => become(welcome(error instanceof Error ? error.message : 'the look failed')));
    else if (wish === 'ready' || wish === 'demo' || wish === 'quit') {
      answer = wish;
      stage.end({ quit: 'user' });
    }
  };

  const exit = await stage.play(
    {
      frame,
      draw,
      press(input, flags) {
        for (const one of read(input, flags)) {
          if ('mouse' in one && one.mouse !== 'click') become(scrolled(state, one.mouse === 'wheel_up' ? -3 : 3));
          else if (!('mouse' in one) && one.name === 'ctrl-z') stage.suspend();
          else if (!('mouse' in one) && one.name === 'ctrl-l') stage.repaint();
          else {
            const { state: next, wish } = 'mouse' in one ? onWelcomeClick(state, hitAt(screen, one.x, one.y)) : onWelcomeKey(state, one);
            become(next);
            if (wish) carryOut(wish);
          }
        }
      },
    },
    () => stage.title('vastsit: first run'),
  );
  if (exit.quit === 'error') throw exit.error;
  return exit.quit === 'user' ? answer : 'quit';
}
