import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeStatus } from '../../src/journal/index.ts';
import { BEGIN, END, spliceBlock } from '../../src/journal/status-file.ts';
import { tempDirs } from './temp.ts';

const fresh = tempDirs();
const block = (text: string): string => `${BEGIN}\n${text}\n${END}`;

describe('the block inside a file', () => {
  it('is replaced where it stands, and every byte around it is kept', () => {
    const around = fc.array(fc.constantFrom('a', '\n', '\r\n', ' ', '\t', '\xff', '\x00', 'see <!-- vastsit:end -->\n', '  <!-- vastsit:begin -->\n', '# x\n'), { maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(around, around, fc.constantFrom('\n', '\r\n', ' \n'), (before, after, newline) => {
        // "see <!-- … -->" is a sentence about the marker, not the marker; only a line of its own counts.
        const head = before === '' ? '' : `${before}\n`;
        fc.pre(!/^<!-- vastsit/m.test(head) && !/^<!-- vastsit/m.test(after));
        expect(spliceBlock(`${head}${block('old')}${newline}${after}`, block('new'))).toBe(`${head}${block('new')}${newline}${after}`);
      }),
    );
  });

  it.each([
    ['only a begin', `text\n${BEGIN}\nmine\n`],
    ['only an end', `text\n${END}\nmine\n`],
    ['an end before a begin', `${END}\nmine\n${BEGIN}\n`],
    ['two begins', `${BEGIN}\n${BEGIN}\nmine`],
    ['no marker', 'mine'],
    ['nothing', ''],
  ])('goes to the end of a file with %s, whose text is left alone, and is found there again', (_, text) => {
    const once = spliceBlock(text, block('one'));
    expect(once.startsWith(text)).toBe(true);
    expect(once.endsWith(`${block('one')}\n`)).toBe(true);
    expect(spliceBlock(once, block('two'))).toBe(once.replace('one', 'two'));
  });

  it('takes the whole pair beside a stray marker', () => {
    expect(spliceBlock(`${block('old')}\n${END}\n`, block('new'))).toBe(`${block('new')}\n${END}\n`);
    expect(spliceBlock(`${BEGIN}\nmine\n${block('old')}\n`, block('new'))).toBe(`${BEGIN}\nmine\n${block('new')}\n`);
  });
});

describe('writing STATUS.md', () => {
  it('creates it, with its directory, and leaves nothing else there', async () => {
    const dir = join(fresh(), 'project');
    await writeStatus(join(dir, 'STATUS.md'), block('één'));
    expect(readFileSync(join(dir, 'STATUS.md'), 'utf8')).toBe(`${block('één')}\n`);
    expect(readdirSync(dir)).toEqual(['STATUS.md']);
  });

  it('keeps bytes of any encoding, the mode and a link', async () => {
    const dir = fresh();
    const path = join(dir, 'real.md');
    const head = Buffer.from([0xff, 0xfe, 0x80, 0x0a]);
    writeFileSync(path, Buffer.concat([head, Buffer.from(`${block('old')}\n`), head]));
    chmodSync(path, 0o662);
    symlinkSync('real.md', join(dir, 'STATUS.md'));
    await writeStatus(join(dir, 'STATUS.md'), block('nieuw: één'));
    expect(readFileSync(path)).toEqual(Buffer.concat([head, Buffer.from(`${block('nieuw: één')}\n`), head]));
    expect(statSync(path).mode & 0o777).toBe(0o662);
    expect(lstatSync(join(dir, 'STATUS.md')).isSymbolicLink()).toBe(true);
  });

  it('does not touch a file that says the same already', async () => {
    const path = join(fresh(), 'STATUS.md');
    await writeStatus(path, block('same'));
    const { ino } = statSync(path);
    await writeStatus(path, block('same'));
    expect(statSync(path).ino).toBe(ino);
  });

  it('says what to do when it cannot be written, and leaves no temporary file', async () => {
    const dir = fresh();
    mkdirSync(join(dir, 'STATUS.md'));
    await expect(writeStatus(join(dir, 'STATUS.md'), block('x'))).rejects.toMatchObject({ name: 'JournalError', message: expect.stringContaining('STATUS.md') as string });
    expect(readdirSync(dir)).toEqual(['STATUS.md']);
  });
});
