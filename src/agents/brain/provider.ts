/** Any endpoint that speaks chat completions with streaming and tool calls, by way of the openai package. */
import type OpenAI from 'openai';
import { ModelError, type ChatAnswer, type ChatRequest, type Message, type Model, type ToolCall } from './model.ts';

export interface ProviderOptions {
  /** As in OPENAI_BASE_URL, with the version; undefined is OpenAI's own. */
  baseUrl?: string;
  apiKey: string;
  model: string;
  /** Real ms that one request may take, its retry included. */
  request_ms: number;
}

/** An answer longer than this has lost its way. */
const LONGEST = 200_000;
const MOST_CALLS = 16;
/** One try more, for what a second try can mend (no connection, 408, 409, 429, 5xx); the package waits as the answer says. */
const RETRIES = 1;

export function createProvider({ baseUrl, apiKey, model, request_ms }: ProviderOptions): Model {
  let client: Promise<OpenAI> | null = null;
  // Loaded with the first question: most sessions never ask one.
  const open = (): Promise<OpenAI> =>
    (client ??= import('openai').then(({ OpenAI: Client }) => new Client({ apiKey, baseURL: baseUrl ?? null, maxRetries: RETRIES, timeout: request_ms, organization: null, project: null, logLevel: 'off' })));
  return {
    name: model,
    async chat(request) {
      try {
        return await ask(await open(), model, request);
      } catch (error) {
        throw asModelError(error, request.signal, await import('openai'));
      }
    },
  };
}

async function ask(client: OpenAI, model: string, { messages, tools, temperature, answer_tokens, signal, onText }: ChatRequest): Promise<ChatAnswer> {
  const stream = await client.chat.completions.create(
    {
      model,
      messages: messages.map(wire),
      ...(tools.length > 0 && { tools: tools.map((tool) => ({ type: 'function' as const, function: { name: tool.name, description: tool.description, parameters: tool.parameters } })) }),
      ...(temperature !== undefined && { temperature }),
      max_completion_tokens: answer_tokens,
      stream: true,
      stream_options: { include_usage: true },
    },
    { signal },
  );
  let text = '';
  let refusal = '';
  let size = 0;
  let usage: ChatAnswer['usage'] = null;
  let finished = false;
  const calls = new Map<number, ToolCall>();
  for await (const chunk of stream) {
    if (chunk.usage) usage = { tokens_in: count(chunk.usage.prompt_tokens), tokens_out: count(chunk.usage.completion_tokens) };
    const choice = chunk.choices?.[0];
    if (!choice) continue;
    if (choice.finish_reason === 'content_filter') throw new ModelError('refused', 'the model would not answer');
    finished ||= choice.finish_reason != null;
    const delta = choice.delta ?? {};
    refusal += delta.refusal ?? '';
    if (typeof delta.content === 'string' && delta.content !== '') {
      text += delta.content;
      size += delta.content.length;
      onText(text);
    }
    for (const part of delta.tool_calls ?? []) {
      const call = calls.get(part.index) ?? { id: '', name: '', arguments: '' };
      call.id ||= part.id ?? '';
      call.name += part.function?.name ?? '';
      call.arguments += part.function?.arguments ?? '';
      size += (part.function?.arguments ?? '').length;
      calls.set(part.index, call);
    }
    if (size > LONGEST || calls.size > MOST_CALLS) throw new ModelError('endless', 'its answer had no end');
  }
  if (refusal !== '') throw new ModelError('refused', 'the model would not answer');
  if (!finished) throw new ModelError('malformed', 'its answer broke off');
  return { text, calls: [...calls.values()].map((call, index) => ({ ...call, id: call.id || `call-${index + 1}` })), usage };
}

const count = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0);

function wire(message: Message): OpenAI.ChatCompletionMessageParam {
  switch (message.role) {
    case 'system':
    case 'user':
      return message;
    case 'tool':
      return { role: 'tool', tool_call_id: message.call, content: message.content };
    case 'assistant':
      return {
        role: 'assistant',
        content: message.content,
        ...(message.calls.length > 0 && { tool_calls: message.calls.map((call) => ({ id: call.id, type: 'function' as const, function: { name: call.name, arguments: call.arguments } })) }),
      };
  }
}

function asModelError(error: unknown, signal: AbortSignal, sdk: { APIError: typeof OpenAI.APIError; APIUserAbortError: typeof OpenAI.APIUserAbortError; APIConnectionTimeoutError: typeof OpenAI.APIConnectionTimeoutError; APIConnectionError: typeof OpenAI.APIConnectionError }): ModelError {
  if (error instanceof ModelError) return error;
  if (signal.aborted || error instanceof sdk.APIUserAbortError || error instanceof sdk.APIConnectionTimeoutError) return new ModelError('timeout', 'it took too long');
  if (error instanceof sdk.APIConnectionError) return new ModelError('unavailable', 'its endpoint was not reached');
  if (error instanceof sdk.APIError) {
    const status = typeof error.status === 'number' ? error.status : null;
    if (status === 401 || status === 403) return new ModelError('key', `its endpoint refuses the key (HTTP ${status}); check OPENAI_API_KEY`);
    if (status === 429) return new ModelError('rate_limited', 'its endpoint asks for a pause (HTTP 429)');
    if (status !== null && status >= 500) return new ModelError('unavailable', `its endpoint failed (HTTP ${status})`);
    return new ModelError('rejected', status === null ? 'its endpoint broke the answer off with an error' : `its endpoint rejects the request (HTTP ${status}); check the model's name`);
  }
  return new ModelError('malformed', 'its answer could not be read');
}
