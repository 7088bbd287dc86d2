import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../src/core/commands.ts';
import { lines, readWords } from '../../src/commands/lines.ts';
import { calmWorld, NOW } from '../cockpit/world.ts';

describe('orders as words', () => {
  it.each<[string, ReturnType<typeof readWords>]>([
    ['', { say: 'status' }],
    ['check llama-lora', { say: 'order', command: { do: 'check', run: 'llama-lora' }, word: null }],
    ['hold llama-lora 30 look at it', { say: 'order', command: { do: 'hold', run: 'llama-lora', minutes: 30, reason: 'look at it' }, word: null }],
    ['hold llama-lora 30', { say: 'unknown', why: 'hold wants minutes and a reason: hold RUN 30 look at it' }],
    ['destroy llama-lora', { say: 'order', command: { do: 'destroy', run: 'llama-lora', waive: false, grace_s: 10 }, word: 'llama-lora' }],
    ['bid llama-lora 0.35', { say: 'order', command: { do: 'raise_bid', run: 'llama-lora', usd_per_hour: 0.35 }, word: null }],
    ['destroy', { say: 'unknown', why: 'destroy wants a name' }],
    ['rm -rf /', { say: 'unknown', why: 'there is no word "rm"' }],
  ])('%s', (line, words) => expect(readWords(line)).toEqual(words));

  it('print the status, obey, and want the name before a destroy', async () => {
    const stdin = new PassThrough();
    const out: string[] = [];
    const commands: Command[] = [];
    stdin.end(['check llama-lora', 'destroy llama-lora', 'yes', 'destroy llama-lora', 'llama-lora', 'quit', 'check never'].join('\n'));
    const code = await lines(
      { out: (line) => void out.push(line), talk: () => undefined },
      { world: calmWorld, subscribe: () => () => undefined, dispatch: (command) => (commands.push(command), Promise.resolve({ ok: true, said: `did ${command.do}` })), now: () => NOW, stdin, signal: new AbortController().signal },
    );
    expect(code).toBe(0);
    expect(commands).toEqual([{ do: 'check', run: 'llama-lora' }, { do: 'destroy', run: 'llama-lora', waive: false, grace_s: 10 }]);
    expect(out.join('\n')).toMatch(/run +instance +ts[\s\S]*words: status[\s\S]*did check[\s\S]*type llama-lora to do it[\s\S]*left as it is[\s\S]*did destroy/);
  });
});
