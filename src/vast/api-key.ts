/** Where the account key comes from. It is read where it lies, never copied and never written. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MarketError } from '../core/ports.ts';

export interface FoundKey {
  key: string;
  /** `VAST_API_KEY`, or the file's path: fit to be shown. */
  source: string;
}

/**
 * Looks for the key as the official CLI does: VAST_API_KEY, then the 2FA session's key, then the key file, then the
 * legacy one; last the one that the first run kept (`own`). null when there is none. Rejects with `no_key` when a file is there and cannot be read.
 */
export async function findApiKey({ env, home, own }: { env: Readonly<Record<string, string | undefined>>; home: string; own?: string }): Promise<FoundKey | null> {
  const fromEnv = env['VAST_API_KEY']?.trim();
  if (fromEnv) return { key: fromEnv, source: 'VAST_API_KEY' };
  const config = join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'vastai');
  for (const source of [join(config, 'vast_tfa_key'), join(config, 'vast_api_key'), join(home, '.vast_api_key'), ...(own === undefined ? [] : [own])]) {
    const key = (await readIfThere(source))?.trim();
    if (key) return { key, source };
  }
  return null;
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new MarketError('no_key', `The Vast API key in ${path} cannot be read (${code}). Make the file readable, or set VAST_API_KEY.`);
  }
}
