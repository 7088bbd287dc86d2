/** What holds a healthy run back: told from steady minutes alone, with what may be changed about it. */
import { describe, expect, it } from 'vitest';
import { repeatHereMs } from '../../src/core/away.ts';
import { judgeEfficiency, keepSample, sampleOf, type Sample } from '../../src/core/efficiency.ts';
import { initialKnobs } from '../../src/core/knobs.ts';
import type { ProbeReading } from '../../src/core/probe.ts';
import type { SpecInput } from '../../src/core/spec.ts';
import type { ProgressState, RunState } from '../../src/core/state.ts';
import { NO_EYES } from '../../src/core/triggers/eyes.ts';
import { NO_RHYTHM } from '../../src/core/triggers/rhythm.ts';
import { makeSpec } from './spec-factory.ts';

describe('efficiency', () => {
  const probe = (part: { util: number; power: number; memory?: number; throttled?: boolean; cpu_s?: number; at?: number }): ProbeReading => ({
    at: part.at ?? 0, gpus: [{ index: 0, name: 'x', util: part.util, mem_used: (part.memory ?? 0.9) * 1_000, mem_total: 1_000, power_w: part.power * 400, power_limit_w: 400, temp_c: 60, sm_clock_mhz: 2_000, throttled: part.throttled ?? false }],
    alive: true, cpu_s: part.cpu_s ?? null, load1: 1, mem_used: 1, mem_total: 2, disk: null, shm: null, net: null, io: null, log_bytes: 1, log_age_s: 1, oom_kills: 0, kernel: [], boot_id: null, uptime_s: 1, exit: null, driver_version: null, cuda_version: null,
  });
  const rhythm = (gaps: number[]): ProgressState => ({ reading: { step: 500, total_steps: 1_000, epoch: null, loss: 1, learning_rate: null, rate: null, steps_per_s: 2, eval: null, eta_s: null, format: 'hf', activity: 'training', diverged: false }, advanced_at: 0, gaps, marks: [] });
  const steady = rhythm(Array.from({ length: 40 }, () => 500));
  /** ms a step in each minute of it. */
  const LAPS = Array.from({ length: 12 }, () => 500);
  const samples = (part: Parameters<typeof probe>[0]): Sample[] => [1, 2, 3].reduce<Sample[]>((all) => keepSample(all, sampleOf(probe(part), null)), []);
  const judged = (looks: Sample[], { spec = {}, progress = steady, laps = LAPS, cores = null }: { spec?: Partial<SpecInput>; progress?: ProgressState; laps?: number[]; cores?: number | null } = {}) => {
    const made = makeSpec({ complexity: 'moderate', ...spec });
    return judgeEfficiency({ spec: made, progress, samples: looks, knobs: initialKnobs(made), eyes: { ...NO_EYES, rhythm: { ...NO_RHYTHM, laps } } }, cores);
  };
  const verdict = (part: Parameters<typeof probe>[0], rest: Parameters<typeof judged>[1] = {}) => judged(samples(part), rest);

  it('says nothing before the baseline is stable', async () => {
    const waiting = { util: 30, power: 0.3 };
    expect(judged([])).toBeNull();
    expect(verdict(waiting, { laps: LAPS.slice(1) })).toBeNull();
    expect(verdict(waiting, { laps: LAPS.map((ms, n) => (n % 2 ? ms : 2 * ms)) })).toBeNull();
    // The first minutes are warm-up, and count for nothing.
    expect(verdict(waiting, { laps: [9_000, 3_000, ...LAPS.slice(2)] })).toMatchObject({ baseline: 2 });
  });

  it('is not misled by one look that fell into a pause', () => {
    const looks = [96, 96, 96, 0, 96, 96].reduce<Sample[]>((all, util) => keepSample(all, sampleOf(probe({ util, power: util / 110 }), null)), []);
    expect(judged(looks)?.bottleneck).not.toBe('data');
  });

  it('names what holds the run back, and what may be changed without asking', async () => {
    expect(verdict({ util: 30, power: 0.3 })).toMatchObject({ bottleneck: 'data', baseline: 2, suggestions: [{ size: 'setting', risk: 'low', allowed: true, change: { kind: 'env', name: 'OMP_NUM_THREADS', value: '1' } }, { size: 'config', risk: 'low', allowed: true, change: null }] });
    expect(verdict({ util: 30, power: 0.3 }, { spec: { complexity: 'simple' } })?.suggestions.map(({ allowed }) => allowed)).toEqual([true, false]);
    expect(verdict({ util: 97, power: 0.9 })).toMatchObject({ bottleneck: 'compute', suggestions: [{ size: 'setting', risk: 'medium', allowed: false }, { size: 'code', allowed: false, change: null }] });
    expect(verdict({ util: 97, power: 0.35 })?.bottleneck).toBe('memory');
    expect(verdict({ util: 97, power: 0.9, memory: 0.2 })?.bottleneck).toBe('none');
    expect(verdict({ util: 97, power: 0.9, throttled: true })?.bottleneck).toBe('throttling');
    expect(verdict({ util: 60, power: 0.5 }, { progress: rhythm(Array.from({ length: 40 }, (_, n) => (n % 10 === 9 ? 5_000 : 500))) })?.bottleneck).toBe('logging');
  });

  it('expects of more workers at most what the waiting costs, and nothing where every core is busy with them', async () => {
    const spec = { run: 'train --workers {workers}', checkpoints: { path: 'ckpt/*' }, knobs: { workers: { value: 2, floor: 0, answers: [], ceiling: 16, speeds: ['data' as const] } } };
    const gains = (util: number) => verdict({ util, power: 0.3 }, { spec })?.suggestions.flatMap(({ change, gain }) => (change?.kind === 'knob' ? [gain] : []));
    expect(gains(30)).toEqual([0.5]);
    expect(gains(80)).toEqual([expect.closeTo(0.125) as number]);
    const busy = [1, 2, 3].reduce<Sample[]>((all, n) => keepSample(all, sampleOf(probe({ util: 30, power: 0.3, cpu_s: 450 * n, at: 60_000 * n }), probe({ util: 30, power: 0.3, cpu_s: 450 * (n - 1), at: 60_000 * (n - 1) }))), []);
    expect(judged(busy, { spec, cores: 8 })).toMatchObject({ bottleneck: 'data', evidence: expect.arrayContaining(['7.5 of 8 CPU cores busy']) as unknown, suggestions: [{ change: { kind: 'env' } }, { size: 'code', change: null }] });
    expect(judged(busy, { spec, cores: 32 })).toMatchObject({ suggestions: [{ change: { kind: 'knob', from: 2, to: 4 } }, { change: { kind: 'env' } }, { size: 'config' }] });
  });

  it('reads rates between two looks, and unknown is never zero', async () => {
    expect(sampleOf(probe({ util: 1, power: 1, cpu_s: 130, at: 60_000 }), probe({ util: 1, power: 1, cpu_s: 10 }))).toMatchObject({ cores: 2, read: null });
    expect(sampleOf(probe({ util: 1, power: 1, cpu_s: 5, at: 60_000 }), probe({ util: 1, power: 1, cpu_s: 10 })).cores).toBeNull();
    expect(sampleOf({ ...probe({ util: 1, power: 1 }), gpus: null }, null)).toMatchObject({ util: null, throttled: null });
  });
});

