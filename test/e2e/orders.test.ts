/** Orders that move a run, from the command line through the owner's loops to the embedded market and its boxes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPlace, type Line, type Place, type Running } from './program.ts';
import { quickMarket, writeTraining, type QuickMarket } from './quick.ts';

const STEPS = 110;
let quick: QuickMarket;
const places: Place[] = [];
beforeAll(async () => {
  quick = await quickMarket('strangers: [{ label: my-notebook }]\n');
});
afterAll(async () => {
  for (const place of places) place.dispose();
  await quick.close();
});

function project(name: string): Place {
  const place = createPlace(quick.env);
  places.push(place);
  writeTraining(place, name, STEPS);
  return place;
}

/** A training that has steps behind it, and a checkpoint. */
async function underWay(place: Place, args: readonly string[], run: string): Promise<Running> {
  const owner = place.start([...args, '--json']);
  await owner.line((line) => line.type === 'handed_over' && line['run'] === run, 'the first step');
  const step = async (): Promise<number> => Number(/(\d+)\/\d+/.exec((await place.run(['logs', run, '--lines', '1'])).out)?.[1] ?? 0);
  while ((await step()) < 15);
  return owner;
}
const of = (owner: Running, type: string): Line[] => owner.lines().filter((line) => line.type === type);
const instances = async (): Promise<{ id: number; label: string | null; actual_status: string | null }[]> =>
  ((await (await fetch(`${quick.env.VAST_URL}/api/v0/instances/`, { headers: { authorization: `Bearer ${quick.env.VAST_API_KEY}` } })).json()) as { instances: { id: number; label: string | null; actual_status: string | null }[] }).instances;

describe.concurrent('an order on the command line', { timeout: 120_000 }, () => {
  it('switch: the newest checkpoint comes home, the machine is left, and another one goes on from there to the end', async () => {
    const place = project('mover');
    const owner = await underWay(place, ['launch', 'mover.yaml'], 'mover');
    expect(await place.run(['switch', 'mover'])).toMatchObject({ code: 0, err: '', out: expect.stringContaining('goes on on another machine') as unknown });
    expect((await owner.exited).code).toBe(0);
    const [first, second] = of(owner, 'create.accepted');
    expect(second?.['machine_id']).not.toBe(first?.['machine_id']);
    expect(of(owner, 'start.intended').map((line) => [line['attempt'], line['instance']])).toEqual([[1, first?.['instance']], [2, second?.['instance']]]);
    expect(Number(of(owner, 'start.intended')[1]?.['resume_step'])).toBeGreaterThanOrEqual(10);
    expect(of(owner, 'run.closed')).toMatchObject([{ verdict: 'done' }]);
    expect((await instances()).filter(({ label }) => label?.includes('mover'))).toEqual([]);
  });

  it('relaunch: the training ends and begins anew on the same instance, with the edited command', async () => {
    const place = project('edited');
    const owner = await underWay(place, ['launch', 'edited.yaml'], 'edited');
    const command = `node train.mjs --steps ${STEPS} --batch-size {batch_size} --seconds-per-step 0.1 --save-every 10`;
    expect(await place.run(['relaunch', 'edited', '--command', command, '--resume', `${command} --resume {checkpoint}`])).toMatchObject({ code: 0, out: expect.stringContaining('with the edited command') as unknown });
    expect((await owner.exited).code).toBe(0);
    const starts = of(owner, 'start.intended');
    expect(starts).toMatchObject([{ attempt: 1, resume_from: null }, { attempt: 2, instance: starts[0]?.['instance'], command: expect.stringContaining('--seconds-per-step 0.1') as unknown }]);
    expect(of(owner, 'create.intended')).toHaveLength(1);
    expect(of(owner, 'run.closed')).toMatchObject([{ verdict: 'done' }]);
  });

  it('adopt: a run works on an instance that the user rented, and gives it back under its own label, running', async () => {
    const place = project('guest');
    const notebook = async () => (await instances()).find(({ label }) => label === 'my-notebook');
    // The market of this file has only just been opened: the box of its stranger may still be loading.
    await expect.poll(async () => (await notebook())?.actual_status, { timeout: 60_000, interval: 500 }).toBe('running');
    const mine = await notebook();
    const owner = await underWay(place, ['adopt', String(mine?.id), 'guest.yaml'], 'guest');
    expect((await owner.exited).code).toBe(0);
    expect(of(owner, 'create.intended')).toEqual([]);
    expect(of(owner, 'rescue.judged')).toMatchObject([{ verdict: 'verified' }]);
    expect(of(owner, 'run.closed')).toMatchObject([{ verdict: 'done' }]);
    expect((await instances()).find(({ id }) => id === mine?.id)).toMatchObject({ label: 'my-notebook', actual_status: 'running' });
  });
});
