import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { DEAF_MS } from '../../src/cockpit/dialogs.ts';
import { GRACE_S } from '../../src/cockpit/submit.ts';
import { createKeyReader, KEYS, keysMarkdown, rebind, PLACES, type InkKey, type Key, type Place } from '../../src/cockpit/keys.ts';
import { onKey, placeOf, type Pressed } from '../../src/cockpit/on-key.ts';
import { settle } from '../../src/cockpit/settle.ts';
import { createUi, type Ui } from '../../src/cockpit/ui.ts';
import { view } from '../../src/cockpit/view.ts';
import { helpLines } from '../../src/cockpit/panes/help.ts';
import { lineText } from '../../src/cockpit/line.ts';
import type { Command } from '../../src/core/commands.ts';
import type { World } from '../../src/core/state.ts';
import { textOf } from './shoot.ts';
import { alertWorld, askingWorld, calmWorld, crowdedWorld, facts, instance, NOW } from './world.ts';

const { run: TRAIN, checkpoints } = (calmWorld().runs['nanogpt-shakespeare'] as World['runs'][string]).spec;
const RESUME = checkpoints?.resume ?? '';

const key = (name: string): Key => ({ name, text: name === 'space' ? ' ' : [...name].length === 1 ? name : null });
const fresh = (world: World): Ui => settle(createUi({ columns: 120, rows: 40 }, 0), world, 0);

/** Presses keys one after the other, `gap` ms apart. */
function press(world: World, names: readonly string[], gap = DEAF_MS + 1, from = fresh(world)): Pressed & { commands: Command[] } {
  let last: Pressed = { ui: from };
  const commands: Command[] = [];
  let now = 10_000;
  for (const name of names) {
    last = onKey(last.ui, key(name), world, (now += gap));
    last = { ...last, ui: settle(last.ui, world, now) };
    if (last.command) commands.push(last.command);
  }
  return { ...last, commands };
}

describe('keys of one\'s own', () => {
  afterEach(() => void rebind({}));

  it('take the place of the usual ones, in the help too', () => {
    expect(rebind({ hold: ['x'], keep: ['h'] })).toEqual([]);
    expect(press(calmWorld(), ['H']).ui.dialog).toBeNull();
    expect(press(calmWorld(), ['x']).ui.dialog?.kind).toBe('hold');
    // A usual action gives way where it has another key.
    expect(press(calmWorld(), ['h']).ui.dialog?.kind).toBe('keep');
    expect(press(calmWorld(), ['tab', 'left']).ui.focus).toBe('runs');
    const help = helpLines('home').map(lineText).join('\n');
    expect(help).toMatch(/x +approve a debugging hold/);
    expect(help).toMatch(/Shift-Tab ← +previous pane/);
    expect(textOf(calmWorld())).toContain(' x hold ');
  });

  it.each<[string, Record<string, string[]>, RegExp]>([
    ['a clash', { hold: ['d'] }, /keys\.hold: d means "destroy the instance of this run \(asks\)" \(Home\) already/],
    ['two wishes for one key', { hold: ['x'], keep: ['x'] }, /keys\.(hold|keep): x means/],
    ['an action that is none', { fly: ['f'] }, /keys\.fly: there is no such action/],
    ['a key that is none', { hold: ['hyper-x'] }, /"hyper-x" is no key/],
    ['what terminals cannot tell apart', { hold: ['ctrl-m'] }, /"ctrl-m" is no key/],
    ['what works everywhere', { interrupt: ['x'] }, /there is no such action to bind/],
    ['the keys of dialogs', { confirm: ['x'] }, /there is no such action to bind/],
  ])('are refused in words, and change nothing: %s', (_name, wishes, why) => {
    expect(rebind(wishes).join('\n')).toMatch(why);
    expect(press(calmWorld(), ['d']).ui.dialog?.kind).toBe('destroy');
    expect(press(calmWorld(), ['H']).ui.dialog?.kind).toBe('hold');
  });
});

