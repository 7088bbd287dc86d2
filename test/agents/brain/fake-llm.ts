/** A real HTTP server that speaks chat completions with streaming and tool calls, and says what a test scripts. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const LLM_KEY = 'sk-canary-llm-0123456789abcdefghij';

export interface ChatBody {
  model: string;
  stream: boolean;
  temperature?: number;
  messages: { role: string; content: string | null; tool_calls?: { id: string; function: { name: string; arguments: string } }[]; tool_call_id?: string }[];
  tools?: { function: { name: string; parameters: unknown } }[];
}

export interface Said {
  text?: string;
  calls?: { name: string; arguments: unknown }[];
  refusal?: string;
  finish?: string;
  /** Left out when absent, as some endpoints do. */
  usage?: { prompt_tokens: number; completion_tokens: number } | null;
}

/** `silent` never answers, `half` breaks off in the middle, `garbage` is no JSON, `endless` talks until it is cut. */
export type Answer = Said | { fault: 'silent' | 'half' | 'garbage' | 'endless' } | { status: number; headers?: Record<string, string> };

export interface FakeLlm {
  /** With the version, as OPENAI_BASE_URL has it. */
  url: string;
  requests: ChatBody[];
  /** Authorization headers that came. */
  keys: string[];
  close(): Promise<void>;
}

export async function fakeLlm(script: (body: ChatBody, nth: number) => Answer): Promise<FakeLlm> {
  const requests: ChatBody[] = [];
  const keys: string[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (part: Buffer) => (text += part.toString()));
    request.on('end', () => {
      const body = JSON.parse(text) as ChatBody;
      requests.push(body);
      keys.push(String(request.headers.authorization));
      if (request.url !== '/v1/chat/completions') return void response.writeHead(404).end();
      say(response, script(body, requests.length - 1), body.model);
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    keys,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function say(response: ServerResponse, answer: Answer, model: string): void {
  if ('status' in answer) return void response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers }).end(JSON.stringify({ error: { message: `no: ${LLM_KEY}`, type: 'x', code: null, param: null } }));
  const fault = 'fault' in answer ? answer.fault : null;
  if (fault === 'silent') return;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const base = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model };
  const send = (delta: unknown, finish_reason: string | null = null): void => void response.write(`data: ${JSON.stringify({ ...base, choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
  if (fault === 'garbage') return void response.end('data: {"id": "chatcmpl-1", "choices": [{"del\n\n');
  if (fault === 'half') {
    send({ role: 'assistant', content: 'I think' });
    return void setImmediate(() => response.destroy());
  }
  if (fault === 'endless') {
    const more = (): void => {
      for (let n = 0; n < 50 && !response.destroyed; n += 1) send({ content: 'and so on '.repeat(50) });
      if (!response.destroyed) setImmediate(more);
    };
    return more();
  }
  const said = answer as Said;
  send({ role: 'assistant', content: '' });
  for (const part of (said.text ?? '').match(/[\s\S]{1,7}/g) ?? []) send({ content: part });
  if (said.refusal) send({ refusal: said.refusal });
  for (const [index, call] of (said.calls ?? []).entries()) {
    const json = typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments);
    send({ tool_calls: [{ index, id: `call_${index}`, type: 'function', function: { name: call.name, arguments: '' } }] });
    for (const part of json.match(/[\s\S]{1,40}/g) ?? []) send({ tool_calls: [{ index, function: { arguments: part } }] });
  }
  send({}, said.finish ?? (said.calls ? 'tool_calls' : 'stop'));
  const usage = said.usage === undefined ? { prompt_tokens: 3_000, completion_tokens: 120 } : said.usage;
  if (usage) response.write(`data: ${JSON.stringify({ ...base, choices: [], usage: { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens } })}\n\n`);
  response.end('data: [DONE]\n\n');
}

export const propose = (diagnosis: string, action: unknown): Said => ({ text: 'Let me see. ', calls: [{ name: 'propose', arguments: { diagnosis, action } }] });
