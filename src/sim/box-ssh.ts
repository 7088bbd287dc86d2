/** A box's sshd: key login as root, shells and commands on many channels, nothing else. */
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import ssh2 from 'ssh2';
import type { Connection, ParsedKey, PublicKeyAuthContext, ServerChannel, Session } from 'ssh2';
import { runPlain, runPty, type Place, type PtySize, type Running } from './box-session.ts';

export interface Door {
  readonly port: number;
  /** Closed: nobody listens, and whoever was connected is cut off. Opens at the same port again. */
  set(open: boolean): Promise<void>;
}

/** As OpenSSH has it: the eleventh session on one connection is refused. */
const MAX_SESSIONS = 10;

/** A fresh ed25519 host key. One in some two hundred that the library makes cannot be read back, so it is tried. */
export function newHostKey(): string {
  for (;;) {
    const { private: key } = ssh2.utils.generateKeyPairSync('ed25519');
    if (!(ssh2.utils.parseKey(key) instanceof Error)) return key;
  }
}

/** Listens on a free loopback port. `keys` are read at each login. */
export async function openDoor({ hostKey, keys, place }: { hostKey: string; keys: () => readonly string[]; place: Place }): Promise<Door> {
  const sshd = new ssh2.Server({ hostKeys: [hostKey], ident: 'OpenSSH_9.6' }, (client) => serve(client, keys, place));
  const sockets = new Set<Socket>();
  const listen = (port: number): Promise<NetServer> =>
    new Promise((resolve, reject) => {
      const server = createServer((socket) => {
        sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('close', () => sockets.delete(socket));
        sshd.injectSocket(socket);
      });
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => resolve(server));
    });
  let server: NetServer | null = await listen(0);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port,
    async set(open) {
      if (open && server === null) server = await listen(port);
      if (open || server === null) return;
      const closing = server;
      server = null;
      const closed = new Promise((resolve) => closing.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function serve(client: Connection, keys: () => readonly string[], place: Place): void {
  client.on('error', () => undefined);
  client.on('authentication', (context) => {
    if (context.method !== 'publickey' || context.username !== 'root') return context.reject(['publickey']);
    if (keys().some((key) => admits(key, context))) context.accept();
    else context.reject(['publickey']);
  });
  let sessions = 0;
  client.on('session', (accept, reject) => {
    if (sessions >= MAX_SESSIONS) return void reject();
    sessions += 1;
    let counted = true;
    attend(accept(), place, () => {
      if (counted) sessions -= 1;
      counted = false;
    });
  });
}

function attend(session: Session, place: Place, ended: () => void): void {
  let terminal: (PtySize & { term: string }) | null = null;
  let running: Running | null = null;
  const env: Record<string, string> = { ...place.env };
  const run = (channel: ServerChannel, command: string | null): void => {
    channel.on('close', ended);
    channel.on('error', () => undefined);
    const here = { cwd: place.cwd, env };
    running = terminal === null ? runPlain(channel, command, here) : runPty(channel, command, here, terminal.term, terminal);
  };
  session.on('pty', (accept, _reject, info) => {
    terminal = { cols: info.cols, rows: info.rows, term: 'term' in info && typeof info.term === 'string' && info.term !== '' ? info.term : 'xterm-256color' };
    accept?.();
  });
  session.on('window-change', (accept, _reject, { cols, rows }) => {
    running?.resize({ cols, rows });
    accept?.();
  });
  session.on('env', (accept, _reject, { key, val }) => {
    if (/^(LANG|LC_[A-Z]+)$/.test(key)) env[key] = val;
    accept?.();
  });
  session.on('signal', (accept, _reject, { name }) => {
    running?.signal(name);
    accept?.();
  });
  session.on('exec', (accept, _reject, { command }) => run(accept(), command));
  session.on('shell', (accept) => run(accept(), null));
  session.on('close', ended);
}

function admits(line: string, context: PublicKeyAuthContext): boolean {
  const key: ParsedKey | Error = ssh2.utils.parseKey(line);
  if (key instanceof Error || key.type !== context.key.algo || !key.getPublicSSH().equals(context.key.data)) return false;
  // The first request only asks whether the key would do.
  return context.signature === undefined || context.blob === undefined || key.verify(context.blob, context.signature, context.hashAlgo) === true;
}
