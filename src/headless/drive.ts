/** Drives runs to their end without a screen: prints what happens, and says how it ended. */
import type { Event } from '../core/events.ts';
import { isClosed, type World } from '../core/state.ts';
import { EXIT, json, type ExitCode, type Io } from './io.ts';
import { eventLine, resultLine, saidLine } from './stream.ts';
import { VERSION } from '../core/version.ts';

export interface Driven {
  world(): World;
  subscribe(listener: (events: readonly Event[]) => void): () => void;
  running: Promise<void>;
}

export interface DriveOptions {
  json: boolean;
  /** Which runs must be closed before it is over; all, when empty. */
  runs: readonly string[];
  /** A last look at the outside world once the runs are closed: a reason when something of ours still bills. */
  verify?: () => Promise<string | null>;
  signal: AbortSignal;
}

export async function drive(app: Driven, io: Io, options: DriveOptions): Promise<ExitCode> {
  let spoken = 0;
  if (options.json) json(io, { type: 'hello', program: 'vastsit-tui', version: VERSION, runs: options.runs });
  const tell = (events: readonly Event[]): void => {
    const world = app.world();
    if (options.json) for (const event of events) eventLine(io, event, world);
    else for (const said of world.said) if (said.seq > spoken) saidLine(io, said);
    spoken = Math.max(spoken, world.said.at(-1)?.seq ?? 0);
  };
  const over = new Promise<'closed' | 'interrupted'>((resolve) => {
    const look = (): void => {
      const wanted = Object.values(app.world().runs).filter((run) => options.runs.length === 0 || options.runs.includes(run.id));
      if (wanted.length > 0 && wanted.every(isClosed)) resolve('closed');
    };
    app.subscribe((events) => {
      tell(events);
      look();
    });
    options.signal.addEventListener('abort', () => resolve('interrupted'));
    look();
  });
  const how = await Promise.race([over, app.running.then(() => 'interrupted' as const)]);
  const world = app.world();
  if (how === 'interrupted') {
    if (options.json) resultLine(io, world, 'interrupted', 'stopped before every run was closed');
    return EXIT.interrupted;
  }
  const mine = Object.values(world.runs).filter((run) => options.runs.length === 0 || options.runs.includes(run.id));
  const bad = mine.filter((run) => run.verdict !== 'done' && run.verdict !== 'early_stopped');
  const billing = (await options.verify?.()) ?? null;
  const reason = billing ?? (bad.length > 0 ? bad.map((run) => `${run.id}: ${run.verdict_reason ?? 'unknown'}`).join('; ') : null);
  if (options.json) resultLine(io, app.world(), reason === null ? 'ok' : 'failed', reason);
  else if (reason !== null) io.talk(reason);
  if (reason === null) return EXIT.ok;
  return bad.length > 0 && bad.every((run) => run.verdict === 'no_offer') ? EXIT.no_offer : EXIT.run_failed;
}
