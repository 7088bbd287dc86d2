/** Opens the one connection that everything else rides on. */
import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, fstatSync, openSync } from 'node:fs';
import { RemoteError, type RemoteFailure, type SshTarget } from '../core/ports.ts';
import { createBox } from './box.ts';
import { runDirectory, shellQuote } from '../core/quote.ts';
import { classify, createGate, knownHostsFile, lastWords, sshArgs, sshMissing, spawnSsh, type Endpoint, type Link, type SshSetup } from './ssh.ts';

/** ConnectTimeout covers the TCP part only; this covers a server that accepts and then says nothing. */
const CONNECT_MS = 20_000;
/** sshd allows ten sessions on a connection: the master's own, this many commands, and the followers. */
const CHANNELS = 6;

/** The failure that says most about the box comes first. */
const TELLING: readonly RemoteFailure[] = ['ssh_missing', 'host_key_changed', 'auth', 'lost', 'timeout', 'refused'];

/** Tries each endpoint once, direct ones first. `controlPath` must be short and new. Rejects with the most telling RemoteError. */
export async function connectBox(setup: SshSetup, target: SshTarget, run: string, controlPath: string) {
  const endpoints = [...target.endpoints].sort((a, b) => Number(a.via === 'proxy') - Number(b.via === 'proxy'));
  const failures: { endpoint: Endpoint; error: RemoteError }[] = [];
  for (const [i, endpoint] of endpoints.entries()) {
    try {
      const { link, hangUp } = await openMaster(setup, target, run, endpoint, `${controlPath}${i}`);
      return createBox({ link, target, endpoint, run, hangUp });
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      failures.push({ endpoint, error });
    }
  }
  const [worst] = [...failures].sort((a, b) => TELLING.indexOf(a.error.failure) - TELLING.indexOf(b.error.failure));
  if (!worst) throw new RemoteError('refused', `Instance ${target.instance} offers no SSH address yet.`);
  const tried = failures.map(({ endpoint, error }) => `${endpoint.via} ${endpoint.host}:${endpoint.port} ${error.failure}`).join(', ');
  throw new RemoteError(worst.error.failure, `${worst.error.message} (tried: ${tried})`);
}

/**
 * The master runs a command that ends when its standard input does: should this program die in any way, its pipe closes,
 * the far command ends, and with it the connection. Nothing is left behind, and nothing needs to be found and killed.
 */
async function openMaster(setup: SshSetup, target: SshTarget, run: string, endpoint: Endpoint, controlPath: string) {
  const nonce = randomBytes(12).toString('hex');
  const directory = runDirectory(run);
  keepPrivate(knownHostsFile(setup.dir, target.instance));
  const script = `touch "$HOME/.no_auto_tmux"; mkdir -p ${directory} && printf '%s\\n' ${nonce}; exec cat >/dev/null`;
  const child = spawnSsh(setup, [...sshArgs(setup, target, endpoint, { path: controlPath, master: true }), `exec sh -c ${shellQuote(script)}`], 'pipe');
  let stderr = '';
  let stdout = '';
  let ended: string | null = null;
  child.stdin?.on('error', () => {});
  child.stderr.on('error', () => {});
  child.stderr.on('data', (chunk: Uint8Array) => void (stderr = (stderr + Buffer.from(chunk).toString()).slice(-8_000)));
  const gone = child.then((result) => {
    ended ??= lastWords(stderr) || 'the SSH connection ended';
    return result.code === 'ENOENT' ? sshMissing(setup.ssh) : null;
  });
  const hangUp = async () => {
    ended ??= 'closed by this program';
    child.stdin?.end();
    child.kill('SIGTERM');
    await gone;
  };
  try {
    await new Promise<void>((resolve, reject) => {
      const cancel = setup.wire.after(CONNECT_MS, () => reject(new RemoteError('timeout', `No answer from SSH within ${CONNECT_MS / 1000} s.`)));
      child.stdout.on('error', () => {});
      child.stdout.on('data', (chunk: Uint8Array) => {
        stdout = (stdout + Buffer.from(chunk).toString()).slice(-8_000);
        if (!stdout.includes(nonce)) return;
        cancel();
        resolve();
      });
      void gone.then((missing) => {
        cancel();
        reject(missing ?? complaint(setup, target, stderr));
      });
    });
  } catch (error) {
    await hangUp();
    throw error;
  }
  const link: Link = {
    setup,
    args: sshArgs(setup, target, endpoint, { path: controlPath, master: false }),
    gate: createGate(CHANNELS),
    ended: () => ended,
  };
  return { link, hangUp };
}

/** ssh would make the file readable by others. A folder that cannot be written is ssh's to complain about. */
function keepPrivate(path: string): void {
  try {
    const fd = openSync(path, 'a', 0o600);
    if ((fstatSync(fd).mode & 0o077) !== 0) fchmodSync(fd, 0o600);
    closeSync(fd);
  } catch {
    // Told by the connection that fails for it.
  }
}

function complaint(setup: SshSetup, target: SshTarget, stderr: string): RemoteError {
  const failure = classify(stderr);
  const words = lastWords(stderr) || 'ssh ended without a word';
  switch (failure) {
    case 'host_key_changed':
      return new RemoteError(
        failure,
        `Instance ${target.instance} shows another host key than the one pinned at first sight: either it was recycled, or someone stands between. Nothing was sent. If you recycled it yourself, delete ${knownHostsFile(setup.dir, target.instance)} and connect again.`,
      );
    case 'auth':
      return new RemoteError(failure, `The box refused this cockpit's key; it may not have reached the instance yet, or was wiped from it: ${words}`);
    default:
      return new RemoteError(failure, `SSH could not connect: ${words}`);
  }
}
