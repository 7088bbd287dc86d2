/** A network that fails: lines that are open at one end alone, packets that are lost or late, doors that move. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { createClock } from '../../src/clock.ts';
import { RemoteError, type Remote, type SshTarget } from '../../src/core/ports.ts';
import { createRemote } from '../../src/remote/index.ts';
import { has } from '../needs.ts';
import { startSshd, type TestSshd } from '../remote/sshd.ts';

const clock = createClock();
/** What a test opens is closed when it ends, the last first. */
const later = ({ onTestFinished }: TestContext) => (close: () => unknown): void => onTestFinished(async () => void (await close()));

const run = (...words: string[]): boolean => spawnSync(words[0] ?? '', words.slice(1), { stdio: 'ignore' }).status === 0;
const failureOf = async (work: Promise<unknown>): Promise<string> => work.then(() => 'no failure', (error: unknown) => (error instanceof RemoteError ? error.failure : String(error)));

async function cockpit(sshd: TestSshd, close: ReturnType<typeof later>): Promise<Remote> {
  const dir = await mkdtemp(join(tmpdir(), 'vastsit-net-'));
  const remote = createRemote({ dir, wire: clock });
  close(() => rm(dir, { recursive: true, force: true }));
  close(() => remote.closeAll());
  await sshd.authorize(await remote.publicKey());
  return remote;
}

describe.skipIf(!has('sshd', 'procps'))('a door that moves', () => {
  /** A way to the sshd that gives every byte late and in pieces of its own. */
  async function slowWay(close: ReturnType<typeof later>, to: number, piece: number, delay_ms: number): Promise<number> {
    const sockets = new Set<Socket>();
    const pour = (from: Socket, into: Socket): void => {
      from.on('data', (bytes: Buffer) => {
        from.pause();
        void (async () => {
          for (let at = 0; at < bytes.length; at += piece) {
            await clock.sleep(delay_ms);
            if (!into.destroyed) into.write(bytes.subarray(at, at + piece));
          }
          from.resume();
        })();
      });
      from.on('error', () => into.destroy()).on('close', () => into.destroy());
    };
    const server = createServer((near) => {
      const far = connect(to, '127.0.0.1');
      for (const socket of [near, far]) sockets.add(socket);
      pour(near, far);
      pour(far, near);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    close(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  it('is followed by the instance\'s id, with the key that was pinned; another key is refused in words that explain; late pieces change no byte', async (test) => {
    const close = later(test);
    const sshd = await startSshd();
    close(() => sshd.stop());
    const remote = await cockpit(sshd, close);
    const real = sshd.target.endpoints[0]?.port ?? 0;
    const at = (port: number): SshTarget => ({ ...sshd.target, endpoints: [{ host: '127.0.0.1', port, via: 'direct' }] });
    await (await remote.connect(at(real), 'one')).close();
    // After a restart: the same box behind another port, on a slow line.
    const box = await remote.connect(at(await slowWay(close, real, 700, 3)), 'one');
    const content = Buffer.from(Array.from({ length: 40_000 }, (_, index) => index % 251));
    await box.put([{ path: 'in/file', content }]);
    const [file] = await box.list(['in/**']);
    if (!file) throw new Error('not listed');
    const home = join(sshd.home, '..', 'fetched');
    await box.fetch(file, home);
    expect((await readFile(home)).equals(content)).toBe(true);
    await box.close();
    // A stranger behind the address that was ours.
    await sshd.changeHostKey();
    const refused = await remote.connect(at(real), 'one').then(() => null, (error: unknown) => error);
    expect(refused).toMatchObject({ failure: 'host_key_changed', message: expect.stringMatching(/another host key than the one pinned[\s\S]*Nothing was sent[\s\S]*delete .*known_hosts\.4242/) as unknown });
  }, 120_000);
});

/** Kernel features cannot be installed, so their absence is told and fails nothing. */
function namespaces(): boolean {
  const reason = !has('sshd', 'procps') ? 'no sshd' : process.getuid?.() !== 0 ? 'network namespaces want root' : !run('ip', 'netns', 'list') ? 'no `ip netns` here (Debian: apt-get install iproute2)' : null;
  const made = reason === null && run('ip', 'netns', 'add', `vs-probe-${process.pid}`);
  if (made) run('ip', 'netns', 'del', `vs-probe-${process.pid}`);
  else console.warn(`Skipped: a line in a network namespace: ${reason ?? 'this kernel makes none'}.`);
  return made;
}

describe.skipIf(!namespaces())('a line in a namespace of its own', () => {
  it('with lost and late packets changes no byte; cut at one end alone it is told as lost, and found again', async (test) => {
    const close = later(test);
    const name = `vs${process.pid}`;
    const inside = (...words: string[]): boolean => run('ip', 'netns', 'exec', name, ...words);
    close(() => run('ip', 'netns', 'del', name));
    const [near, far] = ['10.231.9.1', '10.231.9.2'];
    const made = [
      run('ip', 'netns', 'add', name), run('ip', 'link', 'add', `${name}a`, 'type', 'veth', 'peer', 'name', `${name}b`), run('ip', 'link', 'set', `${name}b`, 'netns', name),
      run('ip', 'addr', 'add', `${near}/30`, 'dev', `${name}a`), run('ip', 'link', 'set', `${name}a`, 'up'), inside('ip', 'addr', 'add', `${far}/30`, 'dev', `${name}b`), inside('ip', 'link', 'set', `${name}b`, 'up'),
    ];
    if (made.includes(false)) return console.warn('Skipped: a line in a network namespace: this kernel has no veth pairs.');
    const sshd = await startSshd({}, { address: far, netns: name });
    close(() => sshd.stop());
    const remote = await cockpit(sshd, close);
    const netem = run('tc', 'qdisc', 'add', 'dev', `${name}a`, 'root', 'netem', 'delay', '60ms', '30ms', 'loss', '5%');
    if (!netem) console.warn('Skipped: lost and late packets: this kernel has no netem (tc qdisc add ... netem).');
    const box = await remote.connect(sshd.target, 'one');
    const content = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7) % 253));
    await box.put([{ path: 'in/file', content }]);
    const [file] = await box.list(['in/**']);
    expect(file?.bytes).toBe(content.length);
    // Half-open: this end believes in the line, the other end is not there; no packet says so.
    const waiting = failureOf(box.exec('sleep 100', { timeout_ms: 90_000 }));
    inside('ip', 'link', 'set', `${name}b`, 'down');
    expect(await waiting).toBe('lost');
    expect(['refused', 'timeout']).toContain(await failureOf(remote.connect(sshd.target, 'one')));
    inside('ip', 'link', 'set', `${name}b`, 'up');
    const again = await remote.connect(sshd.target, 'one');
    expect(await again.list(['in/**'])).toEqual([file]);
  }, 120_000);
});
