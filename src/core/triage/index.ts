/** From evidence to a cause: what happened, how sure that is, what to do next. Pure; log text is data and never more. */
import type { Cause, Rung } from '../causes.ts';
import { readLog, type ProgressReading } from '../progress/index.ts';
import { cleanLine } from '../text.ts';
import { detailOf } from './detail.ts';
import { findEnd, findLast, findWaiting } from './ends.ts';
import { findEvents, type FailureEvent } from './events.ts';
import { machineEvent } from './facts.ts';
import { readLines, type LogLine } from './lines.ts';
import { POLICY } from './policy.ts';
import { chooseRoot } from './root.ts';
import { advances, handled, recovered, survived, textOf } from './survival.ts';

export interface Evidence {
  log: string;
  exit_code?: number | null;
  signal?: string | null;
  oom_kills?: number | null;
  kernel?: readonly string[];
  disk?: Space | null;
  shm?: { used_bytes: number; total_bytes: number; used_inodes?: number | null; total_inodes?: number | null } | null;
  gpu_text?: string | null;
  api_status?: string | null;
  stalled?: boolean;
}

export interface Space {
  used_bytes: number;
  total_bytes: number;
  used_inodes: number | null;
  total_inodes: number | null;
}

export interface Triage {
  kind: 'healthy' | 'failure' | 'done' | 'stall';
  cause: Cause | null;
  /** 0 to 1. */
  confidence: number;
  /** The key line, cleaned, at most 300 characters; empty when there is none. */
  signature: string;
  /** Cause and normalised signature: the same failure again has the same fingerprint. */
  fingerprint: string;
  /** Lines and facts that speak for it, at most 12. */
  evidence: string[];
  /** A plain rerun on the same box would plausibly succeed. */
  transient: boolean;
  rung: Rung;
  detail: { module?: string; package?: string; file?: string; [key: string]: string | undefined };
  summary: string;
  next: string;
}

/** Explains a log and what was read beside it. Never throws. `known`: the log's reading, where it was read already. */
export function triage(evidence: Evidence, known?: ProgressReading): Triage {
  const lines = readLines(evidence.log);
  const machine = machineEvent(evidence);
  const events = findEvents(lines);
  const exit = evidence.exit_code ?? null;
  const died = (exit !== null && exit !== 0) || (evidence.signal ?? null) !== null;
  const root = chooseRoot(lines, died ? events : events.filter((event) => !handled(lines, event)));
  if (machine && (!root || machine.decides)) return verdict('failure', machine.cause, machine.line, machine.confidence, [...machine.lines, ...(root ? [root.line] : [])], machine.transient);
  const fatal = root !== null && (root.fatal || died || (root.weight === 4 && lines.length - root.at <= 4) || (ownsRest(lines, root.at) && LAST_WORD.test(root.line) && !ranBefore(lines)));
  // Who interrupts a run by hand after its loss is gone has read the log.
  if (root?.line.includes('KeyboardInterrupt') && readLog(textOf(lines.slice(0, root.at))).diverged) return verdict('failure', 'numeric_divergence', divergentLine(lines), 0.9, around(lines, root.at), false);
  if (root && fatal && (died || !(survived(lines, root) || recovered(lines, root, habitual(events, root))))) return verdict('failure', root.cause, root.line, confidenceOf(root.weight, died), around(lines, root.at), root.transient);
  const reading = known ?? readLog(evidence.log);
  if (reading.diverged) return verdict('failure', 'numeric_divergence', divergentLine(lines), 0.9, around(lines, lines.length - 1), false);
  const end = findEnd(lines) ?? findLast(lines, reading);
  if (end && !died && !advances(lines.slice(end.at + 1))) return verdict('done', end.cause, end.line, 0.9, around(lines, end.at));
  if (died) return verdict('failure', 'unknown', lines.at(-1)?.text ?? '', 0.3, around(lines, lines.length - 1));
  if (exit === 0) return verdict('done', 'completed', lines.at(-1)?.text ?? '', 0.7, []);
  const waiting = findWaiting(lines);
  if (evidence.stalled || waiting) return verdict('stall', 'stall', waiting ?? lines.at(-1)?.text ?? '', evidence.stalled ? 0.9 : 0.7, around(lines, lines.length - 1));
  return { kind: 'healthy', cause: null, confidence: reading.step === null ? 0.6 : 0.9, signature: '', fingerprint: '', evidence: [], transient: false, rung: 'none', detail: {}, summary: 'Nothing in the log is wrong.', next: 'Keep watching.' };
}

