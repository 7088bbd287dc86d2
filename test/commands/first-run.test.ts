/** The first screen of all, in a real terminal: what is typed there is seen by nobody. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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
const how = await firstRun(io, process.env, { stdin: process.stdin, stdout: process.stdout, write: (text) => void process.stdout.write(text) }, process.argv[2] === 'plain');
console.log('went on:', how);`;
  await build({ stdin: { contents, resolveDir: process.cwd(), loader: 'ts' }, outdir: bundle, entryNames: 'first-run', outExtension: { '.js': '.mjs' }, bundle: true, jsx: 'automatic', format: 'esm', platform: 'node', packages: 'external', logLevel: 'error' });
}, 60_000);
afterEach(() => seen.dispose());
afterAll(() => rmSync(bundle, { recursive: true, force: true }));

function start(env: Record<string, string> = {}, args: string[] = [], size = { columns: 100, rows: 40 }): string {
  const home = fresh();
  // Nothing listens there: the doctor says so, and goes on.
  seen = openTerminal(join(bundle, 'first-run.mjs'), args, size, { HOME: home, VASTSIT_HOME: join(home, 'own'), VAST_URL: 'http://127.0.0.1:9', ...env });
  return join(home, 'own', 'vast_api_key');
}

describe('the first run in lines', () => {
  it('takes a pasted key without showing it, keeps it for its owner alone, and says what else is missing', async () => {
    const file = start({}, ['plain']);
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
    start({}, ['plain']);
    await seen.until(/1, 2, 3 or q: /);
    seen.press('2');
    await seen.until(/There is no key yet/);
    seen.press(key);
    await seen.until(new RegExp(`went on: ${how}`));
  });

  it('is what a dumb terminal gets', async () => {
    start({ TERM: 'dumb' });
    await seen.until(/1, 2, 3 or q: /);
  });

  it('asks nothing where there is a key', async () => {
    start({ VAST_API_KEY: KEY });
    await seen.until(/went on: ready/);
    expect(seen.raw()).not.toContain('1, 2, 3');
  });
});

const [DOWN, ESC, ENTER] = ['\x1b[B', '\x1b', '\r'];

describe('the first screen', () => {
  it('takes a pasted key without showing it, and tells what else is missing, each with its remedy', async () => {
    const file = start();
    await seen.until(/There is no Vast\.ai key[\s\S]*▸ 1 +Paste a Vast key[\s\S]*Try the demo[\s\S]*Esc leaves/);
    expect(await seen.kind()).toBe('alternate');
    seen.press(ENTER);
    await seen.until(/Nobody sees it/);
    seen.press('short' + ENTER);
    await seen.until(/That is no Vast key/);
    expect(existsSync(file)).toBe(false);
    seen.press(`\x1b[200~${KEY}\x1b[201~`);
    await seen.until(/key +\*{26}▏ +26 characters/);
    seen.press(ENTER);
    const rows = await seen.until(/The key that ends in …WXYZ is kept[\s\S]*1 of \d+ is missing[\s\S]*✗ +market[\s\S]*✓ +node[\s\S]*▸ o +Open the cockpit/, 20_000);
    expect(rows.join('\n')).toMatch(/✓ +node[\s\S]*→ /);
    expect(seen.raw()).not.toContain('canary');
    expect(readFileSync(file, 'utf8').trim()).toBe(KEY);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    seen.press(ENTER);
    await seen.until(/went on: ready/);
    expect(await seen.kind()).toBe('normal');
    expect(seen.mouse()).toBe('none');
  });

  it.each<[string, string[], string]>([['3', ['3'], 'demo'], ['the arrows', [DOWN, DOWN, ENTER], 'demo'], ['q', ['q'], 'quit'], ['ctrl-c', ['\x03'], 'quit'], ['esc', [ESC], 'quit']])('%s leads on', async (_name, keys, how) => {
    start();
    await seen.until(/Esc leaves/);
    for (const key of keys) seen.press(key);
    await seen.until(new RegExp(`went on: ${how}`));
    expect(await seen.kind()).toBe('normal');
  });

  it('says so when the CLI has no key, finds it once it has, goes back a step, and hears clicks', async () => {
    const file = start({}, [], { columns: 80, rows: 24 });
    await seen.until(/Esc leaves/);
    seen.press('2');
    await seen.until(/There is no key yet/);
    mkdirSync(join(file, '..', '..', '.config', 'vastai'), { recursive: true });
    writeFileSync(join(file, '..', '..', '.config', 'vastai', 'vast_api_key'), KEY);
    const rows = await seen.screen();
    const row = rows.findIndex((text) => text.includes('official CLI'));
    const click = `\x1b[<0;20;${row + 1}M\x1b[<0;20;${row + 1}m`;
    seen.press(click);
    await seen.until(/▸ 2/);
    seen.press(click);
    await seen.until(/▸ o +Open the cockpit/, 20_000);
    seen.press('\x1b[6~');
    seen.press(ESC);
    await seen.until(/▸ 1/);
    seen.press('q');
    await seen.until(/went on: quit/);
  });

  it('fits into 60x15 and follows a resize', async () => {
    start({}, [], { columns: 60, rows: 15 });
    await seen.until(/▸ 1 +Paste a Vast key/);
    seen.resize(120, 40);
    await seen.until(/Try the demo +two minutes/);
    seen.resize(60, 15);
    await seen.until(/▸ 1 +Paste/);
    expect(seen.raw()).not.toContain('\x1b[3J');
  });
});
