import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHome, HomeError } from '../src/home.ts';
import { tempDirs } from './journal/temp.ts';

const fresh = tempDirs();
const code = (work: () => unknown): string => {
  try {
    work();
    return 'no error';
  } catch (error) {
    return error instanceof HomeError ? error.code : 'another error';
  }
};

describe('home', () => {
  it('gives each run a directory below the root, and takes only names of runs', () => {
    const root = fresh();
    const home = createHome({ root });
    expect(home.runDir('tune-2')).toBe(join(root, 'tune-2'));
    expect(createHome().runDir('a')).toBe(join(process.cwd(), 'results', 'a'));
    for (const name of ['', '..', '.', 'a/b', '/a', 'A', '-a', 'a\0', 'a'.repeat(64)]) expect(code(() => home.runDir(name))).toBe('bad_run');
  });

  it('makes a path below the run, or refuses, whatever the box calls its files', () => {
    const root = fresh();
    const home = createHome({ root });
    const part = fc.oneof(fc.constantFrom('..', '.', '', 'a', '...', ' ', '~', '$(x)', 'C:'), fc.string());
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }).map((parts) => parts.join('/')), (relative) => {
        try {
          expect(home.pathFor('run', relative).startsWith(join(root, 'run') + sep)).toBe(true);
          expect(relative.split('/')).not.toContain('..');
        } catch (error) {
          expect(error).toMatchObject({ name: 'HomeError', code: 'outside' });
        }
      }),
    );
    expect(home.pathFor('run', './ckpt//step-10/model.pt')).toBe(join(root, 'run', 'ckpt', 'step-10', 'model.pt'));
    for (const bad of ['../x', 'a/../../x', '/etc/passwd', '', '.', 'a\0b', 'a/..']) expect(code(() => home.pathFor('run', bad))).toBe('outside');
  });

  it('follows no link below the root, but the root itself may be one', async () => {
    const outside = fresh();
    writeFileSync(join(outside, 'secret'), 'x');
    const root = fresh();
    mkdirSync(join(root, 'run'));
    symlinkSync(outside, join(root, 'run', 'ckpt'));
    symlinkSync(join(outside, 'secret'), join(root, 'run', 'file'));
    symlinkSync(outside, join(root, 'linked-run'));
    const home = createHome({ root });
    for (const [run, path] of [['run', 'ckpt/secret'], ['run', 'file'], ['run', 'ckpt/new/deep'], ['linked-run', 'secret']] as const) {
      expect(code(() => home.pathFor(run, path))).toBe('symlink');
      await expect(home.fact(join(root, run, path))).rejects.toMatchObject({ code: 'symlink' });
    }
    symlinkSync(outside, join(root, 'root'));
    const through = createHome({ root: join(root, 'root') });
    mkdirSync(join(outside, 'run'));
    writeFileSync(join(outside, 'run', 'a'), 'abc');
    expect(await through.fact(through.pathFor('run', 'a'))).toMatchObject({ bytes: 3 });
  });

  it('tells size and hash of a file, and null of one that is not there', async () => {
    const root = fresh();
    const home = createHome({ root });
    mkdirSync(join(root, 'run', 'dir'), { recursive: true });
    const content = Buffer.alloc(3_000_001, 7);
    writeFileSync(join(root, 'run', 'big'), content);
    writeFileSync(join(root, 'run', 'empty'), '');
    const sha256 = createHash('sha256').update(content).digest('hex');
    expect(await home.fact(join(root, 'run', 'big'))).toEqual({ bytes: 3_000_001, sha256 });
    expect(await home.fact(join('run', 'big'))).toEqual({ bytes: 3_000_001, sha256 });
    expect(await home.fact(join(root, 'run', 'empty'))).toEqual({ bytes: 0, sha256: createHash('sha256').digest('hex') });
    expect(await home.fact(join(root, 'run', 'no', 'such'))).toBeNull();
    await expect(home.fact(join(root, 'run', 'dir'))).rejects.toMatchObject({ code: 'not_a_file' });
    await expect(home.fact(join(root, 'run', 'big', 'below'))).rejects.toMatchObject({ code: 'not_a_file' });
    await expect(home.fact(join(root, '..', 'x'))).rejects.toMatchObject({ code: 'outside' });
    await expect(home.fact(`${root}-twin`)).rejects.toMatchObject({ code: 'outside' });
  });

  it.skipIf(process.platform === 'win32')('does not hang on a pipe', async () => {
    const root = fresh();
    mkdirSync(join(root, 'run'));
    execFileSync('mkfifo', [join(root, 'run', 'pipe')]);
    await expect(createHome({ root }).fact(join(root, 'run', 'pipe'))).rejects.toMatchObject({ code: 'not_a_file' });
  });
});
