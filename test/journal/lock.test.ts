import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LockError, takeLock } from '../../src/journal/index.ts';
import { HEARTBEAT_MS, STALE_MS } from '../../src/journal/lock.ts';
import { bornOf, hereAs } from '../../src/journal/process.ts';
import { fakeClock } from './fake-clock.ts';
import { tempDirs } from './temp.ts';

const fresh = tempDirs();
const me = { pid: process.pid, what: 'cockpit' };
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid ?? 0;
}

/** A lock file as an earlier process would have left it. */
function leave(dir: string, more: object, beat: number): void {
  const content = { pid: process.pid, what: 'cockpit', ...hereAs(), born: bornOf(process.pid), since: beat, token: 'a'.repeat(32), ...more };
  writeFileSync(join(dir, 'lock'), JSON.stringify(content));
  utimesSync(join(dir, 'lock'), beat / 1_000, beat / 1_000);
}

describe('the lock', () => {
  it('lets one writer in, names it to the next, and opens on release', async () => {
    const dir = join(fresh(), 'state');
    const wire = fakeClock();
    const lock = await takeLock({ dir, wire, owner: me });
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(statSync(join(dir, 'lock')).mode & 0o777).toBe(0o600);
    const refusal = await takeLock({ dir, wire, owner: me }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(LockError);
    expect(refusal).toMatchObject({ pid: process.pid, since: wire.now() });
    expect(String(refusal)).toMatch(new RegExp(`cockpit, process ${process.pid}.*since 2023-11-14T22:13:20.000Z.*VASTSIT_HOME`));
    await lock.release();
    const next = await takeLock({ dir, wire, owner: me });
    await lock.release();
    expect(next.held()).toBe(true);
    await next.release();
    expect(readdirSync(dir)).toEqual([]);
    expect(wire.pending()).toBe(0);
  });

  it('shows a heartbeat by the wire clock', async () => {
    const dir = fresh();
    const wire = fakeClock();
    const lock = await takeLock({ dir, wire, owner: me });
    wire.advance(7 * HEARTBEAT_MS);
    expect(statSync(join(dir, 'lock')).mtimeMs).toBe(wire.now());
    await lock.release();
  });

  it('is taken over at once from a process that is gone', async () => {
    const dir = fresh();
    const wire = fakeClock();
    leave(dir, { pid: await deadPid(), born: null }, wire.now());
    const lock = await takeLock({ dir, wire, owner: me });
    expect(lock.held()).toBe(true);
    expect(readdirSync(dir)).toEqual(['lock']);
    await lock.release();
  });

  it.runIf(bornOf(process.pid) !== null)('is not fooled by a process number that was given out again, also its own', async () => {
    const dir = fresh();
    const wire = fakeClock();
    leave(dir, { born: 'another boot:1' }, wire.now());
    await (await takeLock({ dir, wire, owner: me })).release();
  });

  it('stays with a live owner that is silent, and says how to end it', async () => {
    const dir = fresh();
    const wire = fakeClock();
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
    children.push(child);
    const pid = child.pid ?? 0;
    leave(dir, { pid, born: bornOf(pid) }, wire.now() - 10 * STALE_MS);
    if (bornOf(pid) !== null) await expect(takeLock({ dir, wire, owner: me })).rejects.toThrow(`kill ${pid}`);
  });

  it('of another host, or another container here, is judged by its heartbeat alone', async () => {
    const dir = fresh();
    const wire = fakeClock();
    for (const elsewhere of [{ host: `not-${hostname()}` }, { pids: 'pid:[1]' }]) {
      leave(dir, { ...elsewhere, pid: await deadPid() }, wire.now() - STALE_MS + 1);
      await expect(takeLock({ dir, wire, owner: me })).rejects.toThrow(/ on .*container/);
      wire.advance(1);
      await (await takeLock({ dir, wire, owner: me })).release();
    }
  });

  it('that cannot be read is left alone while fresh, and replaced when old', async () => {
    const dir = fresh();
    const wire = fakeClock();
    for (const text of ['', 'not json', '{"pid":"1"}']) {
      writeFileSync(join(dir, 'lock'), text);
      utimesSync(join(dir, 'lock'), wire.now() / 1_000, wire.now() / 1_000);
      await expect(takeLock({ dir, wire, owner: me })).rejects.toThrow(/remove it/);
      wire.advance(STALE_MS);
      await (await takeLock({ dir, wire, owner: me })).release();
    }
  });

  it('tells an owner that lost it, once, and leaves the new one alone', async () => {
    const dir = fresh();
    const wire = fakeClock();
    const onLost = vi.fn();
    const lock = await takeLock({ dir, wire, owner: me, onLost });
    leave(dir, {}, wire.now());
    const theirs = readFileSync(join(dir, 'lock'), 'utf8');
    wire.advance(3 * HEARTBEAT_MS);
    expect(onLost).toHaveBeenCalledOnce();
    expect(lock.held()).toBe(false);
    await lock.release();
    expect(readFileSync(join(dir, 'lock'), 'utf8')).toBe(theirs);
  });

  it('passes a claim that a dead taker left, and waits for a live one', async () => {
    const dir = fresh();
    const wire = fakeClock();
    const gone = await deadPid();
    leave(dir, { pid: gone, born: null }, wire.now());
    const claim = join(dir, `lock.claim-${'a'.repeat(32)}-0`);
    writeFileSync(claim, JSON.stringify({ pid: process.ppid, what: 'x', ...hereAs(), born: bornOf(process.ppid), since: wire.now(), token: 'b'.repeat(32) }));
    utimesSync(claim, wire.now() / 1_000, wire.now() / 1_000);
    await expect(takeLock({ dir, wire, owner: me })).rejects.toThrow(/try again/);
    writeFileSync(claim, JSON.stringify({ pid: gone, what: 'x', ...hereAs(), born: null, since: 0, token: 'b'.repeat(32) }));
    const lock = await takeLock({ dir, wire, owner: me });
    expect(readdirSync(dir)).toEqual(['lock']);
    await lock.release();
  });

  it('says what to do when its directory cannot be made', async () => {
    const dir = fresh();
    writeFileSync(join(dir, 'state'), '');
    await expect(takeLock({ dir: join(dir, 'state'), wire: fakeClock(), owner: me })).rejects.toMatchObject({ name: 'JournalError' });
  });

  it('has one winner when several processes find the same dead owner at the same moment', async () => {
    const room = fresh();
    const bundle = join(room, 'take.mjs');
    const script = `
      import { takeLock } from './src/journal/lock.ts';
      import { createClock } from './src/clock.ts';
      process.stdout.write('ready\\n');
      for await (const line of (await import('node:readline')).createInterface({ input: process.stdin })) {
        const won = await takeLock({ dir: line, wire: createClock(), owner: { pid: process.pid, what: 'racer' } }).then(() => true, (error) => error.name === 'LockError' ? false : error.message);
        process.stdout.write(won + '\\n');
      }
      process.exit(0);`;
    buildSync({ stdin: { contents: script, resolveDir: process.cwd(), loader: 'ts' }, bundle: true, platform: 'node', format: 'esm', outfile: bundle });
    const racers = Array.from({ length: 5 }, () => spawn(process.execPath, [bundle], { stdio: ['pipe', 'pipe', 'inherit'] }));
    children.push(...racers);
    const lines = racers.map((racer) => racer.stdout.setEncoding('utf8')[Symbol.asyncIterator]() as AsyncIterator<string>);
    const answers = (): Promise<string[]> => Promise.all(lines.map(async (line) => String((await line.next()).value).trim()));
    expect(await answers()).toEqual(racers.map(() => 'ready'));
    const gone = await deadPid();
    for (let round = 0; round < 25; round += 1) {
      const dir = join(room, String(round));
      mkdirSync(dir);
      leave(dir, { pid: gone, born: null }, 1_700_000_000_000);
      for (const racer of racers) racer.stdin.write(`${dir}\n`);
      const won = await answers();
      expect(won.filter((answer) => answer === 'true'), `round ${round}: ${won.join()}`).toHaveLength(1);
      expect(won.filter((answer) => answer === 'false')).toHaveLength(racers.length - 1);
      expect(readdirSync(dir)).toEqual(['lock']);
    }
    rmSync(bundle);
  });
});
