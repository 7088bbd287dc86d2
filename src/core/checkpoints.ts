/** Which of several checkpoint files is the newest that can be trusted. */
import { globMatcher } from './glob.ts';
import type { FileFact } from './ports.ts';

/** The step that a checkpoint's name tells: the last number in its last path segment that has one. */
export function stepOf(path: string): number | null {
  for (const part of path.split('/').reverse()) {
    const digits = part.replace(/\.[A-Za-z0-9]*$/, '').match(/\d+/g)?.at(-1) ?? null;
    if (digits !== null) return Number(digits);
  }
  return null;
}

/** Newest by step, else by time; empty files are never complete. */
export function newestCheckpoint(files: readonly FileFact[], globs: readonly string[]): FileFact | null {
  return newestCheckpoints(files, globs, 1)[0] ?? null;
}

/** The `keep` newest, newest first. */
export function newestCheckpoints(files: readonly FileFact[], globs: readonly string[], keep: number): FileFact[] {
  const matches = globMatcher(globs);
  return files
    .filter((file) => file.bytes > 0 && matches(file.path))
    .sort((a, b) => (stepOf(b.path) ?? -1) - (stepOf(a.path) ?? -1) || b.mtime_s - a.mtime_s)
    .slice(0, keep);
}
