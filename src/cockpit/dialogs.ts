/**
 * Dialogs as a reducer. What ends something wants a word typed, which a key that is held down cannot give. A dialog is bound
 * to a run's id, so nothing that moves under it changes its object.
 */
import type { Command } from '../core/commands.ts';
import type { World } from '../core/state.ts';
import { cleanLine } from '../core/text.ts';
import { focused, focusOn, type Dialog } from './form.ts';
import { submit } from './submit.ts';
import type { Errand } from './wizard.ts';

/** A dialog that has just opened must not be answered by the key that was already on its way. Real ms. */
export const DEAF_MS = 300;

/** What a dialog does with one action of the key table, or with typed or pasted text. */
export type DialogAct = 'next' | 'previous' | 'confirm' | 'cancel' | 'erase' | 'left' | 'right' | 'start' | 'end' | 'clear' | 'page_up' | 'page_down' | { text: string; pasted: boolean };
export type DialogStep = { dialog: Dialog | null; command?: Command; quit?: true; errand?: Errand };

export function stepDialog(dialog: Dialog, act: DialogAct, world: World): DialogStep {
  if (act === 'cancel') return { dialog: null };
  if (act === 'confirm') return confirm(dialog, world);
  if (act === 'next' || act === 'previous') return { dialog: focusOn(dialog, dialog.focus + (act === 'next' ? 1 : -1)) };
  if (act === 'page_up' || act === 'page_down') return { dialog: { ...dialog, scroll: Math.max(0, dialog.scroll + (act === 'page_up' ? -8 : 8)) } };
  return { dialog: write(dialog, act) };
}

/** What a text field takes of a key; a lone space is text too. */
export const typedText = (raw: string): string => (raw === ' ' ? raw : cleanLine(raw, 4_000));

const TAKES = { any: /^.*$/, digits: /\D/g, price: /[^\d.]/g } as const;

type Written = Exclude<DialogAct, 'next' | 'previous' | 'confirm' | 'cancel' | 'page_up' | 'page_down'>;

function write(dialog: Dialog, act: Written): Dialog {
  const control = focused(dialog);
  if (control?.is === 'option') {
    if (control.word === null) return dialog;
    if (act === 'erase') return { ...dialog, typed: dialog.typed.slice(0, -1) };
    if (act === 'clear') return { ...dialog, typed: '' };
    // A word is typed, never pasted: it proves that a person reads.
    return typeof act === 'object' && !act.pasted ? { ...dialog, typed: (dialog.typed + typedText(act.text)).slice(0, 63) } : dialog;
  }
  if (control?.is !== 'text') return dialog;
  const { value } = control;
  const at = Math.min(dialog.at, value.length);
  const become = (next: string, cursor: number): Dialog => ({ ...dialog, at: cursor, error: null, controls: dialog.controls.map((one, index) => (index === dialog.focus && one.is === 'text' ? { ...one, value: next } : one)) });
  switch (act) {
    case 'left':
      return { ...dialog, at: Math.max(0, at - 1) };
    case 'right':
      return { ...dialog, at: Math.min(value.length, at + 1) };
    case 'start':
      return { ...dialog, at: 0 };
    case 'end':
      return { ...dialog, at: value.length };
    case 'clear':
      return become('', 0);
    case 'erase':
      return at === 0 ? dialog : become(value.slice(0, at - 1) + value.slice(at), at - 1);
    default: {
      const plain = typedText(act.text);
      const added = (control.takes === 'any' ? plain : plain.replace(TAKES[control.takes], '')).slice(0, control.max - value.length);
      return become(value.slice(0, at) + added + value.slice(at), at + added.length);
    }
  }
}

function confirm(dialog: Dialog, world: World): DialogStep {
  const control = focused(dialog);
  if (!control) return { dialog: null };
  if (control.is === 'text') {
    // From the last field on to what it was filled in for.
    const rest = dialog.controls.slice(dialog.focus + 1);
    const next = rest.findIndex((one) => one.is === 'text' || one.name !== 'no');
    return { dialog: focusOn(dialog, dialog.focus + 1 + Math.max(0, next)) };
  }
  if (control.name === 'no') return { dialog: null };
  if (control.word !== null && dialog.typed !== control.word) return { dialog: { ...dialog, error: `type ${control.word} to take it` } };
  const done = submit(dialog, control.name, world);
  if ('error' in done) {
    const field = dialog.controls.findIndex((one) => one.is === 'text' && one.name === done.field);
    return { dialog: { ...(field < 0 ? dialog : focusOn(dialog, field)), error: done.error } };
  }
  if ('next' in done) return { dialog: done.next, ...(done.errand && { errand: done.errand }) };
  return { dialog: null, ...done };
}
