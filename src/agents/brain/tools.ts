/** The tools of a model: they read, each within bounds, and none of them can change anything. */
import { z } from 'zod';
import { headWithin } from '../../core/brain/tokens.ts';
import { proposalSchema } from '../../core/brain/proposal.ts';
import { RemoteError, type Box } from '../../core/ports.ts';
import { relativePath, shellQuote } from '../../core/quote.ts';
import type { RunState } from '../../core/state.ts';
import { cleanText, fenced } from './clean.ts';
import type { ToolCall, ToolSpec } from './model.ts';
import { attemptsBefore } from './packet.ts';
import { metricsText, readingsText } from './readings.ts';

export const TOOL_NAMES = ['read_log', 'read_file', 'list_files', 'read_spec', 'read_metrics', 'read_processes', 'list_packages', 'earlier_attempts'] as const;
export type ToolName = (typeof TOOL_NAMES)[number];

/** Tokens that one answer may have, and the size of a file that is worth reading. */
const ANSWER_TOKENS = 1_800;
const FILE_BYTES = 2_000_000;
const EXEC_MS = 20_000;
const CUT_BYTES = 59_000;

const line = z.number().int().min(1).max(100_000_000);
const lines = z.number().int().min(1).max(200);
const ARGUMENTS = {
  read_log: z.strictObject({ from_line: line.nullish().describe('first line; the end of the log without it'), lines: lines.nullish(), attempt: z.number().int().min(1).max(99_999).nullish() }),
  read_file: z.strictObject({ path: z.string().max(300).describe("relative to the run's directory"), from_line: line.nullish(), lines: lines.nullish() }),
  list_files: z.strictObject({}),
  read_spec: z.strictObject({}),
  read_metrics: z.strictObject({}),
  read_processes: z.strictObject({}),
  list_packages: z.strictObject({}),
  earlier_attempts: z.strictObject({}),
} as const satisfies Record<ToolName, z.ZodType>;

const WORDS: Record<ToolName, string> = {
  read_log: 'Lines of the training log.',
  read_file: "Lines of a text file of the run, such as its training script.",
  list_files: "Names of the files below the run's directory.",
  read_spec: 'The experiment spec and the config in force.',
  read_metrics: 'The history of the loss.',
  read_processes: 'The last readings of process, GPU, memory and disk.',
  list_packages: 'Installed Python packages.',
  earlier_attempts: 'What was tried before in this run.',
};

/** JSON Schema without the line that names its dialect. */
function schemaOf(schema: z.ZodType): Record<string, unknown> {
  const plain: Record<string, unknown> = { ...z.toJSONSchema(schema, { io: 'input' }) };
  delete plain['$schema'];
  return plain;
}

export const readingTools = (allowed: readonly ToolName[]): ToolSpec[] => allowed.map((name) => ({ name, description: WORDS[name], parameters: schemaOf(ARGUMENTS[name]) }));

export const PROPOSE: ToolSpec = {
  name: 'propose',
  description: 'Propose exactly one action. A diff is unified, with a/ and b/ paths, three lines of context, as few changed lines as will do.',
  parameters: schemaOf(proposalSchema),
};

export interface ToolPlace {
  run: RunState;
  /** null when the run has no box that can be asked. */
  box: (() => Promise<Box>) | null;
  allowed: readonly ToolName[];
  redact: (text: string) => string;
  nonce: string;
}

/** Answers one call. `slip`: the model did not keep to its tools. Never throws for what a model or a box did. */
export async function useTool(place: ToolPlace, call: ToolCall): Promise<{ text: string; slip: boolean }> {
  const name = place.allowed.find((tool) => tool === call.name);
  if (name === undefined) return { text: `There is no tool of that name. There are: ${[...place.allowed, PROPOSE.name].join(', ')}.`, slip: true };
  let given: unknown;
  try {
    given = JSON.parse(call.arguments === '' ? '{}' : call.arguments);
  } catch {
    return { text: 'The arguments are not JSON.', slip: true };
  }
  try {
    const text = await answer(place, name, given);
    return { text: fenced(name, cleanText(text, place.redact, ANSWER_TOKENS), place.nonce), slip: false };
  } catch (error) {
    if (error instanceof z.ZodError) return { text: `Arguments: ${error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ').slice(0, 300)}`, slip: true };
    if (error instanceof RangeError) return { text: "Refused: only paths below the run's directory can be read.", slip: false };
    if (error instanceof Refusal) return { text: `Refused: ${error.message}`, slip: false };
    if (error instanceof RemoteError) return { text: 'The box did not answer.', slip: false };
    throw error;
  }
}

