/**
 * The eleven invariants of the design, judged by what really happened: at the ports, where money and data are touched, and
 * after every step. `model.violations` holds what was broken, with the number of its invariant.
 */
import { BOUNDS, ROUTES, RUNGS } from '../../../src/core/ladder.ts';
import type { Body, Remedy } from '../../../src/core/events.ts';
import { reduction } from '../../../src/core/knobs.ts';
import { runCost } from '../../../src/core/ledger.ts';
import type { CreateRequest, StartOrder } from '../../../src/core/ports.ts';
import { runsOf, type RunState } from '../../../src/core/state.ts';
import type { SimBox } from './box.ts';
import type { Model } from './index.ts';
import { BRAIN, HOSTILE } from './sayings.ts';

const HOUR = 3_600_000;
/** What two attempts, the market's back-off and a step of the model may take on top of a limit. */
const SLACK_MS = 1.5 * HOUR;

/** The credit counts as running out below so many hours. */
const LAST_HOURS = 3.6;
/** How long a stall may take to be told from a long step, and a repair to come to its end. */
const STILL_MS = 2 * HOUR;
/** What ends as soon as it can be reached is over so long after everything answers. */
const SOON_MS = 20 * 60_000;

const broken = (model: Model, invariant: number, words: string): void => void model.violations.push({ rule: `${invariant}: ${words}`, at: model.now });
const intended = (model: Model, fits: (body: Body) => boolean): boolean => model.events.some(fits);
/** The first is at hand as the newest: looked for from the end. */
const lately = (model: Model, fits: (body: Body) => boolean): boolean => model.events.slice(-400).some(fits) || intended(model, fits);
const spent = (run: RunState) => [...run.incidents, ...(run.incident ? [run.incident] : [])].flatMap((incident) => incident.remedies.map(({ remedy, at }) => ({ remedy, at, fingerprint: incident.diagnosis.fingerprint, outside: incident.diagnosis.cause === 'preempted' || left(remedy) })));
/** It goes on elsewhere because its instance went away. */
const left = (remedy: Remedy): boolean => remedy.rung === 'switch' && remedy.leave === true;

/** 8: what is not ours is not touched. */
export function touch(model: Model, id: number, what: string): void {
  if (model.others.has(id)) broken(model, 8, `${what} an instance that is not ours`);
}

export function create(model: Model, request: CreateRequest): void {
  model.creates += 1;
  model.rented.set(request.label, (model.rented.get(request.label) ?? 0) + 1);
  if ((model.rented.get(request.label) ?? 0) > 1) broken(model, 6, `${request.label} was asked for twice`);
  if (!lately(model, (body) => body.type === 'create.intended' && body.label === request.label)) broken(model, 6, 'a create without its intent in the journal');
  const told = model.events.filter((body) => 'run' in body && body.run === request.label.split(':')[1] && body.type.startsWith('create.')).map(({ type }) => type);
  const since = told.slice(told.lastIndexOf('create.unclear') + 1);
  if (told.includes('create.unclear') && !since.includes('create.accepted') && since.filter((type) => type === 'create.absent').length < 2) broken(model, 6, 'an unclear create is tried again before two lists have settled it');
  if (model.secret !== null && JSON.stringify(request).includes(model.secret)) broken(model, 10, 'a secret goes through the market');
}

export function start(model: Model, box: SimBox, order: StartOrder): void {
  command(model, order.command);
  if (!lately(model, (body) => body.type === 'start.intended' && body.run === order.run && body.attempt === order.attempt)) broken(model, 6, 'a start without its intent in the journal');
  const newest = model.newest.get(order.run);
  if (newest && (order.attempt < newest.attempt || (order.attempt === newest.attempt && newest.box !== box.instance.id))) broken(model, 4, `attempt ${order.attempt} of ${order.run} starts although ${newest.attempt} was started`);
  model.newest.set(order.run, { attempt: order.attempt, box: box.instance.id });
  if (!model.began.has(order.run)) model.began.set(order.run, model.now);
}

/** 11 and 10: no word of a log, and no secret, is in a command. */
export function command(model: Model, text: string): void {
  if (text.includes(HOSTILE)) broken(model, 11, `a log's own words are run: ${text.slice(0, 120)}`);
  if (model.secret !== null && text.includes(model.secret)) broken(model, 10, 'a secret is in an argument list');
}

