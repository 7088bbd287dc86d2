/** How wide each column of the status table is, from the terminal and from what is shown: cells take what their words need, the name has the rest. */
import { COLUMNS, type CompactLine } from '../../core/line.ts';
import { shortAction, shortNamed, shortRate, shortStep } from '../format.ts';
import { widthOf } from '../line.ts';

export type Column = (typeof COLUMNS)[number];
export interface Widths {
  /** The run's name and its instance (0: no room for it). */
  name: number;
  instance: number;
  cells: Readonly<Record<Column, number>>;
}

/** Sign and selection mark before the name. */
export const HEAD = 2;
const NAME = { least: 8, fair: 16, most: 40 };
const INSTANCE = 8;
export const TS = { full: 20, time: 8, minutes: 5 } as const;

/** The most that a cell takes while another one is cut short. */
const LEAST: Record<Column, number> = { ts: TS.minutes, state: 7, step: 8, rate: 7, gpu: 3, mem: 3, eval: 9, action: 8, next_eta: 8 };
/** With room to spare. */
const GOOD: Record<Column, number> = { ts: TS.time, state: 7, step: 13, rate: 11, gpu: 4, mem: 4, eval: 22, action: 24, next_eta: 8 };
/** An alert's word must not move the columns. */
const FLOOR: Partial<Record<Column, number>> = { state: 6 };
/** What goes first when even the least does not fit. */
const DROPS: readonly Column[] = ['mem', 'ts', 'eval', 'gpu', 'rate'];

/** What a table shows: `names` are run ids, `lines` their nine words. */
export interface Shown {
  names: readonly string[];
  lines: readonly CompactLine[];
}

export function widthsFor(columns: number, { names, lines }: Shown): Widths {
  // A cell is as wide as its widest word in that form, and never narrower than the column's own name.
  const need = (column: Column, limit: number): number => Math.min(Math.max(limit, column.length), Math.max(FLOOR[column] ?? column.length, ...lines.map((words) => wordWidth(column, words, limit))));
  const cells = Object.fromEntries(COLUMNS.map((column) => [column, need(column, LEAST[column])])) as Record<Column, number>;
  const used = (): number => HEAD + NAME.least + COLUMNS.reduce((total, column) => total + (cells[column] > 0 ? cells[column] + 1 : 0), 0);
  for (const column of DROPS) if (used() > columns) cells[column] = 0;
  let spare = columns - used();
  const take = (wish: number): number => {
    const given = Math.max(0, Math.min(spare, wish));
    spare -= given;
    return given;
  };
  const longest = Math.max(NAME.least, ...names.map(widthOf));
  let name = NAME.least + take(Math.min(longest, NAME.most) - NAME.least);
  if (cells.ts > 0 && spare >= TS.time - TS.minutes) cells.ts += take(TS.time - TS.minutes);
  for (const column of COLUMNS) if (cells[column] > 0 && column !== 'ts') cells[column] += take(need(column, GOOD[column]) - cells[column]);
  const instance = spare > INSTANCE ? take(INSTANCE + 1) - 1 : 0;
  if (cells.ts > 0 && spare >= TS.full - TS.time) cells.ts += take(TS.full - TS.time);
  // What is still left opens up the columns a little, the name first; a wide table's end is not a hole between two words.
  name += take(Math.max(0, NAME.fair - name));
  for (const column of COLUMNS) if (cells[column] > 0 && column !== 'ts') cells[column] += take(Math.max(0, GOOD[column] - cells[column]));
  // The rest tells why the action is what it is.
  if (cells.action > 0) cells.action += take(spare);
  return { name, instance, cells };
}

function wordWidth(column: Column, words: CompactLine, limit: number): number {
  if (column === 'ts') return limit;
  // A counter grows: it gets at once what it will need at its end.
  const [, total] = column === 'step' ? words.step.split('/') : [];
  return widthOf(cell(column, total === undefined ? words : { ...words, step: `${total}/${total}` }, limit));
}

/** One of the nine words in at most `width` cells where it has a shorter form. */
export function cell(column: Column, words: CompactLine, width: number): string {
  const word = words[column];
  switch (column) {
    case 'ts':
      return width >= TS.full ? word : word.slice(11, width >= TS.time ? 19 : 16);
    case 'step':
      return shortStep(word, width);
    case 'rate':
      return shortRate(word, width);
    case 'gpu':
    case 'mem':
      return word.length > width ? word.replace('%', '') : word;
    case 'eval':
      return shortNamed(word, width);
    case 'action':
      return shortAction(word, width);
    case 'state':
    case 'next_eta':
      return word;
  }
}
