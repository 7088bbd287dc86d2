/** Tables whose columns stand apart by spaces: spaCy's with a rule of dashes, fastai's whose heading is all words. */
import { fold, isEvalMetric, readLabel } from './labels.ts';
import type { LineRecord } from './record.ts';

export interface Spaced {
  names: readonly string[];
}

const RULE = /^-{3,}(?: {1,4}-{3,}){2,60} *$/;

/** The columns that a rule of dashes closes: "E    #    LOSS NER  SCORE" over "---  ---  --------  -----". */
export function readRuled(above: string, rule: string): Spaced | null {
  if (rule.length > 600 || !RULE.test(rule)) return null;
  const names = [...rule.matchAll(/-+/g)].map(({ index, 0: run }) => above.slice(index, index + run.length).trim());
  return names.some((name) => name === '#' || /^(?:e|ep|epoch|steps?|iter(?:ation)?)$/i.test(name)) ? { names } : null;
}

/** A heading of plain words that begins with "epoch" and names a loss: "epoch     train_loss  valid_loss  accuracy  time". */
export function readNamed(line: string): Spaced | null {
  if (line.length > 400 || !/^ ?epochs? {2,}/i.test(line) || !line.includes('loss')) return null;
  const names = line.trim().split(/\s+/);
  return names.length >= 3 && names.every((name) => /^[A-Za-z_][\w@./-]{0,40}$/.test(name)) ? { names } : null;
}

/** A row under such a heading; null when it has more or fewer cells, or one that is no figure. */
export function readSpaced(line: string, { names }: Spaced): LineRecord | null {
  if (line.length > 600) return null;
  const cells = line.trim().split(/\s+/);
  if (cells.length !== names.length || !cells.every((cell) => /^(?:[+-]?\d[\d.:]*(?:e[+-]?\d+)?%?|[+-]?nan|[+-]?inf|None|#na#)$/i.test(cell))) return null;
  const record: LineRecord = { context: 'train', shape: 'table', format: 'table' };
  const metrics: Record<string, number> = {};
  for (const [at, name] of names.entries()) {
    const value = Number((cells[at] ?? '').replace(/%$/, '').replace(/^([+-]?)(?:nan|inf)$/i, 'NaN'));
    const { role, rank } = readLabel(`${name}=`, true);
    const lost = role === 'loss' && rank > 2 && /nan|inf/i.test(cells[at] ?? '');
    if (Number.isNaN(value) && !lost) continue;
    if (name === '#' || role === 'step') record.step = value;
    else if (/^e(?:p|pochs?)?$/i.test(name) || role === 'epoch') record.epoch = value;
    else if (role === 'lr') record.lr = value;
    else if (role === 'loss') {
      if (rank > 2 && rank > (record.lossRank ?? 0)) Object.assign(record, { loss: value, lossRank: rank });
    } else if (!/^(?:train|trn)/i.test(name) && isMeasure(name)) metrics[name] = value;
  }
  if (Object.keys(metrics).length > 0) record.eval = metrics;
  return (record.step ?? record.epoch) === undefined ? null : record;
}

/** "ENTS_F", "TAG_ACC", "SCORE", "valid_loss": what such a table measures on the held-out set. */
function isMeasure(name: string): boolean {
  return isEvalMetric(name, fold(name)) || /(?:^|_)(?:[fpr]|acc|uas|las|score|error_rate|macro_f|micro_f)$/i.test(name);
}
