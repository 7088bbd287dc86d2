import { describe, expect, it } from 'vitest';
import { MarketError, type Clock } from '../../src/core/ports.ts';
import { createPacer, type Paced } from '../../src/vast/pacing.ts';
import { scripted } from './server.ts';

/** A clock that stands still until the test moves it. */
function stillClock(): Clock & { advance(ms: number): Promise<void>; set(ms: number): void } {
  let now = 1_000_000;
  let timers: { at: number; fn: () => void }[] = [];
  const settle = async () => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  return {
    scale: 1,
    now: () => now,
    set: (ms) => (now = ms),
    after: (ms, fn) => {
      const timer = { at: now + ms, fn };
      timers.push(timer);
      return () => (timers = timers.filter((other) => other !== timer));
    },
    sleep: () => Promise.resolve(),
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (;;) {
        const due = timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        timers = timers.filter((other) => other !== due);
        now = Math.max(now, due.at);
        due.fn();
        await settle();
      }
      now = until;
    },
  };
}

function bench(jitter = 0) {
  const clock = stillClock();
  const pacer = createPacer({ clock, jitter: () => jitter });
  const start = clock.now();
  const sent: [name: string, at: number][] = [];
  const run = (name: string, call: Paced, send: () => Promise<unknown> = () => Promise.resolve()) => {
    const done = pacer.run(call, () => {
      sent.push([name, clock.now() - start]);
      return send();
    });
    return done.then(() => 'ok', (error: unknown) => (error instanceof MarketError ? error.failure : 'other'));
  };
  return { clock, run, sent };
}

const limited = (retry_after_s?: number) => new MarketError('rate_limited', 'slow down', { status: 429, ...(retry_after_s !== undefined && { retry_after_s }) });
const broken = new MarketError('unavailable', 'broken', { status: 503 });

describe('the pacer', () => {
  it('keeps the least time between two calls of one endpoint, and lets others pass', async () => {
    const { clock, run, sent } = bench();
    void run('show 1', { endpoint: 'show' });
    void run('show 2', { endpoint: 'show' });
    void run('list', { endpoint: 'list' });
    void run('search 1', { endpoint: 'search' });
    void run('search 2', { endpoint: 'search' });
    await clock.advance(10_000);
    expect(sent).toEqual([['show 1', 0], ['list', 0], ['search 1', 0], ['show 2', 2_000], ['search 2', 6_000]]);
  });

  it('backs off 1, 2, 4, 8 s with its jitter, then passes the failure on', async () => {
    const { clock, run, sent } = bench(1);
    const outcome = run('list', { endpoint: 'list' }, () => Promise.reject(limited()));
    await clock.advance(60_000);
    expect(sent.map(([, at]) => at)).toEqual([0, 1_250, 3_750, 8_750, 18_750]);
    expect(await outcome).toBe('rate_limited');
  });

  it('honours the threshold that Vast names, within a minute', async () => {
    const { clock, run, sent } = bench();
    let failures = 0;
    void run('list', { endpoint: 'list' }, () => ((failures += 1) === 1 ? Promise.reject(limited(4.5)) : failures === 2 ? Promise.reject(limited(1e9)) : Promise.resolve()));
    await clock.advance(100_000);
    expect(sent.map(([, at]) => at)).toEqual([0, 4_500, 64_500]);
  });

  it('holds the whole endpoint after a 429, but one call alone after a 5xx', async () => {
    const { clock, run, sent } = bench();
    const failing = (times: number, error: MarketError) => () => ((times -= 1) >= 0 ? Promise.reject(error) : Promise.resolve());
    void run('list 1', { endpoint: 'list' }, failing(1, limited(5)));
    void run('list 2', { endpoint: 'list' });
    void run('account 1', { endpoint: 'account' }, failing(2, broken));
    void run('account 2', { endpoint: 'account' });
    await clock.advance(20_000);
    expect(sent).toEqual([['list 1', 0], ['account 1', 0], ['account 1', 1_000], ['account 2', 2_000], ['account 1', 3_000], ['list 1', 5_000], ['list 2', 6_000]]);
  });

  it('sends a create once, and lets the next one wait out the penalty', async () => {
    const { clock, run, sent } = bench();
    const first = run('create 1', { endpoint: 'create', once: true }, () => Promise.reject(limited()));
    await clock.advance(0);
    expect(await first).toBe('rate_limited');
    void run('create 2', { endpoint: 'create', once: true }, () => Promise.reject(broken));
    await clock.advance(60_000);
    expect(sent).toEqual([['create 1', 0], ['create 2', 12_000]]);
  });

  it('does not repeat what waiting cannot mend', async () => {
    const { clock, run, sent } = bench();
    const outcomes = (['auth', 'unavailable', 'unclear', 'malformed'] as const).map((failure) => run(failure, { endpoint: 'account' }, () => Promise.reject(new MarketError(failure, 'x'))));
    await clock.advance(60_000);
    expect(await Promise.all(outcomes)).toEqual(['auth', 'unavailable', 'unclear', 'malformed']);
    expect(sent).toHaveLength(4);
  });

  it('lets a destroy pass calls that hold every slot, and those that wait', async () => {
    const { clock, run, sent } = bench();
    const never = () => new Promise<void>(() => undefined);
    for (const endpoint of ['show', 'list', 'search', 'account'] as const) void run(endpoint, { endpoint }, never);
    void run('label', { endpoint: 'change' });
    void run('destroy 1', { endpoint: 'destroy' });
    void run('destroy 2', { endpoint: 'destroy' });
    await clock.advance(5_000);
    expect(sent).toEqual([['show', 0], ['list', 0], ['search', 0], ['account', 0], ['destroy 1', 0], ['destroy 2', 3_000]]);
  });

  it('does not stall when the wall clock is set back', async () => {
    const { clock, run, sent } = bench();
    void run('list 1', { endpoint: 'list' });
    clock.set(clock.now() - 86_400_000);
    void run('list 2', { endpoint: 'list' });
    await clock.advance(0);
    expect(sent.map(([name]) => name)).toEqual(['list 1', 'list 2']);
  });
});

describe('over HTTP', () => {
  it('answers a destroy while four slow reads hang and a fifth waits', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const { market, seen } = await scripted(async (request) => {
      if (request.method !== 'DELETE') await held;
      return { json: { success: true, instances: null, credit: 1, offers: [], total_instances: 0, new_contract: 1 } };
    });
    const slow = [market.account(), market.searchOffers({ type: 'bid', disk_gb: 8 }), market.show(1), market.label(1, 'x'), market.changeBid(1, 1)];
    await market.destroy(42);
    expect(seen.filter(({ path }) => path.includes('bid_price'))).toEqual([]);
    release();
    await Promise.all(slow);
    expect(seen.at(-1)?.path).toContain('bid_price');
  });
});