class Refusal extends Error {}

async function answer(place: ToolPlace, name: ToolName, given: unknown): Promise<string> {
  const { run } = place;
  switch (name) {
    case 'read_log': {
      const { from_line, lines: wanted, attempt } = ARGUMENTS.read_log.parse(given);
      const file = `.vastsit/log.${Math.min(attempt ?? run.attempt, Math.max(1, run.attempt))}`;
      if (!place.box) return run.tail.join('\n');
      return exec(place, from_line == null ? `tail -n ${wanted ?? 80} ${file} | tail -c 60000` : range(shellQuote(file), from_line, wanted ?? 80));
    }
    case 'read_file': {
      const { path, from_line, lines: wanted } = ARGUMENTS.read_file.parse(given);
      return readFile(place, relativePath(path), from_line ?? 1, wanted ?? 200);
    }
    case 'list_files':
      ARGUMENTS.list_files.parse(given);
      return exec(place, "find . -name '.?*' -prune -o -type f -print 2>/dev/null | cut -c3-160 | sort | head -n 300");
    case 'read_spec': {
      const { env, ...spec } = run.spec;
      const shown = Object.fromEntries(Object.entries(env).map(([key, value]) => [key, typeof value === 'string' ? value : '(secret)']));
      return JSON.stringify({ ...spec, env: shown, knobs_now: run.knobs, fixes: run.fixes }, null, 1);
    }
    case 'read_metrics':
      return metricsText(run, 120);
    case 'read_processes':
      return readingsText(run).replaceAll('; ', '\n');
    case 'list_packages':
      return exec(place, 'pip list --disable-pip-version-check 2>/dev/null | head -n 400');
    case 'earlier_attempts':
      return attemptsBefore(run, run.incident).join('\n') || 'nothing was tried before';
  }
}

/** Names that hold secrets more often than not; and everything hidden, our own files among it. */
const SECRETIVE = /(^|\/)(\.[^/]*|[^/]*\.(pem|key|p12|pfx|kdbx|gpg|asc|jks)|id_(rsa|dsa|ecdsa|ed25519)[^/]*|[^/]*(credential|secret|passwd|password|apikey|api_key)[^/]*|tokens?(\.[a-z]+)?|netrc|kaggle\.json|service[-_]account[^/]*)(\/|$)/i;

/** Resolved on the box first: a link that leads out of the run's directory, or to a secret, is refused by where it leads. */
async function readFile(place: ToolPlace, path: string, from: number, wanted: number): Promise<string> {
  if (path === '' || SECRETIVE.test(path)) throw new Refusal('files of that name are not shown');
  const found = (await exec(place, `d=$(pwd -P); f=$(readlink -f -- ${shellQuote(`./${path}`)}) || exit 0; case $f in "$d"/*) ;; *) echo outside; exit 0 ;; esac; [ -f "$f" ] || exit 0; printf 'at %s\\n%s\\n' "$(wc -c < "$f")" "\${f#"$d"/}"`)).split('\n');
  if (found[0] === 'outside') throw new Refusal("it leads out of the run's directory");
  const [, size] = /^at\s+(\d+)$/.exec(found[0] ?? '') ?? [];
  const real = found[1] ?? '';
  if (size === undefined) return 'there is no such file';
  if (found.length > 3 || SECRETIVE.test(real)) throw new Refusal('files of that name are not shown');
  if (Number(size) > FILE_BYTES) throw new Refusal(`it has ${size} bytes; at most ${FILE_BYTES} are read`);
  const text = await exec(place, range(shellQuote(`./${relativePath(real)}`), from, wanted));
  if (text.includes('\0')) throw new Refusal('it is not text');
  return headWithin(text, ANSWER_TOKENS * 2);
}

const range = (quoted: string, from: number, wanted: number): string => `sed -n '${from},${from + wanted - 1}p' ${quoted} | head -c 60000`;

async function exec(place: ToolPlace, command: string): Promise<string> {
  if (!place.box) throw new Refusal('the run has no box now');
  const done = await (await place.box()).exec(command, { timeout_ms: EXEC_MS });
  // A cut may have left half a secret at either end, which no mask would know.
  return done.stdout.length < CUT_BYTES ? done.stdout : done.stdout.split('\n').slice(1, -1).join('\n');
}
