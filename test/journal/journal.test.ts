import { appendFileSync, chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT_VERSION, type Body } from '../../src/core/events.ts';
import { createRedactor } from '../../src/core/redact.ts';
import { realDisk, type Disk } from '../../src/journal/disk.ts';
import { JournalError, openJournal, readJournal } from '../../src/journal/index.ts';
import { fakeClock } from './fake-clock.ts';
import { tempDirs } from './temp.ts';

const fresh = tempDirs();
const said = (text: string): Body => ({ type: 'said', actor: 'program', run: null, level: 'info', text });
const open = (dir: string, more: { disk?: Disk; redact?: (text: string) => string; wire?: ReturnType<typeof fakeClock>; long?: number } = {}) => openJournal({ dir, clock: fakeClock(), wire: fakeClock(), redact: (text) => text, ...more });
const file = (dir: string): string => join(dir, 'journal.jsonl');
const failing = (code: string): Error => Object.assign(new Error(code), { code });

describe('a journal that grows for weeks', () => {
  const archives = (dir: string): number => readdirSync(dir).filter((name) => name.endsWith('.gz')).length;

  it('is put away while it is written to, at no event\'s cost', async () => {
    const dir = fresh();
    const journal = await open(dir, { long: 2_000 });
    let most = 0;
    for (let n = 1; n <= 200; n += 1) {
      journal.append([said(`line ${n}`)], { sync: n % 7 === 0 });
      most = Math.max(most, statSync(file(dir)).size);
      journal.compact();
    }
    await journal.close();
    expect(most).toBeLessThan(2_500);
    expect(archives(dir)).toBeGreaterThan(5);
    expect(readJournal(dir).map(({ seq }) => seq)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    const again = await open(dir);
    expect(again.base?.seq).toBeGreaterThan(150);
    expect(again.append([said('next')], { sync: true })).toMatchObject([{ seq: 201 }]);
    await again.close();
  });

  it('waits for a sync that is under way, and goes on growing where it cannot be put away', async () => {
    const dir = fresh();
    const wire = fakeClock();
    let synced = (): void => undefined;
    const journal = await open(dir, { long: 100, wire, disk: { ...realDisk, syncLater: (_fd, done) => void (synced = () => done(null)) } });
    journal.append([said('a'.repeat(200))], { sync: false });
    wire.advance(2_000);
    expect(journal.compact()).toBe(false);
    synced();
    mkdirSync(join(dir, 'snapshot.json.new', 'in the way'), { recursive: true });
    expect(() => journal.compact()).toThrow(JournalError);
    // Not at once again; and nothing that is written meanwhile is lost.
    expect(journal.compact()).toBe(false);
    journal.append([said('b'.repeat(200))], { sync: true });
    rmSync(join(dir, 'snapshot.json.new'), { recursive: true });
    expect(journal.compact()).toBe(true);
    journal.append([said('c')], { sync: true });
    await journal.close();
    expect(readJournal(dir).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect((await open(dir)).replay().map(({ seq }) => seq)).toEqual([3]);
  });
});

describe('a journal', () => {
  it('replays what was appended, numbered and stamped, over several sessions', async () => {
    const dir = join(fresh(), 'deep', 'state');
    const first = await open(dir);
    expect(first.append([said('a'), said('b')], { sync: true })).toMatchObject([{ v: EVENT_VERSION, seq: 1, at: 1_700_000_000_000, text: 'a' }, { seq: 2 }]);
    await first.close();
    const second = await open(dir);
    expect(second.replay().map((event) => event.seq)).toEqual([1, 2]);
    expect(second.append([said('c')], { sync: false })).toMatchObject([{ seq: 3 }]);
    await second.close();
    expect(readJournal(dir)).toMatchObject([{ text: 'a' }, { text: 'b' }, { seq: 3, text: 'c' }]);
  });

  it('is closed to other users of the machine', async () => {
    const dir = join(fresh(), 'state');
    const journal = await open(dir);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(statSync(file(dir)).mode & 0o777).toBe(0o600);
    await journal.close();
    chmodSync(file(dir), 0o644);
    await (await open(dir)).close();
    expect(statSync(file(dir)).mode & 0o777).toBe(0o600);
  });

  it('stamps volatile events without writing them', async () => {
    const dir = fresh();
    const journal = await open(dir);
    const events = journal.append([said('kept'), { type: 'log.tail', run: 'r', lines: ['x'] }, said('kept too')], { sync: true });
    expect(events.map((event) => event.seq)).toEqual([1, 2, 3]);
    await journal.close();
    expect(readJournal(dir).map((event) => event.seq)).toEqual([1, 3]);
  });

  it('reopens from any prefix of its bytes with every whole line, and keeps the rest aside', async () => {
    const dir = fresh();
    const journal = await open(dir);
    journal.append([said('één'), said('two\nlines'), said('drie')], { sync: true });
    await journal.close();
    const whole = readFileSync(file(dir));
    const ends = [...whole.keys()].filter((index) => whole[index] === 10).map((index) => index + 1);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length }), async (length) => {
        const crashed = fresh();
        writeFileSync(file(crashed), whole.subarray(0, length));
        const again = await open(crashed);
        const lines = ends.filter((end) => end <= length).length;
        const torn = length - (ends[lines - 1] ?? 0);
        expect(again.replay()).toHaveLength(lines);
        expect(again.remarks).toHaveLength(torn > 0 ? 1 : 0);
        if (torn > 0) expect(readFileSync(join(crashed, 'journal.torn-1'))).toEqual(whole.subarray(length - torn, length));
        expect(again.append([said('after')], { sync: true })).toMatchObject([{ seq: lines + 1 }]);
        await again.close();
        expect(readJournal(crashed)).toHaveLength(lines + 1);
      }),
      { numRuns: 60 },
    );
  });

  it('moves a last line that is no JSON aside, and never over an older one', async () => {
    const dir = fresh();
    await (await open(dir)).close();
    for (const n of [1, 2]) {
      appendFileSync(file(dir), `garbage ${n}\n`);
      const journal = await open(dir);
      expect(journal.remarks[0]).toContain(`journal.torn-${n}`);
      await journal.close();
      expect(readFileSync(join(dir, `journal.torn-${n}`), 'utf8')).toBe(`garbage ${n}\n`);
    }
    expect(statSync(join(dir, 'journal.torn-1')).mode & 0o777).toBe(0o600);
  });

  it('refuses a damaged middle with the line number, and leaves the file alone', async () => {
    const dir = fresh();
    const good = JSON.stringify({ ...said('x'), v: 1, seq: 1, at: 0 });
    for (const bad of ['{"v":1', '', '[]', '{"v":1,"seq":"2","at":0,"type":"said"}']) {
      const text = `${good}\n${bad}\n${good}\n`;
      writeFileSync(file(dir), text);
      await expect(open(dir)).rejects.toMatchObject({ name: 'JournalError', code: 'damaged', line: 2 });
      expect(readFileSync(file(dir), 'utf8')).toBe(text);
    }
  });

  it('refuses a newer format in words, and takes unknown types and fields of its own', async () => {
    const dir = fresh();
    writeFileSync(file(dir), `${JSON.stringify({ v: EVENT_VERSION, seq: 7, at: 0, type: 'of.tomorrow', more: 1 })}\n`);
    const journal = await open(dir);
    expect(journal.append([said('x')], { sync: false })).toMatchObject([{ seq: 8 }]);
    await journal.close();
    appendFileSync(file(dir), `${JSON.stringify({ v: EVENT_VERSION + 1, seq: 9, at: 0, type: 'said' })}\n`);
    await expect(open(dir)).rejects.toThrow(/newer version/);
    expect(() => readJournal(dir)).toThrow(/Update vastsit-tui/);
  });

  it('leaves nothing half-written when the disk fills, and goes on once there is room', async () => {
    const dir = fresh();
    let room = 10_000;
    const disk: Disk = {
      ...realDisk,
      write(fd, bytes) {
        if (room <= 0) throw failing('ENOSPC');
        const part = bytes.subarray(0, Math.min(room, 50));
        room -= part.length;
        return realDisk.write(fd, part);
      },
    };
    const journal = await open(dir, { disk });
    journal.append([said('fits, in several short writes, because write(2) may take less than it is given')], { sync: true });
    const before = readFileSync(file(dir));
    room = 60;
    expect(() => journal.append([said('a'), said('too long for what is left')], { sync: true })).toThrow(expect.objectContaining({ code: 'disk_full', message: expect.stringContaining('Free some space') as string }) as JournalError);
    expect(readFileSync(file(dir))).toEqual(before);
    room = 10_000;
    expect(journal.append([said('b')], { sync: true })).toMatchObject([{ seq: 2 }]);
    await journal.close();
    expect(readJournal(dir)).toMatchObject([{ seq: 1 }, { seq: 2, text: 'b' }]);
  });

  it('cuts a half-written line later when the disk would not let it at once', async () => {
    const dir = fresh();
    let broken = false;
    const guard = <T>(work: () => T): T => {
      if (broken) throw failing('EIO');
      return work();
    };
    const disk: Disk = { ...realDisk, sync: (fd) => guard(() => realDisk.sync(fd)), truncate: (fd, length) => guard(() => realDisk.truncate(fd, length)) };
    const journal = await open(dir, { disk });
    broken = true;
    expect(() => journal.append([said('never promised')], { sync: true })).toThrow(JournalError);
    broken = false;
    journal.append([said('promised')], { sync: true });
    await journal.close();
    expect(readJournal(dir)).toMatchObject([{ seq: 1, text: 'promised' }]);
  });

  it('brings unsynced events to the disk within a second, and tells when that failed', async () => {
    const dir = fresh();
    const wire = fakeClock();
    let syncs = 0;
    const disk: Disk = { ...realDisk, syncLater: (_fd, done) => (syncs += 1) && done(syncs === 2 ? failing('EIO') : null) };
    const journal = await open(dir, { disk, wire });
    journal.append([said('a')], { sync: false });
    journal.append([said('b')], { sync: false });
    wire.advance(1_000);
    expect(syncs).toBe(1);
    journal.append([said('c')], { sync: false });
    wire.advance(1_000);
    expect(() => journal.append([said('d')], { sync: false })).toThrow(/EIO/);
    journal.append([said('e')], { sync: true });
    expect(wire.pending()).toBe(0);
    await journal.close();
  });

  it.each([
    ['EROFS', 'read_only', /read-only/],
    ['EACCES', 'denied', /permission/],
    ['EIO', 'io', /Check the disk/],
  ])('says what to do about %s', async (code, failure, words) => {
    const disk: Disk = {
      ...realDisk,
      write: () => {
        throw failing(code);
      },
    };
    const journal = await open(fresh(), { disk });
    const attempt = (): unknown => journal.append([said('x')], { sync: true });
    expect(attempt).toThrow(words);
    expect(attempt).toThrow(expect.objectContaining({ code: failure }) as JournalError);
  });

  it('says so when a file stands in the place of its directory, and when it is closed', async () => {
    const dir = fresh();
    writeFileSync(join(dir, 'state'), '');
    await expect(open(join(dir, 'state'))).rejects.toMatchObject({ code: 'io' });
    await expect(open(join(dir, 'state', 'below'))).rejects.toThrow(/a file stands/);
    mkdirSync(join(dir, 'ok', 'journal.jsonl'), { recursive: true });
    await expect(open(join(dir, 'ok'))).rejects.toBeInstanceOf(JournalError);
    const journal = await open(join(dir, 'other'));
    await journal.close();
    await journal.close();
    expect(() => journal.append([said('x')], { sync: false })).toThrow(expect.objectContaining({ code: 'closed' }) as JournalError);
  });

  it('reads for lookers without touching: a torn end stays for its writer', async () => {
    const dir = fresh();
    expect(readJournal(join(dir, 'nowhere'))).toEqual([]);
    const journal = await open(dir);
    journal.append([said('a')], { sync: true });
    appendFileSync(file(dir), '{"v":1,');
    expect(readJournal(dir)).toHaveLength(1);
    expect(existsSync(join(dir, 'journal.torn-1'))).toBe(false);
    await journal.close();
  });
});