function verdict(kind: Triage['kind'], cause: Cause, line: string, confidence: number, evidence: string[], transient?: boolean): Triage {
  const policy = POLICY[cause];
  const signature = cleanLine(line).trim().slice(0, 300);
  const detail = detailOf(cause, signature);
  return {
    kind,
    cause,
    confidence,
    signature,
    fingerprint: fingerprintOf(cause, signature),
    evidence: evidence.slice(0, 12),
    transient: transient ?? policy.transient,
    rung: policy.rung,
    detail,
    summary: policy.summary,
    next: detail.package === undefined ? policy.next : `Install ${detail.package} in the setup step and start again.`,
  };
}

/** Numbers, addresses, paths, ids and quoted values folded, so that the same failure reads the same. */
export function fingerprintOf(cause: Cause, signature: string): string {
  const folded = signature
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '<id>')
    .replace(/\b0x[0-9a-f]+\b/gi, '<hex>')
    .replace(/(?:[A-Za-z]:)?[\\/][^\s'"():,]+/g, '<path>')
    .replace(/\b[0-9a-f]{12,64}\b/gi, '<hex>')
    .replace(/\d+(?:[.,]\d+)*/g, '#');
  return `${cause}:${folded.slice(0, 160).trim()}`;
}

function confidenceOf(weight: number, died: boolean): number {
  return Math.min(0.99, [0.3, 0.4, 0.6, 0.8, 0.92][weight] ?? 0.5) + (died && weight < 4 ? 0.05 : 0);
}

/** An excerpt may begin below the frames: an exception that is the last word of a log in which nothing trained yet ended it. */
const LAST_WORD = /^(?:[a-z_]\w{0,40}\.){0,8}[A-Z]\w{1,60}(?:Error|Exception): \S/;

/** Nothing stands below but what belongs to the exception's own message. */
function ownsRest(lines: readonly LogLine[], at: number): boolean {
  return lines.slice(at + 1).every(({ text }) => /^\s|^\d+ (?:root error|successful operation|derived error)|^(?:Function call stack|Original stack|Errors may have|Input Source)/.test(text));
}

function ranBefore(lines: readonly LogLine[]): boolean {
  const { step, loss, epoch } = readLog(textOf(lines));
  return (step ?? loss ?? epoch) !== null || findEnd(lines) !== null;
}

/** The same failure stands twice further up already: whoever goes on after it is used to it. */
function habitual(events: readonly FailureEvent[], { at, cause, line }: FailureEvent): boolean {
  const same = fingerprintOf(cause, line);
  return events.filter((event) => event.at < at && event.cause === cause && fingerprintOf(cause, event.line) === same).length >= 2;
}

function divergentLine(lines: readonly LogLine[]): string {
  let first: string | undefined;
  for (const { text } of lines) {
    if (/loss[^\d\n]{1,12}(?:nan|inf)\b/i.test(text)) first ??= text;
    else if (/loss\W{1,6}\d/i.test(text)) first = undefined;
  }
  return first ?? lines.findLast(({ text }) => /\b(?:nan|inf)\b|\d{9}/i.test(text))?.text ?? '';
}

function around(lines: readonly LogLine[], at: number): string[] {
  return lines.slice(Math.max(0, at - 4), at + 3).filter(({ text }) => !/^[\s^~]+$/.test(text)).map(({ text }) => cleanLine(text, 300));
}
