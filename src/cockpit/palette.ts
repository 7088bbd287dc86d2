/**
 * The command palette: every action of the key table by its name, with completion; what acts on a run takes the run's name as
 * well. Pure: it finds what was meant, and `act` does it.
 */
import type { World } from '../core/state.ts';
import { KEYS, type KeyAction, type KeyBinding, type Place } from './keys.ts';
import { orderedRuns } from './select.ts';

export interface Palette {
  readonly text: string;
  /** Which candidate the enter key takes. */
  readonly choice: number;
}

export interface Candidate {
  /** What the line would read. */
  readonly text: string;
  readonly says: string;
  readonly action: KeyAction;
  readonly run: string | null;
}

/** Actions whose object is a run. */
const OF_A_RUN: readonly KeyAction[] = ['enter', 'destroy', 'hold', 'release', 'keep', 'relaunch', 'switch', 'bid', 'answer', 'check', 'shell', 'pin'];
export const actsOnRun = (action: KeyAction): boolean => OF_A_RUN.includes(action) || action === 'logs' || action === 'filter';
/** A palette in a palette leads nowhere; so does going back, which is what esc is for. */
const LEFT_OUT: readonly KeyAction[] = ['palette', 'back'];
const NAMES: Partial<Record<KeyAction, string>> = { enter: 'open', logs: 'log', undo: 'recall' };

/** The word that the palette knows an action by. */
export const nameOf = (action: KeyAction): string => NAMES[action] ?? action.replaceAll('_', '-');

/** What can be said from this place, one entry an action. */
export function entriesOf(place: Place): KeyBinding[] {
  const seen = new Set<KeyAction>();
  const all = KEYS.filter(({ places, action }) => places.includes(place) && !LEFT_OUT.includes(action) && !seen.has(action) && seen.add(action));
  // Nobody comes here to move one row.
  return [...all.filter(({ places }) => !places.includes('help')), ...all.filter(({ places }) => places.includes('help'))];
}

/** What the text may become, the best first: names that begin with it, then names and words that contain it. */
export function completions(text: string, place: Place, world: World): Candidate[] {
  const [word = '', ...rest] = text.trimStart().toLowerCase().split(/\s+/);
  const entries = entriesOf(place);
  const exact = entries.find(({ action }) => nameOf(action) === word);
  if (exact && OF_A_RUN.includes(exact.action) && /\s/.test(text.trimStart())) {
    const wanted = rest.join(' ');
    return orderedRuns(world, '')
      .filter(({ id }) => id.includes(wanted))
      .map(({ id }) => ({ text: `${word} ${id}`, says: exact.says, action: exact.action, run: id }));
  }
  const plain = ({ action, says }: KeyBinding): Candidate => ({ text: nameOf(action), says, action, run: null });
  const starts = entries.filter(({ action }) => nameOf(action).startsWith(word));
  const holds = entries.filter((entry) => !starts.includes(entry) && (nameOf(entry.action).includes(word) || entry.says.toLowerCase().includes(word)));
  return [...starts.sort((a, b) => Number(nameOf(b.action) === word) - Number(nameOf(a.action) === word)), ...holds].map(plain);
}

/** The candidate that the enter key takes; null when nothing fits. */
export const chosen = (palette: Palette, place: Place, world: World): Candidate | null => completions(palette.text, place, world)[palette.choice] ?? null;
