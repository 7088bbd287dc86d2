/** The help overlay, made from the key table: keys that are live where the user came from. */
import { bindingsOf, PLACES, keyName, type Place } from '../keys.ts';
import { fit, line, piece, plain, type Line } from '../line.ts';

export function helpLines(from: 'home' | 'run'): Line[] {
  const section = (place: Place): Line[] => [
    line(piece(` ${PLACES[place]}`, 'title')),
    ...bindingsOf(place).map(({ keys, says, dangerous }) => line(piece(`   ${fit(keys.map(keyName).join(' '), 16)}`, 'key'), piece(says, dangerous ? 'warn' : 'text'))),
    line(),
  ];
  const signs = plain(' ● trains  ◐ under way  ▲ incident  ‖ held  ✓ done  ✗ failed  ○ over, or not ours', 'muted');
  return [...section(from), ...(from === 'home' ? [...section('log'), ...section('said')] : []), ...section('dialog'), signs];
}
