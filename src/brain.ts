/** The language model as the environment and the settings name it; null when there is no key. */
import { AgentFileError, loadAgent } from './agents/brain/agent-files.ts';
import { createProvider } from './agents/brain/provider.ts';
import type { BrainPort } from './agents/context.ts';
import { packageRoot } from './package-root.ts';
import { configDir, readSettings } from './settings.ts';

const DEFAULT_MODEL = 'gpt-5-mini';

type Env = Readonly<Record<string, string | undefined>>;

/** VASTSIT_LLM_KEY wins over OPENAI_API_KEY. */
export const llmKeyOf = (env: Env): string | null => (env['VASTSIT_LLM_KEY'] || env['OPENAI_API_KEY'] || '').trim() || null;

/** Where agents' files are looked for. */
export const agentPlaces = (env: Env, project: string): { project: string; config: string; shipped: string } => ({
  project,
  config: configDir(env),
  shipped: packageRoot,
});

/** Rejects with AgentFileError or SettingsError; makes no request. */
export async function openBrain({ env, project, redact, closing }: { env: Env; project: string; redact: (text: string) => string; closing: AbortSignal }): Promise<BrainPort | null> {
  const apiKey = llmKeyOf(env);
  if (apiKey === null) return null;
  const agent = await loadAgent('babysitter', agentPlaces(env, project));
  const settings = readSettings({ env });
  const baseUrl = env['OPENAI_BASE_URL'] || settings.llm_url;
  if (baseUrl !== undefined && !/^https?:\/\/[^\s@]+$/.test(baseUrl)) throw new AgentFileError('OPENAI_BASE_URL', ['expected an http or https address without a user name']);
  const model = createProvider({ apiKey, model: env['VASTSIT_LLM_MODEL'] || agent.model || settings.llm_model || DEFAULT_MODEL, request_ms: agent.limits.wall_seconds * 1_000, ...(baseUrl !== undefined && { baseUrl }) });
  return { model, agent, redact, closing };
}
