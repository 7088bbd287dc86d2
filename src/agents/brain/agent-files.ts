/** Agents as files: front matter that is checked, and a mandate in plain words. A user's file replaces ours as a whole. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { headWithin } from '../../core/brain/tokens.ts';
import type { BrainLimits } from '../../core/brain/state.ts';
import { TOOL_NAMES, type ToolName } from './tools.ts';

export const AGENT_NAMES = ['runner', 'babysitter'] as const;
export type AgentName = (typeof AGENT_NAMES)[number];

const EFFECTS = ['search', 'create', 'find', 'connect', 'prepare', 'start', 'follow', 'probe', 'stop_training', 'fix', 'sync', 'stop', 'destroy', 'consult', 'keep_patch'] as const;
/** A whole number within bounds of our own: no file can lift them. */
const upTo = (max: number) => z.number().int().min(0).max(max);

const frontMatter = z.strictObject({
  name: z.enum(AGENT_NAMES),
  /** What of the program it stands for; for people. */
  may: z.array(z.enum(EFFECTS)).default([]),
  model: z.string().min(1).max(120).optional(),
  /** Sent only when it is given: some models take none. */
  temperature: z.number().min(0).max(2).optional(),
  usd_per_million: z.strictObject({ in: z.number().min(0), out: z.number().min(0) }).default({ in: 0.25, out: 2 }),
  tools: z.array(z.enum(TOOL_NAMES)).default([]),
  limits: z
    .strictObject({
      turns: upTo(20).default(8),
      tokens: upTo(500_000).default(80_000),
      usd: z.number().min(0).max(20).default(0.25),
      wall_seconds: upTo(600).default(90),
      answer_tokens: upTo(16_000).default(2_000),
      consults: upTo(12).default(6),
      diff_lines: z.strictObject({ fix: upTo(80).default(24), reduce: upTo(80).default(40), switch: upTo(80).default(40) }).prefault({}),
    })
    .prefault({}),
});

export interface AgentFile {
  name: AgentName;
  path: string;
  model: string | null;
  temperature: number | null;
  price: { in: number; out: number };
  tools: readonly ToolName[];
  limits: z.output<typeof frontMatter>['limits'];
  mandate: string;
}

/** One line for each field at fault. */
export class AgentFileError extends Error {
  override readonly name = 'AgentFileError';
  constructor(
    readonly path: string,
    readonly problems: readonly string[],
  ) {
    super(`${path}: ${problems.join('; ')}`);
  }
}

/** Tokens of a mandate: it is sent with every packet. */
const MANDATE_TOKENS = 900;

/** Reads the text of an agent's file. Throws AgentFileError. */
export function parseAgent(text: string, path: string, expected: AgentName): AgentFile {
  const [, head, mandate] = /^---\r?\n([\s\S]*?)\r?\n---\r?\n([\s\S]*)$/.exec(text) ?? [];
  if (head === undefined || mandate === undefined) throw new AgentFileError(path, ['it begins with front matter between two lines "---", then comes the mandate']);
  let value: unknown;
  try {
    value = parse(head);
  } catch {
    throw new AgentFileError(path, ['the front matter is not YAML']);
  }
  const parsed = frontMatter.safeParse(value);
  if (!parsed.success) throw new AgentFileError(path, parsed.error.issues.map((issue) => `${issue.path.join('.') || 'front matter'}: ${issue.message}`));
  const { name, model, temperature, usd_per_million, tools, limits } = parsed.data;
  if (name !== expected) throw new AgentFileError(path, [`name: expected ${expected}`]);
  if (mandate.trim() === '') throw new AgentFileError(path, ['the mandate is empty']);
  if (headWithin(mandate, MANDATE_TOKENS) !== mandate) throw new AgentFileError(path, [`the mandate is longer than about ${MANDATE_TOKENS} tokens, which every question would carry`]);
  return { name, path, model: model ?? null, temperature: temperature ?? null, price: usd_per_million, tools, limits, mandate };
}

/** Where an agent's file is looked for, the one in force first found. */
export const agentPaths = (name: AgentName, places: { project: string; config: string; shipped: string }): string[] => [
  join(places.project, '.vastsit', 'agents', `${name}.md`),
  join(places.config, 'agents', `${name}.md`),
  join(places.shipped, 'agents', `${name}.md`),
];

/** The file in force. Rejects with AgentFileError when it cannot be used: a broken override is never skipped silently. */
export async function loadAgent(name: AgentName, places: { project: string; config: string; shipped: string }): Promise<AgentFile> {
  for (const path of agentPaths(name, places)) {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
      throw new AgentFileError(path, ['it cannot be read']);
    });
    if (text !== null) return parseAgent(text, path, name);
  }
  throw new AgentFileError(`agents/${name}.md`, ['it is missing from the installation']);
}

/** The limits as the deciders hold them; `scale` is clock seconds per real second. */
export const limitsOf = ({ limits }: AgentFile, scale: number): BrainLimits => ({ turns: limits.turns, tokens: limits.tokens, usd: limits.usd, wall_ms: limits.wall_seconds * 1_000 * scale, consults: limits.consults, diff_lines: limits.diff_lines });
