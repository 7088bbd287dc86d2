/** The runner's hands on a box: connect, prepare, start. */
import { dirname, resolve } from 'node:path';
import type { Effect } from '../../core/actions.ts';
import { newestCheckpoint, unsound } from '../../core/checkpoints.ts';
import { renderCommand } from '../../core/knobs.ts';
import { preflightFault, preflightWords } from '../../core/preflight.ts';
import { shellQuote } from '../../core/quote.ts';
import { RemoteError, STILL_ALIVE, type Box } from '../../core/ports.ts';
import type { Spec } from '../../core/spec.ts';
import type { RunState } from '../../core/state.ts';
import { putPatches } from '../brain/patches.ts';
import { instanceOfRun, runOf, type Context } from '../context.ts';
import { PREFLIGHT, readPreflight } from './preflight.ts';

type Of<T extends Effect['do']> = Extract<Effect, { do: T }>;

/** Seconds of the lease that the sentinel holds; renewed at a third of it. */
const LEASE_S = 900;
/** On the program's clock, and (the box counts real seconds) on the box's. */
export const leaseMs = ({ lease_s }: Context): number => (lease_s ?? LEASE_S) * 1_000;
/** It was renewed this moment. */
export function leased(context: Context, run: string): void {
  const now = context.clock.now();
  context.sessions.leases.set(run, now);
  context.facts.record({ type: 'lease.seen', run, until: now + leaseMs(context) });
}

export const leaseSeconds = (context: Context): number => Math.ceil(leaseMs(context) / 1_000 / context.clock.scale);
const SETUP_LIMIT_MS = 45 * 60_000;
const PREFLIGHT_LIMIT_MS = 4 * 60_000;
const TAIL_LINES = 60;
const ENV_FILE = '.vastsit/env.sh';
/** Each command of the run sees the spec's environment; container variables do not reach SSH sessions. */
const WITH_ENV = `if [ -f ${ENV_FILE} ]; then set -a; . ./${ENV_FILE}; set +a; fi`;

export async function connect(context: Context, effect: Of<'connect'>): Promise<void> {
  const run = runOf(context, effect.run);
  const instance = instanceOfRun(context, run);
  try {
    const box = await context.sessions.box(run, instance);
    // A session that was open already says nothing by itself, and a connection would be wanted for ever.
    if (runOf(context, run.id).stage === 'connecting') context.facts.record({ type: 'ssh.up', run: run.id, instance: instance.id, endpoint: box.sshCommand().at(-1) ?? 'ssh' });
  } catch (error) {
    if (error instanceof RemoteError) {
      context.facts.record({ type: 'ssh.down', run: run.id, instance: instance.id, failure: error.failure, reason: error.message });
      if (error.failure === 'auth') await context.market.attachKey(instance.id, await context.remote.publicKey());
    }
    throw error;
  }
}

export async function prepare(context: Context, effect: Of<'prepare'>): Promise<void> {
  try {
    await prepareBox(context, effect);
  } catch (error) {
    // The box is not to blame for what is missing here, and no other one would help: an empty instance must not wait for it.
    if (error instanceof RemoteError) throw error;
    context.facts.record({ type: 'run.ended', run: effect.run, verdict: 'failed', reason: `it cannot be prepared from here: ${error instanceof Error ? error.message : String(error)}` });
  }
}