describe('redaction on the way to the disk', () => {
  it('keeps a canary out of every file, wherever it was planted, and the journal readable', async () => {
    const secret = fc.string({ unit: 'grapheme', minLength: 8, maxLength: 24 }).filter((text) => text.trim() === text && !'[redacted]'.includes(text));
    await fc.assert(
      fc.asyncProperty(secret, fc.string(), fc.constantFrom('12345678', 'said', 'run.ended', '"type":"', '{"v":1,"'), async (canary, around, structural) => {
        const dir = fresh();
        const journal = await open(dir, { redact: createRedactor([canary, structural]) });
        const bodies: Body[] = [
          said(`${around}${canary}${around}`),
          { type: 'log.tail', run: 'r', lines: [canary] },
          { type: 'process.exited', run: canary, attempt: 12345678, exit_code: 1, signal: null, oom_kills: 0, tail: [around, canary, structural], pushed: true },
          { type: 'offers.ranked', run: 'r', offers: [], rejected: { [canary]: 12345678 } },
        ];
        const events = journal.append(bodies, { sync: false });
        await journal.close();
        for (const name of readdirSync(dir)) {
          const text = readFileSync(join(dir, name), 'utf8');
          expect(text).not.toContain(JSON.stringify(canary).slice(1, -1));
        }
        expect(readJournal(dir)).toEqual(events.filter((event) => event.type !== 'log.tail'));
        expect(JSON.stringify(events)).not.toContain(JSON.stringify(canary).slice(1, -1));
        expect(events.map((event) => event.type)).toEqual(bodies.map((body) => body.type));
      }),
      { numRuns: 60 },
    );
  });

  it('masks a key block that spans the lines of a tail, also beside a secret that breaks the line', async () => {
    const dir = fresh();
    const tail = ['ok', '-----BEGIN PRIVATE KEY-----', 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC', 'BKcwggSjAgEAAoIBAQC7', '-----END PRIVATE KEY-----', 'later'];
    for (const secrets of [[], ['1700000000000']]) {
      const journal = await open(dir, { redact: createRedactor(secrets) });
      journal.append([{ type: 'process.exited', run: 'r', attempt: 1, exit_code: 1, signal: null, oom_kills: 0, tail, pushed: true }], { sync: true });
      await journal.close();
    }
    expect(readFileSync(file(dir), 'utf8')).not.toMatch(/MIIE|BKcw/);
    expect(readJournal(dir)).toMatchObject([{ tail: ['ok', '[redacted]', 'later'] }, { tail: ['ok', '[redacted]', 'later'], at: 1_700_000_000_000 }]);
  });

  it('loses no field to the two ends of a key block that a hostile log put into different fields', async () => {
    const dir = fresh();
    const journal = await open(dir, { redact: createRedactor([]) });
    const begin = '-----BEGIN PRIVATE KEY-----';
    const event = { type: 'prepare.failed' as const, run: begin, instance: 7, step: 'setup' as const, exit_code: null, tail: ['a', '-----END PRIVATE KEY-----'] };
    journal.append([event], { sync: true });
    await journal.close();
    expect(readJournal(dir)).toMatchObject([{ instance: 7, step: 'setup', exit_code: null, tail: ['a', expect.any(String)] }]);
  });
});
