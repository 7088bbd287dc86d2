/** Progress bars: tqdm and those that look like it. */
import { rateUnit, seconds, type Rate } from './rates.ts';

export type BarKind = 'train' | 'eval' | 'prepare' | 'download' | 'save' | 'epochs' | 'unnamed' | 'named';

export interface Bar {
  kind: BarKind;
  /** The words before the percentage. */
  description: string;
  step: number;
  total: number | null;
  slack: number;
  rate: Rate | null;
  eta: number | null;
  /** What stands behind the rate: "loss=0.12, lr=1e-4". */
  postfix: string;
  /** Where the bar ends in the line; text may follow without a separator. */
  end: number;
}

const AMOUNT = String.raw`(\d{1,15}(?:\.\d{1,9})?)\s?(k|K|M|G)?[a-zA-Z]{0,12}`;
// Anchored at the place where the drawing ends, so that it fails at once elsewhere.
const COUNTS = new RegExp(String.raw`^ *${AMOUNT} ?/ ?(?:${AMOUNT}|\?) *\[`);
const OPEN_ENDED = new RegExp(String.raw`(?:^|[ :|])(?:\d{1,3}% )?${AMOUNT}(?:/${AMOUNT})? \[\d{1,4}:\d\d(?::\d\d)?[<,]`);

/** Reads the newest bar of a line; null when there is none. Linear in the line's length. */
export function readBar(line: string): Bar | null {
  // Searching forward, and for one character, is the fastest way to find that there is none.
  if (line.includes('|') && line.includes('%|')) return drawnBar(line, line.lastIndexOf('%|'));
  for (let at = line.indexOf('['); at >= 0 && at <= 400; at = line.indexOf('[', at + 1)) {
    if (line.charCodeAt(at - 1) === 32 && isDigit(line.charCodeAt(at + 1)) && line.charCodeAt(at + 3) === 58) return openBar(line);
  }
  return null;
}

/** What stays the same while a bar is redrawn. */
export interface BarShape {
  start: string;
  middle: string;
  percent: number;
}

/** The shape of a bar that fills its whole line; null for one with text behind it, or without a total. */
export function barShape(line: string, bar: Bar): BarShape | null {
  if (bar.total === null || bar.end < line.length || bar.slack > 0 || line.indexOf('%|') !== line.lastIndexOf('%|')) return null;
  const at = line.indexOf('%|');
  const from = at - percentLength(line, at);
  const slash = line.indexOf('/', line.indexOf('|', at + 2));
  const bracket = line.indexOf('[', slash);
  return slash < 0 || bracket < 0 ? null : { start: line.slice(0, from).trimEnd(), middle: line.slice(slash, bracket + 1), percent: percentOf(line, at) };
}

/** The percentage of a line that redraws `shape` further on; -1 when it is something else, or goes back. */
export function redraws(line: string, shape: BarShape): number {
  const at = line.indexOf('%|');
  if (at < 0 || !line.endsWith(']') || !line.startsWith(shape.start)) return -1;
  for (let back = at - percentLength(line, at) - 1; back >= shape.start.length; back--) if (line.charCodeAt(back) !== 32) return -1;
  const percent = percentOf(line, at);
  if (percent < shape.percent || line.indexOf(shape.middle, at) < 0 || line.indexOf('%|', at + 2) >= 0) return -1;
  return percent;
}

function percentLength(line: string, at: number): number {
  let length = 0;
  while (isDigit(line.charCodeAt(at - length - 1))) length++;
  return length;
}

function percentOf(line: string, at: number): number {
  let percent = 0;
  for (let from = at - percentLength(line, at); from < at; from++) percent = percent * 10 + line.charCodeAt(from) - 48;
  return percent;
}

function drawnBar(line: string, percent: number): Bar | null {
  const from = percent - percentLength(line, percent);
  const drawn = line.indexOf('|', percent + 2);
  if (drawn < 0) return null;
  const counts = COUNTS.exec(line.slice(drawn + 1, drawn + 90));
  if (!counts) return null;
  const earlier = line.lastIndexOf('%|', percent - 2);
  const descriptionFrom = earlier < 0 ? 0 : Math.max(line.lastIndexOf(']', from), earlier + 2) + 1;
  const [whole, count = '', prefix, total, totalPrefix] = counts;
  return finish(line, line.slice(Math.max(descriptionFrom, from - 300), from), drawn + 1 + whole.length, amount(count, prefix), total === undefined ? null : amount(total, totalPrefix), prefix ? slack(count, prefix) : 0);
}

/** "123it [00:10, 12.3it/s]": a bar whose total nobody knows; or "4% 40/1000 [00:20<08:00, 2.0it/s]", one without a drawing. */
function openBar(line: string): Bar | null {
  const match = OPEN_ENDED.exec(line.slice(0, 400));
  if (!match) return null;
  const bracket = match.index + match[0].lastIndexOf('[') + 1;
  return finish(line, line.slice(0, match.index + 1), bracket, amount(match[1] ?? '', match[2]), match[3] === undefined ? null : amount(match[3], match[4]), 0);
}

