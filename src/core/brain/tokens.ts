/** An estimate of a model's tokens that errs on the high side: no tokenizer is shipped, and a cap must hold for all of them. */
const PIECES = /[A-Za-z0-9+=]{24,}|[A-Z]?[a-z]+|[A-Z]+|[0-9]+| +|\n+|[^\x00-\x7f]|[^A-Za-z0-9 \n]/gu;

export function countTokens(text: string): number {
  let count = 0;
  for (const [piece] of text.matchAll(PIECES)) {
    const first = piece.charCodeAt(0);
    if (first > 0x7f) count += piece.length > 1 ? 3 : 2;
    else if (piece[0] === ' ') count += piece.length > 1 ? Math.ceil(piece.length / 8) : 0;
    else if (piece[0] === '\n') count += 1;
    // Hashes and base64 cost two tokens for every three characters.
    else if (piece.length >= 24) count += Math.ceil(piece.length * 0.72);
    else if (/[0-9]/.test(piece)) count += Math.ceil(piece.length / 2);
    else count += Math.ceil(piece.length / (piece.length > 14 ? 2 : piece === piece.toUpperCase() ? 3 : 5));
  }
  return count;
}

/** As many of the last lines as fit into `budget` tokens, with a mark where lines were left out. */
export function lastLinesWithin(lines: readonly string[], budget: number): string[] {
  const kept: string[] = [];
  let left = budget - 8;
  for (let index = lines.length - 1; index >= 0; index -= 1) {
    const line = lines[index] ?? '';
    left -= countTokens(line) + 1;
    if (left < 0) return [`(${index + 1} earlier lines are left out)`, ...kept];
    kept.unshift(line);
  }
  return kept;
}

/** The beginning of a text that fits into `budget` tokens. */
export function headWithin(text: string, budget: number): string {
  if (countTokens(text) <= budget) return text;
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (countTokens(text.slice(0, middle)) <= budget - 4) low = middle;
    else high = middle - 1;
  }
  return `${text.slice(0, low)}\n(cut here)`;
}
