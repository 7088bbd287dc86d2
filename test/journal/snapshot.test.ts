import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isVolatile, type Event } from '../../src/core/events.ts';
import { reduce } from '../../src/core/reduce.ts';
import { emptyWorld, type World } from '../../src/core/state.ts';
import { compactJournal, openJournal, readHistory, readJournal } from '../../src/journal/index.ts';
import { Model } from '../core/model/index.ts';
import { makeSpec } from '../core/spec-factory.ts';
import { fakeClock } from './fake-clock.ts';
import { tempDirs } from './temp.ts';

const fresh = tempDirs();
const open = (dir: string) => openJournal({ dir, clock: fakeClock(), wire: fakeClock(), redact: (text) => text });

/** What a journal of a random evening holds: events that last, as a replay reads them. */
async function evening(seed: number, trouble: number, looks: number): Promise<Event[]> {
  let state = seed;
  const model = new Model(() => ((state = (state * 48_271) % 2_147_483_647) / 2_147_483_647), trouble);
  model.submit('one', makeSpec());
  model.submit('two', makeSpec({ market: { bid: 0.3 } }));
  for (let n = 0; n < looks; n += 1) await model.step(30_000);
  return model.events.filter((event) => !isVolatile(event));
}

function write(dir: string, events: readonly Event[]): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'journal.jsonl'), events.map((event) => `${JSON.stringify(event)}\n`).join(''));
}

const worldOf = (events: readonly Event[]): World => events.reduce(reduce, emptyWorld(events[0]?.at ?? 0));
const told = (dir: string): World => {
  const { base, events } = readHistory(dir);
  return events.reduce(reduce, base ?? emptyWorld(events[0]?.at ?? 0));
};
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('a compacted journal', () => {
  it('tells the same world as the whole one, wherever it was cut, and keeps every line', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 30 }), fc.constantFrom(0, 0.1, 0.4), fc.integer({ min: 5, max: 80 }), fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 3 }), async (seed, trouble, looks, shares) => {
        const events = await evening(seed, trouble, looks);
        const dir = fresh();
        let done = 0;
        for (const cut of shares.map((share) => Math.floor(share * events.length)).sort((a, b) => a - b)) {
          const { events: waiting } = { events: events.slice(done, cut) };
          if (waiting.length === 0) continue;
          write(dir, waiting);
          compactJournal(dir, 0);
          expect(statSync(join(dir, 'journal.jsonl')).size).toBe(0);
          done = cut;
        }
        write(dir, events.slice(done));
        expect(plain(told(dir))).toEqual(plain(worldOf(events)));
        expect(readJournal(dir)).toEqual(plain(events));
        const journal = await open(dir);
        expect(plain(journal.replay().reduce(reduce, journal.base ?? emptyWorld(events[0]?.at ?? 0)))).toEqual(plain(worldOf(events)));
        // The next number is one that was never used, wherever the others lie now.
        expect(journal.append([{ type: 'said', actor: 'user', run: null, level: 'info', text: 'x' }], { sync: false })[0]?.seq).toBe((events.at(-1)?.seq ?? 0) + 1);
        await journal.close();
      }),
      { numRuns: 40 },
    );
  });

  it('loses nothing and doubles nothing when it is killed between any two of its steps', async () => {
    const events = await evening(7, 0.1, 60);
    const [before, after] = [fresh(), fresh()];
    write(before, events);
    write(after, events);
    compactJournal(after, 0);
    const made = readdirSync(after);
    expect(made.sort()).toEqual([expect.stringMatching(/^journal-\d{9}\.jsonl\.gz$/), 'journal.jsonl', 'snapshot.json']);
    for (const name of made) expect(statSync(join(after, name)).mode & 0o077).toBe(name === 'journal.jsonl' ? statSync(join(after, name)).mode & 0o077 : 0);
    // First the lines are put away, then the snapshot is written, then the journal begins anew.
    for (const steps of [[], ['gz'], ['gz', 'snapshot'], ['gz', 'snapshot', 'jsonl']]) {
      const dir = fresh();
      copyFileSync(join(before, 'journal.jsonl'), join(dir, 'journal.jsonl'));
      for (const name of made) if (steps.some((step) => name.includes(step) && (step !== 'jsonl' || name === 'journal.jsonl') && (step !== 'gz' || name.endsWith('.gz')))) copyFileSync(join(after, name), join(dir, name));
      writeFileSync(join(dir, 'snapshot.json.new'), '{"v":1,"wor');
      expect(plain(told(dir)), steps.join()).toEqual(plain(worldOf(events)));
      expect(readJournal(dir)).toEqual(plain(events));
      // And it is compacted at the next try.
      compactJournal(dir, 0);
      expect(plain(told(dir))).toEqual(plain(worldOf(events)));
      expect(readJournal(dir)).toEqual(plain(events));
    }
  });

  it('is read from its first line where the snapshot is damaged or another program\'s, and refused where it is newer', async () => {
    const events = await evening(11, 0, 40);
    const dir = fresh();
    write(dir, events);
    compactJournal(dir, 0);
    const path = join(dir, 'snapshot.json');
    const good = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    for (const text of ['', '{', '[]', JSON.stringify({ ...good, program: '0.0.1', world: {} }), JSON.stringify({ ...good, shape: 'another', world: {} })]) {
      writeFileSync(path, text);
      expect(readHistory(dir).base).toBeNull();
      expect(plain(told(dir))).toEqual(plain(worldOf(events)));
    }
    writeFileSync(path, JSON.stringify({ ...good, v: 2 }));
    expect(() => readHistory(dir)).toThrow(/newer version/);
    rmSync(path);
    const [archive] = readdirSync(dir).filter((name) => name.endsWith('.gz'));
    writeFileSync(join(dir, archive ?? ''), 'not gzip');
    expect(() => readHistory(dir)).toThrow(/is damaged/);
  });

  it('leaves a short journal, and one with a torn end, as they are', async () => {
    const dir = fresh();
    write(dir, await evening(3, 0, 20));
    compactJournal(dir);
    expect(existsSync(join(dir, 'snapshot.json'))).toBe(false);
    writeFileSync(join(dir, 'journal.jsonl'), `${readFileSync(join(dir, 'journal.jsonl'), 'utf8')}{"v":1,`);
    compactJournal(dir, 0);
    expect(existsSync(join(dir, 'snapshot.json'))).toBe(false);
  });
});
