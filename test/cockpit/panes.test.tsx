import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { render } from 'ink-testing-library';
import { createStore } from 'zustand/vanilla';
import { App, type FrameStore } from '../../src/cockpit/app.tsx';
import { lineText } from '../../src/cockpit/line.ts';
import { onKey } from '../../src/cockpit/on-key.ts';
import { settle } from '../../src/cockpit/settle.ts';
import { createUi, type Ui } from '../../src/cockpit/ui.ts';
import { view } from '../../src/cockpit/view.ts';
import { widthsFor } from '../../src/cockpit/panes/columns.ts';
import { COLUMNS } from '../../src/core/line.ts';
import { emptyWorld, type World } from '../../src/core/state.ts';
import { farewell, windowTitle } from '../../src/cockpit/farewell.ts';
import { alertWorld, calmWorld, crowdedWorld, foreignWorld, instance, NOW, oom, run } from './world.ts';

function screenOf(world: World, columns = 120, rows = 40, change: Partial<Ui> = {}, now = NOW): string[] {
  const ui = settle({ ...createUi({ columns, rows }, 0), ...change }, world, 0);
  return view(ui, world, now, 'demo ×60').map(lineText);
}
const textOf = (...args: Parameters<typeof screenOf>): string => screenOf(...args).join('\n');
const given = (world: World, keys: string[], columns = 120, rows = 40): Ui => {
  let ui = settle(createUi({ columns, rows }, 0), world, 0);
  let now = 0;
  for (const name of keys) ui = settle(onKey(ui, { name, text: [...name].length === 1 ? name : null }, world, (now += 400)).ui, world, now);
  return ui;
};

describe('every screen', () => {
  const worlds = { calm: calmWorld(), alert: alertWorld(), foreign: foreignWorld(), crowd: crowdedWorld(60), empty: emptyWorld(NOW), lost: { ...calmWorld(), market: { health: 'lost' as const, since: NOW - 90_000, reason: 'no answer for 90 s', list_at: NOW - 90_000 } } };

  it('is exactly as large as the terminal, whatever is shown', () => {
    const keys = fc.array(fc.constantFrom('enter', 'd', 'h', 'l', 'L', '?', 'q', 'down', 'up', 'tab', '/', 'v', 'esc', 'G'), { maxLength: 8 });
    fc.assert(
      fc.property(fc.constantFrom(...(Object.keys(worlds) as (keyof typeof worlds)[])), fc.integer({ min: 8, max: 210 }), fc.integer({ min: 3, max: 70 }), keys, (name, columns, rows, pressed) => {
        const world = worlds[name];
        const lines = view(given(world, pressed, columns, rows), world, NOW, 'x').map(lineText);
        expect(lines).toHaveLength(rows);
        for (const text of lines) expect([text, stringWidth(text)]).toEqual([text, columns]);
      }),
      { numRuns: 300 },
    );
  });

  it('holds nothing that could move the cursor or recolour the screen', () => {
    const lines = screenOf(worlds.foreign, 120, 40, { log: { is: 'open' } }).join('');
    // eslint's own rule forbids control characters in a regular expression, so they are counted.
    expect([...lines].filter((character) => character < ' ' || (character >= '\x7f' && character <= '\x9f') || '\u202a\u202e\u2066'.includes(character))).toEqual([]);
    expect(lines).toContain('plain red evil');
  });

  it.each([
    ['80x24 calm', () => screenOf(calmWorld(), 80, 24)],
    ['80x24 alert', () => screenOf(alertWorld(), 80, 24)],
    ['120x40 alert', () => screenOf(alertWorld())],
    ['60x15 alert', () => screenOf(alertWorld(), 60, 15)],
    ['80x24 destroy', () => screenOf(alertWorld(), 80, 24, given(alertWorld(), ['d', 'up', 'v', 'i'], 80, 24))],
    ['100x36 run page', () => screenOf(alertWorld(), 100, 36, given(alertWorld(), ['enter'], 100, 36))],
  ])('looks as it did: %s', (_name, shoot) => expect(`\n${shoot().map((text) => text.trimEnd()).join('\n')}\n`).toMatchSnapshot());
});

