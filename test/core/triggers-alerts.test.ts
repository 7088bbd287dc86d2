import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProbeReading } from '../../src/core/probe.ts';
import { OPEN_MS, QUIET_MS } from '../../src/core/triggers/alerts.ts';
import { Bench, gpu, IDLE, MINUTE, SECOND } from './triggers-factory.ts';

/** Trains between looks that all say the same. */
function trainAndLook(bench: Bench, looks: number, part: Partial<ProbeReading>, ms = 5 * SECOND): void {
  for (let n = 0; n < looks; n += 1) {
    bench.train(48, ms);
    bench.look(part);
  }
}

const disk = (used: number, inodes: number | null = null): Pick<ProbeReading, 'disk'> => ({ disk: { used_bytes: used * 1e9, total_bytes: 100e9, used_inodes: inodes, total_inodes: inodes === null ? null : 1_000_000 } });

describe('what is only said', () => {
  it('says nothing about a run that is well', () => {
    const bench = new Bench();
    trainAndLook(bench, 40, { ...disk(40), gpus: [gpu()] });
    expect([bench.lines, bench.incidents]).toEqual([[], []]);
  });

  it('is a GPU that waits while steps come: after four looks, and over when it is used again', () => {
    const bench = new Bench();
    const low = { gpus: [gpu({ util: 9, power_w: 110 })] };
    trainAndLook(bench, 3, low);
    expect(bench.lines).toEqual([]);
    bench.wait(5 * SECOND);
    trainAndLook(bench, 1, low);
    expect(bench.lines).toEqual(['+gpu_low']);
    trainAndLook(bench, 3, {});
    expect(bench.lines).toEqual(['+gpu_low', '-gpu_low']);
    expect(bench.world.said.filter(({ level }) => level === 'alert')).toHaveLength(1);
  });

  it('asks for the next look of a window soon, and not for ever', () => {
    const bench = new Bench();
    bench.train(48, 5 * SECOND);
    for (let n = 0; n < 6; n += 1) bench.look();
    bench.wait(5 * MINUTE);
    bench.log({ step: bench.step + 1 });
    bench.look({ gpus: [gpu({ throttled: true })] });
    bench.train(50, 5 * SECOND);
    expect(bench.decide()).toContainEqual(expect.objectContaining({ do: 'probe' }));
    bench.look();
    expect(bench.lines).toEqual([]);
  });

  it('is a rental that ends before the run, three times ever louder; one that the run will not need is none of them', () => {
    const bench = new Bench();
    bench.train(3, 5 * SECOND);
    const ends = (hours: number | null): void => {
      const [instance] = Object.values(bench.world.fleet);
      if (!instance) throw new Error('no instance');
      bench.record({ type: 'fleet.seen', instances: [{ ...instance.facts, end_date: hours === null ? null : (bench.now + hours * 60 * MINUTE) / 1_000 }] });
      bench.conclude();
    };
    for (const hours of [null, 80]) ends(hours);
    expect(bench.lines).toEqual([]);
    bench.log({ step: 4, eta_s: 3 * 3_600 });
    ends(20);
    expect(bench.lines).toEqual([]);
    bench.log({ step: 5, eta_s: 30 * 3_600 });
    for (const hours of [70, 60, 20, 5, 4]) ends(hours);
    expect(bench.lines).toEqual(['+ends_in_72h', '+ends_in_24h', '+ends_in_6h']);
    expect(bench.incidents).toEqual([]);
  });

  it('does not call low use in an evaluation or a set-up idle', () => {
    const bench = new Bench();
    for (let n = 0; n < 8; n += 1) {
      bench.train(20, 5 * SECOND);
      bench.log({ activity: n % 2 ? 'evaluating' : 'saving' });
      bench.wait(2 * MINUTE);
      bench.look({ gpus: [gpu({ util: 3, power_w: 80 })], log_age_s: 20 });
    }
    expect([bench.lines, bench.incidents]).toEqual([[], []]);
  });

  it('is a silent fall back to the CPU', () => {
    const bench = new Bench();
    trainAndLook(bench, 3, { gpus: [gpu({ util: 0, power_w: 30, mem_used: 12 })] });
    expect(bench.lines).toEqual(['+cpu_run']);
    const unknown = new Bench();
    trainAndLook(unknown, 6, { gpus: null });
    expect(unknown.lines).toEqual([]);
  });

  it('is fewer GPUs than are paid for: missing, or never used', () => {
    for (const gpus of [[gpu()], [gpu(), gpu({ index: 1, mem_used: 3, util: 0 })]]) {
      const bench = new Bench();
      bench.record({ type: 'fleet.seen', instances: [{ ...bench.instance, num_gpus: 2 }] });
      trainAndLook(bench, 3, { gpus });
      expect(bench.lines).toEqual(['+fewer_gpus']);
    }
  });

  it('is a GPU that is slowed down in every look of a window', () => {
    const bench = new Bench();
    trainAndLook(bench, 2, { gpus: [gpu({ throttled: true })] });
    trainAndLook(bench, 1, {});
    trainAndLook(bench, 3, { gpus: [gpu({ throttled: true })] });
    expect(bench.lines).toEqual(['+throttled']);
  });

  it('is a pace far below the learned one, and neither evaluations nor one slow minute are', () => {
    const bench = new Bench();
    bench.train(300, 5 * SECOND);
    for (let n = 0; n < 4; n += 1) {
      bench.log({ activity: 'evaluating' });
      bench.wait(10 * MINUTE);
      bench.log({ step: bench.step + 1 });
      bench.train(20, 5 * SECOND);
    }
    bench.train(10, 9 * SECOND);
    bench.look();
    expect(bench.lines).toEqual([]);
    bench.train(150, 10 * SECOND);
    bench.look();
    expect(bench.lines).toEqual(['+throughput_low']);
    bench.train(300, 5 * SECOND);
    bench.look();
    expect(bench.lines).toEqual(['+throughput_low', '-throughput_low']);
  });

  it('is a pace below the declared one, from its first minutes', () => {
    const bench = new Bench({ rate: { min: 0.5 } });
    bench.train(130, 5 * SECOND);
    bench.look();
    expect(bench.lines).toEqual(['+throughput_low']);
  });

  it('is a disk that fills, by bytes or by inodes, with the hours that are left; a run that lives is not ended for it', () => {
    const bytes = new Bench();
    for (let n = 0; n < 6; n += 1) {
      bytes.train(48, 5 * SECOND);
      bytes.look(disk(80 + 1.5 * n));
    }
    expect([bytes.lines, bytes.incidents]).toEqual([['+disk_filling'], []]);
    expect(bytes.of('alert.opened')[0]?.words).toMatch(/^the disk is 8\d % full, and full in about \d+ min$/);
    const inodes = new Bench();
    trainAndLook(inodes, 1, disk(20, 990_000));
    expect(inodes.of('alert.opened')[0]?.words).toBe('the disk is 99 % full of files (inodes)');
    // Checkpoints that come and go fill nothing.
    const saw = new Bench();
    for (let n = 0; n < 20; n += 1) {
      saw.train(48, 5 * SECOND);
      saw.look(disk(70 + 5 * (n % 3)));
    }
    expect(saw.lines).toEqual([]);
  });

  it('is being blind for half an hour; a failed probe changes no verdict and wants nothing but the next look', () => {
    const bench = new Bench();
    bench.train(60, 5 * SECOND);
    bench.look();
    bench.record({ type: 'stream.lost', run: 'demo', attempt: 1, reason: 'gone' });
    for (let n = 0; n < 40; n += 1) {
      bench.wait(MINUTE);
      bench.record({ type: 'check.failed', run: 'demo', attempt: 1, why: 'scheduled', failure: 'timeout', reason: 'no answer' });
      bench.conclude();
    }
    expect([bench.lines, bench.incidents, bench.run.stage]).toEqual([['+blind'], [], 'training']);
    expect(new Set(bench.decide().map(({ do: what }) => what)).has('destroy')).toBe(false);
    bench.look();
    expect(bench.lines).toEqual(['+blind', '-blind']);
  });

  it('is a higher price; an instance that is away is decided about, not said here; a silent market says nothing', () => {
    const bench = new Bench();
    const seen = (change: Partial<Bench['instance']>): void => {
      bench.record({ type: 'fleet.seen', instances: [{ ...bench.instance, ...change }] });
      for (let n = 0; n < 10; n += 1) {
        bench.wait(MINUTE);
        bench.conclude();
      }
    };
    seen({ actual_status: 'offline' });
    seen({});
    expect([bench.of('instance.away').map(({ kind }) => kind), bench.of('instance.back').length, bench.lines]).toEqual([['offline'], 1, []]);
    seen({ dph_total: 0.42 });
    seen({});
    expect(bench.lines).toEqual(['+price_risen', '-price_risen']);
    bench.record({ type: 'fleet.unknown', failure: 'unavailable', reason: 'down' });
    bench.wait(60 * MINUTE);
    bench.conclude();
    expect(bench.lines).toHaveLength(2);
    expect(bench.incidents).toEqual([]);
  });

  it('is a host that blinks for a minute: nothing', () => {
    const bench = new Bench();
    for (let n = 0; n < 20; n += 1) {
      bench.record({ type: 'fleet.seen', instances: [{ ...bench.instance, actual_status: n % 2 ? 'running' : 'offline' }] });
      bench.wait(MINUTE);
      bench.conclude();
    }
    expect([bench.lines, bench.of('instance.away')]).toEqual([[], []]);
  });

  it('is a host that comes and goes for hours: told ever more rarely, and gone for good it is told once', () => {
    const bench = new Bench();
    const seen = (status: string, minutes: number): void => {
      for (let n = 0; n < minutes; n += 1) {
        bench.record({ type: 'fleet.seen', instances: [{ ...bench.instance, actual_status: status }] });
        bench.wait(MINUTE);
        bench.conclude();
      }
    };
    for (let n = 0; n < 24; n += 1) {
      seen('offline', 5);
      seen('running', 5);
    }
    expect(bench.of('instance.away').length).toBe(bench.of('instance.back').length);
    expect(bench.of('instance.away').length).toBeLessThanOrEqual(6);
    const before = bench.of('instance.away').length;
    seen('offline', 40);
    expect(bench.of('instance.away').length).toBe(before + 1);
  });

  it('is the credit that runs out, once for the account', () => {
    const bench = new Bench();
    bench.record({ type: 'account.seen', credit_usd: 0.9, email: null });
    bench.conclude();
    bench.wait(10 * MINUTE);
    bench.conclude();
    expect(bench.of('alert.opened')).toMatchObject([{ run: null, alert: 'credit_low' }]);
    bench.record({ type: 'account.seen', credit_usd: 30, email: null });
    bench.conclude();
    expect(bench.lines).toEqual(['+credit_low', '-credit_low']);
  });

  it('ends with the process, without a word', () => {
    const bench = new Bench();
    trainAndLook(bench, 3, { gpus: [gpu({ util: 0, power_w: 30, mem_used: 12 })] });
    bench.record({ type: 'process.exited', run: 'demo', attempt: 1, exit_code: 0, signal: null, oom_kills: 0, tail: [], pushed: true });
    expect(Object.values(bench.run.eyes.alerts).filter(({ open }) => open)).toEqual([]);
    expect(bench.lines).toEqual(['+cpu_run']);
  });
});

