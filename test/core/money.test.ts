import { describe, expect, it } from 'vitest';
import { awayStep, type AwayCase } from '../../src/core/away.ts';
import { committedUsdPerHour, judgeRunway, leastValuable, refuseRent } from '../../src/core/budget.ts';
import { addEval, earlyStop, objectiveIn } from '../../src/core/early-stop.ts';
import { judgeEfficiency, keepSample, sampleOf, type Sample } from '../../src/core/efficiency.ts';
import type { ProbeReading } from '../../src/core/probe.ts';
import type { ProgressState } from '../../src/core/state.ts';
import { specWarnings } from '../../src/core/spec.ts';
import { Model } from './model.ts';
import { makeSpec } from './spec-factory.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function fleet(...runs: string[]): Model {
  const model = new Model(() => 0.999, 0);
  for (const run of runs) model.submit(run, makeSpec());
  return model;
}
const settle = (model: Model, steps = 30): Model => {
  for (let n = 0; n < steps; n += 1) model.step(20_000);
  return model;
};

describe('the fleet\'s budget', () => {
  it('is reserved before a launch: what would exceed it is refused in words', () => {
    const model = fleet('one', 'two');
    model.record({ type: 'budget.set', usd_per_hour: 0.5 });
    settle(model);
    expect([model.world.runs['one']?.stage, model.world.runs['two']?.verdict]).toEqual(['training', 'no_offer']);
    expect(model.world.runs['two']?.verdict_reason).toMatch(/^refused: the fleet may burn \$0\.50\/h, \$0\.3\d\/h of it is reserved, and this offer costs \$0\.3\d\/h/);
    expect(model.events.filter(({ type }) => type === 'refused')).toHaveLength(1);
  });

  it('counts what still loads at its full price, and offers being rented', () => {
    const model = fleet('one');
    for (let n = 0; n < 3; n += 1) model.step(1_000);
    expect(model.world.fleet).not.toEqual({});
    expect(committedUsdPerHour(model.world)).toBeCloseTo(0.31, 2);
  });

  it('refuses a launch that the credit would not carry for an hour', () => {
    const model = fleet('one');
    model.record({ type: 'account.seen', credit_usd: 0.2, email: null });
    const run = model.world.runs['one'];
    if (!run) throw new Error('no run');
    expect(refuseRent(model.world, run, 0.4)).toBe('the credit of $0.20 would last 30 min with this instance');
    expect(refuseRent(model.world, run, 0.1)).toBeNull();
  });
});

describe('the runway', () => {
  it('is told at 12 h, and at 3 h the least valuable run is brought home first', () => {
    const model = settle(fleet('one', 'two'));
    const credit = (usd: number) => model.record({ type: 'account.seen', credit_usd: usd, email: null });
    credit(0.7 * 11);
    model.step(1_000);
    expect([model.world.runway, judgeRunway(model.world).level]).toEqual(['warn', 'warn']);
    expect(Object.values(model.world.runs).every((run) => run.verdict === null)).toBe(true);
    const [first] = [leastValuable(model.world)?.id];
    credit(0.7 * 2.5);
    model.step(1_000);
    expect(Object.values(model.world.runs).filter((run) => run.verdict !== null).map((run) => [run.id, run.verdict])).toEqual([[first, 'killed_by_criterion']]);
    // With one gone the credit lasts longer, and the other goes on.
    settle(model, 25);
    expect(Object.values(model.world.runs).filter((run) => run.verdict === 'killed_by_criterion')).toHaveLength(1);
    expect(model.violations).toEqual([]);
  });
});

describe('an instance that is away', () => {
  const away: AwayCase = { kind: 'offline', for_ms: 0, asked_ms: null, asks: 0, bid: 0.3, floor: 0.32, cap: 0.5, repeat_ms: 10 * MINUTE, may_switch: true };
  const act = (changes: Partial<AwayCase>) => awayStep({ ...away, ...changes }).act;
  it('is waited for as long as going elsewhere would take, never longer than six hours', () => {
    expect([act({ for_ms: 24 * MINUTE }), act({ for_ms: 25 * MINUTE }), act({ for_ms: 25 * MINUTE, may_switch: false })]).toEqual(['wait', 'migrate', 'wait']);
    expect([act({ repeat_ms: null, for_ms: 5.9 * HOUR }), act({ repeat_ms: null, for_ms: 6 * HOUR }), act({ repeat_ms: 100 * HOUR, for_ms: 6 * HOUR })]).toEqual(['wait', 'migrate', 'migrate']);
  });
  it('is asked back first, where the price cap allows it', () => {
    expect(awayStep({ ...away, kind: 'outbid' })).toMatchObject({ act: 'raise', usd_per_hour: 0.336 });
    expect([act({ kind: 'outbid', floor: 0.6 }), act({ kind: 'outbid', floor: null }), act({ kind: 'outbid', asks: 2 }), act({ kind: 'outbid', asks: 1, asked_ms: MINUTE }), act({ kind: 'outbid', asks: 1, asked_ms: 11 * MINUTE })]).toEqual(['wait', 'wait', 'wait', 'wait', 'raise']);
    expect([act({ kind: 'stopped' }), act({ kind: 'stopped', asks: 1, asked_ms: 11 * MINUTE }), act({ kind: 'stopped', asks: 1, asked_ms: 11 * MINUTE, for_ms: HOUR })]).toEqual(['wake', 'wait', 'migrate']);
  });
});