export function destroy(model: Model, id: number): void {
  touch(model, id, 'destroying');
  const box = model.boxes.get(id);
  const run = box && model.world.runs[box.run];
  if (!lately(model, (body) => body.type === 'destroy.intended' && body.instance === id)) broken(model, 6, 'a destroy without its intent in the journal');
  if (!box?.exists || !run) return;
  if (model.strangers.includes(id) && run.destroy_ordered === null) broken(model, 8, 'an instance that was adopted is ended without an order');
  alive(model, box, run, 'destroyed');
  const left = run.left.some((one) => one.instance === id);
  const copy = left && (run.verdict === 'done' || run.verdict === 'early_stopped') && run.rescue?.verdict === 'verified';
  if (!box.started || run.destroy_ordered?.waive || copy) return;
  const saved = new Set(model.home.values());
  const steps = [...box.files.values()].filter(({ path }) => path.startsWith('ckpt/')).sort((a, b) => Number(/(\d+)/.exec(b.path)?.[0]) - Number(/(\d+)/.exec(a.path)?.[0]));
  const wanted = [...steps.slice(0, 2), ...[...box.files.values()].filter(({ path }) => path.startsWith('out/'))];
  for (const file of wanted) if (!saved.has(file.sha256)) broken(model, 2, `${file.path} is destroyed with its instance, and nowhere else`);
}

/** An adopted instance is the user's: it is given back, with nothing of ours that runs on. */
export function label(model: Model, id: number, text: string): void {
  touch(model, id, 'labelling');
  const box = model.boxes.get(id);
  // By who gives it back, not by its label: that may be the user's again, from an answer that was lost.
  const run = model.events.flatMap((body) => (body.type === 'give_back.intended' && body.instance === id ? (model.world.runs[body.run] ?? []) : [])).at(-1);
  if (!lately(model, (body) => (body.type === 'adopt.intended' || body.type === 'give_back.intended') && body.instance === id && body.label === text)) broken(model, 6, 'a label without its intent in the journal');
  if (box?.process && !box.process.hung && text === 'mine' && !run?.destroy_ordered?.waive) broken(model, 1, 'given back with a training that goes on');
}

function alive(model: Model, box: SimBox, run: RunState, what: string): void {
  if (!box.process || box.process.hung) return;
  // What is cut off and left behind is a copy of a run whose later attempt reached its end.
  const copy = run.verdict === 'done' && run.rescue?.verdict === 'verified' && run.left.some((one) => one.instance === box.instance.id);
  if (!copy && run.destroy_ordered === null && run.verdict !== 'killed_by_criterion') broken(model, 1, `a live and advancing run is ${what}`);
}

export function setState(model: Model, id: number, state: 'running' | 'stopped'): void {
  touch(model, id, 'setting the state of');
  if (model.strangers.includes(id) && state === 'stopped') broken(model, 8, 'an instance that was adopted is stopped');
  const box = model.boxes.get(id);
  const run = box && model.world.runs[box.run];
  if (!lately(model, (body) => body.type === (state === 'stopped' ? 'stop.intended' : 'wake.intended') && body.instance === id)) broken(model, 6, `a change to ${state} without its intent in the journal`);
  if (box && run && state === 'stopped' && !run.left.some(({ instance }) => instance === id)) alive(model, box, run, 'stopped');
}

export function bid(model: Model, id: number, usd: number): void {
  touch(model, id, 'bidding for');
  const run = model.world.runs[model.boxes.get(id)?.run ?? ''];
  if (!lately(model, (body) => body.type === 'bid.intended' && body.instance === id)) broken(model, 6, 'a bid without its intent in the journal');
  if (usd + (model.boxes.get(id)?.instance.storage_total_cost ?? 0) > (run?.spec.hardware.max_usd_per_hour ?? 0) + 1e-9) broken(model, 5, 'a bid above the price cap');
}

/** What the market really said: only that may count as a read. */
export function listed(model: Model, ids: readonly number[]): void {
  model.answers = [...model.answers, ids.join()].slice(-8);
}

export function shown(model: Model, id: number, there: boolean): void {
  if (!there) model.denied.add(id);
}

function seen(model: Model, instances: readonly { id: number }[]): void {
  const ids = new Set(instances.map(({ id }) => id));
  if (!model.toldByTest && !model.answers.includes([...ids].join())) broken(model, 7, 'a list counts that the market never gave');
  for (const id of model.boxes.keys()) model.absent.set(id, ids.has(id) ? 0 : (model.absent.get(id) ?? 0) + 1);
}

