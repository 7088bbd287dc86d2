/** What a person orders becomes an event, or is refused in words that say why. */
import { actionWords } from '../core/brain/proposal.ts';
import type { Command, CommandAnswer } from '../core/commands.ts';
import { span } from '../core/line.ts';
import { instanceOf, isClosed } from '../core/state.ts';
import type { Context } from './context.ts';
import { probe } from './effects/watch.ts';

/** A hold always ends; longer than this must be approved again. */
const LONGEST_HOLD_MIN = 24 * 60;

export function answerCommand(context: Context, command: Exclude<Command, { do: 'launch' }>): CommandAnswer {
  const { facts, clock } = context;
  const world = facts.world();
  const run = world.runs[command.run];
  if (!run) return { ok: false, why: `there is no run ${command.run}; \`vastsit-tui status\` lists them` };
  const instance = instanceOf(world, run);
  if (isClosed(run) && !instance) return { ok: false, why: `${run.id} is closed and nothing of it bills` };
  switch (command.do) {
    case 'destroy':
      facts.record({ type: 'user.destroy', run: run.id, waive: command.waive });
      return { ok: true, said: command.waive ? `${run.id} will be destroyed now` : `${run.id} will be destroyed once its results are home` };
    case 'hold': {
      if (!(command.minutes > 0 && command.minutes <= LONGEST_HOLD_MIN)) return { ok: false, why: `a hold lasts between 1 minute and ${LONGEST_HOLD_MIN / 60} hours` };
      if (!instance) return { ok: false, why: `${run.id} has no instance to hold` };
      const until = clock.now() + command.minutes * 60_000;
      facts.record({ type: 'user.hold', run: run.id, until, reason: command.reason || 'debugging' });
      return { ok: true, said: `${run.id} is held for ${span(command.minutes * 60_000)} at $${instance.rate.toFixed(2)}/h` };
    }
    case 'release':
      if (!run.hold) return { ok: false, why: `${run.id} is not held` };
      facts.record({ type: 'user.release', run: run.id });
      return { ok: true, said: `${run.id} is released` };
    case 'keep':
      facts.record({ type: 'user.keep', run: run.id, keep: command.keep });
      return { ok: true, said: command.keep ? `the instance of ${run.id} will be kept, and bill on` : `the instance of ${run.id} follows the teardown policy again` };
    case 'approve':
    case 'refuse': {
      const { consult } = run.brain;
      if (consult.stage !== 'pending') return { ok: false, why: `${run.id} asks nothing` };
      facts.record({ type: command.do === 'approve' ? 'user.approved' : 'user.refused', run: run.id, key: consult.key });
      return { ok: true, said: `${actionWords(consult.proposal.action)}: ${command.do === 'approve' ? 'approved' : 'refused'}` };
    }
    case 'check':
      if (run.stage !== 'training') return { ok: false, why: `${run.id} is not training` };
      void probe(context, { do: 'probe', run: run.id, why: 'asked' }).catch(() => undefined);
      return { ok: true, said: `looking at ${run.id}` };
  }
}
