/** Every headless command as a script meets it: data on stdout, talk on stderr, exit codes that mean something. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createPlace, until, type Line, type Place, type Running } from './program.ts';
import { quickMarket, writeTraining, type QuickMarket } from './quick.ts';

const NOBODY = 'http://127.0.0.1:9';
let quick: QuickMarket;
let market: { url: string; key: string };
const places: Place[] = [];

beforeAll(async () => {
  quick = await quickMarket('strangers: [{ label: alices-notebook }]\nfaults: [{ on: { run: unlucky, machine: first }, fault: gpu lost }]\n');
  market = { url: quick.env.VAST_URL, key: quick.env.VAST_API_KEY };
});
afterAll(async () => {
  for (const place of places) place.dispose();
  await quick.close();
});

/** A user's project with a spec of `steps` steps, 0.2 s each. */
function project(name: string, steps: number): Place {
  const place = createPlace(quick.env);
  places.push(place);
  writeTraining(place, name, steps);
  return place;
}

/** How often something was rented under this run's label: the market's own bill, which forgets nothing. */
async function rented(run: string): Promise<number> {
  const answer = await fetch(`${market.url}/api/v0/charges/?limit=500&select_filters=${encodeURIComponent('{"day":{}}')}`, { headers: { authorization: `Bearer ${market.key}` } });
  return JSON.stringify(await answer.json()).match(new RegExp(`vastsit:${run}:\\d+`, 'g'))?.length ?? 0;
}

const ours = async (): Promise<{ id: number; label: string | null }[]> => {
  const answer = await fetch(`${market.url}/api/v0/instances/`, { headers: { authorization: `Bearer ${market.key}` } });
  return ((await answer.json()) as { instances: { id: number; label: string | null }[] }).instances;
};