describe('what a restart on the same instance repeats', () => {
  const file = (step: number) => ({ path: `ckpt/step-${step}.pt`, bytes: 1, sha256: String(step), mtime_s: step });
  const run = (home: number[], step: number, at_home = home.at(-1) ?? 0) =>
    ({
      spec: makeSpec({ checkpoints: { path: 'ckpt/*', resume: 'train --resume {checkpoint}' } }),
      bad_checkpoints: [],
      home: home.map(file),
      checkpoint: { path: '', step: home.at(-1) ?? 0, at: 1_000 * at_home, usd: 0, every: null },
      eyes: { ...NO_EYES, rhythm: { ...NO_RHYTHM, pace: 1_000 } },
      progress: { reading: { step }, marks: [0, at_home, step].map((one) => ({ step: one, at: 1_000 * one, loss: null })) },
    }) as unknown as RunState;

  it('is what came after the newest checkpoint there, which home may not have yet', () => {
    expect(repeatHereMs(run([80, 90], 104, 92))).toBe(4_000);
    expect(repeatHereMs(run([80, 90], 109, 92))).toBe(9_000);
    expect(repeatHereMs(run([80, 90], 110, 92))).toBe(0);
  });

  it('is all since home had one, where one alone is there or names count something else than steps', () => {
    expect(repeatHereMs(run([90], 104, 90))).toBe(14_000);
    // Epochs: the third came home at step 900.
    expect(repeatHereMs(run([2, 3], 1_000, 900))).toBe(1_000_000);
  });
});
