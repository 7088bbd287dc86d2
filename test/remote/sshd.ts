/** A real sshd for tests: own host key, own port on 127.0.0.1, and a home folder of its own for whoever logs in. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createClock } from '../../src/clock.ts';
import type { SshTarget } from '../../src/core/ports.ts';
import { sshdPath } from '../needs.ts';

export interface TestSshd {
  target: SshTarget;
  /** What `$HOME` is for whoever logs in. */
  home: string;
  /** Lets a public key in, besides those before it. */
  authorize(publicKey: string): Promise<void>;
  /** Starts again on the same port with another host key. */
  changeHostKey(): Promise<void>;
  /** Listens at another port from now on, with the key that it has; sessions that are open stay. */
  movePort(): Promise<void>;
  /** Process ids of the connections that are open now. */
  connections(): number[];
  /** Process ids of a process's children. */
  children(pid: number): number[];
  stop(): Promise<void>;
}

const clock = createClock();

/** Where it listens: on this machine's own loopback, or at an address inside a network namespace. */
export interface SshdPlace {
  address: string;
  netns: string | null;
}

/** `env` is exported to every session. Rejects when this machine has no sshd. */
export async function startSshd(env: Readonly<Record<string, string>> = {}, { address, netns }: SshdPlace = { address: '127.0.0.1', netns: null }): Promise<TestSshd> {
  const binary = sshdPath();
  if (!binary) throw new Error('no sshd here: guard the test with has(\'sshd\')');
  // sshd insists on it even where it will not separate privileges.
  if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true });
  const dir = await mkdtemp(join(tmpdir(), 'vastsit-sshd-'));
  const home = join(dir, 'home of the box');
  await mkdir(home);
  let port = await freePort();
  const authorized = join(dir, 'authorized_keys');
  await writeFile(authorized, '');
  // The login's home cannot be set in sshd, so each session goes through this script.
  const login = join(dir, 'login.sh');
  const exports = Object.entries({ ...env, HOME: home }).map(([name, value]) => `export ${name}='${value}'`);
  await writeFile(login, `#!/bin/sh\n${exports.join('\n')}\ncd "$HOME" || exit 1\nexec sh -c "$SSH_ORIGINAL_COMMAND"\n`);
  await chmod(login, 0o755);
  let keys = 0;
  let child: ChildProcess | null = null;
  const up = async (fresh = true) => {
    if (fresh) keys += 1;
    const hostKey = join(dir, `host_key_${keys}`);
    if (fresh) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', hostKey]);
    const config = join(dir, 'sshd_config');
    await writeFile(
      config,
      [`ListenAddress ${address}`, `Port ${port}`, `HostKey ${hostKey}`, `AuthorizedKeysFile ${authorized}`, 'PidFile none', 'StrictModes no', 'UsePAM no', 'PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'PermitRootLogin yes', 'PrintMotd no', 'SetEnv SHLVL=5', 'AcceptEnv *', `ForceCommand ${login}`].join('\n') + '\n',
    );
    const [command, ...words] = netns === null ? [binary] : ['ip', 'netns', 'exec', netns, binary];
    const sshd = spawn(command ?? binary, [...words, '-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    child = sshd;
    let said = '';
    sshd.stderr.on('data', (chunk: Buffer) => void (said = (said + chunk.toString()).slice(-2_000)));
    const died = new Promise<never>((_, reject) => sshd.once('exit', (code) => reject(new Error(`sshd ended with ${code}: ${said}`))));
    died.catch(() => {});
    await Promise.race([listening(port, address), died]);
  };
  const down = async () => {
    const sshd = child;
    child = null;
    if (!sshd || sshd.exitCode !== null || sshd.signalCode !== null) return;
    await new Promise((resolve) => {
      sshd.once('exit', resolve);
      sshd.kill('SIGTERM');
    });
  };
  await up();
  let accepted = '';
  return {
    get target(): SshTarget {
      return { instance: 4242, user: userInfo().username, endpoints: [{ host: address, port, via: 'direct' }] };
    },
    home,
    authorize: async (publicKey) => {
      accepted += `${publicKey}\n`;
      await writeFile(authorized, accepted);
    },
    changeHostKey: async () => {
      await down();
      await up();
    },
    movePort: async () => {
      await down();
      port = await freePort();
      await up(false);
    },
    connections: () => children(child?.pid ?? 0),
    children,
    stop: async () => {
      await down();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function children(pid: number): number[] {
  const { stdout } = spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line !== '').map(Number);
}

/** A port that nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function listening(port: number, address: string): Promise<void> {
  const open = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, address);
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
  await until(open, 'sshd listens', 10_000);
}

/** Waits for a condition; on failure names what was waited for. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, ms = 10_000): Promise<void> {
  const ends = clock.now() + ms;
  while (!(await condition())) {
    if (clock.now() > ends) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await clock.sleep(20);
  }
}