describe('before anything runs', () => {
  let place: Place;
  beforeAll(() => {
    place = project('tiny', 40);
  });

  it('tells its version and its exit codes, and refuses what it does not know', async () => {
    expect((await place.run(['--version'])).out).toBe((JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version);
    expect(await place.run(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('8 still running') as unknown });
    expect(await place.run(['lunch'])).toMatchObject({ code: 2, out: '', err: expect.stringContaining('no command "lunch"') as unknown });
    // Without a terminal the status is all there is, and it says how to get more.
    expect(await place.run([])).toMatchObject({ code: 0, out: expect.stringContaining('no runs yet') as unknown, err: expect.stringContaining('this is no terminal') as unknown });
    expect(await place.run(['demo'])).toMatchObject({ code: 2, out: '', err: expect.stringContaining('needs a terminal') as unknown });
    for (const command of ['destroy', 'hold', 'release', 'logs']) expect(await place.run([command, 'nobody'])).toMatchObject({ code: 2, out: '', err: expect.stringContaining('there is no run nobody') as unknown });
    expect((await place.run(['watch', '--json'])).lines).toMatchObject([{ v: 1, type: 'error' }]);
  });

  it('init writes a commented spec that parses, and never overwrites one', async () => {
    expect(await place.run(['init'])).toMatchObject({ code: 0, out: expect.stringContaining('experiment.yaml written') as unknown });
    expect(parse(readFileSync(join(place.project, 'experiment.yaml'), 'utf8'))).toMatchObject({ name: 'my-finetune' });
    expect(await place.run(['init'])).toMatchObject({ code: 2, out: '', err: expect.stringContaining('is there already') as unknown });
  });

  it('offers shows what fits, before the files to upload are there, and why nothing does', async () => {
    const words = await place.run(['offers', 'experiment.yaml']);
    expect(words).toMatchObject({ code: 0, out: expect.stringMatching(/^offer +machine +gpu +all-in[\s\S]*RTX 4090 +\$0\.\d{3}\/h/) as unknown });
    const json = await place.run(['offers', 'tiny.yaml', '--json']);
    expect(json).toMatchObject({ code: 0, lines: [{ v: 1, type: 'offers', spec: 'tiny' }] });
    const spec = writeTraining(place, 'poor', 40, (text) => text.replace('0.9', '0.01'));
    const [poor, inWords] = await Promise.all([place.run(['offers', spec, '--json']), place.run(['offers', spec])]);
    expect(poor).toMatchObject({ code: 5, lines: [{ offers: [], rejected: { 'price cap': expect.any(Number) as unknown } }] });
    expect(inWords).toMatchObject({ code: 5, err: expect.stringMatching(/\d+ out by price cap/) as unknown });
  });

  it('launch names the field at fault', async () => {
    const bad = writeTraining(place, 'bad', 40, (text) => text.replace('disk_gb: 20', 'disk_gb: lots'));
    expect(await place.run(['launch', bad])).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/^hardware\.disk_gb: /) as unknown });
    expect(await place.run(['launch', bad, '--json'])).toMatchObject({ code: 2, lines: [{ v: 1, type: 'error', error: 'spec', problems: [{ field: 'hardware.disk_gb' }] }] });
    expect(await place.run(['launch', 'nowhere.yaml'])).toMatchObject({ code: 2, err: expect.stringContaining('vastsit-tui init') as unknown });
    const secretive = writeTraining(place, 'secretive', 40, (text) => `${text}env: { TOKEN: { secret: NOT_SET_HERE } }\n`);
    expect(await place.run(['launch', 'tiny.yaml', secretive])).toMatchObject({ code: 2, err: expect.stringContaining('NOT_SET_HERE') as unknown });
    const empty = writeTraining(place, 'empty', 40, (text) => text.replace('[train.mjs]', '[gone.py]'));
    expect(await place.run(['launch', empty])).toMatchObject({ code: 2, err: expect.stringMatching(/^upload\.0: expected gone\.py to be a file/) as unknown });
  });

  it.each([
    ['a key that is refused', { VAST_API_KEY: 'not-the-key' }, 4],
    ['no key', { VAST_API_KEY: '' }, 4],
    ['nobody at the address', { VAST_URL: NOBODY }, 6],
  ])('with %s, offers and launch end with the code for it and leave no run behind', async (_what, env, code) => {
    for (const command of ['offers', 'launch']) {
      const words = await place.run([command, 'tiny.yaml'], { env });
      expect(words).toMatchObject({ code, out: '' });
      expect(words.err).not.toContain('not-the-key');
      expect((await place.run([command, 'tiny.yaml', '--json'], { env })).lines).toMatchObject([{ v: 1, type: 'error' }]);
    }
    expect((await place.run(['doctor', '--json'], { env })).code).toBe(4);
    const status = await place.run(['status', '--json'], { env });
    expect(status).toMatchObject({ code: 0, lines: [{ runs: [], stale: expect.stringContaining('not reached') as unknown }] });
  });

  it('launch ends with 5 when nothing fits, and says why', async () => {
    const poor = await place.run(['launch', 'poor.yaml', '--json']);
    expect(poor).toMatchObject({ code: 5 });
    expect(poor.lines.at(-1)).toMatchObject({ type: 'result', status: 'failed', reason: expect.stringMatching(/no offer fits \(out: \d+ by price cap\)/) as unknown, runs: [{ verdict: 'no_offer', instance: null }] });
    expect((await place.run(['status'])).code).toBe(0);
  });

  it('doctor finds all well, and says from where the key is', async () => {
    expect(await place.run(['doctor'])).toMatchObject({ code: 0, out: expect.stringMatching(/ok +ssh .*\n[\s\S]*ok +api key +from VAST_API_KEY\nok +market +credit \$\d/) as unknown });
    expect((await place.run(['doctor', '--json'])).lines).toMatchObject([{ v: 1, type: 'doctor', ok: true }]);
    expect((await place.run(['doctor', '--json'])).out).not.toContain(market.key);
  });

  it('status and cost show the stranger\'s price, and no run of ours', async () => {
    expect((await place.run(['status'])).out).toMatch(/\(not ours\) instance \d+ +alices-notebook .*\$0\.\d+\/h/);
    expect((await place.run(['status', '--json'])).lines).toMatchObject([{ v: 1, type: 'status', strangers: [{ label: 'alices-notebook' }], usd: 0 }]);
    expect(await place.run(['cost'])).toMatchObject({ code: 0, out: expect.stringMatching(/^instance +run +gpu/) as unknown });
    expect((await place.run(['cost', '--json'])).lines).toMatchObject([{ v: 1, type: 'cost', instances: [], usd: 0 }]);
  });

  it('triage explains a file, a pipe and a stream of logs', async () => {
    const log = '{\'loss\': 1.9, \'epoch\': 0.1}\nTraceback (most recent call last):\n  File "train.py", line 3, in <module>\nModuleNotFoundError: No module named \'einops\'\n';
    writeFileSync(join(place.project, 'train.log'), log);
    expect(await place.run(['triage', 'train.log'])).toMatchObject({ code: 0, out: expect.stringMatching(/^FAILURE: missing_dependency[\s\S]*einops/) as unknown });
    expect((await place.run(['triage', '--json'], { input: log })).lines).toMatchObject([{ cause: 'missing_dependency' }]);
    const stream = await place.run(['triage', '--jsonl', '--json'], { input: `${JSON.stringify({ id: 'a', text: log })}\n{"no": "text"}\n` });
    expect(stream).toMatchObject({ code: 2, lines: [{ id: 'a', cause: 'missing_dependency' }, { id: null }] });
    expect(await place.run(['triage', 'absent.log'])).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/^cannot read absent\.log/) as unknown });
  });
});

