import { spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createClock } from '../../src/clock.ts';
import { RemoteError, type Box, type Remote, type SentinelEvent, type StartOrder } from '../../src/core/ports.ts';
import { placesOf } from '../../src/core/stacks.ts';
import { createRemote } from '../../src/remote/index.ts';
import { has } from '../needs.ts';
import { freePort, startSshd, until, type TestSshd } from './sshd.ts';

const KEY = 'container-key-0123456789';
const here = has('sshd', 'procps', 'curl');
const clock = createClock();
const calls: { at_s: number; method: string; url: string; key: string; body: string }[] = [];
let intended = 'running';
let keySeenInArguments = false;
let api: Server;
let sshd: TestSshd;
let dir: string;
let remote: Remote;
const open: { box: Box; run: string; attempts: Set<number> }[] = [];

beforeAll(async () => {
  const port = await freePort();
  api = createServer((request, response) => {
    let body = '';
    // While the far end waits for its answer, every process on the box can read its arguments.
    keySeenInArguments ||= spawnSync('ps', ['-A', '-ww', '-o', 'args='], { encoding: 'utf8' }).stdout.includes(KEY);
    request.on('data', (chunk: Buffer) => void (body += chunk.toString()));
    request.on('end', () => {
      calls.push({ at_s: clock.now() / 1000, method: request.method ?? '', url: request.url ?? '', key: String(request.headers.authorization), body });
      if (request.method === 'PUT') intended = 'stopped';
      if (request.method === 'DELETE') intended = 'gone';
      response.end(JSON.stringify({ success: true, instances: intended === 'gone' ? null : { intended_status: intended } }));
    });
  });
  await new Promise<void>((resolve) => api.listen(port, '127.0.0.1', resolve));
  sshd = await startSshd({ VASTSIT_BEAT: '0.3', CONTAINER_API_KEY: KEY, CONTAINER_ID: '4242', VASTSIT_API_URL: `http://127.0.0.1:${port}` });
  dir = await mkdtemp(join(tmpdir(), 'vastsit-remote-'));
  remote = createRemote({ dir, wire: clock });
  await sshd.authorize(await remote.publicKey());
});

afterEach(async () => {
  for (const { box, run, attempts } of open.splice(0)) {
    for (const attempt of attempts) await box.stopTraining({ run, attempt, grace_s: 0 });
    // Higher than any attempt: whatever supervisor still waits for its lease stands down.
    await box.exec('[ -d .vastsit ] && echo 999 > .vastsit/fence', { timeout_ms: 5_000 });
    await box.close();
  }
});

afterAll(async () => {
  await remote?.closeAll();
  await sshd?.stop();
  api?.close();
  await rm(dir, { recursive: true, force: true });
});

let runs = 0;

/** A box for one test, in a run of its own, cleaned up after. */
async function boxFor() {
  runs += 1;
  const run = `run-${runs}`;
  const box = await remote.connect(sshd.target, run);
  const attempts = new Set<number>();
  open.push({ box, run, attempts });
  return {
    box,
    run,
    at: (path: string) => join(sshd.home, 'vastsit', run, path),
    start: (command: string, attempt = 1, lease: StartOrder['lease'] = { seconds: 60, grace_s: 0, then: 'nothing' }) => {
      attempts.add(attempt);
      return box.start({ run, attempt, command, lease });
    },
    listen: async (attempt = 1, offset = 0) => {
      const events: SentinelEvent[] = [];
      const session = await box.follow({ run, attempt, offset }, (event) => events.push(event));
      return { events, session, text: () => logText(events), exits: () => events.filter((event) => event.type === 'exit') };
    },
  };
}

function logText(events: readonly SentinelEvent[]): string {
  return Buffer.concat(events.flatMap((event) => (event.type === 'log' ? [event.data] : []))).toString();
}

