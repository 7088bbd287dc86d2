/** The user's own pattern: a regular expression whose named groups say what is what. */
import { rateUnit, seconds } from './rates.ts';
import type { LineRecord } from './record.ts';

/** Compiles `source`; a pattern that doesn't compile matches nothing (the spec rejects it before). */
export function userPattern(source: string): (line: string) => LineRecord | null {
  let pattern: RegExp;
  try {
    pattern = new RegExp(source);
  } catch {
    return () => null;
  }
  return (line) => {
    const groups = pattern.exec(line)?.groups;
    return groups ? read(groups) : null;
  };
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
