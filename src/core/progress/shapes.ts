/** Lines whose numbers stand before their words, or whose words say something else than they seem to. */
import type { LineRecord } from './record.ts';
import type { Field } from './scan.ts';

/** "max_train_steps (60 / 2 / 1 * epoch) = 300": kohya's plan. */
const PLANNED = /\bmax_train_steps \([^)]{1,80}\) = (\d{1,9})\b/;
/** " 2133: 0.53, 0.54 avg loss, 0.001000 rate, 8.42 seconds, 136512 images, 7.06 hours left": Darknet's. */
const DARKNET = /^\s*(\d{1,9}): (\S{1,20}), (\S{1,20}) avg(?: loss)?, ([\d.e+-]{1,20}) rate, ([\d.]{1,20}) seconds, \d{1,12} images(?:, ([\d.]{1,20}) hours left)?/;

/** Read by the first field that was found in the line. */
export function readShape(line: string, { of, label }: Field): LineRecord | null {
  if (of !== null && line.includes('max_train_steps')) {
    const planned = PLANNED.exec(line)?.[1];
    if (planned !== undefined) return { context: 'train', shape: 'line', total: Number(planned) };
  }
  const shown = label.empty && line.includes(' avg') ? DARKNET.exec(line) : null;
  if (!shown) return null;
  const [, step, , average, lr, took, left] = shown;
  const loss = /nan|inf/i.test(average ?? '') ? Number.NaN : Number(average);
  return { context: 'train', shape: 'line', step: Number(step), loss, lr: Number(lr), rate: { value: Number(took), unit: 's/it' }, stepSeconds: Number(took), ...(left === undefined ? null : { eta: Math.round(Number(left) * 3_600) }) };
}
