/** Names, labels and log text are data: every script that goes to a box is run here by a real shell, around hostile strings. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useTool, type ToolPlace } from '../../src/agents/brain/tools.ts';
import { createClock } from '../../src/clock.ts';
import { renderCommand } from '../../src/core/knobs.ts';
import { inQuotes, shellQuote } from '../../src/core/quote.ts';
import { SpecError } from '../../src/core/spec.ts';
import type { Box, Remote } from '../../src/core/ports.ts';
import { createRemote } from '../../src/remote/index.ts';
import { makeSpec } from '../core/spec-factory.ts';
import { Model } from '../core/model/index.ts';

/** Whoever runs one of these leaves a mark. */
const MARK = 'PWNED';
const BITES = [`$(touch ${MARK})`, `\`touch ${MARK}\``, `;touch ${MARK};`, `|touch ${MARK}|`, `&touch ${MARK}&`, `'$(touch ${MARK})'`, `"$(touch ${MARK})"`, `'; touch ${MARK} #`, `"; touch ${MARK} #`, `\\'; touch ${MARK} #`, '$IFS', '${HOME}', '*', '~', '!', '-rf', '--', '%s%n', '\\', "'", '"', ' ', '\t', '{}', '(', ')', '<', '>', '#', '学', '\u202e', '\x1b[2J'];
const hostile = fc.array(fc.oneof(fc.constantFrom(...BITES), fc.string({ maxLength: 4 })), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('').replace(/[\0\n\r/]/g, '_'));
const SEED = 7;
const sample = (count: number): string[] => [...new Set(fc.sample(hostile, { numRuns: count, seed: SEED }).filter((name) => !['', '.', '..'].includes(name)))];

let root: string;
let home: string;
let remote: Remote;
let box: Box;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'vastsit-shell-'));
  home = join(root, 'home');
  await mkdir(home);
  // What sshd does with a command, without a network: the login shell gets it as one string.
  const ssh = join(root, 'ssh');
  await writeFile(ssh, `#!/bin/sh\nfor last; do :; done\ncd ${shellQuote(home)}\nexport HOME=${shellQuote(home)}\nexec /bin/sh -c "$last"\n`);
  await chmod(ssh, 0o755);
  remote = createRemote({ dir: join(root, 'state'), wire: createClock(), sshPath: ssh });
  box = await remote.connect({ instance: 1, user: 'root', endpoints: [{ host: '127.0.0.1', port: 1, via: 'direct' }] }, 'one');
});
afterAll(async () => {
  await remote.closeAll();
  await rm(root, { recursive: true, force: true });
});

/** No shell has run anything that a name or a text said. */
async function unharmed(): Promise<void> {
  const found = (await readdir(root, { recursive: true })).filter((path) => path.split('/').includes(MARK));
  expect(found).toEqual([]);
}

describe('hostile names', () => {
  it('travel to the box, are listed, hashed and brought home', async () => {
    const names = sample(40);
    await box.put(names.map((name, index) => ({ path: `in/${name}`, content: Buffer.from(`content ${index}`) })));
    const listed = await box.list(['in/**']);
    expect(listed.map(({ path }) => path).sort()).toEqual(names.map((name) => `in/${name}`).sort());
    for (const [index, file] of listed.slice(0, 15).entries()) {
      await box.fetch(file, join(root, `fetched-${index}`));
      expect(await readFile(join(root, `fetched-${index}`), 'utf8')).toMatch(/^content \d+$/);
    }
    await unharmed();
  });

  it('as a checkpoint are one argument of the resume command, and start nothing of their own', async () => {
    const names = sample(25);
    for (const [index, name] of names.slice(0, 3).entries()) {
      const command = renderCommand('printf "%s\\n" --resume {checkpoint} > out.txt', {}, `ckpt/${name}`);
      await box.start({ run: 'one', attempt: index + 1, command, lease: { seconds: 60, grace_s: 60, then: 'nothing' } });
      for (let tries = 0; tries < 200 && (await box.probe({ run: 'one', attempt: index + 1 })).exit === null; tries += 1) await createClock().sleep(20);
      expect((await box.exec('cat out.txt', { timeout_ms: 5_000 })).stdout).toBe(`--resume\nckpt/${name}\n`);
    }
    // The same for many, by the shell alone.
    const script = names.map((name) => renderCommand('printf "%s\\0" {checkpoint}', {}, name)).join('\n');
    expect((await box.exec(script, { timeout_ms: 5_000 })).stdout.split('\0').slice(0, -1)).toEqual(names);
    await unharmed();
  });

  it('are read by the model\'s tool as files, or refused', async () => {
    const names = sample(15);
    const place: ToolPlace = { run: await training(), box: () => Promise.resolve(box), allowed: ['read_file', 'read_log', 'list_files'], redact: (text) => text, nonce: 'xyz' };
    for (const name of names) {
      const { text } = await useTool(place, { id: '1', name: 'read_file', arguments: JSON.stringify({ path: `in/${name}`, lines: 5 }) });
      expect(text).toMatch(/content \d+|Refused|no such file|Arguments/);
    }
    await useTool(place, { id: '2', name: 'list_files', arguments: '{}' });
    await unharmed();
  });
});

