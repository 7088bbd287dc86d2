/** A framed box for overlays. */
import { fitLine, line, lineWidth, piece, type Line } from '../line.ts';
import type { Role } from '../theme.ts';

/** `body` in a frame of `width` cells, its title in the upper edge. */
export function box(title: string, body: readonly Line[], width: number, edge: Role): Line[] {
  const inner = width - 4;
  const rows = body.map((row) => ({ ...line(piece('│ ', edge), ...fitLine(row, inner).pieces, piece(' │', edge)), over: 'dialog' as const }));
  const head = line(piece('╭─ ', edge), piece(title, edge), piece(' ', edge));
  return [
    { ...line(...head.pieces, piece(`${'─'.repeat(Math.max(0, width - lineWidth(head) - 1))}╮`, edge)), over: 'dialog' },
    ...rows,
    { ...line(piece(`╰${'─'.repeat(width - 2)}╯`, edge)), over: 'dialog' },
  ];
}
