import { createHash, pbkdf2, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClock } from '../../src/clock.ts';
import { RemoteError, type Box, type Remote } from '../../src/core/ports.ts';
import { createRemote } from '../../src/remote/index.ts';
import { has } from '../needs.ts';
import { freePort, startSshd, until, type TestSshd } from './sshd.ts';

const here = has('sshd', 'procps');
const clock = createClock();
let sshd: TestSshd;
let dir: string;
let remote: Remote;
let box: Box;

beforeAll(async () => {
  sshd = await startSshd();
  // A blank in the path, as in macOS's own folders.
  dir = await mkdtemp(join(tmpdir(), 'vastsit state '));
  remote = createRemote({ dir: join(dir, 'ssh'), wire: clock });
  await sshd.authorize(await remote.publicKey());
  box = await remote.connect(sshd.target, 'first-run');
});

afterAll(async () => {
  await remote?.closeAll();
  await sshd?.stop();
  await rm(dir, { recursive: true, force: true });
});

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const failure = async (promise: Promise<unknown>) => promise.then(() => 'no failure', (error: unknown) => (error instanceof RemoteError ? error.failure : error));

describe.skipIf(!here)('the key', () => {
  test('is ed25519, ours alone, and stays the same', async () => {
    expect(await remote.publicKey()).toMatch(/^ssh-ed25519 [A-Za-z0-9+/=]+ vastsit-tui$/);
    expect((await stat(join(dir, 'ssh'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(dir, 'ssh', 'id_ed25519'))).mode & 0o777).toBe(0o600);
    const again = createRemote({ dir: join(dir, 'ssh'), wire: clock });
    expect(await again.publicKey()).toBe(await remote.publicKey());
  });

  test('is one key when two programs start together', async () => {
    const both = [1, 2].map(() => createRemote({ dir: join(dir, 'race'), wire: clock }).publicKey());
    const [a, b] = await Promise.all(both);
    expect(a).toBe(b);
  });
});

describe.skipIf(!here)('connect', () => {
  test('tells a closed port, a refused key and a changed host key apart', async () => {
    const closed = { ...sshd.target, instance: 1, endpoints: [{ host: '127.0.0.1', port: await freePort(), via: 'direct' as const }] };
    expect(await failure(remote.connect(closed, 'r'))).toBe('refused');

    const stranger = createRemote({ dir: join(dir, 'stranger'), wire: clock });
    expect(await failure(stranger.connect(sshd.target, 'r'))).toBe('auth');
    await stranger.closeAll();

    const other = await startSshd();
    await other.authorize(await remote.publicKey());
    const seen = await remote.connect({ ...other.target, instance: 77 }, 'r');
    await seen.close();
    await other.changeHostKey();
    const changed = remote.connect({ ...other.target, instance: 77 }, 'r');
    expect(await failure(changed)).toBe('host_key_changed');
    await expect(changed).rejects.toThrow(/known_hosts\.77/);
    await other.stop();
  });

  test('gives up on a server that accepts and says nothing', async () => {
    const mute = createServer();
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const address = mute.address();
    const hasty = createRemote({ dir: join(dir, 'ssh'), wire: createClock(40) });
    const endpoint = { host: '127.0.0.1', port: address !== null && typeof address === 'object' ? address.port : 0, via: 'direct' as const };
    expect(await failure(hasty.connect({ ...sshd.target, instance: 2, endpoints: [endpoint] }, 'r'))).toBe('timeout');
    await hasty.closeAll();
    mute.close();
  });

  test('goes on to the next endpoint, direct ones first, and says which it took', async () => {
    const [live] = sshd.target.endpoints;
    const proxied = { host: '127.0.0.1', port: live?.port ?? 0, via: 'proxy' as const };
    const dead = { host: '127.0.0.1', port: await freePort(), via: 'direct' as const };
    const via = await remote.connect({ ...sshd.target, endpoints: [proxied, dead] }, 'r');
    expect(via.sshCommand()).toContain('HostKeyAlias=vastsit-4242-proxy');
    expect(via.sshCommand()).toContain(String(proxied.port));
    await via.close();
    expect(await failure(via.exec('true', { timeout_ms: 5_000 }))).toBe('lost');
  });

  test('says in one sentence that ssh is missing', async () => {
    const none = createRemote({ dir: join(dir, 'ssh'), wire: clock, sshPath: '/nonexistent/ssh' });
    const attempt = none.connect(sshd.target, 'r');
    expect(await failure(attempt)).toBe('ssh_missing');
    await none.closeAll();
  });

  test('keeps tmux from swallowing later commands', async () => {
    expect((await stat(join(sshd.home, '.no_auto_tmux'))).isFile()).toBe(true);
  });

  test('refuses what could be taken for an option', async () => {
    const odd = { ...sshd.target, endpoints: [{ host: '-oProxyCommand=id', port: 1, via: 'direct' as const }] };
    await expect(remote.connect(odd, 'r')).rejects.toThrow(RangeError);
    await expect(remote.connect(sshd.target, '../r')).rejects.toThrow(RangeError);
  });
});

describe.skipIf(!here)('exec', () => {
  test.each([
    ['true', 0],
    ['exit 1', 1],
    ['exit 255', 255],
    ['kill -9 $$', 137],
  ])('%s gives %i', async (command, code) => {
    expect((await box.exec(command, { timeout_ms: 10_000 })).exit_code).toBe(code);
  });

  test('keeps stdout, stderr and stdin apart and runs in the run\'s directory', async () => {
    const result = await box.exec('cat; pwd; printf "no newline" >&2', { timeout_ms: 10_000, stdin: 'from home\n' });
    expect(result).toEqual({ exit_code: 0, stdout: `from home\n${sshd.home}/vastsit/first-run\n`, stderr: 'no newline' });
  });

  test('ends the command on the box at its deadline', async () => {
    const began = clock.now();
    const result = await box.exec('echo begun; sleep 31.7', { timeout_ms: 2_000 });
    expect(result.exit_code).toBe(124);
    expect(result.stdout).toBe('begun\n');
    expect(clock.now() - began).toBeLessThan(6_000);
    await until(async () => (await box.exec('pgrep -f "^sleep 31.7$"', { timeout_ms: 5_000 })).exit_code !== 0, 'the remote command is dead');
  });

  test('returns by its deadline from a command that will not die', async () => {
    const began = clock.now();
    expect(await failure(box.exec('trap "" TERM; while :; do sleep 1; done', { timeout_ms: 1_500 }))).toBe('timeout');
    expect(clock.now() - began).toBeLessThan(4_000);
  });

  test('does not wait for what the command left in the background', async () => {
    const began = clock.now();
    const result = await box.exec('sleep 20 & echo $!', { timeout_ms: 15_000 });
    expect(result.exit_code).toBe(0);
    expect(clock.now() - began).toBeLessThan(8_000);
    await box.exec(`kill ${result.stdout.trim()}`, { timeout_ms: 5_000 });
  });

  test('answers ten at once, each its own', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => box.exec(`sleep 0.2; echo ${i}`, { timeout_ms: 15_000 })));
    expect(answers.map((answer) => answer.stdout.trim())).toEqual(Array.from({ length: 10 }, (_, i) => String(i)));
  });

  test('says lost when the line dies under it', async () => {
    const others = sshd.connections();
    const doomed = await remote.connect(sshd.target, 'doomed');
    const [mine] = sshd.connections().filter((pid) => !others.includes(pid));
    const answer = failure(doomed.exec('touch begun; sleep 30', { timeout_ms: 15_000 }));
    await until(() => existsSync(join(sshd.home, 'vastsit/doomed/begun')), 'the command runs');
    process.kill(mine ?? 0, 'SIGKILL');
    expect(await answer).toBe('lost');
    // Until this end has noticed, ssh may make a connection of its own for a command; after that nothing is sent.
    await until(async () => (await failure(doomed.exec('true', { timeout_ms: 5_000 }))) === 'lost', 'the connection is known to be lost');
    await doomed.close();
  });
});

