/** What a person orders is decided in the core; here it becomes events, and the one order that is none of the run's story a look. */
import type { CommandAnswer, RunCommand } from '../core/commands.ts';
import { answerOrder } from '../core/orders.ts';
import type { Context } from './context.ts';
import { probe } from './effects/watch.ts';

export function answerCommand(context: Context, command: RunCommand): CommandAnswer {
  const { facts, clock } = context;
  if (command.do === 'check') {
    if (facts.world().runs[command.run]?.stage !== 'training') return { ok: false, why: `${command.run} is not training` };
    void probe(context, { do: 'probe', run: command.run, why: 'asked' }).catch(() => undefined);
    return { ok: true, said: `looking at ${command.run}` };
  }
  const answer = answerOrder(facts.world(), command, clock.now(), clock.scale);
  if (!answer.ok) return answer;
  facts.record(...answer.events);
  return { ok: true, said: answer.said };
}
