/** Text from a box, made fit for a model: visible characters alone, secrets masked, bounded, and fenced in as data. */
import { headWithin } from '../../core/brain/tokens.ts';
import { cleanLine } from '../../core/text.ts';

/** Format characters, tag characters, variation selectors and private use: what a person would not see, a model must not read. */
const UNSEEN = /[\p{Cf}\p{Co}\p{Cn}\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufe00-\ufe0f]|[\u{e0000}-\u{e0fff}]/gu;
const LINE = 600;
const LONGEST_LINE = 60_000;

/** Masks before and after cleaning: nothing hides behind an escape, and no cut leaves half a secret standing. */
export function seen(text: string, redact: (text: string) => string): string {
  const cleaned = redact(text.slice(-400_000)).split('\n').map((line) => cleanLine(line, LONGEST_LINE).replace(UNSEEN, ''));
  return redact(cleaned.join('\n')).split('\n').map((line) => line.slice(0, LINE)).join('\n');
}

export const cleanText = (text: string, redact: (text: string) => string, budget: number): string => headWithin(seen(text, redact), budget);

/** Data between marks that nobody could foresee; `nonce` is new for each consult. */
export const fenced = (name: string, text: string, nonce: string): string => `<data ${nonce} ${name}>\n${text.replaceAll(nonce, '')}\n</data ${nonce}>`;
