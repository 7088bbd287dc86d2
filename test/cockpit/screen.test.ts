/** The whole cockpit as a person meets it: a real process in a real pty, read by a terminal emulator. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bundleFixture } from './bundle.ts';
import { screenOf } from './shoot.ts';
import { openTerminal, type Seen } from './terminal.ts';
import { alertWorld } from './world.ts';

let fixture: Awaited<ReturnType<typeof bundleFixture>>;
let dir: string;
const open: Seen[] = [];
let started = 0;

beforeAll(async () => {
  fixture = await bundleFixture();
  dir = mkdtempSync(join(tmpdir(), 'vastsit-heard-'));
}, 60_000);
afterEach(() => {
  for (const seen of open.splice(0)) seen.dispose();
});
afterAll(() => {
  fixture.dispose();
  rmSync(dir, { recursive: true, force: true });
});

function start(world: string, columns = 80, rows = 24, env: Record<string, string> = {}, theme = 'dark', themes = resolve('themes')): Seen & { heard(): unknown[] } {
  const file = join(dir, `${(started += 1)}.jsonl`);
  const seen = openTerminal(fixture.entry, [world, themes, file, theme], { columns, rows }, env);
  open.push(seen);
  const heard = (): unknown[] => {
    try {
      return readFileSync(file, 'utf8').trim().split('\n').map((text) => JSON.parse(text) as unknown);
    } catch {
      return [];
    }
  };
  return Object.assign(seen, { heard });
}

/** The key guard of dialogs is real time. */
const settled = (): Promise<void> => new Promise((resolve_) => setTimeout(resolve_, 350));
const pause = (ms: number): Promise<void> => new Promise((resolve_) => setTimeout(resolve_, ms));

describe('a whole evening at 80x24', () => {
  it('watches, is alerted, holds, looks closer, destroys and leaves, and gives the terminal back', async () => {
    const seen = start('calm');
    await seen.until(/nanogpt[\s\S]*q quit/);
    expect(await seen.kind()).toBe('alternate');
    seen.press('jj');
    await seen.until(/●▸vit/);
    seen.press('\x1b[A');
    await seen.until(/●▸llama/);
    seen.press('c');
    await seen.until(/heard check/);
    process.kill(seen.pty.pid, 'SIGUSR2');
    await seen.until(/gpu_oom: The GPU ran out of memory/);
    expect((await seen.screen()).join('\n')).toMatch(/▲ vit-finetune/);
    seen.press('g');
    await seen.until(/▲▸vit/);
    seen.press('H');
    await seen.until(/Hold vit-finetune for debugging/);
    await settled();
    seen.press('\r');
    seen.press('look at it');
    seen.press('\r');
    seen.press('\r');
    await seen.until(/heard hold/);
    seen.press('\r');
    await seen.until(/reduce: batch_size 32 -> 16/);
    seen.press('\x1b');
    await seen.until(/Runs 4 live/);
    seen.press('d');
    await seen.until(/Destroy vit-finetune\?/);
    await settled();
    seen.press('\x1b[A');
    seen.press('vit-finetune');
    await seen.until(/type vit-finetune: vit-finetune/);
    seen.press('\r');
    await seen.until(/heard destroy/);
    expect(seen.heard()).toEqual([
      { do: 'check', run: 'llama-lora' },
      { do: 'hold', run: 'vit-finetune', minutes: 30, reason: 'look at it' },
      { do: 'destroy', run: 'vit-finetune', waive: true, grace_s: 10 },
    ]);
    seen.press('q');
    await seen.until(/Leave the cockpit\?/);
    await settled();
    seen.press('y');
    expect(await seen.exited).toMatchObject({ exitCode: 0 });
    expect(await seen.kind()).toBe('normal');
    expect((await seen.screen()).join('\n')).toMatch(/Still under way: [\s\S]*quit user/);
    expect(seen.raw()).not.toContain('\x1b[3J');
  });
});

