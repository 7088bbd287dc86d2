/** Rows whose meaning stands in a heading above them: CSV, tab-separated tables, Ultralytics' class table. */
import { fold, isEvalMetric, readLabel, type Label } from './labels.ts';
import type { LineRecord } from './record.ts';

export interface Heading {
  separator: ',' | '\t' | ';' | '|';
  labels: readonly Label[];
}

/** A heading such as `epoch,step,train_loss`; null when the line is none. */
export function readHeading(line: string): Heading | null {
  const separator = line.includes(',') ? ',' : line.includes('\t') ? '\t' : line.includes(';') ? ';' : line.startsWith('|') ? '|' : null;
  if (!separator || line.length > 2_000 || !/loss|step|epoch|iter|reward/i.test(line)) return null;
  const cells = cellsOf(line, separator);
  if (cells.length < 2 || cells.length > 200 || !cells.every((cell) => /^[\p{L}_#][\p{L}\p{N}_ /.@()%#-]{0,60}$/u.test(cell))) return null;
  const labels = cells.map((cell) => readLabel(`${cell}=`, true));
  const counts = labels.some(({ role }) => role === 'step' || role === 'epoch' || role === 'weak_step');
  const measures = labels.some(({ role }) => role === 'loss' || role === 'eval' || role === 'metric' || role === 'lr');
  return counts && measures ? { separator, labels } : null;
}

function cellsOf(line: string, separator: Heading['separator']): string[] {
  const inner = separator === '|' ? line.trim().replace(/^\||\|$/g, '') : line;
  return inner.split(separator).map((cell) => cell.trim().replace(/^"|"$/g, ''));
}

/** A row under a heading; null when it doesn't fit. */
export function readRow(line: string, { separator, labels }: Heading): LineRecord | null {
  const cells = cellsOf(line, separator);
  if (cells.length !== labels.length) return null;
  const record: LineRecord = { context: 'train', shape: 'csv', format: 'csv' };
  const metrics: Record<string, number> = {};
  let rank = 0;
  for (const [at, label] of labels.entries()) {
    const text = cells[at] ?? '';
    if (text === '' || /^(?:no log|none|null|-)$/i.test(text)) continue;
    const value = /^[+-]?(?:nan|inf(?:inity)?)$/i.test(text) ? Number.NaN : Number(text.replace(/%$/, ''));
    if (Number.isNaN(value) && !/nan|inf/i.test(text)) {
      if (label.role === 'none' || label.role === 'time') continue;
      return null;
    }
    if (label.role === 'step' || (label.role === 'weak_step' && record.step === undefined)) record.step = value;
    else if (label.role === 'epoch') record.epoch = value;
    else if (label.role === 'lr') record.lr = value;
    else if (label.role === 'eval') metrics[label.name] = value;
    else if (label.role === 'rate') record.rate = { value, unit: label.unit };
    else if (label.role === 'loss' && label.rank > rank) {
      rank = label.rank;
      record.loss = value;
      record.lossRank = rank;
    }
  }
  if (Object.keys(metrics).length > 0) record.eval = metrics;
  return (record.step ?? record.epoch ?? record.loss ?? record.eval) === undefined ? null : record;
}

/** The metric columns of "Class Images Instances Box(P R mAP50 mAP50-95)"; null for any other line. */
export function readClassHeading(line: string): readonly string[] | null {
  if (!/^\s*(?:\S+\s+)?(?:Class\s+Images|classes\s+top1)/i.test(line)) return null;
  let group = '';
  const columns: string[] = [];
  for (const word of line.trim().replace(/:(?: .*)?$/, '').split(/\s+/)) {
    const opened = /^([A-Za-z]+)\((.+)$/.exec(word);
    if (opened) group = columns.length > 0 && opened[1] ? `${opened[1]} ` : '';
    const name = (opened?.[2] ?? word).replace(/\)+$/, '');
    if (opened || group !== '' || /^(?:P|R|mAP\S*|top[15]_acc)$/.test(name)) columns.push(group + name);
  }
  return columns.length > 0 && columns.length <= 20 ? columns : null;
}

/** Where the losses' sum stands in the rows under "Epoch gpu_mem box obj cls total labels img_size"; -1 where they have none, null when the line is no such heading. */
export function readLossHeading(line: string): number | null {
  return line.length < 200 && /^\s*Epoch\s+gpu_mem\s/i.test(line) ? line.trim().split(/\s+/).indexOf('total') : null;
}

/** "all 55 27 0.527 0.579 0.521 0.274" under its heading: the last columns are the metrics. */
export function readClassRow(line: string, columns: readonly string[]): Record<string, number> | null {
  const words = line.trim().split(/\s+/);
  if (words[0] !== 'all' || words.length <= columns.length) return null;
  // A terminal may have cut the heading: the class, its images and its instances come first.
  const from = words.length - columns.length > 3 ? 3 : words.length - columns.length;
  const values = words.slice(from, from + columns.length).map(Number);
  return values.every((value) => !Number.isNaN(value)) ? Object.fromEntries(columns.map((name, at) => [name, values[at] ?? Number.NaN])) : null;
}

/** The section of a boxed table ("| eval/ | |"), lower case; null when the line opens none. */
export function readSection(line: string): string | null {
  return /^[|│]\s*([A-Za-z][\w ]{0,40})\/\s*[|│]/.exec(line)?.[1]?.toLowerCase() ?? null;
}

/** One row of a boxed table: within `eval/` every figure of merit is the evaluation's, elsewhere lesser losses are not the loss. */
export function inSection(record: LineRecord | null, section: string | null, name: string, value: number): LineRecord | null {
  if (section === 'eval' && isEvalMetric(name, fold(name))) return { context: 'eval', shape: 'table', eval: { [name]: value } };
  if (!record) return null;
  const row: LineRecord = { ...record, shape: 'table', format: 'sb3', weakStep: false };
  if ((record.lossRank ?? 0) <= 2) delete row.loss;
  return row;
}
