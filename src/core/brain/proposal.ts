/**
 * What a language model may propose: a closed set of typed actions. It is the whole of what a model can say with
 * effect; everything else that it says is shown to people and to nobody's shell.
 */
import { z } from 'zod';
import { cleanLine } from '../text.ts';

/** Words for people: one clean line, whatever the model was talked into. */
const words = (max: number) => z.string().transform((text) => cleanLine(text.replace(/\s*\n\s*/g, ' '), max).trim());

const actions = [
  z.strictObject({ kind: z.literal('rerun') }),
  z.strictObject({ kind: z.literal('install_package'), name: z.string().max(100), version: z.string().max(40).nullish() }),
  z.strictObject({ kind: z.literal('set_env'), name: z.string().max(100), value: z.string().max(300) }),
  z.strictObject({ kind: z.literal('set_knob'), knob: z.string().max(100), value: z.number() }),
  z.strictObject({ kind: z.literal('apply_diff'), diff: z.string().max(60_000) }),
  z.strictObject({ kind: z.literal('switch_instance') }),
] as const;

/** An action that code can carry out once the guard accepts it. */
const action = z.discriminatedUnion('kind', actions);

const choice = z.discriminatedUnion('kind', [
  ...actions,
  /** A question that a person answers with yes or no: may `then` be done? */
  z.strictObject({ kind: z.literal('ask_user'), question: words(400), then: action }),
  z.strictObject({ kind: z.literal('give_up'), best_option: words(400) }),
]);

export const proposalSchema = z.strictObject({
  /** The root cause, for people. */
  diagnosis: words(600),
  action: choice,
});

export type ProposedAction = z.output<typeof action>;
export type ProposedChoice = z.output<typeof choice>;
export type Proposal = z.output<typeof proposalSchema>;

/** Reads the arguments of a `propose` call. Never throws: `problem` says what was expected, in words fit for the model. */
export function readProposal(json: string): { proposal: Proposal } | { problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return { problem: 'the arguments are not JSON' };
  }
  const parsed = proposalSchema.safeParse(value);
  if (parsed.success) return { proposal: parsed.data };
  return { problem: parsed.error.issues.slice(0, 4).map((issue) => `${issue.path.join('.') || 'arguments'}: ${cleanLine(issue.message, 160)}`).join('; ') };
}

/** A proposal's action in a few words. */
export function actionWords(action: ProposedChoice): string {
  switch (action.kind) {
    case 'rerun':
      return 'rerun';
    case 'install_package':
      return `install ${cleanLine(action.name, 60)}${action.version ? ` ${cleanLine(action.version, 40)}` : ''}`;
    case 'set_env':
      return `set ${cleanLine(action.name, 60)}=${cleanLine(action.value, 80)}`;
    case 'set_knob':
      return `set ${cleanLine(action.knob, 60)} to ${action.value}`;
    case 'apply_diff':
      return 'a change of the code';
    case 'switch_instance':
      return 'switch to another instance';
    case 'ask_user':
      return `ask: ${action.question} (${actionWords(action.then)})`;
    case 'give_up':
      return 'give up';
  }
}
