/** The living part: one ticker, the screen's memory, and the frame that Ink shows. Everything it decides is decided by pure functions. */
import { createStore } from 'zustand/vanilla';
import type { Command, CommandAnswer } from '../core/commands.ts';
import type { Clock } from '../core/ports.ts';
import type { WorldStore } from '../store.ts';
import type { FrameStore } from './app.tsx';
import { createErrands } from './errands.ts';
import { createKeyReader, type InkKey } from './keys.ts';
import type { Line } from './line.ts';
import { onMouse } from './mouse.ts';
import { onKey, type Effect } from './on-key.ts';
import { alertsOf } from './select.ts';
import { settle } from './settle.ts';
import type { Paint } from './theme.ts';
import { createUi, withToast, type Ui } from './ui.ts';
import { view } from './view.ts';
import type { WizardPorts } from './wizard.ts';

/** Real ms between two draws while nothing happens, and while keys come in or an incident is open. */
const IDLE_MS = 1_000;
const BUSY_MS = 250;
/** Timers fire a little early or late; a second must not be missed for that. */
const SLACK_MS = 20;
/** How long a key keeps the screen at the faster rate. */
const LIVELY_MS = 3_000;

export interface SessionPorts {
  store: WorldStore;
  dispatch(command: Command): Promise<CommandAnswer>;
  /** Real time: redraws, guards, toasts. */
  clock: Clock;
  /** The program's time: money and spans. */
  worldNow(): number;
  size(): Ui['size'];
  paints: readonly { name: string; paint: Paint }[];
  theme: number;
  title: string;
  /** Does everything end with this screen, as a demo does? */
  ends: boolean;
  /** Seconds of the program's clock in one real second. */
  pace: number;
  /** What STATUS.md says of a run; empty when nothing writes one. */
  status(run: string): string;
  /** Who has the loops, when it is another process than this screen's; null: this one. */
  elsewhere(): string | null;
  /** What the launch wizard reads and writes with; null: nothing can be launched from this screen. */
  wizard: WizardPorts | null;
  onEffect(effect: Effect): void;
  onDraw(): void;
}

export interface Session {
  readonly frame: FrameStore;
  press(input: string, key: InkKey): void;
  /** Draws now, with the terminal's present size. */
  draw(): void;
  say(text: string, bad: boolean): void;
  finish(sentence: string): void;
  ui(): Ui;
  close(): void;
}

export function createSession(ports: SessionPorts): Session {
  const { clock, store } = ports;
  const read = createKeyReader();
  const frame: FrameStore = createStore(() => ({ rows: [] as readonly string[] }));
  let ui: Ui = { ...createUi(ports.size(), ports.theme), ends: ports.ends, pace: ports.pace };
  let shown = { at: Number.NEGATIVE_INFINITY, world: 0 };
  let due = Number.POSITIVE_INFINITY;
  let cancel: (() => void) | null = null;
  let closed = false;
  /** What a person sees, and points at. */
  let screen: readonly Line[] = [];

  /** Moves the next draw forward; never backward. */
  const drawWithin = (ms: number): void => {
    const at = clock.now() + ms;
    if (closed || at >= due) return;
    cancel?.();
    due = at;
    cancel = clock.after(ms, draw);
  };

  function draw(): void {
    if (closed) return;
    cancel?.();
    cancel = null;
    due = Number.POSITIVE_INFINITY;
    const world = store.getState();
    const size = ports.size();
    const status = ui.page.name === 'run' ? ports.status(ui.page.run) : '';
    if (status !== ui.status) ui = { ...ui, status };
    ui = settle(size.columns === ui.size.columns && size.rows === ui.size.rows ? ui : { ...ui, size }, world, clock.now());
    ui = { ...ui, elsewhere: ports.elsewhere() };
    // Money and spans move once a second, however often something else is drawn.
    if (clock.now() - shown.at >= IDLE_MS - SLACK_MS) shown = { at: clock.now(), world: ports.worldNow() };
    const paint = ports.paints[ui.theme % ports.paints.length]?.paint;
    screen = view(ui, world, shown.world, ports.title);
    const rows = screen.map((row) => paint?.(row) ?? '');
    const before = frame.getState().rows;
    if (rows.length !== before.length || rows.some((row, index) => row !== before[index])) frame.setState({ rows });
    ports.onDraw();
    errands.look();
    const lively = clock.now() - ui.key_at < LIVELY_MS || alertsOf(world).length > 0;
    drawWithin(lively ? BUSY_MS : IDLE_MS);
  }

  async function send(command: Command): Promise<void> {
    try {
      const answer = await ports.dispatch(command);
      say(answer.ok ? answer.said : answer.why, !answer.ok);
    } catch (error) {
      say(`${command.do} failed: ${error instanceof Error ? error.message : 'no reason given'}`, true);
    }
  }

  function say(text: string, bad: boolean): void {
    ui = withToast(ui, text, bad, clock.now());
    draw();
  }

  const errands = createErrands({
    wizard: ports.wizard,
    clock,
    ui: () => ui,
    become: (next) => {
      ui = next;
      drawWithin(0);
    },
  });
  const unsubscribe = store.subscribe(() => drawWithin(BUSY_MS));
  return {
    frame,
    press(input, key) {
      for (const one of read(input, key)) {
        const theme = ui.theme;
        const pressed = 'mouse' in one ? onMouse(ui, one, screen, store.getState(), clock.now()) : onKey(ui, one, store.getState(), clock.now());
        ui = pressed.ui;
        if (ui.theme !== theme) ui = withToast(ui, `theme ${ports.paints[ui.theme % ports.paints.length]?.name ?? ''}`, false, clock.now());
        if (pressed.command) void send(pressed.command);
        if (pressed.errand) errands.run(pressed.errand);
        if (pressed.effect) ports.onEffect(pressed.effect);
      }
      draw();
    },
    draw,
    say,
    finish(sentence) {
      ui = { ...ui, finished: sentence };
      draw();
    },
    ui: () => ui,
    close() {
      closed = true;
      unsubscribe();
      cancel?.();
    },
  };
}
