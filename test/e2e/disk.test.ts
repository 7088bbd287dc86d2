/** A state directory that cannot hold anything, for real: words that say what to do, no hang, and nothing lost. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BIN, createPlace, type Place } from './program.ts';
import { quickMarket, writeTraining, type QuickMarket } from './quick.ts';

let market: QuickMarket;
let place: Place;
beforeEach(async () => {
  market = await quickMarket();
  place = createPlace(market.env);
  writeTraining(place, 'short', 3);
});
afterEach(async () => {
  place.dispose();
  await market.close();
});

/** Why what a test needs is not here, told; null when it is. */
function here(reason: string | null): boolean {
  if (reason !== null) console.warn(`Skipped: ${reason}.`);
  return reason === null;
}
const runs = (command: string, ...args: string[]): boolean => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const isRoot = process.getuid?.() === 0;

it.skipIf(process.platform !== 'linux')('under /proc, where Node would make folders for ever: refused at once', async () => {
  const env = { VASTSIT_HOME: '/proc/vastsit' };
  expect(await place.run(['--detach'], { env })).toMatchObject({ code: 9, out: '', err: expect.stringMatching(/background\.log cannot be written \(ENOENT\).*set VASTSIT_HOME/) as string });
  expect(await place.run(['launch', 'short.yaml'], { env })).toMatchObject({ code: 2, err: expect.stringMatching(/Cannot take the lock .*ENOENT.*set VASTSIT_HOME/) as string });
});

it.skipIf(!here(isRoot && !runs('setpriv', '--version') ? 'root may write anywhere, and there is no setpriv (Debian: apt-get install util-linux)' : null))('of which only others may write: told to whoever is not root', () => {
  mkdirSync(place.state);
  chmodSync(place.state, 0o555);
  chmodSync(place.root, 0o755);
  const asNobody = isRoot ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
  const [command = '', ...args] = [...asNobody, process.execPath, BIN, 'launch', 'short.yaml'];
  const done = spawnSync(command, args, { cwd: place.project, env: place.env, encoding: 'utf8' });
  expect({ code: done.status, err: done.stderr }).toEqual({ code: 2, err: expect.stringMatching(/Cannot take the lock .*permission denied \(EACCES\)\. Give your user write access, or set VASTSIT_HOME/) as string });
  chmodSync(place.state, 0o700);
});

it('from a newer version: refused by whoever would write or read it, and left as it is', async () => {
  mkdirSync(place.state);
  const journal = join(place.state, 'journal.jsonl');
  const text = '{"type":"said","actor":"program","run":null,"level":"info","text":"x","v":2,"seq":1,"at":1}\n';
  writeFileSync(journal, text);
  for (const args of [['watch'], ['status'], ['launch', 'short.yaml'], ['--detach']]) {
    expect(await place.run(args), args[0]).toMatchObject({ code: args[0] === '--detach' ? 9 : 2, err: expect.stringMatching(/was written by a newer version of vastsit-tui .*Update vastsit-tui, or set VASTSIT_HOME/) as string });
  }
  expect(readFileSync(journal, 'utf8')).toBe(text);
}, 60_000);
