import { describe, expect, it } from 'vitest';
import { awayStep, repeatElsewhereMs, setupMs, type AwayCase } from '../../src/core/away.ts';
import { committedUsdPerHour, judgeRunway, leastValuable, refuseRent } from '../../src/core/budget.ts';
import { addEval, earlyStop, objectiveIn } from '../../src/core/early-stop.ts';
import { consult } from '../../src/core/decide/consult.ts';
import { BOUNDS } from '../../src/core/ladder.ts';
import { reduce } from '../../src/core/reduce.ts';
import { born, newAttempt } from '../../src/core/reduce-born.ts';
import { emptyWorld, type Incident, type RunState } from '../../src/core/state.ts';
import { specWarnings } from '../../src/core/spec.ts';
import { printStatus } from '../../src/headless/status.ts';
import { runPage } from '../../src/cockpit/panes/run-page.ts';
import { runCost, totals, waitingOf, waitingWords } from '../../src/core/ledger.ts';
import { statusMarkdown } from '../../src/journal/status-md.ts';
import { Model } from './model/index.ts';
import { BRAIN } from './model/sayings.ts';
import { makeSpec } from './spec-factory.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function fleet(...runs: string[]): Model {
  const model = new Model(() => 0.999, 0);
  for (const run of runs) model.submit(run, makeSpec());
  return model;
}
const settle = async (model: Model, steps = 30): Promise<Model> => {
  for (let n = 0; n < steps; n += 1) await model.step(20_000);
  return model;
};

describe('the fleet\'s budget', () => {
  it('is reserved before a launch: what would exceed it is refused in words', async () => {
    const model = fleet('one', 'two');
    model.record({ type: 'budget.set', usd_per_hour: 0.5 });
    await settle(model);
    expect([model.world.runs['one']?.stage, model.world.runs['two']?.verdict]).toEqual(['training', 'refused']);
    expect(model.world.runs['two']?.verdict_reason).toMatch(/^the fleet may burn \$0\.50\/h, \$0\.3\d\/h of it is reserved, and this offer costs \$0\.3\d\/h/);
    expect(model.events.filter(({ type }) => type === 'refused')).toHaveLength(1);
  });

  it('counts what still loads at its full price, and offers being rented', async () => {
    const model = fleet('one');
    for (let n = 0; n < 3; n += 1) await model.step(1_000);
    expect(model.world.fleet).not.toEqual({});
    expect(committedUsdPerHour(model.world)).toBeCloseTo(0.31, 2);
  });

  it('is all-in: the planned traffic of what runs, the disk of what is stopped, and the language model count', async () => {
    const model = new Model(() => 0.999, 0);
    model.submit('one', makeSpec({ hardware: { gpu: ['RTX 4090'], max_usd_per_hour: 1, traffic_gb: { down: 60, up: 12 } }, kill: { hours: 12, dollars: 6 } }));
    await settle(model);
    const run = model.world.runs['one'];
    const id = run?.instance ?? 0;
    const facts = model.boxes.get(id)?.instance;
    if (!run || !facts) throw new Error('nothing was rented');
    model.record({ type: 'fleet.seen', instances: [{ ...facts, inet_down_cost: 0.01, inet_up_cost: 0.02 }] });
    expect(committedUsdPerHour(model.world)).toBeCloseTo(facts.dph_total + (60 * 0.01 + 12 * 0.02) / 12, 6);
    const before = runCost(model.world, run).usd;
    model.record({ type: 'brain.used', run: 'one', usage: { tokens_in: 1_000, tokens_out: 100, usd: 0.25 } });
    const after = model.world.runs['one'];
    if (!after) throw new Error('no run');
    expect([runCost(model.world, after).usd - before, runCost(model.world, after).model, totals(model.world).model]).toEqual([expect.closeTo(0.25, 6) as number, 0.25, 0.25]);
    model.record({ type: 'stop.intended', run: 'one', instance: id, reason: 'x' }, { type: 'stop.accepted', instance: id }, { type: 'fleet.seen', instances: [{ ...facts, actual_status: 'exited', intended_status: 'stopped', cur_state: 'stopped' }] });
    expect(committedUsdPerHour(model.world)).toBeCloseTo(facts.storage_total_cost, 6);
  });

  it('counts the language model against kill.dollars', async () => {
    const model = await settle(fleet('one'));
    model.record({ type: 'brain.used', run: 'one', usage: { tokens_in: 1, tokens_out: 1, usd: 6 } });
    await model.step(1_000);
    expect(model.world.runs['one']).toMatchObject({ verdict: 'killed_by_criterion', verdict_reason: expect.stringContaining('of the allowed $6.00') as unknown });
  });

  it('lets no run go on elsewhere on its last cents', async () => {
    const model = await settle(fleet('one'));
    const run = model.world.runs['one'];
    if (!run) throw new Error('no run');
    expect(refuseRent(model.world, run, 0.4)).toBeNull();
    model.record({ type: 'brain.used', run: 'one', usage: { tokens_in: 1, tokens_out: 1, usd: 5.9 } });
    expect(refuseRent(model.world, model.world.runs['one'] ?? run, 0.4)).toMatch(/^the run has \$0\.0\d left of its \$6\.00, which pays for \d min at \$0\.40\/h$/);
  });

  it('refuses a launch that the credit would not carry for an hour', async () => {
    const model = fleet('one');
    model.record({ type: 'account.seen', credit_usd: 0.2, email: null });
    const run = model.world.runs['one'];
    if (!run) throw new Error('no run');
    expect(refuseRent(model.world, run, 0.4)).toBe('the credit of $0.20 would last 30 min with this instance');
    expect(refuseRent(model.world, run, 0.1)).toBeNull();
  });
});

