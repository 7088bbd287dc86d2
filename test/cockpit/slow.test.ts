/** Terminals that read slowly or not at all, as behind a thin or a dead link: on real ptys, whose buffers fill. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createClock } from '../../src/clock.ts';
import { bundleFixture } from './bundle.ts';
import { openTerminal, type Seen } from './terminal.ts';

const clock = createClock();
/** More whole frames than any pty holds. */
const FRAMES = 40;
let fixture: Awaited<ReturnType<typeof bundleFixture>>;
let [dir, heard] = ['', ''];
let seen: Seen;
beforeEach(async () => {
  fixture = await bundleFixture();
  dir = mkdtempSync(join(tmpdir(), 'vastsit-slow-'));
  heard = join(dir, 'heard.jsonl');
});
afterEach(() => {
  seen.dispose();
  fixture.dispose();
  rmSync(dir, { recursive: true, force: true });
});

/** Until the program has carried out an order, whatever is seen of it. */
async function carriedOut(order: string): Promise<void> {
  for (const end = clock.now() + 10_000; clock.now() < end; await clock.sleep(20)) {
    try {
      if (readFileSync(heard, 'utf8').includes(`"do":"${order}"`)) return;
    } catch {
      // nothing heard yet
    }
  }
  throw new Error(`${order} was never heard`);
}

it.each([['that answers', true], ['that never says what it has read', false]])('a terminal %s may stall: nobody waits for it, and then it shows how things are now', async (_name, answers) => {
  seen = openTerminal(fixture.entry, ['calm', resolve('themes'), heard, 'dark'], { columns: 200, rows: 60 }, {}, process.cwd(), process.execPath, answers);
  await seen.until(/nanogpt[\s\S]*q quit/);
  const before = seen.raw().length;
  seen.press('\f');
  await seen.until(/nanogpt/);
  while (!seen.raw().slice(before).includes('\x1b[2J')) await clock.sleep(20);
  seen.pty.pause();
  for (let count = 0; count < FRAMES; count += 1) {
    seen.press('\f');
    await clock.sleep(50);
  }
  // The whole process would hang here if one waited for the terminal.
  seen.press('c');
  await carriedOut('check');
  seen.press('j');
  process.kill(seen.pty.pid, 'SIGUSR2');
  const held = seen.raw().length;
  seen.pty.resume();
  await seen.until(/▲ vit-finetune[\s\S]*‖▸llama/);
  const frame = /\x1b\[2J[^]*?\x1b\[\?2026l/.exec(seen.raw().slice(before))?.[0].length ?? 0;
  const late = seen.raw().length - held;
  expect(frame).toBeGreaterThan(4_000);
  // A terminal that answers is never far behind; for another, what its pty holds is all there may be.
  expect(late).toBeLessThan(answers ? 5 * frame : 80_000 + 2 * frame);
  expect(FRAMES * frame).toBeGreaterThan(160_000);
});

it('ends when it is told to, also before a terminal that has stalled', async () => {
  seen = openTerminal(fixture.entry, ['calm', resolve('themes'), heard, 'dark'], { columns: 200, rows: 60 }, {}, process.cwd(), process.execPath, false);
  await seen.until(/nanogpt[\s\S]*q quit/);
  seen.pty.pause();
  for (let count = 0; count < FRAMES; count += 1) {
    seen.press('\f');
    await clock.sleep(50);
  }
  seen.pty.kill('SIGTERM');
  await clock.sleep(3_000);
  seen.pty.resume();
  expect(await seen.exited).toMatchObject({ exitCode: 0 });
  expect(await seen.kind()).toBe('normal');
  expect((await seen.screen()).join('\n')).toContain('quit signal');
});
