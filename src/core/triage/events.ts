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
const ALONE = RULES.filter(({ alone }) => alone);
const HINT =
  /error|exception|fail|kill|fault|abort|denied|cannot|can't|could ?n.t|unable|invalid|not found|no such|no space|quota|xid|nan|\binf\b|signal|interrupt|preempt|cancel|time|refused|unreachable|corrupt|mismatch|memory|assert|exit|terminat|stop|missing|\bbus\b|unrecognized|unauthori|forbidden|gated|evict|reclaim|too many|reset|oom|driver|not supported|not compiled|no kernel|no module|undefined symbol|glibc|require|conflict|core dumped|address|unexpected|truncated|illegal|lost|outbid|died|must be|should be|CANCELLED|unavailable|!DOCTYPE|SIG[A-Z]{3}|loss scale|empty|specif|StopIteration|Unsupported|does not|divisible|version|process down|reach|not in|stuck|\blow on\b|Fatal|panic|cannot|exceed|what\(\)|write|\^C|lame|scale is|restricted/i;
const EXCEPTION = /^(?:[A-Za-z_][\w.]{0,120}\.)?(?:[A-Za-z_]\w{0,80}(?:Error|Exception|Interrupt|Failure|Timeout|Invalid|Failed|Died|Expired|Empty|Full|NotFound|Exit|Iteration|OutOfMemory|Unsupported|Killed|Exceeded)|Exception|error|Timeout|Terminated|BdbQuit)(?: \(see above for traceback\))?(?::|$)/;
const SAYS_ERROR = /\b(?:error|errors|fatal|critical|exception|failed|failure|erro|fehler|aborted)\b|错误|エラー|ошибка/i;
const HARMLESS = /\[INFO\b|\bwarn(?:ing)?s?\b|deprecat|\bdebug\b|ignor(?:ed|ing)|will (?:not )?be (?:ignored|disabled|enabled|used)|retry|fall(?:ing)? ?back|optional|skipping|not critical|\binfo\b.{0,40}(?:not installed|not found)|Unable to register|if you (?:want|need|see|encounter)|attempting to|train-error|errD|error(?:s)?[:=] ?[\d.]|(?<!\b(?:replica|rank|worker|device|gpu|node|process|task|shard|host) )\b0 (?:errors|corrupt|failed)|no errors?\b/i;

/** What ends a program that isn't Python's, by its form: C++, Rust, Go, Julia, Java, the boosters' own. */
const LAST_WORDS = /^\s+what\(\): |^thread '.{1,80}' panicked at|^panic: |^(?:ERROR|caused by): LoadError: |^Exception in thread "main" |^\[\w{2,20}\] \[Fatal\] |^FATAL Flags parsing error|^F\d{4} [\d:.]{8,16} +\d+ [\w./-]+:\d+\] /;
const TRACKER = /[\\/](?:wandb|swanlab|comet_ml|clearml|mlflow|neptune)[\\/]/;

/** What ends a traceback: a dotted name, alone or before a colon. */
const RAISED = /^(?:[A-Za-z_]\w{0,60}\.){0,8}[A-Z]\w{2,60}(?:\([\w.]{1,80}\))?(?::\s|:?$)/;
/** An exception's message may go on in the lines below its name. */
const MESSAGE_LINES = 2;
const THREAD_LINES = 40;
/** Of a line whose key words begin behind the first number of characters, what stands further before them than the second is left out. */
const KEY_FROM = 160;
const KEY_BEFORE = 80;

/** A tensor could not be fetched from a DataLoader worker because the worker is gone: the socket's error is not the network's. */
const WORKER_GONE: Rule = { cause: 'shm_dataloader', weight: 'consequence', match: /$/ };
const WORKER_FRAMES = 16;
/** Semaphores and blocks between processes live in /dev/shm: no space there is not the disk's. */
const SHARED = /multiprocessing[\\/](?:synchronize|heap|shared_memory)\.py|[\\/]pandarallel[\\/]/;
const SHARED_FULL: Rule = { cause: 'shm_dataloader', weight: 'fact', match: /$/ };
const SHARED_FRAMES = 4;

