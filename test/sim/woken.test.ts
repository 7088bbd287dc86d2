/** A box that was stopped and is started again has nobody on it: its own onstart must take up the lease, before any cockpit speaks. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ONSTART } from '../../src/agents/effects/market.ts';
import { createClock } from '../../src/clock.ts';
import type { Remote } from '../../src/core/ports.ts';
import { createRemote } from '../../src/remote/index.ts';
import { has } from '../needs.ts';
import { rent, running, until, world, type World } from './helpers.ts';

let w: World;
let remote: Remote;
beforeAll(async () => {
  w = await world({ beat: '1s' });
  remote = createRemote({ dir: `${w.dir}/state`, wire: createClock() });
});
afterAll(async () => {
  await remote.closeAll();
  await w.close();
});

it.skipIf(!has('curl'))('ends its billing by itself however often it is woken, and never by the deadline that it had before', async () => {
  const { id } = await rent(w, { onstart: ONSTART });
  await w.ask('POST', `/api/v0/instances/${id}/ssh/`, { ssh_key: await remote.publicKey() });
  const connect = async () => remote.connect({ instance: id, endpoints: [{ host: '127.0.0.1', port: await running(w, id), via: 'direct' }], user: 'root' }, 'demo');
  const stopped = () => until(() => w.sim.instances().find((one) => one.id === id)?.actual_status === 'exited', 'that it stops itself');
  const wake = () => w.ask('PUT', `/api/v0/instances/${id}/`, { state: 'running' });

  const box = await connect();
  await box.start({ run: 'demo', attempt: 1, command: 'true', lease: { seconds: 2, grace_s: 0, then: 'stop' } });
  await box.close();
  await stopped();
  // Woken, and nobody comes: this is what a wake before a crash of the cockpit leaves.
  await wake();
  await running(w, id);
  await stopped();
  // Woken, and somebody comes in time: the lease is the new one, and its end is the new one's.
  await wake();
  const again = await connect();
  await again.renewLease({ run: 'demo', attempt: 1, seconds: 600 });
  const [expires, now] = (await again.exec('cut -d" " -f1 .vastsit/lease; date +%s; sleep 4', { timeout_ms: 20_000 })).stdout.trim().split('\n').map(Number);
  expect((expires ?? 0) - (now ?? 0)).toBeGreaterThan(590);
  expect((await again.exec('grep -c "asking for stop" .vastsit/sentinel.log', { timeout_ms: 5_000 })).stdout.trim()).toBe('2');
  expect(w.sim.instances().find((one) => one.id === id)).toMatchObject({ actual_status: 'running' });
}, 90_000);
