/** One run under a policy that is coded from its published mechanics: a loop over attempts, machines and the owner's looks. */
import { HOUR, PERSON, type Need } from './assumptions.ts';
import { diceOf, type Dice } from './dice.ts';
import { personOf, type Sight } from './person.ts';
import { usefulUsd, type Outcome } from './score.ts';
import { checkpointBefore, hangEnds, outlook, type End, type Fault, type Place } from './track.ts';
import { priceOf, rentalOf, type Fate, type Rental } from './world.ts';

/** What a policy is told of the end of an attempt. */
export interface Event {
  how: Exclude<End['how'], 'done'>;
  at: number;
  fault: Fault | null;
  /** When this attempt's process began, and its first step. */
  startedAt: number;
  trainingAt: number;
  /** Restarts by the policy since a person last touched the run, since the first of them, and for this very fault. */
  restarts: number;
  restartingSince: number;
  sameFault: number;
  dice: Dice;
}

export interface Reaction {
  /** ms until the policy knows; Infinity: only the owner will. */
  seenAfter: number;
  /** ms from then until billing ends, or until the next process starts. */
  after: number;
  then: 'here' | 'elsewhere' | 'stop';
  /** ms that it waits without a box before it rents the next one. */
  wait?: number;
  /** What it did beyond starting again. */
  cures?: readonly Need[];
  usd?: number;
}

export interface Policy {
  name: string;
  words: string;
  cite: string;
  /** May it rent interruptible instances? */
  mayBid: boolean;
  /** ms that an instance may stay in loading before the next one is rented; null: until the owner looks. */
  patience: number | null;
  /** Does the owner, who finds it running, repair it where it is? */
  repairsInPlace: boolean;
  /** Share of the set-up that a fresh box needs. */
  fresh: number;
  foresees?: boolean;
  /** ms from a good end to the end of billing; null: until the owner looks. */
  ends(attempt: { startedAt: number; at: number; dice: Dice }): number | null;
  react(event: Event): Reaction;
  /** When it takes a healthy process for a sick one, epoch ms, and what it does then; `agent` $ for what it looked at until `until`. */
  errs?(attempt: { startedAt: number; trainingAt: number; until: number; dice: Dice }): { at: number; then: 'here' | 'stop' } | null;
  watches?(attempt: { startedAt: number; until: number }): number;
}

/** $ for a million tokens, as for ours: what a policy pays for its model is read back as tokens. */
const USD_PER_MILLION = 0.25;
const MOST_ATTEMPTS = 500;

