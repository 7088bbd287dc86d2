/** The whole story through the built program, as `npm run demo -- --json` tells it: five runs, one stranger, and nothing left. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPlace, until, type Line, type Place } from './program.ts';

const RUNS = ['demo-hang', 'demo-healthy', 'demo-missing-dep', 'demo-oom', 'demo-stuck'];

describe('the demo, headless', () => {
  let place: Place;
  let lines: Line[] = [];
  let code: number | null = null;
  let left: { processes: unknown[]; files: string[] };

  beforeAll(async () => {
    place = createPlace();
    const ended = await place.run(['demo', '--json', '--scale', '60']);
    ({ code, lines } = ended);
    left = { processes: place.processes(), files: place.leftovers() };
    if (code !== 0) throw new Error(`the demo ended with ${code}:\n${ended.out.split('\n').slice(-20).join('\n')}\n${ended.err}`);
  }, 240_000);
  afterAll(() => place.dispose());

  const of = (run: string, ...types: string[]): Line[] => lines.filter((line) => line['run'] === run && (types.length === 0 || types.includes(line.type)));
  const at = (line: Line): number => lines.indexOf(line);
  /** The one such line; more or none fails with the run's whole story. */
  const only = (run: string, type: string): Line => {
    const found = of(run, type);
    const [first] = found;
    if (found.length !== 1 || !first) throw new Error(`${found.length} ${type} of ${run} in: ${of(run).map((line) => line.type).join(' ')}`);
    return first;
  };
  const commands = (run: string): string[] => of(run, 'start.intended').map((line) => String(line['command']));
  const step = (line: Line): number => Number(line['step']);
  const remedies = (run: string): string[] => of(run, 'remedy.chosen').map((line) => (line['remedy'] as { rung: string }).rung);
  const cause = (line: Line): unknown => (line['diagnosis'] as { cause: unknown }).cause;

  it('is one stream: hello first, result last, every line with version, time and type, in order', () => {
    expect(lines[0]).toMatchObject({ v: 1, type: 'hello', program: 'vastsit-tui', runs: RUNS });
    expect(lines.at(-1)).toMatchObject({ v: 1, type: 'result', status: 'ok', reason: null });
    for (const line of lines) {
      expect(line, JSON.stringify(line)).toMatchObject({ v: 1, type: expect.stringMatching(/^[a-z_]+(\.[a-z_]+)*$/) as unknown });
      expect(new Date(String(line['ts'])).toISOString()).toBe(line['ts']);
    }
    const events = lines.filter((line) => 'seq' in line);
    expect(events.length).toBe(lines.length - 2);
    expect(events.every((line, index) => index === 0 || Number(line['seq']) > Number(events[index - 1]?.['seq']))).toBe(true);
    expect(events.every((line, index) => index === 0 || String(line['ts']) >= String(events[index - 1]?.['ts']))).toBe(true);
    expect(of('demo-oom')[0]).toMatchObject({ type: 'run.submitted' });
  });

  it('brings every run to done, its results home and verified, and lets nothing bill', () => {
    const result = lines.at(-1);
    expect(code).toBe(0);
    expect(result).toMatchObject({ usd_per_hour: 0 });
    const runs = (result?.['runs'] ?? []) as Record<string, unknown>[];
    expect(runs.map(({ run }) => run).sort()).toEqual(RUNS);
    for (const run of runs) expect(run).toMatchObject({ verdict: 'done', rescue: 'verified', instance: null, step: 70 });
    for (const run of RUNS) {
      const ended = only(run, 'run.ended');
      const verified = of(run, 'rescue.judged').filter((line) => line['verdict'] === 'verified').at(-1);
      expect(ended['verdict']).toBe('done');
      expect(verified && at(verified)).toBeGreaterThan(at(ended));
      expect(Number(verified?.['files'])).toBeGreaterThan(0);
      expect(at(only(run, 'run.closed'))).toBeGreaterThan(at(ended));
    }
  });

  it('(a) trains the healthy run without an incident', () => {
    expect(of('demo-healthy', 'incident.opened', 'remedy.chosen', 'launch.given_up', 'stream.lost', 'effect.failed', 'refused')).toEqual([]);
    expect(commands('demo-healthy')).toHaveLength(1);
    expect(of('demo-healthy', 'check.done').length).toBeGreaterThan(3);
    expect(String(of('demo-healthy', 'check.done')[0]?.['line'])).toMatch(/^\S+Z train \d+\/70 [\d.]+ s\/it \d+% \d+% .+ watch \d+[smh]$/);
  });

  it('(b) answers CUDA OOM with half the batch, from its checkpoint, and proves it beyond the step', () => {
    const incident = only('demo-oom', 'incident.opened');
    expect(cause(incident)).toBe('gpu_oom');
    expect(only('demo-oom', 'remedy.chosen')['remedy']).toEqual({ rung: 'reduce', knob: 'batch_size', from: 32, to: 16, keeps: { knob: 'grad_accum', from: 1, to: 2 } });
    const [, again] = of('demo-oom', 'start.intended');
    expect(again).toMatchObject({ attempt: 2, instance: of('demo-oom', 'start.intended')[0]?.['instance'], resume_from: 'ckpt/step-000030.json', resume_step: 30 });
    expect(String(again?.['command'])).toMatch(/--batch-size 16 --grad-accum 2 .*--resume 'ckpt\/step-000030\.json'/);
    expect(step(only('demo-oom', 'incident.resolved'))).toBeGreaterThan(step(incident));
  });

  it('(c) installs the missing module and starts again', () => {
    expect(cause(only('demo-missing-dep', 'incident.opened'))).toBe('missing_dependency');
    expect(remedies('demo-missing-dep')).toEqual(['fix']);
    expect(only('demo-missing-dep', 'fix.applied')).toMatchObject({ exit_code: 0, command: expect.stringMatching(/pip install .*\beinops$/) as unknown });
    expect(only('demo-missing-dep', 'incident.resolved')).toMatchObject({ step: 1 });
  });

  it('(d) reruns the hang, sees it again, and moves to another machine with its newest checkpoint', () => {
    const incident = only('demo-hang', 'incident.opened');
    const recurred = only('demo-hang', 'incident.recurred');
    expect([cause(incident), cause(recurred)]).toEqual(['stall', 'stall']);
    expect(remedies('demo-hang')).toEqual(['rerun', 'switch']);
    const [first, second] = of('demo-hang', 'create.accepted');
    expect(second?.['machine_id']).not.toBe(first?.['machine_id']);
    const gone = lines.find((line) => line.type === 'instance.gone' && line['instance'] === first?.['instance']);
    expect(gone && second && at(second) > at(gone)).toBe(true);
    expect(of('demo-hang', 'prepare.done').at(-1)).toMatchObject({ instance: second?.['instance'], restored: 'ckpt/step-000020.json' });
    expect(of('demo-hang', 'start.intended').at(-1)).toMatchObject({ instance: second?.['instance'], resume_from: 'ckpt/step-000020.json' });
    expect(step(only('demo-hang', 'incident.resolved'))).toBeGreaterThan(step(recurred));
  });

  it('(e) gives up the offer that sticks in loading, and takes the next', () => {
    const given = only('demo-stuck', 'launch.given_up');
    const [first, second] = of('demo-stuck', 'create.accepted');
    expect(given).toMatchObject({ instance: first?.['instance'], reason: expect.stringContaining('loading') as unknown });
    expect(second?.['machine_id']).not.toBe(first?.['machine_id']);
    expect(lines.find((line) => line.type === 'destroy.intended' && line['instance'] === first?.['instance'])).toMatchObject({ gate: 'nothing_never_ran' });
    expect(of('demo-stuck', 'incident.opened')).toEqual([]);
  });

  it('(f) shows and prices the stranger, and never touches it', () => {
    const fleets = lines.filter((line) => line.type === 'fleet.seen').map((line) => line['instances'] as { id: number; label: string | null; dph_total: number; actual_status: string }[]);
    const stranger = fleets.at(-1)?.find(({ label }) => label === 'alices-notebook');
    expect(stranger).toMatchObject({ actual_status: 'running' });
    expect(fleets.every((fleet) => fleet.some(({ id }) => id === stranger?.id))).toBe(true);
    const about = lines.filter((line) => line.type !== 'fleet.seen' && JSON.stringify(line).includes(String(stranger?.id)));
    expect(about).toEqual([]);
    expect(Number(lines.at(-1)?.['strangers_usd_per_hour'])).toBeCloseTo(Number(stranger?.dph_total), 3);
  });

  it('destroys only what was judged, each by its gate, and believes two reads', () => {
    const intents = lines.filter((line) => line.type === 'destroy.intended');
    const created = lines.filter((line) => line.type === 'create.accepted').map((line) => line['instance']);
    expect(intents.map((line) => line['instance']).sort()).toEqual([...created].sort());
    for (const intent of intents) {
      const about = (type: string): Line[] => lines.filter((line) => line.type === type && line['instance'] === intent['instance']);
      const judged = about('rescue.judged').filter((line) => at(line) < at(intent)).at(-1);
      expect(judged?.['verdict']).toBe(intent['gate']);
      expect(['verified', 'nothing_never_ran']).toContain(intent['gate']);
      const [gone] = about('instance.gone');
      expect(gone && about('instance.absent').some((line) => at(line) < at(gone) && at(line) > at(intent))).toBe(true);
    }
  });

  it('renders every price and time on the demo\'s clock: an evening, for about a dollar', () => {
    const hours = (Date.parse(String(lines.at(-1)?.['ts'])) - Date.parse(String(lines[0]?.['ts']))) / 3_600_000;
    expect(hours).toBeGreaterThan(1);
    expect(Number(lines.at(-1)?.['usd'])).toBeGreaterThan(0.5);
    expect(Number(lines.at(-1)?.['usd'])).toBeLessThan(5);
  });

  it('leaves no process and no file', () => {
    expect(left).toEqual({ processes: [], files: [] });
  });
});

describe.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'a reader that leaves'] as const)('the demo, ended by %s in the middle', (way) => {
  it('says so, exits with 130 and leaves nothing', async () => {
    const place = createPlace();
    try {
      const demo = place.start(['demo', '--json', '--scale', '60']);
      await demo.line((line) => line.type === 'stream.opened', 'a training that is listened to');
      expect(place.processes().some(({ args }) => args.startsWith('ssh '))).toBe(true);
      expect(place.processes().some(({ args }) => args.includes('train.mjs'))).toBe(true);
      if (way === 'a reader that leaves') demo.hangUp();
      else demo.kill(way);
      expect(await demo.exited, demo.err()).toEqual({ code: 130, signal: null });
      if (way !== 'a reader that leaves') expect(demo.lines().at(-1)).toMatchObject({ type: 'result', status: 'interrupted' });
      expect(demo.err()).toBe('');
      await until(() => place.processes().length === 0, () => JSON.stringify(place.processes()), 5_000);
      expect(place.leftovers()).toEqual([]);
    } finally {
      place.dispose();
    }
  });
});
