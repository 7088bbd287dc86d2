/** The first look, asked by a real shell of programs that answer as bad hosts do. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { PREFLIGHT, readPreflight } from '../../src/agents/effects/preflight.ts';

function look(programs: Record<string, string>): ReturnType<typeof readPreflight> {
  const dir = mkdtempSync(join(tmpdir(), 'preflight-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  // Nothing of this machine's own Python or driver may answer.
  for (const [name, body] of Object.entries({ python3: 'exit 127', ...programs })) {
    writeFileSync(join(dir, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(dir, name), 0o755);
  }
  return readPreflight(execFileSync('/bin/sh', ['-c', PREFLIGHT], { cwd: dir, env: { PATH: `${dir}:/usr/bin:/bin` }, encoding: 'utf8' }));
}

const SMI = "echo 'GPU 0: NVIDIA GeForce RTX 4090 (UUID: GPU-1)'; echo 'GPU 1: NVIDIA GeForce RTX 4090 (UUID: GPU-2)'";

it('counts the GPUs and the room', () => {
  const seen = look({ 'nvidia-smi': SMI });
  expect(seen).toMatchObject({ gpus: 2, smi_error: null, torch: null });
  expect(seen.disk_free_gb).toBeGreaterThan(0);
});

it('hears what nvidia-smi says instead', () => {
  expect(look({ 'nvidia-smi': "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18" })).toMatchObject({ gpus: null, smi_error: 'Failed to initialize NVML: Driver/library version mismatch' });
});

it.each([
  ['computes', "printf 'torch 2.6.0+cu124\\ndevices 2\\ncomputes 1\\n'", { version: '2.6.0+cu124', devices: 2, computes: true, error: null }],
  ['finds the driver too old', "printf 'torch 2.9.0\\ndevices 0\\ntorch_error The NVIDIA driver on your system is too old\\n'", { version: '2.9.0', devices: 0, computes: false, error: 'The NVIDIA driver on your system is too old' }],
  ['computes nonsense', "printf 'torch 2.6.0\\ndevices 1\\ncomputes 0\\n'", { version: '2.6.0', devices: 1, computes: false, error: null }],
  ['was killed in the middle', "printf 'torch 2.6.0\\ndevices 1\\n'; exit 124", null],
  ['is not there', 'exit 0', null],
])('a PyTorch that %s', (_, python3, torch) => expect(look({ 'nvidia-smi': SMI, python3 }).torch).toEqual(torch));

it('asks the Python of this machine without being hurt by a torch that has no CUDA', () => {
  const text = execFileSync('/bin/sh', ['-c', PREFLIGHT], { env: { PATH: '/usr/bin:/bin' }, encoding: 'utf8' });
  expect(readPreflight(text).torch?.error ?? null).toBeNull();
});

it('makes nothing of odd lines', () => expect(readPreflight('gpus many\n\nnonsense\ndisk_free_kb -4\n\u0000')).toEqual({ gpus: null, smi_error: null, disk_free_gb: null, torch: null }));
