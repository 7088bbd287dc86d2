/** The babysitter's ears and eyes: the pushed stream, the probe, and the hand that stops a process. */
import type { Effect } from '../../core/actions.ts';
import { RemoteError, type Box, type SentinelEvent } from '../../core/ports.ts';
import type { ProbeReading } from '../../core/probe.ts';
import { placesOf } from '../../core/stacks.ts';
import { currentAttempt, type RunState } from '../../core/state.ts';
import { instanceOfRun, quietly, runOf, type Context } from '../context.ts';
import type { LogStream } from '../sessions.ts';
import { leased, leaseMs, leaseSeconds } from './launch.ts';

type Of<T extends Effect['do']> = Extract<Effect, { do: T }>;

/** Real ms between two looks at a busy log: the screen needs no more. */
const FLUSH_MS = 250;
const STOP_GRACE_S = 20;
const TAIL_LINES = 80;
/** A lease that moved by less, real ms, is no news. */
const LEASE_NEWS_MS = 5_000;

export async function follow(context: Context, effect: Of<'follow'>): Promise<void> {
  const run = runOf(context, effect.run);
  const attempt = currentAttempt(run);
  if (!attempt) return;
  const box = await context.sessions.box(run, instanceOfRun(context, run));
  const stream = context.sessions.stream(run, attempt.number);
  const flush = flusher(context, run.id, stream);
  const handle = await box.follow({ run: run.id, attempt: attempt.number, offset: stream.offset }, (event) => quietly(() => hear(context, run.id, stream, event, flush)));
  // An end that was told before the session was handed over leaves nothing to follow.
  if (currentAttempt(runOf(context, run.id))?.exit) return handle.close();
  stream.close = () => {
    stream.close = null;
    flush.stop();
    handle.close();
  };
}

function hear(context: Context, run: string, stream: LogStream, event: SentinelEvent, flush: Flusher): void {
  const { facts } = context;
  stream.heard_at = context.clock.now();
  switch (event.type) {
    case 'hello':
      return facts.record({ type: 'stream.opened', run, attempt: stream.attempt, alive: event.alive });
    case 'log':
      stream.reader.feed(event.data);
      stream.offset = event.offset + event.data.length;
      return flush.soon();
    case 'heartbeat':
      return hearLease(context, run, event.lease_s);
    case 'exit':
      flush.now();
      // Nothing comes after the end: a session that is kept would only be heard breaking when the instance goes.
      stream.close?.();
      return facts.record(
        { type: 'progress.marked', run, attempt: stream.attempt, reading: stream.reader.reading() },
        { type: 'process.exited', run, attempt: event.attempt, exit_code: event.exit_code, signal: event.signal, oom_kills: event.oom_kills, tail: stream.reader.tail().slice(-TAIL_LINES), pushed: true },
      );
    case 'lost':
      flush.stop();
      if (stream.close === null) return;
      stream.close = null;
      void context.sessions.drop(run);
      return facts.record({ type: 'stream.lost', run, attempt: stream.attempt, reason: event.reason });
  }
}

interface Flusher {
  soon(): void;
  now(): void;
  stop(): void;
}

/** Gathers a burst of log into one event: a frame costs what the screen costs. */
function flusher(context: Context, run: string, stream: LogStream): Flusher {
  let cancel: (() => void) | null = null;
  let marked = false;
  const now = (): void => {
    cancel?.();
    cancel = null;
    const reading = stream.reader.reading();
    // The first step is worth a line in the journal; the rest is only for the screen.
    const first = !marked && reading.step !== null;
    marked ||= first;
    context.facts.record({ type: first ? 'progress.marked' : 'progress', run, attempt: stream.attempt, reading }, { type: 'log.tail', run, lines: [...stream.reader.tail()] });
  };
  return {
    now,
    soon: () => {
      cancel ??= context.wire.after(FLUSH_MS, () => quietly(now));
    },
    stop: () => {
      cancel?.();
      cancel = null;
    },
  };
}

