/** A log as triage reads it: cleaned lines without rank prefixes, hard wraps undone, only the newest part of a long one. */
import { cleanLine } from '../text.ts';

/** Of a longer log, the beginning is left out: a root this far above its consequences isn't found in one either. */
const NEWEST = 512 * 1024;
const LINES = 6_000;
const PREFIX = /^(?:\[?(?:default|rank|Rank )\d{1,5}\]?: ?|\[\d{1,4},\d{1,5}\]<std(?:err|out)>: ?|\((?:[A-Za-z_][\w.]{0,80} )?pid=\d{1,9}[^)]{0,80}\) ?|(?:gpu|node|worker|host)[\w.-]{0,40}: (?=\[?rank\d|Traceback)|\d{1,4}: (?=Traceback|  File|[\w.]{1,80}(?:Error|Exception)\b|\[|frame #\d|Exception raised|terminate called|  what\(\)))/;

export interface LogLine {
  text: string;
  /** It belongs to an experiment tracker, not to the training. */
  tracker: boolean;
}

export function readLines(log: string): LogLine[] {
  const newest = log.length > NEWEST ? log.slice(-NEWEST) : log;
  const raw = newest.replaceAll('\0', '').split('\n').slice(-LINES);
  const lines = raw.flatMap((line) => (line.includes('\r') ? line.split('\r') : [line])).map((line) => cleanLine(line, 4_000).trimEnd());
  return unprefix(unwrap(lines))
    .map((line) => line.replace(PREFIX, '').replace(PREFIX, ''))
    .filter((line) => line.trim() !== '')
    .map((text) => ({ text, tracker: /^(?:wandb|swanlab|comet|clearml|mlflow|neptune|COMET \w+):/i.test(text) }));
}

const OPENING = 'Traceback (most recent call last)';

/** A collector may put a stamp before every line: what stands before a traceback's opening is taken off the lines that begin alike. */
function unprefix(lines: readonly string[]): string[] {
  let length = 0;
  let prefix = '';
  const shape = (text: string) => text.replace(/\d/g, '0');
  return lines.map((line) => {
    const at = line.indexOf(OPENING);
    if (at >= 0) {
      prefix = shape(line.slice(0, at));
      // An indented traceback is quoted, and stays so.
      length = prefix.trim() === '' ? 0 : at;
    }
    return length > 0 && shape(line.slice(0, length)) === prefix ? line.slice(length) : line;
  });
}

/** Joins lines that a terminal broke at a fixed width: then a large share of the lines has exactly the greatest length. */
function unwrap(lines: readonly string[]): string[] {
  const lengths = lines.map((line) => line.length);
  const width = lengths.reduce((a, b) => Math.max(a, b), 0);
  const full = lines.filter((line) => line.length >= width - 1);
  if (width < 16 || width > 250 || lines.length < 8 || full.length < lines.length * 0.3) return [...lines];
  // A log whose every line has one layout is as even: there the lines begin alike.
  const starts = new Set(full.map((line) => line.slice(0, 10).replace(/\d/g, '0')));
  if (starts.size < full.length * 0.5) return [...lines];
  const joined: string[] = [];
  let open = false;
  for (const line of lines) {
    const last = joined.at(-1);
    // A line that starts like a new message was not broken off the one before.
    if (open && last !== undefined && !/^(?:\s{2,}File |Traceback|[A-Za-z_][\w.]{0,80}(?:Error|Exception):)/.test(line)) joined[joined.length - 1] = last + line;
    else joined.push(line);
    open = line.length >= width - 1;
  }
  return joined;
}
