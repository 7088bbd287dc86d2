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
  return [...text].map((character) => (/[ -~]/.test(character) ? character : (PLAIN[character] ?? '?'.repeat(width(character))))).join('');
}

/** Does this terminal speak UTF-8? The Linux console does, but its font lacks most of these shapes. */
export function speaksUnicode(env: NodeJS.ProcessEnv): boolean {
  if (env['TERM'] === 'linux' || env['TERM'] === 'dumb') return false;
  return /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '');
}
