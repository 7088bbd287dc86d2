/** The first screen of all as data: where a key comes from, then what is missing. Pure; what it wants done it says. */
import { box } from './panes/box.ts';
import { GLYPH } from './glyphs.ts';
import type { Hit } from './hit.ts';
import type { Key } from './keys.ts';
import { block, clickable, fit, line, overlay, piece, plain, widthOf, wrap, type Line } from './line.ts';
import type { Role } from './theme.ts';

/** What the doctor found: `remedy` says what to do next; with `ok` it is advice. */
export interface Check {
  readonly check: string;
  readonly ok: boolean;
  readonly found: string;
  readonly remedy: string | null;
}

type Choice = 'paste' | 'cli' | 'demo' | 'quit' | 'open' | 'again';

/** `typed` is a secret: it is counted, never shown. */
export type Welcome = { readonly focus: number; readonly note: string | null; readonly scroll: number } & (
  | { readonly step: 'choose' }
  | { readonly step: 'paste'; readonly typed: string }
  | { readonly step: 'looking'; readonly kept: string | null }
  | { readonly step: 'found'; readonly kept: string | null; readonly checks: readonly Check[] }
);

/** `keep` what was typed, `look` whether there is a key now and what the doctor says. */
export type Wish = 'keep' | 'look' | 'ready' | 'demo' | 'quit';

export const welcome = (note: string | null = null): Welcome => ({ step: 'choose', focus: 0, note, scroll: 0 });
export const looking = (kept: string | null): Welcome => ({ step: 'looking', kept, focus: 0, note: null, scroll: 0 });
export const found = (kept: string | null, checks: readonly Check[]): Welcome => ({ step: 'found', kept, checks, focus: 0, note: null, scroll: 0 });

const LONGEST_KEY = 300;
/** With fewer rows only the choice under the cursor is explained. */
const SMALL = 20;

const CHOICES: Readonly<Record<'choose' | 'found', readonly { choice: Choice; key: string; says: string; more: string }[]>> = {
  choose: [
    { choice: 'paste', key: '1', says: 'Paste a Vast key', more: 'from cloud.vast.ai, Keys; kept in a file that only you can read' },
    { choice: 'cli', key: '2', says: 'Use the official CLI\'s', more: 'run `vastai set api-key KEY` in another terminal, then choose this' },
    { choice: 'demo', key: '3', says: 'Try the demo', more: 'two minutes; no account, key or GPU' },
    { choice: 'quit', key: 'q', says: 'Leave', more: '' },
  ],
  found: [
    { choice: 'open', key: 'o', says: 'Open the cockpit', more: '' },
    { choice: 'again', key: 'r', says: 'Look again', more: '' },
    { choice: 'quit', key: 'q', says: 'Leave', more: '' },
  ],
};

export function onWelcomeKey(before: Welcome, key: Key): { state: Welcome; wish?: Wish } {
  if (key.name === 'ctrl-c') return { state: before, wish: 'quit' };
  const state = { ...before, note: null };
  if (state.step === 'paste') return onPaste(state, key);
  if (state.step === 'looking') return key.name === 'q' || key.name === 'esc' ? { state, wish: 'quit' } : { state };
  const choices = CHOICES[state.step];
  const move = (by: number): { state: Welcome } => ({ state: { ...state, focus: (state.focus + by + choices.length) % choices.length } });
  switch (key.name) {
    case 'down': case 'j': case 'tab': case 'right': case 'l':
      return move(1);
    case 'up': case 'k': case 'shift-tab': case 'left': case 'h':
      return move(-1);
    case 'pagedown': case 'pageup':
      return { state: scrolled(state, key.name === 'pagedown' ? 6 : -6) };
    case 'esc':
      return state.step === 'found' ? { state: welcome() } : { state, wish: 'quit' };
    case 'enter': case 'space':
      return take(state, choices[state.focus]?.choice);
    default:
      return take(state, choices.find((one) => one.key === key.name)?.choice);
  }
}

/** A click chooses, one on what is chosen takes it. */
export function onWelcomeClick(state: Welcome, hit: Hit | null): ReturnType<typeof onWelcomeKey> {
  if (hit?.on !== 'control' || (state.step !== 'choose' && state.step !== 'found')) return { state };
  return hit.index === state.focus ? onWelcomeKey(state, { name: 'enter', text: null }) : { state: { ...state, focus: hit.index } };
}

export const scrolled = (state: Welcome, by: number): Welcome => ({ ...state, scroll: Math.max(0, state.scroll + by) });

function take(state: Welcome, choice: Choice | undefined): ReturnType<typeof onWelcomeKey> {
  switch (choice) {
    case 'paste':
      return { state: { ...state, step: 'paste', typed: '' } };
    case 'cli':
      return { state: looking(null), wish: 'look' };
    case 'again':
      return { state: looking(state.step === 'found' ? state.kept : null), wish: 'look' };
    case 'open':
      return { state, wish: 'ready' };
    case 'demo':
    case 'quit':
      return { state, wish: choice };
    case undefined:
      return { state };
  }
}

function onPaste(state: Extract<Welcome, { step: 'paste' }>, key: Key): ReturnType<typeof onWelcomeKey> {
  if (key.name === 'esc') return { state: welcome() };
  if (key.name === 'enter') return state.typed === '' ? { state } : { state, wish: 'keep' };
  if (key.name === 'ctrl-u') return { state: { ...state, typed: '' } };
  if (key.name === 'backspace') return { state: { ...state, typed: state.typed.slice(0, -1) } };
  const text = (key.text ?? '').replace(/[^\x21-\x7e]/g, '');
  return { state: { ...state, typed: (state.typed + text).slice(0, LONGEST_KEY) } };
}

