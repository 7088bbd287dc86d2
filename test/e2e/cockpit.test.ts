/** The demo as a person meets it: the built program in a real pty, every key pressed for real, read by a terminal emulator. */
import { afterEach, describe, expect, it } from 'vitest';
import { createClock } from '../../src/clock.ts';
import { openTerminal, type Seen } from '../cockpit/terminal.ts';
import { BIN, createPlace, until, type Place } from './program.ts';

const DOWN = '\x1b[B';
const ESC = '\x1b';
const ENTER = '\r';
const NINE = /\bts +state +step +rate +gpu +mem +eval +action +next_eta\b/;
const clock = createClock();

let place: Place;
let seen: Seen;
afterEach(() => {
  seen.dispose();
  place.dispose();
});

function open(columns: number, rows: number, env: Record<string, string>): void {
  place = createPlace();
  seen = openTerminal(BIN, ['demo'], { columns, rows }, { ...place.env, ...env });
}

const text = async (): Promise<string> => (await seen.screen()).join('\n');

async function press(keys: string, pattern: RegExp): Promise<string> {
  seen.press(keys);
  return (await seen.until(pattern)).join('\n');
}

/** Again, when it was not heard: a dialog is deaf to keys that were on their way when it opened. Not sooner, or a slow machine hears it twice. */
async function insist(keys: string, pattern: RegExp): Promise<string> {
  const end = clock.now() + 20_000;
  for (;;) {
    seen.press(keys);
    const rows = await seen.until(pattern, 2_000).catch(() => null);
    if (rows) return rows.join('\n');
    if (clock.now() > end) throw new Error(`${JSON.stringify(keys)} never led to ${String(pattern)} on\n${await text()}`);
  }
}

/** Matches a screen without such words. */
const without = (words: string): RegExp => new RegExp(`^(?![\\s\\S]*${words})`);

