/** The loops without a screen or a terminal: what `D` and `--detach` start. It ends by itself when there is nothing left to watch. */
import { LockError } from '../journal/index.ts';
import { openOwner } from './index.ts';
import { createClock } from '../clock.ts';
import { isClosed, runsOf } from '../core/state.ts';
import { EXIT, type ExitCode, type Io } from '../headless/io.ts';
import { onInterrupt } from '../interrupts.ts';

/** Real ms with every run closed and nobody looking on after which it ends; an order may be on its way. */
const IDLE_MS = 30_000;
const LOOK_MS = 1_000;
/** A full disk may be emptied: it comes back to its runs, first soon, then each minute. Real ms. */
const AGAIN_MS = { first: 2_000, longest: 60_000 };

export const BACKGROUND = 'the background process';

export async function backgroundCommand(io: Io, { dir, project, budget }: { dir: string; project: string; budget?: number | undefined }): Promise<ExitCode> {
  const wire = createClock(1);
  const { signal, release } = onInterrupt();
  try {
    let came_up = false;
    for (let wait = AGAIN_MS.first; !signal.aborted; wait = Math.min(AGAIN_MS.longest, wait * 2)) {
      try {
        if ((await watchOn(signal, () => (came_up = true))) === 'over') return EXIT.ok;
        wait = AGAIN_MS.first;
      } catch (error) {
        // What was wrong from the start wants a person; and where another took over, that one watches.
        if (!came_up || error instanceof LockError) throw error;
        io.talk(`${new Date(wire.now()).toISOString()} ${error instanceof Error ? error.message : String(error)}`);
      }
      await wire.sleep(wait, signal);
    }
    return EXIT.ok;
  } finally {
    release();
  }

  /** Resolves when all is over, or it was asked to end. Rejects when the loops cannot go on. */
  async function watchOn(asked: AbortSignal, up: () => void): Promise<'over' | 'stopped'> {
    const owner = await openOwner({ env: process.env, project, stateDir: dir, what: BACKGROUND, budget });
    up();
    let stopped = false;
    const stop = owner.running.finally(() => (stopped = true));
    try {
      for (let idle = 0; idle < IDLE_MS && !asked.aborted && !stopped; await Promise.race([wire.sleep(LOOK_MS, asked), stop])) {
        idle = owner.viewers() === 0 && runsOf(owner.store.getState()).every(isClosed) ? idle + LOOK_MS : 0;
      }
      return stopped && !asked.aborted ? 'stopped' : 'over';
    } finally {
      await owner.leave('closed');
    }
  }
}
