import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findApiKey } from '../../src/vast/index.ts';
import { failureOf } from './server.ts';

async function homeWith(files: Record<string, string>): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'vast-key-'));
  onTestFinished(() => rm(home, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await writeFile(join(home, path), content);
  }
  return home;
}

const FILES = { '.config/vastai/vast_tfa_key': 'tfa\n', '.config/vastai/vast_api_key': 'plain\n', '.vast_api_key': 'legacy\n' };
const without = (...names: string[]) => Object.fromEntries(Object.entries(FILES).filter(([path]) => !names.some((name) => path.endsWith(name))));

describe('findApiKey', () => {
  it.each([
    ['the environment first', FILES, { VAST_API_KEY: ' env ' }, 'env', 'VAST_API_KEY'],
    ['the 2FA session before the plain key', FILES, {}, 'tfa', '.config/vastai/vast_tfa_key'],
    ['the key file', without('vast_tfa_key'), { VAST_API_KEY: '' }, 'plain', '.config/vastai/vast_api_key'],
    ['the key file when the session file is empty', { ...FILES, '.config/vastai/vast_tfa_key': '\n' }, {}, 'plain', '.config/vastai/vast_api_key'],
    ['the legacy file last', { '.vast_api_key': 'legacy\n' }, {}, 'legacy', '.vast_api_key'],
  ])('takes %s, and writes nothing', async (_what, files, env, key, source) => {
    const home = await homeWith(files);
    const before = await readdir(home, { recursive: true });
    expect(await findApiKey({ env, home })).toEqual({ key, source: source === 'VAST_API_KEY' ? source : join(home, source) });
    expect(await readdir(home, { recursive: true })).toEqual(before);
  });

  it('looks where XDG_CONFIG_HOME points', async () => {
    const home = await homeWith({ ...FILES, 'xdg/vastai/vast_api_key': 'elsewhere' });
    expect(await findApiKey({ env: { XDG_CONFIG_HOME: join(home, 'xdg') }, home })).toEqual({ key: 'elsewhere', source: join(home, 'xdg/vastai/vast_api_key') });
  });

  it('finds nothing in an empty home', async () => {
    expect(await findApiKey({ env: {}, home: await homeWith({}) })).toBeNull();
  });

  it('says which file it could not read', async () => {
    const home = await homeWith({ '.config/vastai/vast_api_key/inner': 'a folder in its place' });
    const error = await failureOf(findApiKey({ env: {}, home }));
    expect(error.failure).toBe('no_key');
    expect(error.message).toContain('EISDIR');
  });
});
