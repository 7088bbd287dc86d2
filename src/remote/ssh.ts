/** How this program calls the system's ssh: its own configuration, no agent, no inherited environment. */
import { execa } from 'execa';
import { RemoteError, type Clock, type RemoteFailure, type SshTarget } from '../core/ports.ts';
import { cleanLine } from '../core/text.ts';

export interface SshSetup {
  /** The ssh binary. */
  ssh: string;
  /** State directory: key pair and known_hosts. */
  dir: string;
  keyFile: string;
  wire: Clock;
  /** Fencing number of the owner that speaks; absent for whoever only reads. */
  owner?: number;
}

export type Endpoint = SshTarget['endpoints'][number];

/** What a connection and everything that rides on it have in common. */
export interface Link {
  setup: SshSetup;
  /** Arguments up to and including the host; the remote command follows. */
  args: readonly string[];
  gate: Gate;
  /** null while the master lives, else why it ended. */
  ended(): string | null;
}

/** A few channels at a time: sshd refuses the eleventh on one connection. */
export interface Gate {
  /** Resolves with the release function, or null when `signal` aborted first. */
  enter(signal: AbortSignal): Promise<(() => void) | null>;
}

export function createGate(width: number): Gate {
  let free = width;
  const waiting = new Set<() => void>();
  const release = () => {
    const [next] = waiting;
    if (!next) free += 1;
    else {
      waiting.delete(next);
      next();
    }
  };
  const once = () => {
    let held = true;
    return () => {
      if (held) release();
      held = false;
    };
  };
  return {
    enter: async (signal) => {
      if (signal.aborted) return null;
      if (free > 0) {
        free -= 1;
        return once();
      }
      return new Promise((resolve) => {
        const go = () => {
          signal.removeEventListener('abort', quit);
          resolve(once());
        };
        const quit = () => {
          waiting.delete(go);
          resolve(null);
        };
        waiting.add(go);
        signal.addEventListener('abort', quit, { once: true });
      });
    },
  };
}

/** The environment of every ssh: built up, so that no secret of ours can ride along by SendEnv or a ProxyCommand. */
export function plainEnv(): Record<string, string> {
  const env: Record<string, string> = { LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', TERM: 'dumb' };
  for (const name of ['PATH', 'HOME']) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

/** Where the host key of one instance is pinned. */
export function knownHostsFile(dir: string, instance: number): string {
  return `${dir}/known_hosts.${instance}`;
}

/** ssh arguments up to the host. Throws RangeError when user, host or port could be taken for anything else. */
export function sshArgs(setup: SshSetup, target: { instance: number; user: string }, endpoint: Endpoint, control: { path: string; master: boolean }): string[] {
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(target.user)) throw new RangeError('not a user name for ssh');
  if (!/^[A-Za-z0-9][A-Za-z0-9.:_-]*$/.test(endpoint.host)) throw new RangeError('not a host name for ssh');
  const options = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    'ForwardAgent=no',
    'PreferredAuthentications=publickey',
    'StrictHostKeyChecking=accept-new',
    `UserKnownHostsFile=${quoted(knownHostsFile(setup.dir, target.instance))}`,
    'GlobalKnownHostsFile=/dev/null',
    'UpdateHostKeys=no',
    // Address and port change when an instance restarts, its key does not; the proxy may answer with a key of its own.
    `HostKeyAlias=${hostKeyAlias(target.instance, endpoint)}`,
    'CheckHostIP=no',
    'ConnectTimeout=10',
    'ConnectionAttempts=1',
    'ServerAliveInterval=5',
    'ServerAliveCountMax=3',
    'LogLevel=ERROR',
    'EscapeChar=none',
    `ControlMaster=${control.master ? 'yes' : 'no'}`,
    'ControlPersist=no',
    `ControlPath=${quoted(control.path)}`,
  ];
  return ['-F', '/dev/null', '-i', setup.keyFile.replaceAll('%', '%%'), ...options.flatMap((option) => ['-o', option]), '-p', String(endpoint.port), '-l', target.user, '--', endpoint.host];
}

export function hostKeyAlias(instance: number, endpoint: Endpoint): string {
  return `vastsit-${instance}-${endpoint.via}`;
}

/** The command that a person types for the same place. */
export const sshCommand = ({ dir, keyFile }: Pick<SshSetup, 'dir' | 'keyFile'>, target: { instance: number; user: string }, endpoint: Endpoint): string[] => [
  'ssh',
  '-i',
  keyFile,
  '-o',
  'IdentitiesOnly=yes',
  '-o',
  `UserKnownHostsFile="${knownHostsFile(dir, target.instance)}"`,
  '-o',
  `HostKeyAlias=${hostKeyAlias(target.instance, endpoint)}`,
  '-p',
  String(endpoint.port),
  `${target.user}@${endpoint.host}`,
];

/** ssh splits option values at blanks and expands percent signs. */
function quoted(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`;
}

/** Starts ssh. The caller reads the streams and owns the deadline; never rejects on an exit code. */
export function spawnSsh(setup: SshSetup, args: readonly string[], stdin: 'ignore' | 'pipe') {
  return execa(setup.ssh, args, { env: plainEnv(), extendEnv: false, reject: false, buffer: false, encoding: 'buffer', stdin, stdout: 'pipe', stderr: 'pipe' });
}

export function sshMissing(ssh: string): RemoteError {
  return new RemoteError('ssh_missing', `The SSH client "${cleanLine(ssh, 200)}" was not found; install OpenSSH (Debian and Ubuntu: apt-get install openssh-client) and try again.`);
}

/** Reads ssh's own complaint about a connection that did not come up. */
export function classify(stderr: string): RemoteFailure {
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|host key .* has changed/i.test(stderr)) return 'host_key_changed';
  if (/Permission denied|Too many authentication failures|no mutual signature|Load key/i.test(stderr)) return 'auth';
  if (/timed out|timeout/i.test(stderr)) return 'timeout';
  return 'refused';
}

/** The last `count` lines that say something, cleaned for people. */
export function lastLines(text: string, count: number): string[] {
  const lines = text.split('\n').slice(-4 * count).map((line) => cleanLine(line, 300));
  return lines.filter((line) => line.trim() !== '').slice(-count);
}

export function lastWords(stderr: string): string {
  return lastLines(stderr, 1)[0] ?? '';
}
