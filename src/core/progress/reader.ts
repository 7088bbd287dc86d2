/** The reader: frames in, the newest reading out. */
import { cleanLine } from '../text.ts';
import { activityOf } from './activity.ts';
import { barShape, readBar, redraws, type BarShape } from './bars.ts';
import { createSplitter } from './frames.ts';
import { Headings } from './headings.ts';
import { barWords } from './bar-words.ts';
import { readFields } from './line.ts';
import { presetFor, type Admits } from './presets.ts';
import type { LineRecord } from './record.ts';
import { readShape } from './shapes.ts';
import { createScanner, type Field } from './scan.ts';
import { applyBar, applyRecord, BLANK, etaOf, forgetBar, speedOf, type Activity, type Track } from './track.ts';
import { userPattern } from './user.ts';

export interface ProgressReading {
  step: number | null;
  total_steps: number | null;
  epoch: number | null;
  /** null when none was shown, or when it is no number any more (see `diverged`). */
  loss: number | null;
  learning_rate: number | null;
  /** As shown; units: it/s, s/it, ms/iter, steps/s, samples/s, tok/s. */
  rate: { value: number; unit: string } | null;
  /** Normalised; null when the shown rate doesn't count steps. */
  steps_per_s: number | null;
  eval: Record<string, number> | null;
  eta_s: number | null;
  format: string | null;
  activity: Activity | null;
  /** The training loss is nan or infinite, or has run away beyond any use. */
  diverged: boolean;
}

export interface ProgressReader {
  /** Any chunking; never throws. */
  feed(chunk: string | Uint8Array): void;
  reading(): ProgressReading;
  /** The newest complete cleaned lines, at most 200; redrawn bars folded to one line. */
  tail(): readonly string[];
}

export interface ProgressOptions {
  /** A preset's name restricts what counts; `auto` (the default) takes all. */
  format?: string;
  /** A regular expression with named groups (step, total, epoch, loss, lr, rate, unit, eta, eval); wins over every preset. */
  regex?: string;
}

