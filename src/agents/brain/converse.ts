/** A bounded conversation: requests, tool calls and their answers until there is a result, or a reason why there is none. */
import { countTokens } from '../../core/brain/tokens.ts';
import type { Usage } from '../../core/brain/state.ts';
import { ModelError, type Message, type Model, type ToolCall, type ToolSpec } from './model.ts';

/** No result: the reason is fit for people. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

export interface Price {
  /** $ for a million tokens. */
  in: number;
  out: number;
}

export interface Talk<T> {
  model: Model;
  messages: Message[];
  tools: readonly ToolSpec[];
  /** The only tool of the last turn, when there is one that ends it. */
  last?: ToolSpec;
  temperature?: number;
  price: Price;
  limits: { turns: number; tokens: number; usd: number; answer_tokens: number };
  signal: AbortSignal;
  onText: (text: string) => void;
  onUsage: (usage: Usage) => void;
  /** Answers a tool call, or ends the talk with a result. */
  use: (call: ToolCall) => Promise<{ done: T } | { text: string; slip: boolean }>;
  /** An answer without a tool call: a result, or what to say to it. */
  plain: (text: string) => { done: T } | { text: string };
}

/** How often a model may miss its tools before the rules go on. */
const SLIPS = 2;
const CALLS_A_TURN = 6;

export async function converse<T>(talk: Talk<T>): Promise<T> {
  const { limits, messages, tools } = talk;
  let [spent, usd, slips] = [0, 0, 0];
  const toolTokens = countTokens(JSON.stringify(tools));
  for (let turn = 1; turn <= limits.turns; turn += 1) {
    const asks = toolTokens + messages.reduce((sum, message) => sum + sizeOf(message), 0);
    const most = { tokens_in: asks, tokens_out: limits.answer_tokens };
    if (spent + asks + limits.answer_tokens > limits.tokens) throw new NoAnswer('its tokens for this run would not be enough for another answer');
    if (usd + priceOf(most, talk.price) > limits.usd) throw new NoAnswer('its dollars for this run would not be enough for another answer');
    const answer = await talk.model
      .chat({ messages, tools: turn === limits.turns && talk.last ? [talk.last] : tools, answer_tokens: limits.answer_tokens, signal: talk.signal, onText: talk.onText, ...(talk.temperature !== undefined && { temperature: talk.temperature }) })
      .catch((error: unknown) => {
        // What a broken request cost is not known: the part that was surely sent is booked.
        if (error instanceof ModelError && error.failure !== 'key' && error.failure !== 'rejected') talk.onUsage({ tokens_in: asks, tokens_out: 0, usd: priceOf({ tokens_in: asks, tokens_out: 0 }, talk.price) });
        throw error instanceof ModelError ? new NoAnswer(error.message) : error;
      });
    const used = answer.usage ?? { tokens_in: asks, tokens_out: countTokens(answer.text) + answer.calls.reduce((sum, call) => sum + countTokens(call.arguments), 0) };
    const cost = priceOf(used, talk.price);
    spent += used.tokens_in + used.tokens_out;
    usd += cost;
    talk.onUsage({ ...used, usd: cost });
    messages.push({ role: 'assistant', content: answer.text, calls: answer.calls });
    if (answer.calls.length === 0) {
      const next = talk.plain(answer.text);
      if ('done' in next) return next.done;
      slips += 1;
      messages.push({ role: 'user', content: next.text });
    }
    for (const [index, call] of answer.calls.entries()) {
      const next = index < CALLS_A_TURN ? await talk.use(call) : { text: `At most ${CALLS_A_TURN} calls at once.`, slip: true };
      if ('done' in next) return next.done;
      if (next.slip) slips += 1;
      messages.push({ role: 'tool', call: call.id, content: next.text });
    }
    if (talk.signal.aborted) throw new NoAnswer('it took too long');
    if (slips > SLIPS) throw new NoAnswer('it did not keep to its tools');
  }
  throw new NoAnswer(`it came to no result in ${limits.turns} turns`);
}

const sizeOf = (message: Message): number => 6 + countTokens(message.content) + (message.role === 'assistant' ? message.calls.reduce((sum, call) => sum + countTokens(call.arguments) + 10, 0) : 0);

export const priceOf = (used: { tokens_in: number; tokens_out: number }, price: Price): number => (used.tokens_in * price.in + used.tokens_out * price.out) / 1e6;
