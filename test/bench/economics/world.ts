/** What will happen to one run, whoever watches it: its job, its obstacles, the machines that it will meet, and its owner's days. */
import { BASE, BIDS, CARDS, CHECKPOINT_EVERY, CLASSES, CURES, DAY, DURATION, EVALUATION, FORGOTTEN, GPUS, HOSTS, HOUR, LAUNCH, MINUTE, RESULTS, SETUP, SPINS, STEP, type Assumptions, type FailureClass, type Need } from './assumptions.ts';
import { diceOf, type Dice } from './dice.ts';

export type Card = keyof typeof CARDS;

/** How a log tells of a failure; see logs.ts. */
export type LogKind =
  | 'module' | 'type' | 'key' | 'file' | 'os' | 'name' | 'argument' | 'auth'
  | 'oom' | 'killed' | 'worker' | 'disk' | 'hub' | 'reset' | 'write'
  | 'driver' | 'init' | 'nccl_init' | 'xid' | 'illegal' | 'nccl' | 'watchdog' | 'silent' | 'nan';

/** A place on the way through the training that nobody gets past without its cure. */
export interface Obstacle {
  of: FailureClass;
  /** ms of training. */
  position: number;
  how: 'exit' | 'hang' | 'nan';
  /** A hang that shows full utilisation. */
  spins: boolean;
  /** A hang that the collective watchdog ends after 10 min. */
  watchdog: boolean;
  need: Need;
  log: LogKind;
}

/** One machine's part in the run's life. Times in ms since the container came up, where nothing else is said. */
export interface Rental {
  /** Until the container is up; Infinity: it never is. */
  loading: number;
  bad: { how: 'exit' | 'hang'; need: Need; spins: boolean; watchdog: boolean } | null;
  /** The `n`th time that its host goes offline, or that the rental is outbid: after so long since it (last) came up. */
  offline(n: number): Absence;
  outbid(n: number): Absence & { newFloor: number };
  breaksAt: number;
  taken: boolean;
}

export interface Absence {
  after: number;
  for: number;
}

export interface Fate {
  id: number;
  seed: number;
  /** Epoch ms; the owner lives in UTC. */
  launch: number;
  card: Card;
  gpus: number;
  /** $/h on demand, for all its GPUs. */
  onDemand: number;
  bid: boolean;
  /** ms. */
  training: number;
  setup: number;
  results: number;
  step: number;
  evaluation: number;
  obstacles: readonly Obstacle[];
  forgotten: boolean;
  assumptions: Assumptions;
}

/** A Monday. */
const WEEK = Date.UTC(2026, 5, 1);

export function fateOf(seed: number, id: number, assumptions: Assumptions = BASE): Fate {
  const dice = diceOf(seed, id, 'job');
  const gpus = Number(dice.pick({ '1': GPUS[1], '2': GPUS[2], '4': GPUS[4], '8': GPUS[8] }));
  const card = dice.pick(Object.fromEntries(Object.entries(CARDS).map(([name, { mix }]) => [name, mix])) as Record<Card, number>);
  const [low, mode, high] = CARDS[card].usd;
  const training = cut(dice, gpus === 8 ? DURATION.eight : DURATION.small);
  const hour = { day: [9, 18], evening: [18, 24], night: [0, 9] }[dice.pick(LAUNCH)] as [number, number];
  return {
    id,
    seed,
    launch: Math.round(WEEK + Math.floor(dice() * 7) * DAY + dice.between(...hour) * HOUR),
    card,
    gpus,
    onDemand: gpus * dice.triangular(low, mode, high),
    bid: dice.chance(BIDS.share),
    training,
    setup: Math.min(SETUP.most, dice.lognormal(SETUP.median, SETUP.sigma)),
    results: Math.min(RESULTS.most, dice.lognormal(RESULTS.median, RESULTS.sigma)),
    step: cut(dice, STEP),
    evaluation: Math.min(EVALUATION.most, dice.lognormal(EVALUATION.median, EVALUATION.sigma)),
    forgotten: dice.chance(FORGOTTEN),
    obstacles: obstaclesOf(seed, id, gpus, training, assumptions),
    assumptions,
  };
}

/** $/h that the run pays where it may bid for it. */
export const priceOf = (fate: Fate, mayBid = true): number => (fate.bid && mayBid ? BIDS.price : 1) * fate.onDemand;

const cut = (dice: Dice, { median, sigma, least, most }: { median: number; sigma: number; least: number; most: number }): number => Math.min(most, Math.max(least, dice.lognormal(median, sigma)));

const MOST_OBSTACLES = 6;

/** Each attempt at what is left of the job may fail anew: an obstacle after the other, as long as they come before the end. */
function obstaclesOf(seed: number, id: number, gpus: number, training: number, assumptions: Assumptions): Obstacle[] {
  const found: Obstacle[] = [];
  let from = 0;
  for (let n = 0; n < MOST_OBSTACLES; n += 1) {
    const dice = diceOf(seed, id, 'obstacle', n);
    if (dice() >= assumptions.failureShare) break;
    const one = obstacle(dice, gpus, from, training, assumptions);
    if (one.position >= training) break;
    found.push(one);
    from = one.position;
  }
  return found;
}

