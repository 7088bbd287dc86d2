/** A resume that did not resume, or that brought back what had died. */
import type { RunState } from '../state.ts';

/** Advances below the checkpoint before it counts as a start from elsewhere: a redrawn bar may show 0 once. */
const LOW_STEPS = 3;

/** Words when the resumed attempt trains below its checkpoint; only where the checkpoint's number is a step that was seen before. */
export function resumeLost(run: RunState): string | null {
  const attempt = run.attempts.at(-1);
  if (!attempt || attempt.resume_step === null || attempt.low_steps < LOW_STEPS || (attempt.last_step ?? 0) >= attempt.resume_step) return null;
  const seen = Math.max(...run.attempts.slice(0, -1).map((one) => one.last_step ?? 0), 0);
  return seen >= attempt.resume_step ? `it was given the checkpoint of step ${attempt.resume_step}, and trains at step ${attempt.last_step}` : null;
}

/**
 * Words when the numbers were gone before the resumed attempt told a single one: its checkpoint holds what is none. Said of
 * one checkpoint after another only once: where the older one is no better, the training is at fault, not what it began with.
 */
export function poisoned({ attempts, progress, sound_step, incident }: RunState): string | null {
  const attempt = attempts.at(-1);
  const last = incident?.remedies.at(-1)?.remedy;
  if (attempt?.resume_from == null || !progress?.reading.diverged || (last?.rung === 'rerun' && last.avoid !== undefined)) return null;
  if (sound_step !== null && sound_step > (attempt.resume_step ?? -1)) return null;
  return `nothing that it told after ${attempt.resume_step === null ? 'its checkpoint' : `the checkpoint of step ${attempt.resume_step}`} was a number: the checkpoint holds none`;
}
