/** Instances that bill although nobody trains on them: what people are told, on the screen, by `status` and in STATUS.md. */
import { describe, expect, it } from 'vitest';
import { costs } from '../../src/cockpit/panes/costs.ts';
import { runPage } from '../../src/cockpit/panes/run-page.ts';
import { awayChoice } from '../../src/core/decide/away.ts';
import { compactLine } from '../../src/core/line.ts';
import { standingWords } from '../../src/core/standing.ts';
import type { RunState } from '../../src/core/state.ts';
import { drive } from '../../src/headless/drive.ts';
import { printStatus } from '../../src/headless/status.ts';
import { statusMarkdown } from '../../src/journal/status-md.ts';
import { Model } from './model/index.ts';
import { makeSpec } from './spec-factory.ts';

const MINUTE = 60_000;

async function training(changes: Parameters<typeof makeSpec>[0] = {}): Promise<{ model: Model; run: () => RunState }> {
  const model = new Model(() => 0.999, 0);
  model.submit('one', makeSpec(changes));
  const run = (): RunState => model.world.runs['one'] ?? ((): never => { throw new Error('no run'); })();
  for (let n = 0; n < 100 && (run().progress?.reading.step ?? 0) < 30; n += 1) await model.step(20_000);
  return { model, run };
}

/** What a person reads of the run: the row, its page, `status` and STATUS.md. */
function read(model: Model, run: RunState): string[] {
  const lines: string[] = [];
  printStatus({ out: (line) => void lines.push(line), talk: () => undefined }, model.world, model.now, false, null);
  const page = runPage(run, model.world, model.now, 200, '').map((line) => line.pieces.map(({ text }) => text).join(''));
  return [lines.find((line) => line.startsWith('one: ')) ?? '', page.find((line) => line.includes(' instance  ')) ?? '', statusMarkdown(model.world, model.now).split('\n').find((line) => line.startsWith('- Instance')) ?? ''];
}

describe('a host that went offline', () => {
  it('is no training: what is waited for, and what going on elsewhere would cost, stands where people look', async () => {
    const { model, run } = await training();
    const box = model.boxes.get(run().instance ?? 0);
    if (!box) throw new Error('no box');
    box.offlineUntil = model.now + 60 * MINUTE;
    for (let n = 0; n < 5; n += 1) await model.step(MINUTE);
    expect(compactLine(run(), model.now)).toMatchObject({ state: 'AWAY', action: 'wait', next_eta: '-' });
    for (const line of read(model, run())) expect(line.replaceAll('\\', '')).toMatch(/offline for \d+m at \$0\.000\/h: a host that is offline usually comes back, and is not billed; going on elsewhere costs about \d+ min, \$0\.\d\d/);
    expect(model.world.said.find(({ text }) => text.includes('is offline'))?.text).toMatch(/it bills \$0\.000\/h: a host .* elsewhere costs about/);
  });
});

describe('a raise of the bid', () => {
  it('tells its prices, and stays within what the fleet may burn', async () => {
    const { model, run } = await training({ market: { bid: 0.3 } });
    const box = model.boxes.get(run().instance ?? 0);
    if (!box) throw new Error('no box');
    // What is bid is what is paid: that it is more than the offer's floor is no rise.
    expect(model.events.some((event) => event.type === 'alert.opened' && event.alert === 'price_risen')).toBe(false);
    model.record({ type: 'fleet.seen', instances: [{ ...box.instance, actual_status: 'exited', cur_state: 'stopped' }] }, { type: 'instance.away', run: 'one', instance: box.instance.id, kind: 'outbid' });
    expect(awayChoice(model.world, run())).toMatchObject({ act: 'raise', usd_per_hour: 0.357, because: expect.stringMatching(/^the floor is \$0\.300\/h and at most \$0\.990\/h is allowed; to the end it costs \$0\.\d\d more, going on elsewhere about \d+ min, \$0\.\d\d$/) as unknown });
    model.record({ type: 'budget.set', usd_per_hour: 0.36 });
    expect(awayChoice(model.world, run())?.act).toBe('wait');
    model.record({ type: 'budget.set', usd_per_hour: 0.37 });
    expect(awayChoice(model.world, run())?.act).toBe('raise');
  });
});

describe('a stopped instance', () => {
  it('is never called safe: its disk\'s price and the second timer stand where people look, and run down', async () => {
    const { model, run } = await training({ teardown: { on_done: 'stop', stopped_grace: '6h' } });
    for (let n = 0; n < 400 && run().stage !== 'tearing_down'; n += 1) await model.step(MINUTE);
    for (let n = 0; n < 30; n += 1) await model.step(MINUTE);
    expect(compactLine(run(), model.now)).toMatchObject({ state: 'stop', action: 'destroy', next_eta: expect.stringMatching(/^5h\d\d$/) as unknown });
    expect(costs(model.world, model.now, 53, 10).map((line) => line.pieces.map(({ text }) => text).join('')).join('\n')).toContain('stopped: its disk bills');
    for (const line of read(model, run())) expect(line.replaceAll('\\', '')).toMatch(/stopped, which is not safe: its disk bills \$0\.010\/h; destroyed in 5h\d\d/);
    for (let n = 0; n < 360; n += 1) await model.step(MINUTE);
    expect([run().stage, standingWords(model.world, run(), model.now), model.violations]).toEqual(['closed', null, []]);
  });
});

describe('a launch that the budget refuses', () => {
  it('is an exit code of its own', async () => {
    const model = new Model(() => 0.999, 0);
    model.record({ type: 'budget.set', usd_per_hour: 0.1 });
    model.submit('one', makeSpec());
    for (let n = 0; n < 10; n += 1) await model.step(20_000);
    const lines: string[] = [];
    const code = await drive({ world: () => model.world, subscribe: () => () => undefined, running: new Promise(() => undefined) }, { out: (line) => void lines.push(line), talk: (line) => void lines.push(line) }, { json: false, begin: () => Promise.resolve(['one']), signal: new AbortController().signal });
    expect([code, lines.at(-1)]).toEqual([3, expect.stringMatching(/^one: the fleet may burn \$0\.10\/h, \$0\.00\/h of it is reserved, and this offer costs/)]);
  });
});