/** What an event says, against what is; called before it is folded in. */
export function event(model: Model, body: Body): void {
  switch (body.type) {
    case 'fleet.seen':
    case 'fleet.fresh':
      return seen(model, body.instances);
    case 'instance.present':
      return void model.absent.set(body.instance, 0);
    case 'instance.absent':
      if (!model.denied.delete(body.instance)) broken(model, 7, `instance ${body.instance} counts as absent, and nobody said so`);
      return void model.absent.set(body.instance, (model.absent.get(body.instance) ?? 0) + 1);
    case 'instance.gone':
      if ((model.absent.get(body.instance) ?? 0) < 2) broken(model, 2, `instance ${body.instance} counts as gone after fewer than two reads`);
      return;
    case 'process.exited': {
      const run = model.world.runs[body.run];
      const box = run?.instance == null ? undefined : model.boxes.get(run.instance);
      if (box?.exists && box.process?.attempt === body.attempt && !model.toldByTest) broken(model, 7, 'a living process counts as dead');
      return;
    }
    case 'start.intended':
      if (intended(model, (one) => one.type === 'process.started' && one.run === body.run && one.attempt >= body.attempt)) broken(model, 4, `attempt ${body.attempt} of ${body.run} is started anew`);
      return;
    case 'run.ended':
      if (body.verdict === 'failed' && advancing(model, body.run)) broken(model, 1, `${body.run} is given up while it trains`);
      if (body.verdict === 'killed_by_criterion' && !exhausted(model, body.run)) broken(model, 1, `${body.run} is ended by a criterion that it does not meet`);
      return;
    case 'incident.opened':
    case 'incident.recurred': {
      const run = model.world.runs[body.run];
      if (run && /stalled|idle/.test(body.diagnosis.trigger) && run.failed_checks > 0) broken(model, 7, 'a failed look counts as a look');
      return;
    }
    case 'remedy.chosen':
      return remedy(model, body);
    default:
      return;
  }
}

function advancing(model: Model, id: string): boolean {
  const box = model.boxes.get(model.world.runs[id]?.instance ?? 0);
  return box?.process != null && !box.process.hung && box.reachable(model.now);
}

/** 1: is the run's money, its time or the account's credit really at its end? */
function exhausted(model: Model, id: string): boolean {
  const run = model.world.runs[id];
  if (!run) return false;
  const { dollars, hours } = run.spec.kill;
  const burn = model.listed().reduce((sum, { dph_total }) => sum + dph_total, 0);
  return runCost(model.world, run, model.now).usd >= dollars || model.now - (model.began.get(id) ?? model.now) >= hours * HOUR || model.credit / burn < LAST_HOURS;
}

/** It advances on a host that really slows it down, and goes on elsewhere. */
function slowed(model: Model, run: RunState): boolean {
  const box = run.instance === null ? undefined : model.boxes.get(run.instance);
  return run.incident?.diagnosis.trigger === 'throughput_low' && box !== undefined && model.throttles(box);
}

/** 5: bounds, and one rung at a time. */
function remedy(model: Model, { run: id, remedy: next }: Extract<Body, { type: 'remedy.chosen' }>): void {
  const run = model.world.runs[id];
  const incident = run?.incident;
  if (!run || !incident) return;
  const { cause, fingerprint } = incident.diagnosis;
  if (!left(next) && advancing(model, id) && !slowed(model, run)) broken(model, 1, `${next.rung} is chosen for ${id} while it trains`);
  const outside = cause === 'preempted' || left(next);
  const before = spent(run).filter((one) => one.outside === outside);
  const fruitless = before.filter(({ at }) => at > (run.checkpoint?.at ?? 0)).length;
  const usd = runCost(model.world, run, model.now).usd - (run.checkpoint?.usd ?? 0);
  if (fruitless >= 2 && usd > BOUNDS.share_without_checkpoint * run.spec.kill.dollars + 0.1 && next.rung !== 'switch') broken(model, 5, `$${usd.toFixed(2)} without a checkpoint, and another repair`);
  // An instance that went away leaves no choice, and is no failure of the run.
  if (outside) {
    if (fruitless >= BOUNDS.interruptions) broken(model, 5, `more than ${BOUNDS.interruptions} starts after interruptions of ${id} without a checkpoint`);
    return;
  }
  if (before.length >= BOUNDS.per_run) broken(model, 5, `more than ${BOUNDS.per_run} repairs in ${id}`);
  if (before.filter((one) => one.remedy.rung === next.rung).length >= BOUNDS.per_rung[next.rung]) broken(model, 5, `${next.rung} too often in ${id}`);
  if (before.filter((one) => one.fingerprint === fingerprint).length >= BOUNDS.per_fingerprint) broken(model, 5, `${fingerprint} was repaired too often in ${id}`);
  // A model's proposal is bound by the guard.
  const last = incident.remedies.at(-1)?.remedy;
  if (run.brain.consults > 0) return;
  if (last && RUNGS.indexOf(next.rung) < RUNGS.indexOf(last.rung)) broken(model, 5, `down from ${last.rung} to ${next.rung}`);
  const from = last ? RUNGS.indexOf(last.rung) + 1 : 0;
  const skipped = ROUTES[cause].filter((rung) => RUNGS.indexOf(rung) >= from && RUNGS.indexOf(rung) < RUNGS.indexOf(next.rung) && before.filter((one) => one.remedy.rung === rung).length < BOUNDS.per_rung[rung]);
  for (const rung of skipped) {
    if (rung === 'rerun' || (rung === 'reduce' && reduction(run.spec, run.knobs, cause))) broken(model, 5, `${rung} was left out on the way to ${next.rung}`);
  }
}

