/** The way up the ladder: choose the smallest safe remedy, then carry it out step by step. */
import type { Action } from '../actions.ts';
import { factsOf } from '../fixes.ts';
import { MACHINE_MEMORY_MS, nextRemedy } from '../ladder.ts';
import { runCost } from '../ledger.ts';
import { instanceOf, type RunState, type World } from '../state.ts';
import { consult } from './consult.ts';
import { leaveStuck } from './away.ts';
import { emit, ready } from './ready.ts';

/** Choose the smallest safe remedy, or give up with a report. */
export function answer(world: World, run: RunState): Action[] {
  const incident = run.incident;
  const instance = instanceOf(world, run);
  if (!incident || !instance) return [];
  const next = nextRemedy(run, incident, incident.diagnosis, instance.machine_id, runCost(world, run).usd - (run.checkpoint?.usd ?? 0));
  const asked = consult(world, run, incident, 'give_up' in next);
  if (asked.answer === 'wait') return asked.actions;
  const choice = asked.answer === 'remedy' ? asked : next;
  if ('give_up' in choice) {
    return [
      emit({ type: 'incident.given_up', run: run.id, incident: incident.id, reason: choice.give_up, best_option: asked.answer === 'rules' ? (asked.best_option ?? choice.best_option) : choice.best_option }),
      emit({ type: 'run.ended', run: run.id, verdict: 'failed', reason: `${incident.diagnosis.summary} ${choice.give_up}` }),
    ];
  }
  const remember: Action[] =
    choice.remedy.rung === 'switch' ? [emit({ type: 'machine.remembered', machine_id: instance.machine_id, run: run.id, reason: incident.diagnosis.summary, evidence: incident.diagnosis.evidence.slice(0, 4), until: world.now + MACHINE_MEMORY_MS })] : [];
  return [...remember, emit({ type: 'remedy.chosen', run: run.id, incident: incident.id, remedy: choice.remedy, why: choice.why, ...(asked.answer === 'remedy' && { by: 'model' as const }) })];
}

export function repair(world: World, run: RunState): Action[] {
  const plan = run.repair;
  if (!plan) return [];
  const stuck = leaveStuck(world, run, plan.stopped ? 'fix' : 'stop_training');
  if (stuck.length > 0) return stuck;
  if (!plan.stopped) return ready(world, run, 'stop_training') ? [{ do: 'stop_training', run: run.id }] : [];
  if (plan.remedy.rung === 'fix' && !plan.applied) return ready(world, run, 'fix') ? [{ do: 'fix', run: run.id, command: factsOf(plan.remedy.fix).command }] : [];
  return [];
}
