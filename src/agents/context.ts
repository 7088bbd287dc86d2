/** What every effect is given: the ports, the facts, and the open sessions. */
import type { Clock, Facts, Home, Market, Remote } from '../core/ports.ts';
import type { InstanceState, RunState } from '../core/state.ts';
import type { AgentFile } from './brain/agent-files.ts';
import type { Model } from './brain/model.ts';
import type { Sessions } from './sessions.ts';

/** The language model behind the babysitter, with its mandate and limits. */
export interface BrainPort {
  model: Model;
  agent: AgentFile;
  /** Masks every secret that the program knows, and the shapes of others. */
  redact: (text: string) => string;
  /** Aborted when the program ends: nothing is asked or recorded after it. */
  closing: AbortSignal;
}

export interface AgentPorts {
  /** The program's time: cadence, deadlines, prices. */
  clock: Clock;
  /** Real time: throttles and pauses that protect this machine. */
  wire: Clock;
  facts: Facts;
  market: Market;
  remote: Remote;
  home: Home;
  /** The value of a secret at home, by the name that the spec gives; undefined when it is not set. */
  secret(name: string): string | undefined;
  /** Seconds of the sentinel's lease, renewed at a third of it; 900 unless a rehearsal wants it short. */
  lease_s?: number;
  /** Absent or null: the rules do the whole job. */
  brain?: BrainPort | null;
}

export interface Context extends AgentPorts {
  sessions: Sessions;
}

/** The run of an effect. Throws when it is unknown: an effect without its run is a defect, and the engine tells it. */
export function runOf(context: Context, id: string): RunState {
  const run = context.facts.world().runs[id];
  if (!run) throw new Error(`no run ${id}`);
  return run;
}

export function instanceOfRun(context: Context, run: RunState): InstanceState {
  const instance = run.instance === null ? undefined : context.facts.world().fleet[String(run.instance)];
  if (!instance) throw new Error(`run ${run.id} has no instance`);
  return instance;
}

/** For callbacks that nobody waits for: what could not be recorded has ended the engine already, and must not end the process. */
export function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // The engine has it.
  }
}
