import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advanceCadence, startCadence } from '../../src/core/cadence.ts';
import { newestCheckpoint, stepOf } from '../../src/core/checkpoints.ts';
import { reduction, renderCommand } from '../../src/core/knobs.ts';
import { shellQuote } from '../../src/core/quote.ts';
import { pipInstall } from '../../src/core/fixes.ts';
import { BOUNDS, nextRemedy, ROUTES } from '../../src/core/ladder.ts';
import { CAUSES } from '../../src/core/causes.ts';
import type { Diagnosis, Remedy } from '../../src/core/events.ts';
import { parseLabel, labelOf } from '../../src/core/market.ts';
import { reduceRun } from '../../src/core/reduce-run.ts';
import { emptyWorld, type Incident, type RunState } from '../../src/core/state.ts';
import { TEARDOWN, teardown, type TeardownCase } from '../../src/core/teardown.ts';
import { makeSpec } from './spec-factory.ts';

const MINUTE = 60_000;

describe('cadence', () => {
  it('looks at 1, 3, 7 and 15 minutes, then every 10 until healthy twice, then 30, 45, 60', () => {
    let cadence = startCadence(0);
    const at: number[] = [];
    for (let n = 0; n < 9; n += 1) {
      at.push(cadence.next_at / MINUTE);
      cadence = advanceCadence(cadence, { healthy: true, alert: false }, cadence.next_at);
    }
    // The two healthy looks were early ones here, so the first stabilizing look already leads to cruise.
    expect(at).toEqual([1, 3, 7, 15, 25, 55, 100, 160, 220]);
  });

  it('stays at 10 minutes until two healthy looks in a row', () => {
    let cadence = startCadence(0);
    for (let n = 0; n < 4; n += 1) cadence = advanceCadence(cadence, { healthy: n < 3, alert: false }, cadence.next_at);
    expect(cadence.phase).toBe('alert');
    cadence = advanceCadence(cadence, { healthy: true, alert: false }, cadence.next_at);
    expect([cadence.phase, cadence.healthy_in_a_row]).toEqual(['stabilizing', 1]);
    cadence = advanceCadence(cadence, { healthy: true, alert: false }, cadence.next_at);
    expect(cadence.phase).toBe('cruise');
  });

  it('looks every 2 to 5 minutes in alert', () => {
    let cadence = startCadence(0);
    const gaps: number[] = [];
    for (let n = 0, at = MINUTE; n < 5; n += 1, at = cadence.next_at) {
      cadence = advanceCadence(cadence, { healthy: false, alert: true }, at);
      gaps.push((cadence.next_at - at) / MINUTE);
    }
    expect(gaps).toEqual([2, 3, 5, 5, 5]);
  });

  it('never schedules a look in the past or more than an hour away', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ healthy: fc.boolean(), alert: fc.boolean(), late: fc.integer({ min: 0, max: 90 }) }), { maxLength: 40 }), (looks) => {
        let cadence = startCadence(0);
        for (const { late, ...seen } of looks) {
          const at = cadence.next_at + late * MINUTE;
          cadence = advanceCadence(cadence, seen, at);
          expect(cadence.next_at).toBeGreaterThan(at);
          expect(cadence.next_at - at).toBeLessThanOrEqual(60 * MINUTE);
        }
      }),
    );
  });
});

function run(changes: Partial<RunState> = {}): RunState {
  const born = reduceRun(null, { type: 'run.submitted', run: 'demo', spec: makeSpec(), spec_path: '/p/spec.yaml', warnings: [], v: 1, seq: 1, at: 0 }, emptyWorld(0));
  if (!born) throw new Error('not born');
  return { ...born, ...changes };
}

const diagnosis = (cause: Diagnosis['cause'], changes: Partial<Diagnosis> = {}): Diagnosis => ({ trigger: 'process_exited', cause, confidence: 1, fingerprint: cause, signature: '', evidence: [], transient: false, rung: 'none', summary: 'why', next: 'what next', ...changes });
const incident = (...remedies: Remedy[]): Pick<Incident, 'remedies'> => ({ remedies: remedies.map((remedy) => ({ remedy, at: 0, why: '', attempt: 1 })) });

