/** State is nothing but this fold over events. Pure; never throws: an event about something unknown changes nothing. */
import { isDown } from './away.ts';
import { dayOf } from './day.ts';
import type { BodyOf, Event } from './events.ts';
import { accrued, bucketFor, noUsd } from './ledger.ts';
import { bornFrom, labelOf, parseLabel, rateNow, type Instance } from './market.ts';
import { narrate } from './narrate.ts';
import { reduceRun } from './reduce-run.ts';
import type { InstanceState, RunState, World } from './state.ts';

const SAID_KEPT = 400;

export function reduce(world: World, event: Event): World {
  let next: World = { ...world, now: Math.max(world.now, event.at), seq: Math.max(world.seq, event.seq), day: dayOf(world, Math.max(world.now, event.at)) };
  next = reduceFacts(next, event);
  next = reduceRuns(next, event);
  if (event.type !== 'progress' && event.type !== 'log.tail' && event.type !== 'lease.seen') next = reprice(next, event.at);
  const said = narrate(world, next, event);
  return said.length === 0 ? next : { ...next, said: [...next.said, ...said].slice(-SAID_KEPT) };
}

/** Moves time on without an event, so that what is derived from `now` is current. */
export const tick = (world: World, now: number): World => (now <= world.now ? world : { ...world, now });

function reduceFacts(world: World, event: Event): World {
  switch (event.type) {
    case 'session.started':
      return { ...world, started_at: event.at, brain: event.brain ?? null, market: { health: 'unknown', since: event.at, reason: null, list_at: null } };
    case 'account.seen':
      return { ...world, account: { credit_usd: event.credit_usd, email: event.email, at: event.at } };
    case 'fleet.seen':
    case 'fleet.fresh':
      return seeFleet(world, event.instances, event.at);
    case 'fleet.unknown':
      return { ...world, market: { ...world.market, health: 'lost', since: world.market.health === 'lost' ? world.market.since : event.at, reason: event.reason } };
    case 'create.accepted':
      return bornInstance(world, event);
    case 'adopt.intended':
      return patch(world, event.instance, () => ({ adopted: { label: event.label_before } }));
    case 'instance.adopted':
      // What it cost before is none of the run's bill.
      return patch(world, event.instance, () => ({ owner: 'ours', run: event.run, label: labelOf(event.run, event.attempt), usd: noUsd(), since: event.at }));
    case 'instance.given_back':
      return patch(world, event.instance, (one) => ({ ...accrued(one, event.at), owner: 'stranger', run: null, label: one.adopted?.label ?? null, adopted: null }));
    case 'alert.opened':
    case 'alert.closed':
      return event.run === null ? { ...world, credit_alert: { open: event.type === 'alert.opened', words: event.words, changed_at: event.at } } : world;
    case 'machine.remembered':
      return { ...world, machines: { ...world.machines, [event.machine_id]: { reason: event.reason, evidence: event.evidence ?? [], until: event.until } } };
    case 'destroy.intended':
      return patch(world, event.instance, (one) => ({ destroy: one.destroy === 'accepted' ? 'accepted' : 'intended', destroy_gate: event.gate }));
    case 'destroy.accepted':
      return patch(world, event.instance, () => ({ destroy: 'accepted', destroy_at: event.at }));
    case 'stop.intended':
      return patch(world, event.instance, (one) => ({ stop: one.stop === 'accepted' ? 'accepted' : 'intended' }));
    case 'stop.accepted':
      return patch(world, event.instance, () => ({ stop: 'accepted', stop_at: event.at }));
    case 'wake.accepted':
      return patch(world, event.instance, (one) => ({ stop: 'none', stop_at: null, wakes: one.wakes + (works(world, event) ? 0 : 1) }));
    case 'budget.set':
      return { ...world, budget_usd_per_hour: event.usd_per_hour };
    case 'runway.judged':
      return { ...world, runway: event.level };
    case 'instance.absent':
      return patch(world, event.instance, (one) => ({ absent_reads: one.absent_reads + 1 }));
    case 'instance.present':
      return patch(world, event.instance, () => ({ absent_reads: 0, seen_at: event.at }));
    case 'instance.gone':
      return patch(world, event.instance, (one) => ({ ...accrued(one, event.at), rate: 0, gone_at: event.at }));
    case 'prepare.done':
      return patch(world, event.instance, (one) => ({ usd: { ...one.usd, traffic: one.usd.traffic + (event.bytes_up / 1e9) * one.facts.inet_down_cost } }));
    case 'files.home':
      return patch(world, event.instance, (one) => ({ usd: { ...one.usd, traffic: one.usd.traffic + (event.bytes / 1e9) * one.facts.inet_up_cost } }));
    default:
      return world;
  }
}

