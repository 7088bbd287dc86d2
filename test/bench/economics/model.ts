/** A language model as good as the naive babysitter's: it reads, it proposes, and it is right as often as the assumptions say. */
import type { ChatAnswer, ChatRequest, Model } from '../../../src/agents/brain/model.ts';
import type { ProposedChoice } from '../../../src/core/brain/proposal.ts';
import { countTokens } from '../../../src/core/brain/tokens.ts';
import type { World } from '../../../src/core/state.ts';
import type { VirtualClock } from './clock.ts';
import { diceOf } from './dice.ts';
import type { Truth } from './truth.ts';

const ANSWERS = 12_000;
/** Of wrong repairs that are tried again although they did not help. */
const AGAIN = 0.4;

export function modelOf(truth: Truth, patches: Map<number, boolean>, world: () => World, clock: VirtualClock): Model {
  const { fate } = truth;
  const { rightDiagnosis, rightFix } = fate.assumptions;
  const dice = diceOf(fate.seed, fate.id, 'model');
  let wrong = 0;

  const propose = (): ProposedChoice => {
    const run = Object.values(world().runs).at(-1);
    const repeats = wrong > 0 && dice.chance(AGAIN);
    const need = truth.hit?.fault.need;
    const diagnosed = !repeats && dice.chance(rightDiagnosis);
    if (diagnosed && need === 'person') return { kind: 'give_up', best_option: 'Only its owner can repair this.' };
    const right = diagnosed && dice.chance(rightFix);
    if (right && need === 'rerun') return { kind: 'rerun' };
    if (right && need === 'host') return { kind: 'switch_instance' };
    if (right && need === 'config') return { kind: 'set_knob', knob: 'learning_rate', value: (run?.knobs['learning_rate'] ?? 2e-4) / 2 };
    const n = (run?.brain.patches.length ?? 0) + 1;
    patches.set(n, right && need === 'code');
    if (!right && !repeats) wrong += 1;
    return { kind: 'apply_diff', diff: diff(right ? 0 : wrong) };
  };

  return {
    name: 'bench',
    async chat(request: ChatRequest): Promise<ChatAnswer> {
      await clock.sleep(ANSWERS);
      const last = request.messages.at(-1);
      const reads = request.messages.length <= 2;
      const call = reads
        ? { id: 'read', name: 'read_file', arguments: JSON.stringify({ path: 'train.py', from_line: 40, lines: 80 }) }
        : { id: `propose-${request.messages.length}`, name: 'propose', arguments: JSON.stringify({ diagnosis: 'The script fails where its traceback says.', action: propose() }) };
      const text = last?.role === 'tool' ? 'I propose a change.' : 'I read the script first.';
      return { text, calls: [call], usage: { tokens_in: tokensOf(request), tokens_out: countTokens(text) + countTokens(call.arguments) + THOUGHT } };
    },
  };
}

/** What it thinks before it answers, tokens. */
const THOUGHT = 400;

/** The fence around quoted text is made of other digits each time; a bench counts the same ones. */
function tokensOf({ messages, tools }: ChatRequest): number {
  const words = messages.map((message) => message.content + (message.role === 'assistant' ? message.calls.map((call) => call.arguments).join('') : ''));
  return words.reduce((sum, one) => sum + 6 + countTokens(one.replace(/[0-9a-f]{12}/g, '000000000000')), countTokens(JSON.stringify(tools)));
}

const diff = (n: number): string => `--- a/train.py\n+++ b/train.py\n@@ -60,3 +60,3 @@\n mask = None\n-x = batch\n+x = batch[${n}]\n y = x\n`;
