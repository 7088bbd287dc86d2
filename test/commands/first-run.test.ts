/** The first screen of all, in a real terminal: what is typed there is seen by nobody. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { build } from 'esbuild';
import { mkdtempSync, rmSync } from 'node:fs';
import { openTerminal, type Seen } from '../cockpit/terminal.ts';
import { tempDirs } from '../journal/temp.ts';

const fresh = tempDirs();
const KEY = 'canary0123456789abcdefWXYZ';
let bundle: string;
let seen: Seen;
beforeAll(async () => {
  bundle = mkdtempSync(join(resolve('node_modules'), '.first-run-'));
  const contents = `import { firstRun } from './src/commands/first-run.ts';
const io = { out: (line) => console.log(line), talk: () => undefined };
const how = await firstRun(io, process.env, { stdin: process.stdin, write: (text) => void process.stdout.write(text) });
console.log('went on:', how);`;
  await build({ stdin: { contents, resolveDir: process.cwd(), loader: 'ts' }, outfile: join(bundle, 'first-run.mjs'), bundle: true, format: 'esm', platform: 'node', packages: 'external', logLevel: 'error' });
}, 60_000);
afterEach(() => seen.dispose());
afterAll(() => rmSync(bundle, { recursive: true, force: true }));

function start(env: Record<string, string> = {}): string {
  const home = fresh();
  // Nothing listens there: the doctor says so, and goes on.
  seen = openTerminal(join(bundle, 'first-run.mjs'), [], { columns: 100, rows: 40 }, { HOME: home, VASTSIT_HOME: join(home, 'own'), VAST_URL: 'http://127.0.0.1:9', ...env });
  return join(home, 'own', 'vast_api_key');
}

describe('the first run', () => {
  it('takes a pasted key without showing it, keeps it for its owner alone, and says what else is missing', async () => {
    const file = start();
    await seen.until(/finds no Vast\.ai key[\s\S]*1, 2, 3 or q: /);
    seen.press('1');
    await seen.until(/The key, then Enter/);
    seen.press('short\r');
    await seen.until(/That is no Vast key/);
    expect(existsSync(file)).toBe(false);
    seen.press('1');
    seen.press(`\x1b[200~${KEY}\x1b[201~\r`);
    await seen.until(/The key that ends in …WXYZ is kept[\s\S]*market[\s\S]*Any key opens the cockpit all the same/, 20_000);
    expect(seen.raw()).not.toContain('canary');
    expect(readFileSync(file, 'utf8').trim()).toBe(KEY);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    seen.press('x');
    await seen.until(/went on: ready/);
  });

  it.each([['3', 'demo'], ['q', 'quit'], ['\x03', 'quit']])('%j leads to %s', async (key, how) => {
    start();
    await seen.until(/1, 2, 3 or q: /);
    seen.press('2');
    await seen.until(/There is no key yet/);
    seen.press(key);
    await seen.until(new RegExp(`went on: ${how}`));
  });

  it('asks nothing where there is a key', async () => {
    start({ VAST_API_KEY: KEY });
    await seen.until(/went on: ready/);
    expect(seen.raw()).not.toContain('1, 2, 3');
  });
});