export function live(fate: Fate, policy: Policy): Outcome {
  const owner = personOf(fate);
  const dice = diceOf(fate.seed, fate.id, 'policy', policy.name);
  const usdPerMs = priceOf(fate, policy.mayBid) / HOUR;
  let [billed, agent, lost, busyKilled, now, position, cured, rented] = [0, 0, 0, 0, fate.launch, 0, 0, 0];
  let [restarts, restartingSince, sameFault] = [0, 0, 0];
  let byPerson = false;
  let billedFrom = now;
  const failures: { at: number; seenAt: number; recoveredAt: number; position: number; key: number }[] = [];
  const stopBilling = (at: number): void => {
    billed += usdPerMs * Math.max(0, at - billedFrom);
    billedFrom = at;
  };
  const rent = (): Place => {
    let rental: Rental;
    for (;;) {
      rental = rentalOf(fate, (rented += 1));
      if (policy.foresees) {
        if (rental.bad || rental.loading === Infinity) continue;
        break;
      }
      if (policy.patience === null && rental.loading === Infinity) {
        now = owner.notices(now, 'ended');
        byPerson = true;
      } else if (rental.loading > (policy.patience ?? Infinity)) now += policy.patience ?? 0;
      else break;
    }
    now += rental.loading;
    billedFrom = now;
    return { rental, upSince: now, absences: { offline: 0, outbid: 0 }, cured: false };
  };

  let place = rent();
  let setup = policy.foresees ? fate.setup : fate.setup * policy.fresh;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const startedAt = now;
    const trainingAt = now + setup;
    const end = outlook(fate, place, policy.mayBid, trainingAt, position, cured);
    const err = policy.errs?.({ startedAt, trainingAt, until: end.at, dice }) ?? null;
    agent += policy.watches?.({ startedAt, until: err?.at ?? end.at }) ?? 0;
    for (const failure of failures) {
      const passed = trainingAt + Math.max(0, failure.position - position);
      if (failure.recoveredAt === 0 && end.position > failure.position && (err === null || passed < err.at)) failure.recoveredAt = passed;
    }
    /** Starts the next attempt from the newest checkpoint before `where`. */
    const again = (where: number, then: 'here' | 'elsewhere', at: number): void => {
      const from = Math.max(position, checkpointBefore(where));
      lost += Math.max(0, where - from);
      position = from;
      now = at;
      if (then === 'here') setup = fate.setup / 2;
      else {
        place = rent();
        // What was lost in the middle of the first set-up has to be set up as a whole.
        setup = fate.setup * (end.at < trainingAt && position === 0 ? 1 : policy.fresh);
      }
    };
    const byOwner = (where: number, from: number, sight: Sight, running: boolean): void => {
      const noticed = owner.notices(from, sight);
      byPerson = true;
      [restarts, sameFault] = [0, 0];
      cured = Math.max(cured, end.fault && end.fault.obstacle >= 0 ? end.fault.obstacle + 1 : cured);
      const stays = running && policy.repairsInPlace && end.fault?.need !== 'host' && end.fault?.obstacle !== -1 && end.how !== 'offline' && end.how !== 'outbid';
      if (running && !stays) stopBilling(noticed);
      if (end.fault?.obstacle === -1) place.cured = true;
      again(where, stays ? 'here' : 'elsewhere', noticed + PERSON.repair);
    };
    const seenFor = (key: number): { at: number; seenAt: number; recoveredAt: number; position: number; key: number } | undefined => failures.find((one) => one.recoveredAt === 0 && one.key === key);

    if (err) {
      busyKilled += 1;
      const reached = Math.max(position, position + err.at - trainingAt);
      if (err.then === 'here') again(reached, 'here', err.at);
      else {
        stopBilling(err.at);
        byPerson = true;
        again(reached, 'elsewhere', owner.notices(err.at, 'ended') + PERSON.repair);
      }
      continue;
    }
    if (end.how === 'done') {
      const over = end.at + fate.results;
      const idle = policy.ends({ startedAt, at: over, dice });
      stopBilling(idle === null ? owner.notices(over, 'ended') : over + idle);
      return { billed, useful: usefulUsd(fate, priceOf(fate, policy.mayBid)), agent, tokens: Math.round((agent / USD_PER_MILLION) * 1e6), finishedAt: over, byPerson, failures, busyKilled, lost };
    }

    const gone = end.how === 'offline' || end.how === 'outbid';
    // The watchdog turns a hang into an exit, ten minutes later.
    const exits = end.how === 'hang' && end.fault ? hangEnds(end.fault) : 0;
    const how = end.how === 'hang' && exits < Infinity ? 'exit' : end.how;
    const eventAt = end.at + (exits < Infinity ? exits : 0);
    const reaction = policy.react({ how, at: eventAt, fault: end.fault, startedAt, trainingAt, restarts, restartingSince, sameFault, dice });
    agent += reaction.usd ?? 0;
    const seenAt = eventAt + reaction.seenAfter;
    if (gone) {
      stopBilling(end.at);
      billedFrom = end.at + (end.absence?.for ?? 0);
    }
    // Nobody's process ends of itself when its numbers are gone, but at its own end.
    const ownEnd = how === 'nan' ? trainingAt + fate.training - position : Infinity;
    const key = end.fault?.obstacle ?? -2;
    const known = seenFor(key);
    if (end.fault && !known) failures.push({ at: end.at, seenAt: 0, recoveredAt: 0, position: end.position, key });
    const told = (at: number): void => {
      const failure = seenFor(key);
      if (failure && failure.seenAt === 0) failure.seenAt = at;
    };

    if (seenAt < Infinity && reaction.then !== 'stop') {
      told(seenAt);
      if (restarts === 0) restartingSince = eventAt;
      restarts += 1;
      sameFault = known ? sameFault + 1 : 1;
      const helps = end.fault !== null && cures(end.fault.need, reaction);
      if (helps && end.fault && end.fault.obstacle >= 0) cured = end.fault.obstacle + 1;
      if (helps && end.fault?.obstacle === -1) place.cured = true;
      if (gone && end.absence) place = { ...place, upSince: end.at + end.absence.for, absences: { ...place.absences, [end.how]: place.absences[end.how === 'offline' ? 'offline' : 'outbid'] + 1 } };
      if (reaction.then === 'elsewhere') stopBilling(seenAt + reaction.after);
      again(end.position, reaction.then, Math.max(seenAt + reaction.after + (reaction.wait ?? 0), gone && reaction.then === 'here' ? billedFrom : 0));
    } else if (seenAt < Infinity) {
      const stopped = seenAt + reaction.after;
      told(seenAt);
      if (!gone || stopped > billedFrom) stopBilling(stopped);
      byOwner(end.position, seenAt, 'ended', false);
    } else {
      const sight: Sight = how === 'hang' || how === 'nan' ? how : 'ended';
      const noticed = owner.notices(eventAt, sight);
      if (noticed > ownEnd) {
        const idle = policy.ends({ startedAt, at: ownEnd, dice });
        stopBilling(idle === null ? owner.notices(ownEnd, 'ended') : ownEnd + idle);
        told(owner.notices(ownEnd, 'ended'));
        byOwner(end.position, ownEnd, 'ended', idle === null);
      } else {
        told(noticed);
        if (gone && noticed < billedFrom) billedFrom = noticed;
        byOwner(end.position, eventAt, sight, true);
      }
    }
  }
  throw new Error(`run ${fate.id} under ${policy.name} does not end`);
}

function cures(need: Need, { then, cures: done = [] }: Reaction): boolean {
  return need === 'rerun' || (need === 'host' && then === 'elsewhere') || done.includes(need);
}
