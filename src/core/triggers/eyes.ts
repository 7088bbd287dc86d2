/** What the triggers remember of a run: its checks, its rhythm, and which lines were said. */
import type { Event } from '../events.ts';
import type { RunState } from '../state.ts';
import type { AlertKind, AlertState } from './alerts.ts';
import { listening, NO_RHYTHM, restarted, type Rhythm } from './rhythm.ts';
import { addSample, sampleOf, type CheckSample } from './sample.ts';

export interface Eyes {
  /** Newest last, bounded. */
  samples: CheckSample[];
  rhythm: Rhythm;
  alerts: Partial<Record<AlertKind, AlertState>>;
  /** When the first of the failed probes in a row failed. */
  blind_since: number | null;
  /** dph_total of the offer that was rented. */
  rented_usd: number | null;
}

export const NO_EYES: Eyes = { samples: [], rhythm: NO_RHYTHM, alerts: {}, blind_since: null, rented_usd: null };

/** What an event leaves in memory. `run` is the run before it. */
export function remember(run: RunState, event: Event): Eyes {
  const { eyes } = run;
  switch (event.type) {
    case 'session.started':
    case 'stream.lost':
      return { ...eyes, rhythm: listening(eyes.rhythm, null) };
    case 'stream.opened':
      return { ...eyes, rhythm: listening(eyes.rhythm, event.at) };
    case 'create.accepted':
      // Another box, another price; what the run's pauses are like stays true.
      return { ...NO_EYES, rhythm: restarted(eyes.rhythm), rented_usd: run.renting?.offer.dph_total ?? null };
    case 'process.started':
      return { ...eyes, rhythm: restarted(eyes.rhythm), blind_since: null };
    case 'check.done':
      return { ...eyes, samples: addSample(eyes.samples, sampleOf(event.reading, event.attempt, run.progress?.reading ?? null, event.at)), blind_since: null };
    case 'check.failed':
      return { ...eyes, blind_since: eyes.blind_since ?? event.at };
    case 'alert.opened':
      return { ...eyes, alerts: { ...eyes.alerts, [event.alert]: { open: true, words: event.words, changed_at: event.at } } };
    case 'alert.closed':
      return { ...eyes, alerts: { ...eyes.alerts, [event.alert]: { open: false, words: event.words, changed_at: event.at } } };
    default:
      return eyes;
  }
}

/** The process is over: what it did is told by its end, so its open lines close without a word. */
export function closeLines(eyes: Eyes, at: number): Eyes {
  const open = Object.entries(eyes.alerts).filter(([, state]) => state.open);
  return open.length === 0 ? eyes : { ...eyes, alerts: { ...eyes.alerts, ...Object.fromEntries(open.map(([kind, state]) => [kind, { ...state, open: false, changed_at: at }])) } };
}
