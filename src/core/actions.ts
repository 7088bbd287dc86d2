/** What `decide` may want done. `emit` is a conclusion (journaled, no effect); the rest are carried out by the agents. */
import type { Body, CheckReason, RankedOffer, RescueVerdict } from './events.ts';

export type Action =
  | { do: 'emit'; body: Body }
  | { do: 'account' }
  | { do: 'list' }
  | { do: 'confirm_gone'; instance: number; run: string | null }
  | { do: 'search'; run: string }
  | { do: 'create'; run: string; attempt: number; offer: RankedOffer }
  | { do: 'find'; run: string; attempt: number }
  | { do: 'adopt'; run: string; instance: number }
  | { do: 'give_back'; run: string; instance: number }
  | { do: 'prepare'; run: string }
  | { do: 'connect'; run: string }
  | { do: 'start'; run: string; attempt: number }
  | { do: 'follow'; run: string }
  | { do: 'probe'; run: string; why: CheckReason }
  | { do: 'stop_training'; run: string }
  | { do: 'fix'; run: string; command: string }
  | { do: 'consult'; run: string; incident: number; key: string }
  | { do: 'keep_patch'; run: string; patch: number }
  | { do: 'sync'; run: string; final: boolean }
  | { do: 'destroy'; run: string | null; instance: number; gate: Exclude<RescueVerdict, 'unverified'>; reason: string }
  | { do: 'stop'; run: string; instance: number; reason: string }
  | { do: 'wake'; run: string; instance: number; reason: string }
  | { do: 'raise_bid'; run: string; instance: number; from: number; to: number; reason: string }
  | { do: 'salvage'; run: string; instance: number; attempt: number };

export type Effect = Exclude<Action, { do: 'emit' }>;

/** Two effects with one key never run at the same time. */
export function effectKey(effect: Effect): string {
  if ('instance' in effect) return `${effect.do}:${effect.instance}`;
  return 'run' in effect ? `${effect.do}:${effect.run}` : effect.do;
}
