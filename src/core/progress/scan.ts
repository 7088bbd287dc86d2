/** One linear pass over a line: every number together with the words before it. No regular expression runs per character. */
import { Again } from './again.ts';
import { classOf, codeAt, DIGIT, digit, isDate, LETTER, lettersEnd, load, numberEnd, piece, skipSpaces, skipStamp, skipWord, standsAt, wordy } from './codes.ts';
import { readLabel, type Label } from './labels.ts';
import { multiplier, slackOf, toNumber } from './numbers.ts';
import { rateUnit, type RateUnit } from './rates.ts';

export interface Field {
  label: Label;
  /** Where the number starts in the line. */
  at: number;
  /** NaN and infinities as printed. */
  value: number;
  /** The b of a/b; null when there is none. */
  of: number | null;
  /** How far an abbreviated count (12.8k) may be off; 0 for an exact one. */
  slack: number;
  /** Letters right after the number: "ms", "G", "%". */
  unit: string;
  /** When a unit of speed follows the number. */
  rate: RateUnit | null;
}

interface RateAt extends RateUnit {
  end: number;
}

const CACHED_LABELS = 4_096;
const CACHED_LENGTH = 96;
const GUESSES = 64;
const EMPTY_UNIT = '';

// Training lines repeat their words, so nearly every label is a cache hit; logs of one framework share them.
const first = new Map<string, Label>();
const later = new Map<string, Label>();

