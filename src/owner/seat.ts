/**
 * Where a cockpit sits: at the loops of its own process, or as a viewer at another's. A viewer takes over when the owner is
 * gone; an owner whose loops cannot go on becomes a viewer, or takes them up again.
 */
import type { AppOptions } from '../app.ts';
import { AttachError, connectOwner, type Connection } from '../attach/index.ts';
import type { Command, CommandAnswer } from '../core/commands.ts';
import type { Clock } from '../core/ports.ts';
import { reduce, tick } from '../core/reduce.ts';
import { LockError } from '../journal/index.ts';
import { openOwner, passOn, startBackground, type OwnerApp } from './index.ts';
import { BACKGROUND } from './background.ts';
import { createWorldStore, type WorldStore } from '../store.ts';

/** Real ms between two looks for an owner, and how long a background process that was announced may take to come up. */
const LOOK_MS = 500;
const HANDOVER_MS = 15_000;

export interface Seat {
  store: WorldStore;
  dispatch: (command: Command) => Promise<CommandAnswer>;
  /** Who has the loops, in words, when it is not this process; null: this one. */
  elsewhere: () => string | null;
  /** Why this screen cannot be left to a background process; null when it can. */
  mayDetach: () => string | null;
  /** Hands the loops to a background process; resolves with who watches on. Rejects when none came up. */
  detach: () => Promise<string>;
  close(): Promise<void>;
}

type Place = { at: 'loops'; app: OwnerApp } | { at: 'viewer'; owner: Connection } | { at: 'nowhere'; why: string };

/** `only` refuses to become the owner at the start: `vastsit-tui attach`. Rejects when neither place can be had. */
export async function takeSeat(options: AppOptions, wire: Clock, only?: 'viewer'): Promise<Seat> {
  const store = createWorldStore(wire.now());
  let place: Place = { at: 'nowhere', why: 'starting' };
  let closed = false;
  const closing = new AbortController();

  const look = async (): Promise<boolean> => {
    const owner = await connectOwner({
      dir: options.stateDir,
      wire,
      wants: 'screen',
      onWorld: (world) => store.setState(world, true),
      onEvents: (events) => store.setState(tick(events.reduce(reduce, store.getState()), wire.now()), true),
    });
    if (owner === null) return false;
    place = { at: 'viewer', owner };
    void owner.ended.then((how) => {
      if (!closed && place.at === 'viewer' && place.owner === owner) void wander(how === 'detached' ? 'the loops move to a background process' : 'the owner is gone', how === 'detached' ? HANDOVER_MS : 0);
    });
    return true;
  };
  const own = async (): Promise<void> => {
    const app = await openOwner(options);
    place = { at: 'loops', app };
    store.setState(app.store.getState(), true);
    const unsubscribe = app.store.subscribe((world) => store.setState(world, true));
    const end = (why: string): void => {
      unsubscribe();
      if (closed || place.at !== 'loops' || place.app !== app) return;
      place = { at: 'nowhere', why };
      void app.leave('closed').catch(() => undefined).then(() => wander(why, 0));
    };
    app.running.then(() => end('another process took over'), (error: unknown) => end(words(error)));
  };
  /** Until there is an owner, whoever that is. */
  const wander = async (why: string, patience: number): Promise<void> => {
    place = { at: 'nowhere', why };
    for (const since = wire.now(); !closed; await wire.sleep(LOOK_MS, closing.signal)) {
      try {
        if (await look()) return;
        if (wire.now() - since < patience) continue;
        await own();
        if (closed) await left();
        return;
      } catch (error) {
        place = { at: 'nowhere', why: error instanceof LockError ? 'the owner does not answer' : words(error) };
      }
    }
  };
  const left = async (): Promise<void> => {
    if (place.at === 'loops') await place.app.leave('closed');
    else if (place.at === 'viewer') place.owner.close();
  };

  if (!(await look())) {
    if (only === 'viewer') throw new AttachError('nobody works in this state directory; `vastsit-tui` opens a cockpit of its own');
    await own().catch(async (error: unknown) => {
      // Whoever has the lock may have been about to listen.
      if (!(error instanceof LockError)) throw error;
      await wire.sleep(LOOK_MS);
      if (!(await look())) throw error;
    });
  }

  return {
    store,
    async dispatch(command) {
      if (place.at === 'nowhere') return { ok: false, why: `nobody has the loops now (${place.why}); try again in a moment` };
      return place.at === 'loops' ? place.app.command(command) : place.owner.order(command);
    },
    elsewhere() {
      if (place.at === 'loops') return null;
      return place.at === 'nowhere' ? `${place.why}; looking for another` : `viewing ${named(place.owner)}`;
    },
    mayDetach() {
      if (place.at === 'nowhere') return `nobody has the loops now (${place.why})`;
      return place.at === 'loops' || place.owner.owner.what === BACKGROUND ? null : `${named(place.owner)} has the loops: press D there`;
    },
    async detach() {
      closed = true;
      closing.abort();
      if (place.at === 'viewer') {
        place.owner.close();
        return named(place.owner);
      }
      const to = { dir: options.stateDir, project: options.project, wire, budget: options.budget };
      const { what, pid } = await (place.at === 'loops' ? passOn(place.app, to) : startBackground(to));
      return `${what} (process ${pid})`;
    },
    async close() {
      if (closed) return;
      closed = true;
      closing.abort();
      await left();
    },
  };
}

const named = ({ owner }: Connection): string => `${owner.what} (process ${owner.pid})`;
const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));