/** Exactly `rows` lines of `columns` cells. */
export function welcomeView(state: Welcome, columns: number, rows: number): Line[] {
  const width = Math.max(20, Math.min(92, columns - 2));
  const inner = width - 4;
  const [body, foot] = partsOf(state, inner, rows < SMALL);
  const note = state.note === null ? [] : [line(), ...wrap(state.note, inner).map((text) => plain(text, 'warn'))];
  const end = [...note, ...(foot.length > 0 ? [line(), ...foot] : [])];
  const room = Math.max(1, rows - 3 - end.length);
  const from = Math.max(0, Math.min(state.scroll, body.length - room));
  const more = body.length - from - room;
  const seen = more > 0 ? [...body.slice(from, from + room - 1), plain(`${GLYPH.more} ${more + 1} more lines: PgDn`, 'muted')] : body.slice(from);
  const lines = box('vastsit-tui: the colleague who stays awake', [...seen, ...end], width, 'rule_focus');
  const blank = block([], columns, rows - 1);
  return [...overlay(blank, lines, Math.floor((columns - width) / 2), Math.max(0, Math.floor((rows - 1 - lines.length) / 2))), ...block([footer(state)], columns, 1)];
}

function partsOf(state: Welcome, width: number, small: boolean): [body: Line[], foot: Line[]] {
  const told = (text: string, role: Role = 'text'): Line[] => wrap(text, width).map((row) => plain(row, role));
  switch (state.step) {
    case 'choose':
      return [[...told('There is no Vast.ai key on this machine yet. With one, this screen becomes the cockpit: what runs, what burns money, what is broken, and what is being done about it.'), line()], choiceLines(state, width, small)];
    case 'paste':
      return [[...told('Paste the key, then Enter. Nobody sees it: it goes into a file of your own, and to Vast in a header.'), line(), line(piece('key  ', 'muted'), piece('*'.repeat(Math.min(state.typed.length, width - 30)), 'title'), piece(GLYPH.caret, 'key'), piece(state.typed === '' ? '' : `  ${state.typed.length} characters`, 'muted'))], []];
    case 'looking':
      return [[...(state.kept === null ? [] : told(state.kept, 'ok')), plain('Looking at this machine and the account…', 'busy')], []];
    case 'found': {
      const bad = state.checks.filter(({ ok }) => !ok).length;
      const sum = bad === 0 ? told('All is there.', 'ok') : told(`${bad} of ${state.checks.length} ${bad === 1 ? 'is' : 'are'} missing; the remedies stand below. \`vastsit-tui doctor\` looks again at any time.`, 'warn');
      // What is missing is read first.
      const sorted = [...state.checks.filter(({ ok }) => !ok), ...state.checks.filter(({ ok }) => ok)];
      return [[...(state.kept === null ? [] : [...told(state.kept, 'ok'), line()]), ...sum, line(), ...sorted.flatMap((check) => checkLines(check, width))], choiceLines(state, width, small)];
    }
  }
}

function checkLines({ check, ok, found: what, remedy }: Check, width: number): Line[] {
  const [sign, role]: [string, Role] = !ok ? [GLYPH.failed, 'bad'] : remedy === null ? [GLYPH.done, 'ok'] : [GLYPH.off, 'muted'];
  const space = width - 20;
  return [
    ...wrap(what, space).map((text, index) => line(piece(`${index === 0 ? sign : ' '} `, role), piece(fit(index === 0 ? check : '', 16), ok ? 'muted' : 'text'), piece(`  ${text}`, ok ? 'muted' : 'text'))),
    ...(remedy === null ? [] : wrap(remedy, space - 2).map((text, index) => line(piece(' '.repeat(20)), piece(index === 0 ? '→ ' : '  ', 'key'), piece(text, ok ? 'faint' : 'warn')))),
  ];
}

function choiceLines(state: Extract<Welcome, { step: 'choose' | 'found' }>, width: number, small: boolean): Line[] {
  return CHOICES[state.step].flatMap(({ key, says, more }, index) => {
    const on = index === state.focus;
    const head = line(piece(on ? `${GLYPH.select} ` : '  ', 'key'), piece(`${key}  `, 'key'), piece(` ${fit(says, 24)} `, on ? 'button_focus' : 'title'));
    const beside = widthOf(more) + 33 <= width;
    const rows = more === '' || (small && !on) ? [head] : beside ? [line(...head.pieces, piece(`  ${more}`, 'muted'))] : [head, ...wrap(more, width - 6).map((text) => plain(`      ${text}`, 'muted'))];
    return rows.map((row) => clickable(row, { on: 'control', index }));
  });
}

function footer({ step }: Welcome): Line {
  const keys: readonly [string, string][] = step === 'paste' ? [['Enter', 'keeps it'], ['Ctrl-u', 'erases it'], ['Esc', 'back']] : step === 'looking' ? [['q', 'leaves']] : [['↑↓', 'choose'], ['Enter', 'take'], ['Esc', step === 'found' ? 'back' : 'leaves']];
  return line(...keys.flatMap(([key, says]) => [piece(` ${key}`, 'key'), piece(` ${says} `, 'muted')]));
}
