/** `journal [RUN]`: who decided what, on which evidence, at what cost; for scripts every event, for people what was said. */
import { chronicle, type Entry } from '../core/chronicle.ts';
import type { Event } from '../core/events.ts';
import { emptyWorld } from '../core/state.ts';
import { cleanLine } from '../core/text.ts';
import { json, type Io } from './io.ts';
import { round } from './stream.ts';

export function printJournal(io: Io, events: readonly Event[], run: string | null, asJson: boolean): void {
  for (const entry of chronicle(emptyWorld(events[0]?.at ?? 0), events, run)) {
    if (asJson) {
      const { at, usd, ...rest } = entry;
      json(io, { type: 'entry', ts: new Date(at).toISOString(), ...rest, usd: usd === null ? null : round(usd) });
    } else for (const line of entryLines(entry)) io.out(line);
  }
}

function entryLines({ at, seq, who, run, said, evidence, usd }: Entry): string[] {
  const [first, ...more] = said;
  if (first === undefined) return [];
  const cost = usd === null ? '' : ` ($${usd.toFixed(2)})`;
  return [
    `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} ${String(seq).padStart(5)} ${(who ?? '').padEnd(10)} ${run === null ? '' : `${cleanLine(run, 63)}: `}${cleanLine(first, 400)}${cost}`,
    ...more.map((text) => `${' '.repeat(37)}${cleanLine(text, 400)}`),
    // What was said already is not evidence for it.
    ...evidence.filter((text) => !said.some((line) => line.includes(cleanLine(text, 400)))).map((text) => `${' '.repeat(37)}because: ${cleanLine(text, 400)}`),
  ];
}