describe('no alert flaps', () => {
  const looks = fc.array(
    fc.record({
      util: fc.constantFrom(0, 10, 24, 26, 39, 41, 97),
      power: fc.constantFrom(30, 200, 210, 400),
      mem: fc.constantFrom(5, 590, 610, 20_000),
      slow: fc.boolean(),
      disk: fc.double({ min: 85, max: 99, noNaN: true }),
      dph: fc.constantFrom(0.35, 0.356, 0.36, 0.5),
      status: fc.constantFrom('running', 'offline', 'exited'),
      credit: fc.constantFrom(0.5, 1.3, 1.5, 50),
      fails: fc.boolean(),
      steps: fc.integer({ min: 0, max: 40 }),
      minutes: fc.integer({ min: 1, max: 20 }),
    }),
    { minLength: 5, maxLength: 60 },
  );

  it('whatever the readings: each opens and closes in turn, stays open and quiet for a while, and rests in between', () => {
    fc.assert(
      fc.property(looks, (evening) => {
        const bench = new Bench();
        for (const one of evening) {
          bench.train(one.steps, 3 * SECOND);
          bench.wait(one.minutes * MINUTE);
          bench.record({ type: 'fleet.seen', instances: [{ ...bench.instance, dph_total: one.dph, actual_status: one.status }] }, { type: 'account.seen', credit_usd: one.credit, email: null });
          if (one.fails) bench.record({ type: 'check.failed', run: 'demo', attempt: 1, why: 'scheduled', failure: 'timeout', reason: 'no answer' });
          else bench.look({ gpus: [gpu({ util: one.util, power_w: one.power, mem_used: one.mem, throttled: one.slow })], ...disk(one.disk) });
          bench.conclude();
        }
        const last = new Map<string, { open: boolean; at: number }>();
        for (const event of bench.events) {
          if (event.type !== 'alert.opened' && event.type !== 'alert.closed') continue;
          const before = last.get(event.alert);
          const open = event.type === 'alert.opened';
          expect(open).toBe(!(before?.open ?? false));
          if (before) expect(event.at - before.at).toBeGreaterThanOrEqual(open ? QUIET_MS : OPEN_MS);
          last.set(event.alert, { open, at: event.at });
        }
      }),
      { numRuns: 150 },
    );
  });

  it('and a stalled run opens one incident, that closes by a later step alone', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 3, maxLength: 30 }), (fails) => {
        const bench = new Bench();
        bench.train(60, 5 * SECOND);
        bench.cores = 0;
        bench.wait(10 * MINUTE);
        for (const failed of fails) {
          bench.wait(2 * MINUTE);
          if (failed) bench.record({ type: 'check.failed', run: 'demo', attempt: 1, why: 'scheduled', failure: 'timeout', reason: 'no answer' });
          else bench.look({ gpus: [IDLE], log_age_s: (bench.now % 1e6) + 600 });
          bench.conclude();
        }
        expect(bench.incidents.length).toBeLessThanOrEqual(1);
        if (fails.filter((failed) => !failed).length >= 2) expect(bench.incidents).toEqual(['step_stalled']);
        if (bench.incidents.length === 0) return;
        // The relaunch alone proves nothing; the step beyond does.
        bench.relaunch();
        bench.log({ step: 60 });
        bench.conclude();
        expect(bench.of('incident.resolved')).toEqual([]);
        bench.log({ step: 61 });
        bench.conclude();
        expect(bench.of('incident.resolved')).toMatchObject([{ step: 61 }]);
      }),
      { numRuns: 60 },
    );
  });
});
