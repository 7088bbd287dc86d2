/** Opens the cockpit at the loops of this process, or at another's, and tells on the primary screen what goes on without it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { connectOwner } from '../attach/index.ts';
import { createClock } from '../clock.ts';
import type { Clock, Market } from '../core/ports.ts';
import { UsageError } from '../headless/errors.ts';
import { EXIT, type ExitCode, type Io } from '../headless/io.ts';
import { instanceOf, type World } from '../core/state.ts';
import { statusMarkdown } from '../journal/index.ts';
import { onInterrupt, type Interrupts } from '../interrupts.ts';
import { createWizard } from './wizard.ts';
import { lines } from './lines.ts';
import { startBackground, watchesOn } from '../owner/index.ts';
import { realMarket } from './real-market.ts';
import { shellCommand } from '../remote/index.ts';
import { targetOf } from '../agents/sessions.ts';
import { takeSeat, type Seat } from '../owner/seat.ts';
import { packageRoot } from '../package-root.ts';
import { configDir, readSettings, stateDir } from '../settings.ts';

export interface CockpitCommand {
  theme?: string;
  budget?: number;
  /** No screen: the loops go to a background process at once. */
  detach?: boolean;
  /** Only look on. */
  attach?: true;
  /** Lines instead of a painted screen. */
  plain?: boolean;
}

export async function cockpitCommand(io: Io, options: CockpitCommand): Promise<ExitCode> {
  const dir = stateDir(process.env);
  const wire = createClock(1);
  const project = process.cwd();
  if (options.detach === true) return detached(io, dir, project, wire, options.budget);
  const asLines = options.plain === true || readSettings().plain === true;
  if (!asLines && !isTerminal()) {
    if (options.attach) throw new UsageError('`attach` shows a screen and needs a terminal; `vastsit-tui status` and `vastsit-tui watch` tell the same in lines');
    return status(io);
  }
  const theme = options.theme ?? readSettings().theme;
  const seat = await takeSeat({ env: process.env, project, stateDir: dir, what: 'the cockpit', budget: options.budget }, wire, options.attach && 'viewer');
  const interrupts = onInterrupt();
  try {
    if (options.budget !== undefined && seat.elsewhere() !== null) throw new UsageError('--budget is set where the process that owns the state directory was started; end it, or open the cockpit without');
    if (asLines) return await asText(io, seat, wire, interrupts);
    return await showCockpit(seat, { dir, clock: wire, worldNow: () => wire.now(), title: 'vast.ai', theme, keys: readSettings().keys, mouse: readSettings().mouse, project, market: async () => (await realMarket(process.env, wire)).market });
  } finally {
    await seat.close();
    interrupts.release();
  }
}

async function detached(io: Io, dir: string, project: string, wire: Clock, budget: number | undefined): Promise<ExitCode> {
  const there = await connectOwner({ dir, wire, wants: 'orders' });
  there?.close();
  const { what, pid } = there?.owner ?? (await startBackground({ dir, project, wire, budget }));
  io.out(`${what} (process ${pid}) ${there ? 'watches already' : 'watches'}; \`vastsit-tui\` shows it, \`kill ${pid}\` ends it and nothing of its runs`);
  return EXIT.ok;
}

/** Ours, then the user's own. */
export const themesDirs = (env: NodeJS.ProcessEnv): string[] => [join(packageRoot, 'themes'), join(configDir(env), 'themes')];

const isTerminal = (): boolean => process.stdout.isTTY && process.stdin.isTTY && process.env['TERM'] !== 'dumb';

/** Without a terminal: how it stands, and how to get more. */
async function status(io: Io): Promise<ExitCode> {
  const code = await (await import('./index.ts')).status(io, false);
  io.talk('this is no terminal, so the status is all: `vastsit-tui watch` follows, `--plain` takes orders as words, and each command has --json for scripts');
  return code;
}