describe('sizes', () => {
  it('follows a resize from wide to the table alone, to a notice, and back', async () => {
    const seen = start('alert', 120, 40);
    await seen.until(/─ Costs ─[\s\S]*q quit/);
    const wide = await seen.screen();
    expect(wide).toHaveLength(40);
    expect(wide.find((text) => text.includes('next_eta'))).toMatch(/instance ts +state .* next_eta$/);
    seen.resize(60, 15);
    await seen.until(/next_eta\s+▲/);
    expect((await seen.screen()).join('\n')).not.toContain('Reasoning');
    seen.resize(40, 8);
    await seen.until(/The cockpit needs 60x15/);
    seen.resize(80, 24);
    await seen.until(/Reasoning[\s\S]*q quit/);
    const rows = await seen.screen();
    expect(rows[0]).toMatch(/^ vastsit demo ×60 .* market ok ?$/);
    expect(rows.filter((text) => text.includes('next_eta'))).toHaveLength(1);
    expect(seen.raw()).not.toContain('\x1b[3J');
  });

  it('opens straight at 60x15', async () => {
    const seen = start('alert', 60, 15);
    await seen.until(/▲▸vit-finetune[\s\S]*q quit/);
  });
});

describe('the bytes', () => {
  it('are none while nothing changes', async () => {
    const seen = start('still');
    await seen.until(/cifar[\s\S]*q quit/);
    await pause(300);
    const before = seen.raw().length;
    await pause(2_200);
    expect(seen.raw().slice(before)).toBe('');
  });

  it('are a few digits a second while only money moves', async () => {
    const seen = start('calm');
    await seen.until(/nanogpt[\s\S]*q quit/);
    await pause(300);
    const before = seen.raw().length;
    await pause(2_200);
    const bytes = seen.raw().slice(before);
    expect(bytes).toContain('\x1b[2;');
    expect(bytes).not.toContain('today');
    expect(bytes.length).toBeLessThan(1_500);
    expect(bytes).not.toContain('2J');
  });

  it('paint all again on ctrl-l', async () => {
    const seen = start('still');
    await seen.until(/cifar[\s\S]*q quit/);
    const before = seen.raw().length;
    seen.press('\f');
    await seen.until(/cifar/);
    while (!seen.raw().slice(before).includes('q')) await pause(20);
    expect(seen.raw().slice(before)).toContain('\x1b[2J');
  });
});