describe('the runway', () => {
  it('is told at 12 h, and at 3 h the least valuable run is brought home first', async () => {
    const model = await settle(fleet('one', 'two'));
    const credit = (usd: number): void => {
      model.credit = usd;
      model.record({ type: 'account.seen', credit_usd: usd, email: null });
    };
    credit(0.7 * 11);
    await model.step(1_000);
    expect([model.world.runway, judgeRunway(model.world).level]).toEqual(['warn', 'warn']);
    // At 12 h nothing is ended, but what it has made comes home at once, and not after ten minutes.
    const synced = (run: string) => model.events.filter((event) => event.type === 'files.home' && event.run === run).length;
    const home = { one: synced('one'), two: synced('two') };
    await settle(model, 20);
    const least = leastValuable(model.world)?.id === 'one' ? ('one' as const) : ('two' as const);
    const other = least === 'one' ? 'two' : 'one';
    expect(synced(least) - home[least]).toBeGreaterThanOrEqual(4);
    expect(synced(other) - home[other]).toBeLessThanOrEqual(1);
    expect(Object.values(model.world.runs).every((run) => run.verdict === null)).toBe(true);
    const [first] = [leastValuable(model.world)?.id];
    credit(0.7 * 2.5);
    await model.step(1_000);
    expect(Object.values(model.world.runs).filter((run) => run.verdict !== null).map((run) => [run.id, run.verdict])).toEqual([[first, 'killed_by_criterion']]);
    // With one gone the credit lasts longer, and the other goes on.
    await settle(model, 25);
    expect(Object.values(model.world.runs).filter((run) => run.verdict === 'killed_by_criterion')).toHaveLength(1);
    expect(model.violations).toEqual([]);
  });
});

describe('the runway and holds', () => {
  it('brings another run home when a person works on the least valuable one', async () => {
    const model = await settle(fleet('one', 'two'));
    const first = leastValuable(model.world)?.id ?? '';
    model.record({ type: 'user.hold', run: first, until: model.now + HOUR, reason: 'a look' }, { type: 'account.seen', credit_usd: 1, email: null });
    await model.step(1_000);
    expect(Object.values(model.world.runs).filter(({ verdict }) => verdict !== null).map(({ id }) => id)).toEqual([first === 'one' ? 'two' : 'one']);
  });
});

describe('the price of waiting', () => {
  it('is told while the gate is shut, and no longer', async () => {
    const model = await settle(fleet('one'));
    const run = () => model.world.runs['one'] ?? ((): never => { throw new Error('no run'); })();
    expect(waitingOf(model.world, run(), model.now)).toBeNull();
    model.record({ type: 'user.destroy', run: 'one', waive: false });
    model.record({ type: 'run.ended', run: 'one', verdict: 'destroyed_by_user', reason: 'x' });
    model.record({ type: 'rescue.judged', run: 'one', instance: run().instance ?? 0, verdict: 'unverified', files: 0, bytes: 0, reason: 'out of reach' });
    const waiting = waitingOf(model.world, run(), model.now + HOUR);
    expect(waiting).toMatchObject({ usd: expect.closeTo(0.35, 2) as number, usd_per_hour: 0.35, then: 'stop', stopped: false, why: 'out of reach' });
    expect(waiting && waitingWords(waiting)).toMatch(/^waiting for results has cost \$0\.35\d and costs \$0\.350\/h; each \$1 it is stopped$/);
    expect(statusMarkdown(model.world, model.now + HOUR)).toContain('waiting for results has cost $0.35');
    const lines: string[] = [];
    printStatus({ out: (line) => void lines.push(line), talk: () => undefined }, model.world, model.now + HOUR, false, null);
    expect(lines.find((line) => line.startsWith('one: waiting'))).toContain('costs $0.350/h');
    expect(runPage(run(), model.world, model.now + HOUR, 100, '').map((line) => line.pieces.map(({ text }) => text).join('')).join('\n')).toContain('waiting for results has cost $0.35');
    model.record({ type: 'rescue.judged', run: 'one', instance: run().instance ?? 0, verdict: 'verified', files: 0, bytes: 0, reason: 'x' });
    expect(waitingOf(model.world, run(), model.now)).toBeNull();
  });
});

