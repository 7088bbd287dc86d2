/** A resume that did not resume. */
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
