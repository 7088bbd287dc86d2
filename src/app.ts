/**
 * The one composition root: builds clock, journal, store, ports and agents, and nothing else constructs them.
 * The same program runs against Vast and against the embedded market; only the address and the key differ.
 */
import { access, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { llmKeyOf, openBrain } from './brain.ts';
import { limitsOf } from './agents/brain/agent-files.ts';
import { createEngine, type Engine } from './agents/engine.ts';
import { createClock } from './clock.ts';
import { adoptMisfit } from './core/adopt.ts';
import type { Command, CommandAnswer } from './core/commands.ts';
import { isIntent, isVolatile, type Body, type Event } from './core/events.ts';
import type { Clock, Facts, Market } from './core/ports.ts';
import { createRedactor } from './core/redact.ts';
import { reduce, tick } from './core/reduce.ts';
import { parseSpec, secretNames, SpecError, specWarnings, type Spec } from './core/spec.ts';
import { emptyWorld, type World } from './core/state.ts';
import { RefusedError } from './headless/errors.ts';
import { createHome } from './home.ts';
import { compactJournal, JournalError, openJournal, statusMarkdown, takeLock, writeStatus, type Journal, type Lock } from './journal/index.ts';
import { createRemote } from './remote/index.ts';
import { lose, mustOwn, type Ownership } from './owner/ownership.ts';
import { keyFile, readSettings } from './settings.ts';
import { createWorldStore, type WorldStore } from './store.ts';
import { createVastMarket, findApiKey } from './vast/index.ts';
import { VERSION } from './core/version.ts';

/** Real ms between two writes of STATUS.md. */
const STATUS_EVERY_MS = 1_000;

export interface AppOptions {
  env: NodeJS.ProcessEnv;
  /** The user's project: STATUS.md and results/ live here. */
  project: string;
  stateDir: string;
  /** 1 in production. */
  scale?: number;
  url?: string;
  apiKey?: string;
  /** false: the rules do the whole job, whatever keys the environment holds. */
  brain?: boolean;
  /** $/h that the whole fleet may burn; undefined takes VASTSIT_FLEET_USD_PER_HOUR, else there is no limit. */
  budget?: number | undefined;
  /** Seconds of the sentinel's lease; 900 unless said. */
  lease_s?: number;
  /** Who takes the lock, for the message that others get. */
  what: string;
}

export interface App {
  store: WorldStore;
  clock: Clock;
  wire: Clock;
  market: Market;
  /** Resolves when the loop was stopped; rejects when the program cannot go on (a journal that can't be written). */
  running: Promise<void>;
  /** Submits a spec file: for the first offer that fits or the one that was chosen, or for an instance to `adopt`. Returns the run's id. Throws SpecError with the field at fault, or RefusedError. */
  submit(specPath: string, where?: { adopt?: number | undefined; offer?: number | undefined }): Promise<string>;
  command: (command: Command) => Promise<CommandAnswer>;
  /** A line of the program's own in the reasoning log. */
  say(text: string): void;
  /** Every event from now on, in order. */
  subscribe: (listener: (events: readonly Event[]) => void) => () => void;
  close(): Promise<void>;
}

export async function openApp(options: AppOptions): Promise<App> {
  const wire = createClock(1);
  const ownership: Ownership = { lost: false, onLost: () => undefined };
  const lock = await takeLock({ dir: options.stateDir, wire, owner: { pid: process.pid, what: options.what }, onLost: () => lose(ownership) });
  try {
    return await openLoops(options, lock, ownership, wire);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openLoops(options: AppOptions, lock: Lock, ownership: Ownership, wire: Clock): Promise<App> {
  const budget = options.budget ?? fleetBudget(options.env);
  const clock = createClock(options.scale ?? 1);
  const found = options.apiKey === undefined ? await findApiKey({ env: options.env, home: options.env['HOME'] ?? homedir(), own: keyFile(options.env) }) : null;
  const apiKey = options.apiKey ?? found?.key ?? null;
  let engine: Engine | null = null;
  ownership.onLost = () => void engine?.stop();

  const secrets = new Set<string>(apiKey === null ? [] : [apiKey]);
  const llmKey = llmKeyOf(options.env);
  if (llmKey !== null) secrets.add(llmKey);
  let redact = createRedactor([...secrets]);
  const guardSecrets = (spec: Spec): void => {
    for (const name of secretNames(spec)) {
      const value = options.env[name];
      if (value) secrets.add(value);
    }
    redact = createRedactor([...secrets]);
  };

  const closing = new AbortController();
  const brain =
    options.brain === false
      ? null
      : await openBrain({ env: options.env, project: options.project, redact: (text) => redact(text), closing: closing.signal });
  compactJournal(options.stateDir);
  const journal = await openJournal({ dir: options.stateDir, clock, wire, redact: (text) => redact(text) });
  const listeners = new Set<(events: readonly Event[]) => void>();
  const store = createWorldStore(clock.now());
  let past = journal.base ?? emptyWorld(clock.now());
  for (const event of journal.replay()) past = reduce(past, event);
  for (const run of Object.values(past.runs)) guardSecrets(run.spec);
  store.setState(past, true);

  const facts: Facts = {
    world: () => store.getState(),
    record(...bodies: Body[]) {
      if (!bodies.every(isVolatile)) mustOwn(ownership, lock, wire.now());
      // The journal gives back what a replay will read: redacted before anyone reads it, not only before it is written.
      const events = journal.append(bodies, { sync: bodies.some(isIntent) });
      store.setState(tick(events.reduce(reduce, store.getState()), clock.now()), true);
      for (const listener of listeners) listener(events);
      engine?.wake();
      putAway(journal);
    },
  };

  const market = createVastMarket({ url: options.url ?? options.env['VAST_URL'] ?? readSettings({ env: options.env }).api_url, apiKey, clock, wire });
  const remote = createRemote({ dir: options.stateDir, wire, owner: past.seq + 1 });
  const home = createHome({ root: join(options.project, 'results') });
  engine = createEngine({ clock, wire, facts, market, remote, home, secret: (name) => options.env[name], brain, ...(options.lease_s !== undefined && { lease_s: options.lease_s }) });
  const status = keepStatus(join(options.project, 'STATUS.md'), store, wire, clock);

  const first: Body[] = [{ type: 'session.started', version: VERSION, pid: process.pid, brain: brain && { model: brain.model.name, limits: limitsOf(brain.agent, clock.scale) } }];
  if (brain === null && options.brain !== false) first.push({ type: 'said', actor: 'program', run: null, level: 'info', text: 'no language model is configured (OPENAI_API_KEY): the rules do the whole job' });
  if (budget !== store.getState().budget_usd_per_hour) first.push({ type: 'budget.set', usd_per_hour: budget });
  for (const text of journal.remarks) first.push({ type: 'said', actor: 'program', run: null, level: 'alert', text });
  try {
    facts.record(...first);
  } catch (error) {
    await journal.close().catch(() => undefined);
    throw error;
  }
  const running = engine.run();
  running.catch(() => undefined); // awaited by the caller; a rejection before that is not lost

  const submit: App['submit'] = async (specPath, { adopt, offer } = {}) => {
    const path = resolve(options.project, specPath);
    const spec = await readLaunch(path, options.env);
    const misfit = adopt === undefined ? null : adoptMisfit(store.getState(), adopt, spec);
    if (misfit !== null) throw new RefusedError(misfit);
    guardSecrets(spec);
    const run = freeId(spec.name, store.getState());
    facts.record({ type: 'run.submitted', run, spec, spec_path: path, warnings: specWarnings(spec), ...(adopt !== undefined && { adopt }), ...(offer !== undefined && { offer }) });
    return run;
  };

  return {
    store,
    clock,
    wire,
    market,
    running,
    submit,
    say: (text) => facts.record({ type: 'said', actor: 'program', run: null, level: 'alert', text }),
    async command(command) {
      if (command.do !== 'launch' && command.do !== 'adopt') return engine.command(command);
      try {
        const run = await submit(command.spec_path, command.do === 'adopt' ? { adopt: command.instance } : { offer: command.offer });
        return { ok: true, said: command.do === 'adopt' ? `${run} is put on instance ${command.instance}` : `${run} is launched${command.offer === undefined ? '' : ` on offer ${command.offer}, if it can be had`}` };
      } catch (error) {
        return { ok: false, why: error instanceof Error ? error.message : String(error) };
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      closing.abort();
      await engine.stop();
      await running.catch(() => undefined);
      try {
        facts.record({ type: 'session.ended', reason: 'closed' });
      } catch {
        // The loops have told already that nothing can be written, or whose the directory is now.
      }
      if (!ownership.lost) await status.flush();
      await journal.close().finally(() => lock.release());
    },
  };
}

/** A journal that cannot be compacted now only grows; what must be written and cannot be is told by whoever writes it. */
function putAway(journal: Journal): void {
  try {
    journal.compact();
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
  }
}

/** Reads a spec that is about to cost something: what it uploads must be there, and so must its secrets. Throws SpecError. */
export async function readLaunch(path: string, env: NodeJS.ProcessEnv): Promise<Spec> {
  const spec = await readSpec(path);
  const unset = secretNames(spec).filter((name) => !env[name]).map((name) => ({ field: 'env', expected: `the environment variable ${name} to be set here: the spec sends it as a secret` }));
  const missing = await Promise.all(spec.upload.map(async (file, index) => ((await exists(resolve(dirname(path), file))) ? [] : [{ field: `upload.${index}`, expected: `expected ${file} to be a file or folder beside the spec` }])));
  const problems = [...missing.flat(), ...unset];
  if (problems.length > 0) throw new SpecError(problems);
  return spec;
}

/** Reads and checks a spec file. A file that is not there or not YAML is a SpecError too: one kind of answer for bad input. */
export async function readSpec(path: string): Promise<Spec> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    throw new SpecError([{ field: path, expected: 'expected a readable spec file; `vastsit-tui init` writes a commented one' }]);
  }
  let parsed: unknown;
  try {
    parsed = parse(text);
  } catch (error) {
    throw new SpecError([{ field: '(the file)', expected: `expected valid YAML: ${error instanceof Error ? error.message.split('\n')[0] : 'cannot be parsed'}` }]);
  }
  return parseSpec(parsed);
}

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

/** The spec's name, or the next free `name-2`, `name-3`: ids are never used twice in a journal. */
function freeId(name: string, world: World): string {
  for (let n = 1; ; n += 1) {
    const id = n === 1 ? name : `${name}-${n}`;
    if (!(id in world.runs)) return id;
  }
}

/** VASTSIT_FLEET_USD_PER_HOUR as a number; null when it is not set. A value that is no price is an error: a typo must not lift the limit. */
function fleetBudget(env: NodeJS.ProcessEnv): number | null {
  const text = env['VASTSIT_FLEET_USD_PER_HOUR'];
  if (!text) return null;
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new SpecError([{ field: 'VASTSIT_FLEET_USD_PER_HOUR', expected: 'a price in dollars per hour such as 2.50' }]);
  return value;
}

function keepStatus(path: string, store: WorldStore, wire: Clock, clock: Clock): { flush(): Promise<void> } {
  let cancel: (() => void) | null = null;
  let last = '';
  let writing = Promise.resolve();
  const write = (): void => {
    cancel = null;
    const block = statusMarkdown(store.getState(), clock.now());
    if (block === last) return;
    last = block;
    // A project that cannot be written must not stop the watch; the journal has it all.
    writing = writing.then(() => writeStatus(path, block)).catch(() => undefined);
  };
  const unsubscribe = store.subscribe((now, before) => {
    if (now.runs !== before.runs) cancel ??= wire.after(STATUS_EVERY_MS, write);
  });
  return {
    async flush() {
      unsubscribe();
      cancel?.();
      write();
      await writing;
    },
  };
}
