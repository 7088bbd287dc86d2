/** One run over a real OpenSSH server with a real PyTorch training, which crashes once for real and is brought home. */
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClock } from '../../src/clock.ts';
import { startSim, type Bill, type Sim } from '../../src/sim/index.ts';
import { has, PYTHON } from '../needs.ts';
import { startSshd, type TestSshd } from '../remote/sshd.ts';
import { createPlace, until, type Line, type Place } from './program.ts';

const SPEC = `
name: moons
image: pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime
hardware: { gpu: [RTX 3090], disk_gb: 20, max_usd_per_hour: 0.4 }
upload: [train.py]
setup: touch crash-once
run: ${PYTHON} train.py --batch-size {batch_size}
env: { HF_TOKEN: { secret: HF_TOKEN } }
knobs: { batch_size: { value: 64, floor: 16 } }
checkpoints: { path: ckpt/*.pt, resume: '${PYTHON} train.py --batch-size {batch_size} --resume {checkpoint}', keep: 2 }
artifacts: ['out/**']
kill: { hours: 1, dollars: 1 }
`;
const SECRET = 'hf_notForAnyScreenOrFile123';
const NOTES = '# Moons\n\nWhat I think of it so far.\n';

describe.skipIf(!has('sshd', 'procps', 'torch', 'root'))('a real training on a real sshd', () => {
  const clock = createClock();
  let place: Place;
  let sshd: TestSshd;
  let sim: Sim;
  let lines: Line[];
  let code: number | null;
  let bill: Bill[];
  /** STATUS.md while the training was about to run. */
  let underWay: string;
  /** Where the account's key was seen, but for the program that was given it. */
  const seen: string[] = [];

  beforeAll(async () => {
    place = createPlace();
    sshd = await startSshd();
    sim = await startSim({ clock, dir: join(place.root, 'market'), door: sshd.target.endpoints[0]?.port ?? 0, scenario: { loading: { provision: '0.1s', pull: '0.5s', destroy: '0.2s' } } });
    copyFileSync(resolve('test/e2e/pytorch/train.py'), join(place.project, 'train.py'));
    writeFileSync(join(place.project, 'experiment.yaml'), SPEC);
    writeFileSync(join(place.project, 'STATUS.md'), NOTES);
    const launch = place.start(['launch', 'experiment.yaml', '--json'], { env: { VAST_URL: sim.url, VAST_API_KEY: sim.apiKey, HF_TOKEN: SECRET } });
    const over = launch.exited.then(() => true);
    let ended = false;
    void over.then(() => (ended = true));
    const created = await launch.line((line) => line.type === 'create.accepted', 'an instance is rented');
    // As the market would: whoever holds the attached key may log in.
    const keys = (): Promise<string | undefined> =>
      fetch(`${sim.url}/api/v0/instances/${String(created['instance'])}/ssh/`, { headers: { authorization: `Bearer ${sim.apiKey}` } })
        .then((answer) => answer.json() as Promise<{ ssh_keys: string }>)
        .then(({ ssh_keys }) => (JSON.parse(ssh_keys) as { public_key: string }[])[0]?.public_key);
    await sshd.authorize(await until(keys, () => 'a key is attached'));
    const look = (): string => readFileSync(join(place.project, 'STATUS.md'), 'utf8');
    underWay = await until(() => look().includes('Instance: 7') && look(), look);
    while (!ended) {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        for (const file of ['cmdline', 'environ']) if (Number(pid) !== launch.pid && read(`/proc/${pid}/${file}`).includes(sim.apiKey)) seen.push(`${file} of ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`);
      }
      if (/[0-9a-f]{64}/.test(read(`/proc/${launch.pid}/cmdline`))) seen.push('the program\'s own arguments');
      await clock.sleep(40);
    }
    ({ code } = await launch.exited);
    lines = launch.lines();
    bill = sim.bill();
    if (code !== 0) throw new Error(`ended with ${code}:\n${launch.out.slice(-15).join('\n')}\n${launch.err()}`);
  }, 240_000);
  afterAll(async () => {
    await sim?.close();
    await sshd?.stop();
    place?.dispose();
  });

  const of = (type: string): Line[] => lines.filter((line) => line.type === type);
  const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

  it('hears of the real crash at once, reruns from the real checkpoint, and proves it', () => {
    const [crash, end] = of('process.exited');
    expect(crash).toMatchObject({ attempt: 1, exit_code: 139, signal: 'SEGV', pushed: true });
    expect(end).toMatchObject({ attempt: 2, exit_code: 0, pushed: true });
    const [incident] = of('incident.opened');
    expect(incident).toMatchObject({ step: 33, diagnosis: { cause: 'segfault', rung: 'rerun' } });
    expect(of('remedy.chosen').map((line) => (line['remedy'] as { rung: string }).rung)).toEqual(['rerun']);
    expect(of('start.intended').at(-1)).toMatchObject({ attempt: 2, resume_from: 'ckpt/step-000030.pt', resume_step: 30, command: `${PYTHON} train.py --batch-size 64 --resume 'ckpt/step-000030.pt'` });
    expect(Number(of('incident.resolved')[0]?.['step'])).toBeGreaterThan(33);
    expect(lines.at(-1)).toMatchObject({ type: 'result', status: 'ok', runs: [{ run: 'moons', verdict: 'done', step: 60, attempts: 2, rescue: 'verified', instance: null }] });
  });

  it('trains what an uninterrupted training trains', () => {
    const alone = join(place.root, 'alone');
    mkdirSync(alone);
    execFileSync(PYTHON, [resolve('test/e2e/pytorch/train.py')], { cwd: alone, stdio: 'ignore' });
    expect(readFileSync(join(place.project, 'results/moons/out/metrics.json'), 'utf8')).toBe(readFileSync(join(alone, 'out/metrics.json'), 'utf8'));
  });

  it('has the results at home, with the hashes of the box, before it destroys', () => {
    const onBox = join(sshd.home, 'vastsit/moons');
    for (const path of ['out/model.pt', 'out/metrics.json', 'ckpt/step-000060.pt', 'ckpt/step-000050.pt']) expect(sha256(join(place.project, 'results/moons', path)), path).toBe(sha256(join(onBox, path)));
    for (const log of ['.vastsit/log.1', '.vastsit/log.2']) expect(existsSync(join(place.project, 'results/moons', log)), log).toBe(true);
    expect(existsSync(join(place.project, 'results/moons/.vastsit/env.sh'))).toBe(false);
    const order = ['run.ended', 'rescue.judged', 'destroy.intended', 'destroy.accepted', 'instance.absent', 'instance.gone', 'run.closed'].map((type) => lines.findIndex((line) => line.type === type));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order[0]).toBeGreaterThan(0);
    expect(bill).toMatchObject([{ label: 'vastsit:moons:1', gone: true }]);
  });

  it('tells the project in STATUS.md and keeps what was written there', () => {
    const status = readFileSync(join(place.project, 'STATUS.md'), 'utf8');
    expect(status.startsWith(NOTES)).toBe(true);
    for (const fact of ['moons', String(of('create.accepted')[0]?.['instance']), 'train.py --batch-size 64 --resume', '.vastsit/log.2', '1 h', '$1', 'destroy', 'proven by step']) expect(status, fact).toContain(fact);
    expect(underWay).toContain(`Instance: ${String(of('create.accepted')[0]?.['instance'])} on machine`);
  });

  it('shows the account\'s key to no file, argument list or other process, and the secret to the box alone', () => {
    expect(seen).toEqual([]);
    const holds = (dir: string, words: string): string[] => files(dir).filter((path) => read(path).includes(words));
    for (const dir of [place.state, place.project, sshd.home]) expect(holds(dir, sim.apiKey)).toEqual([]);
    expect([...holds(place.state, SECRET), ...holds(place.project, SECRET)]).toEqual([]);
    expect(lines.some((line) => JSON.stringify(line).includes(SECRET) || JSON.stringify(line).includes(sim.apiKey))).toBe(false);
    expect(holds(sshd.home, SECRET)).toEqual([join(sshd.home, 'vastsit/moons/.vastsit/env.sh')]);
    expect(statSync(join(sshd.home, 'vastsit/moons/.vastsit/env.sh')).mode & 0o777).toBe(0o600);
  });

  it('leaves nothing among the temporary files', () => {
    expect(place.leftovers()).toEqual([]);
  });
});

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // gone, or not ours to read
  }
}

const files = (dir: string): string[] => readdirSync(dir, { recursive: true, withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []));
