/** Money: what an instance has cost so far and what it bought. All pure, from the rates and buckets that `reduce` keeps. */
import { isDown } from './away.ts';
import { rateNow, type Instance } from './market.ts';
import { fleetOf, instanceOf, runsOf, type Bucket, type InstanceState, type RunState, type World } from './state.ts';

const HOUR = 3_600_000;
/** Billed dollars by what they bought; `wasted` and `productive` are what people ask for. */
export interface Cost {
  usd: number;
  productive: number;
  /** Loading, idle and repeated work: dollars that bought nothing. The next three are its parts. */
  wasted: number;
  loading: number;
  idle: number;
  /** Known of a run, not of one instance: training that did again what was done before. */
  repeats: number;
  setup: number;
  rescue: number;
  hold: number;
  traffic: number;
  /** What the language model cost; of a run or the fleet, never of an instance. */
  model: number;
}

export const noUsd = (): InstanceState['usd'] => ({ loading: 0, setup: 0, productive: 0, idle: 0, rescue: 0, hold: 0, traffic: 0 });

/** The bill of one instance at `now`, to the moment, without asking anyone. */
export function costOf(instance: InstanceState, now: number): Cost {
  const usd = accrued(instance, now).usd;
  return {
    usd: usd.loading + usd.setup + usd.productive + usd.idle + usd.rescue + usd.hold + usd.traffic,
    productive: usd.productive,
    wasted: usd.loading + usd.idle,
    loading: usd.loading,
    idle: usd.idle,
    repeats: 0,
    setup: usd.setup,
    rescue: usd.rescue,
    hold: usd.hold,
    traffic: usd.traffic,
    model: 0,
  };
}

/** Folds the time since the last change into its bucket. */
export function accrued(instance: InstanceState, now: number): InstanceState {
  if (now <= instance.since) return instance;
  const usd = { ...instance.usd };
  usd[instance.bucket] += (instance.rate * (now - instance.since)) / HOUR;
  return { ...instance, usd, since: now };
}

/** What the instance's next second will be spent on. Without a run (a stranger's) there is no opinion: idle. */
export function bucketFor(run: RunState | null, facts: Instance): Bucket {
  if (!run) return 'idle';
  if (run.hold && run.stage !== 'training') return 'hold';
  switch (run.stage) {
    case 'searching':
    case 'renting':
    case 'loading':
      return 'loading';
    case 'connecting':
    case 'preparing':
    case 'starting':
      return 'setup';
    case 'training':
      return facts.actual_status === 'running' && !run.incident?.diagnosis.trigger.match(/exited|died|stalled|idle|offline|stopped/) ? 'productive' : 'idle';
    case 'rescuing':
      return 'rescue';
    case 'ended':
    case 'repairing':
    case 'tearing_down':
    case 'closed':
      return 'idle';
  }
}

/** $/h right now; an instance that two reads call gone costs nothing. */
export const burnOf = (instance: InstanceState): number => (instance.gone_at === null ? instance.rate : 0);

export { rateNow };

/** Dollars that a run has cost, all-in: on all its instances, stopped ones too, with traffic, and for the language model. */
export function runCost(world: World, run: RunState, now = world.now): Cost {
  const cost = sum([...fleetOf(world).filter((instance) => instance.run === run.id).map((instance) => costOf(instance, now)), ...returned([run])]);
  return withModel(moved(cost, cost.productive * stepShares(run).repeated), [run]);
}

/** What adopted instances had cost when they were given back: from then on they are none of ours. */
const returned = (runs: readonly RunState[]): Cost[] => runs.flatMap((run) => (run.returned ? [run.returned] : []));

/** Repeated work was paid as productive, and bought nothing. */
const moved = (cost: Cost, repeats: number): Cost => ({ ...cost, productive: cost.productive - repeats, wasted: cost.wasted + repeats, repeats });

/**
 * Shares (0 to 1) of all steps that a run has trained: those that an earlier attempt had done already, and those that resumes
 * did not have to do again because a copy of the work was safe. The second may exceed 1: each resume saves all before it.
 */
export function stepShares(run: Pick<RunState, 'attempts'>): { repeated: number; saved: number } {
  let [trained, repeated, saved, best] = [0, 0, 0, 0];
  for (const { first_step, last_step, resume_step } of run.attempts) {
    if (first_step === null || last_step === null) continue;
    const from = Math.min(resume_step ?? first_step - 1, first_step - 1);
    trained += Math.max(0, last_step - from);
    repeated += Math.max(0, Math.min(last_step, best) - from);
    if (best > 0) saved += Math.max(0, Math.min(from, best));
    best = Math.max(best, last_step);
  }
  return trained === 0 ? { repeated: 0, saved: 0 } : { repeated: repeated / trained, saved: saved / trained };
}

