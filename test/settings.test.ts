import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, readSettings, SettingsError, stateDir } from '../src/settings.ts';
import { tempDirs } from './journal/temp.ts';

const fresh = tempDirs();
const write = (dir: string, value: unknown): void => writeFileSync(join(dir, 'settings.json'), typeof value === 'string' ? value : JSON.stringify(value));

describe('settings', () => {
  it('are the defaults where there is no file, and write none', () => {
    const home = join(fresh(), 'new');
    expect(readSettings({ env: { VASTSIT_HOME: home } })).toEqual(DEFAULT_SETTINGS);
    expect(readdirSync(home)).toEqual([]);
    expect(statSync(home).mode & 0o777).toBe(0o700);
  });

  it('are read from VASTSIT_HOME, or from the directory that is named', () => {
    const home = fresh();
    const other = fresh();
    write(home, { theme: 'nord' });
    write(other, { api_url: 'http://127.0.0.1:8080/' });
    expect(readSettings({ env: { VASTSIT_HOME: home } })).toEqual({ ...DEFAULT_SETTINGS, theme: 'nord' });
    expect(readSettings({ env: { VASTSIT_HOME: home }, cwd: other })).toEqual({ ...DEFAULT_SETTINGS, api_url: 'http://127.0.0.1:8080' });
  });

  it('take plain lines, the mouse and keys of one\'s own', () => {
    const cwd = fresh();
    write(cwd, { plain: true, mouse: false, keys: { hold: ['x', 'ctrl-k'] } });
    expect(readSettings({ cwd })).toEqual({ ...DEFAULT_SETTINGS, plain: true, mouse: false, keys: { hold: ['x', 'ctrl-k'] } });
  });

  it.each([
    ['theme', { theme: '../../etc/passwd' }],
    ['theme', { theme: 7 }],
    ['api_url', { api_url: 'http://vast.example' }],
    ['api_url', { api_url: 'https://user:pass@vast.example' }],
    ['api_url', { api_url: 'file:///etc/passwd' }],
    ['plain', { plain: 'yes' }],
    ['mouse', { mouse: 1 }],
    ['keys', { keys: { hold: 'H' } }],
    ['keys', { keys: { hold: [] } }],
    ['keys', { keys: ['H'] }],
    ['additional', { api_key: 'canary-value' }],
  ])('name the field at fault: %s %o', (field, value) => {
    const cwd = fresh();
    write(cwd, value);
    expect(() => readSettings({ cwd })).toThrow(SettingsError);
    expect(() => readSettings({ cwd })).toThrow(field);
    expect(() => readSettings({ cwd })).toThrow(cwd);
    expect(() => readSettings({ cwd })).not.toThrow('canary');
  });

  it('do not quote a file that is no JSON: a key may have been pasted there', () => {
    const cwd = fresh();
    write(cwd, 'canary-value');
    expect(() => readSettings({ cwd })).toThrow(/it is not JSON.*Correct the file/);
    expect(() => readSettings({ cwd })).not.toThrow('canary');
  });

  it('are the defaults where no directory can be made', () => {
    const dir = fresh();
    writeFileSync(join(dir, 'file'), '');
    expect(readSettings({ cwd: join(dir, 'file', 'below') })).toEqual(DEFAULT_SETTINGS);
  });
});

describe('the state directory', () => {
  it.skipIf(process.platform === 'win32').each([
    [{ VASTSIT_HOME: '/v', XDG_STATE_HOME: '/x' }, 'linux', '/v'],
    [{ XDG_STATE_HOME: '/x' }, 'linux', '/x/vastsit-tui'],
    [{ XDG_STATE_HOME: 'relative' }, 'linux', '/home/me/.local/state/vastsit-tui'],
    [{ VASTSIT_HOME: '' }, 'freebsd', '/home/me/.local/state/vastsit-tui'],
    [{ XDG_STATE_HOME: '/x' }, 'darwin', '/home/me/Library/Application Support/vastsit-tui'],
    [{ LOCALAPPDATA: '/l' }, 'win32', '/l/vastsit-tui'],
    [{}, 'win32', '/home/me/AppData/Local/vastsit-tui'],
  ] as const)('%o on %s is %s', (env, platform, dir) => {
    expect(stateDir(env, platform, '/home/me')).toBe(dir);
    expect(existsSync(dir)).toBe(false);
  });

  it('is absolute also when VASTSIT_HOME is not', () => {
    expect(stateDir({ VASTSIT_HOME: 'here' }, 'linux', '/home/me')).toBe(join(process.cwd(), 'here'));
  });
});