describe('ladder', () => {
  it('knows a route for every cause, and only climbs', () => {
    const order = ['rerun', 'fix', 'reduce', 'switch'];
    for (const cause of CAUSES) {
      const places = ROUTES[cause].map((rung) => order.indexOf(rung));
      expect(places, cause).toEqual([...places].sort((a, b) => a - b));
    }
  });

  it('enters where the cause says', () => {
    const entry = (cause: Diagnosis['cause'], changes?: Partial<Diagnosis>) => {
      const step = nextRemedy(run(), incident(), diagnosis(cause, changes), 7);
      return 'remedy' in step ? step.remedy : step.give_up;
    };
    expect(entry('stall')).toEqual({ rung: 'rerun', backoff_ms: 0 });
    expect(entry('gpu_oom')).toEqual({ rung: 'reduce', knob: 'batch_size', from: 32, to: 16, keeps: { knob: 'accum', from: 1, to: 2 } });
    expect(entry('missing_dependency', { package: 'einops' })).toEqual({ rung: 'fix', fix: { kind: 'pip_install', package: 'einops' } });
    expect(entry('gpu_hardware')).toMatchObject({ rung: 'switch', machine_id: 7 });
    expect(entry('network_download')).toEqual({ rung: 'rerun', backoff_ms: 30_000 });
    expect(entry('code_bug')).toContain('no automatic repair is safe');
    expect(entry('missing_dependency')).toContain('the spec allows no repair');
  });

  it('climbs one rung after a failed repair, and reduces further before it leaves reduction', () => {
    const after = (cause: Diagnosis['cause'], ...done: Remedy[]) => {
      const step = nextRemedy(run({ knobs: { batch_size: 16, accum: 2 } }), incident(...done), diagnosis(cause), 7);
      return 'remedy' in step ? step.remedy.rung : 'give_up';
    };
    expect(after('stall', { rung: 'rerun', backoff_ms: 0 })).toBe('switch');
    expect(after('stall', { rung: 'rerun', backoff_ms: 0 }, { rung: 'switch', machine_id: 7, reason: '' })).toBe('give_up');
    expect(after('host_oom_killed')).toBe('switch'); // no knob of this spec answers host memory
    expect(after('gpu_oom', { rung: 'reduce', knob: 'batch_size', from: 32, to: 16, keeps: null })).toBe('reduce');
  });

  it('is bounded per run, per fingerprint and per rung', () => {
    const past = (count: number, fingerprint: string, remedy: Remedy): Incident[] =>
      Array.from({ length: count }, (_, id) => ({ id, opened_at: 0, step: null, attempt: 1, usd: 0, diagnosis: diagnosis('stall', { fingerprint }), remedies: [{ remedy, at: 0, why: '', attempt: 1 }], ended: null }));
    const rerun: Remedy = { rung: 'rerun', backoff_ms: 0 };
    const next = (incidents: Incident[]) => nextRemedy(run({ incidents }), incident(), diagnosis('stall'), 7);
    expect(next(past(BOUNDS.per_run, 'other', rerun))).toHaveProperty('give_up');
    expect(next(past(BOUNDS.per_fingerprint, 'stall', rerun))).toHaveProperty('give_up');
    expect(next(past(BOUNDS.per_rung.rerun, 'other', rerun))).toMatchObject({ remedy: { rung: 'switch' } });
  });

  it('counts an interruption from outside as no repair: it starts again at once, as long as checkpoints come home', () => {
    const rerun: Remedy = { rung: 'rerun', backoff_ms: 0 };
    const times = (count: number, cause: Diagnosis['cause'] = 'preempted'): Incident[] =>
      Array.from({ length: count }, (_, id) => ({ id, opened_at: 0, step: null, attempt: 1, usd: 0, diagnosis: diagnosis(cause, { fingerprint: cause }), remedies: [{ remedy: rerun, at: 10, why: '', attempt: 1 }], ended: null }));
    const away = { kind: 'outbid', instance: 1, attempt: 2, since: 1, back_at: 2, times: 1, asks: 0, asked_at: null } as const;
    const next = (incidents: Incident[], cause: Diagnosis['cause'] = 'preempted', more: Partial<RunState> = {}, usd = 0) => nextRemedy(run({ incidents, away, attempt: 2, ...more }), incident(rerun), diagnosis(cause, { fingerprint: cause }), 7, usd);
    expect(next(times(BOUNDS.interruptions - 1))).toMatchObject({ remedy: rerun });
    expect(next(times(BOUNDS.interruptions))).toMatchObject({ give_up: '8 times without a new checkpoint'.replace(/^/, 'it was interrupted ') });
    const checkpoint = { path: 'ckpt/step-1.pt', step: 1, at: 100, usd: 1, every: null };
    expect(next(times(40), 'preempted', { checkpoint })).toMatchObject({ remedy: rerun });
    expect(next(times(2), 'preempted', {}, 100)).toHaveProperty('give_up');
    // The ladder of a real failure is as long as if nothing had been interrupted.
    expect(next(times(40), 'stall', { checkpoint })).toMatchObject({ remedy: { rung: 'switch' } });
    // Whoever ends it on a box that was there all the time is on that box.
    expect(next(times(1), 'preempted', { away: null })).toMatchObject({ remedy: { rung: 'switch' } });
  });

  it('does no fix twice, and none that the spec has decided itself', () => {
    const fixes = [{ kind: 'env', name: 'NCCL_IB_DISABLE', value: '1' }, { kind: 'env', name: 'NCCL_P2P_DISABLE', value: '1' }] as const;
    const found = diagnosis('nccl_comm', { fixes: [...fixes] });
    const rerun: Remedy = { rung: 'rerun', backoff_ms: 0 };
    const first: Remedy = { rung: 'fix', fix: fixes[0] };
    const after = (spec: RunState['spec'], ...remedies: Remedy[]) => {
      const open: Incident = { id: 1, opened_at: 0, step: null, attempt: 1, usd: 0, diagnosis: found, remedies: incident(...remedies).remedies, ended: null };
      const step = nextRemedy(run({ spec, incident: open }), open, found, 7);
      return 'remedy' in step ? step.remedy : step.give_up;
    };
    expect(after(makeSpec(), rerun)).toEqual(first);
    expect(after(makeSpec(), rerun, first)).toEqual({ rung: 'fix', fix: fixes[1] });
    expect(after(makeSpec({ env: { NCCL_IB_DISABLE: '0' } }), rerun)).toEqual({ rung: 'fix', fix: fixes[1] });
    expect(after(makeSpec(), rerun, first, { rung: 'fix', fix: fixes[1] })).toMatchObject({ rung: 'switch' });
  });

  it('waits longer each time for what passes by itself', () => {
    const waits = [0, 1, 2].map((used) => {
      const rerun: Remedy = { rung: 'rerun', backoff_ms: 0 };
      const past: Incident[] = Array.from({ length: used }, (_, id) => ({ id, opened_at: 0, step: null, attempt: 1, usd: 0, diagnosis: diagnosis('stall', { fingerprint: `other ${id}` }), remedies: incident(rerun).remedies, ended: null }));
      const step = nextRemedy(run({ incidents: past }), incident(), diagnosis('network_download'), 7);
      return 'remedy' in step && step.remedy.rung === 'rerun' ? step.remedy.backoff_ms : null;
    });
    expect(waits).toEqual([30_000, 120_000, 600_000]);
  });

  it('goes back to the checkpoint before a damaged one, and never resumes a command that starts elsewhere without one', () => {
    const home = (...steps: number[]) => steps.map((step) => ({ path: `ckpt/step-${step}.pt`, bytes: 10, sha256: `h${step}`, mtime_s: step }));
    const attempts = [{ number: 1, instance: 1, machine_id: 1, command: 'x', started_at: 1, ended_at: null, resume_from: 'ckpt/step-40.pt', resume_step: 40, first_step: 1, first_at: 0, last_step: 9, low_steps: 3, exit: null }];
    const next = (files: number[], changes: Partial<Diagnosis> = {}) => nextRemedy(run({ attempts, home: home(...files) }), incident(), diagnosis('checkpoint_corrupt', changes), 7);
    expect(next([20, 40])).toMatchObject({ remedy: { rung: 'rerun', avoid: 'ckpt/step-40.pt' } });
    expect(next([40])).toMatchObject({ remedy: { rung: 'rerun', avoid: 'ckpt/step-40.pt' } });
    expect(next([20, 40], { trigger: 'resume_lost' })).toMatchObject({ remedy: { avoid: 'ckpt/step-40.pt' } });
    expect(next([40], { trigger: 'resume_lost' })).toHaveProperty('give_up');
  });

  it('is bounded by dollars without a new checkpoint', () => {
    const rerun: Remedy = { rung: 'rerun', backoff_ms: 0 };
    const past = (at: number): Incident[] => [1, 2].map((id) => ({ id, opened_at: at, step: null, attempt: 1, usd: 0, diagnosis: diagnosis('stall', { fingerprint: `f${id}` }), remedies: [{ remedy: rerun, at, why: '', attempt: 1 }], ended: null }));
    const checkpoint = { path: 'ckpt/step-1.pt', step: 1, at: 100, usd: 1, every: null };
    const next = (at: number, usd: number) => nextRemedy(run({ incidents: past(at), checkpoint }), incident(), diagnosis('segfault'), 7, usd);
    expect(next(200, 3)).toEqual({ give_up: '2 repairs and $3.00 have not led to a new checkpoint', best_option: 'what next' });
    expect(next(200, 2.9)).toHaveProperty('remedy');
    expect(next(50, 3)).toHaveProperty('remedy'); // a checkpoint came home since
  });

  it('installs only what is a package name', () => {
    expect(pipInstall('einops')).toBe('pip install --no-input --disable-pip-version-check einops');
    for (const name of ['x; rm -rf /', '--index-url=http://evil', 'a b', '$(id)', '../x', '', 'http://x/y.whl']) expect(() => pipInstall(name), name).toThrow(RangeError);
  });
});

