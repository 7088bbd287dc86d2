/**
 * One run under ours: the production engine with its deciders, effects, log reader, triage, ladder, guard and gate, over the
 * seed's market and boxes and a virtual clock. Nothing of a decision is modelled here.
 */
import { createHash } from 'node:crypto';
import { createEngine } from '../../../src/agents/engine.ts';
import { limitsOf, parseAgent } from '../../../src/agents/brain/agent-files.ts';
import type { Body, Event } from '../../../src/core/events.ts';
import { reduce, tick } from '../../../src/core/reduce.ts';
import { parseSpec, type Spec } from '../../../src/core/spec.ts';
import { emptyWorld, isClosed } from '../../../src/core/state.ts';
import { BIDS, HOUR, PERSON } from './assumptions.ts';
import { boxesOf } from './box.ts';
import { virtualClock } from './clock.ts';
import { marketOf } from './market.ts';
import { modelOf } from './model.ts';
import { personOf } from './person.ts';
import { usefulUsd, type Outcome } from './score.ts';
import { curedByPerson, truthOf } from './truth.ts';
import type { Fate } from './world.ts';

/** The engine's idle look each quarter of a real second is one each 15 s of the run's time, as in the demo: the slower for us. */
const SCALE = 60;
const MOST_LAUNCHES = 20;

export interface OursOptions {
  /** Text of agents/babysitter.md; null: the rules alone. */
  agent: string | null;
  /** Told of each event, for looking into a run. */
  trace?: (event: Event) => void;
}

export async function ours(fate: Fate, { agent: agentText, trace }: OursOptions): Promise<Outcome> {
  const clock = virtualClock(fate.launch, SCALE);
  const truth = truthOf(fate);
  const fleet = marketOf(fate, clock);
  const owner = personOf(fate);
  let world = emptyWorld(clock.now());
  let seq = 0;
  let wake = (): void => undefined;
  const record = (...bodies: Body[]): void => {
    for (const body of bodies) {
      const event: Event = { ...body, v: 1, seq: (seq += 1), at: clock.now() };
      world = tick(reduce(world, event), clock.now());
      trace?.(event);
      if (body.type === 'incident.opened' || body.type === 'incident.recurred' || body.type === 'run.ended') for (const failure of truth.failures) if (failure.seenAt === 0) failure.seenAt = clock.now();
    }
    wake();
  };
  const patchHash = (run: string, path: string): string | null => {
    const patch = world.runs[run]?.brain.patches.find(({ n }) => path === `patches/${n}.patch`);
    return patch ? createHash('sha256').update(`${patch.why.replace(/\s+/g, ' ')}\n\n${patch.diff}`).digest('hex') : null;
  };
  const boxes = boxesOf(truth, fleet, clock, patchHash);
  const agent = agentText === null ? null : parseAgent(agentText, 'agents/babysitter.md', 'babysitter');
  const closing = new AbortController();
  const model = modelOf(truth, boxes.patches, () => world, clock);
  const brain = agent && { model, agent, redact: (text: string) => text, closing: closing.signal };
  const engine = createEngine({ clock, wire: clock.slowed(SCALE), facts: { world: () => world, record }, market: fleet.market, remote: boxes.remote, home: boxes.home, secret: () => undefined, brain });
  wake = () => engine.wake();
  record({ type: 'session.started', version: 'bench', pid: 1, brain: agent && { model: model.name, limits: limitsOf(agent, SCALE) } });
  let failed: Error | null = null;
  const running = engine.run().catch((error: unknown) => {
    failed = error instanceof Error ? error : new Error('the engine ended');
  });
  let byPerson = false;
  for (let launch = 1; truth.finishedAt === 0; launch += 1) {
    if (launch > MOST_LAUNCHES) throw new Error(`run ${fate.id} does not end`);
    const run = `run-${launch}`;
    boxes.patches.clear();
    record({ type: 'run.submitted', run, spec: specOf(fate), spec_path: '/project/experiment.yaml', warnings: [] });
    await clock.until(() => failed !== null || isClosed(world.runs[run] ?? { stage: 'closed' } as never));
    if (failed !== null) throw failed as Error;
    if (truth.finishedAt > 0) break;
    byPerson = true;
    const again = owner.notices(clock.now(), 'ended') + PERSON.repair;
    let due = false;
    clock.after(again - clock.now(), () => {
      due = true;
    });
    await clock.until(() => due);
    curedByPerson(truth);
  }
  closing.abort();
  void engine.stop();
  const usage = Object.values(world.runs).map(({ brain: { usage: used } }) => used);
  void running;
  return {
    billed: fleet.usd(),
    useful: usefulUsd(fate),
    agent: usage.reduce((sum, { usd }) => sum + usd, 0),
    tokens: usage.reduce((sum, { tokens_in, tokens_out }) => sum + tokens_in + tokens_out, 0),
    finishedAt: truth.finishedAt,
    byPerson,
    failures: truth.failures,
    busyKilled: truth.busyKilled,
    lost: truth.lost,
  };
}

/** The template of `init`, with the knobs that its comments name; criteria that no healthy run meets. */
function specOf(fate: Fate): Spec {
  const command = 'python train.py --batch-size {batch_size} --accum {grad_accum} --workers {workers} --lr {learning_rate} --out ckpt';
  const hours = Math.ceil((4 * (fate.setup + fate.training)) / HOUR) + 24;
  return parseSpec({
    name: 'run',
    image: 'vastai/pytorch',
    hardware: { gpu: [fate.card], num_gpus: fate.gpus, disk_gb: 100, max_usd_per_hour: fate.onDemand * 1.001 },
    market: fate.bid ? { bid: BIDS.price * fate.onDemand } : 'on-demand',
    upload: ['train.py'],
    setup: 'sh setup.sh',
    run: command,
    knobs: {
      batch_size: { value: 32, floor: 2, keeps: 'grad_accum', answers: ['gpu_oom'] },
      grad_accum: { value: 1, floor: 1, answers: [] },
      workers: { value: 8, floor: 1, answers: ['host_oom_killed', 'shm_dataloader'] },
      learning_rate: { value: 2e-4, floor: 1e-5, answers: ['numeric_divergence'] },
    },
    checkpoints: { path: 'ckpt/**', resume: `${command} --resume {checkpoint}` },
    artifacts: ['out/**'],
    kill: { hours, dollars: fate.onDemand * hours },
  });
}