describe('every way out gives the terminal back', () => {
  it.each<[string, (seen: Seen) => void | Promise<void>, RegExp, number]>([
    ['SIGTERM', (seen) => seen.pty.kill('SIGTERM'), /quit signal/, 0],
    ['SIGINT', (seen) => process.kill(seen.pty.pid, 'SIGINT'), /quit signal/, 0],
    ['SIGHUP', (seen) => process.kill(seen.pty.pid, 'SIGHUP'), /quit hangup/, 0],
    ['an exception that nobody caught', (seen) => process.kill(seen.pty.pid, 'SIGUSR1'), /error: a bug somewhere[\s\S]*quit error/, 1],
    ['ctrl-c twice', (seen) => { seen.press('\x03'); seen.press('\x03'); }, /quit user/, 0],
  ])('%s', async (_name, leave, farewell, code) => {
    const seen = start('calm');
    await seen.until(/nanogpt[\s\S]*q quit/);
    await leave(seen);
    expect(await seen.exited).toMatchObject({ exitCode: code });
    const text = (await seen.screen()).join('\n');
    expect(await seen.kind()).toBe('normal');
    expect(text).toMatch(farewell);
    expect(seen.raw()).toMatch(/\x1b\[\?25h\x1b\[\?7h\x1b\[\?1049l/);
    expect(seen.mouse()).toBe('none');
  });

  it('lends the terminal to a shell on the box, keeps ctrl-c away from the cockpit, and comes back as it was', async () => {
    const seen = start('calm');
    await seen.until(/nanogpt[\s\S]*q quit/);
    seen.press('j');
    await seen.until(/●▸llama/);
    seen.press('s');
    await seen.until(/shell on llama-lora/);
    expect(await seen.kind()).toBe('normal');
    expect(seen.mouse()).toBe('none');
    process.kill(seen.pty.pid, 'SIGINT');
    // Keys of the cockpit are the shell's now.
    for (const typed of ['d', 'q', ' ', 'k', '\r']) {
      seen.press(typed);
      await pause(30);
    }
    await seen.until(/●▸llama[\s\S]*back from the shell/);
    expect(await seen.kind()).toBe('alternate');
    expect(seen.mouse()).toBe('vt200');
    expect(seen.raw()).toContain('heard dq k');
    seen.press('k');
    await seen.until(/●▸nanogpt/);
  });

  it('is stopped by ctrl-z and brought back by fg, under the job control of a real shell', async () => {
    const seen = openTerminal('--norc', ['--noprofile', '-i'], { columns: 80, rows: 24 }, { PS1: 'ready> ' }, process.cwd(), 'bash');
    open.push(seen);
    await seen.until(/ready> /);
    seen.press(`${process.execPath} ${fixture.entry} calm ${resolve('themes')}\r`);
    await seen.until(/nanogpt[\s\S]*q quit/);
    seen.press('j');
    await seen.until(/●▸llama/);
    seen.press('\x1a');
    await seen.until(/is suspended[\s\S]*Stopped[\s\S]*ready>\s*$/);
    expect([await seen.kind(), seen.mouse()]).toEqual(['normal', 'none']);
    // The shell has every key, echoed as always.
    seen.press('echo it is $((6 * 7))\r');
    await seen.until(/it is 42/);
    seen.press('fg\r');
    await seen.until(/●▸llama[\s\S]*q quit/);
    expect([await seen.kind(), seen.mouse()]).toEqual(['alternate', 'vt200']);
    seen.press('k');
    await seen.until(/●▸nanogpt/);
    seen.press('\x03\x03');
    await seen.until(/quit user[\s\S]*ready>\s*$/);
    seen.press('exit\r');
    expect(await seen.exited).toMatchObject({ exitCode: 0 });
  });

  it('comes back by itself when the system ignores ctrl-z, with everything as it was', async () => {
    const seen = start('calm');
    await seen.until(/nanogpt[\s\S]*q quit/);
    const before = seen.raw().length;
    seen.press('\x1a');
    while (!seen.raw().slice(before).includes('\x1b[?1049h')) await pause(20);
    expect(seen.raw().slice(before)).toContain('is suspended');
    await seen.until(/nanogpt[\s\S]*q quit/);
    seen.press('j');
    await seen.until(/●▸llama/);
  });
});

describe('the mouse', () => {
  /** Cells are told from 1. */
  const at = (rows: readonly string[], words: RegExp): string => {
    const row = rows.findIndex((text) => words.test(text));
    return `${Math.max(0, rows[row]?.search(words) ?? 0) + 2};${row + 1}`;
  };
  const [CLICK, UP, DOWN] = [0, 64, 65];
  const point = (button: number, place: string): string => `\x1b[<${button};${place}M${button === CLICK ? `\x1b[<0;${place}m` : ''}`;

  it('selects by a click, opens by another, scrolls what is under it, and presses the hints', async () => {
    const seen = start('calm', 120, 40);
    let rows = await seen.until(/nanogpt[\s\S]*q quit/);
    expect(seen.mouse()).toBe('vt200');
    seen.press(point(CLICK, at(rows, /vit-finetune/)));
    rows = await seen.until(/●▸vit/);
    seen.press(point(CLICK, at(rows, /vit-finetune/)));
    rows = await seen.until(/vit-finetune ━[\s\S]*Esc goes back/);
    seen.press(point(DOWN, '40;20').repeat(4));
    await seen.until(/when done/);
    seen.press(point(UP, '40;20').repeat(9));
    rows = await seen.until(/vit-finetune ━/);
    seen.press(point(CLICK, at(rows, /Esc back/)));
    rows = await seen.until(/─ Reasoning ─/);
    seen.press(point(UP, at(rows, /runner +nanogpt-shakespeare 214/)));
    seen.press(point(DOWN, at(rows, /llama-lora/)));
    rows = await seen.until(/◐▸whisper/);
    seen.press(point(CLICK, at(rows, /q quit/)));
    rows = await seen.until(/Leave the cockpit/);
    await settled();
    seen.press(point(CLICK, at(rows, / Leave +│/)));
    await seen.until(/▸Leave/);
    seen.press(point(CLICK, at(rows, /Stay/)));
    rows = await seen.until(/▸Stay/);
    seen.press(point(CLICK, at(rows, /Stay/)));
    await seen.until(/^(?![\s\S]*Leave the cockpit)/);
    expect(seen.heard()).toEqual([]);
  });

  it('leaks nothing into the keys, however its reports are cut or broken', async () => {
    const seen = start('calm', 80, 24);
    await seen.until(/nanogpt[\s\S]*q quit/);
    for (const part of ['\x1b[<0;', '5;6', 'M', '\x1b[', '<0;5;7M', '\x1b[<64;1', '\x1b[<0;q', '\x1b[M q!', '\x1b[<', '999999999999999999999999999999999999999999999999;d', '\x1b[<0;9;9;9;9M', '\x1b[<q']) {
      seen.press(part);
      await pause(60);
    }
    // The two whole ones were clicks.
    seen.press('j');
    const rows = await seen.until(/◐▸whisper/);
    expect(rows.join('\n')).not.toMatch(/Leave|Destroy|Keys/);
    expect(seen.heard()).toEqual([]);
  });

  it('is left to the terminal where the settings say so, and taken and given back by a key', async () => {
    const seen = start('calm', 80, 24, { MOUSE: '0' });
    await seen.until(/nanogpt[\s\S]*q quit/);
    expect(seen.mouse()).toBe('none');
    seen.press('M');
    await seen.until(/clicks and the wheel are ours/);
    expect(seen.mouse()).toBe('vt200');
    seen.press('M');
    await seen.until(/the mouse is the terminal's/);
    expect(seen.mouse()).toBe('none');
  });
});

describe('other worlds and terminals', () => {
  it('draws under CI, whose variables silence Ink', async () => {
    await start('calm', 80, 24, { CI: 'true' }).until(/nanogpt[\s\S]*q quit/);
  });

  it('keeps the selection visible without colour', async () => {
    const seen = start('calm', 80, 24, { NO_COLOR: '1' });
    await seen.until(/nanogpt[\s\S]*q quit/);
    expect(seen.raw()).not.toMatch(/\x1b\[(38|48)/);
    const cells = await seen.cells({ fg: '', bg: '' });
    const row = cells.find((one) => one.map(({ text }) => text).join('').includes('▸'));
    expect(row?.every(({ inverse }) => inverse)).toBe(true);
  });

  it('speaks ASCII where UTF-8 is not spoken', async () => {
    const seen = start('alert', 80, 24, { LANG: 'C' });
    await seen.until(/!>vit-finetune[\s\S]*q quit/);
    expect([...(await seen.screen()).join('')].filter((character) => character > '~')).toEqual([]);
  });

  it('keeps columns straight beside wide and joined characters, and lets no escape through', async () => {
    const seen = start('foreign', 120, 30);
    await seen.until(/Costs[\s\S]*日本語[\s\S]*q quit/);
    seen.press('o');
    await seen.until(/Log nanogpt/);
    const rows = (await seen.cells({ fg: '', bg: '' })).map((row) => row.map(({ text }) => text || ' '));
    const bars = rows.map((row) => row.lastIndexOf('│')).filter((at) => at >= 0);
    expect(new Set(bars).size).toBe(1);
    expect(seen.raw()).not.toContain('owned');
  });

  it('scrolls 500 runs by a window and ignores what is pasted', async () => {
    const seen = start('crowd', 80, 24);
    await seen.until(/sweep[\s\S]*q quit/);
    seen.press('\x1b[200~qqdG\x1b[201~');
    seen.press('j');
    await seen.until(/●▸sweep…01|●▸sweep-…1|●▸sweep-001/);
    expect((await seen.screen()).join('\n')).not.toMatch(/Leave|Destroy/);
    seen.press('G');
    await seen.until(/of 500/);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['the clipboard', {}, /2 lines of nanogpt-shakespeare are in the clipboard/],
    ['a file where the terminal has none', { VTE_VERSION: '7200' }, /2 lines of nanogpt-shakespeare are in \/kept\/nanogpt-shakespeare\.log/],
  ])('copies a log to %s', async (_where, env, words) => {
    const seen = start('calm', 80, 24, env);
    await seen.until(/nanogpt[\s\S]*q quit/);
    seen.press('o');
    await seen.until(/─ Log nanogpt/);
    seen.press('\t');
    await seen.until(/y copies/);
    seen.press('y');
    await seen.until(words);
    const [, code] = /\x1b\]52;c;([A-Za-z0-9+/=]+)\x07/.exec(seen.raw()) ?? [];
    const text = code === undefined ? (seen.heard() as { text: string }[]).at(-1)?.text : Buffer.from(code, 'base64').toString('utf8');
    expect(text).toContain("{'loss': 1.734");
    expect(code === undefined).toBe('VTE_VERSION' in env);
  });

  it('says how to begin when nothing runs, and leaves at once', async () => {
    const seen = start('empty');
    await seen.until(/vastsit-tui init[\s\S]*q quit/);
    seen.press('q');
    expect(await seen.exited).toMatchObject({ exitCode: 0 });
  });

  it.each(['dark', 'light', 'high-contrast', 'colour-blind', 'mono', 'terminal'])('wears %s, and the next theme at a key', async (theme) => {
    const seen = start('alert', 80, 24, {}, theme);
    await seen.until(/▲▸vit[\s\S]*q quit/);
    seen.press('t');
    await seen.until(/theme [a-z-]+/);
  });

  it('wears a theme of the user\'s own, and names the field of one that is broken', async () => {
    const own = mkdtempSync(join(dir, 'themes-'));
    const dark = JSON.parse(readFileSync('themes/dark.json', 'utf8')) as { palette: Record<string, string> };
    writeFileSync(join(own, 'mine.json'), JSON.stringify({ ...dark, name: 'mine', palette: { ...dark.palette, money: '#123abc' } }));
    writeFileSync(join(own, 'broken.json'), JSON.stringify({ ...dark, name: 'broken', palette: { ...dark.palette, money: 'gold' } }));
    const seen = start('calm', 100, 24, {}, 'mine', `${resolve('themes')}:${own}`);
    await seen.until(/theme broken\.json: palette\.money: /);
    expect(seen.raw()).toContain('38;2;18;58;188m');
  });

  it('follows a storm of resizes without a trace of the old size', async () => {
    const seen = start('alert', 120, 40, { FROZEN: '1' });
    await seen.until(/Costs[\s\S]*q quit/);
    for (let n = 0; n < 40; n += 1) seen.resize(60 + ((n * 37) % 140), 15 + ((n * 13) % 45));
    seen.resize(80, 24);
    await seen.until(/^ vastsit[^\n]*market ok ?\n[\s\S]*q quit/);
    await pause(300);
    expect((await seen.screen()).map((row) => row.trimEnd()).join('\n')).toBe(screenOf(alertWorld(), 80, 24).map((row) => row.trimEnd()).join('\n'));
    expect(seen.raw()).not.toContain('\x1b[3J');
  });
});
