import { describe, expect, it } from 'vitest';
import { createEngine } from '../../src/agents/engine.ts';
import { RemoteError, type Box, type Market, type Remote } from '../../src/core/ports.ts';
import { virtualClock } from '../bench/economics/clock.ts';
import { Model } from '../core/model/index.ts';
import { makeSpec } from '../core/spec-factory.ts';

const never = (): never => {
  throw new Error('not expected here');
};

describe('a box that went away and came back after its process had ended', () => {
  it('is connected to anew, so that its results come home and its billing ends', async () => {
    const model = new Model(() => 0.999, 0);
    model.submit('one', makeSpec());
    for (let n = 0; n < 20; n += 1) await model.step(20_000);
    // Its engine ends here; the one below goes on with its world.
    model.halt();
    const clock = virtualClock(model.now, 1);
    const connected: Box[] = [];
    const gone = () => Promise.reject(new RemoteError('lost', 'The connection has ended'));
    const boxOf = (broken: boolean): Box => ({
      instance: model.world.runs['one']?.instance ?? 0,
      put: never, exec: never, start: never, probe: never, fetch: never, sshCommand: () => ['ssh'],
      follow: () => Promise.resolve({ close: () => undefined }),
      list: () => (broken ? gone() : Promise.resolve([])),
      stopTraining: () => (broken ? gone() : Promise.resolve()),
      renewLease: () => (broken ? gone() : Promise.resolve()),
      close: () => Promise.resolve(),
    });
    const remote: Remote = {
      publicKey: () => Promise.resolve(''),
      connect: () => {
        const box = boxOf(connected.length === 0);
        connected.push(box);
        return Promise.resolve(box);
      },
      closeAll: () => Promise.resolve(),
    };
    const listed = [...model.boxes.values()].map(({ instance }) => instance);
    const destroyed: number[] = [];
    const market: Market = {
      searchOffers: never, create: never, setState: never, label: never, changeBid: never, attachKey: never,
      list: () => Promise.resolve(listed),
      show: () => Promise.resolve(null),
      destroy: (id) => Promise.resolve(void destroyed.push(id)),
      account: () => Promise.resolve({ id: 1, email: null, credit: 100 }),
      logs: () => Promise.resolve(''),
    };
    const facts = {
      world: () => model.world,
      record: (...bodies: Parameters<Model['record']>) => {
        model.clock.advance(clock.now() - model.now);
        model.record(...bodies);
        engine.wake();
      },
    };
    const engine = createEngine({ clock, wire: clock, facts, market, remote, home: { runDir: (run) => run, pathFor: (run, path) => `${run}/${path}`, fact: () => Promise.resolve(null) }, secret: () => undefined });
    facts.record({ type: 'process.exited', run: 'one', attempt: 1, exit_code: 1, signal: null, oom_kills: 0, tail: ["KeyError: 'labels'"], pushed: true });
    const limit = clock.now() + 3_600_000;
    void engine.run();
    await clock.until(() => destroyed.length > 0 || clock.now() > limit);
    await engine.stop();
    expect(connected).toHaveLength(2);
    expect(model.events.findLast(({ type }) => type === 'rescue.judged')).toMatchObject({ verdict: 'verified' });
  });
});
