import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseChecksums } from '../../src/remote/checksums.ts';
import { globMatcher, globRoots } from '../../src/core/glob.ts';
import { relativePath, runDirectory, shellQuote } from '../../src/core/quote.ts';
import { classify, createGate } from '../../src/remote/ssh.ts';

describe('shellQuote', () => {
  test('means exactly its text to a real shell', () => {
    const hostile = fc.array(fc.oneof(fc.constantFrom("'", '"', '\\', '$(id)', '`id`', '$HOME', '\n', ';', '&', '|', '!', '*', '~', '\x1b', '-n', ' '), fc.string({ unit: 'binary', maxLength: 5 })), { maxLength: 12 });
    const texts = fc.sample(hostile, 300).map((parts) => parts.join('').replaceAll('\0', ''));
    const script = texts.map((text) => `printf '%s\\0' ${shellQuote(text)}`).join('\n');
    const { stdout } = spawnSync('/bin/sh', ['-s'], { input: script, encoding: 'utf8', maxBuffer: 1e8 });
    expect(stdout.split('\0').slice(0, -1)).toEqual(texts);
  });

  test('refuses what no argument can hold', () => {
    expect(() => shellQuote('a\0b')).toThrow(RangeError);
  });
});

describe('paths', () => {
  test.each(['../x', 'a/../../x', '/etc/passwd', 'a\nb', 'a\0'])('%j is refused', (path) => expect(() => relativePath(path)).toThrow(RangeError));
  test.each([['./a//b/', 'a/b'], ['.', ''], ['a..b', 'a..b']])('%j is %j', (path, clean) => expect(relativePath(path)).toBe(clean));
  test.each(['', 'A', '-a', 'a b', '..', "a'"])('%j is no run', (run) => expect(() => runDirectory(run)).toThrow(RangeError));
});

describe('globs', () => {
  test.each([
    ['ckpt/*.pt', 'ckpt/1.pt', true],
    ['ckpt/*.pt', 'ckpt/a/1.pt', false],
    ['ckpt/**', 'ckpt/a/b/1.pt', true],
    ['**/*.pt', '1.pt', true],
    ['**/*.pt', 'a/b/1.pt', true],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['a/**/b', 'a/x/y/c', false],
    ['step-?.pt', 'step-1.pt', true],
    ['step-?.pt', 'step-12.pt', false],
    ['./out/', 'out', true],
    ['out', 'out/a', false],
    ['**', '.vastsit/log.1', false],
    ['**', 'a/.hidden', false],
    ['*', '.hidden', false],
    ['.vastsit/log.*', '.vastsit/log.1', true],
    ['a+(b)[c].txt', 'a+(b)[c].txt', true],
    ['a.b', 'axb', false],
    ['模?.pt', '模型.pt', true],
  ])('%s and %s: %s', (glob, path, yes) => expect(globMatcher([glob])(path)).toBe(yes));

  test('match every path that is made from them, and nothing by an empty list', () => {
    const name = fc.stringMatching(/^[a-z][a-z.]{0,4}$/);
    fc.assert(
      fc.property(fc.array(fc.record({ name, wild: fc.constantFrom('*', '**', 'self') }), { minLength: 1, maxLength: 8 }), (parts) => {
        const glob = parts.map((part) => (part.wild === 'self' ? part.name : part.wild)).join('/');
        return globMatcher([glob])(parts.map((part) => part.name).join('/')) && !globMatcher([])(glob);
      }),
    );
  });

  test('cost little even when they are made to cost much', () => {
    expect(globMatcher([`${'**/'.repeat(60)}x`])(`${'a/'.repeat(200)}b`)).toBe(false);
  });

  test('begin their search at the first literal name', () => {
    expect(globRoots(['ckpt/*.pt', 'out/a/b', './ckpt/x'])).toEqual(['ckpt', 'out']);
    expect(globRoots(['ckpt/*', '*.txt'])).toEqual(['.']);
  });
});

describe('ssh\'s complaints', () => {
  test.each([
    ['ssh: connect to host h port 1: Connection refused', 'refused'],
    ['kex_exchange_identification: Connection closed by remote host', 'refused'],
    ['ssh: Could not resolve hostname h: Name or service not known', 'refused'],
    ['root@h: Permission denied (publickey).', 'auth'],
    ['ssh: connect to host h port 1: Connection timed out', 'timeout'],
    ['Connection timed out during banner exchange', 'timeout'],
    ['@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.', 'host_key_changed'],
  ])('%s: %s', (stderr, kind) => expect(classify(stderr)).toBe(kind));
});

test('checksums are read from every tool\'s format, escaped names included', () => {
  const hash = 'a'.repeat(64);
  expect(parseChecksums(`${hash}  ./a b\n\\${hash}  ./back\\\\slash\n${hash} *./c\nnoise\n`)).toEqual(new Map([['a b', hash], ['back\\slash', hash], ['c', hash]]));
});

test('a gate lets in as many as it is wide, in order, and forgets who gave up', async () => {
  const gate = createGate(1);
  const never = new AbortController().signal;
  const first = await gate.enter(never);
  const quitter = new AbortController();
  const second = gate.enter(quitter.signal);
  const third = gate.enter(never);
  quitter.abort();
  expect(await second).toBeNull();
  first?.();
  first?.();
  const release = await third;
  expect(release).not.toBeNull();
  const fourth = gate.enter(never);
  release?.();
  expect(await fourth).not.toBeNull();
});
