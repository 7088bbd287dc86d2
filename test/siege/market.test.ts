/** A market that lies or is down: each of its words is a scenario line, and costs neither a dollar nor a run. */
import { describe, expect, it } from 'vitest';
import { siege, soon, type Siege, type Test } from './world.ts';

/** One run went its way on `rents` instances, nothing was concluded from a lie, and nothing of ours bills. */
async function well(s: Siege, run: string, rents = 1): Promise<void> {
  await s.closed(run);
  expect([s.world().runs[run]?.verdict, s.world().runs[run]?.verdict_reason, s.rented(run)]).toEqual(['done', expect.any(String), rents]);
  await soon(() => s.sim.bill().every(({ gone, label }) => gone || !label?.startsWith('vastsit:')), 'nothing of ours bills');
  const types = s.events.map(({ type }) => type);
  const [gone, asked] = [types.indexOf('instance.gone'), types.indexOf('destroy.intended')];
  expect(gone === -1 || (asked !== -1 && asked < gone), 'nothing is gone before it was destroyed').toBe(true);
}

/** A few at a time: a test's limit counts from when it is queued. */
const QUEUED = { timeout: 60_000 };

const begun = async (test: Test, scenario: Parameters<typeof siege>[1] = {}): Promise<Siege> => {
  const s = await siege(test, scenario);
  s.submit('one');
  await s.step('one', 5);
  return s;
};
const lists = (s: Siege): number => s.requests.filter(({ path }) => path === '/api/v1/instances/').length;
const deletes = (s: Siege): number => s.requests.filter(({ method }) => method === 'DELETE').length;
const strangers = (count: number) => ({ strangers: Array.from({ length: count }, () => ({ state: 'stopped' as const })) });

describe.concurrent('while a run trains', QUEUED, () => {
  it('lists come back empty with HTTP 200: each id is asked about, nothing is gone, nothing is rented', async (test) => {
    const s = await begun(test);
    s.sim.inject({ fault: 'api list empty for 4m' });
    await s.pass(300_000);
    expect(s.events.some(({ type }) => type === 'instance.present')).toBe(true);
    await well(s, 'one');
  });

  it('the last page of the list is missing, and the counts lie along', async (test) => {
    const s = await begun(test, strangers(26));
    expect(Object.values(s.world().fleet).filter(({ owner }) => owner === 'stranger')).toHaveLength(26);
    s.sim.inject({ fault: 'api list short for 4m' });
    await s.pass(300_000);
    expect(s.events.some(({ type }) => type === 'instance.present')).toBe(true);
    await well(s, 'one');
  });

  it('401 in the middle, as when a 2FA session ends: control is lost, said, and found again', async (test) => {
    const s = await begun(test);
    s.sim.inject({ fault: 'api 401 for 4m' });
    await s.pass(300_000);
    expect([...s.banners].join()).toMatch(/refused the API key \(401\).*with 2FA on, log in again/);
    await soon(() => s.world().market.health === 'ok', 'control is found again');
    await well(s, 'one');
  });

  it('the list and 404 both say that a live instance is gone: its heartbeats are heard, so nothing is concluded', async (test) => {
    const s = await begun(test);
    s.sim.inject({ fault: 'api list empty for 4m' });
    s.sim.inject({ fault: 'api show 404 for 4m' });
    await s.pass(300_000);
    expect(s.world().said.map(({ text }) => text).join('\n')).toMatch(/says that instance \d+ is gone, and its training is heard all the same/);
    await well(s, 'one');
  });

  it.for(['429', '429 text', '429 threshold', '429 detail', '500', '503', 'half', 'cut', 'hangs'])('every request is answered with %s for a while', async (answer, test) => {
    const s = await begun(test);
    s.sim.inject({ fault: `api ${answer} for 3m` });
    await s.pass(240_000);
    await well(s, 'one');
  });

  it('the market\'s clock jumps by hours and back', async (test) => {
    const s = await begun(test);
    s.sim.inject({ fault: 'clock ahead by 5h for 2m' });
    await s.pass(150_000);
    s.sim.inject({ fault: 'clock behind by 3h for 2m' });
    await well(s, 'one');
  });
});

