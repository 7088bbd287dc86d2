/** The last look before money or data is touched: rules that matter are enforced here, whoever decided. */
import type { RescueVerdict } from '../core/events.ts';
import { parseLabel } from '../core/market.ts';
import type { World } from '../core/state.ts';

/** Why this instance must not be stopped or destroyed now; null when it may. */
export function refuseTouch(world: World, instance: number, run: string | null): string | null {
  const one = world.fleet[String(instance)];
  if (!one) return 'it is not in our books';
  if (one.owner !== 'ours' || one.run === null || one.run !== run) return 'it is not ours';
  // The label is null only until the first list after its creation.
  if (one.label !== null && parseLabel(one.label)?.run !== one.run) return `its label is now ${JSON.stringify(one.label)}: somebody else claims it`;
  const rented = world.runs[one.run]?.attempts.findLast((attempt) => attempt.instance === instance)?.machine_id;
  if (rented && one.facts.machine_id > 0 && rented !== one.facts.machine_id) return `it is on machine ${one.facts.machine_id} now, and machine ${rented} was rented: the market has given its number to somebody else`;
  return null;
}

/** Why this instance must not be taken for a run; null when it may. Its label may be the run's own, from a try that a crash cut short. */
export function refuseAdopt(world: World, instance: number, run: string): string | null {
  const one = world.fleet[String(instance)];
  if (!one || one.gone_at !== null) return 'it is not on the account';
  if (one.owner === 'ours') return `it works for ${one.run ?? 'a run of ours'} already`;
  const mark = parseLabel(one.label);
  return mark && mark.run !== run ? `its label says that ${mark.run} of another cockpit owns it` : null;
}

export function refuseDestroy(world: World, instance: number, run: string | null, gate: RescueVerdict): string | null {
  const touch = refuseTouch(world, instance, run);
  if (touch) return touch;
  const owner = run === null ? undefined : world.runs[run];
  const judged = owner?.instance === instance ? owner.rescue?.verdict : 'verified';
  if (gate === 'unverified' || (gate === 'verified' && judged !== 'verified')) return 'its results are not verified at home';
  if (world.fleet[String(instance)]?.adopted && !owner?.destroy_ordered) return 'it was adopted: only the user ends it';
  const left = owner?.left.find((other) => other.instance === instance);
  if (left && left.verdict !== gate) return 'what the run left on it is not judged so';
  if (gate === 'nothing_never_ran' && owner?.ran_here && owner.instance === instance) return 'a process of the run was started on it';
  if (gate === 'waived' && !owner?.destroy_ordered?.waive) return 'the user has not waived its results';
  if (!left && owner?.hold && !owner.destroy_ordered) return 'a hold stands';
  return null;
}
