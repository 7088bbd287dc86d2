/** Every drawing character of the cockpit, each one cell wide, and what stands for it where UTF-8 is not spoken. */
export const GLYPH = {
  live: '●',
  busy: '◐',
  alert: '▲',
  hold: '‖',
  done: '✓',
  failed: '✗',
  off: '○',
  milestone: '◆',
  select: '▸',
  rule: '─',
  rule_focus: '━',
  bar: '│',
  full: '━',
  part: '┅',
  rest: '─',
  caret: '▏',
  more: '…',
  dot: '·',
} as const;

export const SPARKS = '▁▂▃▄▅▆▇█';

const PLAIN: Readonly<Record<string, string>> = {
  '●': '*', '◐': '~', '▲': '!', '‖': '=', '✓': '+', '✗': 'x', '○': 'o', '◆': '#', '▸': '>', '─': '-', '━': '=', '│': '|',
  '█': '#', '┅': '~', '▏': '_', '↑': '^', '↓': 'v', '←': '<', '…': '~', '·': '-', '×': 'x', '╭': '+', '╮': '+', '╰': '+', '╯': '+', '→': '>', '—': '-',
  '▁': '_', '▂': '.', '▃': ':', '▄': '-', '▅': '=', '▆': '+', '▇': '*',
};

/** `text` in ASCII with its display width kept; foreign characters become question marks. */
export function toAscii(text: string, width: (text: string) => number): string {
  return [...text].map((character) => (/[ -~]/.test(character) ? character : (PLAIN[character] ?? braille(character) ?? '?'.repeat(width(character))))).join('');
}

/** A chart's cell by how high its dots stand: the shape of the line survives. */
function braille(character: string): string | null {
  const bits = (character.codePointAt(0) ?? 0) - 0x2800;
  if (bits < 0 || bits > 0xff) return null;
  if (bits === 0) return ' ';
  return (bits & 0x09) !== 0 ? ((bits & 0xc0) !== 0 ? '|' : "'") : (bits & 0xc0) !== 0 ? '.' : '-';
}

/** Does this terminal speak UTF-8? The Linux console does, but its font lacks most of these shapes. */
export function speaksUnicode(env: NodeJS.ProcessEnv): boolean {
  if (env['TERM'] === 'linux' || env['TERM'] === 'dumb') return false;
  return /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '');
}
