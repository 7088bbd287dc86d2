/** Two owners of one run's box, against a real sshd: the one that slept while the other took over is refused, whatever it asks. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClock } from '../../src/clock.ts';
import { RemoteError, type Box, type Remote } from '../../src/core/ports.ts';
import { createRemote } from '../../src/remote/index.ts';
import { has } from '../needs.ts';
import { startSshd, type TestSshd } from './sshd.ts';

const wire = createClock();
let sshd: TestSshd;
let dir: string;
let remotes: Remote[];

beforeAll(async () => {
  sshd = await startSshd();
  dir = await mkdtemp(join(tmpdir(), 'vastsit-owner-'));
  remotes = [7, 20, undefined].map((owner) => createRemote({ dir, wire, ...(owner !== undefined && { owner }) }));
  await sshd.authorize((await remotes[0]?.publicKey()) ?? '');
});
afterAll(async () => {
  for (const remote of remotes) await remote.closeAll();
  await sshd.stop();
  await rm(dir, { recursive: true, force: true });
});

describe.skipIf(!has('sshd', 'procps'))('an owner of the past', () => {
  test('finds every command refused once a newer one has spoken, and a looker is asked for nothing', async () => {
    const [older, newer, looker] = (await Promise.all(remotes.map((remote) => remote.connect(sshd.target, 'a-run')))) as [Box, Box, Box];
    const said = async (box: Box): Promise<string> => (await box.exec('echo $((1 + 1))', { timeout_ms: 9_000 })).stdout.trim();
    const failure = async (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'no failure', (error: unknown) => (error instanceof RemoteError ? error.failure : error));
    expect(await said(older)).toBe('2');
    const { pid } = await older.start({ run: 'a-run', attempt: 1, command: 'sleep 60', lease: { seconds: 60, grace_s: 60, then: 'nothing' } });
    expect(pid).toBeGreaterThan(0);
    // The newer one's first command is what the box remembers.
    expect(await said(newer)).toBe('2');
    const late = [
      older.exec('rm -rf .', { timeout_ms: 9_000 }),
      older.put([{ path: 'x', content: Buffer.from('x') }]),
      older.list(['**']),
      older.start({ run: 'a-run', attempt: 2, command: 'true', lease: { seconds: 60, grace_s: 60, then: 'stop' } }),
      older.stopTraining({ run: 'a-run', attempt: 1, grace_s: 1 }),
      older.renewLease({ run: 'a-run', attempt: 1, seconds: 60 }),
      older.probe({ run: 'a-run', attempt: 1 }),
    ];
    expect(await Promise.all(late.map(failure))).toEqual(late.map(() => 'fenced'));
    expect((await newer.probe({ run: 'a-run', attempt: 1 })).alive).toBe(true);
    expect(await said(looker)).toBe('2');
    await newer.stopTraining({ run: 'a-run', attempt: 1, grace_s: 1 });
  });
});