describe('knobs', () => {
  it('halve down to the floor and keep the effective batch', () => {
    const spec = makeSpec();
    let knobs: Record<string, number> = { batch_size: 32, accum: 1 };
    const seen: number[][] = [];
    for (let step = reduction(spec, knobs, 'gpu_oom'); step; step = reduction(spec, knobs, 'gpu_oom')) {
      knobs = { ...knobs, [step.knob]: step.to, ...(step.keeps && { [step.keeps.knob]: step.keeps.to }) };
      seen.push([knobs['batch_size'] ?? 0, knobs['accum'] ?? 0]);
    }
    expect(seen).toEqual([[16, 2], [8, 4], [4, 8]]);
  });

  it('keep the effective batch exactly where the numbers allow it, never let it shrink, and change one knob (and what it keeps) at a time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 512 }), fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 64 }), (batch, accum, floor) => {
        fc.pre(floor <= batch);
        const spec = makeSpec({ knobs: { batch_size: { value: batch, floor, keeps: 'accum' }, accum: { value: accum, floor: 1, answers: [] } } });
        const step = reduction(spec, { batch_size: batch, accum }, 'gpu_oom');
        if (!step) {
          expect(batch).toBe(floor);
          return;
        }
        expect(step).toMatchObject({ knob: 'batch_size', from: batch, keeps: { knob: 'accum', from: accum } });
        expect(step.to).toBeGreaterThanOrEqual(floor);
        expect(step.to).toBeLessThan(batch);
        const product = step.to * (step.keeps?.to ?? 0);
        expect(product).toBeGreaterThanOrEqual(batch * accum);
        const most = Math.max(floor, Math.floor(batch / 2));
        const exact = Array.from({ length: most }, (_, n) => n + 1).some((to) => to >= Math.max(floor, most / 2) && (batch * accum) % to === 0);
        if (exact) expect(product).toBe(batch * accum);
      }),
    );
    expect(reduction(makeSpec({ knobs: { batch_size: { value: 15, floor: 1, keeps: 'accum' }, accum: { value: 1, floor: 1, answers: [] } } }), { batch_size: 15, accum: 1 }, 'gpu_oom')).toMatchObject({ to: 5, keeps: { to: 3 } });
  });

  it('answer their own causes: workers down to none, sequence length, precision, and a learning rate when the loss is gone', () => {
    const spec = makeSpec({ run: 'train', checkpoints: { path: 'ckpt/*' }, knobs: { workers: { value: 2, floor: 0, answers: ['shm_dataloader', 'host_oom_killed'] }, seq: { value: 4096, floor: 1024 }, bits: { value: 32, floor: 16 }, lr: { value: 0.001, floor: 0.0001, answers: ['numeric_divergence'] } } });
    const walk = (cause: Diagnosis['cause']) => {
      const seen: [string, number][] = [];
      let knobs: Record<string, number> = { workers: 2, seq: 4096, bits: 32, lr: 0.001 };
      for (let step = reduction(spec, knobs, cause); step; step = reduction(spec, knobs, cause)) seen.push([step.knob, (knobs = { ...knobs, [step.knob]: step.to })[step.knob] ?? 0]);
      return seen;
    };
    expect(walk('shm_dataloader')).toEqual([['workers', 1], ['workers', 0]]);
    expect(walk('gpu_oom')).toEqual([['seq', 2048], ['seq', 1024], ['bits', 16]]);
    expect(walk('numeric_divergence').map(([name]) => name)).toEqual(['lr', 'lr', 'lr', 'lr']);
    // Twice smaller was no help: the rate is not what breaks it, and each try costs the way back.
    const lr = (from: number): Remedy => ({ rung: 'reduce', knob: 'lr', from, to: from / 2, keeps: null });
    expect(nextRemedy(run({ spec, knobs: { lr: 0.0005 } }), incident(lr(0.001)), diagnosis('numeric_divergence'), 7)).toMatchObject({ remedy: { rung: 'reduce' } });
    expect(nextRemedy(run({ spec, knobs: { lr: 0.00025 } }), incident(lr(0.001), lr(0.0005)), diagnosis('numeric_divergence'), 7)).toHaveProperty('give_up');
    expect(nextRemedy(run({ spec, knobs: { lr: 0.001 } }), incident(), diagnosis('numeric_divergence'), 7)).toMatchObject({ remedy: { rung: 'reduce', knob: 'lr', to: 0.0005 } });
    expect(nextRemedy(run(), incident(), diagnosis('numeric_divergence'), 7)).toMatchObject({ give_up: 'the spec allows no repair for numeric_divergence' });
  });

  it('fill the command, quote the checkpoint, and leave the shell its own braces', () => {
    expect(renderCommand('t --bs {bs} --r {checkpoint} ${HOME} \\{x}', { bs: 8 }, "a'b c")).toBe("t --bs 8 --r 'a'\\''b c' ${HOME} {x}");
    expect(shellQuote('$(id)')).toBe("'$(id)'");
  });
});

