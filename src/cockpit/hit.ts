/** What a click on a piece of the screen means. It travels with the piece, so that what is drawn is what is hit. */
import type { Pane } from './ui.ts';

export type Hit =
  | { readonly on: 'pane'; readonly pane: Pane }
  /** A row of the table, or the same thing in another pane. */
  | { readonly on: 'row'; readonly key: string }
  /** An entry of the reasoning log. */
  | { readonly on: 'item'; readonly key: string }
  /** A field or an option of the dialog; a line of the palette. */
  | { readonly on: 'control'; readonly index: number }
  | { readonly on: 'choice'; readonly index: number }
  /** The same as that key. */
  | { readonly on: 'key'; readonly key: string };
