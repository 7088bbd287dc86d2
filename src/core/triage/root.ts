/** Of several failures in one log, the one that the others follow from. */
import type { FailureEvent } from './events.ts';
import type { LogLine } from './lines.ts';

/** The event that explains the others; `fatal` and `traceback` hold when they do for any of them. */
export interface Root extends FailureEvent {
  /** The last line of those that belong together. */
  until: number;
}

/** So many ordinary lines between two failures, and the earlier one was survived. */
const SURVIVED = 8;
const NOISE = /^\s+(?:[\w ]{1,40}\s*:\s|\^|~)|^(?:Resource usage summary|The output \(if any\)|PS:$|Read file <)|^(?:Traceback|During handling|The above exception|={3,}|-{3,}|\*{3,}|wandb|slurmstepd|srun|Root Cause|Failures:|\[\d+\]:|\^+|~+)|\d%\||closing signal|^frame #\d+: |SIGTERM|exitcode|\bFAILED\b|NO_OTHER_FAILURES|\$\s*$|#\s*$/;

/** null when no event explains an end. */
export function chooseRoot(lines: readonly LogLine[], events: readonly FailureEvent[]): Root | null {
  let cluster: FailureEvent[] = [];
  let best: Root | null = null;
  for (const event of events) {
    const previous = cluster.at(-1);
    if (previous && ordinaryBetween(lines, previous.at, event.at, SURVIVED) >= SURVIVED) {
      best = prefer(best, rootOf(cluster));
      cluster = [];
    }
    cluster.push(event);
  }
  return prefer(best, rootOf(cluster));
}

function prefer(earlier: Root | null, later: Root | null): Root | null {
  if (!earlier || !later) return later ?? earlier;
  // A consequence or a summary points back to what came before it; an error of its own doesn't.
  return later.weight >= 3 ? later : earlier.weight > later.weight ? earlier : later;
}

function rootOf(cluster: readonly FailureEvent[]): Root | null {
  let root: FailureEvent | null = null;
  for (const event of cluster) {
    const latest = event.weight === 3 || (event.cause === 'preempted' && root?.cause === 'preempted' && event.line.includes(' DUE TO ') >= root.line.includes(' DUE TO '));
    // Of a remark and an exception that name one cause, the exception is the one to quote.
    // A remark that names a signal says more than one that something ended.
    const telling = event.weight === 1 && event.weight === root?.weight && root.cause === 'unknown' && event.cause !== 'unknown';
    const quotable = event.cause === root?.cause && event.traceback && !root.traceback && root.line.startsWith('ERROR');
    if (!root || event.weight > root.weight || (event.weight === root.weight && (latest || quotable || telling))) root = event;
  }
  return root && { ...root, fatal: cluster.some(({ fatal }) => fatal), traceback: cluster.some(({ traceback }) => traceback), until: cluster.at(-1)?.at ?? root.at };
}

/** Lines that a program prints as it goes on, between two places; counts no further than `limit`. Frames of a traceback are none. */
export function ordinaryBetween(lines: readonly LogLine[], from: number, to: number, limit: number): number {
  let count = 0;
  let frames = false;
  for (let at = from + 1; at < to && count < limit; at++) {
    const line = lines[at];
    if (!line || line.tracker) continue;
    if (/^\s*File "|^Traceback|^(?:During handling|The above exception)/.test(line.text)) frames = true;
    else if (!/^\s/.test(line.text)) frames = false;
    if (!frames && !NOISE.test(line.text)) count++;
  }
  return count;
}
