/** One writer and many who look on, with real processes: viewers, orders through the owner, its death, and the background process. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTerminal, type Seen } from '../cockpit/terminal.ts';
import { BIN, createPlace, until, type Place } from './program.ts';
import { quickMarket, writeTraining, type QuickMarket } from './quick.ts';

let place: Place;
let market: QuickMarket;
const screens: Seen[] = [];

beforeEach(async () => {
  market = await quickMarket();
  place = createPlace(market.env);
  writeTraining(place, 'long', 3_000);
});
afterEach(async () => {
  for (const screen of screens.splice(0)) screen.dispose();
  place.dispose();
  await market.close();
});

function cockpit(...args: string[]): Seen {
  const seen = openTerminal(BIN, args, { columns: 120, rows: 30 }, place.env, place.project);
  screens.push(seen);
  return seen;
}

const owner = (): { pid: number; what: string } => JSON.parse(readFileSync(join(place.state, 'lock'), 'utf8')) as { pid: number; what: string };
const journaled = (type: string): number => readFileSync(join(place.state, 'journal.jsonl'), 'utf8').split(`{"type":"${type}"`).length - 1;

it('shows the same screen to a second cockpit, which orders through the first and takes over when it is killed', async () => {
  const first = cockpit();
  await first.until(/market ok/, 20_000);
  // A command of its own process hands over to it.
  expect(await place.run(['launch', 'long.yaml'])).toMatchObject({ code: 0, out: 'long is launched' });
  await first.until(/long .* train /, 30_000);
  const second = cockpit();
  await second.until(/viewing the cockpit \(process \d+\)[\s\S]*long .* train /, 20_000);
  const third = cockpit('attach');
  await third.until(/viewing the cockpit \(process \d+\)/, 20_000);
  expect(await place.run(['attach'])).toMatchObject({ code: 2 });

  // An order of the viewer is carried out by the owner, and both see it.
  second.press('p');
  await second.until(/Keep long\?/);
  // A dialog is deaf to keys that were on their way when it opened.
  await until(() => {
    second.press('\x1b[B');
    return second.until(/▸Keep it/, 150).catch(() => null);
  }, () => 'the choice', 8_000);
  second.press('\r');
  await second.until(/will be kept, and bill on/);
  for (const screen of [first, second]) await screen.until(/you +long keep the instance/, 10_000);

  // A viewer that stands still costs the owner nothing: it goes on, and answers.
  third.pty.kill('SIGSTOP');
  const steps = async (): Promise<number> => Number(/ (\d+)\/3000/.exec((await first.screen()).join('\n'))?.[1] ?? 0);
  const at = await steps();
  await until(async () => (await steps()) > at, () => 'that the owner goes on', 20_000);
  expect(await place.run(['hold', 'long', '--minutes', '5'])).toMatchObject({ code: 0 });
  third.pty.kill('SIGCONT');
  await third.until(/long .* hold .*held/, 10_000);
  // A viewer leaves without a question: nothing is left behind.
  third.press('q');
  expect(await third.exited).toMatchObject({ exitCode: 0 });
  expect((await third.screen()).join('\n')).toMatch(/the cockpit \(process \d+\) watches on/);

  const before = owner();
  first.pty.kill('SIGKILL');
  await second.until(/^(?![\s\S]*(viewing|looking for))[\s\S]*market ok[\s\S]*long .* hold /, 30_000);
  expect(owner()).toMatchObject({ what: 'the cockpit' });
  expect(owner().pid).not.toBe(before.pid);
  expect(await place.run(['release', 'long'])).toMatchObject({ code: 0, out: 'long is released' });
  await second.until(/long .* train /, 10_000);
  expect([journaled('create.intended'), journaled('start.intended')]).toEqual([1, 1]);
}, 120_000);

it('hands the loops to a background process, from a command or by a key, and the cockpit comes and goes', async () => {
  const launched = await place.run(['launch', '--detach', 'long.yaml']);
  expect(launched).toMatchObject({ code: 0, out: 'long is launched', err: expect.stringMatching(/the background process \(process \d+\) watches/) as string });
  const background = owner();
  expect(background).toMatchObject({ what: 'the background process' });
  expect(await place.run(['--detach'])).toMatchObject({ code: 0, out: expect.stringContaining(`(process ${background.pid}) watches already`) as string });

  const viewer = cockpit();
  await viewer.until(/viewing the background process[\s\S]*long .* train /, 30_000);
  viewer.press('D');
  expect(await viewer.exited).toMatchObject({ exitCode: 0 });
  expect(owner().pid).toBe(background.pid);

  // It ends at a word and leaves the run alone; a cockpit takes it up, and hands it on with its own key.
  process.kill(background.pid, 'SIGTERM');
  await until(() => !place.processes().some(({ pid }) => pid === background.pid), () => 'that it ends', 10_000);
  const own = cockpit();
  await own.until(/^(?![\s\S]*viewing)[\s\S]*long .* train /, 30_000);
  const looking = cockpit();
  await looking.until(/viewing the cockpit/, 20_000);
  own.press('D');
  expect(await own.exited).toMatchObject({ exitCode: 0 });
  expect((await own.screen()).join('\n')).toMatch(/the background process \(process \d+\) watches on/);
  await looking.until(/viewing the background process/, 20_000);
  expect(place.processes().filter(({ args }) => args.includes('background'))).toHaveLength(1);
  expect([journaled('create.intended'), journaled('start.intended')]).toEqual([1, 1]);
  expect(readFileSync(join(place.state, 'background.log'), 'utf8')).toBe('');
}, 120_000);

it('loses the watch with no terminal that closes: neither the launch\'s, nor the cockpit\'s, nor that of a screen reader', async () => {
  const backgrounds = (): number[] => place.processes().flatMap(({ pid, args }) => (args.endsWith('vastsit-tui.js background ') ? [pid] : []));
  const watchesOn = () => until(() => backgrounds().length === 1 && existsSync(join(place.state, 'lock')) && owner().what === 'the background process' && journaled('stream.opened') > 0, () => JSON.stringify(place.processes()));
  const watchEnds = async (): Promise<void> => {
    for (const pid of backgrounds()) process.kill(pid, 'SIGTERM');
    await until(() => backgrounds().length === 0, () => 'that it ends at a word', 10_000);
  };
  for (const [args, words] of [[['launch', 'long.yaml'], /runner +long/], [[], /long .* train /], [['--plain'], /words: status/]] as const) {
    const screen = cockpit(...args);
    await screen.until(words, 30_000);
    screen.close();
    await watchesOn();
    await watchEnds();
  }
  expect([journaled('run.submitted'), journaled('create.intended'), journaled('start.intended')]).toEqual([1, 1, 1]);

  // Whoever does not want that says so once.
  writeFileSync(join(place.state, 'settings.json'), '{"on_hangup":"end"}');
  const last = cockpit();
  await last.until(/long .* train /, 30_000);
  last.close();
  await until(() => place.processes().every(({ args }) => !args.includes('vastsit-tui.js')), () => JSON.stringify(place.processes()), 10_000);
  expect(existsSync(join(place.state, 'lock'))).toBe(false);
}, 120_000);

it('says why no background process came up, and loses nothing', async () => {
  const failed = await place.run(['--detach'], { env: { VASTSIT_HOME: join(place.state, 'x'), VASTSIT_FLEET_USD_PER_HOUR: 'lots' } });
  expect(failed).toMatchObject({ code: 9, out: '', err: expect.stringMatching(/no background process came up: .*VASTSIT_FLEET_USD_PER_HOUR.*Nobody watches/) as string });
});