describe('the key table', () => {
  it('has no clash: a key means one thing in one place', () => {
    const seen = KEYS.flatMap(({ keys, places }) => places.flatMap((place) => keys.map((name) => `${place} ${name}`)));
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('binds nothing that terminals cannot tell apart or that multiplexers take', () => {
    const names = KEYS.flatMap(({ keys }) => keys);
    for (const taken of ['ctrl-i', 'ctrl-m', 'ctrl-h', 'ctrl-[', 'ctrl-s', 'ctrl-q', 'ctrl-a', 'ctrl-b']) expect(names).not.toContain(taken);
  });

  it('never lets k destroy, and marks every key that ends or costs something', () => {
    expect(KEYS.filter(({ dangerous }) => dangerous).map(({ action }) => action)).toEqual(['destroy', 'hold', 'release', 'keep', 'relaunch', 'switch', 'bid', 'answer', 'adopt', 'launch']);
    expect(KEYS.filter(({ keys }) => keys.includes('k')).map(({ action }) => action)).toEqual(['up', 'previous']);
  });

  it('makes the help and the README from one source', () => {
    const markdown = keysMarkdown();
    const help = [...helpLines('home'), ...helpLines('run')].map(lineText).join('\n');
    for (const { says, places } of KEYS) {
      if (places.some((place) => place !== 'text')) expect(markdown).toContain(says);
      if (places.includes('home') || places.includes('run')) expect(help).toContain(says);
    }
  });

  it('reaches every key of every place, and each does something or says why not', () => {
    const world = alertWorld();
    const home = fresh(world);
    const start: Record<Place, Ui> = {
      home,
      log: press(world, ['tab']).ui,
      said: press(world, ['tab', 'tab']).ui,
      run: press(world, ['enter']).ui,
      help: press(world, ['?']).ui,
      dialog: press(world, ['d']).ui,
      text: press(world, ['H']).ui,
    };
    for (const place of Object.keys(PLACES) as Place[]) {
      expect(placeOf(start[place])).toBe(place);
      for (const { keys, places } of KEYS) {
        if (!places.includes(place)) continue;
        for (const name of keys) expect(() => onKey(start[place], key(name), world, 99_999)).not.toThrow();
      }
    }
  });

  it('holds no dead key: each one is pressed, and somewhere in its place it does something', () => {
    const worlds = [alertWorld(), askingWorld(80)];
    const seeds = [[], ['G'], ['tab'], ['tab', 'k', 'k'], ['tab', '/', 't', 'enter'], ['tab', 'tab'], ['tab', 'tab', 'g'], ['enter'], ['enter', 'G'], ['?'], ['?', 'G'], ['q'], ['d'], ['d', 'down'], ['d', 'up'], ['a'], ['a', 'pagedown'], ['a', 'down'], ['H'], ['H', 'tab', 'x', 'y', 'left'], ['H', 'tab', 'x', 'y', 'home'], ['R'], ['R', 'pagedown'], ['/', 'v'], [':'], [':', 'd'], ['n'], ['n', 'x'], ['n', 'tab']];
    const pool = worlds.flatMap((world) => seeds.map((seed) => ({ world, ui: press(world, seed, DEAF_MS + 1, settle(createUi({ columns: 80, rows: 24 }, 0), world, 0)).ui })));
    const plain = (ui: Ui): string => JSON.stringify({ ...ui, key_at: 0 });
    const dead = KEYS.flatMap(({ keys, places }) => places.flatMap((place) => keys.map((name) => ({ place, name })))).filter(({ place, name }) =>
      pool.every(({ world, ui }) => {
        if (placeOf(ui) !== place) return true;
        // Long after, so that no dialog is deaf any more; `settle` undoes what could not stay, such as scrolling beyond an end.
        const after = onKey(ui, key(name), world, 999_999);
        return after.effect === undefined && after.command === undefined && plain(settle(after.ui, world, 999_999)) === plain(settle(ui, world, 999_999));
      }),
    );
    expect(dead).toEqual([]);
  });
});

describe('commands', () => {
  it.each<[string, string[], Command[]]>([
    ['check', ['c'], [{ do: 'check', run: 'nanogpt-shakespeare' }]],
    ['bring home then destroy', ['d', 'down', ...'destroy', 'enter'], [{ do: 'destroy', run: 'nanogpt-shakespeare', waive: false, grace_s: GRACE_S }]],
    ['no destroy without its word', ['d', 'down', 'enter', ...'destro', 'enter', 'down', 'enter'], []],
    ['a relaunch', ['R', 'enter', 'enter', ...'relaunch', 'enter'], [{ do: 'relaunch', run: 'nanogpt-shakespeare', command: TRAIN, resume: RESUME }]],
    ['a relaunch with an edited command', ['R', 'space', ...'--lr', 'left', 'left', 'backspace', 'x', 'home', 'right', 'backspace', 'P', 'enter', 'enter', ...'relaunch', 'enter'], [{ do: 'relaunch', run: 'nanogpt-shakespeare', command: `P${TRAIN.slice(1)} -xlr`, resume: RESUME }]],
    ['no relaunch without its word', ['R', 'enter', 'enter', 'enter', 'enter'], []],
    ['no relaunch with no command', ['R', 'ctrl-u', 'enter', 'enter', ...'relaunch', 'enter'], []],
    ['a switch', ['S', 'down', ...'switch', 'enter'], [{ do: 'switch', run: 'nanogpt-shakespeare' }]],
    ['no bid for what is rented', ['b', ...'0.5', 'enter', 'enter'], []],
    ['nothing to answer', ['a', 'down', 'enter'], []],
    ['an adoption', ['A', 'enter', 'ctrl-u', ...'my.yaml', 'enter', ...'adopt', 'enter'], [{ do: 'adopt', instance: 30_871, spec_path: 'my.yaml' }]],
    ['no adoption without a spec', ['A', 'enter', 'ctrl-u', 'enter', ...'adopt', 'enter'], []],
    ['nothing to call back', ['u'], []],
    ['the safe choice', ['d', 'enter'], []],
    ['no waiving without the name', ['d', 'up', 'enter'], []],
    ['no waiving with another name', ['d', 'up', ...'nanogpt', 'enter'], []],
    ['waiving with the name typed', ['d', 'up', ...'nanogpt-shakespeare', 'enter'], [{ do: 'destroy', run: 'nanogpt-shakespeare', waive: true, grace_s: GRACE_S }]],
    ['a hold', ['H', 'enter', ...'look', 'space', ...'at', 'space', ...'it', 'enter', 'enter'], [{ do: 'hold', run: 'nanogpt-shakespeare', minutes: 30, reason: 'look at it' }]],
    ['a hold of another length', ['H', 'backspace', 'backspace', '9', '0', 'x', 'enter', 'y', 'enter', 'enter'], [{ do: 'hold', run: 'nanogpt-shakespeare', minutes: 90, reason: 'y' }]],
    ['no hold without a reason', ['H', 'enter', 'enter', 'enter'], []],
    ['no hold without an end', ['H', 'backspace', 'backspace', 'enter', 'x', 'enter', 'enter'], []],
    ['no hold longer than a day', ['H', '0', '0', 'enter', 'x', 'enter', 'enter'], []],
    ['nothing to release', ['r', 'down', 'enter'], []],
    ['keep', ['p', 'down', 'enter'], [{ do: 'keep', run: 'nanogpt-shakespeare', keep: true }]],
    ['the second run', ['j', 'c'], [{ do: 'check', run: 'llama-lora' }]],
    ['a run that is over', ['G', 'k', 'd', 'down', 'enter'], []],
    ['what is filtered away', ['/', ...'vit', 'enter', 'c'], [{ do: 'check', run: 'vit-finetune' }]],
  ])('%s', (_name, keys, commands) => expect(press(calmWorld(), keys).commands).toEqual(commands));

  it('releases a hold after asking', () => {
    const world = alertWorld();
    expect(press(world, ['/', ...'llama', 'enter', 'r', 'down', 'enter']).commands).toEqual([{ do: 'release', run: 'llama-lora' }]);
  });

  it('are not given by a dialog that opened this moment, nor by pasted text', () => {
    const world = calmWorld();
    expect(press(world, ['d', 'down', 'enter'], 20).commands).toEqual([]);
    const dialog = press(world, ['d', 'up']).ui;
    const pasted = onKey(dialog, { name: 'paste', text: 'nanogpt-shakespeare' }, world, 99_999).ui;
    expect(onKey(pasted, key('enter'), world, 99_999).command).toBeUndefined();
  });

  it('stay with the run of the dialog while rows move under it, and die with it', () => {
    const calm = calmWorld();
    const asked = press(calm, ['j', 'd', 'down', ...'destroy']).ui;
    const moved = settle(asked, alertWorld(), 50_000);
    expect(onKey(moved, key('enter'), alertWorld(), 60_000).command).toEqual({ do: 'destroy', run: 'llama-lora', waive: false, grace_s: GRACE_S });
    const over: World = { ...calm, runs: { ...calm.runs, 'llama-lora': { ...calm.runs['cifar-baseline'], id: 'llama-lora' } as World['runs'][string] } };
    expect(onKey(asked, key('enter'), over, 60_000).command).toBeUndefined();
    expect(settle(asked, over, 60_000)).toMatchObject({ dialog: null, toast: { text: expect.stringContaining('ended meanwhile') as string } });
  });
});

describe('a proposal', () => {
  it('is shown with its diff, and answered by a choice', () => {
    const world = askingWorld();
    const asked = press(world, ['a']).ui;
    const text = view(asked, world, NOW, '').map(lineText).join('\n');
    for (const words of ['+    loss.backward(retain_graph=True)', '-    loss.backward()', 'It asks because', 'Approve', 'Refuse']) expect(text).toContain(words);
    expect(press(world, ['a', 'enter']).commands).toEqual([]);
    expect(press(world, ['a', 'down', 'enter']).commands).toEqual([{ do: 'approve', run: 'vit-finetune' }]);
    expect(press(world, ['a', 'up', 'enter']).commands).toEqual([{ do: 'refuse', run: 'vit-finetune' }]);
    expect(settle(asked, alertWorld(), 9)).toMatchObject({ dialog: null, toast: { text: expect.stringContaining('has been answered') as string } });
  });

  it('scrolls when it is longer than the screen, and keeps its options in sight', () => {
    const world = askingWorld(200);
    const small = { ...press(world, ['a']).ui, size: { columns: 80, rows: 24 } };
    const shown = (ui: Ui): string => view(ui, world, NOW, '').map(lineText).join('\n');
    expect(shown(small)).toMatch(/more lines: PgDn[\s\S]*Approve/);
    const down = press(world, Array.from({ length: 40 }, () => 'pagedown'), 400, small).ui;
    expect(shown(down)).toMatch(/line 199[\s\S]*Approve/);
  });
});

describe('a destroy that waits its grace', () => {
  const calm = calmWorld();
  const world: World = { ...calm, runs: { ...calm.runs, 'llama-lora': { ...(calm.runs['llama-lora'] as World['runs'][string]), destroy_pending: { waive: false, until: NOW + 8_000 } } } };
  it('is told until it is over, and u calls it back from wherever one is', () => {
    expect(view(fresh(world), world, NOW, '').map(lineText).at(-1)).toMatch(/Destroying llama-lora in 8 s: u calls it back/);
    expect(press(world, ['u']).commands).toEqual([{ do: 'recall', run: 'llama-lora' }]);
    expect(press(world, ['enter', 'u']).commands).toEqual([{ do: 'recall', run: 'llama-lora' }]);
    expect(press(world, ['j', 'd']).ui).toMatchObject({ dialog: null, toast: { text: expect.stringContaining('u calls it back') as string } });
  });
});

describe('a bid', () => {
  it('is named, never given', () => {
    const world: World = { ...calmWorld(), fleet: { ...calmWorld().fleet, 31244: instance(31_244, 'nanogpt-shakespeare', { facts: facts(31_244, { is_bid: true, dph_base: 0.3, min_bid: 0.28 }) }) } };
    expect(press(world, ['b', 'enter', 'enter']).commands).toEqual([]);
    expect(press(world, ['b', ...'0.3x5', 'enter', 'enter']).commands).toEqual([{ do: 'raise_bid', run: 'nanogpt-shakespeare', usd_per_hour: 0.35 }]);
  });
});

describe('a run that is closed but kept', () => {
  const calm = calmWorld();
  const kept = { ...calm.runs['cifar-baseline'], instance: 31_244, submitted_at: 0 } as World['runs'][string];
  const world: World = { ...calm, runs: { ...calm.runs, 'cifar-baseline': kept } };

  it('still bills, so it can still be destroyed, and leaving tells of it', () => {
    expect(press(world, ['d', 'down', ...'destroy', 'enter']).commands).toEqual([{ do: 'destroy', run: 'cifar-baseline', waive: false, grace_s: GRACE_S }]);
    expect(press({ ...world, runs: { 'cifar-baseline': kept } }, ['q']).ui.dialog?.kind).toBe('quit');
  });
});

describe('the reasoning log', () => {
  it('stays put while it is read and new lines come in, and follows again at G', () => {
    const world = calmWorld();
    const reading = press(world, ['tab', 'k', 'k']).ui;
    const at = reading.reading.at;
    expect(at).not.toBeNull();
    const more: World = { ...world, said: [...world.said, ...world.said.slice(0, 3).map((entry, index) => ({ ...entry, seq: 50 + index }))] };
    const settled = settle(reading, more, 99);
    expect(settled.reading.at).toBe(at);
    expect(press(more, ['G'], 400, settled).ui.reading.at).toBeNull();
  });
});

describe('whatever is pressed', () => {
  const names = fc.array(fc.constantFrom(...new Set([...KEYS.flatMap(({ keys }) => keys), 'x', 'Z', '5', 'f1'])), { maxLength: 60 });

  it('destroys only through its dialog, confirmed at least 300 ms after it opened', () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 700 }), (keys, gap) => {
        const world = calmWorld();
        let ui = fresh(world);
        let now = 0;
        for (const name of keys) {
          const before = ui.dialog;
          const pressed = onKey(ui, key(name), world, (now += gap));
          if (pressed.command?.do === 'destroy') {
            expect(before).toMatchObject({ kind: 'destroy', run: pressed.command.run });
            expect(name).toBe('enter');
            expect(now - (before?.opened_at ?? now)).toBeGreaterThanOrEqual(DEAF_MS);
            expect(before?.typed).toBe(pressed.command.waive ? pressed.command.run : 'destroy');
          }
          ui = settle(pressed.ui, world, now);
        }
      }),
    );
  });

  it('one key held down gives no order at all, wherever it was pressed', () => {
    const world = askingWorld();
    for (const from of [[], ['enter'], ['d'], ['d', 'down'], ['d', 'up'], ['H'], ['R'], ['S', 'down'], ['b'], ['A'], ['n'], [':'], ['p'], ['o'], ['?'], ['/']]) {
      for (const name of new Set([...KEYS.flatMap(({ keys }) => keys), ...'destroyswitch'])) {
        const kinds = press(world, Array.from({ length: 25 }, () => name), 99, press(world, from).ui).commands.map((command) => command.do);
        expect([from, name, kinds.filter((kind) => kind !== 'check')]).toEqual([from, name, []]);
      }
    }
  });

  it('takes a word only when a person typed all of it', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.boolean(), (words, pasted) => {
        const world = calmWorld();
        const start = press(world, ['d', 'up']).ui;
        const typed = pasted ? onKey(start, { name: 'paste', text: words }, world, 99_999).ui : press(world, [...words], 1, { ...start, dialog: start.dialog && { ...start.dialog, opened_at: 0 } }).ui;
        const order = onKey(typed, key('enter'), world, 999_999).command;
        expect(order !== undefined).toBe(!pasted && words === 'nanogpt-shakespeare');
      }),
    );
  });

  it('esc always leads back home and never out', () => {
    fc.assert(
      fc.property(names, (keys) => {
        const world = alertWorld();
        const here = press(world, keys).ui;
        // `press` starts its clock anew, so a dialog that just opened stays deaf for the first of them.
        const back = press(world, Array.from({ length: 60 }, () => 'esc'), DEAF_MS + 1, here);
        expect(back.effect).toBeUndefined();
        expect(back.commands).toEqual([]);
        expect(back.ui).toMatchObject({ page: { name: 'home' }, dialog: null, palette: null, help: null, focus: 'runs', filter: { text: '', editing: false } });
      }),
    );
  });

  it('keeps a visible run selected', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('j', 'k', 'G', 'g', 'pagedown', 'pageup'), { maxLength: 30 }), (keys) => {
        const { ui } = press(crowdedWorld(100), keys);
        if (ui.selected === '#30871') expect(ui.top).toBe(84);
        const at = Number(ui.selected?.slice(-3));
        expect(ui.selected === '#30871' || at >= ui.top && at < ui.top + 17).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});

