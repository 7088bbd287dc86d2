/** One consult about one occurrence of an incident: packet out, reading in between, one proposal in. It acts on nothing. */
import { randomBytes } from 'node:crypto';
import type { Effect } from '../../core/actions.ts';
import { guardProposal } from '../../core/brain/guard.ts';
import { actionWords, readProposal, type Proposal } from '../../core/brain/proposal.ts';
import { countTokens } from '../../core/brain/tokens.ts';
import type { Box } from '../../core/ports.ts';
import { instanceOf, type InstanceState, type RunState, type World } from '../../core/state.ts';
import { runOf, type BrainPort, type Context } from '../context.ts';
import { converse, NoAnswer } from './converse.ts';
import type { Message } from './model.ts';
import { seen } from './clean.ts';
import { buildPacket, PACKET_TOKENS } from './packet.ts';
import { revertDisproven } from './patches.ts';
import { systemPrompt } from './prompt.ts';
import { PROPOSE, readingTools, useTool, type ToolPlace } from './tools.ts';

type Outcome = { proposal: Proposal } | 'refused';

/** So often a refusal goes back with its reason: another thought costs cents, and giving up costs a person's night. */
const REFUSALS = 3;
/** Real ms between two events with the model's words. */
const SAY_EVERY_MS = 250;

export async function consult(context: Context, effect: Extract<Effect, { do: 'consult' }>): Promise<void> {
  const { brain, facts } = context;
  if (!brain) throw new Error('no model is configured');
  const { run: id, incident, key } = effect;
  const talk = opening(brain, { world: facts.world(), box: (run, instance) => context.sessions.box(run, instance) }, runOf(context, id), null);
  facts.record({ type: 'brain.asked', run: id, incident, key, model: brain.model.name, tokens: talk.tokens });
  try {
    await revertDisproven(context, id);
    const outcome = await discuss(context, brain, id, effect, talk);
    if (outcome !== 'refused') facts.record({ type: 'brain.proposed', run: id, incident, key, proposal: outcome.proposal });
  } catch (error) {
    // A session that is closing records nothing more: the next one asks again.
    if (brain.closing.aborted) return;
    if (!(error instanceof NoAnswer)) throw error;
    facts.record({ type: 'brain.failed', run: id, incident, key, reason: error.message });
  }
}

async function discuss(context: Context, brain: BrainPort, id: string, { incident, key }: { incident: number; key: string }, talk: Opening): Promise<Outcome> {
  const { facts, wire } = context;
  const wall = new AbortController();
  const cancel = wire.after(brain.agent.limits.wall_seconds * 1_000, () => wall.abort());
  const words = throttled(context, brain, id);
  let refusals = 0;
  try {
    return await converse<Outcome>({
      ...talk.common,
      limits: limitsLeft(brain, runOf(context, id)),
      signal: AbortSignal.any([wall.signal, brain.closing]),
      onText: words.say,
      onUsage: (usage) => facts.record({ type: 'brain.used', run: id, usage }),
      plain: () => ({ text: `Call \`${PROPOSE.name}\`; words alone change nothing.` }),
      async use(call) {
        const run = runOf(context, id);
        if (run.verdict !== null || run.incident?.id !== incident) throw new NoAnswer('the incident is over');
        if (call.name !== PROPOSE.name) return useTool({ ...talk.place, run }, call);
        const read = readProposal(call.arguments);
        if ('problem' in read) return { text: `Not taken: ${read.problem}`, slip: true };
        const { action } = read.proposal;
        if (action.kind === 'give_up') return { done: { proposal: read.proposal } };
        const judged = guardProposal(facts.world(), run, action);
        if (judged.verdict !== 'refuse') return { done: { proposal: read.proposal } };
        refusals += 1;
        const final = refusals > REFUSALS;
        facts.record({ type: 'brain.refused', run: id, incident, key, what: actionWords(action), why: judged.why, final });
        return final ? { done: 'refused' } : { text: `Refused: ${judged.why}. Propose something else.`, slip: false };
      },
    });
  } finally {
    cancel();
    words.stop();
  }
}

export interface Opening {
  common: { model: BrainPort['model']; messages: Message[]; tools: ReturnType<typeof readingTools>; last?: typeof PROPOSE; temperature?: number; price: { in: number; out: number } };
  place: ToolPlace;
  tokens: number;
}

/** The first two messages and the tools, together within the packet's cap. With a question there is nothing to propose. */
export function opening(brain: BrainPort, { world, box }: { world: World; box: (run: RunState, instance: InstanceState) => Promise<Box> }, run: RunState, question: string | null): Opening {
  const { agent, redact, model } = brain;
  const nonce = randomBytes(6).toString('hex');
  const tools = [...readingTools(agent.tools), ...(question === null ? [PROPOSE] : [])];
  const system = seen(systemPrompt(agent.mandate, question === null ? 'repair' : 'answer'), redact);
  const fixed = countTokens(system) + countTokens(JSON.stringify(tools)) + 40;
  const packet = buildPacket({ world, run, incident: question === null ? run.incident : (run.incident ?? run.incidents.at(-1) ?? null), nonce, redact, budget: PACKET_TOKENS - fixed, ...(question !== null && { question }) });
  const instance = instanceOf(world, run);
  return {
    common: {
      model,
      messages: [{ role: 'system', content: system }, { role: 'user', content: packet }],
      tools,
      price: agent.price,
      ...(question === null && { last: PROPOSE }),
      ...(agent.temperature !== null && { temperature: agent.temperature }),
    },
    place: { run, box: instance && instance.gone_at === null ? () => box(run, instance) : null, allowed: agent.tools, redact, nonce },
    tokens: fixed + countTokens(packet),
  };
}

export function limitsLeft({ agent }: BrainPort, run: RunState): { turns: number; tokens: number; usd: number; answer_tokens: number } {
  const { limits } = agent;
  const { usage } = run.brain;
  return { turns: limits.turns, tokens: limits.tokens - usage.tokens_in - usage.tokens_out, usd: limits.usd - usage.usd, answer_tokens: limits.answer_tokens };
}

/** The newest words, now and then: a screen needs no more. */
function throttled(context: Context, brain: BrainPort, run: string): { say: (text: string) => void; stop: () => void } {
  let cancel: (() => void) | null = null;
  let newest = '';
  return {
    say: (text) => {
      newest = text;
      cancel ??= context.wire.after(SAY_EVERY_MS, () => {
        cancel = null;
        context.facts.record({ type: 'brain.said', run, text: seen(newest, brain.redact).replace(/\s+/g, ' ').slice(-600) });
      });
    },
    stop: () => cancel?.(),
  };
}
