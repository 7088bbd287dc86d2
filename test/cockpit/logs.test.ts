/** The reasoning log and the log pane: grouping, unfolding, following, searching, wrapping, copying. */
import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { clipboardCode, hasClipboard } from '../../src/cockpit/clipboard.ts';
import { reasoningItems } from '../../src/cockpit/reasoning.ts';
import { settle } from '../../src/cockpit/settle.ts';
import { lineText } from '../../src/cockpit/line.ts';
import { view } from '../../src/cockpit/view.ts';
import type { RunState, World } from '../../src/core/state.ts';
import { given, pressAll, screenOf, textOf } from './shoot.ts';
import { alertWorld, calmWorld, foreignWorld, NOW, oom, run } from './world.ts';

const shown = (ui: Parameters<typeof view>[0], world: World): string => view(ui, world, NOW, 'x').map(lineText).join('\n');
const withRun = (world: World, id: string, part: Partial<RunState>): World => ({ ...world, runs: { ...world.runs, [id]: { ...(world.runs[id] ?? run(id, 31_260)), ...part } } });
const repaired = (world: World): World => withRun(world, 'vit-finetune', { stage: 'training', attempt: 2, incident: null, repair: null, incidents: [oom({ ended: { at: NOW, how: 'resolved', step: 431 } })] });

describe('the reasoning log', () => {
  it('puts an incident\'s lines under one head, also when others talk between', () => {
    const world = alertWorld();
    const said = world.said.toSpliced(-2, 0, { seq: 98, at: NOW - 93_500, actor: 'runner', run: 'whisper-sv', level: 'info', text: 'still loading' });
    const items = reasoningItems({ ...world, said }, []).slice(-6);
    expect(items.map((item) => (item.is === 'head' ? item.key : item.is === 'line' ? item.entry.text.slice(0, 13) : item.name))).toEqual(['still loading', 'vit-finetune:1', 'the training ', 'gpu_oom at st', 'checkpoint-40', 'ladder: reduc']);
  });

  it('folds a proven incident to one line, and unfolds it to its evidence', () => {
    const world = repaired(alertWorld());
    const folded = textOf(world, 140, 40);
    expect(folded).toMatch(/✓ vit-finetune gpu_oom at step 412, repaired in 2m {2}4 lines/);
    expect(folded).not.toContain('checkpoint-400.pt (344 MB) is home');
    // From the table by the run that is selected, or in the log itself by the line under the cursor.
    for (const keys of [['/', ...'vit', 'enter', 'e'], ['tab', 'enter'], ['tab', 'e']]) {
      const open = shown(given(world, keys, 120, 50), world);
      for (const words of ['99 % sure, seen by process', '│ signature torch.OutOfMemoryError', '│ evidence  exit code 1', '│ tried     batch_size 32 -> 16', 'next best Halve batch_size', 'checkpoint-400.pt (344 MB) is home']) expect(open).toContain(words);
    }
    expect(shown(given(world, ['tab', 'e', 'e'], 120, 50), world)).not.toContain('next best');
  });

  it('says so when a run has had no incident', () => expect(shown(given(calmWorld(), ['e']), calmWorld())).toContain('has had no incident'));

  it('unfolds a long line to its whole length', () => {
    const world = { ...calmWorld(), said: [{ seq: 1, at: NOW, actor: 'babysitter' as const, run: null, level: 'info' as const, text: `${'long words '.repeat(30)}end of it` }] };
    expect(textOf(world, 80, 24)).not.toContain('end of it');
    expect(shown(given(world, ['tab', 'e'], 80, 24), world)).toContain('end of it');
  });

  it('lets the model\'s words stream in below', () => {
    const base = alertWorld();
    const world = withRun(base, 'vit-finetune', { brain: { ...(base.runs['vit-finetune'] as RunState).brain, says: `${'first this. '.repeat(40)}And now the newest words` } });
    expect(textOf(world, 120, 40)).toMatch(/sitter {2}◐ …[\s\S]*And now the newest words▏/);
  });

  it('goes through all of it by keys, whatever is unfolded, and back to following', () => {
    const world = repaired(alertWorld());
    let ui = given(world, ['tab', 'e', 'G'], 80, 24);
    const seen = new Set<string>();
    for (let n = 0; n < 40; n += 1) {
      ui = pressAll(ui, world, ['up']).ui;
      seen.add(String(ui.reading.at));
      expect(view(ui, world, NOW, 'x').filter(({ over }) => over === 'selection').length).toBeGreaterThanOrEqual(1);
    }
    expect(seen.size).toBe(reasoningItems(world, ui.reading.unfolded).length - 1);
    expect(pressAll(ui, world, ['g', 'G']).ui.reading.at).toBeNull();
  });
});