describe('early stop', () => {
  const spec = makeSpec({ early_stop: { min_steps: 100, patience: 3, min_delta: 0.01 } });
  const evals = (...values: number[]) => values.reduce<{ step: number; value: number }[]>((all, value, index) => addEval(all, (index + 1) * 50, value), []);
  it('waits for min_steps, then for patience evaluations without min_delta', () => {
    expect(earlyStop(spec, evals(1, 1, 1))).toBeNull();
    expect(earlyStop(spec, evals(1, 1, 1, 1))).toMatch(/loss has not improved on 1 \(step 50\) by more than 0.01 in 3 evaluations after step 100/);
    expect(earlyStop(spec, evals(1, 0.9, 0.9, 0.88, 0.9, 0.86))).toBeNull();
    expect(earlyStop(makeSpec(), evals(1, 1, 1, 1, 1, 1, 1))).toBeNull();
  });
  it('reads the objective in evaluations alone, in the direction of the spec', () => {
    expect([objectiveIn(spec, { eval_loss: 0.5, loss: 0.4 }), objectiveIn(spec, { eval_loss: 0.5 }), objectiveIn(spec, { accuracy: 1 }), objectiveIn(spec, null), objectiveIn(spec, { loss: Number.NaN })]).toEqual([0.4, 0.5, null, null, null]);
    expect(earlyStop(makeSpec({ objective: { metric: 'accuracy', direction: 'max' }, early_stop: { min_steps: 100, patience: 3 } }), evals(0.1, 0.2, 0.3, 0.4, 0.5))).toBeNull();
  });
  it('is warned of when it is aggressive', () => {
    const words = specWarnings(makeSpec({ early_stop: { min_steps: 10, patience: 1, min_delta: 0.2 } })).join('\n');
    for (const field of ['min_steps', 'patience', 'min_delta']) expect(words).toContain(`early_stop.${field}`);
  });
});

describe('efficiency', () => {
  const probe = (part: { util: number; power: number; memory?: number; throttled?: boolean; cpu_s?: number; at?: number }): ProbeReading => ({
    at: part.at ?? 0, gpus: [{ index: 0, name: 'x', util: part.util, mem_used: (part.memory ?? 0.9) * 1_000, mem_total: 1_000, power_w: part.power * 400, power_limit_w: 400, temp_c: 60, sm_clock_mhz: 2_000, throttled: part.throttled ?? false }],
    alive: true, cpu_s: part.cpu_s ?? null, load1: 1, mem_used: 1, mem_total: 2, disk: null, shm: null, net: null, io: null, log_bytes: 1, log_age_s: 1, oom_kills: 0, kernel: [], boot_id: null, uptime_s: 1, exit: null, driver_version: null, cuda_version: null,
  });
  const rhythm = (gaps: number[]): ProgressState => ({ reading: { step: 500, total_steps: 1_000, epoch: null, loss: 1, learning_rate: null, rate: null, steps_per_s: 2, eval: null, eta_s: null, format: 'hf', activity: 'training', diverged: false }, advanced_at: 0, gaps, marks: [] });
  const steady = rhythm(Array.from({ length: 40 }, () => 500));
  const samples = (part: Parameters<typeof probe>[0]): Sample[] => [1, 2, 3].reduce<Sample[]>((all) => keepSample(all, sampleOf(probe(part), null)), []);
  const verdict = (part: Parameters<typeof probe>[0], progress: ProgressState | null = steady) => judgeEfficiency(makeSpec({ complexity: 'moderate' }), progress, samples(part));

  it('says nothing before the baseline is stable', () => {
    expect(judgeEfficiency(makeSpec(), steady, [])).toBeNull();
    expect(verdict({ util: 30, power: 0.3 }, rhythm([500, 500]))).toBeNull();
    expect(verdict({ util: 30, power: 0.3 }, rhythm(Array.from({ length: 40 }, (_, n) => (n % 2 ? 200 : 900))))).toBeNull();
    expect(verdict({ util: 30, power: 0.3 }, null)).toBeNull();
  });

  it('names what holds the run back, and what may be changed without asking', () => {
    expect(verdict({ util: 30, power: 0.3 })).toMatchObject({ bottleneck: 'data', baseline: 2, suggestions: [{ size: 'config', risk: 'low', allowed: true }] });
    expect(judgeEfficiency(makeSpec(), steady, samples({ util: 30, power: 0.3 }))?.suggestions[0]?.allowed).toBe(false);
    expect(verdict({ util: 97, power: 0.9 })).toMatchObject({ bottleneck: 'compute', suggestions: [{ size: 'code', allowed: false }] });
    expect(verdict({ util: 97, power: 0.35 })?.bottleneck).toBe('memory');
    expect(verdict({ util: 97, power: 0.9, memory: 0.2 })?.bottleneck).toBe('none');
    expect(verdict({ util: 97, power: 0.9, throttled: true })?.bottleneck).toBe('throttling');
    expect(verdict({ util: 60, power: 0.5 }, rhythm(Array.from({ length: 40 }, (_, n) => (n % 10 === 9 ? 5_000 : 500))))?.bottleneck).toBe('logging');
  });

  it('reads rates between two looks, and unknown is never zero', () => {
    expect(sampleOf(probe({ util: 1, power: 1, cpu_s: 130, at: 60_000 }), probe({ util: 1, power: 1, cpu_s: 10 }))).toMatchObject({ cores: 2, read: null });
    expect(sampleOf(probe({ util: 1, power: 1, cpu_s: 5, at: 60_000 }), probe({ util: 1, power: 1, cpu_s: 10 })).cores).toBeNull();
    expect(sampleOf({ ...probe({ util: 1, power: 1 }), gpus: null }, null)).toMatchObject({ util: null, throttled: null });
  });

  it('is said once in a run, as an event', () => {
    const model = settle(fleet('one'), 200);
    expect(model.events.filter(({ type }) => type === 'efficiency.judged').length).toBeLessThanOrEqual(1);
  });
});