export async function probe(context: Context, effect: Of<'probe'>): Promise<void> {
  const run = runOf(context, effect.run);
  const attempt = currentAttempt(run);
  if (!attempt) return;
  const stream = context.sessions.stream(run, attempt.number);
  let reading: ProbeReading;
  try {
    const box = await context.sessions.box(run, instanceOfRun(context, run));
    reading = inProgramTime(await box.probe({ run: run.id, attempt: attempt.number }), context);
  } catch (error) {
    const failure = error instanceof RemoteError ? error.failure : 'lost';
    context.facts.record({ type: 'check.failed', run: run.id, attempt: attempt.number, why: effect.why, failure, reason: error instanceof Error ? error.message : String(error) });
    throw error;
  }
  const progress = stream.reader.reading();
  if (progress.step !== null) context.facts.record({ type: 'progress.marked', run: run.id, attempt: attempt.number, reading: progress });
  const before = run.check?.reading ?? null;
  context.facts.record({ type: 'check.done', run: run.id, attempt: attempt.number, why: effect.why, reading });
  const ended = endOf(before, reading);
  if (ended) context.facts.record({ type: 'process.exited', run: run.id, attempt: attempt.number, ...ended, oom_kills: reading.oom_kills ?? 0, tail: stream.reader.tail().slice(-TAIL_LINES), pushed: false });
}

/** An exit record ends it; a process that two looks in a row call dead, without a record, died with its session. */
function endOf(before: ProbeReading | null, reading: ProbeReading): { exit_code: number | null; signal: string | null } | null {
  if (reading.exit) return { exit_code: reading.exit.exit_code, signal: reading.exit.signal };
  return reading.alive === false && before?.alive === false ? { exit_code: null, signal: null } : null;
}

/** The box counts real seconds; everything else here counts the program's. They differ only in the demo. */
function inProgramTime(reading: ProbeReading, context: Context): ProbeReading {
  const { scale } = context.clock;
  const scaled = (seconds: number | null): number | null => (seconds === null ? null : seconds * scale);
  return { ...reading, at: context.clock.now(), log_age_s: scaled(reading.log_age_s), uptime_s: scaled(reading.uptime_s), cpu_s: scaled(reading.cpu_s) };
}

export async function stopTraining(context: Context, effect: Of<'stop_training'>): Promise<void> {
  const run = runOf(context, effect.run);
  const attempt = currentAttempt(run);
  if (!attempt) return;
  const box = await context.sessions.box(run, instanceOfRun(context, run));
  const stacks = run.repair !== null && run.incident?.diagnosis.cause === 'stall';
  await box.stopTraining({ run: run.id, attempt: attempt.number, grace_s: Math.max(1, Math.ceil(STOP_GRACE_S / context.clock.scale)), stacks });
  const stood = stacks ? await standing(box, attempt.number) : [];
  context.facts.record({ type: 'training.stopped', run: run.id, attempt: attempt.number, ...(stood.length > 0 && { stood }) });
}

/** Evidence alone: a box that cannot tell changes nothing. */
async function standing(box: Box, attempt: number): Promise<string[]> {
  const told = await box.exec(`head -c 65536 .vastsit/stacks.${attempt}`, { timeout_ms: 20_000 }).catch(() => null);
  return placesOf(told?.stdout ?? '');
}

/** Tells the sentinel that somebody is still watching. */
export async function renewLease(context: Context, run: RunState): Promise<void> {
  const attempt = currentAttempt(run);
  if (!attempt) return;
  const box = await context.sessions.box(run, instanceOfRun(context, run));
  await box.renewLease({ run: run.id, attempt: attempt.number, seconds: leaseSeconds(context) });
  leased(context, run.id);
}

/** The box counts real seconds, whole ones: what it tells is only news where it differs by more. */
function hearLease({ facts, clock }: Context, id: string, lease_s: number | null): void {
  const run = facts.world().runs[id];
  if (!run || lease_s === null) return;
  const until = clock.now() + lease_s * 1_000 * clock.scale;
  if (run.lease_until === null || Math.abs(until - run.lease_until) > LEASE_NEWS_MS * clock.scale) facts.record({ type: 'lease.seen', run: id, until });
}

/** Is it time to renew? Only while something of the run can be running or waiting on the box. */
export function leaseDue(context: Context, run: RunState): boolean {
  const live = run.stage === 'training' || run.stage === 'ended' || run.stage === 'repairing' || run.stage === 'rescuing' || (run.stage === 'tearing_down' && run.hold !== null);
  return live && run.ran_here && run.instance !== null && context.clock.now() - (context.sessions.leases.get(run.id) ?? 0) > leaseMs(context) / 3;
}

