/**
 * The rehearsal of the dead-man lease: rents a box, starts a trivial command under a short lease, falls silent as a cockpit
 * whose machine has died, and reads back from the market that the billing ended. It is a run like any other: journaled,
 * so that whatever kills it, the next cockpit finds its instance and ends it. It never uses an instance that is there already.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { stringify } from 'yaml';
import { openApp, readSpec, type App } from '../app.ts';
import { rateNow, type Instance } from '../core/market.ts';
import { queryOf, rankOffers, wideQueryOf } from '../core/offers.ts';
import type { Clock, Market } from '../core/ports.ts';
import { reduce } from '../core/reduce.ts';
import type { Spec } from '../core/spec.ts';
import { emptyWorld, isClosed, runsOf, type RunState } from '../core/state.ts';
import { runCost } from '../core/ledger.ts';
import { RefusedError } from '../headless/errors.ts';
import { EXIT, json, type ExitCode, type Io } from '../headless/io.ts';
import { onInterrupt } from '../interrupts.ts';
import { readJournal } from '../journal/index.ts';
import { readSettings } from '../settings.ts';
import { createVastMarket, findApiKey } from '../vast/index.ts';
import { createClock } from '../clock.ts';

/**
 * Seconds on the box: of the command, of the lease, and of the grace after it; and how late the end may be: the sentinel
 * looks every ten seconds and tries again when refused, then the market needs a moment.
 */
const TIMES = { command_s: 20, lease_s: 45, grace_s: 15, late_s: 180 };
const LOOK_MS = 5_000;
/** Minutes that the whole rehearsal bills, with a slow image: for the question, and as a kill criterion. */
const MINUTES = 15;

export interface RehearseOptions {
  env: NodeJS.ProcessEnv;
  dir: string;
  wire: Clock;
  specPath: string;
  yes: boolean;
  json: boolean;
  /** For the embedded market, in tests. */
  scale?: number;
  times?: typeof TIMES;
  /** The person's answer; asked on the terminal unless given. */
  ask?: (question: string) => Promise<boolean>;
}

/** Resolves with 0 when the billing ended by itself, 1 when it did not; either way the box is destroyed and read back. */
export async function rehearse(io: Io, options: RehearseOptions): Promise<ExitCode> {
  const { env, dir, wire, scale = 1, times = TIMES } = options;
  const { lease_s, grace_s } = times;
  const limit_s = lease_s + grace_s + times.late_s;
  const spec = await readSpec(options.specPath);
  const open = runsOf(readJournal(dir).reduce(reduce, emptyWorld(wire.now()))).filter((run) => !isClosed(run));
  if (open.length > 0) throw new RefusedError(`${open.map(({ id }) => id).join(', ')} ${open.length === 1 ? 'is' : 'are'} open here, and a rehearsal falls silent for minutes: end ${open.length === 1 ? 'it' : 'them'} first, or set VASTSIT_HOME to another folder`);
  const url = env['VAST_URL'] ?? readSettings({ env }).api_url;
  const key = await findApiKey({ env, home: env['HOME'] ?? homedir() });
  const clock = createClock(scale);
  const market = createVastMarket({ url, apiKey: key?.key ?? null, clock, wire });
  const price = await cheapest(market, spec, clock.now());
  if (price === null) return io.talk('no offer fits the spec now; `vastsit-tui offers` says why'), EXIT.no_offer;
  const question = `Rent one for about five minutes at $${price.toFixed(3)}/h (at most $${((price * MINUTES) / 60).toFixed(2)}), fall silent, and see its billing end?`;
  if (!options.yes && !(await (options.ask ?? askHere)(question))) throw new RefusedError('nothing was rented; --yes says yes without a question');

  const project = await mkdtemp(join(tmpdir(), 'vastsit-rehearsal-'));
  const { signal, release } = onInterrupt();
  const start = (): Promise<App> => openApp({ env, project, stateDir: dir, scale, brain: false, lease_s: lease_s * scale, what: 'a rehearsal of the lease' });
  try {
    await writeFile(join(project, 'rehearsal.yaml'), stringify(rehearsalOf(spec, scale, times)));
    const first = await start();
    let id = '';
    let began: RunState | null = null;
    try {
      id = await first.submit('rehearsal.yaml');
      io.talk('renting, and starting a command of a few seconds under the sentinel');
      began = await until(first, signal, id, (run) => run.verdict !== null || run.attempts.some((attempt) => attempt.started_at !== null));
    } finally {
      await first.close();
    }
    const started = began?.verdict === null && began.instance !== null ? began.instance : null;
    const silent = wire.now();
    if (started !== null) io.talk(`instance ${started} runs; silent from now: its lease of ${lease_s} s and ${grace_s} s of grace run out by themselves`);
    const ended = started === null ? null : await ending(market, started, wire, limit_s, signal, (words) => io.talk(words));
    const seconds = ended === null ? null : Math.round((wire.now() - silent) / 1_000);
    const usd = await finish(await start(), id, io);
    const reason = began === null ? 'interrupted before it began' : started === null ? `it never started: ${began.verdict_reason ?? 'unknown'}` : ended === null ? `its billing did not end within ${limit_s} s; the log is .vastsit/sentinel.log of the box` : null;
    if (options.json) json(io, { type: 'rehearsal', ok: reason === null, instance: started, lease_s, grace_s, ended_after_s: seconds, usd_per_hour_then: ended, usd, reason });
    else if (reason === null) io.out(`the lease holds: ${seconds} s after the last renewal instance ${started} was stopped by its own key ($${ended?.toFixed(3)}/h left, its disk); destroyed and read back. It cost $${usd.toFixed(3)}`);
    else io.talk(`the lease is not proven: ${reason}`);
    return reason === null ? EXIT.ok : signal.aborted ? EXIT.interrupted : EXIT.run_failed;
  } finally {
    release();
    await rm(project, { recursive: true, force: true });
  }
}

