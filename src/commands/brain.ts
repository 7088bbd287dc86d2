/** What the language model does when it is calm, and the check of the agents' files. Nothing here changes a run. */
import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { AGENT_NAMES, AgentFileError, agentPaths, loadAgent } from '../agents/brain/agent-files.ts';
import { fenced, seen } from '../agents/brain/clean.ts';
import { limitsLeft, opening } from '../agents/brain/consult.ts';
import { converse, NoAnswer } from '../agents/brain/converse.ts';
import { PACKET_TOKENS } from '../agents/brain/packet.ts';
import { systemPrompt } from '../agents/brain/prompt.ts';
import { useTool } from '../agents/brain/tools.ts';
import type { BrainPort } from '../agents/context.ts';
import { targetOf } from '../agents/sessions.ts';
import { agentPlaces, llmKeyOf, openBrain } from '../brain.ts';
import { createClock } from '../clock.ts';
import { countTokens, lastLinesWithin } from '../core/brain/tokens.ts';
import type { Usage } from '../core/brain/state.ts';
import type { Remote } from '../core/ports.ts';
import { createRedactor } from '../core/redact.ts';
import { secretNames } from '../core/spec.ts';
import { noBrain } from '../core/brain/state.ts';
import type { RunState, World } from '../core/state.ts';
import { cleanLine } from '../core/text.ts';
import type { Triage } from '../core/triage/index.ts';
import { UsageError } from '../headless/errors.ts';
import { EXIT, json, type ExitCode, type Io } from '../headless/io.ts';
import { findApiKey } from '../vast/index.ts';

type Env = NodeJS.ProcessEnv;

const NO_KEY = 'no language model is configured: set OPENAI_API_KEY (and OPENAI_BASE_URL, VASTSIT_LLM_MODEL for another endpoint)';

export async function agentsCheck(io: Io, env: Env, asJson: boolean): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  for (const name of AGENT_NAMES) {
    const places = agentPlaces(env, process.cwd());
    try {
      const agent = await loadAgent(name, places);
      const model = env['VASTSIT_LLM_MODEL'] || agent.model;
      if (asJson) json(io, { type: 'agent', agent: name, ok: true, path: agent.path, model, tools: agent.tools, limits: agent.limits });
      else io.out(`${name.padEnd(11)} ok  ${agent.path}  ${agent.tools.length === 0 ? 'rules alone' : `${agent.tools.length} tools, at most ${agent.limits.tokens} tokens and $${agent.limits.usd} a run`}`);
    } catch (error) {
      if (!(error instanceof AgentFileError)) throw error;
      code = EXIT.usage;
      if (asJson) json(io, { type: 'agent', agent: name, ok: false, path: error.path, problems: error.problems, looked: agentPaths(name, places) });
      else for (const problem of error.problems) io.out(`${name.padEnd(11)} !!  ${error.path}: ${cleanLine(problem, 300)}`);
    }
  }
  return code;
}

/** Every secret that this process could know: its keys, and what the specs of all runs take from the environment. */
async function redactorFor(env: Env, world: World | null): Promise<(text: string) => string> {
  const vast = await findApiKey({ env, home: env['HOME'] ?? homedir() }).catch(() => null);
  const names = Object.values(world?.runs ?? {}).flatMap((run) => secretNames(run.spec));
  return createRedactor([llmKeyOf(env), vast?.key, ...names.map((name) => env[name])].filter((value) => typeof value === 'string' && value !== '') as string[]);
}

async function brainOf(env: Env, redact: (text: string) => string, closing: AbortSignal): Promise<BrainPort> {
  const brain = await openBrain({ env, project: process.cwd(), redact, closing });
  if (!brain) throw new UsageError(NO_KEY);
  return brain;
}

/** Answers with the same packet and tools as a consult has, without the one that proposes. */
export async function ask(io: Io, { env, world, run, remote, question, asJson }: { env: Env; world: World; run: RunState; remote: Remote; question: string; asJson: boolean }): Promise<ExitCode> {
  const wall = new AbortController();
  const redact = await redactorFor(env, world);
  const brain = await brainOf(env, redact, wall.signal);
  const { common, place } = opening(brain, { world, box: (of, instance) => remote.connect(targetOf(instance), of.id) }, run, question);
  const cancel = createClock(1).after(brain.agent.limits.wall_seconds * 1_000, () => wall.abort());
  const bill: Usage = { tokens_in: 0, tokens_out: 0, usd: 0 };
  try {
    const answer = await converse<string>({
      ...common,
      limits: limitsLeft(brain, { ...run, brain: noBrain() }),
      signal: wall.signal,
      onText: () => undefined,
      onUsage: (usage) => {
        bill.tokens_in += usage.tokens_in;
        bill.tokens_out += usage.tokens_out;
        bill.usd += usage.usd;
      },
      plain: (text) => (text.trim() === '' ? { text: 'Answer in words.' } : { done: text }),
      use: (call) => useTool(place, call),
    });
    const lines = redact(answer).split('\n').map((line) => cleanLine(line));
    if (asJson) json(io, { type: 'answer', run: run.id, answer: lines.join('\n'), ...bill });
    else for (const line of lines) io.out(line);
    if (!asJson) io.talk(`${brain.model.name}: ${bill.tokens_in + bill.tokens_out} tokens, $${bill.usd.toFixed(4)}`);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    io.talk(`no answer from the model: ${error.message}`);
    return EXIT.unreachable;
  } finally {
    cancel();
  }
}

/** For `triage --llm`: the model's reading of a log, or why there is none. */
export function modelReading(io: Io, env: Env): (log: string, verdict: Triage) => Promise<string> {
  return async (log, verdict) => {
    const wall = new AbortController();
    const redact = await redactorFor(env, null);
    const brain = await brainOf(env, redact, wall.signal);
    const cancel = createClock(1).after(brain.agent.limits.wall_seconds * 1_000, () => wall.abort());
    const system = systemPrompt(brain.agent.mandate, 'answer');
    const asked = `What ended this training, or what is wrong with it, and what would you do next? The rules say: ${verdict.kind} ${verdict.cause ?? ''} (${verdict.summary}) Answer in at most six plain sentences.`;
    const text = lastLinesWithin(seen(log, redact).split('\n'), PACKET_TOKENS - countTokens(system) - countTokens(asked) - 60).join('\n');
    try {
      const answer = await converse<string>({
        model: brain.model,
        messages: [{ role: 'system', content: system }, { role: 'user', content: `${asked}\n\n${fenced('log', text, randomBytes(6).toString('hex'))}` }],
        tools: [],
        price: brain.agent.price,
        limits: { turns: 2, tokens: brain.agent.limits.tokens, usd: brain.agent.limits.usd, answer_tokens: brain.agent.limits.answer_tokens },
        signal: wall.signal,
        onText: () => undefined,
        onUsage: ({ tokens_in, tokens_out, usd }) => io.talk(`${brain.model.name}: ${tokens_in + tokens_out} tokens, $${usd.toFixed(4)}`),
        plain: (words) => (words.trim() === '' ? { text: 'Answer in words.' } : { done: words }),
        use: async () => ({ text: 'There are no tools here.', slip: true }),
      });
      return redact(answer).split('\n').map((line) => cleanLine(line)).join('\n').trim();
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return `(no reading: ${error.message})`;
    } finally {
      cancel();
    }
  };
}
