/** The one key table. Dispatch, the help overlay, the footer's hints and the README's table are all made from it. */

/**
 * Where a key is live: the table, the log pane or the reasoning log while it has the focus, a run's page, the help overlay, a
 * dialog, or a text field.
 */
export type Place = 'home' | 'log' | 'said' | 'run' | 'help' | 'dialog' | 'text';

export const PLACES: Readonly<Record<Place, string>> = { home: 'Home', log: 'Log pane', said: 'Reasoning log', run: 'Run page', help: 'Help', dialog: 'Dialogs', text: 'Text fields' };

export type KeyAction =
  | 'up' | 'down' | 'page_up' | 'page_down' | 'first' | 'last' | 'enter' | 'back' | 'next_pane' | 'previous_pane' | 'next_section' | 'previous_section'
  | 'half_up' | 'half_down' | 'destroy' | 'undo' | 'hold' | 'release' | 'keep' | 'relaunch' | 'switch' | 'bid' | 'answer' | 'adopt' | 'check' | 'logs' | 'pin' | 'filter' | 'find' | 'find_next' | 'find_previous' | 'wrap' | 'copy' | 'expand' | 'shell' | 'launch' | 'palette' | 'theme' | 'mouse' | 'help' | 'quit' | 'detach' | 'interrupt' | 'redraw' | 'suspend'
  | 'next' | 'previous' | 'confirm' | 'yes' | 'cancel' | 'erase' | 'left' | 'right' | 'start' | 'end' | 'clear' | 'close';

export interface KeyBinding {
  readonly keys: readonly string[];
  readonly action: KeyAction;
  readonly says: string;
  readonly places: readonly Place[];
  /** Ends or costs something: it only ever opens a dialog. */
  readonly dangerous?: true;
  /** Shown in the last row, in this word. */
  readonly hint?: string;
}

/** The table and the panes beside it. */
const PANES = ['home', 'log', 'said'] as const;
const ACTING = [...PANES, 'run'] as const;
const MOVING = [...ACTING, 'help'] as const;
const ANYWHERE = [...MOVING, 'dialog', 'text'] as const;

