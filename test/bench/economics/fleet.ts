/** The same fleet under each policy; ours on as many threads as there are cores. */
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { BASE, type Assumptions } from './assumptions.ts';
import { live } from './live.ts';
import { ours } from './ours.ts';
import { oracle, policies } from './policies.ts';
import { figures, type Figures, type Outcome } from './score.ts';
import { fateOf, type Fate } from './world.ts';

export interface FleetOptions {
  seed: number;
  runs: number;
  assumptions: Assumptions;
  /** Text of agents/babysitter.md. */
  agent: string;
  /** The bundle that a thread loads; null: everything on this one. */
  bundle: string | null;
  /** As many as there are cores, when it is not said. */
  threads?: number | undefined;
  /** Outcomes of ours in the fleet with the base assumptions, for runs that they do not touch. */
  known?: readonly Outcome[];
}

export interface Fleet {
  fates: Fate[];
  figures: Figures[];
  /** Waste of an oracle that may not bid, $ per 100. */
  floorOnDemand: number;
  ours: Outcome[];
}

interface Shard {
  shard: true;
  seed: number;
  ids: number[];
  assumptions: Assumptions;
  agent: string;
}

export async function runFleet(options: FleetOptions): Promise<Fleet> {
  const { seed, runs, assumptions, known } = options;
  const fates = Array.from({ length: runs }, (_, id) => fateOf(seed, id, assumptions));
  const own: Outcome[] = [];
  const open: number[] = [];
  for (const { id, obstacles } of fates) {
    const before = known?.[id];
    // Without an obstacle and without a person, nothing that is varied has a part in it.
    if (before && obstacles.length === 0 && !before.byPerson && fateOf(seed, id, BASE).obstacles.length === 0) own[id] = before;
    else open.push(id);
  }
  for (const [id, outcome] of await oursOf(open, options)) own[id] = outcome;
  const floorOnDemand = figures('oracle', fates, fates.map((fate) => live(fate, { ...oracle, mayBid: false }))).waste_per_100;
  return { fates, ours: own, floorOnDemand, figures: [figures('ours', fates, own), ...policies(assumptions).map((policy) => figures(policy.name, fates, fates.map((fate) => live(fate, policy))))] };
}

async function oursOf(ids: number[], { seed, assumptions, agent, bundle, threads: wanted = availableParallelism() }: FleetOptions): Promise<[number, Outcome][]> {
  const threads = bundle === null ? 1 : Math.min(wanted, ids.length);
  if (threads < 2 || bundle === null) return runShard({ shard: true, seed, ids, assumptions, agent });
  const shards = Array.from({ length: threads }, (_, n): Shard => ({ shard: true, seed, ids: ids.filter((__, index) => index % threads === n), assumptions, agent }));
  const done = await Promise.all(
    shards.map(
      (shard) =>
        new Promise<[number, Outcome][]>((resolve, reject) => {
          const worker = new Worker(bundle, { workerData: shard });
          worker.once('message', resolve);
          worker.once('error', reject);
        }),
    ),
  );
  return done.flat();
}

async function runShard({ seed, ids, assumptions, agent }: Shard): Promise<[number, Outcome][]> {
  const outcomes: [number, Outcome][] = [];
  for (const id of ids) outcomes.push([id, await ours(fateOf(seed, id, assumptions), { agent })]);
  return outcomes;
}

/** In a thread that was started for a shard: does it and tells; elsewhere nothing. */
export async function answerAsThread(): Promise<void> {
  const order: unknown = workerData;
  if (isMainThread || typeof order !== 'object' || order === null || !('shard' in order)) return;
  parentPort?.postMessage(await runShard(order as Shard));
}