/** Every candidate, in the order of the log. */
export function findEvents(lines: readonly LogLine[]): FailureEvent[] {
  const events: FailureEvent[] = [];
  let inTraceback = false;
  let tracker = false;
  /** The program's own first frame was seen: what ends this traceback ended the program. */
  let main = false;
  let ignored = false;
  let worker = -Infinity;
  let shared = -Infinity;
  let frames = 0;
  let said = -Infinity;
  let thread = -Infinity;
  for (const [at, { text, tracker: own }] of lines.entries()) {
    if (/Traceback \(most recent call last\)/.test(text)) {
      inTraceback = true;
      frames = 0;
      tracker = own;
      main = false;
      const before = lines[at - 1]?.text ?? '';
      ignored = /Exception ignored (?:in|on)|logging error/i.test(before);
      continue;
    }
    if (text.includes('rebuild_storage_fd')) worker = at;
    if (SHARED.test(text)) shared = at;
    if (inTraceback && TRACKER.test(text)) tracker = true;
    else if (inTraceback && text.endsWith(', in <module>') && !/[\\/]runpy\.py"|<string>/.test(text)) main = true;
    // What a thread of its own raises ends that thread, not the program.
    if (/^Exception in thread (?!"main")/.test(text)) thread = at;
    if (text.startsWith('Exception raised from ncclCommWatchdog')) events.push({ at, cause: 'nccl_comm', weight: WEIGHT.consequence, line: text, transient: true, fatal: false, traceback: false });
    if (/^frame #\d+: |^Exception (?:in thread(?! "main")|raised from) |^\s+raise\b/.test(text)) continue;
    const indented = /^\s/.test(text);
    if (inTraceback && /^\s+File "/.test(text)) frames++;
    // What is printed below frames at the margin is the program's again.
    else if (!indented) frames = 0;
    if (own || (!HINT.test(text) && !inTraceback)) continue;
    const told = LAST_WORDS.test(text);
    const exception = told || (!indented && (EXCEPTION.test(text) || (inTraceback && RAISED.test(text))));
    const afterFrames = /^\s+(?:File |\S)|^\s*[\^~]+\s*$/.test(lines[at - 1]?.text ?? '');
    const fatal = told || (exception && (inTraceback || afterFrames) && !ignored && at - thread > THREAD_LINES);
    if (exception) said = at;
    const calm = !exception && (indented || HARMLESS.test(text) || !SAYS_ERROR.test(text));
    // What a line that doesn't call itself an error says counts only by some rules: most lines need no other.
    const rules = calm && at - said > MESSAGE_LINES ? ALONE : RULES;
    const known = exception && at - worker <= WORKER_FRAMES && /^(?:Connection|EOF|FileNotFound)/.test(text) ? WORKER_GONE : rules.find(({ match }) => match.test(text));
    const rule = known?.cause === 'disk_full' && at - shared <= SHARED_FRAMES ? SHARED_FULL : known;
    if (exception) {
      inTraceback = false;
      // A tracker's trouble is its own, but not a disk that is full.
      if (ignored || (tracker && !main && rule?.cause !== 'disk_full')) {
        ignored = tracker = false;
        continue;
      }
    }
    if (!rule) {
      // An exception of a name that nobody knows is the program's own.
      if (fatal && !/Warning/.test(text)) events.push({ at, cause: 'code_bug', weight: WEIGHT.error, line: text, transient: undefined, fatal, traceback: fatal });
      continue;
    }
    const continues = rule.weight === 'fact' && at - said <= MESSAGE_LINES;
    if (calm && !rule.alone && !continues) continue;
    // The words that tell may stand far behind a stamp and a place in the source.
    const key = rule.match.exec(text)?.index ?? 0;
    const line = key > KEY_FROM ? text.slice(key - KEY_BEFORE) : text;
    // An excerpt may begin below the frames: a line that reads as an uncaught exception and explains itself is believed without them.
    const aside = at - thread <= THREAD_LINES && (rule.cause === 'nccl_comm' || rule.cause === 'network_download');
    if (aside && exception) continue;
    const bare = (exception || (calm && continues)) && !ignored && (rule.weight === 'fact' || rule.weight === 'consequence');
    events.push({ at, cause: rule.cause, weight: WEIGHT[rule.weight], line, transient: rule.transient, fatal: fatal || bare || rule.alone === true || /^[\w./-]{1,120}: error: /.test(text), traceback: fatal });
  }
  // A log that ends within frames ends with an error whose name was cut off.
  if (inTraceback && frames > 0 && !ignored && !tracker) events.push({ at: lines.length - 1, cause: 'unknown', weight: WEIGHT.summary, line: lines.at(-1)?.text.trim() ?? '', transient: undefined, fatal: true, traceback: false });
  return events;
}