describe('a box that its own lease has stopped', () => {
  it('is started at once to bring home what it holds, and ended; it does not wait in the dark', async () => {
    const model = await settle(fleet('one'), 40);
    const box = model.boxes.get(model.world.runs['one']?.instance ?? 0);
    if (!box) throw new Error('nothing was rented');
    // Out of reach just as it is over: the training is ended by the box's own end, and nobody renews.
    box.deafUntil = Infinity;
    model.order({ do: 'destroy', run: 'one', waive: false });
    model.kill(box, 'killed', 1);
    await settle(model, 60);
    expect(box.instance.actual_status).toBe('running');
    // Once, and not each time that its lease runs out again.
    await settle(model, 600);
    expect([box.instance.actual_status, model.events.filter(({ type }) => type === 'wake.accepted').length]).toEqual(['exited', 1]);
    expect(model.world.fleet[String(box.instance.id)]?.rate).toBe(box.instance.storage_total_cost);
    await settle(model, 600);
    expect(model.events.filter(({ type }) => type === 'wake.accepted')).toHaveLength(2);
    // Each start comes after a longer while than the one before.
    box.deafUntil = 0;
    await settle(model, 2_400);
    expect([model.world.runs['one']?.stage, model.world.runs['one']?.rescue?.verdict, box.exists]).toEqual(['closed', 'verified', false]);
    expect(model.violations).toEqual([]);
  });

  it('is started for its results as often as ever, however often it was started to train on', async () => {
    const model = await settle(fleet('one'), 40);
    const run = model.world.runs['one'] ?? ((): never => { throw new Error('no run'); })();
    const id = run.instance ?? 0;
    for (let n = 0; n < 3; n += 1) model.record({ type: 'wake.accepted', run: 'one', instance: id });
    expect(model.world.fleet[String(id)]?.wakes).toBe(0);
    // A run that moves has no verdict, and is started for its results all the same.
    expect(reduce({ ...model.world, runs: { one: { ...run, stage: 'rescuing' } } }, { type: 'wake.accepted', run: 'one', instance: id, v: 1, seq: 1, at: model.now }).fleet[String(id)]?.wakes).toBe(1);
    model.record({ type: 'run.ended', run: 'one', verdict: 'failed', reason: 'x' }, { type: 'wake.accepted', run: 'one', instance: id });
    expect(model.world.fleet[String(id)]?.wakes).toBe(1);
  });
});

describe('an instance that is away', () => {
  const away: AwayCase = { kind: 'offline', for_ms: 0, asked_ms: null, asks: 0, bid: 0.3, floor: 0.32, cap: 0.5, full: 0.4, setup_ms: 15 * MINUTE, repeat_ms: 10 * MINUTE, remaining_ms: null, may_switch: true };
  const act = (changes: Partial<AwayCase>) => awayStep({ ...away, ...changes }).act;
  it('is waited for as long as going elsewhere would take, never longer than six hours', async () => {
    expect([act({ for_ms: 24 * MINUTE }), act({ for_ms: 25 * MINUTE }), act({ for_ms: 25 * MINUTE, may_switch: false })]).toEqual(['wait', 'migrate', 'wait']);
    expect([act({ repeat_ms: null, for_ms: 5.9 * HOUR }), act({ repeat_ms: null, for_ms: 6 * HOUR }), act({ repeat_ms: 100 * HOUR, for_ms: 6 * HOUR })]).toEqual(['wait', 'migrate', 'migrate']);
  });
  it('is asked back first, where the price cap allows it', async () => {
    // 10 % more for the hours that are left, against 25 min at the old price.
    expect([1, 3, 6].map((hours) => act({ kind: 'outbid', remaining_ms: hours * HOUR }))).toEqual(['raise', 'raise', 'wait']);
    expect(act({ kind: 'outbid', remaining_ms: 6 * HOUR, may_switch: false })).toBe('raise');
    // Outbid before its first step, nobody knows for how long it would pay the higher price.
    expect([act({ kind: 'outbid', floor: 0.31 }), act({ kind: 'outbid', floor: 0.42 })]).toEqual(['raise', 'wait']);
    expect(awayStep({ ...away, kind: 'outbid' })).toMatchObject({ act: 'raise', usd_per_hour: 0.336 });
    expect([act({ kind: 'outbid', floor: 0.6 }), act({ kind: 'outbid', floor: null }), act({ kind: 'outbid', asks: 2 }), act({ kind: 'outbid', asks: 1, asked_ms: MINUTE }), act({ kind: 'outbid', asks: 1, asked_ms: 11 * MINUTE })]).toEqual(['wait', 'wait', 'wait', 'wait', 'raise']);
    expect([act({ kind: 'stopped' }), act({ kind: 'stopped', asks: 1, asked_ms: 11 * MINUTE }), act({ kind: 'stopped', asks: 1, asked_ms: 11 * MINUTE, for_ms: HOUR })]).toEqual(['wake', 'wait', 'migrate']);
  });
});