function finish(line: string, before: string, inside: number, step: number, total: number | null, off: number): Bar | null {
  const close = line.indexOf(']', inside);
  const end = close < 0 ? Math.min(line.length, inside + 2_000) : close;
  const body = line.slice(inside, end);
  const left = body.indexOf('<');
  const comma = body.indexOf(',', Math.max(left, 0));
  const eta = left >= 0 ? seconds(body.slice(left + 1, comma < 0 ? undefined : comma)) : null;
  const rest = comma < 0 ? '' : body.slice(comma + 1);
  const rated = /^\s*(\d{1,12}(?:\.\d{1,9})?)\s?([kMG])?\s?([A-Za-z][A-Za-z _]{0,20})?\/\s?([A-Za-z]{1,12})/.exec(rest);
  const postfixFrom = rest.indexOf(',', rated ? rated[0].length : 0);
  const description = before.trim().replace(/[:\s]+$/, '');
  const unit = rated ? rateUnit(rated[3] ?? '', rated[4] ?? '') : null;
  const bytes = rated ? /^(?:[kMGT]i?)?B$/.test(`${rated[2] ?? ''}${rated[3] ?? ''}`) || /^B(?:ytes)?$/.test(rated[3] ?? '') : false;
  const rate = rated && unit ? { value: amount(rated[1] ?? '', rated[2]) * unit.scale, unit: unit.unit } : null;
  const kind = bytes ? 'download' : kindOf(description, rated?.[3]);
  return { kind, description, step, total, slack: off, rate, eta, postfix: postfixFrom < 0 ? '' : rest.slice(postfixFrom + 1), end: end + 1 };
}

const DOWNLOAD = /download|fetch|pulling|\.(?:safetensors|bin|json|model|txt|pt|pth|gguf|zip|tar|gz|parquet)\b/i;
const SAVE = /\bsaving|writing|upload|serializ|\bexport/i;
const PREPARE =
  /\bmap\b|filter|token|load|scan|cach|pack|shard|convert|preprocess|process|extract|build|index|encod|flatten|template|\beos\b|truncat|creat|resolv|comput|quanti|cast|read|pars|prepar|copy|unpack|sort|num_proc|generating \w+ split|class\s+images|collect|align|split|vocab|warm|compil|captur|profil|init|download|examples|files|dataset(?!.*epoch)|setting up|group|merg|concat|calibrat|autotun|featur|annotation/i;
const EVAL = /(?:^|[^a-z])(?:val|valid|validat\w*|eval\w*|test\w*|infer\w*|predict\w*|sanity|sampl\w*|generat(?:e|ed|ing|ion|ions)|decod\w*|diffusion|denois\w*|ddim|rollout|scoring|judg\w*|inpaint\w*)(?![a-z])/i;

function kindOf(raw: string, unit: string | undefined): BarKind {
  const description = raw.replace(/^(?:\[?(?:rank|default)?\d{1,4}\]?:?\s*)(?=[A-Za-z])/i, '').replace(/^\([^)]{1,80}\)\s*/, '');
  if (description === '' || !/[A-Za-z\u00c0-\uffff\d]/.test(description)) return unit && /^(?:examples|files|shards?)$/i.test(unit.trim()) ? 'prepare' : 'unnamed';
  const words = description.slice(-160);
  if (/^epochs?$/i.test(words)) return 'epochs';
  if (DOWNLOAD.test(words)) return 'download';
  if (SAVE.test(words)) return 'save';
  if (/generating \w+ split/i.test(words)) return 'prepare';
  const eval_ = EVAL.test(words);
  const train = /(?:^|[^a-z])(?:train(?:ing)?|epoch|steps?|iter\w*|batch\w*|finetun\w*|learning|optimi[sz]\w*|pretrain\w*|sft|dpo|grpo|ppo)(?![a-z])|epoch|loss/i.test(words);
  if (/class\s+images|scanning|caching|sanity/i.test(words)) return /scanning|caching/i.test(words) ? 'prepare' : 'eval';
  if (eval_ && !/train[^,]*loss|loss.*val/i.test(words)) return 'eval';
  if (train && !/tokeniz|process|prepar|load|split|map\b/i.test(words)) return 'train';
  if (unit && /^(?:examples|files|shards?)$/i.test(unit.trim())) return 'prepare';
  if (PREPARE.test(words)) return 'prepare';
  return 'named';
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function amount(text: string, prefix: string | undefined): number {
  const scale = prefix === undefined ? 1 : { k: 1e3, K: 1e3, M: 1e6, G: 1e9 }[prefix];
  return Math.round(Number(text) * (scale ?? 1) * 1e6) / 1e6;
}

function slack(text: string, prefix: string): number {
  const point = text.indexOf('.');
  return amount('1', prefix) / 10 ** (point < 0 ? 0 : text.length - point - 1);
}