/** All-in $/h of the best offer for the spec; null when none fits. */
async function cheapest(market: Market, spec: Spec, now: number): Promise<number | null> {
  for (const query of [queryOf(spec), wideQueryOf(spec)]) {
    const [best] = rankOffers(spec, await market.searchOffers(query), {}, now).offers;
    if (best) return best.all_in_usd_per_hour;
  }
  return null;
}

/** The spec's hardware and image, and nothing else of it: no upload, no secret, no command of the user's. */
function rehearsalOf(spec: Spec, scale: number, { command_s, grace_s }: typeof TIMES): Record<string, unknown> {
  const seconds = (real: number): string => `${real * scale}s`;
  return {
    name: 'rehearsal', image: spec.image, hardware: spec.hardware, run: `sleep ${command_s}`,
    kill: { hours: (MINUTES * scale) / 60, dollars: 1 * scale }, teardown: { idle_grace: seconds(grace_s) },
  };
}

/** The run once it `holds`, or null when the user interrupts. */
function until(app: App, signal: AbortSignal, id: string, holds: (run: RunState) => boolean): Promise<RunState | null> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const run = app.store.getState().runs[id];
      if (!run || !holds(run)) return;
      deaf();
      resolve(run);
    };
    const deaf = app.subscribe(look);
    signal.addEventListener('abort', () => resolve(null));
    if (signal.aborted) resolve(null);
    app.running.catch(reject);
    look();
  });
}

/** $/h that the instance bills once its GPU does not any more; null when that never came. Reading it renews nothing. */
async function ending(market: Market, id: number, wire: Clock, limit_s: number, signal: AbortSignal, say: (words: string) => void): Promise<number | null> {
  const deadline = wire.now() + limit_s * 1_000;
  let last = '';
  while (wire.now() < deadline && !signal.aborted) {
    const seen = await market.list().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
    const one: Instance | undefined | string = typeof seen === 'string' ? seen : seen.find((each) => each.id === id);
    const words = typeof one === 'string' ? one : one === undefined ? 'not listed' : `${one.actual_status ?? 'provisioning'}, $${rateNow(one).toFixed(3)}/h`;
    if (words !== last) say(`the market says of it: ${words}`);
    last = words;
    if (typeof one === 'object' && one.actual_status !== 'running' && one.intended_status === 'stopped') return rateNow(one);
    if (one === undefined && (await market.show(id).catch(() => false)) === null) return 0;
    await wire.sleep(LOOK_MS, signal);
  }
  return null;
}

/** Orders the destroy before anything else is decided, and waits until two reads say gone. Resolves with what it all cost. */
async function finish(app: App, id: string, io: Io): Promise<number> {
  try {
    if (!app.store.getState().runs[id]) return 0;
    await app.command({ do: 'destroy', run: id, waive: true });
    io.talk('destroying it, and reading back that it is gone');
    const run = await until(app, new AbortController().signal, id, isClosed);
    return run === null ? 0 : runCost(app.store.getState(), run).usd;
  } finally {
    await app.close();
  }
}

async function askHere(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
