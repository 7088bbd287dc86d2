/** Units of speed as logs print them, and what they mean in steps per second. */

export interface RateUnit {
  /** it/s, steps/s, s/it, ms/iter, tok/s, samples/s. */
  unit: string;
  /** 1000 for "k tok/s". */
  scale: number;
}
export interface Rate {
  value: number;
  unit: string;
}

const SECOND = /^(?:s|secs?|seconds?)$/i;
const COUNTED: readonly [RegExp, string][] = [
  [/^(?:tok|toks|tokens?|words?|w)$/i, 'tok/s'],
  [/^(?:samples?|examples?|ex|im|ims|imgs?|images?|ins|seqs?|sequences?|records?|rows|items|clips|sents?|sentences|graphs|pairs|instances|data|speech|utts?|points|pos|positions|games)$/i, 'samples/s'],
  [/^(?:its?|iters?|iterations?|batch|batches|batchs|b|ba)$/i, 'it/s'],
  [/^(?:steps?|updates?|frames?|env_steps)$/i, 'steps/s'],
];

/** Names the unit `over/under` ("tok/sec" -> tok/s); null when it is no speed of training (MB/s). */
export function rateUnit(over: string, under: string): RateUnit | null {
  if (SECOND.test(under)) {
    const plain = over.trim();
    const kilo = /^k\s?(?=[a-z])/i.exec(plain)?.[0] ?? '';
    for (const [text, scale] of [[plain, 1], [plain.slice(kilo.length), kilo ? 1e3 : 0]] as const) {
      if (scale > 0) for (const [pattern, unit] of COUNTED) if (pattern.test(text)) return { unit, scale };
    }
    return null;
  }
  if (!/^(?:its?|iters?|iterations?|steps?|batch|batches|updates?|b|ba|epochs?)$/i.test(under)) return null;
  if (/^epoch/i.test(under)) return null;
  if (SECOND.test(over)) return { unit: 's/it', scale: 1 };
  return over === 'ms' ? { unit: 'ms/iter', scale: 1 } : null;
}

/** Steps per second; null for units that count something else than steps. */
export function stepsPerSecond(rate: Rate | null): number | null {
  if (!rate || !Number.isFinite(rate.value) || rate.value <= 0) return null;
  switch (rate.unit) {
    case 'it/s':
    case 'steps/s':
      return rate.value;
    case 's/it':
      return 1 / rate.value;
    case 'ms/iter':
      return 1_000 / rate.value;
    default:
      return null;
  }
}

/** Which of several speeds on one line says most: tokens, then samples, then steps, then the time of a step. */
export function rateRank(unit: string): number {
  const order = ['ms/iter', 's/it', 'it/s', 'steps/s', 'samples/s', 'tok/s'];
  return order.indexOf(unit);
}

/** Seconds of "1:02:03", "2 days, 3:04:05", "1h23m", "45s", "90"; null for anything else. */
export function seconds(text: string): number | null {
  const plainly = clockSeconds(text);
  if (plainly !== null) return plainly;
  const clock = /^\s*(?:(\d{1,5})\s*(?:days?|d|-),?\s*)?(?:(\d{1,6}):)?(\d{1,6}):(\d{1,2})(?:[.,]\d{1,9})?(?![\d:])/.exec(text);
  if (clock) {
    const [, days, hours, minutes, rest] = clock;
    return Number(days ?? 0) * 86_400 + Number(hours ?? 0) * 3_600 + Number(minutes) * 60 + Number(rest);
  }
  const spelled = /^\s*(?:(\d{1,5})\s*d(?:ays?)?,?\s*)?(?:(\d{1,6})\s*h(?:ours?|rs?)?,?\s*)?(?:(\d{1,6}(?:\.\d{1,6})?)\s*m(?:in(?:ute)?s?)?,?\s*)?(?:(\d{1,9}(?:\.\d{1,9})?)\s*s(?:ec(?:ond)?s?)?)?/.exec(text);
  if (spelled && spelled[0].trim() !== '') {
    const [, days, hours, minutes, rest] = spelled;
    return Number(days ?? 0) * 86_400 + Number(hours ?? 0) * 3_600 + Number(minutes ?? 0) * 60 + Number(rest ?? 0);
  }
  const plain = /^\s*(\d{1,9}(?:\.\d{1,9})?)(?![\w:.])/.exec(text);
  return plain ? Number(plain[1]) : null;
}

/** "6:52" and "1:06:52" without a pattern: what nearly every line says; null for all else. */
function clockSeconds(text: string): number | null {
  let total = 0;
  let part = 0;
  let digits = 0;
  let colons = 0;
  for (let at = text.charCodeAt(0) === 32 ? 1 : 0; at <= text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 48 && code <= 57) {
      part = part * 10 + code - 48;
      digits++;
      continue;
    }
    if (digits === 0 || digits > 6 || (colons > 0 && digits !== 2)) return null;
    total = total * 60 + part;
    if (code !== 58) return colons > 0 && code !== 46 && code !== 44 ? total : null;
    if (++colons > 2) return null;
    part = digits = 0;
  }
  return null;
}