/** The table as it comes; `KEYS` is the one in force. */
const USUAL: readonly KeyBinding[] = [
  { keys: ['up', 'k'], action: 'up', says: 'one row up', places: MOVING },
  { keys: ['down', 'j'], action: 'down', says: 'one row down', places: MOVING },
  { keys: ['pageup'], action: 'page_up', says: 'one page up', places: MOVING },
  { keys: ['pagedown', 'space'], action: 'page_down', says: 'one page down', places: MOVING },
  { keys: ['ctrl-u'], action: 'half_up', says: 'half a page up', places: MOVING },
  { keys: ['ctrl-d'], action: 'half_down', says: 'half a page down', places: MOVING },
  { keys: ['g', 'home'], action: 'first', says: 'first row', places: MOVING },
  { keys: ['G', 'end'], action: 'last', says: 'last row; in a log, follow it again', places: MOVING },
  { keys: ['tab', 'right', 'l'], action: 'next_pane', says: 'next pane', places: PANES },
  { keys: ['shift-tab', 'left', 'h'], action: 'previous_pane', says: 'previous pane', places: PANES },
  { keys: ['tab', 'right', 'l'], action: 'next_section', says: 'next section', places: ['run', 'help'] },
  { keys: ['shift-tab', 'left', 'h'], action: 'previous_section', says: 'previous section', places: ['run', 'help'] },
  { keys: ['enter'], action: 'enter', says: 'open the run, or what is known of an instance that is not ours', places: ['home', 'log'], hint: 'open' },
  { keys: ['enter', 'e'], action: 'expand', says: 'unfold what stands behind this line, or fold it', places: ['said'], hint: 'unfold' },
  { keys: ['e'], action: 'expand', says: 'unfold the incident of this run in the reasoning log, or fold it', places: ['home'] },
  { keys: ['esc'], action: 'back', says: 'back one step: page, scroll, filter, pane, log', places: ACTING },
  { keys: ['d'], action: 'destroy', says: 'destroy the instance of this run (asks)', places: ACTING, dangerous: true, hint: 'destroy' },
  { keys: ['u'], action: 'undo', says: 'call back a destroy that waits its grace', places: ACTING },
  { keys: ['H'], action: 'hold', says: 'approve a debugging hold, with an end (asks)', places: ACTING, dangerous: true, hint: 'hold' },
  { keys: ['r'], action: 'release', says: 'release the hold (asks)', places: ACTING, dangerous: true },
  { keys: ['p'], action: 'keep', says: 'keep the instance after the run, or no longer (asks)', places: ACTING, dangerous: true },
  { keys: ['R'], action: 'relaunch', says: 'launch the run again, with an edited command (asks)', places: ACTING, dangerous: true },
  { keys: ['S'], action: 'switch', says: 'switch to another machine, newest checkpoint first (asks)', places: ACTING, dangerous: true },
  { keys: ['b'], action: 'bid', says: 'raise the bid of an interruptible instance (asks)', places: ACTING, dangerous: true },
  { keys: ['a'], action: 'answer', says: 'approve or refuse what the model proposes, with its diff (asks)', places: ACTING, dangerous: true },
  { keys: ['A'], action: 'adopt', says: 'put a run on an instance that is not ours (asks)', places: ACTING, dangerous: true },
  { keys: ['s'], action: 'shell', says: 'a shell on the box of this run; exit or Ctrl-d comes back here', places: ACTING },
  { keys: ['c'], action: 'check', says: 'check this run now', places: ACTING, hint: 'check' },
  { keys: ['o'], action: 'logs', says: 'open or close the log, the output of this run', places: PANES, hint: 'output' },
  { keys: ['O'], action: 'pin', says: 'pin the log to its run, or unpin it', places: PANES },
  { keys: ['n'], action: 'launch', says: 'launch a run: pick or write a spec, see what fits now (asks)', places: ['home', 'said', 'run'], dangerous: true, hint: 'launch' },
  { keys: ['/'], action: 'filter', says: 'filter runs; !word inverts', places: ['home', 'said'], hint: 'filter' },
  { keys: ['/'], action: 'find', says: 'search in the log', places: ['log'], hint: 'search' },
  { keys: ['n'], action: 'find_next', says: 'next hit, towards the newest line', places: ['log'] },
  { keys: ['N'], action: 'find_previous', says: 'previous hit', places: ['log'] },
  { keys: ['w'], action: 'wrap', says: 'wrap long lines, or cut them', places: ['log'], hint: 'wrap' },
  { keys: ['y'], action: 'copy', says: 'copy the log to the clipboard, or into a file where there is none', places: ['log'], hint: 'copy' },
  { keys: [':'], action: 'palette', says: 'any of these by name, with completion', places: ACTING },
  { keys: ['t'], action: 'theme', says: 'next theme', places: ACTING },
  { keys: ['M'], action: 'mouse', says: 'the mouse: ours, or the terminal\'s for selecting text', places: ACTING },
  { keys: ['?'], action: 'help', says: 'this help', places: ACTING, hint: 'help' },
  { keys: ['q'], action: 'quit', says: 'leave; says first what goes on and what bills', places: ACTING, hint: 'quit' },
  { keys: ['D'], action: 'detach', says: 'leave; a background process watches on', places: ACTING },
  { keys: ['?', 'q', 'esc', 'enter'], action: 'close', says: 'close the help', places: ['help'] },
  { keys: ['down', 'right', 'tab', 'j', 'l'], action: 'next', says: 'next choice', places: ['dialog'] },
  { keys: ['up', 'left', 'shift-tab', 'k', 'h'], action: 'previous', says: 'previous choice', places: ['dialog'] },
  { keys: ['enter'], action: 'confirm', says: 'take the choice that has the focus', places: ['dialog', 'text'] },
  { keys: ['y'], action: 'yes', says: 'yes, where the question is whether to leave', places: ['dialog'] },
  { keys: ['esc', 'n', 'q'], action: 'cancel', says: 'leave everything as it is', places: ['dialog'] },
  { keys: ['pageup'], action: 'page_up', says: 'scroll up', places: ['dialog', 'text'] },
  { keys: ['pagedown'], action: 'page_down', says: 'scroll down', places: ['dialog', 'text'] },
  { keys: ['down', 'tab'], action: 'next', says: 'next field or choice', places: ['text'] },
  { keys: ['up', 'shift-tab'], action: 'previous', says: 'previous field or choice', places: ['text'] },
  { keys: ['backspace'], action: 'erase', says: 'erase one character', places: ['text'] },
  { keys: ['left'], action: 'left', says: 'one character to the left', places: ['text'] },
  { keys: ['right'], action: 'right', says: 'one character to the right', places: ['text'] },
  { keys: ['home'], action: 'start', says: 'to the start', places: ['text'] },
  { keys: ['end'], action: 'end', says: 'to the end', places: ['text'] },
  { keys: ['ctrl-u'], action: 'clear', says: 'erase all', places: ['text'] },
  { keys: ['esc'], action: 'cancel', says: 'leave everything as it is', places: ['text'] },
  { keys: ['ctrl-c'], action: 'interrupt', says: 'ask whether to leave; twice within 2 s leaves. Never ends a run', places: ANYWHERE },
  { keys: ['ctrl-l'], action: 'redraw', says: 'paint the whole screen again', places: ANYWHERE },
  { keys: ['ctrl-z'], action: 'suspend', says: 'suspend; nobody watches until fg', places: ANYWHERE },
];