describe('labels', () => {
  it('read back what they write, and nothing else', () => {
    expect(parseLabel(labelOf('my-run', 3))).toEqual({ run: 'my-run', attempt: 3 });
    for (const label of [null, '', 'vastsit:', 'vastsit:Run:1', 'vastsit:run:0', 'vastsit:run:1:2', 'xvastsit:run:1', 'vastsit:run:1\n', 'vastsit:a b:1']) expect(parseLabel(label), String(label)).toBeNull();
  });
});

describe('checkpoints', () => {
  const file = (path: string, bytes = 1, mtime_s = 0) => ({ path, bytes, sha256: 'x', mtime_s });
  it('read the step from the name', () => {
    expect([stepOf('ckpt/step-000040.json'), stepOf('out/checkpoint-500/model.safetensors'), stepOf('epoch3_step120.pt'), stepOf('final.pt')]).toEqual([40, 500, 120, null]);
  });
  it('prefer the highest step, and never an empty or undeclared file', () => {
    const files = [file('ckpt/step-9.pt'), file('ckpt/step-100.pt', 0), file('ckpt/step-20.pt'), file('other/step-500.pt')];
    expect(newestCheckpoint(files, ['ckpt/*'])?.path).toBe('ckpt/step-20.pt');
    expect(newestCheckpoint([], ['ckpt/*'])).toBeNull();
  });
});

