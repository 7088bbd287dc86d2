import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SentinelEvent } from '../../src/core/ports.ts';
import { SentinelParser, exitRecord } from '../../src/remote/frames.ts';

const SESSION = 'ab12'.repeat(6);
const ATTEMPT = '0f0f'.repeat(8);
const hello = (exit = '-', size = 0) => `\x1e${SESSION}:hello:1:60:${size}:boot-id.7:${ATTEMPT}:${exit}\n`;
const beat = (alive: number, exit = '-', size = 0) => `\x1e${SESSION}:beat:${alive}:59:${size}:boot-id.7:${ATTEMPT}:${exit}\n`;
const exitFrame = (code: number, signal = '-') => `\x1e${ATTEMPT}:exit:${code}:${signal}:0:1700000000\n`;

/** Feeds the bytes in pieces, cut where `cuts` says. */
function read(stream: Uint8Array, cuts: readonly number[] = [], offset = 0): SentinelEvent[] {
  const parser = new SentinelParser({ attempt: 1, offset, nonce: SESSION });
  const edges = [0, ...[...cuts].map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
  return edges.slice(1).flatMap((end, i) => parser.push(stream.subarray(edges[i], end)));
}

const log = (events: readonly SentinelEvent[]) => Buffer.concat(events.flatMap((event) => (event.type === 'log' ? [event.data] : []))).toString('latin1');
const rest = (events: readonly SentinelEvent[]) => events.filter((event) => event.type !== 'log');

describe('the sentinel\'s stream', () => {
  test('is log, hello, heartbeats and one exit', () => {
    const events = read(Buffer.from(`banner\r\n${hello()}step 1\nst${beat(1)}ep 2\n${exitFrame(1)}${beat(0, '1:-:0:1700000000', 50)}`));
    expect(log(events)).toBe('step 1\nstep 2\n');
    expect(rest(events)).toEqual([
      { type: 'hello', attempt: 1, alive: true, boot_id: 'boot-id.7' },
      { type: 'heartbeat', alive: true, lease_s: 59 },
      { type: 'exit', attempt: 1, exit_code: 1, signal: null, oom_kills: 0, at: 1_700_000_000_000 },
      { type: 'heartbeat', alive: false, lease_s: 59 },
    ]);
  });

  test('gives the same events however it is cut, and counts every byte of the log', () => {
    const noise = fc.constantFrom('\x1e', `\x1e${ATTEMPT.slice(0, 9)}`, `\x1e${SESSION.slice(0, 9)}`, 'loss 0.1\n', '\r 50%|###', '\x1edeadbeef:exit:0:-:0:1\n', '模\n', '\x1b[31m');
    const parts = fc.array(fc.oneof({ weight: 4, arbitrary: fc.record({ log: noise }) }, { weight: 1, arbitrary: fc.constant('beat' as const) }), { maxLength: 30 });
    fc.assert(
      fc.property(parts, fc.array(fc.nat(), { maxLength: 20 }), fc.nat(1_000_000), (pieces, cuts, offset) => {
        const text = pieces.map((piece) => (piece === 'beat' ? '' : Buffer.from(piece.log).toString('latin1'))).join('');
        const stream = Buffer.concat([
          Buffer.from(hello()),
          ...pieces.map((piece) => Buffer.from(piece === 'beat' ? beat(1) : piece.log)),
          Buffer.from(exitFrame(137, 'KILL')),
        ]);
        const events = read(stream, cuts, offset);
        expect(log(events)).toBe(text);
        expect(rest(events)).toEqual(rest(read(stream, [], offset)));
        expect(rest(events).filter((event) => event.type === 'exit')).toHaveLength(1);
        let at = offset;
        for (const event of events) {
          if (event.type !== 'log') continue;
          expect(event.offset).toBe(at);
          at += event.data.length;
        }
      }),
    );
  });

  test('takes a frame in the log that a heartbeat has cut in two', () => {
    const frame = exitFrame(0);
    const events = read(Buffer.from(`${hello()}x\n${frame.slice(0, 20)}${beat(0)}${frame.slice(20)}`));
    expect(log(events)).toBe('x\n');
    expect(rest(events).map((event) => event.type)).toEqual(['hello', 'heartbeat', 'exit']);
  });

  test('tells of an end that came before us, after the log that was there', () => {
    const events = read(Buffer.from(`${hello('9:KILL:1:1700000000', 12)}eight..\nmore`), [], 0);
    expect(events.map((event) => event.type)).toEqual(['hello', 'log', 'exit']);
    expect(read(Buffer.from(hello('0:-:0:1700000000', 12)), [], 12).map((event) => event.type)).toEqual(['hello', 'exit']);
  });

  test('believes no frame without the nonce', () => {
    const forged = `\x1e${'0'.repeat(32)}:exit:0:-:0:1700000000\n\x1e:exit:0:-:0:1\n`;
    const events = read(Buffer.from(`${hello()}${forged}`));
    expect(log(events)).toBe(forged);
    expect(rest(events)).toHaveLength(1);
    const none = read(Buffer.from(`\x1e${SESSION}:hello:0::0:-:-:-\n\x1e-:exit:0:-:0:1\n`));
    expect(rest(none)).toEqual([{ type: 'hello', attempt: 1, alive: false, boot_id: null }]);
  });

  test('does not wait forever for the end of a frame that has none', () => {
    const endless = `\x1e${ATTEMPT}:${'x'.repeat(2_000)}`;
    expect(log(read(Buffer.from(`${hello()}${endless}`)))).toBe(endless);
  });

  test('reads any bytes without throwing', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void read(Buffer.concat([Buffer.from(hello()), bytes]), [3, 50])));
  });
});

test('an exit record is whole or none', () => {
  expect(exitRecord(['137', 'KILL', '2', '1700000000'])).toEqual({ exit_code: 137, signal: 'KILL', oom_kills: 2, at: 1_700_000_000_000 });
  expect(exitRecord(['0', '-', '', '1700000000'])).toEqual({ exit_code: 0, signal: null, oom_kills: 0, at: 1_700_000_000_000 });
  for (const fields of [[], ['-'], ['0'], ['0', '-', '0'], ['0', '-', '0', 'soon']]) expect(exitRecord(fields)).toBeNull();
});