/** A scanner of its own for each log. */
export function createScanner(): (line: string) => Field[] {
  // The line before mostly had the same words in the same place: comparing them is cheaper than looking them up.
  const guesses: { codes: Uint16Array; label: Label }[] = [];
  const again = new Again();

  function labelOf(line: string, from: number, to: number, index: number): Label {
    const guess = guesses[index];
    if (guess && guess.codes.length === to - from && standsAt(guess.codes, from)) return guess.label;
    const raw = line.slice(from, to);
    const label = lookUp(raw, index === 0);
    if (index < GUESSES && raw.length <= CACHED_LENGTH) guesses[index] = { codes: piece(from, to), label };
    return label;
  }

  return (line) => {
    const end = load(line);
    const known = again.read(line, end);
    if (known) return known;
    again.begin(end);
    const fields: Field[] = [];
    let at = 0;
    let labelFrom = 0;
    let counted = 0;
    let evaluates = false;
    while (at < end) {
      const code = codeAt(at);
      let kind = classOf(code);
      let start = at;
      let stop: number;
      if (kind === DIGIT) stop = numberEnd(at);
      else if (kind === LETTER) {
        const wordEnd = skipWord(at);
        if (digit(codeAt(wordEnd - 1)) && numbered(line, at, wordEnd)) {
          start = at;
          while (!digit(codeAt(start))) start++;
          stop = numberEnd(start);
          kind = DIGIT;
        } else if (!isNonFinite(line, at, wordEnd)) {
          at = wordEnd;
          continue;
        } else {
          if (codeAt(at - 1) === 45) start = at - 1;
          stop = wordEnd;
        }
      } else if ((code === 45 || code === 43 || code === 46) && digit(codeAt(at + 1)) && (at === 0 || !wordy(codeAt(at - 1)))) {
        stop = numberEnd(at + 1);
      } else {
        at++;
        continue;
      }
      // "step: [101,300]" are two numbers.
      const comma = codeAt(start - 1) === 91 && codeAt(stop) === 93 ? line.indexOf(',', start) : -1;
      const pairEnd = comma > start && comma < stop ? stop : 0;
      if (pairEnd > 0) stop = comma;
      const next = codeAt(stop);
      // "top 5 acc: 0.53": the number is the measure's.
      if (stop - start === 1 && next === 32 && (codeAt(start - 2) | 32) === 112 && namesTop(line, start)) {
        at = stop;
        continue;
      }
      // "mean 100 episode reward"
      if (stop - start === 3 && next === 32 && codeAt(stop + 1) === 101 && codeAt(start - 2) === 110 && line.startsWith('episode', stop + 1) && line.startsWith('mean ', start - 5)) {
        at = stop;
        continue;
      }
      // Clock times, dates and addresses are no counts.
      if ((next === 58 && digit(codeAt(stop + 1))) || isDate(start, stop)) {
        const label = labelOf(line, labelFrom, start, counted);
        at = skipStamp(stop);
        if (label.evalContext) fields.push(again.add({ field: { label, at: start, value: Number.NaN, of: null, slack: 0, unit: EMPTY_UNIT, rate: null }, number: null, total: null }));
        again.number(start, at);
        // "At iteration 100/100/104"
        if (next === 47 && label.role === 'step') fields.push(again.add({ field: { label, at: start, value: toNumber(line, start, stop), of: null, slack: 0, unit: EMPTY_UNIT, rate: null }, number: { from: start, to: stop, scale: 1 }, total: null }));
        if (label.role === 'eta') fields.push(again.add({ field: { label, at: start, value: Number.NaN, of: null, slack: 0, unit: EMPTY_UNIT, rate: null }, number: null, total: null }));
        if (label.role !== 'none' || counted > 0) counted++;
        labelFrom = at;
        continue;
      }
      const unitEnd = lettersEnd(stop);
      let after = unitEnd;
      let of: { value: number; end: number } | null = null;
      let rate: RateAt | null = null;
      if (kind === DIGIT || code === 46) {
        const follows = codeAt(unitEnd);
        const slash = follows === 32 ? skipSpaces(unitEnd) : unitEnd;
        if (pairEnd > 0) {
          of = { value: comma + 1, end: pairEnd };
          after = pairEnd;
        } else if (codeAt(slash) === 47) {
          const total = skipSpaces(slash + 1);
          if (digit(codeAt(total))) {
            const totalEnd = numberEnd(total);
            of = { value: total, end: totalEnd };
            after = lettersEnd(totalEnd);
          }
        } else if (follows === 32 && codeAt(stop + 1) === 111 && (line.startsWith(' of ', stop) || line.startsWith(' out of ', stop))) {
          const total = stop + (line.startsWith(' of ', stop) ? 4 : 8);
          if (digit(codeAt(total))) {
            of = { value: total, end: numberEnd(total) };
            after = of.end;
          }
        }
        // "5118/265 tok/s": the speeds of source and target.
        if (of && codeAt(after) === 32 && codeAt(of.end) === 32) {
          rate = rateAfter(line, of.end, of.end);
          if (rate) of = null;
          if (rate) after = rate.end;
        } else if (!of && (follows === 32 || follows === 47)) {
          rate = rateAfter(line, stop, unitEnd);
          if (rate) after = Math.max(after, rate.end);
        }
      }
      again.number(start, stop);
      if (of) again.number(of.value, of.end);
      const label = labelOf(line, labelFrom, start, counted);
      counted++;
      evaluates ||= label.evalContext;
      if (label.role !== 'none' || label.figure || of || rate || evaluates || (label.empty && (counted <= 2 || label.bracket || (codeAt(stop) === 109 && codeAt(stop + 1) === 115))) || (codeAt(stop) === 101 && line.startsWith('epoch', stop))) {
        const apart = unitEnd === stop && codeAt(stop) === 32 && codeAt(stop + 1) === 109 && codeAt(stop + 2) === 115 && !wordy(codeAt(stop + 3));
        const unit = apart ? 'ms' : unitEnd === stop ? EMPTY_UNIT : line.slice(stop, unitEnd);
        const scale = unit === EMPTY_UNIT ? 1 : multiplier(unit);
        const number = { from: start, to: stop, scale };
        const total = of ? { from: of.value, to: of.end, scale: after === of.end ? 1 : multiplier(line.slice(of.end, after).trim()) } : null;
        const value = toNumber(line, start, stop) * scale;
        const slack = scale === 1 ? 0 : slackOf(line, start, stop, scale);
        fields.push(again.add({ field: { label, at: start, value, of: total && toNumber(line, total.from, total.to) * total.scale, slack, unit, rate: rate ? { unit: rate.unit, scale: rate.scale } : null }, number, total }));
      }
      at = after;
      labelFrom = after;
    }
    return fields;
  };
}

