/** Text from outside never steers the terminal: escape codes, control characters and bidi marks stay out of everything that is shown. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineText } from '../../src/cockpit/line.ts';
import { view } from '../../src/cockpit/view.ts';
import type { World } from '../../src/core/state.ts';
import { terminalIo } from '../../src/headless/io.ts';
import { printReport } from '../../src/headless/report.ts';
import { printCost, printStatus } from '../../src/headless/status.ts';
import { saidLine } from '../../src/headless/stream.ts';
import { statusMarkdown } from '../../src/journal/index.ts';
import { given } from '../cockpit/shoot.ts';
import { alertWorld, calmWorld, NOW } from '../cockpit/world.ts';

/** Fields that the market, a box, a log, a model or a person fills; names of runs and enumerations are checked where they come in. */
const FOREIGN = new Set(['label', 'status_msg', 'gpu_name', 'geolocation', 'reason', 'text', 'words', 'why', 'summary', 'signature', 'next', 'command', 'resume_from', 'path', 'image', 'verdict_reason', 'says', 'best_option', 'endpoint', 'spec_path', 'failure', 'email', 'ssh_host', 'public_ipaddr', 'driver_version', 'activity', 'because', 'fingerprint']);
const LISTS = new Set(['tail', 'evidence', 'kernel', 'fixes', 'lines', 'bad_checkpoints']);
const BITES = ['\t', '\x1b[2J', '\x1b]0;owned\x07', '\x1b]52;c;ZXZpbA==\x07', '\x1bP+q544e\x1b\\', '\x9b31m', '\x1b[?1049h', '\x1b(0', '\r', '\n', '\x08\x08', '\x07', '\u202e', '\u2066', '\x00', '\x7f', '\x1b', '\x1b[', 'words', '学'];
const hostile = fc.array(fc.oneof(fc.constantFrom(...BITES), fc.string({ unit: 'binary', maxLength: 6 })), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));

/** The same world, said by an enemy; why a check was made is one of our own words. */
function poisoned<T>(value: T, text: string, key = ''): T {
  const change = (one: unknown, name: string): unknown => {
    if (typeof one === 'string') return FOREIGN.has(name) ? `${one.slice(0, 3)}${text}${one.slice(3)}` : one;
    if (Array.isArray(one)) return one.map((each) => (typeof each === 'string' && LISTS.has(name) ? `${text}${each}` : change(each, '')));
    if (typeof one === 'object' && one !== null) return Object.fromEntries(Object.entries(one).map(([field, each]) => [field, name === 'check' && field === 'why' ? each : change(each, field)]));
    return one;
  };
  return change(value, key) as T;
}

const STEERING = (character: string): boolean => character < ' ' || (character >= '\x7f' && character <= '\x9f') || '\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069'.includes(character);
const steering = (text: string): string[] => [...text].filter(STEERING);
const WORLDS: readonly (() => World)[] = [alertWorld, calmWorld];

describe('nothing from outside steers the terminal', () => {
  it('on any page of the cockpit', () => {
    const keys = fc.array(fc.constantFrom('enter', 'd', 'H', 'o', 'h', 'l', 'tab', 'down', '?', 'q', 'esc'), { maxLength: 4 });
    fc.assert(
      fc.property(hostile, fc.constantFrom(...WORLDS), keys, (text, make, pressed) => {
        const world = poisoned(make(), text);
        const lines = view(given(world, pressed, 120, 40), world, NOW, 'x').map(lineText);
        expect(steering(lines.join(''))).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('in what status, cost, report and the stream of words print', () => {
    fc.assert(
      fc.property(hostile, fc.constantFrom(...WORLDS), (text, make) => {
        const world = poisoned(make(), text);
        const printed: string[] = [];
        const io = terminalIo((line) => void printed.push(line.slice(0, -1)), (line) => void printed.push(line.slice(0, -1)));
        printStatus(io, world, NOW, false, null);
        printCost(io, world, NOW, false);
        for (const run of Object.values(world.runs)) printReport(io, world, run, NOW, false);
        for (const said of world.said) saidLine(io, said);
        // No tab and no line break of theirs either: a label must not forge a line of the table.
        expect(printed.flatMap(steering)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('in STATUS.md, which people read with cat', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(steering(statusMarkdown(poisoned(alertWorld(), text), NOW)).filter((character) => character !== '\n')).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('in JSON', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const printed: string[] = [];
        printStatus(terminalIo((line) => void printed.push(line.slice(0, -1)), () => undefined), poisoned(calmWorld(), text), NOW, true, null);
        expect(printed.flatMap(steering).filter((character) => character !== '\n')).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});
