/**
 * May this order be given now, and what does it become? Pure: the world and the order in, events or a refusal in words out.
 * The same answer holds for a key, the command line and the property tests; effects check again at their own edge.
 */
import { actionWords } from './brain/proposal.ts';
import { mostBid, specBid } from './budget.ts';
import type { RunCommand } from './commands.ts';
import type { Body } from './events.ts';
import { runCost } from './ledger.ts';
import { span } from './line.ts';
import { commandProblems } from './spec.ts';
import { instanceOf, isAway, isClosed, type InstanceState, type RunState, type World } from './state.ts';
import { killCriterion } from './triggers/market.ts';

/** A hold always ends; longer than this must be approved again. */
export const LONGEST_HOLD_MIN = 24 * 60;
/** How long a machine that the user left is not rented again. */
const LEFT_MS = 24 * 3_600_000;
/** Longest command line that a box is given. */
const LONGEST_COMMAND = 4_000;

export type OrderAnswer = { ok: true; said: string; events: Body[] } | { ok: false; why: string };
type Order = Exclude<RunCommand, { do: 'check' }>;
type Of<T extends Order['do']> = Extract<Order, { do: T }>;

const no = (why: string): OrderAnswer => ({ ok: false, why });
const yes = (said: string, ...events: Body[]): OrderAnswer => ({ ok: true, said, events });

/** `scale`: seconds of the program's clock in one real second; a grace is counted in real ones. */
export function answerOrder(world: World, order: Order, now: number, scale: number): OrderAnswer {
  const run = world.runs[order.run];
  if (!run) return no(`there is no run ${order.run}; \`vastsit-tui status\` lists them`);
  const instance = instanceOf(world, run);
  if (isClosed(run) && !instance) return no(`${run.id} is closed and nothing of it bills`);
  switch (order.do) {
    case 'destroy': {
      const grace_s = order.grace_s ?? 0;
      const words = order.waive ? 'now' : 'once its results are home';
      if (grace_s <= 0) return yes(`${run.id} will be destroyed ${words}`, { type: 'user.destroy', run: run.id, waive: order.waive });
      return yes(`${run.id} will be destroyed ${words}, in ${Math.ceil(grace_s)} s; until then it can be called back`, { type: 'user.destroy', run: run.id, waive: order.waive, until: now + grace_s * 1_000 * scale });
    }
    case 'recall':
      if (run.destroy_pending) return yes(`the destroy of ${run.id} is called back`, { type: 'user.recall', run: run.id });
      return no(run.destroy_ordered ? `the destroy of ${run.id} is under way and cannot be called back any more` : `no destroy of ${run.id} was ordered`);
    case 'hold':
      if (!(order.minutes > 0 && order.minutes <= LONGEST_HOLD_MIN)) return no(`a hold lasts between 1 minute and ${LONGEST_HOLD_MIN / 60} hours`);
      if (!instance) return no(`${run.id} has no instance to hold`);
      if (isClosed(run)) return no(`${run.id} is over, and its instance is kept until you say otherwise; there is nothing to hold`);
      return yes(`${run.id} is held for ${span(order.minutes * 60_000)} at $${instance.rate.toFixed(2)}/h`, { type: 'user.hold', run: run.id, until: now + order.minutes * 60_000, reason: order.reason || 'debugging' });
    case 'release':
      return run.hold ? yes(`${run.id} is released`, { type: 'user.release', run: run.id }) : no(`${run.id} is not held`);
    case 'keep':
      return yes(order.keep ? `the instance of ${run.id} will be kept, and bill on` : `the instance of ${run.id} follows the teardown policy again`, { type: 'user.keep', run: run.id, keep: order.keep });
    case 'approve':
    case 'refuse': {
      const { consult } = run.brain;
      if (consult.stage !== 'pending') return no(`${run.id} asks nothing`);
      return yes(`${actionWords(consult.proposal.action)}: ${order.do === 'approve' ? 'approved' : 'refused'}`, { type: order.do === 'approve' ? 'user.approved' : 'user.refused', run: run.id, key: consult.key });
    }
    case 'relaunch':
      return relaunch(world, run, instance, order, now);
    case 'switch':
      return switchAway(run, instance, now);
    case 'raise_bid':
      return raiseBid(world, run, instance, order.usd_per_hour);
  }
}