describe('the header', () => {
  it('tells burn, spent, waste, share, credit and runway', () => {
    const text = textOf(calmWorld());
    for (const word of ['burn $1.75/h', 'spent $3.14', 'productive 89%', 'wasted $0.17', 'credit $41.27', '23 h runway', 'market ok', '+$0.071/h not ours']) expect(text).toContain(word);
  });
  it('moves the money with time alone', () => {
    expect(screenOf(calmWorld(), 120, 40, {}, NOW + 1_000)[1]).not.toBe(screenOf(calmWorld())[1]);
  });
  it('has a banner only when control is lost or a demo is over', () => {
    expect(textOf(calmWorld())).not.toContain('CONTROL LOST');
    expect(textOf({ ...calmWorld(), market: { health: 'lost', since: NOW - 180_000, reason: 'HTTP 502', list_at: null } })).toContain('CONTROL LOST for 3m: HTTP 502');
    expect(textOf(calmWorld(), 120, 40, { finished: 'The demo is over.' })).toContain('✓ The demo is over.');
  });
});

describe('the table', () => {
  it.each([80, 100, 120, 160, 200])('has exactly the nine columns at %i cells', (columns) => {
    const names = (screenOf(calmWorld(), columns, 40).find((text) => text.includes('next_eta')) ?? '').trim().split(/\s+/);
    expect(names.filter((name) => name !== 'run' && name !== 'instance')).toEqual([...COLUMNS]);
  });
  it('drops columns by priority below 80, ts shortened long before', () => {
    expect(COLUMNS.filter((column) => widthsFor(60).cells[column] > 0)).toEqual(['state', 'step', 'rate', 'gpu', 'action', 'next_eta']);
    expect(widthsFor(120).cells.ts).toBe(8);
    expect(widthsFor(160).cells.ts).toBe(20);
  });
  it('puts an incident on top and what is over at the bottom', () => {
    const rows = screenOf(alertWorld()).filter((text) => /^[●◐▲‖✓]/.test(text)).map((text) => text.slice(0, 16).trim());
    expect(rows[0]).toMatch(/^▲▸vit-finetune/);
    expect(rows.at(-1)).toMatch(/^✓ cifar-baseline/);
  });
  it('shows a window of many, and strangers with their price whatever happens', () => {
    const lines = screenOf(crowdedWorld(500), 120, 40, given(crowdedWorld(500), ['G']));
    expect(lines.join('\n')).toMatch(/485-500 of 500/);
    expect(lines.find((text) => text.includes('30871'))).toMatch(/RTX 3060 {2}running {2}\$0\.071\/h {2}not ours/);
  });
  it('draws 500 runs about as fast as 5', () => {
    const time = (world: World): number => {
      const ui = settle(createUi({ columns: 120, rows: 40 }, 0), world, 0);
      const started = performance.now();
      for (let count = 0; count < 60; count += 1) view(settle(ui, world, count), world, NOW + count, 'x');
      return performance.now() - started;
    };
    time(crowdedWorld(5));
    expect(time(crowdedWorld(500))).toBeLessThan(8 * time(crowdedWorld(5)) + 50);
  });
  it('says what to do when nothing runs, while it asks, and when a filter hides all', () => {
    expect(textOf({ ...emptyWorld(NOW), market: { health: 'ok', since: NOW, reason: null, list_at: NOW } })).toContain('vastsit-tui launch experiment.yaml');
    expect(textOf(emptyWorld(NOW))).toContain('Asking Vast what is running');
    expect(textOf(calmWorld(), 120, 40, { filter: { text: 'nothing-like-it', editing: false } })).toContain('Esc clears the filter');
  });
});