describe('hostile values', () => {
  it('of the environment reach the training as they are', async () => {
    const values = fc.sample(hostile, { numRuns: 20, seed: SEED });
    const text = values.map((value, index) => `V${index}=${shellQuote(value)}`).join('\n');
    await box.put([{ path: '.vastsit/env.sh', content: Buffer.from(`${text}\n`), secret: true }]);
    const script = `set -a; . ./.vastsit/env.sh; set +a; for n in ${values.map((_, index) => index).join(' ')}; do eval "printf '%s\\0' \\"\\$V$n\\""; done`;
    expect((await box.exec(script, { timeout_ms: 5_000 })).stdout.split('\0').slice(0, -1)).toEqual(values);
    await unharmed();
  });
});

describe('a place for the checkpoint inside quotes', () => {
  it.each([`sh -c 'python t.py --resume {checkpoint}'`, 'python t.py "--resume={checkpoint}"', `X="it's" sh -c "t {checkpoint}"`])('is refused: %s', (resume) => {
    expect(() => makeSpec({ checkpoints: { path: 'ckpt/*', resume } })).toThrow(SpecError);
    expect(() => makeSpec({ checkpoints: { path: 'ckpt/*', resume } })).toThrow(/outside of quotes/);
  });
  it.each([`NAME='x y' python t.py --resume {checkpoint}`, 'python t.py --note "it\'s" --resume {checkpoint}', "python t.py --note it\\'s --resume={checkpoint}"])('is none: %s', (resume) => {
    expect(makeSpec({ checkpoints: { path: 'ckpt/*', resume } }).checkpoints?.resume).toBe(resume);
  });
  it('agrees with a real shell about what is quoted', async () => {
    const pieces = fc.array(fc.constantFrom('a', "'", '"', '\\', ' ', '$x', '\\"', "\\'"), { maxLength: 10 }).map((parts) => parts.join(''));
    for (const text of fc.sample(pieces, { numRuns: 25, seed: SEED })) {
      // Inside quotes, a semicolon and what follows are text; outside they are a command.
      const closing = ["'", '"', ''].map((close) => `printf x ${text};printf SEEN${close}`);
      const ran = await Promise.all(closing.map((script) => box.exec(`sh -c ${shellQuote(script)} 2>/dev/null`, { timeout_ms: 5_000 })));
      if (ran.every(({ exit_code }) => exit_code !== 0)) continue;
      const plain = ran[2];
      if (plain?.exit_code === 0 && !text.endsWith('\\')) expect([text, inQuotes(text, text.length)]).toEqual([text, !plain.stdout.endsWith('SEEN')]);
    }
  });
});

async function training() {
  const model = new Model(() => 0.999, 0);
  model.submit('one', makeSpec());
  for (let n = 0; n < 20; n += 1) await model.step(20_000);
  const run = model.world.runs['one'];
  if (!run) throw new Error('no run');
  return run;
}
