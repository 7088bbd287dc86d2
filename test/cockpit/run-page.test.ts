/** A run's own page, and the chart on it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { brailleChart, rangeOf } from '../../src/cockpit/chart.ts';
import { toAscii } from '../../src/cockpit/glyphs.ts';
import { lineText, lineWidth, widthOf } from '../../src/cockpit/line.ts';
import { runPage } from '../../src/cockpit/panes/run-page.ts';
import type { RunState, World } from '../../src/core/state.ts';
import { NO_EYES } from '../../src/core/triggers/eyes.ts';
import { alertWorld, calmWorld, NOW, oom, reading, run, spec } from './world.ts';

const pageOf = (part: Partial<RunState> = {}, width = 120, status = '', base: World = calmWorld()): string => {
  const one = run('nanogpt-shakespeare', 31_244, { ...base.runs['nanogpt-shakespeare'], ...part });
  return runPage(one, { ...base, runs: { ...base.runs, [one.id]: one } }, NOW, width, status).map(lineText).join('\n');
};

describe('the chart', () => {
  it('draws a line from corner to corner, every cell of it touched', () => {
    const rising = Array.from({ length: 30 }, (_, x) => ({ x, y: x }));
    const rows = brailleChart(rising, 8, 4);
    expect(rows.map((row) => row.trim() !== '')).toEqual([true, true, true, true]);
    expect(rows[0]?.at(-1)).not.toBe(' ');
    expect(rows[3]?.[0]).not.toBe(' ');
    expect([...Array(8).keys()].map((x) => rows.some((row) => row[x] !== ' '))).toEqual(Array(8).fill(true));
    expect(rows.map((row) => toAscii(row, widthOf)).join('')).toMatch(/^[ '.|-]+$/);
  });

  it('is always as large as it was asked to be, whatever the values', () => {
    const value = fc.oneof(fc.double({ noNaN: false }), fc.constantFrom(0, -1, 1e300, Number.POSITIVE_INFINITY));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 80 }), fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 9 }), (values, width, height) => {
        const rows = brailleChart(values.map((y, x) => ({ x, y })), width, height);
        expect(rows.map((row) => [...row].length)).toEqual(Array(height).fill(width));
      }),
    );
  });

  it('leaves a gap where a value was no number, and puts a flat line in the middle', () => {
    const gap = brailleChart([0, 0, Number.NaN, Number.NaN, 0, 0].map((y, x) => ({ x, y })), 6, 1)[0] ?? '';
    expect(gap.trim().split(/ +/)).toHaveLength(2);
    expect(brailleChart([{ x: 0, y: 5 }, { x: 9, y: 5 }], 4, 3).map((row) => row.trim() === '')).toEqual([true, false, true]);
    expect(rangeOf([{ x: 0, y: Number.NaN }])).toEqual({ low: 0, high: 0 });
  });
});

describe('the run page', () => {
  it('charts the loss and the objective over the steps, side by side where there is room', () => {
    expect(pageOf()).toMatch(/loss 4\.1 to 1\.7\S* +val_loss, lower is better 3\.5 to 2/);
    expect(pageOf({}, 80)).toMatch(/loss 4\.1 to 1\.7\S* *\n[\s\S]*step 0 +1240 *\n +val_loss, lower is better/);
  });

  it('judges the pace by the declared band, or by the run\'s own', () => {
    expect(pageOf()).toContain('101 % of its own stable pace');
    expect(pageOf({ eyes: NO_EYES })).toContain('its band is not learned yet');
    expect(pageOf({ spec: spec('demo', { rate: { min: 3, max: 4 } }) })).toContain('inside the declared 3 to 4');
    expect(pageOf({ spec: spec('demo', { rate: { min: 9 } }) })).toContain('below the declared 9 or more');
    const slow = { ...(calmWorld().runs['nanogpt-shakespeare'] as RunState).progress, reading: reading({ steps_per_s: 1 }) } as RunState['progress'];
    expect(pageOf({ progress: slow })).toContain('30 % of its own stable pace');
  });

  it('shows the rung it stands on, which rungs help, and what is left of every bound', () => {
    const world = alertWorld();
    const page = runPage(world.runs['vit-finetune'] as RunState, world, NOW, 120, '').map(lineText).join('\n');
    expect(page).toMatch(/switch +go on elsewhere +used 0 of 2\n ▸ reduce +ask less of the machine +used 1 of 4\n +fix .* used 0 of 6/);
    expect(page).toContain('8 of 9 repairs, 6 of 7 against this failure, $2.72 without a new checkpoint');
    expect(pageOf()).not.toContain('Ladder');
    expect(pageOf({ incidents: [oom({ ended: { at: NOW, how: 'resolved', step: 500 } })] })).toContain('used 1 of 4');
  });

  it('says where every verified copy lies, which one a resume would get, and which is damaged', () => {
    const file = (path: string, sha: string): RunState['home'][number] => ({ path, bytes: 412_000_000, sha256: sha.repeat(8), mtime_s: NOW / 1_000 });
    const page = pageOf({ home: [file('out/metrics.json', 'aaaaaaaa'), file('out/checkpoint-900.pt', 'bbbbbbbb'), file('out/checkpoint-1200.pt', 'cccccccc'), file('out/checkpoint-1100.pt', 'dddddddd')], bad_checkpoints: ['out/checkpoint-1200.pt'] });
    expect(page).toMatch(/✓ results\/nanogpt-shakespeare\/out\/checkpoint-1100\.pt +412 MB {2}dddddddd {2}resumes from here\n ✓ \S+checkpoint-900\.pt .* older checkpoint/);
    expect(page).toMatch(/✗ \S+checkpoint-1200\.pt .* not used again/);
    expect(pageOf({ home: [] })).toContain('No checkpoint is home yet');
    expect(pageOf({ home: [], spec: spec('demo', { checkpoints: undefined }) })).toContain('a repair would start again from step 0');
  });

  it('splits the costs, holds what the triggers noted, and ends with what STATUS.md says', () => {
    const page = pageOf({ eyes: { ...NO_EYES, alerts: { gpu_low: { open: true, words: 'the GPU is used to 11 % while it trains', changed_at: NOW }, throttled: { open: false, words: 'it was hot', changed_at: NOW } } } }, 120, '### nano: train\n\n- State: training since 21:21\n<!-- end -->');
    expect(page).toMatch(/split +productive \$0\.53 {2}loading \$0\.02 {2}setup \$0\.03/);
    expect(page).toContain('▲ the GPU is used to 11 % while it trains');
    expect(page).not.toContain('it was hot');
    expect(page).toMatch(/─ STATUS\.md ─+\n ### nano: train\n - State: training since 21:21\n/);
  });

  it('fits every width', () => {
    const world = alertWorld();
    for (const width of [60, 80, 100, 137, 200]) for (const one of Object.values(world.runs)) {
      for (const row of runPage(one, world, NOW, width, '').filter((line) => lineText(line).includes('⠤'))) expect(lineWidth(row)).toBeLessThanOrEqual(width);
    }
  });
});
