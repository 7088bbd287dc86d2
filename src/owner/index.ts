/** A process that owns the state directory: the loops, and the door for everyone else on this machine. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApp, type App, type AppOptions } from '../app.ts';
import { AttachError, connectOwner, serveOwner, type Bye, type Owner, type Served } from '../attach/index.ts';
import type { Clock } from '../core/ports.ts';
import { isClosed, runsOf, type World } from '../core/state.ts';
import { cleanLine } from '../core/text.ts';
import { makeDirectory } from '../journal/index.ts';
import { VERSION } from '../core/version.ts';
import { readSettings } from '../settings.ts';

export interface OwnerApp extends App {
  /** How many screens look on from other processes. */
  viewers(): number;
  /** `detached` tells them that a background process follows at once. */
  leave(why: Bye): Promise<void>;
}

/** Takes the lock, opens the loops and the socket. Rejects as openApp does. */
export async function openOwner(options: AppOptions): Promise<OwnerApp> {
  const app = await openApp(options);
  let served: Served | null = null;
  try {
    served = await serveOwner({ dir: options.stateDir, wire: app.wire, owner: { version: VERSION, pid: process.pid, what: options.what }, world: () => app.store.getState(), subscribe: app.subscribe, obey: app.command });
  } catch (error) {
    // The watch matters more than who looks on.
    app.say(`no other process can attach to this one: ${error instanceof Error ? error.message : String(error)}`);
  }
  return {
    ...app,
    viewers: () => served?.viewers() ?? 0,
    async leave(why) {
      await served?.close(why);
      await app.close();
    },
  };
}

/** Shall a background process take over when the terminal goes away? Where nothing runs there is nothing to watch. */
export const watchesOn = (world: World): boolean => readSettings().on_hangup === 'watch' && !runsOf(world).every(isClosed);

/** Gives the loops of this process to a background process. Resolves with who watches from then on; rejects when none came up. */
export async function passOn(app: OwnerApp, to: Background): Promise<Owner> {
  await app.leave('detached');
  return startBackground(to);
}

export interface Background {
  dir: string;
  project: string;
  wire: Clock;
  /** $/h that the whole fleet may burn. */
  budget?: number | undefined;
}

const LOG = 'background.log';
const LOOK_MS = 100;
/** A busy machine starts slowly. */
const START_MS = 30_000;

/**
 * Starts a process of its own session that owns `dir` from then on, and resolves with the owner that answers there: it, or
 * whoever was quicker. Rejects when nobody came up, with what the process said.
 */
export async function startBackground({ dir, project, wire, budget }: Background): Promise<Owner> {
  const args = budget === undefined ? [] : ['--budget', String(budget)];
  const log = join(dir, LOG);
  const fd = openLog(dir, log);
  let ended = false;
  try {
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', 'background', ...args], { cwd: project, detached: true, stdio: ['ignore', 'ignore', fd] });
    child.once('exit', () => (ended = true));
    child.once('error', () => (ended = true));
    child.unref();
  } finally {
    closeSync(fd);
  }
  for (const end = wire.now() + START_MS; wire.now() < end; await wire.sleep(LOOK_MS)) {
    const last = ended;
    const there = await connectOwner({ dir, wire, wants: 'orders' });
    if (there) {
      there.close();
      return there.owner;
    }
    if (last) break;
  }
  const words = readFileSync(log, 'utf8').trim().split('\n').map((line) => cleanLine(line, 300)).slice(-4).join(' ');
  throw new AttachError(`no background process came up${words === '' ? '' : `: ${words}`}. Nobody watches; \`vastsit-tui\` takes it up again.`);
}

function openLog(dir: string, log: string): number {
  try {
    makeDirectory(dir);
    return openSync(log, 'w', 0o600);
  } catch (error) {
    throw new AttachError(`${log} cannot be written (${error instanceof Error && 'code' in error ? String(error.code) : 'no reason given'}): free some space there, or set VASTSIT_HOME to a folder that you own`);
  }
}
