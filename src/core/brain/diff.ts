/**
 * Unified diffs from a model, read strictly and written anew: what the guard judged is byte for byte what a box applies,
 * so that no second parser can see something else in them.
 */
import { relativePath } from '../quote.ts';

export interface FileDiff {
  path: string;
  /** The file does not exist yet. */
  created: boolean;
  hunks: { from: number; to: number; lines: string[] }[];
}

export interface Diff {
  files: FileDiff[];
  added: string[];
  removed: string[];
  /** The diff as it will be applied, with counts of our own. */
  text: string;
}

const MOST_FILES = 4;
/** Control characters, and the marks that make code read otherwise than it runs. */
const HIDDEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]/u;
const HEADER = /^@@ -(\d{1,7})(?:,\d{1,7})? \+(\d{1,7})(?:,\d{1,7})? @@/;
const SPOKEN = /^(diff --git |index [0-9a-f]+\.\.[0-9a-f]+)/;

/** Reads a diff with `a/` and `b/` prefixes. Anything but changed or new text files is a problem, in words for the model. */
export function readDiff(text: string): Diff | { problem: string } {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof DiffError || error instanceof RangeError) return { problem: error.message };
    throw error;
  }
}

class DiffError extends Error {}

function parse(text: string): Diff {
  if (HIDDEN.test(text.replaceAll('\r\n', '\n'))) throw new DiffError('the diff holds control or invisible characters');
  const lines = text.replaceAll('\r\n', '\n').replace(/\n+$/, '').split('\n');
  const files: FileDiff[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (line.trim() === '' || SPOKEN.test(line)) {
      at += 1;
      continue;
    }
    if (/^new file mode 100644$/.test(line)) {
      at += 1;
      continue;
    }
    if (/^(new file mode|old mode|new mode|deleted file|rename|copy|similarity|dissimilarity|GIT binary|Binary files|Subproject|literal|delta)/.test(line)) throw new DiffError(`only text changes are taken, not "${line.slice(0, 60)}"`);
    const after = lines[at + 1] ?? '';
    if (!line.startsWith('--- ') || !after.startsWith('+++ ')) throw new DiffError(`line ${at + 1} is no part of a unified diff`);
    const file = fileOf(line.slice(4), after.slice(4));
    at = readHunks(lines, at + 2, file);
    if (files.some(({ path }) => path === file.path)) throw new DiffError(`${file.path} comes twice`);
    files.push(file);
  }
  if (files.length === 0) throw new DiffError('the diff is empty');
  if (files.length > MOST_FILES) throw new DiffError(`it touches ${files.length} files; at most ${MOST_FILES} are taken`);
  const changed = files.flatMap(({ hunks }) => hunks.flatMap((hunk) => hunk.lines));
  return {
    files,
    added: changed.filter((line) => line.startsWith('+')).map((line) => line.slice(1)),
    removed: changed.filter((line) => line.startsWith('-')).map((line) => line.slice(1)),
    text: files.map(write).join(''),
  };
}

function fileOf(before: string, after: string): FileDiff {
  const [from, to] = [before, after].map((name) => name.replace(/\t.*$/, '').trimEnd());
  if (to === undefined || to === '/dev/null') throw new DiffError('a diff deletes no file');
  if (!to.startsWith('b/')) throw new DiffError('paths stand as a/PATH and b/PATH');
  const path = to.slice(2);
  if (!/^[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$/.test(path) || path !== relativePath(path)) throw new DiffError(`${JSON.stringify(path.slice(0, 80))} is not a plain path below the run's directory`);
  if (path.split('/').some((part) => part.startsWith('.') || part.startsWith('-'))) throw new DiffError('hidden files are not touched');
  const created = from === '/dev/null';
  if (!created && from !== `a/${path}`) throw new DiffError('a diff renames no file');
  return { path, created, hunks: [] };
}

function readHunks(lines: readonly string[], start: number, file: FileDiff): number {
  let at = start;
  while (at < lines.length) {
    const header = HEADER.exec(lines[at] ?? '');
    if (!header) break;
    const hunk = { from: Number(header[1]), to: Number(header[2]), lines: [] as string[] };
    at += 1;
    for (; at < lines.length; at += 1) {
      const line = lines[at] ?? '';
      // Two dashes may open the next file, or be a removed line that began with "-- ": the next line tells.
      if (HEADER.test(line) || SPOKEN.test(line) || (line.startsWith('--- ') && (lines[at + 1] ?? '').startsWith('+++ '))) break;
      if (line.startsWith('\\')) throw new DiffError('files end with a line break');
      if (line === '') hunk.lines.push(' ');
      else if (/^[ +-]/.test(line)) hunk.lines.push(line);
      else throw new DiffError(`line ${at + 1} begins with none of " ", "+" and "-"`);
    }
    // Blank lines between two parts of an answer are no context.
    while (hunk.lines.at(-1) === ' ' && lines[at] !== undefined) hunk.lines.pop();
    if (!hunk.lines.some((line) => /^[+-]/.test(line))) throw new DiffError('a hunk changes nothing');
    if (file.created && hunk.lines.some((line) => !line.startsWith('+'))) throw new DiffError('a new file has added lines alone');
    if (!file.created && hunk.lines.every((line) => line.startsWith('+'))) throw new DiffError('a hunk needs lines around it that say where it belongs');
    file.hunks.push(hunk);
  }
  if (file.hunks.length === 0) throw new DiffError(`${file.path} has no hunk with "@@ -LINE,COUNT +LINE,COUNT @@"`);
  return at;
}

function write({ path, created, hunks }: FileDiff): string {
  const head = created ? `--- /dev/null\n+++ b/${path}\n` : `--- a/${path}\n+++ b/${path}\n`;
  return head + hunks.map(({ from, to, lines }) => `@@ -${from},${count(lines, '-')} +${to},${count(lines, '+')} @@\n${lines.join('\n')}\n`).join('');
}

const count = (lines: readonly string[], sign: '-' | '+'): number => lines.filter((line) => line.startsWith(' ') || line.startsWith(sign)).length;