const EVAL_HEADING = /\b(?:validation|evaluation|eval|test(?:ing)?|valid?) (?:results?|metrics|summary|report|scores|performance)\b|\b(?:scores|metrics|results) on (?:the )?(?:validation|valid|val|test|dev|eval\w*) set\b/i;
const HEADED_LINES = 12;
const TAIL_LINES = 200;
const LINE_KEPT = 8_000;
const RANK = /^\[\d{1,6},(?:mpirank:)?\d{1,6}(?:,[\w-]{1,40})?\]<std(?:out|err)>: ?/;
/** What a collector makes of a carriage return and of an escape. */
const OCTAL = /#015|#033\[\d{0,4}[A-HJKf]/;
const STARTS_EVAL = /^\W*(?:start\w*|running|begin\w*) (?:the )?(?:validation|evaluation|evaluating|validating|testing|eval)\b/i;
const MOVES = /\x1b\[\d{0,4}[A-HJKf]/;
const ESCAPE = /\x1b(?:\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?|\[[0-?]*[ -/]*[@-~]?|.?)/g;

/** Reads a growing log. The same input gives the same reading however it is cut. */
export function createProgressReader(options: ProgressOptions = {}): ProgressReader {
  return new Reader(options);
}

/** Reads a whole log at once; an unfinished last line counts as finished. */
export function readLog(text: string, options: ProgressOptions = {}): ProgressReading {
  const reader = new Reader(options);
  reader.feed(text);
  reader.feed('\n');
  return reader.reading();
}

class Reader implements ProgressReader {
  private track: Track = { ...BLANK };
  private readonly headings = new Headings();
  /** How many more lines may belong to an evaluation's heading. */
  private underHeading = 0;
  private lines: string[] = [];
  /** How many of them came with the chunk that is being fed. */
  private fresh = 0;
  /** The newest frame of the line that is being drawn. */
  private drawn = '';
  /** Lines since the newest record, newest last: words there may say what goes on. */
  private quiet = 0;
  /** A bar that is being redrawn: only its newest frame is read, when something else comes or somebody asks. */
  private held: string | null = null;
  private shape: BarShape | null = null;
  private readonly scan = createScanner();
  private readonly splitter = createSplitter((frame, endsLine) => this.frame(frame, endsLine));
  private readonly user: ((line: string) => LineRecord | null) | null;
  private readonly admits: Admits | null;

  constructor({ format, regex }: ProgressOptions) {
    this.user = regex === undefined ? null : userPattern(regex);
    this.admits = presetFor(format);
  }

  feed(chunk: string | Uint8Array): void {
    this.splitter.feed(chunk);
    // Slices keep their whole chunk alive: the lines that stay are copied.
    if (this.lines.length > TAIL_LINES) this.lines = this.lines.slice(-TAIL_LINES);
    for (let at = Math.max(0, this.lines.length - this.fresh); at < this.lines.length; at++) this.lines[at] = ownCopy(this.lines[at] ?? '');
    this.fresh = 0;
  }

  reading(): ProgressReading {
    // What stands behind the last separator may be cut in the middle of a number: its last word waits for the rest.
    const pending = this.splitter.pending().replace(/[\p{L}\p{N}.%+,/:-]+$/u, '');
    const { quiet, shape, held, underHeading, track: before } = this;
    const kept = { track: before, quiet, shape, held, underHeading };
    const above = this.headings.kept();
    this.track = { ...this.track };
    this.release();
    if (!isBlank(pending)) this.parse(pending);
    const { track } = this;
    const activity = this.activity();
    Object.assign(this, kept);
    this.headings.restore(above);
    return {
      step: track.step,
      total_steps: track.total,
      epoch: track.epoch ?? track.outerEpoch,
      loss: track.loss,
      learning_rate: track.lr,
      rate: track.rate && { value: track.rate.value, unit: track.rate.unit },
      steps_per_s: speedOf(track),
      eval: track.eval && { ...track.eval },
      eta_s: etaOf(track),
      format: track.format,
      activity,
      diverged: track.diverged,
    };
  }

  tail(): readonly string[] {
    const lines = this.drawn.trim() === '' ? this.lines : [...this.lines, this.drawn];
    return lines.slice(-TAIL_LINES).map((line) => cleanLine(line));
  }

  private activity(): Activity | null {
    const since = Math.min(this.quiet, this.lines.length, TAIL_LINES);
    for (let back = 1; back <= since; back++) {
      const word = activityOf(cleanLine(this.lines.at(-back) ?? '', 400));
      if (word) return word;
    }
    return this.track.activity;
  }

  private frame(frame: string, endsLine: boolean): void {
    if (!isBlank(frame)) {
      this.drawn = frame;
      this.quiet++;
      const percent = this.shape === null ? -1 : redraws(frame, this.shape);
      if (percent >= 0 && this.shape) {
        this.shape.percent = percent;
        this.held = frame;
      } else {
        this.release();
        // "[1,0]<stdout>:epoch 3": mpirun's word for who speaks.
        if (frame.charCodeAt(0) === 91 && frame.charCodeAt(2) < 58 && RANK.test(frame)) frame = frame.replace(RANK, '');
        if (frame.includes('#015')) for (const part of frame.split(OCTAL)) this.parse(part);
        else if (!frame.includes('\x1b')) this.parseClean(frame);
        else for (const part of frame.split(MOVES)) this.parse(part);
      }
    }
    if (!endsLine || this.drawn === '') return;
    this.lines.push(this.drawn);
    this.fresh++;
    this.drawn = '';
    if (this.lines.length > TAIL_LINES * 8) this.lines = this.lines.slice(-TAIL_LINES);
  }

  private release(): void {
    const frame = this.held;
    this.held = this.shape = null;
    if (frame !== null) this.parse(frame);
  }

  private parse(frame: string): void {
    this.parseClean(frame.includes('\x1b') ? frame.replace(ESCAPE, '') : frame, frame);
  }

  private parseClean(line: string, frame = line): void {
    // What R prints, and what a tracker says of a record that it drops.
    if (line.startsWith('[1] "')) return this.parseClean(line.slice(5), frame);
    if (line.startsWith('wandb: WARNING')) return;
    if (this.user) {
      const record = this.user(line.slice(0, 1_000));
      if (record) return this.take(record, line);
    }
    const bar = readBar(line);
    if (bar) {
      if (this.admits?.('bar', line) === false) return;
      // Where the carriage returns were lost, a line holds many bars, and the metrics between them.
      const metrics = line.lastIndexOf("{'", bar.end);
      const between = metrics < 0 ? '' : line.slice(metrics, line.indexOf('}', metrics) + 1 || undefined);
      const said = between === '' ? null : this.plain(between);
      if (said) this.take(said, between);
      const classes = this.headings.takeClasses(bar.description);
      const before = this.track.activity;
      applyBar(this.track, bar, barWords(bar.description, bar.postfix, this.scan, this.headings));
      if (this.track.activity !== before || this.track.activity === 'training') this.quiet = 0;
      this.shape = this.user || classes ? null : barShape(frame, bar);
      const rest = line.slice(bar.end);
      // A shorter frame leaves the end of a longer one behind it.
      if (!isBlank(rest) && !/^[^[]{0,40}\]\s*$/.test(rest)) this.parse(rest);
      return;
    }
    this.shape = null;
    const record = this.headings.read(line, this.lines.at(-1) ?? '') ?? this.plain(line);
    if (record) this.take(record, line);
  }

  private plain(line: string): LineRecord | null {
    const fields = this.scan(line);
    const [only] = fields;
    if (!only) {
      this.headings.takeWords(line);
      if (line.length < 80 && STARTS_EVAL.test(line)) this.underHeading = HEADED_LINES;
      if (line.endsWith(':') || line.endsWith(': ')) this.underHeading = EVAL_HEADING.test(line) ? HEADED_LINES : this.underHeading;
      if (line.startsWith('Traceback (most') || line.includes('***** Running training')) forgetBar(this.track);
      return null;
    }
    const known = readShape(line, only);
    if (known) return known;
    const record = this.headed(line, fields);
    // The closing summary averages over the whole run: the last shown values stay.
    if (record && record.step === undefined && line.includes('train_runtime')) return null;
    if (fields.length === 1 && /^ {0,8}[|│]/.test(line)) return this.headings.boxed(record, only.label.name, only.value);
    return record;
  }

  /** Under "Validation results - epoch 3" the lines that name nothing but measures are its own, until one counts on. */
  private headed(line: string, fields: readonly Field[]): LineRecord | null {
    const record = readFields(line, fields);
    if (record?.loss === undefined && record?.eval === undefined && EVAL_HEADING.test(line)) {
      this.underHeading = HEADED_LINES;
      return record && { ...record, context: 'eval' };
    }
    if (this.underHeading === 0) return record;
    this.underHeading--;
    if (record && (record.step ?? record.epoch ?? record.lr ?? record.rate ?? record.eta) !== undefined) {
      this.underHeading = 0;
      return record;
    }
    return readFields(line, fields, true);
  }

  private take(record: LineRecord, line: string): void {
    if (this.admits && !this.admits(record.shape === 'line' && /^\s*\{|\{["']\w/.test(line) ? 'dict' : record.shape, line)) return;
    applyRecord(this.track, record);
    this.quiet = 0;
  }
}

/** The beginning of a line as a string of its own; as much as `tail` shows. */
function ownCopy(line: string): string {
  // Joining builds a new string; a slice of the line alone would point into its chunk.
  return `\n${line.slice(0, LINE_KEPT)}`.slice(1);
}

function isBlank(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 32 && code !== 127) return false;
  }
  return true;
}
