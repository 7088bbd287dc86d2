/** One shell word that means exactly `text` to any POSIX shell. Throws RangeError on a NUL, which no argument can hold. */
export function shellQuote(text: string): string {
  if (text.includes('\0')) throw new RangeError('a shell word cannot hold a NUL character');
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The run's directory as a shell word; the box expands its own home. Throws RangeError on a name that isn't a run's. */
export function runDirectory(run: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(run)) throw new RangeError(`not a run's name: ${JSON.stringify(run)}`);
  return `"$HOME"/vastsit/${shellQuote(run)}`;
}

/** A path below the run's directory, without `./` and doubled slashes. Throws RangeError when it could lead elsewhere. */
export function relativePath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (path.startsWith('/') || parts.includes('..') || /[\0\n\r]/.test(path)) {
    throw new RangeError(`not a path below the run's directory: ${JSON.stringify(path)}`);
  }
  return parts.join('/');
}

/** Is the character at `at` of a shell text inside quotes? What stands there quoted by itself would end them. */
export function inQuotes(text: string, at: number): boolean {
  let open: string | null = null;
  for (let index = 0; index < at; index += 1) {
    const character = text[index];
    if (character === '\\' && open !== "'") index += 1;
    else if (open === null && (character === "'" || character === '"')) open = character;
    else if (character === open) open = null;
  }
  return open !== null;
}
