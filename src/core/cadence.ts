/**
 * When to look again. Early failures are the common ones, so looks are close at first and sparse later;
 * a pushed event makes an extra check and never moves the next one further away.
 */
import type { Cadence } from './state.ts';

const MINUTE = 60_000;
/** Minutes after the start of the attempt. */
const EARLY = [1, 3, 7, 15];
const STABILIZING = 10 * MINUTE;
const CRUISE = [30 * MINUTE, 45 * MINUTE, 60 * MINUTE];
const ALERT = [2 * MINUTE, 3 * MINUTE, 5 * MINUTE];
const HEALTHY_TO_CRUISE = 2;

export function startCadence(at: number): Cadence {
  return { phase: 'early', index: 0, healthy_in_a_row: 0, started_at: at, next_at: at + (EARLY[0] ?? 1) * MINUTE };
}

/** The cadence after a check that found the run healthy or not, with or without an open incident. */
export function advanceCadence(cadence: Cadence, seen: { healthy: boolean; alert: boolean }, at: number): Cadence {
  const healthy_in_a_row = seen.healthy ? cadence.healthy_in_a_row + 1 : 0;
  const enter = (phase: Cadence['phase'], index: number, next_at: number): Cadence => ({ ...cadence, phase, index, healthy_in_a_row, next_at });
  if (seen.alert || !seen.healthy) {
    const index = cadence.phase === 'alert' ? cadence.index + 1 : 0;
    return enter('alert', index, at + pick(ALERT, index));
  }
  switch (cadence.phase) {
    case 'early': {
      const index = EARLY.findIndex((minutes) => cadence.started_at + minutes * MINUTE > at);
      return index < 0 ? enter('stabilizing', 0, at + STABILIZING) : enter('early', index, cadence.started_at + (EARLY[index] ?? 15) * MINUTE);
    }
    case 'alert':
      return enter('stabilizing', 0, at + STABILIZING);
    case 'stabilizing':
      return healthy_in_a_row >= HEALTHY_TO_CRUISE ? enter('cruise', 0, at + pick(CRUISE, 0)) : enter('stabilizing', 0, at + STABILIZING);
    case 'cruise':
      return enter('cruise', cadence.index + 1, at + pick(CRUISE, cadence.index + 1));
  }
}

const pick = (steps: readonly number[], index: number): number => steps[Math.min(index, steps.length - 1)] ?? STABILIZING;
