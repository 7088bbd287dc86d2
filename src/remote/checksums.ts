/** SHA-256 on the box, with whichever tool it has. */

/** Shell text that sets `H` to the hashing command; `xargs -0 $H` or `-exec $H {} +` runs it. */
export const PICK_HASH = `if command -v sha256sum >/dev/null 2>&1; then H=sha256sum
elif command -v shasum >/dev/null 2>&1; then H='shasum -a 256'
else H='openssl dgst -sha256 -r'; fi`;

/** Reads `hash  ./path` and `hash *./path` lines, and the leading backslash that marks an escaped name. */
export function parseChecksums(text: string): Map<string, string> {
  const sums = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, escaped, hash, name] = /^(\\?)([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    if (hash && name) sums.set((escaped ? unescapeName(name) : name).replace(/^\.\//, ''), hash);
  }
  return sums;
}

function unescapeName(name: string): string {
  return name.replace(/\\([\\nr])/g, (_, char: string) => (char === 'n' ? '\n' : char === 'r' ? '\r' : '\\'));
}
