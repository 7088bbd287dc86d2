/** What stands above the rows of a log's tables, and the rows that are read by it. */
import { inSection, readClassHeading, readClassRow, readHeading, readLossHeading, readRow, readSection, type Heading } from './tables.ts';
import type { LineRecord } from './record.ts';
import { readNamed, readRuled, readSpaced, type Spaced } from './spaced.ts';

const EPOCH_ROW = /^ +(\d{1,6})\/\d{1,6} +[\d.]{1,8}G(?: +[\d.]{1,12}){5,20}(?::(?: *\d{1,3}(?:%[^\d/]{0,40})?)?)? *$/;

/** Plain and replaced as a whole or member by member, so that a copy is one spread. */
interface Above {
  heading: Heading | null;
  columns: readonly string[] | null;
  ruled: Spaced | null;
  section: string | null;
  /** Which column of an epoch's row is the sum of its losses; -1 where none is. */
  total: number;
}

export class Headings {
  private above: Above = { heading: null, columns: null, ruled: null, section: null, total: -1 };

  kept(): Above {
    return { ...this.above };
  }

  restore(above: Above): void {
    this.above = above;
  }

  /** The loss among the figures of an epoch's row, where the heading says which it is. */
  lossOf(row: string): number | undefined {
    const cell = this.above.total < 0 ? undefined : row.trim().split(/\s+/)[this.above.total];
    return cell === undefined || !/^(?:[\d.]+|nan|inf)$/i.test(cell) ? undefined : Number(cell.replace(/^(?:nan|inf)$/i, 'NaN'));
  }

  /** Whether the words before a bar are the heading of the table of classes. */
  takeClasses(description: string): boolean {
    const columns = readClassHeading(description);
    if (columns) this.above.columns = columns;
    return columns !== null;
  }

  /** A line without a number may name the columns of those below it. */
  takeWords(line: string): void {
    this.above.heading = readHeading(line) ?? this.above.heading;
    this.above.ruled = readNamed(line) ?? this.above.ruled;
    this.above.total = readLossHeading(line) ?? this.above.total;
  }

  /** One row of a boxed table that has a single figure. */
  boxed(record: LineRecord | null, name: string, value: number): LineRecord | null {
    return inSection(record, this.above.section, name, value);
  }

  /** The record of a row, by what stands above it; `before` is the line above. null for all that is no row. */
  read(line: string, before: string): LineRecord | null {
    const { above } = this;
    const code = line.charCodeAt(0);
    if (code === 32 && /^ {1,8}[|│]/.test(line)) return this.read(line.trimStart(), before);
    if (code === 124 || code === 0x2502) above.section = readSection(line) ?? above.section;
    if (above.heading !== null && (code === 34 || code === 32 || code === 124 || (code >= 45 && code < 58))) {
      const row = readRow(line, above.heading);
      if (row) return row;
    }
    const epoch = code === 32 ? EPOCH_ROW.exec(line)?.[1] : undefined;
    if (epoch !== undefined) {
      const loss = this.lossOf(line);
      return { context: 'train', shape: 'table', format: 'ultralytics', epoch: Number(epoch), ...(loss === undefined ? null : { loss }) };
    }
    // A rule of dashes under a line, or under nothing: the line above it names columns.
    if (code === 45 && line.startsWith('---')) above.ruled = readRuled(before, line) ?? above.ruled;
    if (above.ruled !== null && (code === 32 || (code > 47 && code < 58))) {
      const row = readSpaced(line, above.ruled);
      if (row) return row;
    }
    if (code === 91 && line.includes('copypaste: ')) return this.copied(line.slice(line.indexOf('copypaste: ') + 11).split(','));
    if (code === 32 && line.includes(' Class ')) above.columns = readClassHeading(line) ?? above.columns;
    if (above.columns !== null && /^\s*all\s/.test(line)) {
      const metrics = readClassRow(line, above.columns);
      if (metrics) return { context: 'eval', shape: 'table', format: 'ultralytics', eval: metrics };
    }
    return null;
  }

  /** Detectron2 prints the names of an evaluation's figures, then the figures. */
  private copied(cells: readonly string[]): LineRecord | null {
    const values = cells.map(Number);
    const { columns } = this.above;
    if (values.some((value) => Number.isNaN(value))) this.above.columns = cells.length > 1 ? cells : columns;
    else if (columns?.length === cells.length) return { context: 'eval', shape: 'table', eval: Object.fromEntries(columns.map((name, at) => [name, values[at] ?? Number.NaN])) };
    return null;
  }
}