describe('the log', () => {
  it('stays shut while all is well and opens at the signature, its cause above', () => {
    expect(textOf(calmWorld())).not.toContain('─ Log ');
    const lines = screenOf(alertWorld(), 80, 24);
    const at = lines.findIndex((text) => text.includes('─ Log vit-finetune'));
    expect(lines[at + 1]).toContain('gpu_oom: The GPU ran out of memory');
    expect(lines.slice(at, at + 8).join('\n')).toContain('torch.OutOfMemoryError: CUDA out of memory');
  });
});

describe('dialogs', () => {
  it('name the run, the instance, its price and what would be lost', () => {
    const text = textOf(alertWorld(), 120, 40, given(alertWorld(), ['d']));
    for (const words of ['Destroy vit-finetune?', 'instance 31260 (RTX 3090, $0.22/h)', 'out/checkpoint-400.pt (344 MB, brought', 'The run is at step 412', '▸  Leave it alone']) expect(text).toContain(words);
    const bare = { ...calmWorld(), runs: { a: run('a', 31_244, { home: [], home_at: null }) } };
    expect(textOf(bare, 120, 40, given(bare, ['d']))).toContain('Everything up to step 1240 would be lost');
  });
  it('price a hold and give it an end', () => expect(textOf(calmWorld(), 120, 40, given(calmWorld(), ['h']))).toContain('costs $0.20 and ends at 23:11 UTC'));
  it('say before leaving what goes on and what bills', () => {
    const text = textOf(alertWorld(), 120, 40, given(alertWorld(), ['q']));
    for (const words of ['4 runs under way, 4 instances billing $1.75/h', 'In the middle of a repair: vit-finetune']) expect(text).toContain(words);
  });
});

describe('the run page', () => {
  it('tells how an incident ended', () => {
    const base = alertWorld();
    const page = (part: Parameters<typeof oom>[0]): string => {
      const world = { ...base, runs: { ...base.runs, 'nanogpt-shakespeare': run('nanogpt-shakespeare', 31_244, { incidents: [oom(part)], incident: null }) } };
      return textOf(world, 120, 40, given(world, ['j', 'enter']));
    };
    expect(page({ ended: { at: NOW, how: 'resolved', step: 431 } })).toContain('resolved: step 431 reached');
    expect(page({ ended: { at: NOW, how: 'given_up', reason: 'the ladder ended', best_option: 'a 48 GB card' } })).toContain('given up: the ladder ended. Next best: a 48 GB card');
    expect(page({})).toContain('reduce batch_size 32 -> 16');
  });
});

describe('the farewell', () => {
  it('is three lines: what runs, what it costs, how to come back', () => {
    expect(farewell(alertWorld(), NOW)).toEqual([
      expect.stringMatching(/^Still under way: .*vit-finetune \(REPAIR\)/),
      expect.stringMatching(/^4 of our instances bill \$1\.75\/h; spent \$\d/),
      expect.stringContaining('vastsit-tui'),
    ]);
    expect(farewell(emptyWorld(NOW), NOW)[0]).toBe('Nothing runs.');
  });
  it('and the title counts what matters', () => expect(windowTitle(alertWorld())).toBe('vastsit: 4 running, $1.75/h, 1 alert'));
  it('counts no instance that is gone', () => {
    const world = calmWorld();
    expect(windowTitle({ ...world, fleet: { 1: instance(1, 'llama-lora', { gone_at: NOW }) } })).toContain('$0.00/h');
  });
});

describe('the Ink tree', () => {
  it('mounts rows as they are and hands keys on as they arrive', async () => {
    const frame: FrameStore = createStore(() => ({ rows: ['one', '\x1b[1mtwo\x1b[22m'] as readonly string[] }));
    const keys: string[] = [];
    const { stdin, lastFrame, unmount } = render(<App frame={frame} press={(input) => keys.push(input)} />);
    expect(lastFrame()).toContain('one');
    await new Promise((resolve) => setImmediate(resolve));
    frame.setState({ rows: ['three', 'four'] });
    stdin.write('jj');
    await new Promise((resolve) => setImmediate(resolve));
    expect(lastFrame()).toContain('three\nfour');
    expect(keys).toEqual(['jj']);
    unmount();
  });
});