describe('the log pane', () => {
  const many = withRun(calmWorld(), 'nanogpt-shakespeare', { tail: Array.from({ length: 150 }, (_, index) => `step ${index} loss ${index % 50 === 7 ? 'NaN' : '1.2'}`) });
  const open = (world: World, keys: string[], columns = 80, rows = 24): ReturnType<typeof given> => given(world, ['o', 'tab', ...keys], columns, rows);

  it('follows, and holds still once one scrolled back', () => {
    expect(shown(open(many, []), many)).toContain('step 149');
    const reading = open(many, ['k', 'k', 'k']);
    const grown = withRun(many, 'nanogpt-shakespeare', { tail: [...(many.runs['nanogpt-shakespeare'] as RunState).tail.slice(20), ...Array.from({ length: 20 }, (_, index) => `step ${150 + index} loss 1.1`)] });
    const later = shown(settle(reading, grown, 99), grown);
    expect(later).toMatch(/step 146[^\n]*\n─ Reasoning/);
    expect(later).toContain('3 below, G follows');
    expect(shown(pressAll(reading, grown, ['G']).ui, grown)).toContain('step 169');
  });

  it('searches from the newest line back, around the end, and says how many there are', () => {
    const found = open(many, ['/', ...'nan', 'enter']);
    expect(shown(found, many)).toMatch(/step 107 loss NaN[\s\S]*hit 3 of 3/);
    expect(shown(pressAll(found, many, ['N']).ui, many)).toMatch(/step 57 loss NaN[\s\S]*hit 2 of 3/);
    expect(shown(pressAll(found, many, ['n']).ui, many)).toMatch(/step 7 loss NaN[\s\S]*hit 1 of 3/);
    expect(shown(open(many, ['/', ...'NAN', 'enter']), many)).toContain('"NAN" is not in the newest 150 lines');
    expect(pressAll(found, many, ['esc']).ui.look).toMatchObject({ find: '', held: null });
    expect(shown(open(many, ['n']), many)).toContain('/ begins');
  });

  it('lights every hit, and the signature without one', () => {
    const painted = view(open(many, ['/', ...'loss', 'enter']), many, NOW, 'x').flatMap(({ pieces }) => pieces.filter(({ role }) => role === 'found').map(({ text }) => text));
    expect(painted.length).toBeGreaterThan(5);
    expect(new Set(painted)).toEqual(new Set(['loss']));
    const lit = view(given(alertWorld(), [], 80, 24), alertWorld(), NOW, 'x').filter(({ over }) => over === 'signature');
    expect(lit.map(lineText)).toEqual([expect.stringContaining('torch.OutOfMemoryError: CUDA out of memory')]);
  });

  it('cuts long lines or wraps them, wide characters whole', () => {
    const long = withRun(calmWorld(), 'nanogpt-shakespeare', { tail: [`${'学'.repeat(60)}end`] });
    expect(shown(open(long, []), long)).not.toContain('end');
    const wrapped = open(long, ['w']);
    expect(view(wrapped, long, NOW, 'x').map(lineText).join('').match(/学/g)).toHaveLength(60);
    expect(shown(wrapped, long)).toContain('end');
  });

  it('hands the clipboard cleaned text alone', () => {
    const { effect } = pressAll(given(foreignWorld(), ['o', 'tab']), foreignWorld(), ['y']);
    if (typeof effect !== 'object' || effect.do !== 'copy') throw new Error('nothing was copied');
    expect(effect.text).toMatch(/emoji 👩‍🔬 done ✅\nplain red evil\ntab {4}bed\n$/);
    expect([...effect.text].filter((character) => character < ' ' && character !== '\n')).toEqual([]);
    const code = clipboardCode(effect.text, {});
    expect(Buffer.from(code.slice('\x1b]52;c;'.length, -1), 'base64').toString('utf8')).toBe(effect.text);
    expect(clipboardCode('x'.repeat(2_000), { STY: '1.pts-0' }).split('\x1bP').slice(1).every((part) => part.endsWith('\x1b\\') && part.length <= 768)).toBe(true);
    expect([{}, { TERM: 'linux' }, { VTE_VERSION: '7200' }, { TERM_PROGRAM: 'Apple_Terminal' }].map(hasClipboard)).toEqual([true, false, false, false]);
  });

  it('shuts when the repair is proven, but not under the eyes of who reads it', () => {
    const world = alertWorld();
    expect(settle(given(world, []), repaired(world), 9).log).toEqual({ is: 'closed' });
    expect(settle(given(world, ['tab']), repaired(world), 9).log).toEqual({ is: 'pinned', run: 'vit-finetune' });
    expect(settle(given(world, ['O']), repaired(world), 9).log).toEqual({ is: 'pinned', run: 'vit-finetune' });
  });

  it('says why there is nothing yet', () => {
    const quiet = withRun(calmWorld(), 'nanogpt-shakespeare', { tail: [] });
    expect(shown(open(quiet, []), quiet)).toContain('No output yet. A run that stays silent is looked at by itself; c checks it now.');
    expect(screenOf(withRun(quiet, 'nanogpt-shakespeare', { stage: 'loading' }), 80, 24, { log: { is: 'open' } }).join()).toContain('it comes once the command has started');
  });
});
