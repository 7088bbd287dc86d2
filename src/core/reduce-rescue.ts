/** The gate: what a look at the results makes of it. */
import type { Event } from './events.ts';
import type { RunState, Stage } from './state.ts';

type Judged = Extract<Event, { type: 'rescue.judged' }>;

export function rescueJudged(run: RunState, event: Judged): RunState {
  const since = run.rescue?.verdict === 'unverified' ? run.rescue.since : event.at;
  return { ...run, stage: stageAfter(run, event), rescue: { asked_usd: 0, asked_at: null, ...run.rescue, verdict: event.verdict, at: event.at, reason: event.reason, since } };
}

/** A look that was on its way when the gate opened, and came to nothing, shuts it again: it is judged anew, or nobody would. */
function stageAfter({ stage, instance }: RunState, { verdict, instance: judged }: Judged): Stage {
  if (verdict === 'unverified') return stage === 'tearing_down' && instance === judged ? 'rescuing' : stage;
  return stage === 'rescuing' ? 'tearing_down' : stage;
}