describe('what going on elsewhere costs', () => {
  const at = (minutes: number) => minutes * MINUTE;
  const spec = makeSpec({ checkpoints: { path: 'ckpt/*', resume: 'python train.py --resume {checkpoint}' } });
  const base = born({ type: 'run.submitted', run: 'one', spec, spec_path: '', warnings: [], v: 1, seq: 1, at: 0 }, 0);
  const marks = [10, 40, 70].map((minute) => ({ step: minute, at: at(minute), loss: null }));
  const run: RunState = { ...base, progress: { reading: { step: 70 } as never, advanced_at: at(70), gaps: [], marks }, checkpoint: { path: 'ckpt/10', step: 10, at: at(15), usd: 0, every: null }, home_at: at(65) };
  it('is, for a process that ended with its instance, only what the last look at its checkpoints cannot have seen', () => {
    expect([repeatElsewhereMs(run, 'offline'), repeatElsewhereMs(run, 'outbid'), repeatElsewhereMs({ ...run, checkpoint: null }, 'outbid')]).toEqual([at(60), at(5), at(5)]);
    // No step was seen: it can have made no more than it ran for.
    const early: RunState = { ...run, checkpoint: null, progress: null, attempts: [{ ...newAttempt(1, 7, 70), started_at: at(50) }], away: { kind: 'outbid', instance: 7, attempt: 1, since: at(52), back_at: null, times: 1, asks: 0, asked_at: null } };
    expect([repeatElsewhereMs(early, 'outbid'), repeatElsewhereMs({ ...early, attempts: [newAttempt(1, 7, 70)] }, 'offline'), repeatElsewhereMs({ ...early, away: null }, 'offline')]).toEqual([at(2), 0, null]);
    expect(repeatElsewhereMs({ ...run, spec: makeSpec({ checkpoints: { path: 'ckpt/*' } }) }, 'outbid')).toBe(0);
  });
  it('is as long as the run itself took from renting to its first step', () => {
    const world = { ...emptyWorld(0), fleet: { 7: { first_seen: at(2) } as never } };
    const attempt = { ...newAttempt(1, 7, 70), first_at: at(9) };
    expect([setupMs(world, run), setupMs(world, { ...run, attempts: [attempt] }), setupMs(world, { ...run, attempts: [attempt, { ...attempt, number: 2, first_at: at(50) }] })]).toEqual([at(15), at(7), at(7)]);
  });
});

describe('what a model\'s guesses may cost', () => {
  /** What the run had cost at each of the model's repairs; null: the rules' own. It has cost $3 by now. */
  const incident = (cause: Incident['diagnosis']['cause'], ...guesses: (number | null)[]): Incident => ({ id: 1, opened_at: 0, step: 1, attempt: 1, usd: 0, diagnosis: { cause, fingerprint: 'f' } as never, remedies: guesses.map((usd) => ({ remedy: { rung: 'rerun', backoff_ms: 0 }, at: 0, why: '', attempt: 1, ...(usd !== null && { guess_usd: usd }) })), ended: null });
  const asks = (one: Incident) => {
    const run: RunState = { ...born({ type: 'run.submitted', run: 'one', spec: makeSpec(), spec_path: '', warnings: [], v: 1, seq: 1, at: 0 }, 0), incident: one };
    const world = { ...emptyWorld(0), brain: BRAIN, runs: { one: { ...run, returned: { usd: 3 } as never } } };
    const { answer, ...rest } = consult(world, world.runs.one, one, true);
    return answer === 'wait' && 'actions' in rest ? rest.actions.map((action) => (action.do === 'emit' ? action.body.type : action.do)).join() : answer;
  };
  it('is little, once some have not held; and neither an interruption from outside nor a missing token is a riddle', () => {
    const dear = 3 - BOUNDS.guesses_usd;
    expect([asks(incident('code_bug')), asks(incident('code_bug', dear + 0.01, 2.9)), asks(incident('code_bug', dear, 2.9))]).toEqual(['consult', 'consult', 'brain.failed']);
    // What the rules tried on a hang was no guess of the model's: it has not been asked yet.
    expect(asks(incident('stall', null, null, null))).toBe('consult');
    expect([asks(incident('preempted', 3)), asks(incident('auth_missing'))]).toEqual(['rules', 'rules']);
  });
});

