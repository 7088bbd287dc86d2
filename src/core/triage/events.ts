/** Lines of a log that may explain its end. */
import type { Cause } from '../causes.ts';
import type { LogLine } from './lines.ts';
import { MACHINE_RULES } from './rules-machine.ts';
import { PROGRAM_RULES } from './rules-program.ts';
import { WEIGHT, type Rule } from './rule.ts';

export interface FailureEvent {
  at: number;
  cause: Cause;
  /** 4 fact, 3 error, 2 consequence, 1 summary; see rule.ts. */
  weight: number;
  line: string;
  transient: boolean | undefined;
  /** It ended a traceback that nobody caught, or a shell or kernel said it. */
  fatal: boolean;
  traceback: boolean;
}

const RULES: readonly Rule[] = [...MACHINE_RULES, ...PROGRAM_RULES];
const HINT =
  /error|exception|fail|kill|fault|abort|denied|cannot|can't|could ?n.t|unable|invalid|not found|no such|no space|quota|xid|nan|\binf\b|signal|interrupt|preempt|cancel|time|refused|unreachable|corrupt|mismatch|memory|assert|exit|terminat|stop|missing|\bbus\b|unrecognized|unauthori|forbidden|gated|evict|reclaim|too many|reset|oom|driver|not supported|not compiled|no kernel|no module|undefined symbol|glibc|require|conflict|core dumped|address|unexpected|truncated|illegal|lost|outbid|died|must be|should be|CANCELLED|unavailable|!DOCTYPE|SIG[A-Z]{3}|loss scale|empty|specif|StopIteration|Unsupported|does not|divisible|version/i;
const EXCEPTION = /^(?:[A-Za-z_][\w.]{0,120}\.)?(?:[A-Za-z_]\w{0,80}(?:Error|Exception|Interrupt|Failure|Timeout|Invalid|Failed|Died|Expired|Empty|Full|NotFound|Exit|Iteration|OutOfMemory|Unsupported|Killed|Exceeded)|Exception|error|Timeout|Terminated|BdbQuit)(?::|$)/;
const SAYS_ERROR = /\b(?:error|errors|fatal|critical|exception|failed|failure|erro|fehler|aborted)\b|错误|エラー|ошибка/i;
const HARMLESS = /\[INFO\b|\bwarn(?:ing)?s?\b|deprecat|\bdebug\b|ignor(?:ed|ing)|will be (?:ignored|disabled)|retry|fall(?:ing)? ?back|optional|skipping|not critical|\binfo\b.{0,40}(?:not installed|not found)|Unable to register|if you (?:want|need|see|encounter)|attempting to|train-error|errD|error(?:s)?[:=] ?[\d.]|0 (?:errors|corrupt|failed)|no errors?\b/i;

/** A tensor could not be fetched from a DataLoader worker because the worker is gone: the socket's error is not the network's. */
const WORKER_GONE: Rule = { cause: 'shm_dataloader', weight: 'fact', match: /$/ };
const WORKER_FRAMES = 16;

/** Every candidate, in the order of the log. */
export function findEvents(lines: readonly LogLine[]): FailureEvent[] {
  const events: FailureEvent[] = [];
  let inTraceback = false;
  let tracker = false;
  let ignored = false;
  let worker = -Infinity;
  for (const [at, { text, tracker: own }] of lines.entries()) {
    if (/Traceback \(most recent call last\)/.test(text)) {
      inTraceback = true;
      tracker = own;
      const before = lines[at - 1]?.text ?? '';
      ignored = /Exception ignored (?:in|on)|logging error/i.test(before);
      continue;
    }
    if (text.includes('rebuild_storage_fd')) worker = at;
    if (inTraceback && /\/(?:wandb|swanlab|comet_ml|clearml|mlflow|neptune)\//.test(text)) tracker = true;
    const indented = /^\s/.test(text);
    if (own || !HINT.test(text)) continue;
    const exception = !indented && EXCEPTION.test(text);
    const afterFrames = /^\s+(?:File |\S)|^\s*[\^~]+\s*$/.test(lines[at - 1]?.text ?? '');
    const fatal = exception && (inTraceback || afterFrames) && !ignored;
    const rule = exception && at - worker <= WORKER_FRAMES && /^(?:Connection|EOF|FileNotFound)/.test(text) ? WORKER_GONE : RULES.find(({ match }) => match.test(text));
    if (exception) {
      inTraceback = false;
      if (ignored || tracker) {
        ignored = tracker = false;
        continue;
      }
    }
    if (!rule) {
      if (fatal && !/Warning/.test(text)) events.push({ at, cause: 'unknown', weight: WEIGHT.error, line: text, transient: undefined, fatal, traceback: fatal });
      continue;
    }
    if (!exception && !rule.alone && (indented || HARMLESS.test(text) || !SAYS_ERROR.test(text))) continue;
    events.push({ at, cause: rule.cause, weight: WEIGHT[rule.weight], line: text, transient: rule.transient, fatal: fatal || rule.alone === true || /^[\w./-]{1,120}: error: /.test(text), traceback: fatal });
  }
  return events;
}
