import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { markedProcesses } from '../../src/sim/box-kill.ts';
import { rent, running, sshIn, until, world, type Ssh, type World } from './helpers.ts';

let w: World;
let ssh: Ssh;
let id: number;
let port: number;

beforeAll(async () => {
  w = await world();
  ssh = await sshIn(w.dir);
  ({ id } = await rent(w, { env: { FOO: 'bar', '-p 8080:8080': '1' }, onstart: 'echo hello from onstart; touch was-here' }));
  await w.ask('POST', `/api/v0/instances/${id}/ssh/`, { ssh_key: ssh.publicKey });
  port = await running(w, id);
});
afterAll(() => w.close());

describe('a box over OpenSSH, without a pty', () => {
  test('passes exit codes, keeps stderr apart, and ends in the box of its own', async () => {
    const seen = await ssh.run(port, ['echo out; echo err >&2; pwd; echo "$HOME $FOO $CONTAINER_ID $USER"; exit 7']);
    expect(seen.code).toBe(7);
    expect(seen.stderr).toBe('err\n');
    const [out, cwd, env] = seen.stdout.toString().split('\n');
    expect(out).toBe('out');
    expect(cwd).toBe(join(w.dir, 'boxes', String(id), 'root'));
    expect(env).toBe(`${cwd} bar ${id} root`);
  });
  test('tells a signal from a status', async () => {
    expect((await ssh.run(port, ['kill -KILL $$'])).code).toBe(255);
    expect((await ssh.run(port, ['exit 255'])).code).toBe(255);
    expect((await ssh.run(port, ['no-such-program'])).code).toBe(127);
  });
  test('is clean for a megabyte of any bytes both ways', async () => {
    const bytes = randomBytes(1 << 20);
    const seen = await ssh.run(port, ['cat; echo done >&2'], bytes);
    expect(seen.stdout.equals(bytes)).toBe(true);
    expect(seen.stderr).toBe('done\n');
  });
  test('runs commands that come over standard input when none is named', async () => {
    expect((await ssh.run(port, ['sh'], Buffer.from('echo one\necho two\n'))).stdout.toString()).toBe('one\ntwo\n');
  });
  test('has run onstart, and keeps its output as the container\'s log', async () => {
    expect((await ssh.run(port, ['until [ -e was-here ]; do sleep 0.05; done'])).code).toBe(0);
    const asked = await w.ask('PUT', `/api/v0/instances/request_logs/${id}/`, { tail: '5' });
    const url = asked.body['result_url'] as string;
    expect((await fetch(url)).status).toBe(403);
    expect((await fetch(url, { headers: { authorization: `Bearer ${w.sim.apiKey}` } })).status).toBe(400);
    const text = await until(async () => {
      const got = await fetch(url);
      return got.status === 200 ? got.text() : null;
    }, 'the log');
    expect(text).toContain('hello from onstart');
  });
  test('refuses a key that was not attached', async () => {
    const { mkdtemp } = await import('node:fs/promises');
    const other = await sshIn(await mkdtemp(join(w.dir, 'other-')));
    const seen = await other.run(port, ['true']);
    expect(seen.code).toBe(255);
    expect(seen.stderr).toContain('Permission denied');
  });
});

describe('a box over OpenSSH, with a pty', () => {
  test('gives a terminal and the exit code, and loses no output at the end', async () => {
    const runs = await Promise.all(Array.from({ length: 4 }, () => ssh.run(port, ['test -t 0 && seq 1 12000; exit 3'], undefined, '-tt')));
    for (const { code, stdout } of runs) {
      expect(code).toBe(3);
      expect(stdout.toString()).toBe(Array.from({ length: 12_000 }, (_, index) => `${index + 1}\r\n`).join(''));
    }
  });
  test('an interactive shell answers, and ends with its own status', async () => {
    const seen = await ssh.run(port, [], Buffer.from('stty -echo; echo "mark$((40 + 2))"\nexit 5\n'), '-tt');
    expect(seen.stdout.toString()).toContain('mark42');
    expect(seen.code).toBe(5);
  });
});

