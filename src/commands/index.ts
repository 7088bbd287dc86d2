/** Glue between the command line and the rooms: who owns the state, what is read, what is handed over. */
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readLaunch, readSpec, type App } from '../app.ts';
import { AttachError, connectOwner } from '../attach/index.ts';
import { createClock } from '../clock.ts';
import type { Command } from '../core/commands.ts';
import { createRedactor } from '../core/redact.ts';
import { reduce, tick } from '../core/reduce.ts';
import { secretNames } from '../core/spec.ts';
import { emptyWorld, type RunState, type World } from '../core/state.ts';
import { MarketError } from '../core/ports.ts';
import { cleanLine } from '../core/text.ts';
import { drive } from '../headless/drive.ts';
import { findings } from './doctor.ts';
import { doctorCommand } from '../headless/doctor.ts';
import { RefusedError, UsageError } from '../headless/errors.ts';
import { SPEC_TEMPLATE } from '../headless/init.ts';
import { EXIT, json, type ExitCode, type Io } from '../headless/io.ts';
import { printJournal } from '../headless/journal.ts';
import { offersCommand } from '../headless/offers.ts';
import { printReport } from '../headless/report.ts';
import { printCost, printStatus } from '../headless/status.ts';
import { triageCommand } from '../headless/triage.ts';
import { isLocked, readHistory, readJournal } from '../journal/index.ts';
import { onInterrupt } from '../interrupts.ts';
import { openOwner, passOn, startBackground, watchesOn, type OwnerApp } from '../owner/index.ts';
import { createRemote } from '../remote/index.ts';
import { realMarket } from './real-market.ts';
import { stateDir } from '../settings.ts';

const wire = createClock(1);
/** Real ms between two looks at something that comes by itself. */
const LOOK_MS = 100;
const env = process.env;
const dir = (): string => stateDir(env);

/** The world as the journal has it; never takes the lock, never writes. */
async function readWorld(): Promise<World> {
  const { base, events } = readHistory(dir());
  return events.reduce(reduce, base ?? emptyWorld(wire.now()));
}

/** The journal's world with one fresh list on top; `stale` says why it isn't fresh. */
async function freshWorld(): Promise<{ world: World; stale: string | null }> {
  const world = await readWorld();
  const { market } = await realMarket(env, wire);
  const at = wire.now();
  try {
    const instances = await market.list();
    const account = await market.account();
    const events = [
      { type: 'fleet.fresh' as const, instances, v: 1, seq: world.seq, at },
      { type: 'account.seen' as const, credit_usd: account.credit, email: account.email, v: 1, seq: world.seq, at },
    ];
    return { world: tick(events.reduce(reduce, world), at), stale: null };
  } catch (error) {
    return { world: tick(world, at), stale: `the market was not reached, this is the journal's last word: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function runIn(world: World, id: string): RunState {
  const run = world.runs[id];
  if (!run) throw new UsageError(`there is no run ${cleanLine(id, 60)}; \`vastsit-tui status\` lists them`);
  return run;
}

/** Opens the loops here and drives the runs to their end; a terminal that closes meanwhile does not end the watch. */
async function driveHere(io: Io, asJson: boolean, what: string, begin: (app: App) => Promise<string[]>, budget?: number): Promise<ExitCode> {
  const { signal, hungUp, release } = onInterrupt();
  let app: OwnerApp | null = null;
  try {
    const opened = await openOwner({ env, project: process.cwd(), stateDir: dir(), what, budget });
    app = opened;
    return await drive({ ...opened, world: () => opened.store.getState() }, io, { json: asJson, begin: () => begin(opened), signal });
  } finally {
    if (app && hungUp() && watchesOn(app.store.getState())) await passOn(app, { dir: dir(), project: process.cwd(), wire, budget });
    else await app?.leave('closed');
    release();
  }
}

export async function launch(io: Io, specs: readonly string[], asJson: boolean, budget?: number, detach = false): Promise<ExitCode> {
  // All of them are checked before the first one costs anything.
  for (const spec of specs) await readLaunch(resolve(spec), env);
  if (!isLocked(dir(), wire.now())) {
    // A launch that cannot begin leaves no run behind: the next command would pick it up and rent for it.
    await (await realMarket(env, wire)).market.account();
    if (detach) {
      const { what, pid } = await startBackground({ dir: dir(), project: process.cwd(), wire, budget });
      io.talk(`${what} (process ${pid}) watches; \`vastsit-tui\` shows it`);
      return handOverAll(io, specs, asJson);
    }
    return driveHere(io, asJson, 'vastsit-tui launch', async (app) => {
      const runs: string[] = [];
      for (const spec of specs) runs.push(await app.submit(spec));
      return runs;
    }, budget);
  }
  if (budget !== undefined) throw new UsageError('--budget is set where the cockpit that owns the state directory was started; end it, or launch without');
  return handOverAll(io, specs, asJson);
}

async function handOverAll(io: Io, specs: readonly string[], asJson: boolean): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  for (const spec of specs) code = (await handOver(io, { do: 'launch', spec_path: resolve(spec) }, asJson)) || code;
  return code;
}