function reduceRuns(world: World, event: Event): World {
  if (event.type === 'session.started' || event.type === 'fleet.seen' || event.type === 'fleet.fresh') {
    const runs = Object.fromEntries(Object.entries(world.runs).map(([id, run]) => [id, reduceRun(run, event, world)]));
    return { ...world, runs };
  }
  const id = 'run' in event ? event.run : null;
  if (id === null) return world;
  const before = world.runs[id];
  const run = before ? reduceRun(before, event, world) : event.type === 'run.submitted' ? reduceRun(null, event, world) : null;
  return run === null || run === before ? world : { ...world, runs: { ...world.runs, [id]: run } };
}

/** Every instance whose rate or purpose changed has its time up to now folded into the old ones. */
function reprice(world: World, at: number): World {
  let fleet = world.fleet;
  for (const one of Object.values(world.fleet)) {
    if (one.gone_at !== null) continue;
    const run: RunState | null = one.run === null ? null : (world.runs[one.run] ?? null);
    const rate = rateNow(one.facts);
    const bucket = run !== null && run.instance !== one.id && run.renting === null ? 'idle' : bucketFor(run, one.facts);
    if (rate !== one.rate || bucket !== one.bucket) fleet = { ...fleet, [one.id]: { ...accrued(one, at), rate, bucket } };
  }
  return fleet === world.fleet ? world : { ...world, fleet };
}

function seeFleet(world: World, instances: readonly Instance[], at: number): World {
  const fleet: Record<string, InstanceState> = {};
  const seen = new Set(instances.map(({ id }) => id));
  for (const facts of instances) {
    const known = world.fleet[String(facts.id)];
    const mark = parseLabel(facts.label);
    if (known && isAnother(known, facts)) {
      // The ended one keeps its place in the books, under a key that no number of the market's can be.
      fleet[`${known.id}/${known.first_seen}`] = known.gone_at === null ? { ...known, ...accrued(known, at), rate: 0, gone_at: at } : known;
      fleet[facts.id] = newInstance(facts, null, at);
      continue;
    }
    // A label of ours without a run in this journal belongs to another cockpit: shown, never touched.
    const run = known?.owner === 'ours' ? known.run : mark && (world.runs[mark.run]?.instance === facts.id || isLateTwin(world.runs[mark.run], mark.attempt, facts)) ? mark.run : null;
    fleet[facts.id] = known
      ? { ...known, ...(known.owner === 'stranger' && run !== null && { owner: 'ours' as const, run }), facts, label: facts.label, seen_at: at, offline_since: facts.actual_status === 'offline' ? (known.offline_since ?? at) : null, ...(known.stop === 'none' && { stop_at: isDown(facts) ? (known.stop_at ?? at) : null }), absent_reads: 0, gone_at: null }
      : newInstance(facts, run, at);
  }
  for (const [key, known] of Object.entries(world.fleet)) {
    if (key !== String(known.id)) {
      fleet[key] = known;
      continue;
    }
    // A stranger's is dropped, but not one that is being adopted: when it is listed again, it must not pass for one that we made.
    if (seen.has(known.id) || (known.owner === 'stranger' && known.adopted === null && known.gone_at === null)) continue;
    fleet[known.id] = known.gone_at !== null ? known : { ...known, absent_reads: known.absent_reads + 1 };
  }
  return { ...world, fleet, market: { health: 'ok', since: world.market.health === 'ok' ? world.market.since : at, reason: null, list_at: at } };
}