async function asText(io: Io, seat: Seat, wire: Clock, { signal, hungUp }: Interrupts): Promise<ExitCode> {
  const code = await lines(io, { world: () => seat.store.getState(), subscribe: (listener) => seat.store.subscribe(listener), dispatch: seat.dispatch, now: () => wire.now(), stdin: process.stdin, signal });
  if (hungUp() && watchesOn(seat.store.getState())) await seat.detach();
  return code;
}

export function needTerminal(): void {
  if (!isTerminal()) throw new UsageError('the cockpit needs a terminal; for scripts use `vastsit-tui status`, `watch` or `launch`, each with --json');
}

export interface ShowOptions {
  /** The state directory: our key, and copies for terminals without a clipboard. */
  dir: string;
  /** Real time, and the program's (scaled) time in ms. */
  clock: Clock;
  worldNow: () => number;
  title: string;
  theme?: string | undefined;
  finished?: Promise<string>;
  farewell?: string;
  /** Seconds of the program's clock in one real second, and whether everything ends with the screen: both for a demo. */
  pace?: number;
  keys?: Readonly<Record<string, readonly string[]>> | undefined;
  mouse?: boolean | undefined;
  /** Where specs lie, and how the market is asked about them. */
  project: string;
  market: () => Promise<Market>;
  ends?: boolean;
}

export async function showCockpit(seat: Pick<Seat, 'store' | 'dispatch'> & Partial<Seat>, options: ShowOptions): Promise<ExitCode> {
  const { openCockpit, farewell } = await import('../cockpit/index.ts');
  const ended = await openCockpit({
    store: seat.store,
    // A viewer's folder is another than the owner's.
    dispatch: (command) => seat.dispatch('spec_path' in command ? { ...command, spec_path: resolve(options.project, command.spec_path) } : command),
    clock: options.clock,
    worldNow: options.worldNow,
    themesDirs: themesDirs(process.env),
    status: (run) => statusMarkdown(seat.store.getState(), options.worldNow(), [run]).split('\n').slice(4).join('\n'),
    shell: (run) => shellOn(seat.store.getState(), run, options.dir),
    keep: (name, text) => keepCopy(join(options.dir, 'copies'), name, text),
    stdin: process.stdin,
    stdout: process.stdout,
    title: options.title,
    ...(seat.elsewhere && { elsewhere: seat.elsewhere }),
    ...(seat.mayDetach && { mayDetach: seat.mayDetach }),
    ...(options.pace !== undefined && { pace: options.pace }),
    wizard: createWizard({ project: options.project, env: process.env, market: options.market, world: () => seat.store.getState(), clock: options.clock }),
    ...(options.keys && { keys: options.keys }),
    ...(options.mouse !== undefined && { mouse: options.mouse }),
    ...(options.ends !== undefined && { ends: options.ends }),
    ...(options.theme !== undefined && { theme: options.theme }),
    ...(options.finished && { finished: options.finished }),
  });
  const goesOn = ended.quit === 'detach' || (ended.quit === 'hangup' && watchesOn(seat.store.getState()));
  const watcher = goesOn && seat.detach ? await seat.detach() : (seat.elsewhere?.() ?? null)?.replace(/^viewing /, '') ?? null;
  for (const line of options.farewell === undefined ? farewell(seat.store.getState(), options.worldNow(), watcher) : [options.farewell]) process.stdout.write(`${line}\n`);
  if (ended.quit === 'error') throw ended.error;
  return ended.quit === 'signal' || ended.quit === 'hangup' ? EXIT.interrupted : EXIT.ok;
}

/** Whoever has the loops: the key and the pinned host keys lie in the state directory that both share. */
async function shellOn(world: World, id: string, dir: string): Promise<readonly string[]> {
  const run = world.runs[id];
  const instance = run && instanceOf(world, run);
  if (!run || !instance || instance.gone_at !== null) throw new Error('it has no instance');
  return shellCommand(dir, targetOf(instance), run.id, run.ssh.endpoint);
}

async function keepCopy(dir: string, name: string, text: string): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, name);
  await writeFile(path, text, { mode: 0o600 });
  return path;
}
