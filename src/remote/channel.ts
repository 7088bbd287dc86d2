/** One command over the open connection, with an end mark, so that a command's own 255 and a dead line are told apart. */
import { randomBytes } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { RemoteError, type ExecResult } from '../core/ports.ts';
import { shellQuote } from '../core/quote.ts';
import { lastWords, spawnSsh, sshMissing, type Link } from './ssh.ts';

/** Bytes of each stream that are kept: the last ones. */
const KEEP = 32 * 1024 * 1024;

export interface Call {
  /** Shell text for `/bin/sh`; it runs in `directory`. */
  script: string;
  /** A shell word, already quoted; created when absent. */
  directory: string;
  timeout_ms: number;
  stdin?: string | Readable;
  /** Run with bash where there is one: what people write is bash more often than they know. */
  people?: boolean;
}

/**
 * Runs one script. Resolves with its exit code (124 when the box itself ended it at the deadline). Rejects with RemoteError
 * `timeout` when no answer came in time and `lost` when the line died first: the command may have run in both cases.
 */
export async function call(link: Link, order: Call): Promise<ExecResult> {
  const ended = link.ended();
  if (ended !== null) throw new RemoteError('lost', `The connection has ended: ${ended}`);
  const deadline = new AbortController();
  const cancel = link.setup.wire.after(order.timeout_ms, () => deadline.abort());
  try {
    const leave = await link.gate.enter(deadline.signal);
    if (!leave) throw new RemoteError('timeout', `No free channel within ${order.timeout_ms} ms; the command was not sent.`);
    try {
      const result = await speak(link, order, deadline.signal);
      if (result.exit_code === SUPERSEDED) throw new RemoteError('fenced', 'A newer owner of these runs has worked on this box; this one stands down.', { exit_code: null });
      return result;
    } finally {
      leave();
    }
  } finally {
    cancel();
  }
}

/** No process ends so: told by the wrapper itself. */
const SUPERSEDED = 999;

