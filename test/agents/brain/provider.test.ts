import { describe, expect, it, onTestFinished } from 'vitest';
import type { ChatAnswer } from '../../../src/agents/brain/model.ts';
import { createProvider } from '../../../src/agents/brain/provider.ts';
import { fakeLlm, LLM_KEY, type Answer, type FakeLlm } from './fake-llm.ts';

async function chat(answer: Answer, temperature?: number): Promise<{ llm: FakeLlm; said: string[]; answer: ChatAnswer }> {
  const llm = await fakeLlm(() => answer);
  onTestFinished(() => llm.close());
  const said: string[] = [];
  const model = createProvider({ baseUrl: llm.url, apiKey: LLM_KEY, model: 'some-model', request_ms: 5_000 });
  const got = await model.chat({
    messages: [{ role: 'system', content: 's' }, { role: 'user', content: 'u' }, { role: 'assistant', content: '', calls: [{ id: 'a', name: 'read_log', arguments: '{}' }] }, { role: 'tool', call: 'a', content: 't' }],
    tools: [{ name: 'read_log', description: 'd', parameters: { type: 'object' } }],
    answer_tokens: 77,
    signal: new AbortController().signal,
    onText: (text) => said.push(text),
    ...(temperature !== undefined && { temperature }),
  });
  return { llm, said, answer: got };
}

describe('the provider', () => {
  it('speaks the wire format, streams words, and joins the parts of tool calls', async () => {
    const { llm, said, answer } = await chat({ text: 'I read the log first.', calls: [{ name: 'read_log', arguments: { lines: 5, from_line: 123_456 } }, { name: 'read_spec', arguments: {} }] });
    expect(said.length).toBeGreaterThan(2);
    expect(said.at(-1)).toBe('I read the log first.');
    expect(answer).toEqual({ text: 'I read the log first.', calls: [{ id: 'call_0', name: 'read_log', arguments: '{"lines":5,"from_line":123456}' }, { id: 'call_1', name: 'read_spec', arguments: '{}' }], usage: { tokens_in: 3_000, tokens_out: 120 } });
    expect(llm.requests[0]).toMatchObject({ model: 'some-model', stream: true, stream_options: { include_usage: true }, max_completion_tokens: 77, messages: [{ role: 'system' }, { role: 'user' }, { role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: { name: 'read_log', arguments: '{}' } }] }, { role: 'tool', tool_call_id: 'a', content: 't' }] });
    expect(llm.requests[0]).not.toHaveProperty('temperature');
    expect(llm.keys).toEqual([`Bearer ${LLM_KEY}`]);
  });

  it('sends a temperature only when one is given, and does without usage', async () => {
    const { llm, answer } = await chat({ text: 'x', usage: null }, 0.3);
    expect(llm.requests[0]?.temperature).toBe(0.3);
    expect(answer.usage).toBeNull();
  });
});
