/** The consults in plain words. Only the model's own conclusion is told, not its way there. */
import { actionWords } from './brain/proposal.ts';
import type { BrainEvent } from './reduce-brain.ts';
import { span } from './line.ts';
import type { Said, World } from './state.ts';
import { cleanLine } from './text.ts';

type Line = Pick<Said, 'actor' | 'level' | 'text'>;

const sitter = (text: string, level: Said['level'] = 'info'): Line[] => [{ actor: 'babysitter', level, text }];

export function brainWords(after: World, event: BrainEvent): Line[] {
  switch (event.type) {
    case 'brain.asked':
      return sitter(`asks ${cleanLine(event.model, 60)} about incident ${event.incident} (at most ${event.tokens} tokens of facts)`);
    case 'brain.proposed':
      return sitter(`the model: ${event.proposal.diagnosis} Proposal: ${actionWords(event.proposal.action)}`);
    case 'brain.refused':
      return sitter(`refused ${event.what}: ${event.why}${event.final ? '; the rules go on' : '; the model may answer once more'}`, event.final ? 'alert' : 'info');
    case 'brain.failed':
      return sitter(`no help from the model (${event.reason}); the rules go on`);
    case 'proposal.pending':
      return sitter(`needs your word within ${span(event.until - event.at)}: ${actionWords(event.proposal.action)}, because ${event.why}. \`vastsit-tui approve ${event.run}\` or \`refuse ${event.run}\``, 'alert');
    case 'proposal.expired':
      return sitter('nobody answered the question in time, which means no; the rules go on', 'alert');
    case 'patch.reverted':
      return sitter(`patch ${event.patch} did not help and was taken back`);
    case 'patch.home': {
      const patch = after.runs[event.run]?.brain.patches.find(({ n }) => n === event.patch);
      return sitter(`patch ${event.patch}${patch ? ` of ${patch.files.join(', ')}` : ''} is proven and at home: results/${event.run}/${event.path}`, 'milestone');
    }
    case 'user.approved':
      return [{ actor: 'user', level: 'info', text: `approve the proposal for ${event.run}` }];
    case 'user.refused':
      return [{ actor: 'user', level: 'info', text: `refuse the proposal for ${event.run}` }];
    case 'brain.said':
    case 'brain.used':
      return [];
  }
}
