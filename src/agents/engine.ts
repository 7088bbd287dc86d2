/**
 * The loop that both agents live in: read the world, let the pure deciders conclude, carry out what they want,
 * record what came of it, and look again. Nothing here decides; nothing here is remembered that the journal does not know.
 */
import { effectKey, type Action, type Effect } from '../core/actions.ts';
import type { CommandAnswer, RunCommand } from '../core/commands.ts';
import { decideBabysitter } from '../core/decide/babysitter.ts';
import { decideFleet } from '../core/decide/fleet.ts';
import { backoffMs } from '../core/decide/ready.ts';
import { decideRunner } from '../core/decide/runner.ts';
import type { Body } from '../core/events.ts';
import { MarketError, RemoteError, type Facts } from '../core/ports.ts';
import { currentAttempt, isClosed, runsOf, type World } from '../core/state.ts';
import { answerCommand } from './commands.ts';
import type { AgentPorts, Context } from './context.ts';
import { createSessions } from './sessions.ts';
import { perform } from './effects/index.ts';
import { leaseDue, renewLease } from './effects/watch.ts';

/** Real ms between two looks when nothing happens. */
const TICK_MS = 250;
/** One call serves the whole fleet, so it is tried again at least this often: who is blind for long does not see what bills. */
const BLIND_MS = 60_000;
/** One conclusion may lead to the next; a hundred in a row would be a defect, and must not spin. */
const CONCLUSIONS = 100;

export interface Engine {
  /** Runs until `stop`. Rejects only on a defect of our own, such as a journal that cannot be written. */
  run(): Promise<void>;
  /** Looks again now; called after each recorded event. */
  wake(): void;
  command(command: RunCommand): CommandAnswer;
  /** Ends the loop and the sessions; what runs on the boxes goes on. */
  stop(): Promise<void>;
}

const conclusionsOf = (actions: readonly Action[]): Body[] => actions.flatMap((action) => (action.do === 'emit' ? [action.body] : []));

/**
 * Every decision that the world calls for now: the market as a whole, then babysitter and runner for each run. Who has drawn
 * a conclusion has changed the world that the next one would stand on: that one looks again after it.
 */
export function decide(world: World): Action[] {
  const fleet = decideFleet(world);
  if (conclusionsOf(fleet).length > 0) return fleet;
  const open = runsOf(world).filter((run) => !isClosed(run));
  return [
    ...fleet,
    ...open.flatMap((run) => {
      const sitter = decideBabysitter(world, run);
      return conclusionsOf(sitter).length > 0 ? sitter : [...sitter, ...decideRunner(world, run)];
    }),
  ];
}

export function createEngine(ports: AgentPorts): Engine {
  const { clock, wire } = ports;
  /** What cannot be recorded must not be done: the first such failure ends the loop, whoever met it. */
  let broken: { error: unknown } | null = null;
  const mustGoOn = (): void => {
    if (broken !== null) throw broken.error;
  };
  const facts: Facts = {
    world: () => ports.facts.world(),
    record(...bodies) {
      // Not even what came of the failure: a disk that has room again in a moment must not hear of it as the run's.
      mustGoOn();
      try {
        ports.facts.record(...bodies);
      } catch (error) {
        broken ??= { error };
        wake();
        throw error;
      }
    },
  };
  const heard: AgentPorts = { ...ports, facts };
  const context: Context = { ...heard, sessions: createSessions(heard) };
  const flying = new Map<string, Promise<void>>();
  /** Retry gates of effects that belong to no run. */
  const gates = new Map<string, { count: number; until: number }>();
  let stopping = false;
  let woken: (() => void) | null = null;
  let due = false;

  const wake = (): void => {
    due = true;
    woken?.();
  };

  const launch = (key: string, work: () => Promise<void>, failed: (error: unknown) => void): void => {
    if (flying.has(key) || (gates.get(key)?.until ?? 0) > clock.now()) return;
    const before = facts.world();
    const flight = work()
      .then(() => {
        // What worked and changed nothing would be wanted again at once, and again: it waits like a failure.
        if (facts.world() === before) gates.set(key, { count: 1, until: clock.now() + backoffMs(1) });
        else gates.delete(key);
      }, failed)
      .catch((error: unknown) => void (broken ??= { error }))
      .finally(() => {
        flying.delete(key);
        wake();
      });
    flying.set(key, flight);
  };

  /** A connection that broke stays broken: whoever needs the box next opens a new one, and the stream that rode on it is heard again. */
  const reconnect = (run: string, reason: string): void => {
    void context.sessions.drop(run);
    const state = facts.world().runs[run];
    const attempt = state && currentAttempt(state);
    if (attempt && state.stream === 'open') facts.record({ type: 'stream.lost', run, attempt: attempt.number, reason });
  };

  const failed = (effect: Effect) => (error: unknown): void => {
    if (stopping) return;
    const reason = error instanceof Error ? error.message : String(error);
    const run = 'run' in effect ? effect.run : null;
    if (run !== null) {
      if (error instanceof RemoteError && error.failure === 'lost') reconnect(run, reason);
      const count = (facts.world().runs[run]?.backoff[effect.do]?.count ?? 0) + 1;
      return facts.record({ type: 'effect.failed', run, effect: effect.do, reason, retry_at: clock.now() + backoffMs(count) });
    }
    const key = effectKey(effect);
    const count = (gates.get(key)?.count ?? 0) + 1;
    gates.set(key, { count, until: clock.now() + Math.min(BLIND_MS, backoffMs(count)) });
    const { market } = facts.world();
    if (effect.do === 'list' && (market.health !== 'lost' || market.reason !== reason)) facts.record({ type: 'fleet.unknown', failure: error instanceof MarketError ? error.failure : 'unavailable', reason });
  };

  const conclude = (): Effect[] => {
    for (let round = 0; round < CONCLUSIONS; round += 1) {
      const actions = decide({ ...facts.world(), now: clock.now() });
      const conclusions = conclusionsOf(actions);
      if (conclusions.length === 0) return actions.filter((action): action is Effect => action.do !== 'emit');
      facts.record(...conclusions);
    }
    throw new Error('the deciders do not come to rest; this is a defect, please report it with `vastsit-tui journal`');
  };

  return {
    wake,
    command: (command) => answerCommand(context, command),
    async run() {
      while (!stopping) {
        due = false;
        for (const effect of conclude()) launch(effectKey(effect), () => perform(context, effect), failed(effect));
        for (const run of runsOf(facts.world())) {
          // A lease that cannot be renewed is not a failure of the run: the next look tries again.
          if (leaseDue(context, run)) launch(`renew:${run.id}`, () => renewLease(context, run), () => gates.set(`renew:${run.id}`, { count: 1, until: clock.now() + backoffMs(3) }));
        }
        mustGoOn();
        if (due) continue;
        await new Promise<void>((resolve) => {
          const cancel = wire.after(TICK_MS, resolve);
          woken = () => {
            cancel();
            resolve();
          };
        });
        woken = null;
      }
    },
    async stop() {
      stopping = true;
      wake();
      await context.sessions.closeAll();
    },
  };
}
