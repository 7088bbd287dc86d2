/**
 * Compiles globs over relative paths: `*` and `?` stay inside one name, `**` as a whole name spans any number of folders.
 * As in a shell, a wildcard does not match a leading dot, so `**` never brings the sentinel's own files home.
 */
export function globMatcher(globs: readonly string[]): (path: string) => boolean {
  const patterns = globs.map((glob) => names(glob).map(compile));
  return (path) => {
    const parts = names(path);
    return patterns.some((pattern) => matches(pattern, parts));
  };
}

/** The first name of each glob where it is literal, else `.`: where a search must begin. */
export function globRoots(globs: readonly string[]): string[] {
  const roots = new Set(globs.map((glob) => names(glob)[0] ?? '.').map((name) => (/[*?]/.test(name) ? '.' : name)));
  return roots.has('.') ? ['.'] : [...roots];
}

type Part = RegExp | 'folders';

function names(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

function compile(name: string): Part {
  if (name === '**') return 'folders';
  const source = name.replace(/\*+|[\\^$.+()|[\]{}?]/g, (char) => (char.startsWith('*') ? '[^/]*' : char === '?' ? '[^/]' : `\\${char}`));
  return new RegExp(`^${/^[*?]/.test(name) ? '(?!\\.)' : ''}${source}$`, 'su');
}

/** One row per pattern part, as in an edit distance: a hostile pattern costs parts x names, never more. */
function matches(pattern: readonly Part[], parts: readonly string[]): boolean {
  let row = [true, ...parts.map(() => false)];
  for (const part of pattern) {
    const next = [part === 'folders' && row[0] === true];
    parts.forEach((name, i) => {
      next.push(part === 'folders' ? row[i + 1] === true || (next[i] === true && !name.startsWith('.')) : row[i] === true && part.test(name));
    });
    row = next;
  }
  return row.at(-1) === true;
}