describe('teardown', () => {
  const all: TeardownCase[] = (['done', 'early_stopped', 'failed', 'killed_by_criterion', 'destroyed_by_user', 'no_offer', 'refused', 'lost', 'launch_failed', 'switching'] as const).flatMap((verdict) =>
    [true, false].flatMap((hold) =>
      [true, false].flatMap((keep) =>
        (['verified', 'nothing_never_ran', 'waived', 'unverified', null] as const).flatMap((gate) => (['destroy', 'stop', 'keep'] as const).flatMap((on_done) => (['up', 'offline', 'stopped'] as const).flatMap((reach) => (['on-demand', 'bid'] as const).flatMap((market) => [true, false].map((adopted) => ({ verdict, hold, keep, gate, on_done, reach, market, adopted })))))),
      ),
    ),
  );

  it('destroys only through an open gate', () => {
    for (const situation of all) {
      const { act } = teardown(situation);
      if (act.startsWith('destroy')) expect(['verified', 'nothing_never_ran', 'waived'], JSON.stringify(situation)).toContain(situation.gate);
    }
  });

  it('waits for a hold and keeps what is asked to be kept, unless the user orders otherwise', () => {
    for (const situation of all) {
      const { act } = teardown(situation);
      if (situation.verdict === 'destroyed_by_user') continue;
      if (situation.hold) expect(['wait', 'rescue_first']).toContain(act);
      else if (situation.adopted) expect(['give_back', 'rescue_first', 'wait']).toContain(act);
      else if (situation.keep && situation.verdict !== 'launch_failed' && situation.verdict !== 'switching') expect(['keep', 'rescue_first', 'wait']).toContain(act);
    }
  });

  it('has no row that nothing reaches', () => {
    const reached = new Set(all.map((situation) => TEARDOWN.findIndex((row) => row.because === teardown(situation).because)));
    expect([...reached].sort((a, b) => a - b)).toEqual(TEARDOWN.map((_, index) => index));
  });
});
