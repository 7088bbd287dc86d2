/** Whether a run lived on after a failure: by what it printed, by what it said, by steps. */
import { createProgressReader, readLog, type ProgressReading } from '../progress/index.ts';
import type { FailureEvent } from './events.ts';
import type { LogLine } from './lines.ts';
import { ordinaryBetween, type Root } from './root.ts';

/** The program went on talking: an uncaught traceback takes more to be disproved than a remark does. */
export function survived(lines: readonly LogLine[], { until, traceback }: Root): boolean {
  const limit = traceback ? 40 : 12;
  return ordinaryBetween(lines, until, lines.length, limit) >= limit;
}

/** Words right at a failure that say that the program takes care of it. */
const HANDLED = /\bskip(?:ping|ped) (?:this |the |that |current )?(?:batch|step|sample|update|iteration|image|example)\b|\bretrying (?:with|in|at|from)\b|\bwill (?:be )?retr(?:y|ied)\b|attempting to recover|\brecovered from\b|\(caught\)|\bcontinuing (?:with|training|anyway)\b|\b(?:reducing|halving) (?:the )?batch size\b/i;

/** Words on the line itself that make light of what no traceback ended with. */
const SHRUGGED = /\bfall(?:ing|s)? ?back (?:to|on)\b|\(ignored\b|\bignored[).]*$|\bignoring\b|\boptional\b/i;

/** The line itself, or the two below it, say so; a traceback that nobody caught is followed by no such word. */
export function handled(lines: readonly LogLine[], { cause, at, line, traceback }: FailureEvent): boolean {
  // A step that is skipped for its loss scale is how a loss dies.
  if (cause === 'numeric_divergence') return false;
  return HANDLED.test(line) || (!traceback && SHRUGGED.test(line)) || lines.slice(at + 1, at + 3).some(({ text }) => HANDLED.test(text));
}

/** What is printed to a file is held back: a line or two of it come after the traceback that was printed later. */
export function recovered(lines: readonly LogLine[], { at, until, traceback, line }: Root, habitual: boolean): boolean {
  const after = lines.slice(until + 1);
  return after.length > 0 && advances(after, readLog(textOf(lines.slice(0, at))), line.includes('CANCELLED AT') ? LAST_STEPS : traceback && !habitual ? HELD_BACK : 0);
}

/** What is said of the whole run is no step of it. */
const SUMS_UP = /^(?:\W?\d{2,4}[-:./]\d\d[-:./]\d\d[\d:,.T ]{0,24}\W{0,4}(?:INFO|WARNING)?)?\W*(?:total|final|best|overall|average|mean)\b/i;
const HELD_BACK = 2;
/** Who is told to end has some seconds left, and steps on. */
const LAST_STEPS = 30;

/** Whether training goes on in these lines: a bar that is drawn once more as the process ends is no progress, one that moves is. */
export function advances(lines: readonly LogLine[], before: ProgressReading | null = null, beyond = 0): boolean {
  const reader = createProgressReader();
  const known = before && stateOf(before);
  const seen = new Set<string>();
  let moved = false;
  for (const { text, tracker } of lines) {
    if (tracker || moved || !/\d/.test(text) || SUMS_UP.test(text)) continue;
    reader.feed(`${text}\n`);
    const state = stateOf(reader.reading());
    if (state === null || state === known || seen.has(state)) continue;
    seen.add(state);
    moved = seen.size > beyond && (seen.size > 1 || !/\d\/\d+ ?\[|%\|/.test(text));
  }
  return moved && !readLog(textOf(lines)).diverged;
}

function stateOf({ step, epoch, loss }: ProgressReading): string | null {
  return (step !== null && step > 0) || (loss !== null && (step !== null || epoch !== null)) ? `${step} ${loss}` : null;
}

export function textOf(lines: readonly LogLine[]): string {
  return lines.filter(({ tracker }) => !tracker).map(({ text }) => text).join('\n');
}
