/** What an upload consists of: one list of regular files, however it was asked for. */
import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Box } from '../core/ports.ts';
import { relativePath } from '../core/quote.ts';
import type { TarEntry } from './tar.ts';

const SKIPPED = new Set(['.git', 'node_modules']);

/**
 * Expands folders into files; later entries win over earlier ones of the same path. Links that lead out of their folder,
 * sockets, devices, .git and node_modules are left out. Throws RangeError on a path that could lead outside the run's directory.
 */
export async function gather(files: Parameters<Box['put']>[0]): Promise<TarEntry[]> {
  const entries = new Map<string, TarEntry>();
  for (const { path, content, secret, executable } of files) {
    const target = relativePath(path);
    const mode = (ownBit: boolean) => (secret ? 0o600 : 0o644) | (ownBit ? (secret ? 0o100 : 0o111) : 0);
    if (content instanceof Uint8Array) {
      if (target === '') throw new RangeError('a file needs a name below the run\'s directory');
      entries.set(target, { path: target, bytes: content.length, mode: mode(executable === true), open: () => once(content) });
      continue;
    }
    const root = await realpath(content.local);
    for (const file of await walk(root, root, [])) {
      const name = relativePath(file.below === '' ? target : `${target}/${file.below}`);
      if (name === '') throw new RangeError('a file needs a name below the run\'s directory');
      entries.set(name, { path: name, bytes: file.bytes, mode: mode(executable ?? file.executable), open: () => createReadStream(file.path) });
    }
  }
  return [...entries.values()];
}

interface Found {
  path: string;
  below: string;
  bytes: number;
  executable: boolean;
}

async function walk(root: string, path: string, above: readonly string[], below = ''): Promise<Found[]> {
  // A broken link has no real path, and nothing to send.
  const real = await realpath(path).catch(() => null);
  if (real === null || (real !== root && !real.startsWith(root + sep)) || above.includes(real)) return [];
  const facts = await stat(real);
  if (facts.isFile()) return [{ path: real, below, bytes: facts.size, executable: (facts.mode & 0o100) !== 0 }];
  if (!facts.isDirectory()) return [];
  const found: Found[] = [];
  for (const name of (await readdir(real)).sort()) {
    if (!SKIPPED.has(name)) found.push(...(await walk(root, join(real, name), [...above, real], below === '' ? name : `${below}/${name}`)));
  }
  return found;
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  if (content.length > 0) yield content;
}
