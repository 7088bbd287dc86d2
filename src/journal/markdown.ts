/** Foreign text inside Markdown: it may neither look like structure nor end the block that it stands in. */
import { cleanLine } from '../core/text.ts';

/** One line whose every character is meant as it stands. Multi-line text is joined with `⏎`. */
export function mdText(raw: string, max = 400): string {
  return oneLine(raw, max)
    .replace(/[\\`*_[\]<>|~&#!@$]/g, '\\$&')
    .replaceAll('://', ':\\/\\/')
    .replace(/\bwww\./gi, (www) => `${www.slice(0, -1)}\\.`);
}

/** A code span, readable as it is. Text that holds part of a comment mark becomes escaped text instead, so that no marker can be forged. */
export function mdCode(raw: string, max = 1_000): string {
  const text = oneLine(raw, max);
  if (text.trim() === '') return '(empty)';
  if (text.includes('<!--') || text.includes('-->')) return mdText(text, max);
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  const pad = longest > 0 || (text.startsWith(' ') && text.endsWith(' ')) ? ' ' : '';
  return `${fence}${pad}${text}${pad}${fence}`;
}

function oneLine(raw: string, max: number): string {
  const lines = raw
    .slice(0, max * 4)
    .split(/\r\n|[\n\u2028\u2029]/)
    .map((line) => cleanLine(line, max))
    .filter((line) => line.trim() !== '');
  const text = lines.join(' ⏎ ');
  return text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
