/** One open connection to one instance, bound to one run's directory. */
import { randomBytes } from 'node:crypto';
import { RemoteError, type Box, type ExecResult, type SshTarget, type StartOrder } from '../core/ports.ts';
import { call } from './channel.ts';
import { follow, type Sessions } from './follow.ts';
import { isWhole, parseProbe } from './parse-probe.ts';
import { probeScript } from './probe-script.ts';
import { runDirectory, shellQuote } from '../core/quote.ts';
import { FENCED, SENTINEL } from './sentinel.ts';
import { sshCommand, type Endpoint, type Link } from './ssh.ts';
import { failed, fetchFile, list, put } from './transfer.ts';

const SENTINEL_MS = 30_000;
const PROBE_MS = 45_000;
/** A py-spy for each of eight ranks, and the abort. */
const STACKS_MS = 180_000;

export interface BoxParts {
  link: Link;
  target: SshTarget;
  endpoint: Endpoint;
  run: string;
  /** Ends the master; resolves when it is gone. */
  hangUp: () => Promise<void>;
}

export function createBox({ link, target, endpoint, run, hangUp }: BoxParts): Box {
  const directory = runDirectory(run);
  const sessions: Sessions = new Set();
  let closed = false;
  const own = (order: { run: string; attempt: number }) => {
    if (order.run !== run) throw new RangeError(`this connection belongs to run ${run}, not to ${order.run}`);
    if (!Number.isSafeInteger(order.attempt) || order.attempt < 1) throw new RangeError('an attempt is a whole number from 1');
    return order.attempt;
  };
  const sentinel = async (what: string, words: readonly (string | number)[], timeout_ms = SENTINEL_MS): Promise<ExecResult> => {
    const script = `exec sh .vastsit/sentinel.sh ${words.map((word) => shellQuote(String(word))).join(' ')}`;
    const result = await call(link, { script, directory, timeout_ms });
    if (result.exit_code === FENCED) throw new RemoteError('fenced', 'A newer attempt of this run has started on this box; this one stands down.', { exit_code: FENCED });
    if (result.exit_code !== 0) throw failed(what, result);
    return result;
  };

  return {
    instance: target.instance,
    put: (files) => put(link, directory, files),
    exec: (command, { timeout_ms, stdin }) => call(link, { script: command, directory, timeout_ms, people: true, ...(stdin === undefined ? {} : { stdin }) }),
    list: (globs) => list(link, directory, globs),
    fetch: (file, localPath) => fetchFile(link, directory, file, localPath),
    async start(order: StartOrder) {
      const attempt = own(order);
      const { seconds, grace_s, then } = order.lease;
      // An attempt's script is written once: a second order must not change what runs under its number.
      const fresh = `.vastsit/cmd.${attempt}.sh`;
      const known = await call(link, { script: `[ -e ${shellQuote(`.vastsit/claim.${attempt}`)} ]`, directory, timeout_ms: SENTINEL_MS });
      if (known.exit_code !== 0) {
        await put(link, directory, [
          { path: '.vastsit/sentinel.sh', content: Buffer.from(SENTINEL), secret: true },
          { path: fresh, content: Buffer.from(`${order.command}\n`), secret: true },
        ]);
      }
      const result = await sentinel('The attempt could not be started', ['start', attempt, whole(seconds), whole(grace_s), then]);
      const [, pid, epoch] = /^(\d+) (\d+)\s*$/.exec(result.stdout) ?? [];
      if (!pid || !epoch) throw failed('The sentinel gave no process id', result);
      return { pid: Number(pid), started_at: Number(epoch) * 1000 };
    },
    async stopTraining(order) {
      const attempt = own(order);
      const script = `[ -e .vastsit/pid.${attempt} ] || exit 0; exec sh .vastsit/sentinel.sh stop ${attempt} ${whole(order.grace_s)}${order.stacks ? ' stacks' : ''}`;
      const result = await call(link, { script, directory, timeout_ms: SENTINEL_MS + (order.stacks ? STACKS_MS : 0) + order.grace_s * 1000 });
      if (result.exit_code !== 0) throw failed('The training could not be ended', result);
    },
    async follow(order, on) {
      const attempt = own(order);
      return follow({ ...link, ended: () => (closed ? 'it was closed' : link.ended()) }, sessions, directory, { attempt, offset: whole(order.offset) }, on);
    },
    async probe(order) {
      const attempt = own(order);
      const nonce = randomBytes(12).toString('hex');
      const at = link.setup.wire.now();
      const result = await call(link, { script: probeScript({ run, attempt, nonce }), directory, timeout_ms: PROBE_MS });
      if (!isWhole(result.stdout, nonce)) throw failed('The probe was cut short', result);
      return parseProbe(result.stdout, nonce, at);
    },
    async renewLease(order) {
      await sentinel('The lease could not be renewed', ['renew', own(order), whole(order.seconds)]);
    },
    sshCommand: () => sshCommand(link.setup, target, endpoint),
    async close() {
      closed = true;
      for (const session of sessions) session.close();
      await hangUp();
    },
  };
}

function whole(value: number): number {
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`expected a number from 0, not ${value}`);
  return Math.ceil(value);
}
