/** A training process on a box: its steps, its log, its checkpoints, and its end. */
import { CHECKPOINT_EVERY, EVALUATION, WATCHDOG_AFTER } from './assumptions.ts';
import type { VirtualClock } from './clock.ts';
import { DONE, ENDINGS, EVALUATING, evaluated, LOADING, progressLine } from './logs.ts';
import type { End } from './track.ts';
import type { Fate } from './world.ts';

const LINE_EVERY = 30_000;
const LOADING_EVERY = 60_000;

export interface Exit {
  exit_code: number | null;
  signal: string | null;
  oom_kills: number;
}

export interface Process {
  readonly attempt: number;
  readonly from: number;
  readonly trainingAt: number;
  readonly end: End;
  exit: Exit | null;
  endedAt: number | null;
  /** ms of training that it has behind it. */
  position(): number;
  /** Making progress: neither loading for ever, nor hung, nor with its numbers gone. */
  healthy(): boolean;
  log: { offset: number; chunks: Uint8Array[]; grewAt: number };
  kill(signal: string): void;
  checkpoints(): number[];
}

export interface Listener {
  log(offset: number, data: Uint8Array): void;
  exit(exit: Exit): void;
}

const text = new TextEncoder();

/** Steps behind a place on the way: evaluations make none. */
export function stepAt(fate: Fate, position: number): number {
  const whole = Math.floor(position / EVALUATION.every);
  const trained = whole * (EVALUATION.every - fate.evaluation) + Math.min(position - whole * EVALUATION.every, EVALUATION.every - fate.evaluation);
  return Math.floor(trained / fate.step);
}

const evaluating = (fate: Fate, position: number): boolean => position % EVALUATION.every > EVALUATION.every - fate.evaluation;

export function startProcess(fate: Fate, clock: VirtualClock, attempt: number, from: number, trainingAt: number, end: End, listener: Listener): Process {
  const log = { offset: 0, chunks: [] as Uint8Array[], grewAt: clock.now() };
  const total = Math.max(1, stepAt(fate, fate.training));
  let over = false;
  let said = '';

  const print = (words: string): void => {
    const data = text.encode(words);
    log.chunks.push(data);
    log.grewAt = clock.now();
    const { offset } = log;
    log.offset += data.length;
    listener.log(offset, data);
  };
  const finish = (exit: Exit): void => {
    if (over) return;
    over = true;
    one.exit = exit;
    one.endedAt = clock.now();
    listener.exit(exit);
  };
  const dies = (kind: keyof typeof ENDINGS): void => {
    const ending = ENDINGS[kind];
    if (ending.text) print(ending.text);
    finish({ exit_code: ending.exit_code, signal: ending.signal, oom_kills: ending.oom_kills ?? 0 });
  };
  const one: Process = {
    attempt,
    from,
    trainingAt,
    end,
    exit: null,
    endedAt: null,
    log,
    position: () => Math.min(end.position, Math.max(from, from + (one.endedAt ?? clock.now()) - trainingAt)),
    healthy: () => !over && clock.now() < end.at,
    kill: (signal) => finish({ exit_code: null, signal, oom_kills: 0 }),
    checkpoints: () => {
      const reached = end.how === 'nan' ? Math.max(from, from + (one.endedAt ?? clock.now()) - trainingAt) : one.position();
      const first = Math.floor(from / CHECKPOINT_EVERY) + 1;
      const last = Math.floor(reached / CHECKPOINT_EVERY);
      return Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => (first + n) * CHECKPOINT_EVERY);
    },
  };
  const speak = (): void => {
    if (over) return;
    const now = clock.now();
    const gone = now >= end.at;
    if (gone && end.how !== 'nan') return;
    if (now < trainingAt) {
      print(LOADING);
      clock.after(Math.min(LOADING_EVERY, trainingAt - now), speak);
      return;
    }
    const position = from + now - trainingAt;
    if (evaluating(fate, position)) {
      if (said !== EVALUATING) print((said = EVALUATING));
      const left = EVALUATION.every - (position % EVALUATION.every);
      clock.after(left + 1, () => {
        if (over || (clock.now() >= end.at && end.how !== 'nan')) return;
        print((said = evaluated(stepAt(fate, from + clock.now() - trainingAt))));
        speak();
      });
      return;
    }
    print(progressLine(stepAt(fate, position), total, fate.step / 1_000, gone));
    clock.after(Math.max(LINE_EVERY, fate.step), speak);
  };
  speak();
  clock.after(end.at - clock.now(), () => {
    if (over) return;
    if (end.how === 'done') {
      print(progressLine(total, total, fate.step / 1_000, false) + DONE);
      finish({ exit_code: 0, signal: null, oom_kills: 0 });
    } else if (end.how === 'exit') dies(end.fault?.log ?? 'silent');
    else if (end.how === 'hang' && end.fault?.watchdog) clock.after(WATCHDOG_AFTER, () => (over ? undefined : dies('watchdog')));
    // Its numbers are gone, and it goes on to its end all the same.
    else if (end.how === 'nan') clock.after(trainingAt + fate.training - from - end.at, () => finish({ exit_code: 0, signal: null, oom_kills: 0 }));
  });
  return one;
}
