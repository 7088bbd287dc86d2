import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEYS, type Key, type KeyAction, type Place } from '../../src/cockpit/keys.ts';
import { lineText } from '../../src/cockpit/line.ts';
import { onKey, type Pressed } from '../../src/cockpit/on-key.ts';
import { completions, entriesOf, nameOf } from '../../src/cockpit/palette.ts';
import { settle } from '../../src/cockpit/settle.ts';
import { createUi, type Ui } from '../../src/cockpit/ui.ts';
import { view } from '../../src/cockpit/view.ts';
import { alertWorld, calmWorld, NOW } from './world.ts';

const world = calmWorld();
const key = (name: string): Key => ({ name, text: name === 'space' ? ' ' : [...name].length === 1 ? name : null });
const fresh = (): Ui => settle(createUi({ columns: 120, rows: 40 }, 0), world, 0);
/** Writes into the palette and takes what stands first. */
function say(words: string, from = fresh()): Pressed {
  let last = onKey(from, key(':'), world, 1_000);
  for (const letter of words) last = onKey(last.ui, key(letter === ' ' ? 'space' : letter), world, 1_000);
  return onKey(last.ui, key('enter'), world, 2_000);
}
const PLACES = ['home', 'run', 'log', 'said'] as const satisfies readonly Place[];

describe('the palette', () => {
  it('knows every action of the key table, but itself and the way back', () => {
    for (const place of PLACES) {
      const known = new Set<KeyAction>(entriesOf(place).map(({ action }) => action));
      const missing = KEYS.filter(({ places, action }) => places.includes(place) && !known.has(action)).map(({ action }) => action);
      expect(new Set(missing)).toEqual(new Set(['palette', 'back']));
      expect(new Set(entriesOf(place).map(({ action }) => nameOf(action))).size).toBe(known.size);
    }
  });

  it('completes every beginning of every name, and takes every whole name for itself', () => {
    for (const place of PLACES) {
      for (const { action } of entriesOf(place)) {
        const name = nameOf(action);
        for (let length = 0; length <= name.length; length += 1) expect(completions(name.slice(0, length), place, world).map((one) => one.action)).toContain(action);
        expect(completions(name, place, world)[0]?.action).toBe(action);
      }
    }
  });

  it('does what the key does', () => {
    for (const { action, keys } of entriesOf('home')) {
      const typed = say(nameOf(action));
      const pressed = onKey(fresh(), key(keys[0] ?? ''), world, 2_000);
      expect([action, typed]).toEqual([action, pressed]);
    }
  });

  it('takes a run by name, also on a page and behind a filter', () => {
    expect(say('destroy llama').ui.dialog).toMatchObject({ kind: 'destroy', run: 'llama-lora' });
    expect(say('check vit').command).toEqual({ do: 'check', run: 'vit-finetune' });
    expect(say('open whisper', { ...fresh(), filter: { text: 'vit', editing: false } }).ui).toMatchObject({ page: { name: 'run', run: 'whisper-sv' }, filter: { text: '' } });
    expect(say('hold llama', { ...fresh(), page: { name: 'run', run: 'vit-finetune', scroll: 3 } }).ui.dialog).toMatchObject({ kind: 'hold', run: 'llama-lora' });
  });

  it('never throws and never orders unasked, whatever is typed', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), (words) => {
        const { command } = say(words);
        expect(command === undefined || command.do === 'check').toBe(true);
      }),
    );
  });

  it('completes with tab, chooses with the arrows, and is left by esc or an erased line', () => {
    const press = (names: string[]): Ui => names.reduce((ui, name, index) => onKey(ui, key(name), world, 1_000 + index).ui, fresh());
    expect(press([':', 'r', 'e', 'l', 'tab']).palette).toEqual({ text: 'release', choice: 0 });
    expect(press([':', 'r', 'e', 'l', 'down', 'enter']).dialog).toMatchObject({ kind: 'relaunch' });
    expect(press([':', 'x', 'esc']).palette).toBeNull();
    expect(press([':', 'x', 'backspace', 'backspace']).palette).toBeNull();
    const text = view(press([':', 'r', 'e', 'l']), alertWorld(), NOW, '').map(lineText).join('\n');
    expect(text).toMatch(/▸ release +r +release the hold[\s\S]*relaunch +R[\s\S]*:rel/);
    expect(view(press([':', 'q', 'z', 'z']), world, NOW, '').map(lineText).join('\n')).toContain('Nothing fits');
  });
});