/** A run of this spec on an instance that nobody rented for it. */
export async function adopt(io: Io, instance: number, spec: string, asJson: boolean): Promise<ExitCode> {
  await readLaunch(resolve(spec), env);
  if (isLocked(dir(), wire.now())) return handOver(io, { do: 'adopt', instance, spec_path: resolve(spec) }, asJson);
  return driveHere(io, asJson, 'vastsit-tui adopt', async (app) => {
    // Which instances there are is known only once the market has been read.
    const market = () => app.store.getState().market;
    while (market().health === 'unknown') await wire.sleep(LOOK_MS);
    if (market().list_at === null) throw new MarketError('unavailable', market().reason ?? 'the market did not answer');
    return [await app.submit(spec, { adopt: instance })];
  });
}

/** An order to the process that owns the runs. */
async function handOver(io: Io, command: Command, asJson: boolean): Promise<ExitCode> {
  const owner = await connectOwner({ dir: dir(), wire, wants: 'orders' });
  if (owner === null) throw new AttachError('the process that owns the state directory does not listen; is it starting, or of an older version? Try again in a moment');
  const answer = await owner.order(command).finally(() => owner.close());
  if (asJson) json(io, { type: 'answer', ...answer });
  else if (answer.ok) io.out(answer.said);
  else io.talk(answer.why);
  return answer.ok ? EXIT.ok : EXIT.refused;
}

export async function order(io: Io, command: Extract<Command, { run: string }>, asJson: boolean): Promise<ExitCode> {
  runIn(await readWorld(), command.run);
  if (isLocked(dir(), wire.now())) return handOver(io, command, asJson);
  const code = await driveHere(io, asJson, `vastsit-tui ${command.do}`, async (app) => {
    const answer = await app.command(command);
    if (!answer.ok) throw new RefusedError(answer.why);
    if (!asJson) io.talk(answer.said);
    return [command.run];
  });
  return command.do === 'destroy' && code === EXIT.run_failed ? EXIT.ok : code;
}

export async function watch(io: Io, runs: readonly string[], asJson: boolean): Promise<ExitCode> {
  const world = await readWorld();
  for (const run of runs) runIn(world, run);
  if (Object.keys(world.runs).length === 0) throw new UsageError('there is no run to watch; `vastsit-tui launch experiment.yaml` starts one');
  return driveHere(io, asJson, 'vastsit-tui watch', async () => [...runs]);
}

export async function status(io: Io, asJson: boolean): Promise<ExitCode> {
  const { world, stale } = await freshWorld();
  printStatus(io, world, wire.now(), asJson, stale);
  return Object.values(world.runs).some((run) => run.stage !== 'closed') ? EXIT.pending : EXIT.ok;
}

export async function cost(io: Io, asJson: boolean): Promise<ExitCode> {
  printCost(io, await readWorld(), wire.now(), asJson);
  return EXIT.ok;
}

export async function report(io: Io, id: string, asJson: boolean): Promise<ExitCode> {
  const world = await readWorld();
  printReport(io, world, runIn(world, id), wire.now(), asJson);
  return EXIT.ok;
}

export async function journal(io: Io, id: string | undefined, asJson: boolean): Promise<ExitCode> {
  if (id !== undefined) runIn(await readWorld(), id);
  printJournal(io, readJournal(dir()), id ?? null, asJson);
  return EXIT.ok;
}