describe('many channels on one connection', () => {
  test('ControlMaster carries five commands at once', async () => {
    const control = ['-o', 'ControlMaster=auto', '-o', `ControlPath=${join(w.dir, 'cm-%C')}`, '-o', 'ControlPersist=no'];
    const master = spawn('ssh', [...ssh.args(port, ...control), 'cat'], { stdio: 'pipe' });
    await until(async () => (await ssh.run(port, [], undefined, ...control, '-O', 'check')).code === 0, 'the master');
    const runs = await Promise.all([1, 2, 3, 4, 5].map((n) => ssh.run(port, [`cat; exit ${n}`], Buffer.from(`number ${n}`), ...control)));
    expect(runs.map(({ code, stdout }) => [code, stdout.toString()])).toEqual([1, 2, 3, 4, 5].map((n) => [n, `number ${n}`]));
    // Ended sessions make room: sshd's limit of ten is for those that are open.
    for (let n = 0; n < 14; n += 1) expect((await ssh.run(port, ['exit 9'], undefined, ...control)).code).toBe(9);
    const ended = new Promise((resolve) => master.on('close', resolve));
    master.stdin.end();
    await ended;
  });
});

describe('the end', () => {
  test('close leaves no process and no file', async () => {
    const own = await world();
    const { id: last } = await rent(own, { onstart: 'echo "$VASTSIT_SIM_BOX" > token; sleep 700' });
    await running(own, last);
    const { readFile, stat } = await import('node:fs/promises');
    const token = await until(() => readFile(join(own.dir, 'boxes', String(last), 'root', 'token'), 'utf8').catch(() => ''), 'the token');
    expect(await markedProcesses(token.trim())).not.toEqual([]);
    await own.sim.close();
    expect(await markedProcesses(token.trim())).toEqual([]);
    await expect(stat(join(own.dir, 'boxes'))).rejects.toThrow('ENOENT');
    expect(own.sim.burn()).toBe(0);
    expect(own.sim.bill()).toEqual(own.sim.bill());
    await own.close();
  });
});

describe('processes of a box', () => {
  test('survive the session that started them, and are ended by destroy wherever they hide', async () => {
    const mine = await rent(w, { label: 'vastsit:other:1' });
    await w.ask('POST', `/api/v0/instances/${mine.id}/ssh/`, { ssh_key: ssh.publicKey });
    const at = await running(w, mine.id);
    const detached = process.platform === 'linux' ? 'setsid nohup' : 'nohup';
    await ssh.run(at, [`${detached} sh -c 'while :; do date +%s%N > beat; sleep 0.05; done' >/dev/null 2>&1 </dev/null & echo $!`]);
    const token = (await ssh.run(at, ['echo "$VASTSIT_SIM_BOX"'])).stdout.toString().trim();
    expect(await until(async () => (await ssh.run(at, ['cat beat'])).stdout.length > 0, 'a beat')).toBe(true);
    expect((await markedProcesses(token)).length).toBeGreaterThan(0);
    expect((await w.ask('DELETE', `/api/v0/instances/${mine.id}/`, {})).status).toBe(200);
    await until(async () => (await markedProcesses(token)).length === 0, 'the end of its processes');
    await until(async () => (await ssh.run(at, ['true'])).code === 255, 'a closed door');
  });
  test('are ended by stop, which keeps the disk; start brings another port', async () => {
    await ssh.run(port, ['echo kept > file; nohup sleep 600 >/dev/null 2>&1 </dev/null &']);
    await w.ask('PUT', `/api/v0/instances/${id}/`, { state: 'stopped' });
    await until(() => w.sim.instances().find((each) => each.id === id)?.actual_status === 'exited', 'stopped');
    expect((await ssh.run(port, ['true'])).code).toBe(255);
    await w.ask('PUT', `/api/v0/instances/${id}/`, { state: 'running' });
    port = await running(w, id);
    expect((await ssh.run(port, ['cat file; ps -A -o args | grep -c "[s]leep 600"'])).stdout.toString()).toBe('kept\n0\n');
  });
});
