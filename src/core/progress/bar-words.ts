/** The words around a progress bar: "Epoch 3", "loss=0.12, lr=1e-4". */
import type { Headings } from './headings.ts';
import { readFields } from './line.ts';
import type { LineRecord } from './record.ts';
import type { Field } from './scan.ts';

/** What a bar's description and its postfix say; null when they say nothing. */
export function barWords(description: string, postfix: string, scan: (line: string) => Field[], headings: Headings): LineRecord | null {
  const classes = /^(\d+)\/(\d+)\s+[\d.]+[GM]?\s+((?:nan|inf|[\d.]+)(?:\s+(?:nan|inf|[\d.]+))*)$/i.exec(description);
  if (classes) {
    const record: LineRecord = { context: 'train', shape: 'bar', format: 'ultralytics', epoch: Number(classes[1]) };
    const loss = /nan|inf/i.test(classes[3] ?? '') ? Number.NaN : headings.lossOf(description);
    if (loss !== undefined) record.loss = loss;
    return record;
  }
  const recipe = /^(?:\[[^\]]{1,40}\]:? ?){0,2}(\d+)\|(\d+)\|Loss: (\S+)$/.exec(description);
  if (recipe) return { context: 'train', shape: 'bar', format: 'torchtune', epoch: Number(recipe[1]), loss: Number(recipe[3]) };
  const said = description === '' ? null : readFields(description, scan(description));
  const numbered = /\bepoch_(\d{1,7})$/i.exec(description);
  if (numbered) return { ...said, ...(postfix === '' ? null : readFields(postfix, scan(postfix))), context: 'train', shape: 'bar', epoch: Number(numbered[1]) };
  const shown = postfix === '' ? null : readFields(postfix, scan(postfix));
  if (!said && !shown) return null;
  const words: LineRecord = { ...said, ...shown, context: 'train', shape: 'bar' };
  delete words.step;
  delete words.total;
  // "step 16/36 completed": the bar counts something else.
  const own = /\bstep (\d{1,9})\/(\d{1,9})\b/.exec(description);
  return own ? { ...words, step: Number(own[1]), total: Number(own[2]) } : words;
}
