import { spawnSync } from 'node:child_process';
import { accessSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PATCH_SCRIPT } from '../../../src/agents/brain/patch-script.ts';

const DIFF = '--- a/train.py\n+++ b/train.py\n@@ -1,3 +1,3 @@\n a = 1\n-b = 2\n+b = 3\n c = 4\n';
const BEFORE = 'a = 1\nb = 2\nc = 4\n';
const AFTER = 'a = 1\nb = 3\nc = 4\n';
const TOOLS = ['sh', 'pwd', 'dirname', 'cut', 'rm', 'cat'];

const where = (name: string): string | null =>
  (process.env['PATH'] ?? '').split(':').map((dir) => join(dir, name)).find((path) => {
    try {
      accessSync(path);
      return true;
    } catch {
      return false;
    }
  }) ?? null;

function box(tool: 'git' | 'patch'): { dir: string; file: () => string; run: (...words: string[]) => number | null } {
  const base = mkdtempSync(join(tmpdir(), 'patch-'));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const dir = join(base, 'run');
  mkdirSync(join(dir, '.vastsit', 'patches'), { recursive: true });
  mkdirSync(join(base, 'bin'));
  for (const name of [...TOOLS, tool]) {
    const path = where(name);
    if (path !== null) symlinkSync(path, join(base, 'bin', name));
  }
  writeFileSync(join(dir, 'train.py'), BEFORE);
  writeFileSync(join(dir, '.vastsit', 'patch.sh'), PATCH_SCRIPT);
  writeFileSync(join(dir, '.vastsit', 'patches', '1.patch'), DIFF);
  return { dir, file: () => readFileSync(join(dir, 'train.py'), 'utf8'), run: (...words) => spawnSync('/bin/sh', ['.vastsit/patch.sh', ...words], { cwd: dir, env: { PATH: join(base, 'bin'), HOME: base } }).status };
}

describe('the patch script on a box', () => {
  for (const tool of ['git', 'patch'] as const) {
    it.skipIf(where(tool) === null)(`applies and takes back with ${tool}, and does nothing twice`, () => {
      const { file, run } = box(tool);
      expect([run('apply', '1', 'train.py'), file()]).toEqual([0, AFTER]);
      expect([run('apply', '1', 'train.py'), file()]).toEqual([0, AFTER]);
      expect([run('revert', '1'), file()]).toEqual([0, BEFORE]);
      expect([run('revert', '1'), file()]).toEqual([0, BEFORE]);
    });

    it.skipIf(where(tool) === null)(`changes nothing where the text does not fit, or a link leads out, with ${tool}`, () => {
      const { dir, file, run } = box(tool);
      writeFileSync(join(dir, 'train.py'), 'x = 9\n');
      expect([run('apply', '1', 'train.py') === 0, file()]).toEqual([false, 'x = 9\n']);
      writeFileSync(join(dir, '..', 'victim.py'), BEFORE);
      rmSync(join(dir, 'train.py'));
      symlinkSync('../victim.py', join(dir, 'train.py'));
      expect(run('apply', '1', 'train.py')).toBe(3);
      expect(readFileSync(join(dir, '..', 'victim.py'), 'utf8')).toBe(BEFORE);
      symlinkSync('..', join(dir, 'lib'));
      writeFileSync(join(dir, '.vastsit', 'patches', '1.patch'), DIFF.replaceAll('train.py', 'lib/victim.py'));
      expect(run('apply', '1', 'lib/victim.py')).toBe(3);
      expect(readFileSync(join(dir, '..', 'victim.py'), 'utf8')).toBe(BEFORE);
    });
  }

  it.skipIf(where('git') === null)('keeps a history of its own, and never uses a project\'s settings or hooks', () => {
    const { dir, run } = box('git');
    spawnSync('git', ['init', '-q'], { cwd: dir });
    writeFileSync(join(dir, '.git', 'hooks', 'pre-commit'), '#!/bin/sh\ntouch ../pwned\n', { mode: 0o755 });
    expect(run('apply', '1', 'train.py')).toBe(0);
    const log = spawnSync('git', ['--git-dir', join(dir, '.vastsit', 'repo'), 'log', '--format=%s'], { encoding: 'utf8' }).stdout;
    expect(log.trim().split('\n')).toEqual(['patch 1', 'as it was']);
    expect(() => readFileSync(join(dir, '..', 'pwned'))).toThrow();
    expect(spawnSync('git', ['log'], { cwd: dir }).status).not.toBe(0);
  });
});
