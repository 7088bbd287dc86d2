/** Effects on the market. Intent first, outcome after; what is unclear is settled by reading, never by trying again. */
import type { Effect } from '../../core/actions.ts';
import { mostBid, refuseRent } from '../../core/budget.ts';
import { bornFrom, labelOf, type Instance } from '../../core/market.ts';
import { findOffers } from '../../core/offers.ts';
import { MarketError } from '../../core/ports.ts';
import { instanceOfRun, runOf, type Context } from '../context.ts';
import { refuseAdopt, refuseDestroy, refuseTouch } from '../guard.ts';

type Of<T extends Effect['do']> = Extract<Effect, { do: T }>;

/** Runs at every container start: keeps Vast's tmux from swallowing our commands, and has a box that was stopped or rebooted guarded again before anybody connects. */
export const ONSTART = 'touch ~/.no_auto_tmux\nfor s in ~/vastsit/*/.vastsit/sentinel.sh; do if [ -f "$s" ]; then sh "$s" revive; fi; done';
const LIST_LAG_MS = 20_000;
const REFUSED_ALL_MS = 60_000;

export async function account(context: Context): Promise<void> {
  const seen = await context.market.account();
  context.facts.record({ type: 'account.seen', credit_usd: seen.credit, email: seen.email });
}

export async function list(context: Context): Promise<void> {
  await seeAll(context);
}

/** One good list, recorded for everybody: no second call is needed for what it tells. */
async function seeAll(context: Context): Promise<Instance[]> {
  const instances = await context.market.list();
  context.facts.record({ type: differs(context, instances) ? 'fleet.seen' : 'fleet.fresh', instances });
  return instances;
}

/** Everything but readings that change all the time. */
const material = (one: Instance): string =>
  JSON.stringify([one.id, one.label, one.actual_status, one.intended_status, one.cur_state, one.dph_total, one.storage_total_cost, one.ssh_host, one.ssh_port, one.direct_ssh_port, one.public_ipaddr]);

function differs(context: Context, instances: readonly Instance[]): boolean {
  const world = context.facts.world();
  if (world.market.health !== 'ok') return true;
  const known = Object.values(world.fleet).filter((one) => one.gone_at === null);
  if (Object.values(world.runs).some((run) => run.stage === 'loading' && instances.some((one) => one.id === run.instance && one.actual_status === 'running'))) return true;
  const now = new Map(instances.map((one) => [one.id, material(one)]));
  return known.length !== instances.length || known.some((one) => one.absent_reads > 0 || now.get(one.id) !== material(one.facts));
}

export async function confirmGone(context: Context, effect: Of<'confirm_gone'>): Promise<void> {
  const found = await context.market.show(effect.instance);
  context.facts.record({ type: found === null ? 'instance.absent' : 'instance.present', instance: effect.instance });
}

export async function search(context: Context, effect: Of<'search'>): Promise<void> {
  const { spec } = runOf(context, effect.run);
  const found = await findOffers(spec, context.market, context.facts.world().machines, context.clock.now());
  context.facts.record({ type: 'offers.ranked', run: effect.run, ...found });
}

export async function create(context: Context, effect: Of<'create'>): Promise<void> {
  const { spec } = runOf(context, effect.run);
  const { run, attempt, offer } = effect;
  const label = labelOf(run, attempt);
  // Several launches may have been decided on in one look: each reserves before the next is allowed.
  const unaffordable = refuseRent(context.facts.world(), runOf(context, run), offer.all_in_usd_per_hour);
  if (unaffordable !== null) throw new Error(unaffordable);
  const bid = spec.market === 'on-demand' ? null : spec.market.bid;
  context.facts.record({ type: 'create.intended', run, attempt, offer, label, bid_usd_per_hour: bid });
  try {
    const made = await context.market.create(offer.offer_id, { image: spec.image, disk_gb: spec.hardware.disk_gb, label, bid_usd_per_hour: bid, env: {}, onstart: ONSTART });
    context.facts.record({ type: 'create.accepted', run, attempt, instance: made.new_contract, machine_id: offer.machine_id });
    await attachKey(context, made.new_contract);
  } catch (error) {
    if (!(error instanceof MarketError)) throw error;
    const zombie = error.detail.new_contract;
    if (zombie !== undefined) {
      // Refused, and yet something was made: it is ours to end.
      context.facts.record(
        { type: 'create.accepted', run, attempt, instance: zombie, machine_id: offer.machine_id },
        { type: 'launch.given_up', run, instance: zombie, machine_id: offer.machine_id, reason: error.message },
      );
    } else if (error.failure === 'unclear' || error.failure === 'unavailable' || error.failure === 'malformed') {
      context.facts.record({ type: 'create.unclear', run, attempt, reason: error.message });
    } else {
      context.facts.record({ type: 'create.refused', run, attempt, offer_id: offer.offer_id, failure: error.failure, reason: error.message });
      // Not this offer's fault: the next one would be refused as well.
      if (error.failure !== 'offer_gone' && error.failure !== 'invalid') context.facts.record({ type: 'effect.failed', run, effect: 'create', reason: error.message, retry_at: context.clock.now() + REFUSED_ALL_MS });
    }
  }
}

