/** Lines whose numbers stand before their words, or whose words say something else than they seem to. */
import type { LineRecord } from './record.ts';
import type { Field } from './scan.ts';

/** "max_train_steps (60 / 2 / 1 * epoch) = 300": kohya's plan. */
const PLANNED = /\bmax_train_steps \([^)]{1,80}\) = (\d{1,9})\b/;
/** " 2133: 0.53, 0.54 avg loss, 0.001000 rate, 8.42 seconds, 136512 images, 7.06 hours left": Darknet's. */
const DARKNET = /^\s*(\d{1,9}): (\S{1,20}), (\S{1,20}) avg(?: loss)?, ([\d.e+-]{1,20}) rate, ([\d.]{1,20}) seconds, \d{1,12} images(?:, ([\d.]{1,20}) hours left)?/;

/** "[2.06, 3.00, 20.43, 845200, 0.000165]": the losses of VITS and its kin, then the step and the learning rate. */
const LIST = /(?:^|[:\s])\[(?:\d{1,6}\.\d{1,20}(?:e[-+]\d{1,3})?, ?){0,12}(\d{1,9}), ?(\d(?:\.\d{1,20})?e-\d{1,3}|0\.0\d{1,20})\]$/;
/** "4310 (86.18%)   44.431 ms   30 s, 701.883 ms   14.51 M": the rows of nerfstudio. */
const DONE = /^\s*(\d{1,9}) \(\d{1,3}\.\d{1,3}%\) +(\d{1,9}(?:\.\d{1,9})?) (ms|s) +(\d[\d.]{0,9} (?:d|h|m|s|ms)\b(?:, \d[\d.]{0,9} (?:h|m|s|ms)\b)?)?/;

/** "[ 17]   13060 || B: 4.23 | C: 2.46 | T: 11.455 || ETA: 3 days, 6:48:01 || timer: 0.357": YOLACT's epoch and iteration, the total of its losses, and the time of a step. */
const BARRED = /^\[ *(\d{1,6})\] +(\d{1,9}) \|\|(?:[^|]{1,30}\|){0,12} *T: *(\d[\d.]{0,12}|nan|inf) *\|\|(?:.{0,60}\|\| *timer: *(\d[\d.]{0,12}))?/;

/** "Loss after 5 epochs: 0.015" */
const AFTER = /^.{0,40}\bloss after (\d{1,9}) (epoch|step|iter\w{0,6})s?:? +(\d[\d.]{0,20}(?:e[-+]\d{1,3})?|nan|inf)\b/i;

function timed(took: number, unit: string): Pick<LineRecord, 'rate' | 'stepSeconds'> {
  return unit === 'ms' ? { rate: { value: took, unit: 'ms/iter' }, stepSeconds: took / 1_000 } : { rate: { value: took, unit: 's/it' }, stepSeconds: took };
}

function etaIn(left: string): { eta: number } {
  const scales: Record<string, number> = { d: 86_400, h: 3_600, m: 60, s: 1, ms: 0.001 };
  return { eta: Math.round(left.split(', ').reduce((sum, part) => sum + Number.parseFloat(part) * (scales[part.split(' ')[1] ?? ''] ?? 0), 0)) };
}

/** The record of a line whose first number is `field`. */
export function readShape(line: string, { of, label }: Field): LineRecord | null {
  if (of !== null && line.includes('max_train_steps')) {
    const planned = PLANNED.exec(line)?.[1];
    if (planned !== undefined) return { context: 'train', shape: 'line', total: Number(planned) };
  }
  if (label.bracket && line.includes('] ') && line.includes(' || ')) {
    const [, epoch, step, lost, took] = BARRED.exec(line) ?? [];
    if (epoch !== undefined) return { context: 'train', shape: 'line', epoch: Number(epoch), step: Number(step), loss: Number(lost), ...(took === undefined ? null : timed(Number(took), 's')) };
  }
  if (label.role === 'loss' && label.name.endsWith(' after')) {
    const [, count, word = '', lost = ''] = AFTER.exec(line) ?? [];
    if (count !== undefined) return { context: 'train', shape: 'line', [word.toLowerCase() === 'epoch' ? 'epoch' : 'step']: Number(count), loss: Number(lost.replace(/nan|inf/i, 'NaN')) };
  }
  if (label.bracket && line.endsWith(']')) {
    const [, step, lr] = LIST.exec(line) ?? [];
    return step === undefined ? null : { context: 'train', shape: 'line', step: Number(step), lr: Number(lr) };
  }
  if (label.empty && line.includes('%)')) {
    const [, step, took, unit = 'ms', left] = DONE.exec(line) ?? [];
    return step === undefined ? null : { context: 'train', shape: 'line', step: Number(step), ...timed(Number(took), unit), ...(left === undefined ? null : etaIn(left)) };
  }
  const shown = label.empty && line.includes(' avg') ? DARKNET.exec(line) : null;
  if (!shown) return null;
  const [, step, , average, lr, took, left] = shown;
  const loss = /nan|inf/i.test(average ?? '') ? Number.NaN : Number(average);
  return { context: 'train', shape: 'line', step: Number(step), loss, lr: Number(lr), rate: { value: Number(took), unit: 's/it' }, stepSeconds: Number(took), ...(left === undefined ? null : { eta: Math.round(Number(left) * 3_600) }) };
}
