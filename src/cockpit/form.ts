/** What a dialog is made of: text fields and options, one of which has the focus. Plain data. */

export type DialogKind = 'destroy' | 'hold' | 'release' | 'keep' | 'relaunch' | 'switch' | 'bid' | 'adopt' | 'proposal' | 'quit' | 'launch' | 'offers' | 'confirm' | 'spec';

export type Control =
  | { readonly is: 'text'; readonly name: string; readonly value: string; readonly takes: 'any' | 'digits' | 'price'; readonly max: number }
  /** `word` must be typed before it can be taken; null: the focus and enter are enough. The option `no` leaves all as it is. */
  | { readonly is: 'option'; readonly name: string; readonly says: string; readonly word: string | null; readonly danger: boolean };

export interface Dialog {
  readonly kind: DialogKind;
  /** The run that it is about; null where it is about none. */
  readonly run: string | null;
  /** The file that it is about, where it is about one. */
  readonly about: string | null;
  readonly opened_at: number;
  readonly controls: readonly Control[];
  readonly focus: number;
  /** What was typed of the focused option's word. */
  readonly typed: string;
  /** Where the focused text field is written: characters from its start. */
  readonly at: number;
  readonly error: string | null;
  /** Lines of a long body that are scrolled away. */
  readonly scroll: number;
}

export const text = (name: string, value: string, takes: 'any' | 'digits' | 'price' = 'any', max = 200): Control => ({ is: 'text', name, value, takes, max });
export const option = (name: string, says: string, word: string | null = null, danger = word !== null): Control => ({ is: 'option', name, says, word, danger });

export function createDialog(kind: DialogKind, run: string | null, now: number, controls: readonly Control[]): Dialog {
  return focusOn({ kind, run, about: null, opened_at: now, controls, focus: 0, typed: '', at: 0, error: null, scroll: 0 }, 0);
}

export const focused = (dialog: Dialog): Control | undefined => dialog.controls[dialog.focus];

/** Do characters write, or are they keys? */
export function isTyping(dialog: Dialog): boolean {
  const control = focused(dialog);
  return control?.is === 'text' || (control?.is === 'option' && control.word !== null);
}

export const valueOf = (dialog: Dialog, name: string): string => {
  const control = dialog.controls.find((one) => one.is === 'text' && one.name === name);
  return control?.is === 'text' ? control.value : '';
};

export function focusOn(dialog: Dialog, index: number): Dialog {
  const count = dialog.controls.length;
  const focus = (index + count) % count;
  const control = dialog.controls[focus];
  return { ...dialog, focus, typed: '', at: control?.is === 'text' ? control.value.length : 0 };
}
