/** Opens the cockpit over the loops that run in this process, and tells on the primary screen what goes on without it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { dirname, join } from 'node:path';
import { openApp, type App } from './app.ts';
import { createClock } from './clock.ts';
import { UsageError } from './headless/errors.ts';
import { EXIT, type ExitCode } from './headless/io.ts';
import { serveOrders } from './journal/spool.ts';
import { readSettings, stateDir } from './settings.ts';

/** Beside the bundle in production, at the project's root from source. */
export const packageRoot = (): string => dirname(dirname(fileURLToPath(import.meta.url)));

export async function cockpitCommand(options: { theme?: string; budget?: number }): Promise<ExitCode> {
  needTerminal();
  const dir = stateDir(process.env);
  const app = await openApp({ env: process.env, project: process.cwd(), stateDir: dir, what: 'the cockpit', budget: options.budget });
  const orders = serveOrders(dir, createClock(1), (command) => app.command(command));
  try {
    return await showCockpit(app, { title: 'vast.ai', theme: options.theme ?? readSettings().theme });
  } finally {
    orders.close();
    await app.close();
  }
}

export function needTerminal(): void {
  if (!process.stdout.isTTY || !process.stdin.isTTY || process.env['TERM'] === 'dumb') throw new UsageError('the cockpit needs a terminal; for scripts use `vastsit-tui status`, `watch` or `launch`, each with --json');
}

export async function showCockpit(app: App, options: { title: string; theme?: string | undefined; finished?: Promise<string>; farewell?: string }): Promise<ExitCode> {
  const { openCockpit, farewell } = await import('./cockpit/index.ts');
  const ended = await openCockpit({
    store: app.store,
    dispatch: (command) => app.command(command),
    clock: app.wire,
    worldNow: () => app.clock.now(),
    themesDir: join(packageRoot(), 'themes'),
    keep: (name, text) => keepCopy(join(stateDir(process.env), 'copies'), name, text),
    stdin: process.stdin,
    stdout: process.stdout,
    title: options.title,
    ...(options.theme !== undefined && { theme: options.theme }),
    ...(options.finished && { finished: options.finished }),
  });
  for (const line of options.farewell === undefined ? farewell(app.store.getState(), app.clock.now()) : [options.farewell]) process.stdout.write(`${line}\n`);
  if (ended.quit === 'error') throw ended.error ?? new Error('the cockpit failed');
  return ended.quit === 'signal' ? EXIT.interrupted : EXIT.ok;
}

async function keepCopy(dir: string, name: string, text: string): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, name);
  await writeFile(path, text, { mode: 0o600 });
  return path;
}