/** The table in force: changed once, at the start, by the user's settings. */
export let KEYS: readonly KeyBinding[] = USUAL;
let table = indexOf(USUAL);

function indexOf(bindings: readonly KeyBinding[]): Map<string, KeyBinding> {
  return new Map(bindings.flatMap((binding) => binding.places.flatMap((place) => binding.keys.map((key) => [`${place} ${key}`, binding] as const))));
}

export const bindingFor = (place: Place, key: string): KeyBinding | null => table.get(`${place} ${key}`) ?? null;

/** What a person may call a key: one character, a name that the table uses, or ctrl with a letter that terminals tell apart. */
const isKeyName = (key: string): boolean => [...key].length === 1 || key in SHOWN || /^ctrl-[defgknoprtuvwxy]$/.test(key);

/**
 * Puts the user's keys in the place of the usual ones, by action. A usual action that has another key gives way. Answers what
 * is wrong, in words; then nothing is changed. What works everywhere, and the keys of dialogs and fields, stay as they are.
 */
export function rebind(wishes: Readonly<Record<string, readonly string[]>>): string[] {
  const mine = (binding: KeyBinding): boolean => binding.places.some((place) => (ACTING as readonly Place[]).includes(place)) && !binding.places.includes('dialog');
  const problems = Object.entries(wishes).flatMap(([action, keys]) => [
    ...(USUAL.some((binding) => binding.action === action && mine(binding)) ? [] : [`keys.${action}: there is no such action to bind`]),
    ...keys.filter((key) => !isKeyName(key)).map((key) => `keys.${action}: ${JSON.stringify(key)} is no key`),
  ]);
  const wished = USUAL.filter((binding) => mine(binding) && wishes[binding.action]);
  const next = USUAL.map((binding) => {
    if (!mine(binding)) return binding;
    const wish = wishes[binding.action];
    const left = binding.keys.filter((key) => !wished.some(({ action, places }) => wishes[action]?.includes(key) && places.some((place) => binding.places.includes(place))));
    return { ...binding, keys: wish ?? (left.length > 0 ? left : binding.keys) };
  });
  const seen = new Map<string, KeyBinding>();
  for (const binding of next) {
    for (const place of binding.places) {
      for (const key of binding.keys) {
        const other = seen.get(`${place} ${key}`);
        if (other) problems.push(`keys.${wishes[binding.action] ? binding.action : other.action}: ${keyName(key)} means "${wishes[binding.action] ? other.says : binding.says}" (${PLACES[place]}) already; give that another key too`);
        seen.set(`${place} ${key}`, binding);
      }
    }
  }
  if (problems.length > 0) return problems;
  KEYS = next;
  table = indexOf(next);
  return [];
}

const SHOWN: Readonly<Record<string, string>> = { up: '↑', down: '↓', left: '←', right: '→', pageup: 'PgUp', pagedown: 'PgDn', space: 'Space', home: 'Home', end: 'End', tab: 'Tab', 'shift-tab': 'Shift-Tab', enter: 'Enter', esc: 'Esc', backspace: 'Backspace' };
export const keyName = (key: string): string => SHOWN[key] ?? key.replace('ctrl-', 'Ctrl-');
/** The key in force for an action, as it is shown in a sentence. */
export const keyOf = (action: KeyAction): string => keyName(KEYS.find((binding) => binding.action === action)?.keys[0] ?? '');

/** What is told of a place: of a pane beside the table only what the table has not. */
export const bindingsOf = (place: Place): readonly KeyBinding[] => KEYS.filter(({ places }) => places.includes(place) && !((place === 'log' || place === 'said') && places.includes('home')));

