/** `vastsit-tui triage [FILE|-]`: explains any log, or answers one verdict a line for JSON lines. */
import { readLog, type ProgressReading } from '../core/progress/index.ts';
import { shorten } from '../core/text.ts';
import { UsageError } from './errors.ts';
import { triage, type Evidence, type Triage } from '../core/triage/index.ts';

export interface TriageIo {
  stdin: NodeJS.ReadableStream;
  /** Rejects when the file can't be read. */
  readFile(path: string): Promise<Uint8Array>;
  out(line: string): void;
  /** A language model's reading of the log, beside the rules'. Never rejects: a failure is told in words. */
  model?: (log: string, verdict: Triage) => Promise<string>;
}

export interface TriageOptions {
  /** `-` or absent: standard input. */
  file?: string;
  json?: boolean;
  /** Lines `{"id","text"}` (optionally `exit_code`, `signal`) in, one verdict a line out. */
  jsonl?: boolean;
}

/**
 * Resolves to the exit code: 0 when the input was read (whatever the verdict), 2 when a JSON line was malformed (the other
 * lines are still answered). Throws UsageError when the input can't be read.
 */
export async function triageCommand(io: TriageIo, options: TriageOptions): Promise<number> {
  if (options.jsonl) return eachLine(io, options);
  const text = new TextDecoder().decode(await readAll(io, options).catch((error: unknown) => unreadable(options, error)));
  const reading = readLog(text);
  const verdict = triage({ log: text }, reading);
  const model = (await io.model?.(text, verdict)) ?? null;
  if (options.json) io.out(JSON.stringify({ ...verdict, progress: reading, ...(model !== null && { model }) }));
  else for (const line of [...explain(verdict, reading), ...(model === null ? [] : ['Model:', ...model.split('\n').map((each) => `  ${each}`)])]) io.out(line);
  return 0;
}

/** Characters of a line of the log that people are shown. */
const SHOWN = 160;

/** The verdict in a few sentences for people. */
export function explain(verdict: Triage, reading: ProgressReading): string[] {
  const lines = [`${verdict.kind.toUpperCase()}${verdict.cause ? `: ${verdict.cause}` : ''} (confidence ${Math.round(verdict.confidence * 100)} %)`];
  lines.push(verdict.summary);
  if (verdict.signature !== '') lines.push(`Key line:  ${shorten(verdict.signature, SHOWN)}`);
  lines.push(`Progress:  ${progressOf(reading, verdict.kind === 'healthy')}`);
  if (verdict.kind === 'failure' || verdict.kind === 'stall') {
    lines.push(`Transient: ${verdict.transient ? 'yes, a plain rerun may succeed' : verdict.cause === 'unknown' ? 'the log does not say' : 'no, a plain rerun would fail again'}`);
    if (verdict.detail.module) lines.push(`Missing:   ${verdict.detail.module}${verdict.detail.package ? ` (package ${verdict.detail.package})` : ''}`);
  }
  lines.push(`Next:      ${verdict.next}`);
  if (verdict.kind === 'failure' && verdict.evidence.length > 0) lines.push('Evidence:', ...verdict.evidence.map((line) => `  ${shorten(line, SHOWN)}`));
  return lines;
}

function progressOf(reading: ProgressReading, goesOn: boolean): string {
  const said = [
    reading.step !== null && `step ${reading.step}${reading.total_steps !== null ? ` of ${reading.total_steps}` : ''}`,
    reading.epoch !== null && `epoch ${reading.epoch}`,
    reading.loss !== null && `loss ${reading.loss}`,
    reading.diverged && 'loss is no number any more',
    reading.learning_rate !== null && `learning rate ${reading.learning_rate}`,
    reading.rate !== null && `${reading.rate.value} ${reading.rate.unit}`,
    reading.eval !== null && Object.entries(reading.eval).map(([name, value]) => `${name} ${value}`).join(', '),
    reading.activity !== null && (goesOn ? reading.activity : `was ${reading.activity}`),
  ].filter((part) => typeof part === 'string');
  return said.length > 0 ? said.join(', ') : 'none shown';
}

async function eachLine(io: TriageIo, options: TriageOptions): Promise<number> {
  let code = 0;
  const answer = (line: string) => {
    if (line.trim() === '') return;
    const parsed = parseCase(line);
    if (parsed) return io.out(JSON.stringify(answerOf(parsed)));
    code = 2;
    io.out(JSON.stringify({ id: null, error: 'expected one JSON object a line with "id" and "text"' }));
  };
  try {
    if (options.file !== undefined && options.file !== '-') {
      for (const line of new TextDecoder().decode(await io.readFile(options.file)).split('\n')) answer(line);
      return code;
    }
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of io.stdin) {
      const lines = (rest + (typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true }))).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(answer);
    }
    answer(rest + decoder.decode());
    return code;
  } catch (error) {
    return unreadable(options, error);
  }
}

function unreadable({ file }: TriageOptions, error: unknown): never {
  throw new UsageError(`cannot read ${file ?? 'standard input'}: ${error instanceof Error ? error.message : 'unknown error'}`);
}

interface Case {
  id: string | number | null;
  evidence: Evidence;
}

function parseCase(line: string): Case | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || !('text' in value) || typeof value.text !== 'string') return null;
  const id = 'id' in value && (typeof value.id === 'string' || typeof value.id === 'number') ? value.id : null;
  const evidence: Evidence = { log: value.text };
  if ('exit_code' in value && typeof value.exit_code === 'number') evidence.exit_code = value.exit_code;
  if ('signal' in value && (typeof value.signal === 'string' || typeof value.signal === 'number')) evidence.signal = String(value.signal);
  return { id, evidence };
}

function answerOf({ id, evidence }: Case): Record<string, unknown> {
  const reading = readLog(evidence.log);
  const { step, total_steps, epoch, loss, rate, eval: metrics } = reading;
  const { kind, cause, signature, transient, confidence } = triage(evidence, reading);
  return { id, kind, step, total_steps, epoch, loss, rate, eval: metrics, cause, signature, transient, confidence };
}

async function readAll(io: TriageIo, { file }: TriageOptions): Promise<Uint8Array> {
  if (file !== undefined && file !== '-') return io.readFile(file);
  const chunks: Uint8Array[] = [];
  for await (const chunk of io.stdin) chunks.push(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk);
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