function lookUp(raw: string, isFirst: boolean): Label {
  if (raw.length > CACHED_LENGTH) return readLabel(raw, isFirst);
  const cache = isFirst ? first : later;
  const known = cache.get(raw);
  if (known) return known;
  const label = readLabel(raw, isFirst);
  if (cache.size >= CACHED_LABELS) cache.clear();
  // The slice would keep its whole chunk alive: the cache holds a copy of its own.
  cache.set([...raw].join(''), label);
  return label;
}

function namesTop(line: string, start: number): boolean {
  return /(?:^|[^a-z])top[ -]$/i.test(line.slice(Math.max(0, start - 5), start)) && /^\d (?:acc|err|prec|rec|score)/i.test(line.slice(start, start + 8));
}

/** Whether a word is one that counts with its count behind it: "E192/500", "Epoch12", "step300". */
function numbered(line: string, at: number, end: number): boolean {
  const first = codeAt(at) | 32;
  if ((first !== 101 && first !== 105 && first !== 115) || end - at > 12) return false;
  return (codeAt(end) === 47 ? /^(?:e|ep|epoch|iter|step)\d+$/i : /^(?:ep|epoch|iter|step)\d+$/i).test(line.slice(at, end));
}

function isNonFinite(line: string, at: number, end: number): boolean {
  const length = end - at;
  if (length !== 3 && length !== 8) return false;
  const code = codeAt(at) | 32;
  if (code !== 110 && code !== 105) return false;
  const word = line.slice(at, end).toLowerCase();
  return word === 'nan' || word === 'inf' || word === 'infinity';
}

function rateAfter(line: string, stop: number, unitEnd: number): RateAt | null {
  let from = stop;
  let slash = unitEnd;
  // "37.2k tok/s": the prefix stands with the number, its value carries it already.
  const prefixed = unitEnd - stop === 1 && codeAt(unitEnd) === 32 && multiplier(line.slice(stop, unitEnd)) > 1;
  if (prefixed) stop = unitEnd;
  if (stop === unitEnd) {
    if (codeAt(stop) !== 32) return codeAt(stop) === 47 ? timmRate(stop) : null;
    from = skipSpaces(stop);
    slash = lettersEnd(from);
    if (slash === from) return null;
    if (codeAt(slash) === 32 && slash - from === 1) slash = lettersEnd(slash + 1);
    // "3739 src tok/s"
    if (codeAt(slash) === 32 && slash - from === 3 && /^(?:src|tgt|gen) $/.test(line.slice(from, slash + 1))) slash = lettersEnd((from = slash + 1));
    // "(1292.3 ms)" at the end of a line is the time of its step.
    if (slash - from === 2 && codeAt(slash) === 41 && codeAt(from) === 109 && codeAt(from + 1) === 115 && slash >= line.trimEnd().length - 1) return { unit: 'ms/iter', scale: 1, end: slash + 1 };
  }
  if (codeAt(slash) !== 47) return null;
  const end = lettersEnd(slash + 1);
  // "lr=3e-4 tok/s=45210", "sec/tick 71.1   sec/kimg 17.4": the unit of the number that follows it.
  if (from > stop && namesNext(line, end, from - stop)) return null;
  const unit = rateUnit(line.slice(from, slash), line.slice(slash + 1, end));
  return unit ? { ...unit, end } : null;
}

/** Whether what ends here is the name of a number: a sign stands between them, or it stands nearer to that number than to the one before. */
function namesNext(line: string, end: number, gap: number): boolean {
  const code = codeAt(end);
  if (code === 61 || code === 58) return digit(codeAt(skipSpaces(end + 1)));
  const next = skipSpaces(end);
  return gap > 1 && next > end && next - end < gap && digit(codeAt(next)) && line[next] !== undefined;
}

/** "1234.5/s" */
function timmRate(slash: number): RateAt | null {
  return codeAt(slash + 1) === 115 && !wordy(codeAt(slash + 2)) ? { unit: 'samples/s', scale: 1, end: slash + 2 } : null;
}
