/** Pieces that several panes share: rules with titles, and the sign and role of a state. */
import { stateWord } from '../../core/line.ts';
import { isAway, type RunState, type Said } from '../../core/state.ts';
import { GLYPH } from '../glyphs.ts';
import { fit, line, lineWidth, piece, type Line, type Piece } from '../line.ts';
import { isKept, openIncident } from '../select.ts';
import type { Role } from '../theme.ts';

/** A pane's upper edge. The focused one differs in weight as well as in colour. */
export function rule(title: readonly Piece[], note: readonly Piece[], width: number, focused: boolean): Line {
  const glyph = focused ? GLYPH.rule_focus : GLYPH.rule;
  const role: Role = focused ? 'rule_focus' : 'rule';
  const left = [piece(`${glyph} `, role), ...title, piece(' ', role)];
  const right = note.length === 0 ? [] : [piece(' ', role), ...note, piece(' ', role)];
  const space = width - lineWidth(line(...left)) - lineWidth(line(...right)) - 1;
  return space < 1 ? line(...left, piece(glyph.repeat(Math.max(0, width - lineWidth(line(...left)))), role)) : line(...left, piece(glyph.repeat(space), role), ...right, piece(glyph, role));
}

export interface Sign {
  glyph: string;
  role: Role;
}

/** A run's state as one sign and one role; the word beside it says the same without either. */
export function signOf(run: RunState): Sign {
  if (openIncident(run)) return run.stage === 'training' && run.attempt > (run.incident?.attempt ?? 0) ? { glyph: GLYPH.alert, role: 'warn' } : { glyph: GLYPH.alert, role: 'bad' };
  // Kept after its end: nothing is wrong, but it bills until a person says otherwise.
  if (isKept(run)) return { glyph: GLYPH.hold, role: 'warn' };
  if (run.stage === 'closed') {
    const word = stateWord(run);
    return word === 'done' ? { glyph: GLYPH.done, role: 'off' } : word === 'ended' ? { glyph: GLYPH.off, role: 'off' } : { glyph: GLYPH.failed, role: 'bad' };
  }
  if (run.hold) return { glyph: GLYPH.hold, role: 'warn' };
  if (isAway(run)) return { glyph: GLYPH.busy, role: 'warn' };
  if (run.stage === 'training') return { glyph: GLYPH.live, role: 'ok' };
  return { glyph: GLYPH.busy, role: run.stage === 'repairing' ? 'warn' : 'busy' };
}

export const actorRole = (actor: Said['actor']): Role => actor;
export const SHORT_ACTOR: Readonly<Record<Said['actor'], string>> = { user: 'you', runner: 'runner', babysitter: 'sitter', market: 'market', sentinel: 'sentry', program: 'program' };

/** One fact of a page: its name, then what is known. */
export const fact = (name: string, ...value: Piece[]): Line => line(piece(` ${fit(name, 12)}`, 'muted'), ...value);