/** What must hold at every moment. */
export function always(model: Model, ms: number): void {
  const live = new Map<string, number>();
  for (const box of model.boxes.values()) {
    const run = model.world.runs[box.run];
    if (!run || !box.reachable(model.now)) continue;
    const left = run.left.some((one) => one.instance === box.instance.id);
    if (box.process && !left) live.set(run.id, (live.get(run.id) ?? 0) + 1);
    box.twinSince = box.process && !box.unkillable && left ? (box.twinSince ?? model.now) : null;
    if (box.twinSince !== null && model.now - Math.max(box.twinSince, model.calmSince ?? Infinity) > SOON_MS) broken(model, 4, `${run.id} trains on, on an instance that it left behind`);
    waiting(model, box, run, ms);
    still(model, box, run);
  }
  for (const [run, count] of live) if (count > 1) broken(model, 4, `${count} live attempts of ${run}`);
  for (const run of runsOf(model.world)) {
    if (run.brain.consults > BRAIN.limits.consults) broken(model, 5, `${run.brain.consults} consults in ${run.id}`);
    if (run.hold && run.hold.until < model.now - 120_000) broken(model, 9, 'a hold outlived its end');
  }
}

const ON_THE_WAY: readonly RunState['stage'][] = ['connecting', 'preparing', 'starting', 'ended', 'repairing'];

/** 3: nothing stands still on an instance that bills: what hangs or is dead is seen, and a repair comes to its end. */
function still(model: Model, box: SimBox, run: RunState): void {
  const idle = run.instance === box.instance.id && run.hold === null && (ON_THE_WAY.includes(run.stage) || (run.stage === 'training' && (box.process === null || box.process.hung)));
  box.stillSince = idle ? (box.stillSince ?? model.now) : null;
  if (box.stillSince !== null && model.now - Math.max(box.stillSince, model.calmSince ?? Infinity) > STILL_MS) broken(model, 3, `${run.id} stands still in ${run.stage}, and its instance bills`);
}

/** 3: what waits for results is capped; what waits for nothing ends within its grace. */
function waiting(model: Model, box: SimBox, run: RunState, ms: number): void {
  const { wait_usd, wait_then, idle_grace, on_done, stopped_grace } = run.spec.teardown;
  if (run.instance !== box.instance.id || run.hold || run.keep || run.verdict === null) return;
  const { dph_total } = box.instance;
  // What was the user's before is not stopped: they are asked.
  if (run.rescue?.verdict === 'unverified' && wait_then === 'stop' && !model.strangers.includes(box.instance.id)) {
    box.waited += (dph_total * ms) / HOUR;
    const wakes = model.world.fleet[String(box.instance.id)]?.wakes ?? 0;
    if (box.waited > (1 + wakes) * (wait_usd + (dph_total * SLACK_MS) / HOUR)) broken(model, 3, `waiting for results has cost $${box.waited.toFixed(2)}, and the cap is $${wait_usd}`);
  }
  const since = Math.max(run.stage_since, model.calmSince ?? Number.POSITIVE_INFINITY);
  const stops = on_done === 'stop' && (run.verdict === 'done' || run.verdict === 'early_stopped');
  if (run.stage === 'tearing_down' && model.now - since > (stops ? stopped_grace : idle_grace) + 600_000) broken(model, 3, `${run.id} is over, and its instance still bills after its grace`);
}