/**
 * An id that was ours, is not under our label, and was gone or is on another machine: the market has given the number to
 * somebody else. One that was adopted and is back under the label that it had before is the same one, in an old list.
 */
const isAnother = (known: InstanceState, facts: Instance): boolean =>
  known.owner === 'ours' && parseLabel(facts.label)?.run !== known.run &&
  ((known.gone_at !== null && (known.adopted === null || facts.label !== known.adopted.label)) || (facts.machine_id > 0 && known.machine_id > 0 && facts.machine_id !== known.machine_id));

/** A second instance under a label that we intended: a create that seemed lost, or was carried out twice. Its birth must fit. */
function isLateTwin(run: RunState | undefined, attempt: number, facts: Instance): boolean {
  const intent = run?.intended.find((one) => one.attempt === attempt);
  return run !== undefined && intent?.unclear === true && run.renting?.attempt !== attempt && bornFrom(facts, intent.at) === true;
}

function bornInstance(world: World, event: BodyOf<'create.accepted'> & { at: number }): World {
  const offer = world.runs[event.run]?.renting?.offer;
  const known = world.fleet[String(event.instance)];
  if (known) return { ...world, fleet: { ...world.fleet, [event.instance]: { ...known, owner: 'ours', run: event.run } } };
  const facts: Instance = {
    id: event.instance,
    machine_id: event.machine_id,
    label: null,
    actual_status: null,
    intended_status: 'running',
    cur_state: 'running',
    next_state: 'running',
    status_msg: null,
    gpu_name: offer?.gpu_name ?? 'GPU',
    num_gpus: offer?.num_gpus ?? 1,
    gpu_ram: 0,
    gpu_util: null,
    gpu_temp: null,
    disk_space: 0,
    disk_usage: null,
    dph_total: offer?.dph_total ?? 0,
    dph_base: offer?.dph_total ?? 0,
    storage_total_cost: 0,
    inet_up_cost: 0,
    inet_down_cost: 0,
    inet_up_billed: null,
    inet_down_billed: null,
    is_bid: false,
    min_bid: null,
    start_date: event.at / 1_000,
    end_date: null,
    ssh_host: null,
    ssh_port: null,
    public_ipaddr: null,
    direct_ssh_port: null,
    geolocation: offer?.geolocation ?? null,
  };
  return { ...world, fleet: { ...world.fleet, [event.instance]: newInstance(facts, event.run, event.at) } };
}

function newInstance(facts: Instance, run: string | null, at: number): InstanceState {
  return {
    id: facts.id,
    machine_id: facts.machine_id,
    label: facts.label,
    owner: run === null ? 'stranger' : 'ours',
    run,
    facts,
    first_seen: at,
    rate: rateNow(facts),
    bucket: run === null ? 'idle' : 'loading',
    since: at,
    usd: noUsd(),
    absent_reads: 0,
    adopted: null,
    destroy: 'none',
    destroy_at: null,
    destroy_gate: null,
    stop: 'none',
    stop_at: null,
    wakes: 0,
    gone_at: null,
    seen_at: at,
    offline_since: facts.actual_status === 'offline' ? at : null,
  };
}

/** Is it started again to train on, and not to fetch results? */
const works = ({ runs }: World, { run, instance }: { run: string; instance: number }): boolean => runs[run]?.verdict === null && runs[run]?.stage !== 'rescuing' && runs[run]?.instance === instance;

function patch(world: World, id: number, change: (one: InstanceState) => Partial<InstanceState>): World {
  const one = world.fleet[String(id)];
  return one ? { ...world, fleet: { ...world.fleet, [id]: { ...one, ...change(one) } } } : world;
}
