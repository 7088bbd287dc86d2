/**
 * Efficiency and recovery as they are lived: the built program on the stories that the embedded market ships beside the demo.
 * Trainings that wait for data are tuned, or left alone; repairs do not believe a checkpoint that holds no numbers, nor a
 * resume that begins anew.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPlace, type Line, type Place } from './program.ts';

interface Story {
  code: number | null;
  /** The lines of a run, in order; of some types alone where they are named. */
  of(run: string, ...types: string[]): Line[];
  /** What the result line says of a run, and of all of them. */
  result(run: string): Line | undefined;
  all: Line;
}

const places: Place[] = [];
let tuning: Story;
let recovery: Story;

async function live(scenario: string, scale: number): Promise<Story> {
  const place = createPlace();
  places.push(place);
  const { code, lines, err } = await place.run(['demo', '--json', '--scenario', scenario, '--scale', String(scale)]);
  const all = lines.at(-1);
  if (all?.type !== 'result') throw new Error(`${scenario} told no result: ${err}`);
  return {
    code,
    all,
    of: (run, ...types) => lines.filter((line) => line['run'] === run && (types.length === 0 || types.includes(line.type))),
    result: (run) => (all['runs'] as Line[]).find((one) => one['run'] === run),
  };
}

beforeAll(async () => {
  // A step of the tuned ones takes 0.4 s, so that what they gain is seen above the noise of a busy machine.
  [tuning, recovery] = await Promise.all([live('tuning', 150), live('recovery', 200)]);
}, 240_000);
afterAll(() => {
  for (const place of places) place.dispose();
});

const workers = (starts: readonly Line[]): number[] => starts.map(({ command }) => Number(/--workers (\d+)/.exec(String(command))?.[1]));
const stepBefore = (story: Story, run: string, start: Line | undefined): number => {
  const before = story.of(run, 'progress.marked').filter(({ seq }) => Number(seq) < Number(start?.['seq']));
  return Number((before.at(-1)?.['reading'] as { step: number }).step);
};

describe('a training that waits for data', () => {
  it('is given more workers, with what that may gain, touches and risks, and keeps them when the figures say so', () => {
    const [advice] = tuning.of('tune-gains', 'efficiency.judged');
    const [chosen, ...more] = tuning.of('tune-gains', 'trial.chosen');
    const [judged] = tuning.of('tune-gains', 'trial.judged');
    const suggestion = { change: { kind: 'knob', knob: 'workers', from: 2, to: 4, keeps: null }, gain: expect.closeTo(0.5, 1) as unknown, size: 'config', risk: 'low', allowed: true };
    expect(advice).toMatchObject({ attempt: 1, advice: { bottleneck: 'data', evidence: expect.arrayContaining([expect.stringMatching(/^GPU busy (4|5)\d %$/)]) as unknown } });
    expect((advice?.['advice'] as { suggestions: unknown[] }).suggestions[0]).toMatchObject(suggestion);
    expect(chosen?.['trial']).toMatchObject({ bottleneck: 'data', change: suggestion.change });
    expect(more).toEqual([]);
    const { before } = chosen?.['trial'] as { before: number };
    expect(judged).toMatchObject({ how: 'kept', reason: expect.stringMatching(/^it gains \+\d/) as unknown });
    expect(Number(judged?.['after']) / before).toBeGreaterThan(1.2);
    expect(workers(tuning.of('tune-gains', 'start.intended'))).toEqual([2, 4]);
  });

  it('is left alone before its rhythm is stable: two minutes of warm-up, ten that are measured, three looks', () => {
    for (const run of ['tune-gains', 'tune-reverts']) {
      const [chosen] = tuning.of(run, 'trial.chosen');
      const before = tuning.of(run).filter(({ seq }) => Number(seq) < Number(chosen?.['seq']));
      const started = before.find(({ type }) => type === 'process.started');
      expect(before.filter(({ type }) => type === 'check.done').length).toBeGreaterThanOrEqual(3);
      expect(Date.parse(String(chosen?.ts)) - Date.parse(String(started?.ts))).toBeGreaterThan(12 * 60_000);
    }
  });

  it('gets its workers back when more of them gain nothing, and is not tried again', () => {
    const [judged, ...more] = tuning.of('tune-reverts', 'trial.judged');
    const { before } = tuning.of('tune-reverts', 'trial.chosen')[0]?.['trial'] as { before: number };
    expect(judged).toMatchObject({ how: 'reverted', reason: expect.stringMatching(/^-\d.* is no gain$/) as unknown });
    expect(Number(judged?.['after'])).toBeLessThan(before);
    expect(more).toEqual([]);
    expect(workers(tuning.of('tune-reverts', 'start.intended'))).toEqual([2, 4, 2]);
  });

  it('goes on at its newest checkpoint each time, on the same instance, and makes every step to the end', () => {
    for (const [run, steps] of [['tune-gains', 80], ['tune-reverts', 68]] as const) {
      const [first, ...again] = tuning.of(run, 'start.intended');
      for (const start of again) {
        expect(start).toMatchObject({ instance: first?.['instance'], resume_from: expect.stringMatching(/^ckpt\/step-/) as unknown });
        // A checkpoint every other step.
        expect(stepBefore(tuning, run, start) - Number(start['resume_step'])).toBeLessThanOrEqual(2);
      }
      expect(tuning.result(run)).toMatchObject({ verdict: 'done', step: steps, incidents: [], rescue: 'verified' });
    }
  });

  it('is told what would help and left as it is, where the spec allows nothing, and where too little of the run is left', () => {
    for (const [run, allowed, steps] of [['tune-asks', false, 44], ['tune-late', true, 44]] as const) {
      const [advice] = tuning.of(run, 'efficiency.judged');
      expect(advice?.['advice']).toMatchObject({ bottleneck: 'data', suggestions: expect.arrayContaining([expect.objectContaining({ what: 'workers 2 -> 4', allowed })]) as unknown });
      expect(tuning.of(run, 'trial.chosen')).toEqual([]);
      expect(tuning.of(run, 'start.intended')).toHaveLength(1);
      expect(tuning.result(run)).toMatchObject({ verdict: 'done', step: steps, attempts: 1 });
    }
    expect([tuning.code, tuning.all['usd_per_hour']]).toEqual([0, 0]);
  });
});

