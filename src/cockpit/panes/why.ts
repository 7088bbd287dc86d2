/** Why a run does what its row says, in a few words, for tables that have the room. */
import { instanceOf, type RunState, type World } from '../../core/state.ts';
import { standingWords } from '../../core/standing.ts';
import { cleanLine } from '../../core/text.ts';
import { openIncident } from '../select.ts';

/** Empty when there is nothing to add. */
export function whyOf(run: RunState, world: World): string {
  const words = reason(run, world);
  return words === null ? '' : cleanLine(words, 200).trim();
}

function reason(run: RunState, world: World): string | null {
  const incident = openIncident(run);
  if (run.hold) return run.hold.reason;
  const standing = standingWords(world, run, world.now);
  if (standing !== null) return standing;
  if (run.brain.consult.stage === 'pending') return run.brain.consult.why;
  if (incident) return `${incident.diagnosis.cause}${incident.step === null ? '' : ` at step ${incident.step}`}`;
  switch (run.stage) {
    case 'searching':
      return Object.values(run.backoff)[0]?.reason ?? null;
    case 'loading':
      return instanceOf(world, run)?.facts.status_msg ?? null;
    case 'connecting':
      return run.ssh.reason;
    case 'training':
      return run.failed_checks > 0 ? `${run.failed_checks} looks in a row failed: ${run.check?.failure ?? 'no answer'}` : (run.cadence?.phase ?? null);
    case 'rescuing':
      return run.rescue?.reason ?? run.verdict_reason;
    case 'tearing_down':
    case 'closed':
      return run.verdict_reason;
    default:
      return null;
  }
}