async function speak(link: Link, order: Call, deadline: AbortSignal): Promise<ExecResult> {
  const nonce = randomBytes(12).toString('hex');
  const child = spawnSsh(link.setup, [...link.args, wrap(order, nonce, link.setup.owner)], order.stdin === undefined ? 'ignore' : 'pipe');
  const out = new Tail(nonce);
  const err = new Tail(nonce);
  let feedError: unknown = null;
  // Ends and errors of the streams are told by the child's own end; an unheard error would end this program.
  child.stdin?.on('error', () => {});
  child.stdout.on('error', () => {});
  child.stderr.on('error', () => {});
  try {
    return await new Promise<ExecResult>((resolve, reject) => {
      const settle = () => {
        if (out.code !== null && err.code !== null) resolve({ exit_code: out.code, stdout: out.text(), stderr: err.text() });
      };
      child.stdout.on('data', (chunk: Uint8Array) => void (out.push(chunk) && settle()));
      child.stderr.on('data', (chunk: Uint8Array) => void (err.push(chunk) && settle()));
      deadline.addEventListener('abort', () => reject(new RemoteError('timeout', `No answer within ${order.timeout_ms} ms; whether the command ended is unknown.`, partial(out, err))), { once: true });
      if (child.stdin && order.stdin !== undefined) {
        pipeline(typeof order.stdin === 'string' ? Readable.from([order.stdin]) : order.stdin, child.stdin).catch((error: unknown) => {
          // A closed pipe is the far end's doing and shows in its answer; anything else is ours and ends the command.
          if (error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE' || error.code === 'ERR_STREAM_DESTROYED')) return;
          feedError = error;
          child.kill('SIGKILL');
        });
      }
      void child.then((result) => {
        if (feedError !== null) reject(feedError instanceof Error ? feedError : new Error('could not read what was to be sent'));
        else if (result.code === 'ENOENT') reject(sshMissing(link.setup.ssh));
        else if (out.code !== null) resolve({ exit_code: out.code, stdout: out.text(), stderr: err.text() });
        else reject(new RemoteError('lost', `The connection died before the command's end was seen${said(err.text())}.`, partial(out, err)));
      }, reject);
    });
  } finally {
    // The master holds the pipes of a hung command: only closing our ends lets this process go on.
    child.kill('SIGKILL');
    child.stdout.destroy();
    child.stderr.destroy();
    child.stdin?.destroy();
  }
}

function partial(out: Tail, err: Tail): { exit_code: null; stdout: string; stderr: string } {
  return { exit_code: null, stdout: out.text(), stderr: err.text() };
}

function said(stderr: string): string {
  const words = lastWords(stderr);
  return words === '' ? '' : `: ${words}`;
}

/** The one string that the login shell gets; `sh` takes over at once, whatever that shell is. */
function wrap(order: Call, nonce: string, owner: number | undefined): string {
  const seconds = Math.max(1, Math.floor((order.timeout_ms - 500) / 1000));
  const mark = shellQuote(`\\036${nonce}:%d\\n`);
  const lines = [
    `end() { printf ${mark} "$1"; printf ${mark} "$1" >&2; exit; }`,
    `cd ${order.directory} 2>/dev/null || { mkdir -p ${order.directory} && cd ${order.directory}; } || end 1`,
    ...(owner === undefined ? [] : [standDown(owner)]),
    `T=; command -v timeout >/dev/null 2>&1 && T="timeout -k 5 ${seconds}"`,
    ...(order.people ? ['B=sh; command -v bash >/dev/null 2>&1 && B=bash', IMAGE_PATH] : ['B=sh']),
    `$T $B -c ${shellQuote(order.script)}`,
    'end $?',
  ];
  return `exec sh -c ${shellQuote(lines.join('\n'))}`;
}

/** An owner that was away while another took over finds that one's number here, and none of its late commands runs. */
const standDown = (owner: number): string => String.raw`
W=$(cat .vastsit/owner 2>/dev/null); case "$W" in ''|*[!0-9]*) W=0 ;; esac
[ "$W" -le ${owner} ] || end ${SUPERSEDED}
if [ "$W" -lt ${owner} ]; then (umask 077; mkdir -p .vastsit && echo ${owner} > .vastsit/.owner.$$ && mv -f .vastsit/.owner.$$ .vastsit/owner) 2>/dev/null; fi`;

/** The image's PATH knows its Python; a login over SSH does not inherit it, only the container's first process has it. */
const IMAGE_PATH = String.raw`
if tr '\0' '\n' 2>/dev/null </proc/1/environ | grep -q '^CONTAINER_ID='; then
  P=$(tr '\0' '\n' </proc/1/environ | sed -n 's/^PATH=//p' | head -n 1)
  export PATH="$P:$PATH"
fi`;

/** Keeps the last bytes of a stream and looks for the end mark, however the stream is cut. */
class Tail {
  code: number | null = null;
  readonly #mark: string;
  #chunks: Uint8Array[] = [];
  #size = 0;
  #edge = '';

  constructor(nonce: string) {
    this.#mark = `\x1e${nonce}:`;
  }

  /** True when the mark has been seen. */
  push(chunk: Uint8Array): boolean {
    if (this.code !== null) return true;
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size > KEEP && this.#chunks.length > 1) this.#size -= this.#chunks.shift()?.length ?? 0;
    // latin1 keeps one character a byte, so a mark is found without decoding what lies around it.
    const seen = this.#edge + Buffer.from(chunk).toString('latin1');
    this.#edge = seen.slice(-(this.#mark.length + 8));
    const at = seen.lastIndexOf(this.#mark);
    const code = at < 0 ? null : /^(\d{1,3})\n/.exec(seen.slice(at + this.#mark.length));
    if (code) this.code = Number(code[1]);
    return code !== null;
  }

  text(): string {
    const all = Buffer.concat(this.#chunks);
    const end = this.code === null ? -1 : all.lastIndexOf(this.#mark, undefined, 'latin1');
    return all.toString('utf8', 0, end < 0 ? all.length : end);
  }
}