describe('leaving', () => {
  it('asks while something bills, and stays by default', () => {
    expect(press(calmWorld(), ['q']).effect).toBeUndefined();
    expect(press(calmWorld(), ['q', 'enter']).effect).toBeUndefined();
    expect(press(calmWorld(), ['q', 'y']).effect).toBe('quit');
    expect(press(calmWorld(), ['q', 'down', 'enter']).effect).toBe('quit');
  });

  it('is at once when nothing does', () => expect(press({ ...calmWorld(), runs: {}, fleet: {} }, ['q']).effect).toBe('quit'));

  it('takes two ctrl-c within two seconds, wherever one is', () => {
    const world = calmWorld();
    expect(press(world, ['d', 'ctrl-c', 'ctrl-c'], 100).effect).toBe('quit');
    expect(press(world, ['ctrl-c', 'ctrl-c'], 2_001).effect).toBeUndefined();
    expect(press(world, ['ctrl-c']).ui.dialog?.kind).toBe('quit');
  });
});

describe('a screen of loops that run elsewhere', () => {
  it('is left without a question, because nothing is left behind; D never asks', () => {
    const ui = { ...press(calmWorld(), []).ui, elsewhere: 'viewing the cockpit (process 1)' };
    expect(onKey(ui, { name: 'q', text: 'q' }, calmWorld(), 1_000)).toMatchObject({ effect: 'quit' });
    expect(press(calmWorld(), ['D'])).toMatchObject({ effect: 'detach', ui: { dialog: null } });
  });
});

