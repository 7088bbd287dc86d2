/** The dead-man lease: the owner is killed with -9, nobody comes, and the billing ends by itself; whoever comes later is told. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClock } from '../../src/clock.ts';
import { startSim, type Sim } from '../../src/sim/index.ts';
import { bundleFixture } from '../cockpit/bundle.ts';
import { has } from '../needs.ts';
import { createPlace, until, type Place } from './program.ts';
import { writeTraining } from './quick.ts';

/** An hour in a minute: the lease of 15 minutes ends after 15 s. */
const SCALE = 60;
const LEASE_MS = 900_000;
const GRACE_MS = 120_000;
/** The sentinel looks every ten real seconds, and asks for a stop that takes a moment: in the clock's time. */
const LOOKS_MS = 25_000 * SCALE;

let place: Place;
let program: Awaited<ReturnType<typeof bundleFixture>>;
let sim: Sim;
const clock = createClock(SCALE);
const owners: ChildProcess[] = [];

beforeAll(async () => {
  place = createPlace();
  program = await bundleFixture('test/e2e/fast-owner.ts');
  sim = await startSim({ clock, dir: join(place.root, 'market'), scenario: { loading: { provision: '5s', pull: '20s', destroy: '5s', stop: '5s' } } });
});
afterAll(async () => {
  for (const owner of owners) owner.kill('SIGKILL');
  await sim?.close();
  program?.dispose();
  place.dispose();
});

function own(...specs: string[]): ChildProcess {
  const owner = spawn(process.execPath, [program.entry, ...specs], { cwd: place.project, env: { ...place.env, VAST_URL: sim.url, VAST_API_KEY: sim.apiKey, FAST_SCALE: String(SCALE) }, stdio: 'inherit' });
  owners.push(owner);
  return owner;
}
const ended = (owner: ChildProcess): Promise<number | null> => new Promise((resolve) => (owner.exitCode !== null ? resolve(owner.exitCode) : owner.once('exit', resolve)));
const journal = (): { type: string; at: number; lines?: string[] }[] => {
  try {
    return readFileSync(join(place.state, 'journal.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { type: string; at: number });
  } catch {
    return [];
  }
};
const mine = () => sim.instances().find(({ stranger }) => !stranger);

it.skipIf(!has('curl'))('ends the billing within lease and grace, keeps the results, and tells the next owner', async () => {
  // Steps of 12 s of the clock: the training outlives its owner, and ends well before the lease does.
  writeTraining(place, 'orphan', 60, (text) => text.replaceAll('--seconds-per-step 0.2', '--seconds-per-step 6').replace('kill:', `teardown: { idle_grace: ${GRACE_MS / 60_000}m }\nkill:`));
  const owner = own('orphan.yaml');
  await until(() => journal().some(({ type }) => type === 'handed_over'), () => `the first step: ${JSON.stringify(journal().slice(-3))}`, 60_000);
  owner.kill('SIGKILL');
  await ended(owner);
  const died = clock.now();
  expect(mine()).toMatchObject({ actual_status: 'running' });

  await until(() => mine()?.intended_status === 'stopped', () => 'that the sentinel ends it', 90_000);
  const billed = clock.now() - died;
  console.log(`killed with -9; the GPU billed ${Math.round(billed / 1_000)} s of the clock more (lease ${LEASE_MS / 1_000} s + grace ${GRACE_MS / 1_000} s + looks of the sentinel)`);
  // Not before the lease is over, and the training with it.
  expect(billed).toBeGreaterThan(60 * 6_000);
  expect(billed).toBeLessThan(LEASE_MS + GRACE_MS + LOOKS_MS);

  const next = own();
  expect(await ended(next)).toBe(0);
  const told = journal().filter(({ type }) => type === 'sentinel.told').flatMap(({ lines }) => lines ?? []);
  expect(told.join('\n')).toMatch(/lease ran out; asking for stop[\s\S]*confirmed: stop/);
  expect(journal().filter(({ type }) => type === 'sentinel.told')).toHaveLength(1);
  const closed = journal().at(-2);
  expect(closed).toMatchObject({ type: 'run.closed', verdict: 'done' });
  expect(journal().filter(({ type }) => type === 'create.intended' || type === 'start.intended')).toHaveLength(2);
  expect(readFileSync(join(place.project, 'results/orphan/out/model.json'), 'utf8')).toContain('{');
  expect(mine()).toBeUndefined();
}, 180_000);
