/** What a run is doing when it prints no step: read from words alone. */
import type { Activity } from './track.ts';

const WORDS: readonly [Activity, RegExp][] = [
  ['downloading', /\bdownloading\b|\bfetching \d|\bpulling (?:image|layer|weights)|\bcloning into\b|^collecting \S/i],
  ['compiling', /\bcompiling\b|\bnvcc\b|\bninja:|\bautotun|torch\.compile|\bjit[- ]compil|building extension|\bcuda graphs?\b|^building wheels?\b|\bloading extension module\b/i],
  ['saving', /\bsaving\b|\bwriting checkpoint|\bsaved (?:model|checkpoint)|checkpoint saved|\bdumping\b/i],
  ['evaluating', /\brunning (?:evaluation|validation|eval)|\*+ running (?:evaluation|prediction)|\bevaluating\b|\bstart(?:ing)? (?:eval|validation)|\bcalculating validation/i],
  ['preparing', /\btokeni[sz]ing\b|\bpreprocess|\bloading (?:dataset|data|model|checkpoint|weights|tokenizer)|\bpreparing\b|\bbuilding (?:dataset|index|vocab)|generating train split|\binstalling\b|\bgrouping texts|\bcaching\b|creating index/i],
];

/** The activity that one line speaks of; null when it speaks of none. */
export function activityOf(line: string): Activity | null {
  for (const [activity, pattern] of WORDS) if (pattern.test(line)) return activity;
  return null;
}
