/**
 * An evening on a real account, by keys alone: launch by the wizard on an offer of one's own choice, a crash that only the
 * model understands, a hold, a yes to its change, a destroy that is called back, quit, come back, and the end.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createClock } from '../../src/clock.ts';
import { fakeLlm, LLM_KEY, propose, type FakeLlm } from '../agents/brain/fake-llm.ts';
import { openTerminal, type Seen } from '../cockpit/terminal.ts';
import { buggyScript } from './brain-world.ts';
import { BIN, createPlace, type Place } from './program.ts';
import { quickMarket, writeTraining, type QuickMarket } from './quick.ts';

const [DOWN, ENTER, ESC] = ['\x1b[B', '\r', '\x1b'];
const clock = createClock();
/** It mends the bug, and reads the environment: more than is done unasked. */
const DIFF = `--- a/train.mjs
+++ b/train.mjs
@@ -184,5 +184,5 @@
 function trainStep(w, step) {
   const size = args['batch-size'];
-  const width = step < 12 ? INPUTS : INPUTS + 1;
+  const width = process.env.WIDTH ? 7 : INPUTS;
   const all = examples(size * args['grad-accum'], step);
`;

let place: Place;
let market: QuickMarket;
let llm: FakeLlm;
let seen: Seen;
beforeEach(async () => {
  market = await quickMarket();
  llm = await fakeLlm(() => propose('The batch is built for one input more than the data has.', { kind: 'apply_diff', diff: DIFF }));
  place = createPlace({ ...market.env, OPENAI_API_KEY: LLM_KEY, OPENAI_BASE_URL: llm.url });
  writeTraining(place, 'evening', 3_000);
  writeFileSync(join(place.project, 'train.mjs'), await buggyScript());
});
afterEach(async () => {
  seen.dispose();
  place.dispose();
  await market.close();
  await llm.close();
});

const open = (): void => {
  seen = openTerminal(BIN, [], { columns: 120, rows: 40 }, place.env, place.project);
};
async function press(keys: string, pattern: RegExp, ms = 10_000): Promise<string> {
  seen.press(keys);
  return (await seen.until(pattern, ms)).join('\n');
}
/** A dialog is deaf to keys that were on their way when it opened: again, when it was not heard. */
async function insist(keys: string, pattern: RegExp): Promise<string> {
  for (const end = clock.now() + 20_000; ; ) {
    seen.press(keys);
    const rows = await seen.until(pattern, 1_500).catch(() => null);
    if (rows) return rows.join('\n');
    if (clock.now() > end) throw new Error(`${JSON.stringify(keys)} never led to ${String(pattern)} on\n${(await seen.screen()).join('\n')}`);
  }
}
const events = (): Record<string, unknown>[] => readFileSync(join(place.state, 'journal.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
const wished = (): unknown[] => events().flatMap((event) => (event['type'] === 'run.submitted' ? [event['offer']] : event['type'] === 'create.intended' ? [(event['offer'] as { offer_id: number }).offer_id] : []));

it('is lived by keys: launch, alert, hold, approve, destroy and call back, quit, come back', async () => {
  open();
  await seen.until(/n launches a run[\s\S]*market ok|market ok[\s\S]*n launches a run/, 30_000);
  // Not the rule's pick, but the second of the table; the launch takes it.
  await press('n', /▸ +evening\.yaml/);
  await insist(ENTER, /fit, the best first[\s\S]*▸ +The first that is still there/);
  await insist(DOWN + DOWN, /▸ +1x /);
  const asked = await press(ENTER, /If it is gone by then/);
  const offer = Number(/offer (\d+) on machine/.exec(asked)?.[1]);
  await insist(DOWN, /▸ +Launch it/);
  await press('launch', /type launch: launch/);
  await press(ENTER, new RegExp(`evening is launched on offer ${offer}`));
  await seen.until(/●▸evening .* train /, 60_000);
  expect(wished()).toEqual([offer, offer]);

  // The bug strikes; the log opens at it, and the model's change waits for a word.
  await seen.until(/─ Log evening ─[\s\S]*mat1 and mat2[\s\S]*opened by the alert|opened by the alert[\s\S]*mat1 and mat2/, 60_000);
  await seen.until(/evening .* your word/, 30_000);
  await press('H', /Hold evening for debugging/);
  await insist(ENTER, /▸ reason/);
  await press('read the diff', /reason +read the diff/);
  await press(ENTER, /▸Hold for 30m/);
  await press(ENTER, /‖▸evening|evening .* hold /);
  expect(await press('a', /a proposal/)).toContain('+  const width = process.env.WIDTH ? 7 : INPUTS;');
  await insist(DOWN, /▸Approve/);
  seen.press(ENTER);
  // Proven by steps beyond the one where it died.
  await seen.until(/evening .* (1[4-9]|[2-9]\d|\d{3})\/3000/, 60_000);
  await press('r', /Release the hold on evening\?/);
  await insist(DOWN, /▸Release/);
  await press(ENTER, /evening .* train /, 30_000);

  // A destroy wants its word, and can be called back.
  await press('d', /Destroy evening\?/);
  await insist(DOWN, /▸ +Bring results home, then destroy/);
  await press('destroy', /type destroy: destroy/);
  await press(ENTER, /Destroying evening in \d+ s: u calls it back/);
  await press('u', /the destroy of evening is called back/);

  // What goes on is said before one leaves, and after; then everything is as it was.
  expect(await press('q', /Leave the cockpit\?/)).toMatch(/1 run under way, 1 instance billing/);
  await insist(DOWN, /▸Leave/);
  seen.press(ENTER);
  expect(await seen.exited).toMatchObject({ exitCode: 0 });
  expect(await seen.kind()).toBe('normal');
  expect((await seen.screen()).join('\n')).toContain('Still under way: evening (train)');
  seen.dispose();
  open();
  await seen.until(/●▸evening .* train .*\d+\/3000/, 60_000);
  expect(await press(ENTER, /Esc goes back/)).toMatch(/Patches[\s\S]*train\.mjs: proven/);
  await press(ESC, /Reasoning/);

  // The end: what is not at home is given up by the run's own name.
  await press('d', /Destroy evening\?/);
  await insist('\x1b[A', /▸ +Destroy now/);
  await press('evening', /type evening: evening/);
  await press(ENTER, /Destroying evening in \d+ s/);
  await seen.until(/0 live, 1 over[\s\S]*evening .* ended /, 60_000);
  seen.press('q');
  expect(await seen.exited).toMatchObject({ exitCode: 0 });
  expect(events().filter(({ type }) => type === 'destroy.intended')).toHaveLength(1);
});
