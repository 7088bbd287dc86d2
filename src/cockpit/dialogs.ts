/** The dialogs as data and as a reducer. A dialog is bound to a run's id, so nothing that moves under it can change its object. */
import type { Command } from '../core/commands.ts';
import type { World } from '../core/state.ts';
import { cleanLine } from '../core/text.ts';
import { isOver } from './select.ts';

export type Dialog =
  /** choice: 0 leave it alone, 1 bring home then destroy, 2 destroy now (needs the run's name typed). */
  | { kind: 'destroy'; run: string; opened_at: number; choice: number; typed: string }
  | { kind: 'hold'; run: string; opened_at: number; field: 'minutes' | 'reason' | 'buttons'; minutes: string; reason: string; choice: number; error: string | null }
  | { kind: 'release'; run: string; opened_at: number; choice: number }
  | { kind: 'keep'; run: string; keep: boolean; opened_at: number; choice: number }
  | { kind: 'quit'; opened_at: number; choice: number };

/** A dialog that has just opened must not be answered by the key that was already on its way. Real ms. */
export const DEAF_MS = 300;
export const LONGEST_HOLD_MINUTES = 24 * 60;

/** How many buttons or options a dialog has; the first is always the safe one. */
export const choicesOf = (dialog: Dialog): number => (dialog.kind === 'destroy' ? 3 : 2);

export const isTyping = (dialog: Dialog): boolean => (dialog.kind === 'destroy' && dialog.choice === 2) || (dialog.kind === 'hold' && dialog.field !== 'buttons');

/** What a dialog does with one action of the key table, or with typed text. */
export type DialogStep = { dialog: Dialog | null; command?: Command; quit?: true };
export type DialogAct = 'next' | 'previous' | 'confirm' | 'cancel' | 'erase' | { text: string };

export function stepDialog(dialog: Dialog, act: DialogAct, world: World): DialogStep {
  if (act === 'cancel') return { dialog: null };
  if (typeof act === 'object') return { dialog: type(dialog, act.text) };
  if (act === 'erase') return { dialog: erase(dialog) };
  if (act === 'confirm') return confirm(dialog, world);
  return { dialog: move(dialog, act === 'next' ? 1 : -1) };
}

/** What a text field takes of a key; a lone space is text too. */
export const typedText = (text: string): string => (text === ' ' ? text : cleanLine(text, 200));

function type(dialog: Dialog, text: string): Dialog {
  const typed = typedText(text);
  if (dialog.kind === 'destroy' && dialog.choice === 2) return { ...dialog, typed: (dialog.typed + typed).slice(0, 63) };
  if (dialog.kind !== 'hold' || dialog.field === 'buttons') return dialog;
  if (dialog.field === 'minutes') return { ...dialog, minutes: (dialog.minutes + typed.replace(/\D/g, '')).slice(0, 4), error: null };
  return { ...dialog, reason: (dialog.reason + typed).slice(0, 120), error: null };
}

function erase(dialog: Dialog): Dialog {
  if (dialog.kind === 'destroy' && dialog.choice === 2) return { ...dialog, typed: dialog.typed.slice(0, -1) };
  if (dialog.kind !== 'hold' || dialog.field === 'buttons') return dialog;
  return { ...dialog, [dialog.field]: dialog[dialog.field].slice(0, -1), error: null };
}

const FIELDS = ['minutes', 'reason', 'buttons'] as const;

function move(dialog: Dialog, by: 1 | -1): Dialog {
  if (dialog.kind !== 'hold') return { ...dialog, choice: (dialog.choice + by + choicesOf(dialog)) % choicesOf(dialog) };
  if (dialog.field === 'buttons') {
    const choice = dialog.choice + by;
    return choice === 0 || choice === 1 ? { ...dialog, choice } : { ...dialog, field: by === 1 ? 'minutes' : 'reason', choice: 1 };
  }
  return { ...dialog, field: FIELDS[(FIELDS.indexOf(dialog.field) + by + FIELDS.length) % FIELDS.length] ?? 'minutes' };
}

function confirm(dialog: Dialog, world: World): DialogStep {
  if (dialog.kind === 'hold' && dialog.field !== 'buttons') return { dialog: { ...move(dialog, 1) } };
  if (dialog.choice === 0) return { dialog: null };
  if (dialog.kind === 'quit') return { dialog: null, quit: true };
  const run = world.runs[dialog.run];
  // The world may have moved on while the dialog was read.
  if (!run || isOver(run)) return { dialog: null };
  switch (dialog.kind) {
    case 'destroy':
      if (dialog.choice === 1) return { dialog: null, command: { do: 'destroy', run: run.id, waive: false } };
      return dialog.typed === run.id ? { dialog: null, command: { do: 'destroy', run: run.id, waive: true } } : { dialog };
    case 'release':
      return { dialog: null, command: { do: 'release', run: run.id } };
    case 'keep':
      return { dialog: null, command: { do: 'keep', run: run.id, keep: dialog.keep } };
    case 'hold': {
      const minutes = Number(dialog.minutes);
      if (!(minutes >= 1 && minutes <= LONGEST_HOLD_MINUTES)) return { dialog: { ...dialog, field: 'minutes', error: `from 1 to ${LONGEST_HOLD_MINUTES} minutes: a hold always ends` } };
      if (dialog.reason.trim() === '') return { dialog: { ...dialog, field: 'reason', error: 'say why, for whoever reads the log' } };
      return { dialog: null, command: { do: 'hold', run: run.id, minutes, reason: dialog.reason.trim() } };
    }
  }
}