export async function offers(io: Io, path: string, asJson: boolean): Promise<ExitCode> {
  const spec = await readSpec(resolve(path));
  const { market } = await realMarket(env, wire);
  return offersCommand(io, market, spec, await readWorld(), wire.now(), asJson);
}

export async function init(io: Io, file: string): Promise<ExitCode> {
  try {
    await writeFile(file, SPEC_TEMPLATE, { flag: 'wx' });
  } catch (error) {
    throw new UsageError((error as NodeJS.ErrnoException).code === 'EEXIST' ? `${file} is there already; name another file` : `${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
  io.out(`${file} written: edit it, then \`vastsit-tui offers ${file}\` and \`vastsit-tui launch ${file}\``);
  return EXIT.ok;
}

export async function logs(io: Io, id: string, lines: number, asJson: boolean): Promise<ExitCode> {
  const world = await readWorld();
  const run = runIn(world, id);
  const attempt = run.attempts.at(-1)?.number ?? 1;
  const file = `.vastsit/log.${attempt}`;
  const text = (await logAtHome(run.id, file)) ?? (await logOnBox(world, run, file, lines));
  // The training may have told its secrets; this screen does not.
  const redact = createRedactor(secretNames(run.spec).flatMap((name) => env[name] ?? []));
  const tail = text.split('\n').filter((line) => line !== '').slice(-lines).map((line) => redact(cleanLine(line)));
  if (asJson) json(io, { type: 'logs', run: id, attempt, lines: tail });
  else for (const line of tail) io.out(line);
  return EXIT.ok;
}

const logAtHome = (run: string, file: string): Promise<string | null> => readFile(join(process.cwd(), 'results', run, file), 'utf8').catch(() => null);

async function logOnBox(world: World, run: RunState, file: string, lines: number): Promise<string> {
  const instance = run.instance === null ? undefined : world.fleet[String(run.instance)];
  if (!instance) throw new UsageError(`${run.id} has no instance, and its log is not in results/ here; run this in the project's folder`);
  const { facts } = instance;
  const remote = createRemote({ dir: dir(), wire });
  try {
    const endpoints = [
      ...(facts.public_ipaddr && facts.direct_ssh_port ? [{ host: facts.public_ipaddr, port: facts.direct_ssh_port, via: 'direct' as const }] : []),
      ...(facts.ssh_host && facts.ssh_port ? [{ host: facts.ssh_host, port: facts.ssh_port, via: 'proxy' as const }] : []),
    ];
    const box = await remote.connect({ instance: instance.id, endpoints, user: 'root' }, run.id);
    return (await box.exec(`tail -n ${Math.floor(lines)} ${file}`, { timeout_ms: 20_000 })).stdout;
  } finally {
    await remote.closeAll();
  }
}

export async function triage(io: Io, file: string, options: { json?: boolean; jsonl?: boolean; llm?: boolean }): Promise<ExitCode> {
  const model = options.llm === true ? (await import('./brain.ts')).modelReading(io, env) : null;
  const code = await triageCommand({ stdin: process.stdin, readFile, out: io.out, ...(model && { model }) }, { ...options, ...(file !== '-' && { file }) });
  return code === 0 ? EXIT.ok : EXIT.usage;
}

export async function ask(io: Io, id: string, question: string, asJson: boolean): Promise<ExitCode> {
  const world = await readWorld();
  const run = runIn(world, id);
  const remote = createRemote({ dir: dir(), wire });
  try {
    return await (await import('./brain.ts')).ask(io, { env, world, run, remote, question, asJson });
  } finally {
    await remote.closeAll();
  }
}

export async function doctor(io: Io, options: { json?: boolean; rehearse?: string; yes?: boolean }): Promise<ExitCode> {
  const asJson = options.json === true;
  if (options.rehearse !== undefined) return (await import('./rehearse.ts')).rehearse(io, { env, dir: dir(), wire, specPath: resolve(options.rehearse), yes: options.yes === true, json: asJson });
  return doctorCommand(io, await findings({ env, dir: dir(), project: process.cwd(), wire }), asJson);
}