test.skipIf(!here)('a network that goes quiet is a timeout for commands and a lost line for transfers, and what came home is used again', async () => {
  // A minute of patience passes in a second; the frozen end is a real one.
  const hasty = createRemote({ dir: join(dir, 'ssh'), wire: createClock(60) });
  let others: number[] = [];
  // Its patience with a connection passes as fast, which a busy machine may need more than once.
  const connect = async (tries: number): Promise<Box> => {
    others = sshd.connections();
    return hasty.connect(sshd.target, 'quiet').catch((error: unknown) => (tries > 1 ? connect(tries - 1) : Promise.reject(error as Error)));
  };
  const frozen = await connect(20);
  const mine = sshd.connections().filter((pid) => !others.includes(pid));
  const content = randomBytes(300_000);
  await frozen.put([{ path: 'model', content }]);
  const [fact] = await frozen.list(['model']);
  if (!fact) throw new Error('not listed');
  const local = join(dir, 'quiet.bin');
  await writeFile(`${local}.partial`, content.subarray(0, 100_000));
  const session = mine.flatMap((pid) => [pid, ...sshd.children(pid)]);
  for (const pid of session) process.kill(pid, 'SIGSTOP');
  expect(await failure(frozen.exec('true', { timeout_ms: 60_000 }))).toBe('timeout');
  expect(await failure(frozen.fetch(fact, local))).toBe('lost');
  expect((await stat(`${local}.partial`)).size).toBe(100_000);
  for (const pid of session) process.kill(pid, 'SIGCONT');
  await hasty.closeAll();
  const again = await remote.connect(sshd.target, 'quiet');
  await again.fetch(fact, local);
  expect(sha256(await readFile(local))).toBe(sha256(content));
  await again.close();
});

