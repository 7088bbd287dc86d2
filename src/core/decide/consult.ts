/**
 * When a language model is woken, and what its proposal becomes. Once an occurrence of an incident, never by a poll; a
 * proposal is judged by the guard again at the moment of decision, because the world has moved on while it was thought up.
 */
import type { Action } from '../actions.ts';
import { guardProposal } from '../brain/guard.ts';
import { actionWords } from '../brain/proposal.ts';
import { occurrence } from '../brain/state.ts';
import type { Cause } from '../causes.ts';
import type { Remedy } from '../events.ts';
import { BOUNDS } from '../ladder.ts';
import { runCost } from '../ledger.ts';
import type { Incident, RunState, World } from '../state.ts';
import { emit, ready } from './ready.ts';

/** Causes that want reading and judgement. */
const PUZZLES: readonly Cause[] = ['code_bug', 'config_error', 'data_error', 'unknown'];
/** Those that want none: after an interruption nothing of the run is at fault, and no model has the owner's token. */
const PLAIN: readonly Cause[] = ['preempted', 'auth_missing'];

/** A question waits at least so long for its answer, while the box bills: reading a diff takes longer than the idle grace. */
export const APPROVE_MS = 5 * 60_000;

export type Consulted =
  | { answer: 'wait'; actions: Action[] }
  | { answer: 'remedy'; remedy: Remedy; why: string }
  /** The rules go on; `best_option` is the model's, when it gave up with a report. */
  | { answer: 'rules'; best_option?: string };

/** `stuck`: the rules have no remedy left. */
export function consult(world: World, run: RunState, incident: Incident, stuck: boolean): Consulted {
  const key = occurrence(incident);
  const now = run.brain.consult;
  const wait = (...actions: Action[]): Consulted => ({ answer: 'wait', actions });
  if (now.stage === 'none' || now.key !== key) {
    if (!world.brain || run.brain.closed.includes(key) || PLAIN.includes(incident.diagnosis.cause) || !(stuck || PUZZLES.includes(incident.diagnosis.cause))) return rules(run, incident);
    const spent = overspent(world, run, incident);
    if (spent !== null) return wait(emit({ type: 'brain.failed', run: run.id, incident: incident.id, key, reason: spent }));
    return wait(...(ready(world, run, 'consult') ? [{ do: 'consult' as const, run: run.id, incident: incident.id, key }] : []));
  }
  switch (now.stage) {
    case 'asked': {
      // The consult keeps its own time; this is the second lock on the same door.
      const limit = 2 * (world.brain?.limits.wall_ms ?? 0) + 60_000;
      return world.now - now.at > limit ? wait(emit({ type: 'brain.failed', run: run.id, incident: incident.id, key, reason: 'no answer came in time' })) : wait();
    }
    case 'pending':
      // A hold is a person at work: the question stands as long as it does.
      return world.now < Math.max(now.until, run.hold?.until ?? 0) ? wait() : wait(emit({ type: 'proposal.expired', run: run.id, key }));
    case 'proposed': {
      const { action, diagnosis } = now.proposal;
      const refused = (why: string) => wait(emit({ type: 'brain.refused', run: run.id, incident: incident.id, key, what: actionWords(action), why, final: true }));
      if (action.kind === 'give_up') return refused('it gave up; the rules have the last word');
      const judged = guardProposal(world, run, action, now.approved);
      if (judged.verdict === 'refuse') return refused(judged.why);
      if (judged.verdict === 'accept') return { answer: 'remedy', remedy: judged.remedy, why: `${now.approved ? 'approved by the user: ' : ''}${diagnosis}` };
      return wait(emit({ type: 'proposal.pending', run: run.id, incident: incident.id, key, proposal: now.proposal, why: judged.why, until: world.now + Math.max(APPROVE_MS, run.spec.teardown.idle_grace) }));
    }
  }
}

function rules(run: RunState, incident: Incident): Consulted {
  const best_option = run.brain.reports[occurrence(incident)];
  return best_option === undefined ? { answer: 'rules' } : { answer: 'rules', best_option };
}

/** Why no more may be asked in this run; null while there is budget. */
function overspent(world: World, run: RunState, incident: Incident): string | null {
  const limits = world.brain?.limits;
  const { consults, usage } = run.brain;
  if (!limits) return null;
  if (consults >= limits.consults) return `${limits.consults} consults in one run are enough`;
  if (usage.tokens_in + usage.tokens_out >= limits.tokens) return `the run has used its ${limits.tokens} tokens`;
  if (usage.usd >= limits.usd) return `the run has used its $${limits.usd} for the model`;
  const guesses = incident.remedies.flatMap(({ guess_usd }) => guess_usd ?? []);
  const cost = runCost(world, run).usd - (guesses[0] ?? Infinity);
  return cost >= BOUNDS.guesses_usd ? `${guesses.length} of the model's repairs have not held and have cost $${cost.toFixed(2)}: a person costs less than another guess` : null;
}

/** Patches that training has proven and that are not at home yet. */
export function keepPatches(world: World, run: RunState): Action[] {
  const patch = run.brain.patches.find(({ status, home }) => status === 'proven' && home === null);
  return patch && ready(world, run, 'keep_patch') ? [{ do: 'keep_patch', run: run.id, patch: patch.n }] : [];
}