async function prepareBox(context: Context, effect: Of<'prepare'>): Promise<void> {
  const run = runOf(context, effect.run);
  const instance = instanceOfRun(context, run);
  const box = await context.sessions.box(run, instance);
  if (run.preflight?.instance !== instance.id && !run.ran_here && !(await look(context, run, box))) return;
  const root = dirname(run.spec_path);
  const files = run.spec.upload.map((path) => ({ path: path.replace(/^\.\//, ''), content: { local: resolve(root, path) } }));
  const put = await box.put([...files, { path: ENV_FILE, content: new TextEncoder().encode(envFile(context, run.spec)), secret: true }]);
  await putPatches(box, run);
  const restored = await restore(context, run, box);
  for (const [step, command] of [...(run.spec.setup ? [run.spec.setup] : []), ...run.fixes].entries()) {
    const done = await box.exec(`${WITH_ENV}\n${command}`, { timeout_ms: SETUP_LIMIT_MS });
    if (done.exit_code !== 0) {
      const tail = `${done.stdout}\n${done.stderr}`.split('\n').filter((line) => line.trim() !== '').slice(-TAIL_LINES);
      context.facts.record({ type: 'prepare.failed', run: run.id, instance: instance.id, step: 'setup', exit_code: done.exit_code, tail: tail.length > 0 ? tail : [`setup step ${step + 1} said nothing`] });
      return;
    }
  }
  context.facts.record({ type: 'prepare.done', run: run.id, instance: instance.id, bytes_up: put.bytes + restored.bytes, restored: restored.path });
}

/** The first look: nothing is sent to a box that cannot train. Resolves with whether it can; unknown is no reason against it. */
async function look(context: Context, run: RunState, box: Box): Promise<boolean> {
  const seen = readPreflight((await box.exec(PREFLIGHT, { timeout_ms: PREFLIGHT_LIMIT_MS })).stdout);
  const fault = preflightFault(context.facts.world(), run, seen);
  context.facts.record({ type: 'preflight.done', run: run.id, instance: box.instance, words: preflightWords(seen), fault });
  return fault === null;
}

/** Puts the newest verified checkpoint from home where the resume command will look for it. */
async function restore(context: Context, run: RunState, box: Box): Promise<{ path: string | null; bytes: number }> {
  const globs = run.spec.checkpoints?.resume ? run.spec.checkpoints.path : [];
  const newest = newestCheckpoint(run.home, globs, [...run.bad_checkpoints, ...unsound(run, run.home)]);
  if (!newest) return { path: null, bytes: 0 };
  const files: { path: string; content: { local: string } }[] = [];
  for (const { path, sha256 } of newest.files) {
    const local = context.home.pathFor(run.id, path);
    const fact = await context.home.fact(local);
    if (fact?.sha256 !== sha256) throw new Error(`the checkpoint at ${local} is not the one that was verified; restore it or delete it to start over`);
    files.push({ path, content: { local } });
  }
  const { bytes } = await box.put(files);
  return { path: newest.path, bytes };
}

export async function start(context: Context, effect: Of<'start'>): Promise<void> {
  const run = runOf(context, effect.run);
  const instance = instanceOfRun(context, run);
  const box = await context.sessions.box(run, instance);
  const { checkpoints } = run.spec;
  const there = checkpoints?.resume ? await box.list(checkpoints.path) : [];
  const avoid = [...new Set([...unsound(run, there), ...unsound(run, run.home)])];
  const newest = checkpoints?.resume ? newestCheckpoint(there, checkpoints.path, [...run.bad_checkpoints, ...avoid]) : null;
  const command = newest && checkpoints?.resume ? renderCommand(checkpoints.resume, run.knobs, newest.path) : renderCommand(run.spec.run, run.knobs, null);
  // Connecting and looking took their time: a run that was ended meanwhile must not begin.
  if (runOf(context, run.id).stage !== 'starting') return;
  context.facts.record({ type: 'start.intended', run: run.id, attempt: effect.attempt, instance: instance.id, command, resume_from: newest?.path ?? null, resume_step: newest?.step ?? null, ...(avoid.length > 0 && { avoid }) });
  // What was the user's before is not ours to stop.
  // Stopped keeps what is not home yet; only a cockpit that verified it may destroy.
  const lease = { seconds: leaseSeconds(context), grace_s: Math.ceil(run.spec.teardown.idle_grace / 1_000 / context.clock.scale), then: instance.adopted ? ('nothing' as const) : ('stop' as const) };
  try {
    const { pid } = await box.start({ run: run.id, attempt: effect.attempt, command, lease });
    leased(context, run.id);
    context.facts.record({ type: 'process.started', run: run.id, attempt: effect.attempt, pid });
  } catch (error) {
    if (!(error instanceof RemoteError) || error.failure !== 'command' || (run.backoff['start']?.count ?? 0) < REFUSED_STARTS) throw error;
    const { exit_code = null, stderr = '' } = error.detail;
    if (exit_code === STILL_ALIVE) {
      // Its end was taken for granted, and it lives: two would be one too many.
      for (const { number } of run.attempts.filter((one) => one.instance === instance.id && one.number < effect.attempt)) await box.stopTraining({ run: run.id, attempt: number, grace_s: OLDER_GRACE_S });
      throw error;
    }
    // As programs tell what ended them, so that triage reads it so.
    const tail = [...stderr.split('\n').filter((line) => line.trim() !== ''), `start: error: ${error.message}`].slice(-TAIL_LINES);
    context.facts.record({ type: 'start.failed', run: run.id, attempt: effect.attempt, instance: instance.id, exit_code, tail });
  }
}

/** A box that was reached and says no so often (its disk is full, say) goes on saying it, and bills: that is for the ladder. */
const REFUSED_STARTS = 2;
const OLDER_GRACE_S = 30;

/** `KEY='value'` lines. Secrets are looked up here, at the last moment, and exist nowhere else. */
function envFile(context: Context, spec: Spec): string {
  const lines = Object.entries(spec.env).map(([name, value]) => {
    if (typeof value === 'string') return `${name}=${shellQuote(value)}`;
    const secret = context.secret(value.secret);
    if (secret === undefined) throw new Error(`env.${name} wants the secret ${value.secret}, but the environment here has no such variable; set it and try again`);
    return `${name}=${shellQuote(secret)}`;
  });
  return `${lines.join('\n')}\n`;
}

export async function fix(context: Context, effect: Of<'fix'>): Promise<void> {
  const run = runOf(context, effect.run);
  const box = await context.sessions.box(run, instanceOfRun(context, run));
  await putPatches(box, run);
  const done = await box.exec(`${WITH_ENV}\n${effect.command}`, { timeout_ms: SETUP_LIMIT_MS });
  const tail = `${done.stdout}\n${done.stderr}`.split('\n').filter((line) => line.trim() !== '').slice(-TAIL_LINES);
  context.facts.record({ type: 'fix.applied', run: run.id, command: effect.command, exit_code: done.exit_code, tail });
}
