/** The user's own pattern: a regular expression whose named groups say what is what. */
import { rateUnit, seconds } from './rates.ts';
import type { LineRecord } from './record.ts';

/** Compiles `source`; a pattern that has a problem matches nothing (the spec rejects it before). */
export function userPattern(source: string): (line: string) => LineRecord | null {
  if (patternProblem(source) !== null) return () => null;
  const pattern = new RegExp(source);
  return (line) => {
    const groups = pattern.exec(line)?.groups;
    return groups ? read(groups) : null;
  };
}

/**
 * What keeps `source` from being used on lines that strangers write; null when nothing does. Nobody can stop a regular expression that
 * is running, so one whose time may grow exponentially is refused: a repeated group that holds another repetition, or alternatives.
 */
export function patternProblem(source: string): string | null {
  try {
    new RegExp(source);
  } catch {
    return 'expected a regular expression that compiles';
  }
  const open: { repeats: boolean; chooses: boolean }[] = [];
  let here = { repeats: false, chooses: false };
  // Escapes and character classes first: what stands in them repeats nothing.
  for (const [token] of source.matchAll(/\\.|\[(?:\\.|[^\\\]])*\]|\((?:\?(?:<?[=!]|<[^>]*>|:))?|\)(?:[*+?]|\{\d+(?:,\d*)?\})?\??|[*+?]\??|\{\d+,\d*\}\??|\|/g)) {
    if (token.startsWith('\\') || token.startsWith('[')) continue;
    if (token.startsWith('(')) {
      open.push(here);
      here = { repeats: false, chooses: false };
    } else if (token.startsWith(')')) {
      const repeated = /^\)(?:[*+]|\{(?!([1-4])\}))/.test(token);
      if (repeated && (here.repeats || here.chooses)) return 'expected a pattern without a repeated group that holds a repetition or alternatives: such a one can run for hours on a single line';
      const { repeats, chooses } = here;
      here = open.pop() ?? { repeats: false, chooses: false };
      here.repeats ||= repeats || repeated;
      here.chooses ||= chooses || token.startsWith(')?');
    } else if (token === '|' || token.startsWith('?')) here.chooses = true;
    else here.repeats = true;
  }
  return null;
}

function read(groups: Readonly<Record<string, string | undefined>>): LineRecord | null {
  const record: LineRecord = { context: 'train', shape: 'user', format: 'user' };
  const metrics: Record<string, number> = {};
  for (const [name, text] of Object.entries(groups)) {
    if (text === undefined) continue;
    const value = number(text);
    if (name === 'eta') record.eta = seconds(text) ?? Number.NaN;
    if (value === null) continue;
    if (name === 'step' || name === 'total' || name === 'epoch' || name === 'loss' || name === 'lr') record[name] = value;
    else if (name === 'rate') record.rate = { value, unit: unitOf(groups['unit']) };
    else if (name !== 'unit' && name !== 'eta') metrics[name] = value;
  }
  if (record.eta !== undefined && Number.isNaN(record.eta)) delete record.eta;
  if (Object.keys(metrics).length > 0) record.eval = metrics;
  return Object.keys(record).length > 3 ? record : null;
}

function unitOf(text: string | undefined): string {
  const [over = '', under = ''] = (text ?? 'it/s').split('/');
  return rateUnit(over, under)?.unit ?? text ?? 'it/s';
}

function number(text: string): number | null {
  const plain = text.trim().replaceAll(',', '');
  if (/^[+-]?(?:nan|inf(?:inity)?)$/i.test(plain)) return Number.NaN;
  const value = plain === '' ? Number.NaN : Number(plain);
  return Number.isNaN(value) ? null : value;
}