describe.concurrent('at a create', QUEUED, () => {
  const ours = ({ sim }: Siege) => sim.instances().filter(({ stranger }) => !stranger);

  it.for(['create times out after success', 'api create half for 2h', 'api create cut for 2h'])('%s: found by its label, never repeated', async (fault, test) => {
    const s = await siege(test, { faults: [{ fault }] });
    s.submit('one');
    await s.seen('one', 'create.unclear');
    await well(s, 'one');
  });

  it.for([null, 'clock ahead by 5h', 'clock behind by 5h'])('its answer is lost and its row comes late (%s): what turns up twice ends once', async (skew, test) => {
    const s = await siege(test, { faults: [{ on: { attempt: 1 }, fault: 'create times out after success' }, { on: { attempt: 1 }, fault: 'unlisted for 90s' }, ...(skew === null ? [] : [{ fault: skew }])] });
    s.submit('one');
    await s.seen('one', 'left.judged');
    expect(ours(s).length).toBeGreaterThan(0);
    await well(s, 'one', 2);
  });

  it('is refused with 429 or not at all for minutes: one label, one instance, no storm', async (test) => {
    const s = await siege(test, { faults: [{ fault: 'api create 429 for 2m' }, { fault: 'api create 500 at 2m for 2m' }] });
    s.submit('one');
    await well(s, 'one');
    // Each try waits longer than the last: in four minutes there is no room for many.
    expect(s.requests.filter(({ path }) => path.includes('/asks/')).length).toBeLessThan(12);
  });

  it('five runs and an empty market list: nobody rents twice, and one list serves them all', async (test) => {
    const s = await siege(test, { steps: 25 });
    for (const run of ['a', 'b', 'c', 'd', 'e']) s.submit(run);
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((run) => s.step(run, 3)));
    s.sim.inject({ fault: 'api list empty for 2m' });
    const [before, from] = [lists(s), s.requests.at(-1)?.at ?? 0];
    await s.pass(120_000);
    const elapsed = (s.requests.at(-1)?.at ?? 0) - from;
    // One in ten seconds at most, however many runs there are.
    expect(lists(s) - before).toBeLessThanOrEqual(Math.ceil(elapsed / 10_000) + 1);
    for (const run of ['a', 'b', 'c', 'd', 'e']) await well(s, run);
  });
});

describe.concurrent('at a destroy', QUEUED, () => {
  it('accepted three times and not carried out: asked again until it is gone', async (test) => {
    const s = await begun(test, { steps: 12, faults: [{ fault: 'destroy does not stick 3 times' }] });
    await well(s, 'one');
    expect(deletes(s)).toBe(4);
  });

  it('404 on a live instance: believed only when two reads say gone', async (test) => {
    const s = await begun(test, { steps: 12 });
    s.sim.inject({ fault: 'api destroy 404 for 5m' });
    await s.seen('one', 'destroy.intended');
    await s.pass(60_000);
    expect(s.world().runs['one']?.stage).toBe('tearing_down');
    await well(s, 'one');
    expect(deletes(s)).toBeGreaterThan(1);
  });

  it('the market can be read but takes no order: control lost is said, with what it costs, until it does', async (test) => {
    const s = await begun(test, { steps: 12 });
    s.sim.inject({ fault: 'api destroy 500 for 6m' });
    await soon(() => [...s.banners].find((words) => words.startsWith('destroying instance')), 'the banner');
    expect(s.world().market.health).toBe('ok');
    await well(s, 'one');
  });

  it('goes out while everything else hangs', async (test) => {
    const s = await begun(test, { steps: 1_000 });
    for (const api of ['list', 'show', 'search', 'account', 'change']) s.sim.inject({ fault: `api ${api} hangs for 30m` });
    await s.pass(60_000);
    s.record({ type: 'user.destroy', run: 'one', waive: false });
    await s.seen('one', 'destroy.intended');
    await soon(() => s.sim.bill().every(({ gone }) => gone), 'the billing ended');
    expect(s.world().runs['one']?.stage).toBe('tearing_down');
  });

  it('its id goes to a stranger afterwards: shown, priced, never touched', async (test) => {
    const s = await begun(test, { steps: 12, faults: [{ fault: 'id goes to a stranger' }] });
    const id = s.world().runs['one']?.instance ?? 0;
    await s.closed('one');
    const [spent, deleted] = [Object.values(s.world().fleet).find(({ owner }) => owner === 'ours')?.usd, deletes(s)];
    await soon(() => s.world().fleet[String(id)]?.owner === 'stranger', 'the stranger');
    await s.pass(180_000);
    expect([deletes(s), s.sim.instances().map((one) => [one.id, one.stranger])]).toEqual([deleted, [[id, true]]]);
    // What ours has cost stays in the books.
    expect(Object.values(s.world().fleet).find(({ owner }) => owner === 'ours')?.usd).toEqual(spent);
  });
});