function obstacle(dice: Dice, gpus: number, from: number, training: number, assumptions: Assumptions): Obstacle {
  const of = dice.pick(classesOf(assumptions));
  const left = training - from;
  const hangs = of === 'hang' || (of === 'ram_disk' && dice.chance(1 / 3));
  const [after, log] = timing(of, dice, gpus, left);
  const need = dice.pick(curesOf(of, assumptions));
  const spins = of === 'hang' && gpus > 1 && dice.chance(SPINS);
  const watchdog = dice.chance(assumptions.watchdog) && spins;
  return { of, position: Math.max(1_000, from + after), how: of === 'nan' ? 'nan' : hangs ? 'hang' : 'exit', spins, watchdog, need, log: of === 'script' ? scriptLog(need, dice) : watchdog ? 'watchdog' : log };
}

function classesOf({ hangShare }: Assumptions): Record<FailureClass, number> {
  const rest = (1 - hangShare) / (1 - CLASSES.hang);
  return Object.fromEntries(Object.entries(CLASSES).map(([name, share]) => [name, name === 'hang' ? hangShare : share * rest])) as Record<FailureClass, number>;
}

/** With a share of reruns given, each class moves towards it by the same part of what is left. */
function curesOf(of: FailureClass, { rerunShare, hangShare }: Assumptions): Record<Need, number> {
  const cures = CURES[of];
  if (rerunShare === null) return cures;
  const mean = Object.entries(classesOf({ ...BASE, hangShare })).reduce((sum, [name, share]) => sum + share * CURES[name as FailureClass].rerun, 0);
  const part = (100 * rerunShare - mean) / (100 - mean);
  return Object.fromEntries(Object.entries(cures).map(([need, share]) => [need, need === 'rerun' ? share + part * (100 - share) : share * (1 - part)])) as Record<Need, number>;
}

/** ms from the start of this attempt's training, and what the log will say. */
function timing(of: FailureClass, dice: Dice, gpus: number, left: number): [number, LogKind] {
  switch (of) {
    case 'script':
      return [dice.lognormal(1.5 * MINUTE, 1.6), 'type'];
    case 'gpu_oom':
      return [dice.chance(0.6) ? dice.lognormal(5 * MINUTE, 1) : dice.lognormal(60 * MINUTE, 1.2), 'oom'];
    case 'ram_disk':
      return [dice.lognormal(60 * MINUTE, 1.5), dice.pick({ killed: 1, worker: 1, disk: 1 })];
    case 'checkpoint':
      // Geometric, 4.5 checkpoints on average.
      return [CHECKPOINT_EVERY * (1 + Math.floor(Math.log(1 - dice()) / Math.log(1 - 1 / 4.5))), dice.pick({ hub: 1, reset: 1, write: 1 })];
    case 'cuda':
      return dice.chance(0.5) ? [dice.lognormal(MINUTE, 0.8), dice.pick({ driver: 1, init: 1, nccl_init: gpus > 1 ? 1 : 0 })] : [dice.exponential(400 * MINUTE), dice.pick({ xid: 1, illegal: 1, nccl: gpus > 1 ? 1 : 0 })];
    case 'hang':
      return [dice.chance(0.25) ? dice.lognormal(2 * MINUTE, 0.8) : dice() * left, 'silent'];
    case 'nan':
      return [dice() * 0.6 * left, 'nan'];
    case 'unknown':
      return [dice() * left, 'silent'];
  }
}

/** Acme's counts of script errors, split by what they need: an argument is a setting, a refusal is its owner's to lift. */
function scriptLog(need: Need, dice: Dice): LogKind {
  if (need === 'config') return dice.pick({ argument: 1, file: 1 });
  if (need === 'person') return dice.pick({ auth: 1, os: 1, file: 1 });
  return dice.pick({ file: 568, os: 266, type: 620, name: 28, module: 111, key: 283 });
}

/** The machine that a run rents as its `index`th, the same for each policy. */
export function rentalOf(fate: Fate, index: number): Rental {
  const dice = diceOf(fate.seed, fate.id, 'rental', index);
  const loading = dice();
  const reliability = HOSTS.reliability[Math.floor(dice() * HOSTS.reliability.length)] ?? 0.98;
  const spins = dice.chance(SPINS) && fate.gpus > 1;
  const bad = dice.chance(HOSTS.badAtStart) ? { how: dice.chance(HOSTS.badHangs) ? ('hang' as const) : ('exit' as const), need: dice.pick(CURES.bad_host), spins, watchdog: spins && dice.chance(fate.assumptions.watchdog) } : null;
  const never = loading >= HOSTS.loading.soon + HOSTS.loading.late;
  return {
    loading: Math.round(never ? Infinity : loading < HOSTS.loading.soon ? dice.between(0.5, 5) * MINUTE : dice.between(5, 25) * MINUTE),
    bad,
    breaksAt: dice.exponential(HOSTS.breaks / fate.gpus),
    taken: dice.chance(HOSTS.taken),
    offline: (n) => {
      const again = diceOf(fate.seed, fate.id, 'offline', index, n);
      return { after: again.exponential((2 * HOUR * reliability) / (1 - reliability)), for: again.exponential(HOSTS.outage) };
    },
    outbid: (n) => {
      const again = diceOf(fate.seed, fate.id, 'outbid', index, n);
      // A price falls again after as long as an outage; the new floor is over the old bid.
      return { after: again.weibull(HOSTS.bidLife.mean, HOSTS.bidLife.shape), for: again.exponential(HOSTS.outage), newFloor: again.between(...HOSTS.newFloor) };
    },
  };
}
