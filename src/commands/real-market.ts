/** The market behind the key that this machine has, outside of the loops: for looks that need no journal. */
import { homedir } from 'node:os';
import type { Clock, Market } from '../core/ports.ts';
import { keyFile, readSettings } from '../settings.ts';
import { createVastMarket, findApiKey, type FoundKey } from '../vast/index.ts';

export async function realMarket(env: NodeJS.ProcessEnv, wire: Clock): Promise<{ key: FoundKey | null; market: Market }> {
  const key = await findApiKey({ env, home: env['HOME'] ?? homedir(), own: keyFile(env) });
  return { key, market: createVastMarket({ url: env['VAST_URL'] ?? readSettings({ env }).api_url, apiKey: key?.key ?? null, clock: wire, wire }) };
}
