/** One session channel of a box's sshd: a real shell behind it, with a pty or without. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { spawn as spawnPty } from 'node-pty';
import type { ServerChannel } from 'ssh2';

export interface Place {
  cwd: string;
  env: Readonly<Record<string, string>>;
}

export interface PtySize {
  cols: number;
  rows: number;
}

/** What the session's later requests act on. */
export interface Running {
  resize(size: PtySize): void;
  signal(name: string): void;
}

const signalName = (name: string): NodeJS.Signals => `SIG${name.replace(/^SIG/, '')}` as NodeJS.Signals;

function kill(pid: number | undefined, name: string): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signalName(name));
  } catch {
    // gone, or no such signal
  }
}

/** The end of a command goes out as sshd sends it: a status, or the signal's name where the protocol has one. */
function conclude(channel: ServerChannel, code: number | null, signal: string | null): void {
  try {
    if (signal !== null) channel.exit(signal, false);
    else channel.exit(code ?? 255);
  } catch {
    channel.exit(255);
  }
  // Everything on stderr first: the end of the main stream closes the channel.
  channel.stderr.write('', () => channel.end());
}

/** Runs `command`, or a shell that reads commands from the channel when it is null. Three separate pipes; survives the channel. */
export function runPlain(channel: ServerChannel, command: string | null, { cwd, env }: Place): Running {
  const child = spawn('/bin/sh', command === null ? [] : ['-c', command], { cwd, env, detached: true, stdio: 'pipe' });
  child.on('error', () => conclude(channel, 127, null));
  child.stdin.on('error', () => undefined);
  channel.pipe(child.stdin);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  child.on('close', (code, signal) => conclude(channel, code, signal));
  channel.on('close', () => {
    // Like a sshd that has lost its client: the process lives on, and finds nobody at the other end.
    child.stdout.unpipe().destroy();
    child.stderr.unpipe().destroy();
    child.stdin.destroy();
  });
  return { resize: () => undefined, signal: (name) => kill(child.pid, name) };
}

// The last output of a pty is lost when its leader exits too early; so the leader marks the end and waits until the mark was read.
const LEADER = 'trap : INT QUIT; if [ -n "$1" ]; then /bin/sh -c "$1"; else /bin/sh -i; fi; code=$?; printf "\\033]%s;%d\\007" "$2" "$code"; exec sleep 10';

/** Runs `command`, or an interactive shell when it is null, on a terminal of its own. */
export function runPty(channel: ServerChannel, command: string | null, { cwd, env }: Place, term: string, size: PtySize): Running {
  const nonce = randomBytes(12).toString('hex');
  const mark = Buffer.from(`\x1b]${nonce};`);
  const pty = spawnPty('/bin/sh', ['-c', LEADER, 'sh', command ?? '', nonce], { ...sane(size), cwd, env: { ...env, TERM: term }, name: term, encoding: null });
  let held: Buffer = Buffer.alloc(0);
  let over = false;
  const end = (code: number): void => {
    if (over) return;
    over = true;
    conclude(channel, code, null);
    kill(pty.pid, 'KILL');
  };
  const send = (bytes: Buffer): void => {
    if (bytes.length === 0 || over || channel.write(bytes)) return;
    pty.pause();
    channel.once('drain', () => pty.resume());
  };
  pty.onData((data) => {
    held = Buffer.concat([held, Buffer.from(data)]);
    const at = held.indexOf(mark);
    if (at < 0) {
      const keep = partial(held, mark);
      send(held.subarray(0, held.length - keep));
      held = held.subarray(held.length - keep);
      return;
    }
    const bell = held.indexOf(7, at);
    if (bell < 0) return;
    send(held.subarray(0, at));
    end(Number(held.subarray(at + mark.length, bell).toString('latin1')));
  });
  pty.onExit(({ exitCode, signal }) => {
    send(held);
    end(signal ? 128 + signal : exitCode);
  });
  // With `encoding: null` the terminal takes bytes as they are, although its types name text alone.
  channel.on('data', (bytes: Buffer) => pty.write(bytes as unknown as string));
  channel.on('close', () => {
    over = true;
    kill(pty.pid, 'HUP');
  });
  return {
    resize: (to) => {
      const { cols, rows } = sane(to);
      if (!over) pty.resize(cols, rows);
    },
    signal: (name) => kill(pty.pid, name),
  };
}

const sane = ({ cols, rows }: PtySize): PtySize => ({ cols: cols > 0 ? cols : 80, rows: rows > 0 ? rows : 24 });

/** How many of the last bytes may be the beginning of the mark. */
function partial(bytes: Buffer, mark: Buffer): number {
  for (let length = Math.min(mark.length - 1, bytes.length); length > 0; length -= 1) {
    if (bytes.subarray(bytes.length - length).equals(mark.subarray(0, length))) return length;
  }
  return 0;
}
