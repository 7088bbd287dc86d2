/** Progress of a run: the step counter, its rhythm, and sparse marks for charts and the price of repeats. */
import type { Event } from './events.ts';
import { addEval, objectiveIn } from './early-stop.ts';
import type { ProgressState, RunState } from './state.ts';
import { addSparse } from './thin.ts';
import { learn, type Advance } from './triggers/rhythm.ts';

const GAPS_KEPT = 200;
const MARKS_KEPT = 240;

export function reduceProgress(run: RunState, event: Extract<Event, { type: 'progress' | 'progress.marked' }>): RunState {
  const attempt = run.attempts.at(-1);
  if (attempt?.number !== event.attempt) return run;
  const { reading } = event;
  const value = reading.step === null ? null : objectiveIn(run.spec, reading.eval);
  const seen = run.evals.at(-1);
  if (reading.step !== null && value !== null && (seen?.value !== value || reading.step < seen.step)) run = { ...run, evals: addEval(run.evals, reading.step, value) };
  const old = run.progress;
  // A step that is counted on says nothing of its numbers; a loss that is told does.
  if (!reading.diverged && reading.step !== null && reading.loss !== null && reading.loss !== old?.reading.loss) run = { ...run, sound_step: reading.step };
  const attempts =
    reading.step === null || reading.step === attempt.last_step
      ? run.attempts
      : [...run.attempts.slice(0, -1), { ...attempt, first_step: attempt.first_step ?? reading.step, first_at: attempt.first_at ?? event.at, last_step: reading.step, low_steps: attempt.low_steps + (below(reading.step, attempt.resume_step) ? 1 : 0) }];
  const { metric } = run.spec.objective;
  const hear = (advance: Advance | null): RunState['eyes'] => {
    const rhythm = learn(run.eyes.rhythm, reading, advance, old?.gaps ?? [], metric);
    return rhythm === run.eyes.rhythm ? run.eyes : { ...run.eyes, rhythm };
  };
  if (!old) return { ...run, attempts, eyes: hear(null), progress: { reading, advanced_at: event.at, gaps: [], marks: mark([], reading.step, event.at, reading.loss) } };
  const known = attempt.last_step;
  // Only within one attempt does a greater step mean that training went on: a resume starts lower.
  const advanced = reading.step !== null && (known === null || reading.step > known);
  const { heard_from } = run.eyes.rhythm;
  const gap: Advance | null =
    advanced && known !== null && reading.step !== null ? { gap_ms: event.at - old.advanced_at, steps: reading.step - known, heard: heard_from !== null && old.advanced_at >= heard_from } : null;
  const backward = known === null && reading.step !== null;
  const marks = backward ? old.marks.filter((one) => one.step < (reading.step ?? 0)) : old.marks;
  const progress: ProgressState = {
    reading,
    advanced_at: advanced ? event.at : old.advanced_at,
    gaps: gap?.heard ? [...old.gaps, gap.gap_ms].slice(-GAPS_KEPT) : old.gaps,
    marks: advanced ? mark(marks, reading.step, event.at, reading.loss) : marks,
  };
  return { ...run, attempts, progress, eyes: hear(gap) };
}

const below = (step: number, resumed: number | null): boolean => resumed !== null && step < resumed;

/** Adds a mark; the newest may lag by a hundredth of the run, so that the whole of it stays in view. */
function mark(marks: ProgressState['marks'], step: number | null, at: number, loss: number | null): ProgressState['marks'] {
  return step === null ? marks : addSparse(marks, { step, at, loss }, MARKS_KEPT);
}
