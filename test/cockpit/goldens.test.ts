/** Whole screens as they should look, at every size that has a layout of its own; and the same through a real pty and a terminal emulator. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lineText, lineWidth } from '../../src/cockpit/line.ts';
import { loadThemes } from '../../src/cockpit/theme.ts';
import { view } from '../../src/cockpit/view.ts';
import { found, welcome, welcomeView, type Check, type Welcome } from '../../src/cockpit/welcome.ts';
import { emptyWorld, type World } from '../../src/core/state.ts';
import { bundleFixture } from './bundle.ts';
import { pictureOf, SHOTS } from './pictures.ts';
import { given } from './shoot.ts';
import { openTerminal } from './terminal.ts';
import { alertWorld, calmWorld, NOW } from './world.ts';

const SIZES = [{ columns: 80, rows: 24 }, { columns: 120, rows: 40 }, { columns: 200, rows: 60 }] as const;
const SCREENS: Record<string, { world: () => World; keys: readonly string[] }> = {
  calm: { world: calmWorld, keys: [] },
  alert: { world: alertWorld, keys: [] },
  run: { world: calmWorld, keys: ['enter'] },
  unfolded: { world: alertWorld, keys: ['tab', 'tab', 'e'] },
  destroy: { world: alertWorld, keys: ['d', 'up', 'v', 'i'] },
  help: { world: calmWorld, keys: ['?'] },
  empty: { world: () => ({ ...emptyWorld(NOW), market: { health: 'ok', since: NOW, reason: null, list_at: NOW } }), keys: [] },
  lost: { world: () => ({ ...calmWorld(), market: { health: 'lost', since: NOW - 90_000, reason: 'no answer for 90 s', list_at: NOW - 90_000 } }), keys: [] },
};
const screen = ({ world, keys }: { world: () => World; keys: readonly string[] }, columns: number, rows: number): string => {
  const seen = world();
  return view(given(seen, keys, columns, rows), seen, NOW, 'demo ×60').map((line) => lineText(line).trimEnd()).join('\n');
};

describe.each(SIZES)('at $columns x $rows', ({ columns, rows }) => {
  it.each(Object.keys(SCREENS))('looks as it did: %s', async (name) => {
    await expect(`${screen(SCREENS[name] as (typeof SCREENS)[string], columns, rows)}\n`).toMatchFileSnapshot(`goldens/${columns}x${rows}-${name}.txt`);
  });
});

const CHECKS: readonly Check[] = [
  { check: 'node', ok: true, found: 'v20.12.0', remedy: null },
  { check: 'api key', ok: true, found: 'from /home/me/.config/vastsit-tui/vast_api_key', remedy: null },
  { check: 'market', ok: false, found: 'credit $0.00', remedy: 'add credit at cloud.vast.ai, Billing' },
  { check: 'language model', ok: true, found: 'none: the rules do the whole job', remedy: 'OPENAI_API_KEY or VASTSIT_LLM_KEY adds one for what no rule explains' },
];
it.each<[string, Welcome]>([['welcome', welcome('There is no key yet.')], ['found', found('The key that ends in …WXYZ is kept in /home/me/.config/vastsit-tui/vast_api_key. Delete that file to forget it.', CHECKS)]])('greets at the first run as it did: %s', async (name, state) => {
  for (const { columns, rows } of [{ columns: 80, rows: 24 }, { columns: 60, rows: 15 }]) {
    const lines = welcomeView(state, columns, rows);
    expect(lines.map(lineWidth)).toEqual(Array.from({ length: rows }, () => columns));
    await expect(`${lines.map((line) => lineText(line).trimEnd()).join('\n')}\n`).toMatchFileSnapshot(`goldens/${columns}x${rows}-${name}.txt`);
  }
});

it('is the table alone at 60 x 15', async () => {
  await expect(`${screen({ world: alertWorld, keys: [] }, 60, 15)}\n`).toMatchFileSnapshot('goldens/60x15-alert.txt');
});

describe('a real terminal shows the same', () => {
  let fixture: Awaited<ReturnType<typeof bundleFixture>>;
  beforeAll(async () => {
    fixture = await bundleFixture();
  }, 60_000);
  afterAll(() => fixture.dispose());

  it.each(SIZES.flatMap((size) => [{ ...size, name: 'calm', keys: [] }, { ...size, name: 'alert', keys: [] }, { ...size, name: 'run', keys: ['\r'] }]))('at $columns x $rows: $name', async ({ columns, rows, name, keys }) => {
    const seen = openTerminal(fixture.entry, [name === 'alert' ? 'alert' : 'calm', resolve('themes'), '', 'dark'], { columns, rows }, { FROZEN: '1' });
    try {
      await seen.until(/nanogpt[\s\S]*q quit/);
      for (const key of keys) seen.press(key);
      if (keys.length > 0) await seen.until(/Esc goes back/);
      expect((await seen.screen()).map((row) => row.trimEnd()).join('\n')).toBe(screen(SCREENS[name] as (typeof SCREENS)[string], columns, rows));
    } finally {
      seen.dispose();
    }
  });
});

describe('the README\'s pictures', () => {
  const dark = loadThemes('themes').themes.find(({ name }) => name === 'dark');
  it.each(SHOTS)('show the cockpit as it is: $name (else `npm run screens`)', async (shot) => {
    if (!dark) throw new Error('no dark theme');
    expect(readFileSync(`docs/${shot.name}.svg`, 'utf8') === (await pictureOf(shot, dark))).toBe(true);
  });
});
