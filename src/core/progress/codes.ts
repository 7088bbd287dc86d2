/** The line that is being scanned, as plain numbers, and the steps that are taken over it. */

const OTHER = 0;
export const LETTER = 1;
export const DIGIT = 2;
/** What a character begins; everything from U+00C0 on counts as a letter. */
const CLASS = Uint8Array.from({ length: 0xc0 }, (_, code) => (code >= 48 && code <= 57 ? DIGIT : (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 ? LETTER : OTHER));
export const classOf = (code: number) => (code < 0xc0 ? CLASS[code] : code >= 0xc0 ? LETTER : OTHER);
// A slice of a chunk is slow to read character by character.
const CODES = new Uint16Array(32_768);
const BYTES = Buffer.from(CODES.buffer);
const BEYOND = 8;
export const codeAt = (at: number): number => CODES[at] ?? 0;
export const digit = (code: number) => code >= 48 && code <= 57;
export const wordy = (code: number) => classOf(code) !== OTHER;

/** Makes `line` the one that the functions below read, and says how much of it they see. */
export function load(line: string): number {
  const end = Math.min(line.length, CODES.length - BEYOND);
  BYTES.write(line, 0, end * 2, 'utf16le');
  for (let at = end; at < end + BEYOND; at++) CODES[at] = 0;
  return end;
}

/** The line between two places. */
export const piece = (from: number, to: number): Uint16Array => CODES.slice(from, to);

/** Whether the line goes on with `codes` at a place. */
export function standsAt(codes: Uint16Array, from: number): boolean {
  for (let at = 0; at < codes.length; at++) if (codes[at] !== CODES[from + at]) return false;
  return true;
}

/** The end of digits, thousands separators, a fraction and an exponent. */
export function numberEnd(from: number): number {
  let at = from;
  while (digit(codeAt(at))) at++;
  while (at - from <= 15 && codeAt(at) === 44 && digit(codeAt(at + 1)) && digit(codeAt(at + 2)) && digit(codeAt(at + 3)) && !digit(codeAt(at + 4))) at += 4;
  if (codeAt(at) === 46 && codeAt(from - 1) !== 46) {
    at++;
    while (digit(codeAt(at))) at++;
  }
  const code = codeAt(at);
  if (code === 101 || code === 69) {
    const sign = codeAt(at + 1);
    const exponent = sign === 43 || sign === 45 ? at + 2 : at + 1;
    if (digit(codeAt(exponent))) {
      at = exponent;
      while (digit(codeAt(at))) at++;
    }
  }
  return at;
}

export function skipWord(from: number): number {
  let at = from;
  for (;;) {
    while (wordy(codeAt(at))) at++;
    // "mAP50-95", "BLEU-4", "Acc@1" and "mAP@.5:.95" are one word each; "loss-0.5" is not.
    const joint = codeAt(at);
    if ((joint !== 45 && joint !== 64) || at === from) return at;
    let end = at + 1;
    const cut = joint === 64;
    while (digit(codeAt(end)) || (cut && ((codeAt(end) === 46 && digit(codeAt(end + 1))) || (codeAt(end) === 58 && isRange(at, end))))) end++;
    if (end === at + 1 || codeAt(end) === 46) return at;
    at = end;
  }
}

/** Whether a colon parts two thresholds ("mAP@.5:.95", "AP@50:95") and not a name and its value ("hit@10:0.122"). */
function isRange(from: number, colon: number): boolean {
  let at = colon + 1;
  while (digit(codeAt(at))) at++;
  if (codeAt(at) !== 46) return at > colon + 1;
  for (let back = from + 1; back < colon; back++) if (codeAt(back) === 46) return digit(codeAt(at + 1));
  return false;
}

export function isDate(start: number, stop: number): boolean {
  const next = codeAt(stop);
  if (next === 45 && digit(codeAt(stop + 1))) return stop - start <= 4;
  if (next === 47 && digit(codeAt(stop + 1)) && stop - start <= 4) {
    let at = stop + 1;
    while (digit(codeAt(at))) at++;
    if (codeAt(at) === 47) return digit(codeAt(at + 1));
    // "01/02 03:04:05"
    return at - start <= 5 && codeAt(at) === 32 && digit(codeAt(at + 1)) && codeAt(at + 3) === 58 && digit(codeAt(at + 4));
  }
  return next === 46 && digit(codeAt(stop + 1));
}

export function skipStamp(from: number): number {
  let at = from;
  for (;;) {
    const code = codeAt(at);
    if (digit(code)) at++;
    else if ((code === 45 || code === 58 || code === 46 || code === 44 || code === 84 || code === 95 || code === 47) && digit(codeAt(at + 1))) at++;
    else return at;
  }
}

export function lettersEnd(from: number): number {
  let at = from;
  for (;;) {
    const code = codeAt(at);
    if ((code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 37 || code === 181) at++;
    else return at;
  }
}

export function skipSpaces(from: number): number {
  let at = from;
  while (codeAt(at) === 32) at++;
  return at;
}