const withModel = (cost: Cost, runs: readonly RunState[]): Cost => {
  const model = runs.reduce((total, { brain }) => total + brain.usage.usd, 0);
  return { ...cost, usd: cost.usd + model, model };
};

/** What an instance costs while the gate to its end is shut. */
export interface Waiting {
  instance: number;
  usd: number;
  usd_per_hour: number;
  /** What the spec does each time that it has cost `cap_usd` once more. */
  cap_usd: number;
  then: 'stop' | 'ask';
  /** Stopped: the disk alone bills, and it is started now and then to fetch what it holds. */
  stopped: boolean;
  why: string;
}

/** The price of waiting for results that are not verified at home; null while nothing waits. */
export function waitingOf(world: World, run: RunState, now: number): Waiting | null {
  const instance = instanceOf(world, run);
  if (run.rescue?.verdict !== 'unverified' || !instance || instance.gone_at !== null) return null;
  const { wait_usd, wait_then } = run.spec.teardown;
  return { instance: instance.id, usd: costOf(instance, now).rescue, usd_per_hour: instance.rate, cap_usd: wait_usd, then: wait_then, stopped: instance.stop !== 'none' || isDown(instance.facts), why: run.rescue.reason };
}

/** One line of it, for screens and files; `reason` is cleaned by whoever prints. */
export const waitingWords = ({ usd, usd_per_hour, cap_usd, then, stopped }: Waiting): string =>
  `waiting for results has cost $${usd.toFixed(3)} and costs $${usd_per_hour.toFixed(3)}/h${stopped ? ' for the disk' : `; each $${cap_usd} it is ${then === 'stop' ? 'stopped' : 'asked about'}`}`;

/** Header figures. `runway_h` is null while the credit is unknown or nothing burns. */
export interface Totals extends Cost {
  burn_usd_per_hour: number;
  strangers_usd_per_hour: number;
  credit_usd: number | null;
  runway_h: number | null;
  /** What the work had cost that resumes did not have to do again. */
  rescued: number;
}

/** $/h that our instances and strangers' on the same account burn, and the hours that the credit lasts; cheap enough for each look. */
export function burnRates(world: World): Pick<Totals, 'burn_usd_per_hour' | 'strangers_usd_per_hour' | 'runway_h'> {
  const of = (owner: InstanceState['owner']): number => fleetOf(world).reduce((total, one) => total + (one.owner === owner ? burnOf(one) : 0), 0);
  const [burn, strangers, credit] = [of('ours'), of('stranger'), world.account?.credit_usd];
  // A stranger's instance drains the same credit.
  return { burn_usd_per_hour: burn, strangers_usd_per_hour: strangers, runway_h: credit === undefined || burn + strangers <= 0 ? null : credit / (burn + strangers) };
}

export function totals(world: World, now = world.now): Totals {
  const ours = fleetOf(world).filter((instance) => instance.owner === 'ours');
  let [repeats, rescued] = [0, 0];
  const worked = new Map<string, number>();
  for (const { run, usd, bucket, rate, since } of ours) {
    if (run !== null) worked.set(run, (worked.get(run) ?? 0) + usd.productive + (bucket === 'productive' && now > since ? (rate * (now - since)) / HOUR : 0));
  }
  for (const run of runsOf(world)) if (run.returned) worked.set(run.id, (worked.get(run.id) ?? 0) + run.returned.productive);
  for (const [id, productive] of worked) {
    const run = world.runs[id];
    const { repeated, saved } = run ? stepShares(run) : { repeated: 0, saved: 0 };
    repeats += productive * repeated;
    rescued += productive * saved;
  }
  return {
    ...withModel(moved(sum([...ours.map((instance) => costOf(instance, now)), ...returned(runsOf(world))]), repeats), runsOf(world)),
    ...burnRates(world),
    credit_usd: world.account?.credit_usd ?? null,
    rescued,
  };
}

function sum(costs: readonly Cost[]): Cost {
  const total: Cost = { usd: 0, productive: 0, wasted: 0, loading: 0, idle: 0, repeats: 0, setup: 0, rescue: 0, hold: 0, traffic: 0, model: 0 };
  for (const cost of costs) for (const key of Object.keys(total) as (keyof Cost)[]) total[key] += cost[key];
  return total;
}
