import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { shellCommand } from '../../src/remote/index.ts';

const dir = mkdtempSync(join(tmpdir(), 'vastsit-shell-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const endpoints = [{ host: 'ssh4.vast.ai', port: 12_345, via: 'proxy' as const }, { host: '203.0.113.7', port: 40_022, via: 'direct' as const }];

describe('the command line of a shell', () => {
  it.each<[string, string | null, string, string]>([
    ['where a session was up last', 'root@ssh4.vast.ai', 'root@ssh4.vast.ai', '12345'],
    ['directly, where none was', null, 'root@203.0.113.7', '40022'],
    ['directly, where the old address is gone', 'root@198.51.100.1', 'root@203.0.113.7', '40022'],
  ])('goes %s, with our key, a pinned host and the run\'s directory', async (_name, known, place, port) => {
    const argv = await shellCommand(dir, { instance: 7, user: 'root', endpoints }, 'my-run', known);
    expect(argv.slice(0, 4)).toEqual(['ssh', '-t', '-i', join(dir, 'id_ed25519')]);
    expect(argv).toEqual(expect.arrayContaining([place, port, `UserKnownHostsFile="${dir}/known_hosts.7"`]));
    expect(argv.at(-1)).toBe(`cd "$HOME"/vastsit/'my-run' && exec "\${SHELL:-/bin/sh}" -l`);
  });

  it('takes no name that is not a run\'s, and says when there is no address', async () => {
    await expect(shellCommand(dir, { instance: 7, user: 'root', endpoints }, 'x; rm -rf /', null)).rejects.toThrow('not a run\'s name');
    await expect(shellCommand(dir, { instance: 7, user: 'root', endpoints: [] }, 'my-run', null)).rejects.toThrow('no SSH address');
  });
});
