import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEAF_MS } from '../../src/cockpit/dialogs.ts';
import type { Mouse } from '../../src/cockpit/keys.ts';
import { lineText } from '../../src/cockpit/line.ts';
import { onMouse } from '../../src/cockpit/mouse.ts';
import { settle } from '../../src/cockpit/settle.ts';
import type { Ui } from '../../src/cockpit/ui.ts';
import { view } from '../../src/cockpit/view.ts';
import type { Command } from '../../src/core/commands.ts';
import type { World } from '../../src/core/state.ts';
import { given } from './shoot.ts';
import { alertWorld, askingWorld, calmWorld, crowdedWorld, NOW } from './world.ts';

/** A screen that is pointed at, by what stands there. */
function desk(world: World, keys: readonly string[] = [], columns = 120, rows = 40) {
  let ui: Ui = given(world, keys, columns, rows);
  let now = ui.key_at + DEAF_MS;
  const commands: Command[] = [];
  const lines = () => view(ui, world, NOW, '');
  const place = (words: string): { x: number; y: number } => {
    const y = lines().findIndex((row) => lineText(row).includes(words));
    if (y < 0) throw new Error(`"${words}" is not on\n${lines().map(lineText).join('\n')}`);
    return { x: lineText(lines()[y] ?? { pieces: [] }).indexOf(words), y };
  };
  const send = (event: Mouse): void => {
    const done = onMouse(ui, event, lines(), world, (now += DEAF_MS + 1));
    if (done.command) commands.push(done.command);
    ui = settle(done.ui, world, now);
  };
  return {
    click: (words: string) => send({ mouse: 'click', ...place(words) }),
    wheel: (words: string, notches: number) => { for (let n = 0; n < Math.abs(notches); n += 1) send({ mouse: notches < 0 ? 'wheel_up' : 'wheel_down', ...place(words) }); },
    send,
    text: () => lines().map(lineText).join('\n'),
    ui: () => ui,
    commands,
  };
}

describe('a click', () => {
  it('selects a row, and opens it when it is selected', () => {
    const { click, ui } = desk(calmWorld());
    click('llama-lora');
    expect(ui()).toMatchObject({ selected: 'llama-lora', page: { name: 'home' } });
    click('llama-lora');
    expect(ui().page).toMatchObject({ name: 'run', run: 'llama-lora' });
  });

  it('selects the run of a bill, focuses a pane, and unfolds an entry at the second', () => {
    const { click, ui, text } = desk(alertWorld());
    click('A100 SXM4 31251');
    expect(ui().selected).toBe('llama-lora');
    click('─ Log vit-finetune');
    expect(ui().focus).toBe('log');
    click('gpu_oom at step 412, open');
    expect(ui().focus).toBe('said');
    expect(text()).not.toContain('signature');
    click('gpu_oom at step 412, open');
    expect(text()).toContain('signature');
  });

  it('presses what the last row offers, and answers a dialog, but never a word for it', () => {
    const { click, ui, commands } = desk(calmWorld());
    click('c check');
    expect(commands).toEqual([{ do: 'check', run: 'nanogpt-shakespeare' }]);
    click('d destroy');
    expect(ui().dialog?.kind).toBe('destroy');
    click('Destroy now');
    click('Destroy now');
    click('Bring results home, then');
    click('Bring results home, then');
    expect(ui().dialog?.kind).toBe('destroy');
    click('Leave it alone');
    click('Leave it alone');
    expect(ui().dialog).toBeNull();
    expect(commands).toHaveLength(1);
  });

  it('goes to a field of a dialog, chooses in the palette, and closes the help', () => {
    const hold = desk(calmWorld(), ['H']);
    hold.click('reason');
    expect(hold.ui().dialog?.focus).toBe(1);
    const palette = desk(calmWorld(), [':', 'r', 'e']);
    palette.click('launch the run again');
    palette.click('launch the run again');
    expect(palette.ui()).toMatchObject({ palette: null, dialog: { kind: 'relaunch' } });
    const help = desk(calmWorld(), ['?']);
    help.click('Keys');
    expect(help.ui().help).toBeNull();
  });

  it('is deaf in a dialog that has just opened', () => {
    const world = calmWorld();
    const ui = given(world, ['p']);
    const screen = view(ui, world, NOW, '');
    const y = screen.findIndex((row) => lineText(row).includes('Keep it'));
    expect(onMouse(ui, { mouse: 'click', x: lineText(screen[y] ?? { pieces: [] }).indexOf('Keep it'), y }, screen, world, ui.key_at + DEAF_MS - 1).ui.dialog?.focus).toBe(0);
  });
});

describe('the wheel', () => {
  it('scrolls the pane under it and leaves the focus where it is', () => {
    const { wheel, ui, text } = desk(alertWorld());
    wheel('loss.backward', -1);
    expect(ui().look.held?.run).toBe('vit-finetune');
    expect(ui().focus).toBe('runs');
    wheel('─ Reasoning', -2);
    expect(text()).toMatch(/newer, G follows/);
    wheel('─ Reasoning', 30);
    expect(ui().reading.at).toBeNull();
    wheel('Costs', 3);
    wheel('nanogpt-shakespeare', 1);
    expect(ui().selected).toBe('nanogpt-shakespeare');
  });

  it('moves the first visible entry of the reasoning log at each notch', () => {
    const { wheel, text } = desk(calmWorld(), [], 80, 24);
    const seen = new Set([text()]);
    for (let n = 0; n < 3; n += 1) {
      wheel('─ Reasoning', -1);
      expect(seen.has(text())).toBe(false);
      seen.add(text());
    }
  });

  it('goes through 500 rows by three, and a long proposal, a page and the help by lines', () => {
    const crowd = desk(crowdedWorld(500));
    crowd.wheel('sweep-003', 4);
    expect(crowd.ui().selected).toBe('sweep-012');
    const asked = desk(askingWorld(200), ['a'], 80, 24);
    asked.wheel('a proposal', 40);
    expect(asked.text()).toContain('line 112');
    const page = desk(calmWorld(), ['enter'], 80, 24);
    page.wheel('Progress', 2);
    expect(page.ui().page).toMatchObject({ scroll: 6 });
    const help = desk(calmWorld(), ['?'], 80, 24);
    help.wheel('Keys', 1);
    expect(help.ui().help).toBe(3);
  });
});

it('whatever is pointed at, nothing is ordered but a look', () => {
  const events: fc.Arbitrary<Mouse[]> = fc.array(fc.record({ mouse: fc.constantFrom('click', 'click', 'wheel_up', 'wheel_down'), x: fc.nat(125), y: fc.nat(42) }), { maxLength: 40 });
  fc.assert(
    fc.property(fc.constantFrom([], ['d'], ['H'], ['R'], ['S'], ['a'], ['n'], [':'], ['q'], ['enter'], ['/', 'v']), events, (keys, seen) => {
      const { send, commands } = desk(alertWorld(), keys);
      for (const event of seen) send(event);
      expect(commands.filter((command) => command.do !== 'check')).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
