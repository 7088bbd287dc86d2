/** The open ear: a pty session over the connection's master that carries nothing but the sentinel's stream. */
import { randomBytes } from 'node:crypto';
import { RemoteError, type SentinelEvent } from '../core/ports.ts';
import { cleanLine } from '../core/text.ts';
import { SentinelParser } from './frames.ts';
import { shellQuote } from '../core/quote.ts';
import { plainEnv, type Link } from './ssh.ts';

const HELLO_MS = 15_000;

/** Sessions that are open, so that nothing outlives `closeAll`. */
export type Sessions = Set<{ close(): void }>;

/** Resolves once the sentinel has said hello. Rejects with RemoteError `lost` or `timeout` when it never does. */
export async function follow(
  link: Link,
  sessions: Sessions,
  directory: string,
  order: { attempt: number; offset: number },
  on: (event: SentinelEvent) => void,
): Promise<{ close(): void }> {
  const { spawn } = await import('node-pty');
  // After the wait: a session over a connection that is closed meanwhile would open one of its own, and nobody would end it.
  const over = link.ended();
  if (over !== null) throw new RemoteError('lost', `The connection has ended: ${over}`);
  const nonce = randomBytes(12).toString('hex');
  const parser = new SentinelParser({ ...order, nonce });
  const script = `cd ${directory} && exec sh .vastsit/sentinel.sh follow ${order.attempt} ${order.offset} ${nonce}`;
  const [first = '', ...rest] = [...link.args, `exec sh -c ${shellQuote(script)}`];
  const pty = spawn(link.setup.ssh, ['-tt', first, ...rest], { encoding: null, cols: 400, rows: 50, env: { ...plainEnv(), TERM: 'dumb' } });
  return new Promise((resolve, reject) => {
    let state: 'waiting' | 'open' | 'closed' = 'waiting';
    let banner = '';
    const end = () => {
      state = 'closed';
      cancel();
      sessions.delete(session);
      try {
        pty.kill('SIGKILL');
      } catch {
        // It was gone already.
      }
    };
    const session = { close: () => (state === 'closed' ? undefined : end()) };
    const lose = (failure: 'lost' | 'timeout', reason: string) => {
      const was = state;
      if (was === 'closed') return;
      end();
      if (was === 'waiting') reject(new RemoteError(failure, reason));
      else on({ type: 'lost', reason });
    };
    const cancel = link.setup.wire.after(HELLO_MS, () => lose('timeout', 'The sentinel did not say hello in time.'));
    sessions.add(session);
    // Typed as text, but with no encoding the chunks are bytes.
    pty.onData((chunk: string | Uint8Array) => {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      if (state === 'waiting') banner = (banner + Buffer.from(bytes).toString()).slice(-1_000);
      for (const event of parser.push(bytes)) {
        if (state === 'closed') return;
        if (event.type === 'hello') {
          state = 'open';
          // What was said before the first frame explains a session that never opened, and nothing after it.
          banner = '';
          cancel();
          resolve(session);
        }
        on(event);
      }
    });
    pty.onExit(() => lose('lost', link.ended() ?? (cleanLine(banner, 200) || 'the session ended')));
  });
}