describe.skipIf(!here)('files', () => {
  const big = randomBytes(5 * 1024 * 1024);
  const odd = ["it's a 'name'", 'a "quoted" $HOME `id`', 'größe 模型.bin', '-dash', 'back\\slash', `${'long/'.repeat(30)}file`];

  test('travel there and back unchanged, whatever their names', async () => {
    const sent = await box.put([
      { path: 'out/big.bin', content: big },
      { path: 'out/empty', content: new Uint8Array() },
      ...odd.map((path) => ({ path: `out/${path}`, content: Buffer.from(path) })),
      { path: '.vastsit/env.sh', content: Buffer.from('TOKEN=hidden\n'), secret: true },
      { path: 'tool.sh', content: Buffer.from('#!/bin/sh\necho ran\n'), executable: true },
    ]);
    expect(sent.bytes).toBeGreaterThan(big.length);
    await box.exec('ln -s out/big.bin link; printf x > "$(printf "out/two\\nlines")"', { timeout_ms: 5_000 });
    expect((await box.exec('./tool.sh; stat -c %a .vastsit/env.sh', { timeout_ms: 5_000 })).stdout).toBe('ran\n600\n');
    const facts = await box.list(['out/**', 'link', '.vastsit/*']);
    const paths = facts.map((fact) => fact.path).filter((path) => path.startsWith('out/'));
    expect(paths.sort()).toEqual(['out/big.bin', 'out/empty', ...odd.map((path) => `out/${path}`)].sort());
    expect(facts.some((fact) => fact.path === 'link' || fact.path.includes('env.sh'))).toBe(false);
    for (const fact of facts) await box.fetch(fact, join(dir, 'home', fact.path));
    expect(sha256(await readFile(join(dir, 'home/out/big.bin')))).toBe(sha256(big));
    for (const path of odd) expect(await readFile(join(dir, 'home/out', path), 'utf8')).toBe(path);
    expect(await box.list(['nothing/*'])).toEqual([]);
  });

  test('come as whole folders, without links that lead out, .git and node_modules', async () => {
    const folder = join(dir, 'code');
    await mkdir(join(folder, 'pkg/node_modules'), { recursive: true });
    await mkdir(join(folder, '.git'));
    await Promise.all(['train.py', 'pkg/a.py', 'pkg/node_modules/x', '.git/config'].map((path) => writeFile(join(folder, path), path)));
    await symlink('train.py', join(folder, 'inside'));
    await symlink('/etc/hostname', join(folder, 'outside'));
    await symlink('..', join(folder, 'pkg/loop'));
    await box.put([{ path: 'code', content: { local: folder } }]);
    expect((await box.list(['code/**'])).map((fact) => fact.path).sort()).toEqual(['code/inside', 'code/pkg/a.py', 'code/train.py']);
  });

  test('are resumed from a partial copy', async () => {
    const [fact] = await box.list(['out/big.bin']);
    if (!fact) throw new Error('not listed');
    const local = join(dir, 'resumed.bin');
    await writeFile(`${local}.partial`, big.subarray(0, 4_000_001));
    await box.fetch(fact, local);
    expect(sha256(await readFile(local))).toBe(fact.sha256);
  });

  test('lose no byte while this end is too busy to open a file', async () => {
    await box.exec('mkdir -p out; printf small > out/small', { timeout_ms: 5_000 });
    const [fact] = await box.list(['out/small']);
    if (!fact) throw new Error('not listed');
    let home = false;
    // The threads that open files have more to do, for longer than a small file's way home.
    const busy = Array.from({ length: 8 }, async () => {
      while (!home) await promisify(pbkdf2)('a', 'b', 150_000, 32, 'sha256');
    });
    await box.fetch(fact, join(dir, 'small')).finally(() => (home = true));
    await Promise.all(busy);
    expect(await readFile(join(dir, 'small'), 'utf8')).toBe('small');
  });

  test('that are damaged or changed are refused and not left behind', async () => {
    const [fact] = await box.list(['out/big.bin']);
    if (!fact) throw new Error('not listed');
    const local = join(dir, 'damaged.bin');
    await writeFile(`${local}.partial`, randomBytes(1_000));
    expect(await failure(box.fetch(fact, local))).toBe('integrity');
    await expect(stat(`${local}.partial`)).rejects.toThrow();
    await expect(stat(local)).rejects.toThrow();
    await box.fetch(fact, local);
    expect(await failure(box.fetch({ ...fact, path: 'out/never' }, join(dir, 'never')))).toBe('command');
  });

  test('are never written outside the run\'s directory', async () => {
    await expect(box.put([{ path: '../escape', content: new Uint8Array() }])).rejects.toThrow(RangeError);
    await expect(box.put([{ path: '/etc/escape', content: new Uint8Array() }])).rejects.toThrow(RangeError);
  });
});

test.skipIf(!here)('two boxes that are connected at the same moment stay two boxes', async () => {
  const other = await startSshd();
  try {
    await other.authorize(await remote.publicKey());
    const [here, there] = await Promise.all([remote.connect({ ...sshd.target, instance: 901 }, 'here'), remote.connect({ ...other.target, instance: 902 }, 'there')]);
    const homes = await Promise.all([here, there].map(async (one) => (await one.exec('printf %s "$HOME"', { timeout_ms: 10_000 })).stdout));
    expect(homes).toEqual([sshd.home, other.home]);
  } finally {
    await other.stop();
  }
});
