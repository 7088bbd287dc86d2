import { spawn } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSpec } from '../../src/core/spec.ts';
import { assetPath } from '../../src/sim/assets.ts';
import { prepareDemo } from '../../src/sim/demo.ts';
import { rent, running, sshIn, until, world, type World } from './helpers.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainer-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

interface Trained {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  losses: string[];
}

async function train(out: string, args: string[], faults: unknown[] = []): Promise<Trained> {
  const file = join(dir, `${out}.faults.json`);
  await writeFile(file, JSON.stringify(faults));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [assetPath('train.mjs'), '--steps', '24', '--save-every', '4', '--eval-every', '8', '--seconds-per-step', '1', '--out', join(dir, out), '--final', join(dir, out, 'final', 'model.json'), ...args], {
      env: { HOME: dir, PATH: process.env['PATH'], VASTSIT_SIM_SCALE: '100000', VASTSIT_SIM_FAULTS: file },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr, losses: [...stdout.matchAll(/'loss': ([^,]+)/g)].map(([, loss]) => loss ?? '') }));
  });
}

describe('the trainer', () => {
  test('descends, evaluates, saves whole files and sums up', async () => {
    const seen = await train('plain', []);
    expect(seen.code).toBe(0);
    expect(seen.losses).toHaveLength(24);
    const mean = (losses: string[]): number => losses.reduce((sum, loss) => sum + Number(loss), 0) / losses.length;
    expect(mean(seen.losses.slice(-6))).toBeLessThan(0.5 * mean(seen.losses.slice(0, 6)));
    expect(seen.stdout).toMatch(/'eval_loss': [\d.]+/);
    expect(seen.stdout).toMatch(/'train_runtime': [\d.]+.*'train_loss'/);
    expect(seen.stderr).toMatch(/\r100%\|█{10}\| 24\/24 \[/);
    expect((await readdir(join(dir, 'plain'))).sort()).toEqual(['final', ...[4, 8, 12, 16, 20, 24].map((step) => `step-0000${String(step).padStart(2, '0')}.json`)]);
    expect(JSON.parse(await readFile(join(dir, 'plain', 'final', 'model.json'), 'utf8'))).toMatchObject({ steps: 24 });
  });
  test('goes on from a checkpoint with the same losses at the same steps', async () => {
    const whole = await train('whole', []);
    const rest = await train('rest', ['--resume', join(dir, 'whole', 'step-000012.json')]);
    expect(rest.losses).toEqual(whole.losses.slice(12));
    expect(rest.stderr).toMatch(/ 13\/24 \[/);
    expect(rest.stderr).not.toMatch(/ 12\/24 \[/);
    const last = async (out: string): Promise<string> => readFile(join(dir, out, 'step-000024.json'), 'utf8');
    expect(await last('rest')).toBe(await last('whole'));
  });
  test('keeps the effective batch when halves are accumulated', async () => {
    const half = await train('half', ['--batch-size', '16', '--grad-accum', '2']);
    const full = await train('full', ['--batch-size', '32', '--grad-accum', '1']);
    half.losses.forEach((loss, step) => expect(Number(loss)).toBeCloseTo(Number(full.losses[step]), 3));
  });
  test('runs out of memory unless the batch is small enough', async () => {
    const oom = { kind: 'oom', step: 10, unless_batch: 16, attempt: null };
    const dead = await train('oom', [], [oom]);
    expect(dead.code).toBe(1);
    expect(dead.losses).toHaveLength(9);
    expect(dead.stderr).toMatch(/Traceback \(most recent call last\):\n[^]*torch\.OutOfMemoryError: CUDA out of memory\. Tried to allocate/);
    expect((await train('oom', ['--batch-size', '16', '--grad-accum', '2', '--resume', join(dir, 'oom', 'step-000008.json')], [oom])).code).toBe(0);
  });
  test.each([
    ['missing module', { kind: 'missing_module', module: 'einops', attempt: null }, { code: 1 }, /ModuleNotFoundError: No module named 'einops'/],
    ['disk full', { kind: 'disk_full', step: 3, attempt: null }, { code: 1 }, /OSError: \[Errno 28\] No space left on device/],
    ['exit', { kind: 'exit', code: 17, step: 3, attempt: null }, { code: 17 }, /./],
    ['killed', { kind: 'killed', step: 3, attempt: null }, { signal: 'SIGKILL' }, /./],
    ['segfault', { kind: 'segfault', step: 3, attempt: null }, { signal: 'SIGSEGV' }, /./],
    ['a fault of another attempt', { kind: 'exit', code: 17, step: 3, attempt: 2 }, { code: 0 }, /./],
  ])('obeys %s', async (name, fault, end, stderr) => {
    const seen = await train(name.replaceAll(' ', '-'), [], [fault]);
    expect(seen).toMatchObject(end);
    expect(seen.stderr).toMatch(stderr);
  });
  test('turns to NaN, and saves no such checkpoint', async () => {
    const seen = await train('nan', [], [{ kind: 'nan', step: 6, attempt: null }]);
    expect(seen.losses[5]).toBe('nan');
    expect((await readdir(join(dir, 'nan'))).sort()).toEqual(['final', 'step-000004.json']);
  });
  test('loses its numbers unseen, saves what is left, and brings it back by a resume', async () => {
    const fault = { kind: 'nan', step: 6, shown: 10, unless_lr: 0.04, attempt: null };
    const seen = await train('poison', [], [fault]);
    expect(seen.losses.findIndex((loss) => loss === 'nan')).toBe(9);
    const poisoned = join(dir, 'poison', 'step-000008.json');
    const again = await train('poison-again', ['--lr', '0.04', '--resume', poisoned], [fault]);
    expect([...new Set(again.losses)]).toEqual(['nan']);
    expect((await train('poison-mild', ['--lr', '0.04'], [fault])).losses).not.toContain('nan');
  });
  test('takes a checkpoint and begins anew, where a resume is ignored', async () => {
    await train('amnesia', []);
    expect((await train('amnesia', ['--resume', join(dir, 'amnesia', 'step-000012.json')], [{ kind: 'resume_ignored', attempt: null }])).losses).toHaveLength(24);
  });
  test('says what it wants', async () => {
    expect((await train('help', ['--help'])).stdout).toContain('--grad-accum N');
    expect((await train('wrong', ['--batch-size', 'many'])).code).toBe(2);
  });
});

describe('the demo', () => {
  test('has five specs that hold, and the trainer beside them', async () => {
    const specs = await prepareDemo(join(dir, 'project'));
    const names = await Promise.all(specs.map(async (path) => parseSpec(parse(await readFile(path, 'utf8'))).name));
    expect(names.sort()).toEqual(['demo-hang', 'demo-healthy', 'demo-missing-dep', 'demo-oom', 'demo-stuck']);
    expect(await readdir(join(dir, 'project'))).toContain('train.mjs');
  });
});

describe('training in a box', () => {
  let w: World;
  afterAll(() => w.close());
  test('shows on nvidia-smi and in the market, hangs where the scenario says, and is mended by pip', async () => {
    w = await world({ faults: [{ on: { run: 'demo' }, fault: 'missing module einops' }, { on: { run: 'demo', machine: 'first' }, fault: 'hang at step 30' }] });
    const ssh = await sshIn(w.dir);
    await w.ask('POST', '/api/v0/ssh/', { ssh_key: ssh.publicKey });
    const { id } = await rent(w, {}, { gpu_name: { eq: 'RTX 4090' } });
    const port = await running(w, id);
    const smi = async (): Promise<string> => (await ssh.run(port, ['nvidia-smi --query-gpu=name,utilization.gpu,memory.total,power.draw,clocks_throttle_reasons.active --format=csv,noheader,nounits'])).stdout.toString().trim();
    expect(await smi()).toBe('NVIDIA GeForce RTX 4090, 0, 24564, 27.00, 0x0000000000000001');
    await ssh.run(port, ['cat > train.mjs'], await readFile(assetPath('train.mjs')));
    expect((await ssh.run(port, ['node train.mjs'])).stderr).toContain("No module named 'einops'");
    expect((await ssh.run(port, ['pip install einops && pip list && ! pip install --index-url http://elsewhere x'])).stdout.toString()).toContain('einops 1.0.0');
    await ssh.run(port, ['nohup node train.mjs --steps 70 --seconds-per-step 100 > log 2>&1 </dev/null & echo started']);
    expect(await until(async () => /^NVIDIA GeForce RTX 4090, 9\d, 24564, 4\d\d\./.test(await smi()), 'a busy GPU')).toBe(true);
    const hung = await until(async () => (/, 100, 24564, (\d+)/.exec(await smi()) ?? [])[1], 'the hang');
    expect(Number(hung)).toBeLessThan(200);
    expect((await ssh.run(port, ['tail -c 200 log'])).stdout.toString()).toMatch(/ 29\/70 \[/);
    expect((await ssh.run(port, ['nvidia-smi'])).stdout.toString()).toMatch(/CUDA Version: 12\.8/);
    const [row] = (await w.ask('GET', '/api/v1/instances/')).body['instances'] as Record<string, unknown>[];
    expect(row).toMatchObject({ id, gpu_util: 100 });
  });
});
