/** The full-screen cockpit: reads the store, dispatches commands, and gives the terminal back as it found it. */
import type { Command, CommandAnswer } from '../core/commands.ts';
import type { Clock } from '../core/ports.ts';
import type { WorldStore } from '../store.ts';
import { clipboardCode, hasClipboard } from './clipboard.ts';
import { speaksUnicode } from './glyphs.ts';
import { rebind } from './keys.ts';
import { runIn } from './lend.ts';
import { createPainter } from './painter.ts';
import { createScreen, guardExits, stopGroup, type Exit } from './screen.ts';
import { createSession } from './session.ts';
import type { Effect } from './on-key.ts';
import { colourDepth, createPaint, defaultTheme, loadThemes } from './theme.ts';
import { windowTitle } from './farewell.ts';
import type { WizardPorts } from './wizard.ts';

export { farewell } from './farewell.ts';
export type { WizardPorts } from './wizard.ts';
export { keysMarkdown } from './keys.ts';
export { renderSvg, type SvgCell } from './render-svg.ts';

export interface CockpitPorts {
  store: WorldStore;
  dispatch(command: Command): Promise<CommandAnswer>;
  /** Real-time clock: redraw ticks and key guards. */
  clock: Clock;
  /** The program's (scaled) time, epoch ms. */
  worldNow(): number;
  /** A theme's name; without it dark, or light where the terminal says that it is light. */
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

/** A stop that the system ignored (no shell above us) must not leave an empty screen. Real ms. */
const STOP_IGNORED_MS = 200;

/**
 * Opens the cockpit and resolves once the terminal is restored. Never rejects: what went wrong comes back as `error`, for the
 * caller to tell on the primary screen. Needs a TTY on both ends.
 */
export async function openCockpit(ports: CockpitPorts): Promise<Exit> {
  const { clock, store, stdin, stdout } = ports;
  // Ink reads both when it is imported: under CI it would draw nothing at all.
  const depth = colourDepth(process.env);
  if (process.env['NO_COLOR'] && !process.env['FORCE_COLOR']) process.env['FORCE_COLOR'] = '0';
  delete process.env['CI'];
  const { mount } = await import('./app.tsx');

  const { themes, problems } = readThemes(ports.themesDirs);
  const unicode = speaksUnicode(process.env);
  const marks = process.env['TERM'] !== 'dumb';
  const paints = (themes.length > 0 ? themes : [undefined]).map((theme) => ({ name: theme?.name ?? 'plain', paint: createPaint(theme, depth, unicode, marks) }));
  const wanted = ports.theme ?? defaultTheme(process.env);
  const chosen = paints.findIndex(({ name }) => name === wanted);
  problems.unshift(...rebind(ports.keys ?? {}));
  if (ports.theme !== undefined && chosen < 0) problems.push(`no theme "${ports.theme}"; there are ${paints.map(({ name }) => name).join(', ')}`);

  let end: (exit: Exit) => void = () => undefined;
  const ended = new Promise<Exit>((resolve) => {
    end = resolve;
  });
  const screen = createScreen(stdout);
  const size = (): { columns: number; rows: number } => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
  const terminal = { write: (text: string) => stdout.write(text), get columns() { return size().columns; }, get rows() { return size().rows; } };
  const painter = createPainter(terminal, clock);
  const session = createSession({
    store,
    dispatch: (command) => ports.dispatch(command),
    clock,
    worldNow: () => ports.worldNow(),
    size,
    paints,
    theme: Math.max(0, chosen),
    title: ports.title,
    pace: ports.pace ?? 1,
    wizard: ports.wizard ?? null,
    ends: ports.ends ?? false,
    status: (run) => ports.status(run),
    elsewhere: () => ports.elsewhere?.() ?? null,
    onEffect: (effect) => carryOut(effect),
    onDraw: () => screen.title(windowTitle(store.getState())),
  });

  const carryOut = (effect: Effect): void => {
    if (effect === 'quit') end({ quit: 'user' });
    else if (effect === 'detach') detach();
    else if (effect === 'redraw') painter.repaint();
    else if (effect === 'suspend') suspend();
    else if (effect.do === 'copy') void copy(effect.text, effect.what).then((words) => session.say(words, false), (error: unknown) => session.say(`not copied: ${reasonOf(error)}`, true));
    else void lend(effect.run).catch((error: unknown) => session.say(`no shell on ${effect.run}: ${reasonOf(error)}`, true));
  };
  const detach = (): void => {
    const why = ports.mayDetach ? ports.mayDetach() : 'there is nothing here that could go on without this screen';
    if (why === null) end({ quit: 'detach' });
    else session.say(why, true);
  };
  const copy = async (text: string, what: string): Promise<string> => {
    const lines = text.trimEnd().split('\n').length;
    if (!hasClipboard(process.env)) return `${lines} lines of ${what} are in ${await ports.keep(`${what}.log`, text)}`;
    stdout.write(clipboardCode(text, process.env));
    return `${lines} lines of ${what} are in the clipboard`;
  };

  let suspended = false;
  const suspend = (): void => {
    if (suspended || lent) return;
    suspended = true;
    painter.pause();
    if (stdin.isTTY) stdin.setRawMode(false);
    screen.leave();
    stdout.write('vastsit-tui is suspended: nobody watches the runs until fg brings it back.\n');
    stopGroup(suspend);
    clock.after(STOP_IGNORED_MS, resume);
  };
  const resume = (): void => {
    if (!suspended) return;
    suspended = false;
    process.on('SIGTSTP', suspend);
    if (stdin.isTTY) stdin.setRawMode(true);
    screen.enter();
    session.draw();
    painter.repaint();
  };
  let unmount: () => void = () => undefined;
  const show = (): void => {
    // Before the first frame: a key that comes while Ink still sets up would be echoed, and Enter would scroll the screen.
    if (stdin.isTTY) stdin.setRawMode(true);
    const app = mount(session.frame, (input, key) => session.press(input, key), stdin, painter.stdout);
    let mine = true;
    unmount = () => {
      mine = false;
      app.unmount();
    };
    app.gone.then(() => mine && end({ quit: 'user' }), (error: unknown) => end({ quit: 'error', error: error instanceof Error ? error : new Error(String(error)) }));
  };

  let lent = false;
  /** Lends the terminal to a shell on a box. The loops go on behind it; only the drawing stops. */
  const lend = async (run: string): Promise<void> => {
    if (lent) return;
    session.say(`connecting to the box of ${run}…`, false);
    const argv = await ports.shell(run);
    lent = true;
    painter.pause();
    // Ink lets go of the keyboard only when it is gone, and two readers would share the keys.
    unmount();
    // Its listener leaves with the next turn; only then does pausing really stop the reading.
    await new Promise((resolve) => setImmediate(resolve));
    stdin.pause();
    screen.leave();
    stdout.write(`A shell on the box of ${run}. The watch goes on behind it; exit or Ctrl-d comes back.\n`);
    const words = await runIn(argv);
    lent = false;
    screen.enter();
    show();
    session.say(words, false);
    painter.repaint();
  };
  const resized = (): void => {
    if (lent) return;
    painter.forget();
    session.draw();
    painter.repaint();
  };

  // A terminal that hung up fails every call; that ends the cockpit and must not crash the farewell after it.
  for (const stream of [stdout, stdin]) stream.on('error', () => end({ quit: 'hangup' }));
  // A ctrl-c that was typed at the shell is the shell's.
  const release = guardExits({ end: (how, signal) => (lent && signal === 'SIGINT' ? undefined : end(how)), leave: () => screen.leave(), stop: suspend, resume });
  screen.enter();
  let exit: Exit;
  try {
    session.draw();
    show();
    stdout.on('resize', resized);
    for (const problem of problems.slice(0, 1)) session.say(problem, true);
    void ports.finished?.then((sentence) => session.finish(sentence), () => undefined);
    exit = await ended;
  } catch (error) {
    exit = { quit: 'error', error: error instanceof Error ? error : new Error(String(error)) };
  }
  stdout.off('resize', resized);
  session.close();
  painter.close();
  unmount();
  if (stdin.isTTY) stdin.setRawMode(false);
  stdin.pause();
  screen.leave();
  release();
  return exit;
}

function readThemes(dirs: readonly string[]): ReturnType<typeof loadThemes> {
  const read = dirs.map(loadThemes);
  const byName = new Map(read.flatMap(({ themes }) => themes).map((theme) => [theme.name, theme]));
  return { themes: [...byName.values()], problems: read.flatMap(({ problems }) => problems) };
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : 'no reason given');