/** Each in a home of its own, beside the others: they wait more than they work. */
describe.concurrent('with a run', () => {
  const launched = async (place: Place, spec: string): Promise<Running> => {
    const owner = place.start(['launch', spec, '--json']);
    await owner.line((line) => line.type === 'handed_over', 'the first step');
    return owner;
  };

  it('looks at a box before anything is sent to it, and takes the next offer when its GPU is lost', async () => {
    const place = project('unlucky', 40);
    const { code, lines } = await place.run(['launch', 'unlucky.yaml', '--json']);
    expect(code).toBe(0);
    const told = lines.filter(({ type }) => type === 'preflight.done' || type === 'launch.given_up' || type === 'prepare.done');
    expect(told).toMatchObject([{ type: 'preflight.done', fault: expect.stringContaining('Unable to determine the device handle') as unknown }, { type: 'launch.given_up' }, { type: 'preflight.done', fault: null }, { type: 'prepare.done' }]);
    expect(await rented('unlucky')).toBe(2);
    expect((await ours()).filter(({ label }) => label?.includes('unlucky'))).toEqual([]);
  });

  it('hands orders over to the process that owns the state, which carries them out', async () => {
    const place = project('long', 2_000);
    const owner = await launched(place, 'long.yaml');

    const status = await place.run(['status', '--json']);
    expect(status).toMatchObject({ code: 8, lines: [{ stale: null, runs: [{ run: 'long', stage: 'training', line: { state: 'train' } }] }] });
    expect(await place.run(['status'])).toMatchObject({ code: 8, out: expect.stringMatching(/^run +instance +ts +state +step +rate +gpu +mem +eval +action +next_eta\nlong +\d+ +\S+Z +train +\d+\/2000 /) as unknown });
    expect(await place.run(['watch', '--json'])).toMatchObject({ code: 9, lines: [{ type: 'error', error: 'locked' }] });
    expect(await place.run(['watch'])).toMatchObject({ code: 9, out: '', err: expect.stringContaining(`process ${owner.pid}`) as unknown });

    expect(await place.run(['hold', 'long', '--minutes', '20', '--reason', 'look around'])).toMatchObject({ code: 0, out: expect.stringContaining('long is held for 20m') as unknown });
    expect(await owner.line((line) => line.type === 'user.hold', 'the hold')).toMatchObject({ run: 'long', reason: 'look around' });
    expect((await place.run(['status', '--json'])).lines).toMatchObject([{ runs: [{ hold_until: expect.stringMatching(/Z$/) as unknown }] }]);
    expect((await place.run(['hold', 'long', '--minutes', '100000', '--json']))).toMatchObject({ code: 3, lines: [{ type: 'answer', ok: false }] });
    expect((await place.run(['release', 'long', '--json']))).toMatchObject({ code: 0, lines: [{ v: 1, type: 'answer', ok: true }] });
    expect(await place.run(['release', 'long'])).toMatchObject({ code: 3, out: '', err: expect.stringContaining('not held') as unknown });

    expect(await place.run(['logs', 'long', '--lines', '3'])).toMatchObject({ code: 0, out: expect.stringMatching(/\d+\/2000/) as unknown });
    expect((await place.run(['logs', 'long', '--lines', '3', '--json'])).lines).toMatchObject([{ v: 1, type: 'logs', run: 'long', lines: [expect.any(String), expect.any(String), expect.any(String)] }]);
    expect((await place.run(['cost', '--json'])).lines).toMatchObject([{ instances: [{ run: 'long', billing: true }], usd_per_hour: expect.any(Number) as unknown }]);

    expect((await place.run(['launch', writeTraining(place, 'second', 2_000), '--json']))).toMatchObject({ code: 0, lines: [{ type: 'answer', ok: true }] });
    await owner.line((line) => line.type === 'handed_over' && line['run'] === 'second', 'the second run\'s first step');
    for (const run of ['second', 'long']) {
      expect(await place.run(['destroy', run])).toMatchObject({ code: 0, out: expect.stringContaining('once its results are home') as unknown });
      await owner.line((line) => line.type === 'run.closed' && line['run'] === run, `${run} is closed`);
    }
    expect((await owner.exited).code).toBe(1);
    const of = (type: string): Line[] => owner.lines().filter((line) => line.type === type);
    expect(of('rescue.judged').map((line) => line['verdict'])).toEqual(['verified', 'verified']);
    expect(of('run.closed').map((line) => line['verdict'])).toEqual(['destroyed_by_user', 'destroyed_by_user']);
    expect((await ours()).filter(({ label }) => /:(long|second):/.test(label ?? ''))).toEqual([]);
    expect((await place.run(['status'])).code).toBe(0);
    // The owner is gone, and so is the box: the log is at home.
    expect(await place.run(['logs', 'long', '--lines', '1'])).toMatchObject({ code: 0, out: expect.stringMatching(/\S/) as unknown });
    expect(await place.run(['hold', 'long'])).toMatchObject({ code: 3, out: '', err: expect.stringContaining('closed') as unknown });
  });

  it('takes a run up where it stands after its owner was killed, and rents nothing again', async () => {
    const place = project('survivor', 150);
    const owner = await launched(place, 'survivor.yaml');
    owner.kill('SIGKILL');
    expect((await owner.exited).signal).toBe('SIGKILL');
    await until(() => !place.processes().some(({ args }) => args.startsWith('ssh ')), () => `no ssh outlives its owner: ${JSON.stringify(place.processes())}`, 10_000);
    // A line cut off in the middle of a write is what a crash leaves.
    appendFileSync(join(place.state, 'journal.jsonl'), '{"v":1,"seq":99');
    expect(await place.run(['status', '--json'])).toMatchObject({ code: 8, lines: [{ runs: [{ run: 'survivor', stage: 'training' }] }] });

    const watch = await place.run(['watch', '--json']);
    expect(watch.code, watch.err).toBe(0);
    expect(watch.lines[0]).toMatchObject({ type: 'hello' });
    expect(watch.lines.at(-1)).toMatchObject({ type: 'result', status: 'ok', runs: [{ run: 'survivor', verdict: 'done', step: 150, rescue: 'verified', instance: null }] });
    expect(watch.lines.filter((line) => ['create.intended', 'start.intended', 'incident.opened'].includes(line.type))).toEqual([]);
    expect(await rented('survivor')).toBe(1);
    expect(existsSync(join(place.project, 'results/survivor/out/model.json'))).toBe(true);
    expect(readFileSync(join(place.project, 'STATUS.md'), 'utf8')).toContain('survivor: done');
    expect(await place.run(['watch'])).toMatchObject({ code: 0 });
  });

  it('leaves the training alone at ctrl-c, and destroys it later without an owner, results first', async () => {
    const place = project('parting', 2_000);
    const owner = await launched(place, 'parting.yaml');
    await owner.line((line) => line.type === 'check.done' || line.type === 'progress.marked', 'progress');
    owner.kill('SIGINT');
    expect(await owner.exited).toEqual({ code: 130, signal: null });
    expect(owner.lines().at(-1)).toMatchObject({ type: 'result', status: 'interrupted' });
    expect((await ours()).filter(({ label }) => label?.startsWith('vastsit:parting:'))).toHaveLength(1);
    expect(place.processes()).toEqual([]);
    expect(place.leftovers()).toEqual([]);

    expect(await place.run(['hold', 'parting', '--minutes', '100000'])).toMatchObject({ code: 3, out: '', err: expect.stringContaining('a hold lasts') as unknown });
    const destroy = await place.run(['destroy', 'parting', '--json']);
    expect(destroy.code, destroy.err).toBe(0);
    const types = destroy.lines.map((line) => line.type);
    expect(types.indexOf('rescue.judged')).toBeGreaterThan(types.indexOf('user.destroy'));
    expect(types.indexOf('destroy.intended')).toBeGreaterThan(types.indexOf('rescue.judged'));
    expect(destroy.lines.at(-1)).toMatchObject({ type: 'result', runs: [{ verdict: 'destroyed_by_user', rescue: 'verified', instance: null }] });
    expect((await ours()).some(({ label }) => label?.includes('parting'))).toBe(false);
    expect(await rented('parting')).toBe(1);
  });

  it('speaks to people in lines of who said what, each once', async () => {
    const place = project('spoken', 30);
    const launch = await place.run(['launch', 'spoken.yaml']);
    expect(launch.code, launch.err).toBe(0);
    const lines = launch.out.split('\n');
    for (const line of lines) expect(line).toMatch(/^\d\d:\d\d:\d\d [ *!] (user|runner|babysitter|market|sentinel|program) +\S/);
    expect(new Set(lines).size).toBe(lines.length);
    expect(launch.out).toMatch(/handed over to the babysitter[\s\S]*results: verified[\s\S]*done for \$/);
    expect(launch.err).toBe('');
  });
});
