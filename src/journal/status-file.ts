/** Our block inside a person's STATUS.md: every byte outside the two marker lines stays as it is. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { diskError, errorCode } from './errors.ts';

export const BEGIN = '<!-- vastsit:begin -->';
export const END = '<!-- vastsit:end -->';

/**
 * Puts `block` (its first and last lines are the markers) in the place of the last whole block of the file, or at the end
 * when there is none or a marker lacks its twin. A missing file is created. Atomic: a reader sees the old text or the new.
 * Rejects with JournalError.
 */
export async function writeStatus(path: string, block: string): Promise<void> {
  try {
    const target = await realPath(path);
    const old = await readIfThere(target);
    const text = spliceBlock(old?.text ?? '', Buffer.from(block).toString('latin1'));
    if (text === old?.text) return;
    await replaceFile(target, Buffer.from(text, 'latin1'), old?.mode ?? 0o666 & ~process.umask());
  } catch (error) {
    throw diskError(error, `write ${path}`, 'work in another project directory');
  }
}

/** Pure. Markers count only when they are a line of their own. Texts are bytes as latin1, so that any encoding survives. */
export function spliceBlock(text: string, block: string): string {
  const markers = [...text.matchAll(/^<!-- vastsit:(begin|end) -->(?=[ \t]*\r?$)/gm)];
  const last = markers.findLastIndex((marker, index) => marker[1] === 'end' && markers[index - 1]?.[1] === 'begin');
  const begin = markers[last - 1];
  const end = markers[last];
  if (begin && end) return text.slice(0, begin.index) + block + text.slice(end.index + end[0].length);
  const gap = text === '' ? '' : text.endsWith('\n') ? '\n' : '\n\n';
  return `${text}${gap}${block}\n`;
}

/** A link is written through, not replaced. */
async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    await mkdir(dirname(path), { recursive: true });
    return path;
  }
}

async function readIfThere(path: string): Promise<{ text: string; mode: number } | null> {
  try {
    return { text: await readFile(path, 'latin1'), mode: (await stat(path)).mode & 0o777 };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

async function replaceFile(path: string, content: Buffer, mode: number): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.chmod(mode); // past the umask, which has no say in a file that was there
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
