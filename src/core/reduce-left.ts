/** Instances that a run is not on any more, or never was, and that still bill. */
import type { Left, RunState, World } from './state.ts';

/** Instances of ours that the market shows although the run is not on them: a late twin, or one that returned from the dead. */
export function findLeft(run: RunState, world: World): RunState {
  const found = Object.values(world.fleet).filter((one) => one.owner === 'ours' && one.run === run.id && one.gone_at === null && one.id !== run.instance && one.seen_at === world.now && !run.left.some((left) => left.instance === one.id));
  // Until a create is settled, whatever carries a label of the run may be the one.
  if (found.length === 0 || run.renting !== null) return run;
  const left = found.map((one): Left => {
    const attempt = run.attempts.findLast((known) => known.instance === one.id);
    return { instance: one.id, attempt: attempt?.number ?? 0, since: world.now, ran: attempt !== undefined && attempt.command !== '', verdict: one.destroy_gate, why: 'it was destroyed once, and the market shows it again' };
  });
  const opened = run.stage === 'closed' ? { stage: 'tearing_down' as const, closed_at: null } : {};
  return { ...run, ...opened, left: [...run.left, ...left] };
}

/** The run leaves an instance that it cannot reach; what that holds is judged when it can be read again. */
export function leave(run: RunState, at: number): RunState {
  if (run.instance === null) return run;
  const attempt = run.attempts.at(-1);
  const left: Left = { instance: run.instance, attempt: attempt?.number ?? run.attempt, since: at, ran: run.ran_here, verdict: null, why: '' };
  return { ...run, left: [...run.left, left], instance: null, prepared: false, stage: 'searching', offers_at: null, stream: 'closed', ssh: { ...run.ssh, up: false }, repair: null, away: null, rescue: null };
}
