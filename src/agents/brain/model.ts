/** The port to a language model: one request, one answer. Types and the errors that callers tell apart. */

export interface ToolCall {
  id: string;
  name: string;
  /** JSON as the model wrote it; unchecked. */
  arguments: string;
}

export type Message =
  | { role: 'system' | 'user'; content: string }
  | { role: 'assistant'; content: string; calls: readonly ToolCall[] }
  | { role: 'tool'; call: string; content: string };

export interface ToolSpec {
  name: string;
  description: string;
  /** JSON Schema of its arguments. */
  parameters: Record<string, unknown>;
}

export interface ChatRequest {
  messages: readonly Message[];
  tools: readonly ToolSpec[];
  temperature?: number;
  /** Most tokens of the answer. */
  answer_tokens: number;
  signal: AbortSignal;
  /** The words so far, while they come. */
  onText: (text: string) => void;
}

export interface ChatAnswer {
  text: string;
  calls: ToolCall[];
  /** null when the endpoint did not say. */
  usage: { tokens_in: number; tokens_out: number } | null;
}

export type ModelFailure = 'key' | 'rate_limited' | 'unavailable' | 'timeout' | 'refused' | 'malformed' | 'rejected' | 'endless';

/** Every failed request rejects with this. `message` holds no word of the endpoint's own: it may quote a key. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  constructor(
    readonly failure: ModelFailure,
    message: string,
  ) {
    super(message);
  }
}

export interface Model {
  readonly name: string;
  chat(request: ChatRequest): Promise<ChatAnswer>;
}