describe.each([
  { columns: 120, rows: 40, env: { CI: 'true', CONTINUOUS_INTEGRATION: '1' } },
  { columns: 80, rows: 24, env: {} },
])('the demo at $columns x $rows', ({ columns, rows, env }) => {
  it('shows the evening, answers every key, brings a run home at a word, and gives the terminal back', async () => {
    open(columns, rows, env);
    await seen.until(/vastsit demo ×60[\s\S]*q quit/, 30_000);
    expect(await seen.kind()).toBe('alternate');
    await seen.until(/burn \$\d\S*\/h[^\n]*not ours +(spent )?today \$\d/, 30_000);
    const first = await text();
    for (const words of [/credit \$\d+\.\d\d · .*runway/, /wasted \$\d/, NINE, /─ Costs ─/, /Reasoning/, /not ours: shown, never touched +"a/]) expect(first).toMatch(words);

    // An alert opens the log of its run by itself, and is over when the repair is proven.
    await seen.until(/─ Log demo-missing-dep ─[\s\S]*missing_dependency: /, 60_000);
    expect(await text()).toMatch(/▲ 1 alert[\s\S]*▲.?demo-[\s\S]*opened by the alert/);
    await seen.until(without('alert'), 30_000);
    await seen.until(/(demo-\S* .*train .*\d\/70[^\n]*\n[\s\S]*){4}/, 30_000);

    // The selection: to the end, where what is not ours stands, to the beginning, one down, one up.
    await press('G', /○▸\d+ +RTX/);
    expect(await press(ENTER, /What it costs/)).toMatch(/not ours: shown, never touched[\s\S]*label +alices-notebook[\s\S]*runway/);
    await press(ESC, NINE);
    await press('d', /is not ours, and is never touched; A puts a run on it/);
    await press('k', /▸demo-\S*ck /);
    await press('g', /▸demo-\S*ng /);
    await press('j', /▸demo-\S*hy /);
    await press(`k`, /▸demo-\S*ng /);
    await press(DOWN, /▸demo-\S*hy /);

    // The run's page, and back.
    expect(await press(ENTER, /Esc goes back/)).toMatch(/demo-healthy ━[\s\S]*Progress[\s\S]*of 70[\s\S]*pace/);
    await press('G', /Watched by: the babysitter/);
    await press(ESC, NINE);
    // Help, and back.
    expect(await press('?', /─ Keys/)).toMatch(/d +destroy the instance of this run \(asks\)/);
    await press(ESC, without('─ Keys'));
    // Its log, and shut again.
    await press('o', /─ Log demo-healthy ─[\s\S]*'loss':/);
    await press('o', without('─ Log '));
    // One theme and another.
    await press('t', /theme [a-z-]+/);

    // A hold, with an end and a price, is shown, and ends by a release.
    expect(await press('H', /Hold demo-healthy for debugging/)).toMatch(/minutes +30\S* costs \$0\.\d\d and ends at \d\d:\d\d UTC/);
    await insist(ENTER, /▸ reason/);
    await press('see', /reason +see/);
    await press(ENTER, /▸Hold for 30m/);
    expect(await press(ENTER, /demo-\S*hy .* hold .* held \d+m/)).not.toContain('for debugging');
    await press('r', /Release the hold on demo-healthy\?/);
    await insist(DOWN, /▸Release/);
    await press(ENTER, /demo-\S*hy .* train /);

    // A destroy asks, and nothing happens when the answer is no.
    expect(await press('d', /Destroy demo-healthy\?/)).toMatch(/▸ +Leave it alone/);
    await insist(ESC, without('Destroy demo-healthy'));
    expect(await text()).toMatch(/demo-\S*hy .* train /);
    // The answer yes brings the results home first.
    await press('d', /Destroy demo-healthy\?/);
    await insist(DOWN, /▸ +Bring results home, then destroy/);
    await press('destroy', /type destroy: destroy/);
    // A while to think again, and again the same order.
    await press(ENTER, /Destroying demo-healthy in \d+ s: u calls it back/);
    await press('u', /the destroy of demo-healthy is called back/);
    await press('d', /Destroy demo-healthy\?/);
    await insist(DOWN, /▸ +Bring results home, then destroy/);
    await press('destroy', /type destroy: destroy/);
    await press(ENTER, /Destroying demo-healthy in \d+ s/);
    await seen.until(/4 live, 1 over[\s\S]*demo-\S*hy .* ended /, 60_000);
    // Its story is on its page, whatever else the evening tells meanwhile.
    await press(ENTER, /Esc goes back/);
    await insist('\x1b[6~', /results: verified/);
    await press(ESC, NINE);

    // Only what is asked for.
    await press('/', /\/▏/);
    await press('oom', /filtered by "oom"/);
    await press(ENTER, /q quit/);
    expect((await seen.screen()).filter((row) => /^.[ ▸]demo-/.test(row))).toHaveLength(1);
    await press(ESC, without('filtered'));

    // Another size and back: nothing is left of the old one, and the scrollback is never wiped.
    seen.resize(40, 8);
    await seen.until(/needs 60x15/);
    seen.resize(columns === 80 ? 120 : 80, 30);
    await seen.until(/vastsit demo[\s\S]*Reasoning[\s\S]*q quit/);
    expect((await seen.screen()).filter((row) => NINE.test(row))).toHaveLength(1);
    seen.resize(columns, rows);
    await seen.until(/vastsit demo[\s\S]*Reasoning[\s\S]*q quit/);
    expect(seen.raw()).not.toContain('\x1b[3J');

    // Leaving asks too; then the primary screen is back with a word on what was left.
    expect(await press('q', /Leave the cockpit\?/)).toMatch(/4 runs under way[\s\S]*demo ends with its screen/);
    await insist(DOWN, /▸Leave/);
    seen.press(ENTER);
    expect(await seen.exited).toMatchObject({ exitCode: 0 });
    expect(await seen.kind()).toBe('normal');
    expect(await text()).toContain('nothing of it runs or bills');
    expect(seen.raw()).toMatch(/\x1b\[\?25h\x1b\[\?7h\x1b\[\?1049l/);
    await until(() => place.processes().length === 0, () => JSON.stringify(place.processes()), 5_000);
    expect(place.leftovers()).toEqual([]);
  });
});

it.each(['SIGTERM', 'SIGHUP'] as const)('%s closes the demo\'s boxes too, and restores the screen', async (signal) => {
  open(80, 24, {});
  await seen.until(/ train /, 60_000);
  seen.pty.kill(signal);
  expect(await seen.exited).toMatchObject({ exitCode: 130 });
  expect(await seen.kind()).toBe('normal');
  await until(() => place.processes().length === 0, () => JSON.stringify(place.processes()), 5_000);
  expect(place.leftovers()).toEqual([]);
});
