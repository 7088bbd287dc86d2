/** What the consults and their patches change in a run. */
import type { Consult, Patch } from './brain/state.ts';
import type { Event } from './events.ts';
import { factsOf } from './fixes.ts';
import type { RunState } from './state.ts';

export type BrainEvent = Extract<Event, { type: `brain.${string}` | `proposal.${string}` | `patch.${string}` | 'user.approved' | 'user.refused' }>;

export const isBrainEvent = (event: Event): event is BrainEvent => /^(brain|proposal|patch)\.|^user\.(approved|refused)$/.test(event.type);

export function reduceBrain(run: RunState, event: BrainEvent): RunState {
  const { brain } = run;
  const { consult } = brain;
  const becomes = (next: Consult): RunState => ({ ...run, brain: { ...brain, consult: next, says: '' } });
  /** The occurrence has had its consult. */
  const close = (key: string): RunState => ({ ...run, brain: { ...brain, consult: { stage: 'none' }, closed: [...brain.closed, key], says: '' } });
  const mine = (key: string): boolean => consult.stage !== 'none' && consult.key === key;
  switch (event.type) {
    case 'brain.asked': {
      const backoff = { ...run.backoff };
      delete backoff['consult'];
      return { ...run, backoff, brain: { ...brain, consult: { stage: 'asked', key: event.key, incident: event.incident, at: event.at }, consults: brain.consults + 1, says: '' } };
    }
    case 'brain.said':
      return { ...run, brain: { ...brain, says: event.text } };
    case 'brain.used': {
      const { tokens_in, tokens_out, usd } = brain.usage;
      const { usage } = event;
      return { ...run, brain: { ...brain, usage: { tokens_in: tokens_in + usage.tokens_in, tokens_out: tokens_out + usage.tokens_out, usd: usd + usage.usd } } };
    }
    case 'brain.proposed':
      // An answer to a question that nobody asks any more changes nothing.
      return mine(event.key) && consult.stage === 'asked' ? becomes({ stage: 'proposed', key: event.key, incident: event.incident, proposal: event.proposal, approved: false }) : run;
    case 'brain.refused': {
      if (!event.final) return run;
      const report = consult.stage === 'proposed' && mine(event.key) && consult.proposal.action.kind === 'give_up' ? { [event.key]: consult.proposal.action.best_option } : {};
      const closed = close(event.key);
      return { ...closed, brain: { ...closed.brain, reports: { ...brain.reports, ...report } } };
    }
    case 'brain.failed':
      return close(event.key);
    case 'proposal.pending':
      return mine(event.key) ? becomes({ stage: 'pending', key: event.key, incident: event.incident, proposal: event.proposal, why: event.why, at: event.at, until: event.until }) : run;
    case 'proposal.expired':
    case 'user.refused':
      return mine(event.key) ? close(event.key) : run;
    case 'user.approved':
      return consult.stage === 'pending' && mine(event.key) ? becomes({ stage: 'proposed', key: event.key, incident: consult.incident, proposal: consult.proposal, approved: true }) : run;
    case 'patch.reverted': {
      const patch = brain.patches.find(({ n }) => n === event.patch);
      const gone = patch && commandOf(patch);
      return { ...withPatches(run, (one) => (one.n === event.patch ? { ...one, status: 'reverted' } : one)), fixes: run.fixes.filter((fix) => fix !== gone) };
    }
    case 'patch.home':
      return withPatches(run, (one) => (one.n === event.patch ? { ...one, home: event.path } : one));
  }
}

/** What other events mean for the consult and the patches; `run` is the run before the event, `after` the one after it. */
export function patchesAfter(run: RunState, after: RunState, event: Event): RunState {
  switch (event.type) {
    case 'session.started':
      // The answer that was on its way is lost with the session that asked: it is asked again.
      return after.brain.consult.stage === 'asked' ? { ...after, brain: { ...after.brain, consult: { stage: 'none' }, says: '' } } : after;
    case 'effect.failed': {
      const { consult } = after.brain;
      return event.effect === 'consult' && consult.stage === 'asked' ? { ...after, brain: { ...after.brain, consult: { stage: 'none' }, closed: [...after.brain.closed, consult.key], says: '' } } : after;
    }
    case 'remedy.chosen': {
      const { consult, patches, closed } = after.brain;
      const settled: RunState = { ...after, brain: { ...after.brain, consult: { stage: 'none' }, closed: consult.stage === 'none' ? closed : [...closed, consult.key] } };
      if (event.remedy.rung !== 'fix' || event.remedy.fix.kind !== 'patch') return settled;
      const { patch: n, files, diff } = event.remedy.fix;
      const patch: Patch = { n, incident: event.incident, files, diff, why: event.why, status: 'chosen', home: null };
      return { ...settled, brain: { ...settled.brain, patches: [...patches, patch] } };
    }
    case 'fix.applied':
      return withPatches(after, (one) => (one.status === 'chosen' && commandOf(one) === event.command ? { ...one, status: event.exit_code === 0 ? 'applied' : 'refused_by_box' } : one));
    case 'incident.recurred':
      return withPatches(after, (one) => (one.status === 'applied' && one.incident === event.incident ? { ...one, status: 'disproven' } : one));
    case 'incident.resolved':
      return run.incident ? withPatches(after, (one) => (one.status === 'applied' ? { ...one, status: 'proven' } : one)) : after;
    case 'user.relaunch':
    case 'user.switch':
    case 'run.ended':
      return after.brain.consult.stage === 'none' ? after : { ...after, brain: { ...after.brain, consult: { stage: 'none' }, says: '' } };
    default:
      return after;
  }
}

const commandOf = ({ n, files, diff }: Patch): string => factsOf({ kind: 'patch', patch: n, files, diff, added: 0, removed: 0 }).command;

const withPatches = (run: RunState, change: (patch: Patch) => Patch): RunState => (run.brain.patches.length === 0 ? run : { ...run, brain: { ...run.brain, patches: run.brain.patches.map(change) } });
