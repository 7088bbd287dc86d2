/** What the screen remembers that the world does not: selection, focus, pages, dialogs. Plain data, changed by pure functions alone. */
import type { Dialog } from './form.ts';
import type { Palette } from './palette.ts';
import { NO_WIZARD, type Wizard } from './wizard.ts';

export type Pane = 'runs' | 'log' | 'said' | 'costs';

/** `auto` opened itself on an alert and closes itself with it; `open` follows the selection; `pinned` stays with its run. */
export type LogPane = { is: 'closed' } | { is: 'auto'; run: string; incident: number } | { is: 'open' } | { is: 'pinned'; run: string };

/** How the log pane is looked at. */
export interface LogLook {
  /** The lines as they were when one scrolled back: a log that runs on must not slide away under its reader. null follows. */
  readonly held: { readonly run: string; readonly lines: readonly string[] } | null;
  /** Lines back from the newest of `held`. */
  readonly back: number;
  readonly wrap: boolean;
  /** What is searched for; lower case finds upper case too. */
  readonly find: string;
  readonly finding: boolean;
}

/** `stranger`: an instance of the account that is not ours. */
export type Page = { readonly name: 'home' } | { readonly name: 'run'; readonly run: string; readonly scroll: number } | { readonly name: 'stranger'; readonly instance: number; readonly scroll: number };

export interface Ui {
  readonly size: { readonly columns: number; readonly rows: number };
  readonly page: Page;
  /** What STATUS.md says of the page's run. */
  readonly status: string;
  readonly focus: Pane;
  /** The key of a row: one that moves keeps its selection. */
  readonly selected: string | null;
  /** Index of the first visible row. */
  readonly top: number;
  /** The reasoning log: the item that the cursor stands on (null follows), and the keys of what is unfolded. */
  readonly reading: { readonly at: string | null; readonly unfolded: readonly string[] };
  readonly log: LogPane;
  readonly look: LogLook;
  /** Incidents that have opened the log pane once, as `run:incident`. */
  readonly alerted: readonly string[];
  readonly filter: { readonly text: string; readonly editing: boolean };
  readonly dialog: Dialog | null;
  readonly palette: Palette | null;
  readonly wizard: Wizard;
  /** First line shown of the help overlay; null while it is shut. */
  readonly help: number | null;
  readonly toast: { readonly text: string; readonly bad: boolean; readonly until: number } | null;
  readonly theme: number;
  /** Real-time ms of the last key, and of the last ctrl-c. */
  readonly key_at: number;
  readonly ctrl_c_at: number | null;
  /** Seconds of the program's clock in one real second; and whether everything ends with this screen, as a demo does. */
  readonly pace: number;
  readonly ends: boolean;
  /** The sentence that ends a demo. */
  readonly finished: string | null;
  /** Who has the loops, when it is another process; null: this one. */
  readonly elsewhere: string | null;
}

export function createUi(size: Ui['size'], theme: number): Ui {
  return {
    size,
    page: { name: 'home' },
    status: '',
    focus: 'runs',
    selected: null,
    top: 0,
    reading: { at: null, unfolded: [] },
    log: { is: 'closed' },
    look: { held: null, back: 0, wrap: false, find: '', finding: false },
    alerted: [],
    filter: { text: '', editing: false },
    dialog: null,
    palette: null,
    wizard: NO_WIZARD,
    help: null,
    toast: null,
    theme,
    key_at: Number.NEGATIVE_INFINITY,
    ctrl_c_at: null,
    pace: 1,
    ends: false,
    finished: null,
    elsewhere: null,
  };
}

/** How long an answer stays in the last row, real ms. */
const TOAST_MS = 6_000;
export const withToast = (ui: Ui, text: string, bad: boolean, now: number): Ui => ({ ...ui, toast: { text, bad, until: now + TOAST_MS } });