export async function adopt(context: Context, effect: Of<'adopt'>): Promise<void> {
  const { run, instance } = effect;
  const world = context.facts.world();
  const one = world.fleet[String(instance)];
  const no = refuseAdopt(world, instance, run);
  if (no !== null || !one) {
    context.facts.record({ type: 'refused', actor: 'runner', run, what: `adopting instance ${instance}`, why: no ?? 'it is not on the account' });
    throw new Error(no ?? 'it is not on the account');
  }
  const attempt = 1;
  const label = labelOf(run, attempt);
  context.facts.record({ type: 'adopt.intended', run, attempt, instance, label, label_before: one.adopted ? one.adopted.label : one.label === label ? null : one.label });
  await context.market.label(instance, label);
  // The run may have been called off meanwhile: then the instance was never ours.
  if (runOf(context, run).verdict !== null) return giveBack(context, { do: 'give_back', run, instance });
  context.facts.record({ type: 'instance.adopted', run, attempt, instance, machine_id: one.machine_id });
  await attachKey(context, instance);
}

export async function giveBack(context: Context, effect: Of<'give_back'>): Promise<void> {
  const { run, instance } = effect;
  const one = context.facts.world().fleet[String(instance)];
  const label = one?.adopted?.label ?? '';
  // A try whose answer was lost may have given it back: then no guard of ours lets us near it. A list may be older than that: it is asked.
  if (one?.adopted && one.label === label && (await context.market.show(instance))?.label === label) return context.facts.record({ type: 'instance.given_back', run, instance });
  if (runOf(context, run).adopting !== instance) allow(context, 'giving back', effect);
  context.facts.record({ type: 'give_back.intended', run, instance, label });
  await context.market.label(instance, label);
  context.facts.record({ type: 'instance.given_back', run, instance });
}

/** Best effort: `connect` attaches it again when the box still refuses the key. */
async function attachKey(context: Context, instance: number): Promise<void> {
  await context.market.attachKey(instance, await context.remote.publicKey()).catch(() => undefined);
}

export async function find(context: Context, effect: Of<'find'>): Promise<void> {
  const { run, attempt } = effect;
  const label = labelOf(run, attempt);
  const listed = await seeAll(context);
  const { runs, fleet } = context.facts.world();
  const intent = runs[run]?.intended.find((one) => one.attempt === attempt);
  // Another cockpit may use the same name: what was there before our intent, or was born at another time, is not ours.
  const mine = (one: Instance): boolean => one.label === label && intent !== undefined && bornFrom(one, intent.at) !== false && (fleet[String(one.id)]?.first_seen ?? intent.at) >= intent.at;
  const found = listed.filter(mine);
  const [first] = found.sort((a, b) => a.id - b.id);
  if (first) {
    context.facts.record({ type: 'create.accepted', run, attempt, instance: first.id, machine_id: first.machine_id });
    await attachKey(context, first.id);
    return;
  }
  context.facts.record({ type: 'create.absent', run, attempt }, { type: 'effect.failed', run, effect: 'find', reason: 'the label is not listed', retry_at: context.clock.now() + LIST_LAG_MS });
}

export async function destroy(context: Context, effect: Of<'destroy'>): Promise<void> {
  const { run, instance, gate, reason } = effect;
  const no = refuseDestroy(context.facts.world(), instance, run, gate);
  if (no !== null) {
    context.facts.record({ type: 'refused', actor: 'babysitter', run, what: `destroying instance ${instance}`, why: no });
    throw new Error(no);
  }
  context.facts.record({ type: 'destroy.intended', run, instance, gate, reason });
  await context.market.destroy(instance);
  context.facts.record({ type: 'destroy.accepted', instance });
}

export async function stop(context: Context, effect: Of<'stop'>): Promise<void> {
  const { run, instance, reason } = effect;
  allow(context, 'stopping', effect);
  if (context.facts.world().fleet[String(instance)]?.adopted) throw new Error('it was adopted: only the user stops it');
  context.facts.record({ type: 'stop.intended', run, instance, reason });
  await context.market.setState(instance, 'stopped');
  context.facts.record({ type: 'stop.accepted', instance });
}

/** Asks for a stopped instance to run again; whether it does is the market's to say. */
export async function wake(context: Context, effect: Of<'wake'>): Promise<void> {
  const { run, instance, reason } = effect;
  allow(context, 'starting', effect);
  context.facts.record({ type: 'wake.intended', run, instance, reason });
  await context.market.setState(instance, 'running');
  context.facts.record({ type: 'wake.accepted', run, instance });
}

export async function raiseBid(context: Context, effect: Of<'raise_bid'>): Promise<void> {
  const { run, instance, from, to, reason } = effect;
  allow(context, 'raising the bid of', effect);
  const state = runOf(context, run);
  if (to > mostBid(context.facts.world(), state, instanceOfRun(context, state))) throw new Error(`a bid of $${to}/h, with its disk and the planned traffic, is above the price cap of the spec or the fleet's budget`);
  context.facts.record({ type: 'bid.intended', run, instance, from, to, reason });
  await context.market.changeBid(instance, to);
  context.facts.record({ type: 'bid.raised', run, instance, usd_per_hour: to });
}

function allow(context: Context, what: string, { run, instance }: { run: string; instance: number }): void {
  const no = refuseTouch(context.facts.world(), instance, run);
  if (no === null) return;
  context.facts.record({ type: 'refused', actor: 'babysitter', run, what: `${what} instance ${instance}`, why: no });
  throw new Error(no);
}
