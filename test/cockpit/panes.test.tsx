import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { render } from 'ink-testing-library';
import { createStore } from 'zustand/vanilla';
import { App, type FrameStore } from '../../src/cockpit/app.tsx';
import { lineText } from '../../src/cockpit/line.ts';
import { view } from '../../src/cockpit/view.ts';
import { widthsFor } from '../../src/cockpit/panes/columns.ts';
import { layoutOf } from '../../src/cockpit/layout.ts';
import { COLUMNS, compactLine } from '../../src/core/line.ts';
import { emptyWorld, type RunState, type World } from '../../src/core/state.ts';
import { farewell, windowTitle } from '../../src/cockpit/farewell.ts';
import { given, screenOf, textOf } from './shoot.ts';
import { alertWorld, calmWorld, crowdedWorld, facts, foreignWorld, instance, NOW, oom, reading, run } from './world.ts';
import type { Patch } from '../../src/core/brain/state.ts';

describe('every screen', () => {
  const worlds = { calm: calmWorld(), alert: alertWorld(), foreign: foreignWorld(), crowd: crowdedWorld(60), empty: emptyWorld(NOW), lost: { ...calmWorld(), market: { health: 'lost' as const, since: NOW - 90_000, reason: 'no answer for 90 s', list_at: NOW - 90_000 } } };

  it('is exactly as large as the terminal, whatever is shown', () => {
    const keys = fc.array(fc.constantFrom('enter', 'd', 'H', 'o', 'O', 'h', 'l', '?', 'q', 'down', 'up', 'tab', '/', 'v', 'esc', 'G'), { maxLength: 8 });
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
});

describe('the header', () => {
  it('tells burn, spent, waste, share, credit and runway', () => {
    const text = textOf(calmWorld(), 160);
    for (const word of ['burn $1.75/h', 'spent today $3.14', 'productive 89%', 'wasted $0.17', 'loading $0.13 idle $0.04', 'rescued $0.00', 'credit $41.27', '23 h runway', 'leases 3/3', 'me@example.org', 'market ok', '+$0.071/h not ours']) expect(text).toContain(word);
  });
  it('moves the money with time alone', () => {
    expect(screenOf(calmWorld(), 120, 40, {}, NOW + 1_000)[1]).not.toBe(screenOf(calmWorld())[1]);
  });
  it('has a banner only when control is lost or a demo is over', () => {
    expect(textOf(calmWorld())).not.toContain('CONTROL LOST');
    expect(textOf({ ...calmWorld(), market: { health: 'lost', since: NOW - 180_000, reason: 'HTTP 502', list_at: null } })).toContain('CONTROL LOST for 3m: HTTP 502');
    const deaf = { ...calmWorld(), market: { health: 'lost' as const, since: NOW - 9_000, reason: 'Vast could not be asked to list the instances (connection failed). Check the network', list_at: null } };
    expect(screenOf(deaf, 80, 24)[2]).toMatch(/CONTROL LOST for 9s: connection failed\. It is asked again\. +$/);
    expect(textOf(calmWorld(), 120, 40, { finished: 'The demo is over.' })).toContain('✓ The demo is over.');
  });
});

describe('the table', () => {
  it.each([80, 100, 120, 160, 200])('has exactly the nine columns at %i cells', (columns) => {
    const names = (screenOf(calmWorld(), columns, 40).find((text) => text.includes('next_eta')) ?? '').trim().split(/\s+/);
    expect(names.filter((name) => name !== 'run' && name !== 'instance')).toEqual([...COLUMNS]);
  });
  const shown = (world: World): Parameters<typeof widthsFor>[1] => ({ names: Object.keys(world.runs), lines: Object.values(world.runs).map((one) => compactLine(one, NOW)) });
  it('drops columns by priority below 80, ts shortened long before', () => {
    expect(COLUMNS.filter((column) => widthsFor(60, shown(calmWorld())).cells[column] > 0)).toEqual(['state', 'step', 'rate', 'gpu', 'action', 'next_eta']);
    expect([80, 120, 160].map((columns) => widthsFor(columns, shown(calmWorld())).cells.ts)).toEqual([5, 8, 20]);
  });
  it('cuts no name at 80 cells in an evening like the demo\'s', () => {
    const names = ['demo-missing-dep', 'demo-healthy', 'demo-hang'];
    const world = { ...calmWorld(), runs: Object.fromEntries(names.map((name) => [name, run(name, 31_244, { progress: { ...run(name, 1).progress, reading: reading({ step: 24, total_steps: 70, rate: { value: 48.3, unit: 's/it' } }) } as RunState['progress'] })])) };
    for (const name of names) expect(textOf(world, 80, 24)).toMatch(new RegExp(`^●[▸ ]${name} `, 'm'));
  });
  it.each([60, 72, 80, 97, 120, 160, 200])('has each heading over its cells at %i', (columns) => {
    const lines = screenOf(alertWorld(), columns, 24);
    const at = lines.findIndex((text) => text.includes('next_eta'));
    const heads = [...(lines[at] ?? '').matchAll(/\S+/g)].slice(2);
    for (const head of heads) {
      const [from, to] = [head.index, head.index + head[0].length];
      const right = ['step', 'rate', 'gpu', 'mem', 'next_eta'].includes(head[0]);
      for (const text of lines.slice(at + 1, at + 6)) {
        // A cell ends, or begins, where its heading does; beside that edge is a space.
        if (right) expect([head[0], text, text.slice(to - 1, to + 1).padEnd(2)]).toEqual([head[0], text, expect.stringMatching(/^\S $/)]);
        else expect([head[0], text, text.slice(from - 1, from + 1)]).toEqual([head[0], text, expect.stringMatching(/^ \S$/)]);
      }
    }
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
  it('keeps every pane where it is when the selection goes on to a stranger', () => {
    for (const [columns, rows] of [[80, 24], [120, 40]] as const) {
      const [ours, theirs] = [given(calmWorld(), ['o'], columns, rows), given(calmWorld(), ['o', 'G'], columns, rows)];
      expect(layoutOf(ours, calmWorld()).log).toBeGreaterThan(0);
      expect(layoutOf(theirs, calmWorld())).toEqual(layoutOf(ours, calmWorld()));
      expect(screenOf(calmWorld(), columns, rows, theirs).join('\n')).toMatch(/─ Log ─[^]*Not ours: its output is never read/);
    }
  });
  it.each([5, 50, 500])('makes rows of those runs alone that are in the window, of %i', (count) => {
    const world = crowdedWorld(count);
    const looked = new Set<string>();
    // Every row reads its run's newest check; what is not shown must not even be looked at.
    const runs = Object.fromEntries(Object.entries(world.runs).map(([id, one]) => [id, Object.defineProperty({ ...one }, 'check', { get: () => (looked.add(id), one.check) })]));
    for (const keys of [[], ['G'], ['G', 'pageup', 'k']]) {
      const ui = given({ ...world, runs }, keys, 120, 40);
      looked.clear();
      view(ui, { ...world, runs }, NOW, 'x');
      expect(looked.size).toBe(Math.min(count, layoutOf(ui, world).runs));
    }
  });
  it('says what to do when nothing runs, while it asks, and when a filter hides all', () => {
    expect(textOf({ ...emptyWorld(NOW), market: { health: 'ok', since: NOW, reason: null, list_at: NOW } })).toMatch(/n launches a run[\s\S]*vastsit-tui init[\s\S]* n launch  \? help  q quit *$/);
    const unheard = textOf({ ...emptyWorld(NOW), market: { health: 'lost', since: NOW - 9_000, reason: 'connection failed', list_at: null } });
    expect(unheard).toMatch(/burn \?[\s\S]*what bills is not known[\s\S]*Not known before Vast answers/);
    expect(unheard).not.toMatch(/Nothing (of ours bills|runs)/);
    expect(textOf(emptyWorld(NOW))).toContain('Asking Vast what is running');
    expect(textOf(calmWorld(), 120, 40, { filter: { text: 'nothing-like-it', editing: false } })).toContain('Esc clears the filter');
  });
});

describe('the cost ticker', () => {
  const stopped = (columns: number): string[] => {
    const calm = calmWorld();
    const one = instance(31_244, 'nanogpt-shakespeare', { rate: 0.012, facts: facts(31_244, { actual_status: 'exited', intended_status: 'stopped' }) });
    return screenOf({ ...calm, fleet: { ...calm.fleet, 31244: one } }, columns, 40);
  };
  it('tells of a stopped instance that its disk bills, and how much', () => {
    const lines = stopped(200);
    const at = lines.findIndex((text) => /│ nanogpt-shakespeare/.test(text));
    expect(lines[at]).toMatch(/\$0\.53\d\d +\$0\.012\/h/);
    expect(lines[at + 1]).toMatch(/RTX 4090 31244, stopped.*of \$6\.00 left/);
    expect(lines[1]).toContain('burn $1.35/h');
  });
  it('moves by the disk alone', () => {
    const usd = (now: number): number => Number(/│ nanogpt-shakespeare +\$(\d+\.\d+)/.exec(screenOf({ ...calmWorld(), fleet: { 31244: instance(31_244, 'nanogpt-shakespeare', { rate: 0.012, since: NOW, facts: facts(31_244, { actual_status: 'exited' }) }) } }, 200, 40, {}, now).join('\n'))?.[1]);
    expect(usd(NOW + 3_600_000) - usd(NOW)).toBeCloseTo(0.012, 4);
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
  it('price a hold and give it an end', () => expect(textOf(calmWorld(), 120, 40, given(calmWorld(), ['H']))).toContain('costs $0.20 and ends at 23:11 UTC'));
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
    expect(page({})).toContain('reduce: batch_size 32 -> 16');
  });
  it('shows a proven patch as a diff to take home, and only the reason of one that did not help', () => {
    const base = calmWorld();
    const patch = (n: number, status: Patch['status']): Patch => ({ n, incident: 1, files: ['train.py'], diff: `--- a/train.py\n+++ b/train.py\n@@ -1,2 +1,2 @@\n a = 1\n-b = ${n}\x1b[2J\n+b = ${n}0\n`, why: 'The layer is wider than its input.', status, home: status === 'proven' ? `patches/${n}.patch` : null });
    const one = run('nanogpt-shakespeare', 31_244);
    const world = { ...base, runs: { ...base.runs, 'nanogpt-shakespeare': { ...one, brain: { ...one.brain, patches: [patch(1, 'reverted'), patch(2, 'proven')] } } } };
    const text = textOf(world, 120, 60, given(world, ['enter'], 120, 60));
    for (const words of ['train.py: did not help and was taken back', 'train.py: proven: training got beyond', 'git apply results/nanogpt-shakespeare/patches/2.patch', '-b = 2', '+b = 20', 'The layer is wider']) expect(text).toContain(words);
    expect(text).not.toContain('+b = 10');
    expect(text).not.toContain('\x1b[2J');
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