/** The key table as GitHub Markdown, one table a place, for the README. */
export function keysMarkdown(): string {
  return (Object.keys(PLACES) as Place[])
    .filter((place) => place !== 'text')
    .map((place) => {
      const rows = bindingsOf(place).map(({ keys, says }) => `| ${keys.map((key) => `\`${keyName(key)}\``).join(' ')} | ${says} |`);
      return [`**${PLACES[place]}**`, '', '| Key | What it does |', '|---|---|', ...rows].join('\n');
    })
    .join('\n\n');
}

/** A button or a notch of the wheel, and the cell that it happened in, from 0. */
export interface Mouse {
  readonly mouse: 'click' | 'wheel_up' | 'wheel_down';
  readonly x: number;
  readonly y: number;
}

/** One key press, or text that was pasted. `text` is what a text field would take; null for keys that write nothing. */
export type Key = { name: string; text: string | null } | { name: 'paste'; text: string };

/** The part of Ink's key flags that is read. */
export interface InkKey {
  upArrow: boolean; downArrow: boolean; leftArrow: boolean; rightArrow: boolean; pageDown: boolean; pageUp: boolean; home: boolean; end: boolean;
  return: boolean; escape: boolean; ctrl: boolean; shift: boolean; tab: boolean; backspace: boolean; delete: boolean; meta: boolean;
}

/** Control keys inside a run of characters that came in one read: two quick ctrl-c are one such run. */
const CONTROLS: Readonly<Record<string, string>> = { '\r': 'enter', '\n': 'enter', '\t': 'tab', '\b': 'backspace', '\x7f': 'backspace', '\x03': 'ctrl-c', '\x0c': 'ctrl-l', '\x1a': 'ctrl-z' };

/** Bracketed paste as Ink 6 hands it on: the marks without their escape. */
const PASTE_START = '[200~';
const PASTE_END = '[201~';

/** A mouse report as Ink 6 hands it on: SGR 1006 without its escape. */
const REPORT = /^\[<(\d+);(\d+);(\d+)([Mm])$/;

/** null: no report. An empty list: one that means nothing here, such as a button let go. */
function mouseOf(input: string): Mouse[] | null {
  const [, code, column, row, ends] = REPORT.exec(input) ?? [];
  if (code === undefined) return null;
  const button = Number(code) & 0b11100011;
  const mouse = ends === 'm' ? null : button === 0 ? 'click' : button === 64 ? 'wheel_up' : button === 65 ? 'wheel_down' : null;
  return mouse === null ? [] : [{ mouse, x: Number(column) - 1, y: Number(row) - 1 }];
}

/**
 * Turns Ink's input events into keys. A fast typist's characters come in one event and are split; what arrives between the
 * marks of a bracketed paste is one `paste`, so that it is never run as keys.
 */
export function createKeyReader(): (input: string, key: InkKey) => (Key | Mouse)[] {
  let pasted: string | null = null;
  return function read(input, key): (Key | Mouse)[] {
    if (pasted === null && input.startsWith(PASTE_START)) {
      pasted = '';
      return read(input.slice(PASTE_START.length), key);
    }
    if (pasted !== null) {
      const end = input.indexOf(PASTE_END);
      pasted += end < 0 ? input + (key.return ? '\n' : '') : input.slice(0, end);
      if (end < 0) return [];
      const text = pasted;
      pasted = null;
      const rest = input.slice(end + PASTE_END.length);
      return [{ name: 'paste', text }, ...(rest === '' ? [] : read(rest, key))];
    }
    const mouse = mouseOf(input);
    if (mouse) return mouse;
    const name = namedKey(input, key);
    if (name !== null) return name === '' ? [] : [{ name, text: null }];
    return [...input].flatMap((character): Key[] => {
      const control = CONTROLS[character];
      if (control !== undefined) return [{ name: control, text: null }];
      return character < ' ' ? [] : [{ name: character === ' ' ? 'space' : character, text: character }];
    });
  };
}

/** null: not a named key, so its characters count. An empty name: a key that means nothing here. */
function namedKey(input: string, key: InkKey): string | null {
  if (key.upArrow) return 'up';
  if (key.downArrow) return 'down';
  if (key.leftArrow) return 'left';
  if (key.rightArrow) return 'right';
  if (key.pageUp) return 'pageup';
  if (key.pageDown) return 'pagedown';
  if (key.home) return 'home';
  if (key.end) return 'end';
  if (key.return || input === '\n') return 'enter';
  if (key.tab) return key.shift ? 'shift-tab' : 'tab';
  if (key.escape) return 'esc';
  // Ink reports the backspace key as delete.
  if (key.backspace || key.delete) return 'backspace';
  if (key.ctrl) return `ctrl-${input}`;
  if (key.meta || input === '') return '';
  return null;
}
