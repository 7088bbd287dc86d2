/** The palette's candidates above its line. */
import type { World } from '../../core/state.ts';
import { GLYPH } from '../glyphs.ts';
import { KEYS, keyName, type Place } from '../keys.ts';
import { clickable, fit, line, piece, plain, type Line } from '../line.ts';
import { completions, type Palette } from '../palette.ts';
import { box } from './box.ts';

const SHOWN = 10;

export function paletteBox(palette: Palette, place: Place, world: World, width: number, rows: number): Line[] {
  const found = completions(palette.text, place, world);
  const room = Math.max(1, Math.min(SHOWN, rows - 6));
  const from = Math.max(0, Math.min(palette.choice - room + 1, found.length - room));
  const keys = (action: string): string => KEYS.filter((binding) => binding.action === action && binding.places.includes(place)).flatMap((binding) => binding.keys).map(keyName).slice(0, 2).join(' ');
  const body = found.slice(from, from + room).map(({ text, says, action }, index) => {
    const on = from + index === palette.choice;
    return clickable(line(piece(on ? `${GLYPH.select} ` : '  ', 'key'), piece(fit(text, 26), on ? 'button_focus' : 'title'), piece(` ${fit(keys(action), 10)} `, 'key'), piece(says, 'muted')), { on: 'choice', index: from + index });
  });
  return box(found.length > room ? `Commands (${found.length})` : 'Commands', body.length > 0 ? body : [plain('Nothing fits. Erase, or Esc.', 'muted')], width, 'rule_focus');
}
