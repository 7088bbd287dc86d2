/** The key pair that this cockpit logs in with: ed25519, made on first use, never shown but for its public half. */
import { chmod, link, mkdir, rm, stat } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { execa } from 'execa';
import { RemoteError } from '../core/ports.ts';
import { lastWords, plainEnv } from './ssh.ts';

/** Makes the key when there is none; two processes that start together agree on one. Returns the private key's file. */
export async function ensureKey(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700);
  const file = `${dir}/id_ed25519`;
  if (await exists(file)) return file;
  const fresh = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await keygen(['-q', '-t', 'ed25519', '-N', '', '-C', 'vastsit-tui', '-f', fresh]);
    // A link, unlike a rename, fails when another process was first.
    await link(fresh, file).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    });
    await chmod(file, 0o600);
    return file;
  } finally {
    await Promise.all([rm(fresh, { force: true }), rm(`${fresh}.pub`, { force: true })]);
  }
}

/** The public half as one line for authorized_keys. */
export async function readPublicKey(file: string): Promise<string> {
  const line = await keygen(['-y', '-f', file]);
  return line.trim().split(' ').slice(0, 2).concat('vastsit-tui').join(' ');
}

async function keygen(args: readonly string[]): Promise<string> {
  const result = await execa('ssh-keygen', args, { env: plainEnv(), extendEnv: false, reject: false, stdin: 'ignore' });
  if (result.code === 'ENOENT') throw new RemoteError('ssh_missing', 'ssh-keygen was not found; install OpenSSH (Debian and Ubuntu: apt-get install openssh-client) and try again.');
  if (result.exitCode !== 0) throw new RemoteError('auth', `ssh-keygen could not make or read this cockpit's key: ${lastWords(result.stderr)}`);
  return result.stdout;
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(() => true, () => false);
}
