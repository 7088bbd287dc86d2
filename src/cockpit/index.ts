/** The full-screen cockpit: reads the store, dispatches commands, and gives the terminal back as it found it. */
import type { Command, CommandAnswer } from '../core/commands.ts';
import type { Clock } from '../core/ports.ts';
import type { WorldStore } from '../store.ts';
import { clipboardCode, hasClipboard } from './clipboard.ts';
import { keyOf, rebind } from './keys.ts';
import type { Exit } from './screen.ts';
import { createStage } from './stage.ts';
import { createSession } from './session.ts';
import type { Effect } from './on-key.ts';
import { openWardrobe } from './wardrobe.ts';
import { windowTitle } from './farewell.ts';
import type { WizardPorts } from './wizard.ts';

export { farewell } from './farewell.ts';
export type { WizardPorts } from './wizard.ts';
export { keysMarkdown } from './keys.ts';
export { renderSvg, type SvgCell } from './render-svg.ts';
export { openWelcome, type WelcomePorts } from './welcome-screen.ts';

export interface CockpitPorts {
  store: WorldStore;
  dispatch(command: Command): Promise<CommandAnswer>;
  /** Real-time clock: redraw ticks and key guards. */
  clock: Clock;
  /** The program's (scaled) time, epoch ms. */
  worldNow(): number;
  /** A theme's name; without it, or with `default`, dark, or light where the terminal says that it is light. */
  theme?: string;
  /** Folders of themes; one of a later folder replaces its namesake of an earlier one. */
  themesDirs: readonly string[];
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  /** Beside the program's name, such as "demo ×60"; may be empty. */
  title: string;
  /** Seconds of the program's clock in one real second, and whether everything ends with this screen: both for a demo. */
  pace?: number;
  /** The user's keys by action; what is wrong with them is told, and the usual ones stay. */
  keys?: Readonly<Record<string, readonly string[]>>;
  /** Are clicks and the wheel ours from the start? Unless said otherwise, yes. */
  mouse?: boolean;
  /** What the launch wizard reads and writes with; absent: nothing can be launched from this screen. */
  wizard?: WizardPorts;
  ends?: boolean;
  /** What STATUS.md says of a run; empty when nothing writes one. */
  status(run: string): string;
  /** The command line of a shell on a run's box; rejects in words when there is none. */
  shell(run: string): Promise<readonly string[]>;
  /** Who has the loops, when it is another process than this one; null: this one. */
  elsewhere?(): string | null;
  /** Why this screen cannot be left to a background process; null when it can. Absent: never, as in a demo. */
  mayDetach?(): string | null;
  /** Keeps text in a file of that name, for terminals without a clipboard; resolves with its path. */
  keep(name: string, text: string): Promise<string>;
  /** Resolves with a sentence when a demo is over: shown as a banner, the screen stays. */
  finished?: Promise<string>;
}

/**
 * Opens the cockpit and resolves once the terminal is restored. Never rejects: what went wrong comes back as `error`, for the
 * caller to tell on the primary screen. Needs a TTY on both ends.
 */
export async function openCockpit(ports: CockpitPorts): Promise<Exit> {
  const { clock, store, stdin, stdout } = ports;
  const { paints, chosen, problems } = openWardrobe(ports.themesDirs, ports.theme, process.env);
  problems.unshift(...rebind(ports.keys ?? {}));

  const stage = createStage({ stdin, stdout, clock, mouse: ports.mouse ?? true, suspended: 'vastsit-tui is suspended: nobody watches the runs until fg brings it back.' });
  const session = createSession({
    store,
    dispatch: (command) => ports.dispatch(command),
    clock,
    worldNow: () => ports.worldNow(),
    size: () => stage.size(),
    paints,
    theme: chosen,
    title: ports.title,
    pace: ports.pace ?? 1,
    wizard: ports.wizard ?? null,
    ends: ports.ends ?? false,
    status: (run) => ports.status(run),
    elsewhere: () => ports.elsewhere?.() ?? null,
    onEffect: (effect) => carryOut(effect),
    onDraw: () => stage.title(windowTitle(store.getState())),
  });

  const carryOut = (effect: Effect): void => {
    if (effect === 'quit') stage.end({ quit: 'user' });
    else if (effect === 'detach') detach();
    else if (effect === 'redraw') stage.repaint();
    else if (effect === 'suspend') stage.suspend();
    else if (effect === 'mouse') session.say(stage.toggleMouse() ? 'clicks and the wheel are ours; with Shift the terminal selects text' : `the mouse is the terminal's: it selects text; ${keyOf('mouse')} takes it back`, false);
    else if (effect.do === 'copy') void copy(effect.text, effect.what).then((words) => session.say(words, false), (error: unknown) => session.say(`not copied: ${reasonOf(error)}`, true));
    else void shellOn(effect.run).catch((error: unknown) => session.say(`no shell on ${effect.run}: ${reasonOf(error)}`, true));
  };
  const detach = (): void => {
    const why = ports.mayDetach ? ports.mayDetach() : 'there is nothing here that could go on without this screen';
    if (why === null) stage.end({ quit: 'detach' });
    else session.say(why, true);
  };
  const copy = async (text: string, what: string): Promise<string> => {
    const lines = text.trimEnd().split('\n').length;
    if (!hasClipboard(process.env)) return `${lines} lines of ${what} are in ${await ports.keep(`${what}.log`, text)}`;
    stage.write(clipboardCode(text, process.env));
    return `${lines} lines of ${what} are in the clipboard`;
  };
  /** Lends the terminal to a shell on a box. The loops go on behind it; only the drawing stops. */
  const shellOn = async (run: string): Promise<void> => {
    session.say(`connecting to the box of ${run}…`, false);
    const words = await stage.lend(await ports.shell(run), `A shell on the box of ${run}. The watch goes on behind it; exit or Ctrl-d comes back.`);
    if (words !== null) session.say(words, false);
  };

  const exit = await stage.play({ frame: session.frame, press: (input, key) => session.press(input, key), draw: () => session.draw() }, () => {
    for (const problem of problems.slice(0, 1)) session.say(problem, true);
    void ports.finished?.then((sentence) => session.finish(sentence), () => undefined);
  });
  session.close();
  return exit;
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : 'no reason given');
