import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { RemoteError, type Box, type Clock, type Remote, type SshTarget } from '../core/ports.ts';
import { runDirectory } from '../core/quote.ts';
import { connectBox } from './connect.ts';
import { ensureKey, readPublicKey } from './keys.ts';
import { sshCommand } from './ssh.ts';

export interface RemoteOptions {
  /** Absolute directory for our key pair and the pinned host keys; made with mode 0700. */
  dir: string;
  /** A clock in real time: deadlines of the wire know no demo speed. */
  wire: Clock;
  /** The ssh binary; `ssh` from PATH when absent. */
  sshPath?: string;
  /** Fencing number of the state directory's owner: a box that has heard a higher one carries out nothing more of ours. Absent for whoever only reads. */
  owner?: number;
}

/** SSH to instances through the system's client, with a key pair and pinned host keys of our own. */
export function createRemote({ dir, wire, sshPath = 'ssh', owner }: RemoteOptions): Remote {
  let key: Promise<string> | null = null;
  let sockets: Promise<string> | null = null;
  let opened = 0;
  const boxes = new Set<Box>();

  const keyFile = () => {
    key ??= ensureKey(dir).catch((error: unknown) => {
      key = null;
      throw error;
    });
    return key;
  };
  return {
    publicKey: async () => readPublicKey(await keyFile()),
    async connect(target, run) {
      const file = await keyFile();
      // A socket's path may have about a hundred bytes, which a state directory can exceed.
      sockets ??= mkdtemp(`${tmpdir()}/vs-`);
      opened += 1;
      // Taken before the wait: two connections that began together must never share a socket, or one would ride on the other's box.
      const mine = opened;
      const box = await connectBox({ ssh: sshPath, dir, keyFile: file, wire, ...(owner !== undefined && { owner }) }, target, run, `${await sockets}/${mine}.`);
      const tracked: Box = {
        ...box,
        close: async () => {
          boxes.delete(tracked);
          await box.close();
        },
      };
      boxes.add(tracked);
      return tracked;
    },
    async closeAll() {
      await Promise.all([...boxes].map((box) => box.close()));
      if (sockets) await rm(await sockets, { recursive: true, force: true });
      sockets = null;
    },
  };
}

/**
 * The command line that opens a shell in a run's directory, for a person at a terminal. `known` is where a session was up last
 * (`user@host`); otherwise a direct address comes before the proxy. Rejects with RemoteError where there is no address.
 */
export async function shellCommand(dir: string, target: SshTarget, run: string, known: string | null): Promise<string[]> {
  const endpoint = target.endpoints.find(({ host }) => `${target.user}@${host}` === known) ?? target.endpoints.find(({ via }) => via === 'direct') ?? target.endpoints[0];
  if (!endpoint) throw new RemoteError('refused', `instance ${target.instance} offers no SSH address yet`);
  const [ssh = 'ssh', ...rest] = sshCommand({ dir, keyFile: await ensureKey(dir) }, target, endpoint);
  return [ssh, '-t', ...rest, `cd ${runDirectory(run)} && exec "\${SHELL:-/bin/sh}" -l`];
}
