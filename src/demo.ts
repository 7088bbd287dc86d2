/** The demo: the production program against the embedded market, with the clock and the prices running faster. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openApp, type App } from './app.ts';
import { createClock } from './clock.ts';
import { needTerminal, showCockpit } from './commands/cockpit.ts';
import { drive } from './headless/drive.ts';
import { UsageError } from './headless/errors.ts';
import { EXIT, type ExitCode, type Io } from './headless/io.ts';
import { onInterrupt } from './interrupts.ts';
import { DEMOS, prepareDemo, startSim, type Sim } from './sim/index.ts';
import { runCost } from './core/ledger.ts';
import { plainEnv } from './remote/ssh.ts';

/** Unlike a real evening, nothing goes on without the cockpit. */
const FAREWELL = 'The demo has ended with its market: nothing of it runs or bills. For the real thing: vastsit-tui init';

export async function demoCommand(io: Io, options: { json?: boolean; scale: number; scenario?: string; theme?: string }): Promise<ExitCode> {
  const scenario = DEMOS.find((name) => name === (options.scenario ?? 'demo'));
  if (scenario === undefined) throw new UsageError(`there is no demo ${JSON.stringify(options.scenario)}; there are ${DEMOS.join(', ')}`);
  if (!options.json) needTerminal();
  needSsh();
  const { signal, release } = onInterrupt();
  const root = await mkdtemp(join(tmpdir(), 'vastsit-'));
  let sim: Sim | null = null;
  let app: App | null = null;
  try {
    const project = join(root, 'project');
    const specs = await prepareDemo(project, scenario);
    const market = await startSim({ scenario, clock: createClock(options.scale), dir: join(root, 'market') });
    sim = market;
    const opened = await openApp({ env: process.env, project, stateDir: join(root, 'state'), scale: options.scale, url: sim.url, apiKey: sim.apiKey, brain: false, what: 'the demo' });
    app = opened;
    const begin = async (): Promise<string[]> => {
      const runs: string[] = [];
      for (const spec of specs) runs.push(await opened.submit(spec));
      return runs;
    };
    if (options.json) return await drive({ ...opened, world: () => opened.store.getState() }, io, { json: true, begin, verify: async () => stillBilling(market), signal });
    await begin();
    if (signal.aborted) return EXIT.interrupted;
    return await showCockpit({ store: opened.store, dispatch: opened.command }, { dir: join(root, 'state'), project, market: () => Promise.resolve(opened.market), clock: opened.wire, worldNow: () => opened.clock.now(), title: `demo ×${options.scale}`, theme: options.theme, finished: finished(opened, market), farewell: FAREWELL, pace: options.scale, ends: true });
  } finally {
    await app?.close();
    await sim?.close();
    await rm(root, { recursive: true, force: true });
    release();
  }
}

/** Asked of the market itself, not of our own books. */
function stillBilling(sim: Sim): string | null {
  const left = sim.bill().filter((row) => !row.gone && row.label?.startsWith('vastsit:'));
  return left.length === 0 ? null : `still billing: ${left.map((row) => `instance ${row.instance} (${row.label})`).join(', ')}`;
}

/** Resolves with the demo's last word once every run is closed. */
function finished(app: App, sim: Sim): Promise<string> {
  return new Promise((resolve) => {
    const look = (): void => {
      const world = app.store.getState();
      const runs = Object.values(world.runs);
      if (!runs.every((run) => run.stage === 'closed')) return;
      stop();
      const done = runs.filter((run) => run.verdict === 'done').length;
      const usd = runs.reduce((total, run) => total + runCost(world, run).usd, 0);
      resolve(`${done} of ${runs.length} runs done for $${usd.toFixed(2)}, results home and verified; ${stillBilling(sim) ?? 'nothing of ours bills'}. q quits`);
    };
    const stop = app.subscribe(look);
  });
}

function needSsh(): void {
  if (spawnSync('ssh', ['-V'], { env: plainEnv() }).error !== undefined) throw new UsageError('the demo talks to its boxes by SSH, and there is no `ssh` here: install the OpenSSH client (Debian: apt install openssh-client)');
}

export async function simCommand(io: Io, options: { port: number; scenario?: string; scale: number }): Promise<ExitCode> {
  const { signal, release } = onInterrupt();
  const dir = await mkdtemp(join(tmpdir(), 'vastsit-market-'));
  let sim: Sim | null = null;
  try {
    sim = await startSim({ clock: createClock(options.scale), dir, port: options.port, ...(options.scenario !== undefined && { scenario: options.scenario }) });
    io.out(JSON.stringify({ url: sim.url, api_key: sim.apiKey }));
    if (!signal.aborted) await once(signal, 'abort');
    return EXIT.ok;
  } finally {
    await sim?.close();
    await rm(dir, { recursive: true, force: true });
    release();
  }
}