describe('early stop', () => {
  const spec = makeSpec({ early_stop: { min_steps: 100, patience: 3, min_delta: 0.01 } });
  const evals = (...values: number[]) => values.reduce<{ step: number; value: number }[]>((all, value, index) => addEval(all, (index + 1) * 50, value), []);
  it('waits for min_steps, then for patience evaluations without min_delta', async () => {
    expect(earlyStop(spec, evals(1, 1, 1))).toBeNull();
    // What came before the minimum counts for the best value, and never against the run.
    expect(earlyStop(makeSpec({ early_stop: { min_steps: 200, patience: 3 } }), evals(1, 1, 1, 1, 1))).toBeNull();
    expect(earlyStop(spec, evals(1, 1, 1, 1))).toMatch(/loss has not improved on 1 \(step 50\) by more than 0.01 in 3 evaluations after step 100/);
    expect(earlyStop(spec, evals(1, 0.9, 0.9, 0.88, 0.9, 0.86))).toBeNull();
    expect(earlyStop(makeSpec(), evals(1, 1, 1, 1, 1, 1, 1))).toBeNull();
  });
  it('reads the objective in evaluations alone, in the direction of the spec', async () => {
    expect([objectiveIn(spec, { eval_loss: 0.5, loss: 0.4 }), objectiveIn(spec, { eval_loss: 0.5 }), objectiveIn(spec, { accuracy: 1 }), objectiveIn(spec, null), objectiveIn(spec, { loss: Number.NaN })]).toEqual([0.4, 0.5, null, null, null]);
    expect(earlyStop(makeSpec({ objective: { metric: 'accuracy', direction: 'max' }, early_stop: { min_steps: 100, patience: 3 } }), evals(0.1, 0.2, 0.3, 0.4, 0.5))).toBeNull();
  });
  it('is warned of when the run turns out to be much longer than its minimum', async () => {
    const said = async (min_steps: number) => {
      const model = new Model(() => 0.999, 0);
      model.submit('one', makeSpec({ early_stop: { min_steps, patience: 3 } }));
      return (await settle(model)).world.said.map(({ text }) => text).find((text) => text.includes('early_stop'));
    };
    expect(await said(10)).toMatch(/early_stop\.min_steps \(10\) is low/); // by itself, as the spec is read
    const model = new Model(() => 0.999, 0);
    model.submit('one', makeSpec({ early_stop: { min_steps: 100, patience: 3 } }));
    await settle(model, 3);
    const run = model.world.runs['one'];
    model.record({ type: 'progress', run: 'one', attempt: 1, reading: { step: 1, total_steps: 20_000, epoch: null, loss: 1, learning_rate: null, rate: null, steps_per_s: 1, eval: null, eta_s: null, format: 'hf', activity: 'training', diverged: false } }, { type: 'handed_over', run: 'one', attempt: run?.attempt ?? 1, step: 1 });
    expect(model.world.said.at(-1)).toMatchObject({ level: 'alert', text: expect.stringContaining('(100) is low for a finetuning of 20000 steps: at least 2000') as unknown });
    expect(await said(100)).toBeUndefined();
  });
  it('is warned of when it is aggressive', async () => {
    const words = specWarnings(makeSpec({ early_stop: { min_steps: 10, patience: 1, min_delta: 0.2 } })).join('\n');
    for (const field of ['min_steps', 'patience', 'min_delta']) expect(words).toContain(`early_stop.${field}`);
  });
});

describe('efficiency', () => {
  it('is said once in a run, as an event', async () => {
    const model = await settle(fleet('one'), 200);
    expect(model.events.filter(({ type }) => type === 'efficiency.judged').length).toBeLessThanOrEqual(1);
  });
});
