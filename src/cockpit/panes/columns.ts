/** How wide each column of the status table is. The nine stay as long as they can: first `ts` and the cells shrink, then columns drop. */
import { COLUMNS } from '../../core/line.ts';

export type Column = (typeof COLUMNS)[number];
export interface Widths {
  /** The run's name and its instance (0: no room for it). */
  name: number;
  instance: number;
  cells: Readonly<Record<Column, number>>;
}

/** Sign and selection mark before the name. */
export const HEAD = 2;
const NAME = { least: 8, fair: 14, good: 20, most: 28 };
const INSTANCE = 8;
export const FULL_TS = 20;

/** `next_eta` is wider as a word than as a figure: its name reaches into the free end of `action`. */
const LEAST: Record<Column, number> = { ts: 8, state: 7, step: 8, rate: 7, gpu: 4, mem: 4, eval: 9, action: 8, next_eta: 6 };
const GOOD: Record<Column, number> = { ts: 8, state: 7, step: 11, rate: 11, gpu: 4, mem: 4, eval: 14, action: 13, next_eta: 8 };
/** What goes first when even the least does not fit. */
const DROPS: readonly Column[] = ['mem', 'ts', 'eval', 'gpu', 'rate'];

export function widthsFor(columns: number): Widths {
  const cells = { ...LEAST };
  const used = (): number => HEAD + NAME.least + COLUMNS.reduce((total, column) => total + (cells[column] > 0 ? cells[column] + 1 : 0), 0);
  for (const column of DROPS) if (used() > columns) cells[column] = 0;
  let spare = columns - used();
  const take = (wish: number): number => {
    const given = Math.max(0, Math.min(spare, wish));
    spare -= given;
    return given;
  };
  let name = NAME.least + take(NAME.fair - NAME.least);
  for (const column of COLUMNS) if (cells[column] > 0) cells[column] += take(GOOD[column] - cells[column]);
  const instance = spare > INSTANCE ? take(INSTANCE + 1) - 1 : 0;
  name += take(NAME.good - name);
  if (cells.ts > 0 && spare >= FULL_TS - cells.ts) cells.ts += take(FULL_TS - cells.ts);
  name += take(NAME.most - name);
  cells.eval += take(8);
  cells.action += take(12);
  return { name, instance, cells };
}
