/** The owner's days: when they look, and what they see. The same days for each policy. */
import { DAY, HOUR, PERSON } from './assumptions.ts';
import { diceOf } from './dice.ts';
import type { Fate } from './world.ts';

export type Sight = keyof typeof PERSON.sees;

export interface Person {
  /** When the owner has seen what happened at `at`, epoch ms. */
  notices(at: number, what: Sight): number;
}

export function personOf(fate: Fate): Person {
  const dice = diceOf(fate.seed, fate.id, 'person');
  const looks: number[] = [];
  const seen: number[] = [];
  let last = fate.launch;
  const next = (): number => {
    const weekend = (new Date(last).getUTCDay() + 6) % 7 >= 5;
    const look = last + dice.exponential(fate.assumptions.checkEvery * (weekend ? 2 : 1));
    const midnight = Math.floor(last / DAY) * DAY;
    const [up, asleep] = [midnight + PERSON.up, midnight + PERSON.asleep];
    if (last < up) last = up + dice() * HOUR;
    else last = look < asleep ? look : midnight + DAY + PERSON.up + dice() * HOUR;
    looks.push(last);
    seen.push(dice());
    return last;
  };
  return {
    notices(at, what) {
      // Forgotten, it is told of by Vast's own notice after a day.
      const from = at + (fate.forgotten ? PERSON.notice : 0);
      for (let n = 0; ; n += 1) {
        const look = looks[n] ?? next();
        if (look > from && (seen[n] ?? 0) < PERSON.sees[what]) return look;
      }
    },
  };
}

/** 08:00 after the launch. */
export function morningAfter(launch: number): number {
  const today = Math.floor(launch / DAY) * DAY + PERSON.up;
  return launch < today ? today : today + DAY;
}