describe('the log pane', () => {
  it('opens by itself on an incident, closes with it, and stays shut once dismissed', () => {
    const calm = fresh(calmWorld());
    const alerted = settle(calm, alertWorld(), 1);
    expect(alerted.log).toEqual({ is: 'auto', run: 'vit-finetune', incident: 1 });
    expect(settle(alerted, calmWorld(), 2).log).toEqual({ is: 'closed' });
    const shut = press(alertWorld(), ['o'], 400, alerted).ui;
    expect(shut.log).toEqual({ is: 'closed' });
    expect(settle(settle(shut, calmWorld(), 3), alertWorld(), 4).log.is).toBe('auto');
  });

  it('stays when pinned', () => {
    const pinned = press(alertWorld(), ['O']).ui;
    expect(settle(pinned, calmWorld(), 9).log).toEqual({ is: 'pinned', run: 'vit-finetune' });
  });
});

describe('the key reader', () => {
  const named = (input: string, flags: InkKey, read = createKeyReader()): string[] => read(input, flags).map((one) => ('mouse' in one ? one.mouse : one.name));
  const none: InkKey = { upArrow: false, downArrow: false, leftArrow: false, rightArrow: false, pageDown: false, pageUp: false, home: false, end: false, return: false, escape: false, ctrl: false, shift: false, tab: false, backspace: false, delete: false, meta: false };
  it('splits what a fast typist sends in one read', () => expect(named('jjG', none)).toEqual(['j', 'j', 'G']));
  it('finds the control keys in it', () => {
    expect(named('\x03\x03', none)).toEqual(['ctrl-c', 'ctrl-c']);
    expect(named('\rok\x7f\x01', none)).toEqual(['enter', 'o', 'k', 'backspace']);
  });
  it('makes one paste of a bracketed paste, however it is cut', () => {
    const read = createKeyReader();
    expect(['[200~', 'dq', 'y', '[201~'].flatMap((input) => read(input, none))).toEqual([{ name: 'paste', text: 'dqy' }]);
    expect(read('[200~all at once[201~', none)).toEqual([{ name: 'paste', text: 'all at once' }]);
    expect(named('j', none, read)).toEqual(['j']);
  });
  it('takes Ink for its word: delete is backspace, esc carries meta, alt means nothing', () => {
    const read = createKeyReader();
    expect(named('', { ...none, delete: true }, read)).toEqual(['backspace']);
    expect(named('', { ...none, escape: true, meta: true }, read)).toEqual(['esc']);
    expect(read('j', { ...none, meta: true })).toEqual([]);
    expect(named('c', { ...none, ctrl: true }, read)).toEqual(['ctrl-c']);
  });
});
