/** Drives runs to their end without a screen: prints what happens, and says how it ended. */
import type { Event } from '../core/events.ts';
import { isClosed, type RunState, type World } from '../core/state.ts';
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
  /** What starts it all, once somebody listens; resolves with the runs that must be closed before it is over (none: all). */
  begin: () => Promise<readonly string[]>;
  /** A last look at the outside world once the runs are closed: a reason when something of ours still bills. */
  verify?: () => Promise<string | null>;
  signal: AbortSignal;
}

export async function drive(app: Driven, io: Io, options: DriveOptions): Promise<ExitCode> {
  // What earlier sessions said is in the journal; a person wants to hear what happens now.
  let spoken = app.world().said.at(-1)?.seq ?? 0;
  const tell = (events: readonly Event[]): void => {
    const world = app.world();
    if (options.json) for (const event of events) eventLine(io, event, world);
    else for (const said of world.said) if (said.seq > spoken) saidLine(io, said);
    spoken = Math.max(spoken, world.said.at(-1)?.seq ?? 0);
  };
  // The first line names the runs, so what happens while they are submitted waits for it.
  const early: Event[] = [];
  const hush = app.subscribe((events) => early.push(...events));
  const runs = await options.begin().finally(hush);
  if (options.json) json(io, { type: 'hello', ts: new Date(app.world().now).toISOString(), program: 'vastsit-tui', version: VERSION, runs });
  tell(early);
  const mine = (): RunState[] => Object.values(app.world().runs).filter((run) => runs.length === 0 || runs.includes(run.id));
  let deaf = (): void => undefined;
  const over = new Promise<'closed' | 'interrupted'>((resolve) => {
    const look = (): void => {
      if (mine().length > 0 && mine().every(isClosed)) resolve('closed');
    };
    deaf = app.subscribe((events) => {
      tell(events);
      look();
    });
    options.signal.addEventListener('abort', () => resolve('interrupted'));
    if (options.signal.aborted) resolve('interrupted');
    look();
  });
  // Nothing comes after the result, not even the end of the session.
  const how = await Promise.race([over, app.running.then(() => 'interrupted' as const)]).finally(deaf);
  if (how === 'interrupted') {
    if (options.json) resultLine(io, app.world(), 'interrupted', 'stopped before every run was closed');
    return EXIT.interrupted;
  }
  const bad = mine().filter((run) => run.verdict !== 'done' && run.verdict !== 'early_stopped');
  const billing = (await options.verify?.()) ?? null;
  const reason = billing ?? (bad.length > 0 ? bad.map((run) => `${run.id}: ${run.verdict_reason ?? 'unknown'}`).join('; ') : null);
  if (options.json) resultLine(io, app.world(), reason === null ? 'ok' : 'failed', reason);
  else if (reason !== null) io.talk(reason);
  if (reason === null) return EXIT.ok;
  const all = (verdict: RunState['verdict']): boolean => bad.length > 0 && bad.every((run) => run.verdict === verdict);
  return all('no_offer') ? EXIT.no_offer : all('refused') ? EXIT.refused : EXIT.run_failed;
}
