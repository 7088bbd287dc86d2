/** The sentinel and everything else that runs on a box, under the shells and the tools that boxes have. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClock } from '../../src/clock.ts';
import type { SentinelEvent } from '../../src/core/ports.ts';
import { createRemote } from '../../src/remote/index.ts';
import { has } from '../needs.ts';
import { startSshd, until } from './sshd.ts';

const which = (name: string) => spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
const TOOLS = 'sh awk cat chmod cp cut date dd df dirname find getconf grep head ls mkdir mv nohup od printf ps rm rmdir sed sha256sum sleep sort stat stty tail tar touch tr wc xargs wget'.split(' ');

const kinds: { name: string; there: boolean; path: (dir: string) => Promise<void> }[] = [
  { name: 'bash as sh', there: has('sshd', 'procps', 'bash', 'curl'), path: (dir) => symlink(which('bash'), join(dir, 'sh')) },
  {
    name: 'busybox alone',
    there: has('sshd', 'procps', 'busybox', 'curl'),
    path: async (dir) => {
      const names = spawnSync('busybox', ['--list'], { encoding: 'utf8' }).stdout.split('\n').filter((name) => name !== '');
      await Promise.all(names.map((name) => symlink(which('busybox'), join(dir, name))));
      await symlink(which('curl'), join(dir, 'curl'));
    },
  },
  {
    name: 'neither setsid, timeout, curl nor bash',
    there: has('sshd', 'procps', 'wget'),
    path: async (dir) => {
      await Promise.all(TOOLS.filter((name) => which(name).startsWith('/')).map((name) => symlink(which(name), join(dir, name))));
    },
  },
];

describe.each(kinds)('a box with $name', ({ name, there, path }) => {
  const clock = createClock();
  const methods: string[] = [];
  const api = createServer((request, response) => {
    methods.push(`${request.method} ${request.headers.authorization}`);
    response.end(JSON.stringify({ instances: { intended_status: methods.some((method) => method.startsWith('PUT')) ? 'stopped' : 'running' } }));
  });
  let dir: string;
  let sshd: Awaited<ReturnType<typeof startSshd>>;
  let remote: ReturnType<typeof createRemote>;

  beforeAll(async () => {
    if (!there) return;
    dir = await mkdtemp(join(tmpdir(), 'vastsit-shell-'));
    await mkdir(join(dir, 'bin'));
    await path(join(dir, 'bin'));
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    const address = api.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const whole = name.startsWith('bash') ? `${join(dir, 'bin')}:${process.env.PATH}` : join(dir, 'bin');
    sshd = await startSshd({ PATH: whole, VASTSIT_BEAT: '0.3', CONTAINER_API_KEY: 'k', CONTAINER_ID: '7', VAST_URL: `http://127.0.0.1:${port}` });
    remote = createRemote({ dir: join(dir, 'ssh'), wire: clock });
    await sshd.authorize(await remote.publicKey());
  });

  afterAll(async () => {
    await remote?.closeAll();
    await sshd?.stop();
    api.close();
    if (dir) await rm(dir, { recursive: true, force: true });
  });

  test.skipIf(!there)('carries files, starts, pushes, probes, stops and ends the billing', async () => {
    const box = await remote.connect(sshd.target, 'r');
    const content = Buffer.from('x'.repeat(100_000));
    await box.put([{ path: 'a folder/it\'s.bin', content }, { path: `${'deep/'.repeat(25)}f`, content }]);
    const facts = await box.list(['**']);
    expect(facts.map((fact) => fact.bytes)).toEqual([100_000, 100_000]);
    for (const [i, fact] of facts.entries()) await box.fetch(fact, join(dir, `home.${i}`));
    expect(readFileSync(join(dir, 'home.0')).equals(content)).toBe(true);

    const { pid } = await box.start({ run: 'r', attempt: 1, command: 'echo up; sleep 200 & sleep 201; wait', lease: { seconds: 2, grace_s: 0, then: 'stop' } });
    const events: SentinelEvent[] = [];
    await box.follow({ run: 'r', attempt: 1, offset: 0 }, (event) => events.push(event));
    await until(() => events.some((event) => event.type === 'log'), 'the log');
    await until(() => events.some((event) => event.type === 'heartbeat' && event.alive), 'a heartbeat');
    expect(await box.probe({ run: 'r', attempt: 1 })).toMatchObject({ alive: true, log_bytes: 3, exit: null });
    await box.stopTraining({ run: 'r', attempt: 1, grace_s: 2 });
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    await until(() => events.some((event) => event.type === 'exit'), 'the exit event');
    expect(events.find((event) => event.type === 'exit')).toMatchObject({ exit_code: 143, signal: 'TERM' });
    await until(() => methods.some((method) => method === 'PUT Bearer k'), 'the end of the billing', 15_000);
    await until(() => readFileSync(join(sshd.home, 'vastsit/r/.vastsit/sentinel.log'), 'utf8').includes('confirmed: stop'), 'the read back');
    expect(await box.probe({ run: 'r', attempt: 1 })).toMatchObject({ alive: false, exit: { signal: 'TERM' } });
    await box.close();
  });
});