/** Why nothing may begin anew on this run's instance; null when it may. */
function busy(run: RunState, instance: InstanceState | null): string | null {
  if (run.destroy_pending) return `a destroy of ${run.id} waits its grace; call it back first`;
  if (run.destroy_ordered || (instance && instance.destroy !== 'none')) return `${run.id} is being destroyed`;
  if (run.stage === 'starting') return `${run.id} is just starting; order it again when it trains`;
  if (run.stage === 'repairing') return `a repair of ${run.id} is under way; order it again when that has worked or failed`;
  return null;
}

function relaunch(world: World, run: RunState, instance: InstanceState | null, order: Of<'relaunch'>, now: number): OrderAnswer {
  const stop = busy(run, instance);
  if (stop !== null) return no(stop);
  if (run.verdict !== null && !instance) return no(`${run.id} is over and has no instance any more; launch its spec again`);
  if (instance && instance.stop !== 'none') return no(`instance ${instance.id} is stopped; destroy it, or launch the spec again`);
  if (isAway(run)) return no(`instance ${run.instance ?? ''} is out of reach; switch goes on elsewhere`);
  const spent = killCriterion(run, runCost(world, run, now).usd, now);
  if (spent !== null) return no(`${spent}; a relaunch would end at once. Launch the spec again with a larger kill limit`);
  const command = order.command?.trim() ?? run.spec.run;
  const resume = order.resume?.trim() ?? run.spec.checkpoints?.resume ?? null;
  if (order.resume !== undefined && !run.spec.checkpoints) return no('the spec declares no checkpoints, so there is nothing to resume from');
  if (command === '' || resume === '') return no('a command must not be empty');
  if (command.length > LONGEST_COMMAND || (resume?.length ?? 0) > LONGEST_COMMAND) return no(`a command has at most ${LONGEST_COMMAND} characters`);
  const [problem] = commandProblems({ run: command, knobs: run.spec.knobs, checkpoints: run.spec.checkpoints && resume !== null ? { ...run.spec.checkpoints, resume } : run.spec.checkpoints });
  if (problem) return no(`${problem.field}: ${problem.expected}`);
  const edited = command !== run.spec.run || resume !== (run.spec.checkpoints?.resume ?? null);
  return yes(`${run.id} is launched again${edited ? ' with the edited command' : ''}`, { type: 'user.relaunch', run: run.id, command, resume });
}

function switchAway(run: RunState, instance: InstanceState | null, now: number): OrderAnswer {
  const stop = busy(run, instance);
  if (stop !== null) return no(stop);
  if (run.verdict !== null) return no(`${run.id} is over; relaunch it here, or launch its spec again`);
  if (!instance || run.stage === 'searching' || run.stage === 'renting') return no(`${run.id} has no instance yet`);
  if (run.stage === 'rescuing' || run.stage === 'tearing_down') return no(`${run.id} leaves instance ${instance.id} already`);
  if (run.hold) return no(`${run.id} is held; release it first`);
  return yes(`${run.id} goes on on another machine, once what is new is home`, { type: 'user.switch', run: run.id, machine_id: instance.machine_id }, { type: 'machine.remembered', machine_id: instance.machine_id, run: run.id, reason: 'the user left it', until: now + LEFT_MS });
}

function raiseBid(world: World, run: RunState, instance: InstanceState | null, usd: number): OrderAnswer {
  if (!instance || isClosed(run) || instance.owner !== 'ours' || instance.destroy !== 'none') return no(`${run.id} has no instance to bid for`);
  const { facts } = instance;
  if (!facts.is_bid) return no(`instance ${instance.id} is rented on demand; there is nothing to bid`);
  if (!Number.isFinite(usd) || usd <= facts.dph_base) return no(`the bid is $${facts.dph_base.toFixed(3)}/h already; name a higher one`);
  const cap = run.spec.hardware.max_usd_per_hour;
  const most = specBid(world, run, instance);
  if (usd > most) return no(`$${usd.toFixed(3)}/h and $${(cap - most).toFixed(3)}/h for the disk and the planned traffic are above the spec's cap of $${cap.toFixed(2)}/h`);
  const over = usd - mostBid(world, run, instance);
  const limit = world.budget_usd_per_hour ?? 0;
  if (over > 0) return no(`the fleet may burn $${limit.toFixed(2)}/h, and with this bid it would be $${(limit + over).toFixed(2)}/h`);
  return yes(`the bid of ${run.id} goes from $${facts.dph_base.toFixed(3)} to $${usd.toFixed(3)}/h`, { type: 'user.bid', run: run.id, instance: instance.id, usd_per_hour: usd });
}