const failure = async (promise: Promise<unknown>) => promise.then(() => 'no failure', (error: unknown) => (error instanceof RemoteError ? error.failure : error));
const dead = (pid: number) => {
  try {
    return /^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
};

describe.skipIf(!here)('an attempt', () => {
  test('runs apart from the connection, with its environment, and its end is pushed', async () => {
    const { box, run, start, listen } = await boxFor();
    await box.put([{ path: '.vastsit/env.sh', content: Buffer.from("GREETING='hello there'\n"), secret: true }]);
    const { pid, started_at } = await start('echo "$GREETING $VASTSIT_RUN $VASTSIT_ATTEMPT $PYTHONUNBUFFERED"; read -r x || echo no stdin; sleep 0.5; echo last; exit 3', 2);
    expect(pid).toBeGreaterThan(1);
    expect(Math.abs(started_at - clock.now())).toBeLessThan(60_000);
    const ear = await listen(2);
    await until(() => ear.exits().length > 0, 'the exit event');
    expect(ear.text()).toBe(`hello there ${run} 2 1\nno stdin\nlast\n`);
    expect(ear.exits()).toMatchObject([{ attempt: 2, exit_code: 3, signal: null, oom_kills: 0 }]);
    expect(ear.events.at(-1)).toMatchObject({ type: 'exit' });
    expect(ear.events[0]).toMatchObject({ type: 'hello', attempt: 2 });
  });

  test.skipIf(!has('python'))('that hangs is asked where it stands before it is ended', async () => {
    const { box, run, start, listen } = await boxFor();
    await start("python3 -c 'import time\ndef wait_for_ever():\n    print(\"here\")\n    time.sleep(300)\nwait_for_ever()'");
    const ear = await listen();
    await until(() => ear.text() === 'here\n', 'the log');
    await box.stopTraining({ run, attempt: 1, grace_s: 5, stacks: true });
    const { stdout } = await box.exec('cat .vastsit/stacks.1', { timeout_ms: 5_000 });
    expect(placesOf(stdout)).toEqual(['wait_for_ever (<string>:4) < <module> (<string>:5)']);
    // Asked again when nobody is left, it keeps what it was told.
    await box.stopTraining({ run, attempt: 1, grace_s: 0, stacks: true });
    expect((await box.exec('cat .vastsit/stacks.1', { timeout_ms: 5_000 })).stdout).toBe(stdout);
    await until(() => ear.exits().length > 0, 'the exit event');
  });

  test('that is killed is known within seconds, by its signal', async () => {
    const { start, listen } = await boxFor();
    const { pid } = await start('echo up; exec sleep 300');
    const ear = await listen();
    await until(() => ear.text() === 'up\n', 'the log');
    await until(() => ear.events.some((event) => event.type === 'heartbeat' && event.alive), 'a heartbeat');
    const began = clock.now();
    process.kill(pid, 'SIGKILL');
    await until(() => ear.exits().length > 0, 'the exit event');
    const took = clock.now() - began;
    console.log(`exit pushed ${took} ms after the kill`);
    expect(took).toBeLessThan(5_000);
    expect(ear.exits()).toMatchObject([{ exit_code: 137, signal: 'KILL' }]);
    await until(() => ear.events.some((event) => event.type === 'heartbeat' && !event.alive), 'a heartbeat of the dead');
  });

  test('can be listened to from any offset, with no byte lost or doubled, also after its end', async () => {
    const { start, listen } = await boxFor();
    await start('i=0; while [ $i -lt 4000 ]; do echo "step $i of a run that writes quickly"; i=$((i+1)); done; printf "no newline at the end"');
    const expected = `${Array.from({ length: 4000 }, (_, i) => `step ${i} of a run that writes quickly\n`).join('')}no newline at the end`;
    const first = await listen();
    await until(() => first.text().length > 10_000, 'some log');
    first.session.close();
    const last = first.events.findLast((event) => event.type === 'log');
    const offset = last ? last.offset + last.data.length : 0;
    expect(first.text().length).toBe(offset);
    const second = await listen(1, offset);
    await until(() => second.exits().length > 0, 'the exit event');
    expect(first.text() + second.text()).toBe(expected);
    const late = await listen(1, expected.length - 3);
    await until(() => late.exits().length > 0, 'the exit event for a late listener');
    expect(late.text()).toBe('end');
    const beyond = await listen(1, expected.length + 1_000);
    await until(() => beyond.exits().length > 0, 'the exit event beyond the end');
    await until(() => beyond.events.filter((event) => event.type === 'heartbeat').length > 1, 'two heartbeats');
    expect([second, late, beyond].map((ear) => ear.exits().length)).toEqual([1, 1, 1]);
    late.session.close();
    expect(late.events.some((event) => event.type === 'lost')).toBe(false);
  });

  test('loses its listener with a word when the line dies, and goes on', async () => {
    const others = sshd.connections();
    const { run, start, listen, at } = await boxFor();
    const [mine] = sshd.connections().filter((pid) => !others.includes(pid));
    const { pid } = await start('while :; do echo tick; sleep 0.1; done');
    const ear = await listen();
    process.kill(mine ?? 0, 'SIGKILL');
    await until(() => ear.events.at(-1)?.type === 'lost', 'the lost event');
    expect(dead(pid)).toBe(false);
    const size = readFileSync(at('.vastsit/log.1')).length;
    await until(() => readFileSync(at('.vastsit/log.1')).length > size, 'the log grows on');
    open.pop();
    const again = await remote.connect(sshd.target, run);
    await again.stopTraining({ run, attempt: 1, grace_s: 1 });
    await again.close();
    expect(dead(pid)).toBe(true);
  });

  test('starts once, however often it is ordered', async () => {
    const { start, at } = await boxFor();
    const first = await start('echo once; sleep 60');
    const again = await start('echo twice; sleep 60');
    expect(again).toEqual(first);
    const together = await Promise.all([start('echo once; sleep 60'), start('echo once; sleep 60')]);
    expect(together).toEqual([first, first]);
    expect(await readFile(at('.vastsit/log.1'), 'utf8')).toBe('once\n');
  });

  test('stands down before a newer one, and does not start beside a living one', async () => {
    const { box, run, start } = await boxFor();
    await start('sleep 60', 1);
    expect(await failure(start('echo beside', 2))).toBe('command');
    await box.stopTraining({ run, attempt: 1, grace_s: 1 });
    await start('sleep 60', 2);
    expect(await failure(start('sleep 60', 1))).toBe('fenced');
    expect(await failure(box.renewLease({ run, attempt: 1, seconds: 60 }))).toBe('fenced');
    await box.renewLease({ run, attempt: 2, seconds: 60 });
  });

  test('is stopped with all its descendants, those in sessions of their own too, and twice is no harm', async () => {
    const { box, run, start, at } = await boxFor();
    await start('trap "" TERM; (trap "" TERM; sleep 301 & echo $! >> pids; setsid sleep 302 & echo $! >> pids; wait) & setsid sh -c "echo \\$\\$ >> pids; trap \\"\\" TERM; while :; do sleep 1; done" & wait; wait; sleep 303');
    await until(() => existsSync(at('pids')) && readFileSync(at('pids'), 'utf8').split('\n').length > 3, 'the grandchildren');
    const pids = readFileSync(at('pids'), 'utf8').trim().split('\n').map(Number);
    expect(pids.map(dead)).toEqual([false, false, false]);
    await box.stopTraining({ run, attempt: 1, grace_s: 1 });
    expect(pids.map(dead)).toEqual([true, true, true]);
    expect((await box.probe({ run, attempt: 1 })).exit).toMatchObject({ signal: 'KILL' });
    await box.stopTraining({ run, attempt: 1, grace_s: 1 });
    await box.stopTraining({ run, attempt: 9, grace_s: 1 });
  });

  test('is read by the probe while it works and after it', async () => {
    const { box, run, start, listen } = await boxFor();
    const before = await box.probe({ run, attempt: 1 });
    expect(before).toMatchObject({ alive: null, exit: null, log_bytes: null, cpu_s: null });
    await start('echo working; i=0; while :; do i=$((i+1)); done');
    const ear = await listen();
    await until(() => ear.text() === 'working\n', 'the log');
    const during = await box.probe({ run, attempt: 1 });
    expect(during).toMatchObject({ alive: true, exit: null, log_bytes: 8 });
    expect(during.cpu_s).not.toBeNull();
    expect(during.disk?.total_bytes).toBeGreaterThan(1e6);
    expect(during.mem_total).toBeGreaterThan(100);
    expect(during.uptime_s).toBeGreaterThan(0);
    expect(during.boot_id).toBeTruthy();
    await box.stopTraining({ run, attempt: 1, grace_s: 2 });
    expect(await box.probe({ run, attempt: 1 })).toMatchObject({ alive: false, cpu_s: null, exit: { signal: 'TERM', exit_code: 143 } });
  });
});

test.skipIf(!here)('a run of the same name on another box is another run, though one kernel has both', async () => {
  const other = await startSshd({ VASTSIT_BEAT: '0.3' });
  try {
    await other.authorize(await remote.publicKey());
    const [mine, theirs] = await Promise.all([remote.connect({ ...sshd.target, instance: 801 }, 'twin'), remote.connect({ ...other.target, instance: 802 }, 'twin')]);
    const lease = { seconds: 60, grace_s: 0, then: 'nothing' as const };
    for (const box of [mine, theirs]) await box.start({ run: 'twin', attempt: 1, command: 'sleep 300', lease });
    await mine.stopTraining({ run: 'twin', attempt: 1, grace_s: 2 });
    expect([(await mine.probe({ run: 'twin', attempt: 1 })).alive, (await theirs.probe({ run: 'twin', attempt: 1 })).alive]).toEqual([false, true]);
    await theirs.stopTraining({ run: 'twin', attempt: 1, grace_s: 2 });
  } finally {
    await other.stop();
  }
});

describe.skipIf(!here)('the dead man\'s switch', () => {
  const asked = (method: string) => calls.filter((call) => call.method === method);
  const reset = () => {
    calls.length = 0;
    intended = 'running';
  };

  test('asks for a stop with the container\'s key once training is over and the lease has run out', async () => {
    reset();
    const { box, run, start, at } = await boxFor();
    await start('while [ ! -e done ]; do sleep 0.1; done', 1, { seconds: 0, grace_s: 0, then: 'stop' });
    // The lease has run out already, but the training lives.
    await clock.sleep(1_500);
    expect(calls).toEqual([]);
    await box.renewLease({ run, attempt: 1, seconds: 3 });
    const expires = Number(readFileSync(at('.vastsit/lease'), 'utf8').split(' ')[0]);
    expect(expires).toBeGreaterThan(clock.now() / 1000);
    await writeFile(at('done'), '');
    await until(() => asked('PUT').length > 0, 'the request', 15_000);
    expect(asked('PUT')[0]).toMatchObject({ method: 'PUT', url: '/api/v0/instances/4242/', key: `Bearer ${KEY}`, body: '{"state":"stopped"}' });
    expect(asked('PUT')[0]?.at_s).toBeGreaterThan(expires);
    await until(() => readFileSync(at('.vastsit/sentinel.log'), 'utf8').includes('confirmed: stop'), 'the read back');
    expect(asked('GET').length).toBeGreaterThan(0);
    expect(spawnSync('grep', ['-rlF', KEY, sshd.home], { encoding: 'utf8' }).stdout).toBe('');
    expect(keySeenInArguments).toBe(false);
  });

  test('destroys where the policy says so, and a newer attempt cancels it', async () => {
    reset();
    const { start, at } = await boxFor();
    await start('true', 1, { seconds: 60, grace_s: 0, then: 'destroy' });
    await until(() => existsSync(at('.vastsit/exit.1')), 'the end of the first');
    await start('sleep 60', 2, { seconds: 0, grace_s: 0, then: 'nothing' });
    await until(() => readFileSync(at('.vastsit/sentinel.log'), 'utf8').includes('attempt 1 stands down'), 'the older one to stand down');
    expect(calls).toEqual([]);

    const other = await boxFor();
    await other.start('exit 7', 1, { seconds: 0, grace_s: 0, then: 'destroy' });
    await until(() => asked('DELETE').length > 0, 'the request', 15_000);
    expect(asked('DELETE')[0]).toMatchObject({ url: '/api/v0/instances/4242/', key: `Bearer ${KEY}`, body: '{}' });
    await until(() => readFileSync(other.at('.vastsit/sentinel.log'), 'utf8').includes('confirmed: destroy'), 'the read back');
  });

  test('guards again after a restart that ended guard and training, with a new deadline, never by the old one', async () => {
    reset();
    const { box, run, start, at } = await boxFor();
    await start('sleep 300', 1, { seconds: 0, grace_s: 0, then: 'stop' });
    // All that a container's restart ends: first the one who would take over, then the training.
    process.kill(Number(readFileSync(at('.vastsit/pid.1'), 'utf8').trim().split(' ')[3]), 'SIGKILL');
    await box.stopTraining({ run, attempt: 1, grace_s: 1 });
    await box.renewLease({ run, attempt: 1, seconds: 4 });
    const expires = Number(readFileSync(at('.vastsit/lease'), 'utf8').split(' ')[0]);
    // Renewed twice, and yet there is one guard.
    await until(() => existsSync(at('.vastsit/guard')), 'the guard');
    await box.renewLease({ run, attempt: 1, seconds: 4 });
    await until(() => asked('PUT').length > 0, 'the request', 20_000);
    expect(asked('PUT')[0]?.at_s).toBeGreaterThan(expires);
    await until(() => readFileSync(at('.vastsit/sentinel.log'), 'utf8').includes('confirmed: stop'), 'the read back');
    expect(asked('PUT')).toHaveLength(1);
  });
});
