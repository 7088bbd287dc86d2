/** The physics that each policy meets: how far an attempt gets on a machine before something ends it. */
import { CHECKPOINT_EVERY, WATCHDOG_AFTER, type Need } from './assumptions.ts';
import type { Absence, Fate, Obstacle, Rental } from './world.ts';

/** What stands in the way of an attempt: an obstacle of the job, or the machine's own fault. */
export interface Fault {
  /** Index of the obstacle; -1 for a fault of the machine. */
  obstacle: number;
  how: Obstacle['how'];
  spins: boolean;
  watchdog: boolean;
  need: Need;
  log: Obstacle['log'];
}

export interface End {
  how: 'done' | 'exit' | 'hang' | 'nan' | 'offline' | 'outbid';
  /** Epoch ms. */
  at: number;
  /** ms of training. */
  position: number;
  fault: Fault | null;
  absence: (Absence & { newFloor: number }) | null;
}

/** A box as the attempt finds it: which rental, since when up, how often away before, and whether its own fault is cured. */
export interface Place {
  rental: Rental;
  upSince: number;
  absences: { offline: number; outbid: number };
  cured: boolean;
}

/** What an attempt comes to, if nobody touches it. `trainingAt`: when the first step is made; `cured`: obstacles that are behind it. */
export function outlook(fate: Fate, place: Place, mayBid: boolean, trainingAt: number, position: number, cured: number): End {
  const { rental, upSince, absences } = place;
  const ends: End[] = [{ how: 'done', at: trainingAt + fate.training - position, position: fate.training, fault: null, absence: null }];
  const at = (stop: number, end: Omit<End, 'at' | 'position'>, where = position + stop - trainingAt): void => {
    ends.push({ ...end, at: stop, position: Math.max(position, where) });
  };
  const obstacle = fate.obstacles[cured];
  // A checkpoint written behind an obstacle does not help over it: what is wrong is wrong in it too.
  if (obstacle) at(trainingAt + Math.max(0, obstacle.position - position), { how: obstacle.how, fault: { obstacle: cured, ...obstacle }, absence: null });
  if (rental.bad && !place.cured) at(trainingAt, { how: rental.bad.how, fault: { obstacle: -1, log: 'init', ...rental.bad }, absence: null });
  at(Math.max(trainingAt, upSince + rental.breaksAt), { how: 'exit', fault: { obstacle: -1, how: 'exit', spins: false, watchdog: false, need: 'host', log: 'xid' }, absence: null });
  const offline = rental.offline(absences.offline);
  at(Math.max(upSince + offline.after, upSince), { how: 'offline', fault: null, absence: { ...offline, newFloor: 0 } });
  if (fate.bid && mayBid) {
    const outbid = rental.outbid(absences.outbid);
    at(upSince + outbid.after, { how: 'outbid', fault: null, absence: outbid });
  }
  return ends.reduce((first, end) => (end.at < first.at ? end : first));
}

/** Where the process of a hang ends by itself, ms after it; Infinity: it does not. */
export const hangEnds = ({ watchdog }: Fault): number => (watchdog ? WATCHDOG_AFTER : Infinity);

/** The newest checkpoint that was written on the way to `position`. */
export const checkpointBefore = (position: number): number => Math.floor(position / CHECKPOINT_EVERY) * CHECKPOINT_EVERY;