describe('a repair', () => {
  const causes = (run: string): unknown[] => recovery.of(run, 'incident.opened', 'incident.recurred').map(({ diagnosis }) => (diagnosis as { cause: string }).cause);

  it('leaves a checkpoint that holds no numbers for the one before, and is proven beyond where they first went', () => {
    const starts = recovery.of('mend-poison', 'start.intended');
    expect(causes('mend-poison')).toEqual(['numeric_divergence', 'checkpoint_corrupt']);
    expect(starts.map((start) => start['resume_step'])).toEqual([null, 20, 10]);
    expect(starts.map(({ command }) => Number(/--lr ([\d.]+)/.exec(String(command))?.[1]))).toEqual([0.08, 0.04, 0.04]);
    const [resolved, ...more] = recovery.of('mend-poison', 'incident.resolved');
    expect([Number(resolved?.['step']) > 28, more]).toEqual([true, []]);
    // Not by what the attempt before still made.
    expect(Number(resolved?.['seq'])).toBeGreaterThan(Number(starts.at(-1)?.['seq']));
    expect(recovery.result('mend-poison')).toMatchObject({ verdict: 'done', step: 45, rescue: 'verified' });
  });

  it('refuses a resume that begins anew, each checkpoint once, and ends in a report that says what to mend', () => {
    expect(recovery.of('mend-amnesia', 'start.intended').map((start) => start['resume_step'])).toEqual([null, 20, 10]);
    expect(recovery.of('mend-amnesia', 'refused').map(({ why }) => why)).toEqual([20, 10].map((step) => expect.stringMatching(`^it was given the checkpoint of step ${step}, and trains at step \\d+$`) as unknown));
    expect(recovery.of('mend-amnesia', 'incident.given_up')).toMatchObject([{ best_option: expect.stringContaining('Let checkpoints.resume load {checkpoint}') as unknown }]);
    expect(recovery.result('mend-amnesia')).toMatchObject({ verdict: 'failed', reason: expect.stringContaining('The resume command does not resume') as unknown, instance: null, rescue: 'verified' });
    expect(Number(recovery.result('mend-amnesia')?.['usd'])).toBeLessThan(1);
    expect([recovery.code, recovery.all['usd_per_hour']]).toEqual([1, 0]);
  });

  it('leaves a host that slows its GPU down, once the steps that are left cost less elsewhere with the move, and remembers the machine', () => {
    const [incident, ...more] = recovery.of('mend-hot', 'incident.opened');
    const [first, second, ...third] = recovery.of('mend-hot', 'create.accepted');
    expect([more, third]).toEqual([[], []]);
    expect(incident?.['diagnosis']).toMatchObject({ trigger: 'throughput_low', cause: 'gpu_hardware', summary: expect.stringMatching(/^The host slows its GPU down: 0\.00\d+ steps\/s where 0\.0155 are due; on another RTX 4090 .*, the move included, here /) as unknown });
    expect(recovery.of('mend-hot', 'machine.remembered')).toMatchObject([{ machine_id: first?.['machine_id'], evidence: [expect.stringContaining('the driver reports a slowdown') as unknown, expect.stringContaining('91 °C') as unknown] }]);
    expect(second?.['machine_id']).not.toBe(first?.['machine_id']);
    const [, again] = recovery.of('mend-hot', 'start.intended');
    // A checkpoint every five steps.
    expect(stepBefore(recovery, 'mend-hot', again) - Number(again?.['resume_step'])).toBeLessThanOrEqual(5);
    expect(recovery.result('mend-hot')).toMatchObject({ verdict: 'done', step: 32, rescue: 'verified', incidents: [{ ended: 'resolved' }] });
  });
});
