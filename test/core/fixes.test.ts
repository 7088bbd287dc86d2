import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { CAUSES, type Cause } from '../../src/core/causes.ts';
import { factsOf, fixesFor, pipInstall, type Fix } from '../../src/core/fixes.ts';
import { packageFor } from '../../src/core/triage/packages.ts';
import { triage } from '../../src/core/triage/index.ts';

const called = (cause: Cause, log: string): string[] => fixesFor(cause, log).map((fix) => factsOf(fix).words);

describe('fixes that a log calls for', () => {
  it.each<[string, Cause, string, string[]]>([
    ['numpy 2 ABI', 'dependency_version_mismatch', 'A module that was compiled using NumPy 1.x cannot be run in NumPy 2.0.1', ['pin numpy<2']],
    ['numpy alias', 'dependency_version_mismatch', "AttributeError: module 'numpy' has no attribute 'float'.", ['pin numpy<1.24']],
    ['transformers says which tokenizers', 'dependency_version_mismatch', 'ImportError: tokenizers>=0.21,<0.22 is required for a normal functioning of this module, but found tokenizers==0.20.3.', ['pin tokenizers>=0.21,<0.22']],
    ['pip says which', 'dependency_version_mismatch', 'datasets 2.1.0 requires huggingface_hub<1.0.0,>=0.1.0, but you have huggingface-hub 1.2.0 which is incompatible.', ['pin huggingface-hub<1.0.0,>=0.1.0']],
    ['a framework is never pinned', 'dependency_version_mismatch', 'torchvision 0.17 requires torch==2.2.0, but you have torch 2.3.0', []],
    ['a stranger is never pinned', 'dependency_version_mismatch', 'x 1 requires evil-package==1.0, but you have evil-package 2.0', []],
    ['a library', 'dependency_version_mismatch', 'ImportError: libGL.so.1: cannot open shared object file: No such file or directory', ['apt install libgl1']],
    ['an unknown library', 'dependency_version_mismatch', 'ImportError: libevil.so.1: cannot open shared object file', []],
    ['a command', 'missing_dependency', '/bin/sh: 1: ffmpeg: not found', ['apt install ffmpeg']],
    ['a compiler', 'missing_dependency', "FileNotFoundError: [Errno 2] No such file or directory: 'g++'", ['apt install build-essential']],
    ['disk', 'disk_full', 'OSError: [Errno 28] No space left on device', ['free the disk from the caches of pip, apt and old temporary files']],
    ['open files', 'shm_dataloader', 'OSError: [Errno 24] Too many open files', ['raise the limit of open files']],
    ['shared memory', 'shm_dataloader', 'RuntimeError: unable to write to file </torch_1_2_0>', ['remove segments that dead workers left in shared memory', 'let shared memory grow to half of the memory']],
    ['fragmented GPU memory', 'gpu_oom', 'CUDA out of memory. Tried to allocate 2.00 GiB. … 12 GiB is allocated by PyTorch, and 2.50 GiB is reserved by PyTorch but unallocated.', ['set PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True']],
    ['full GPU memory', 'gpu_oom', 'CUDA out of memory. Tried to allocate 2.00 GiB. … 20 GiB is allocated by PyTorch, and 512.00 MiB is reserved by PyTorch but unallocated.', []],
    ['InfiniBand', 'nccl_comm', 'NCCL WARN Call to ibv_modify_qp failed with error Connection timed out', ['set NCCL_IB_DISABLE=1']],
    ['forked tokenizers', 'stall', 'huggingface/tokenizers: The current process just got forked, after parallelism has already been used.', ['set TOKENIZERS_PARALLELISM=false']],
  ])('%s', (_, cause, log, words) => {
    expect(called(cause, log)).toEqual(words);
  });

  it('tell their risk, and how they are undone', () => {
    const fix: Fix = { kind: 'apt_install', package: 'libgl1' };
    expect(factsOf(fix)).toMatchObject({ undo: 'apt-get remove -y libgl1', risk: 'low' });
    expect(factsOf({ kind: 'free_disk' })).toMatchObject({ undo: null, risk: 'medium' });
    expect(factsOf({ kind: 'free_disk' }).command).not.toContain('huggingface');
  });
});

describe('a log never reaches a shell', () => {
  const hostile = fc.constantFrom('$(id)', '`id`', '; rm -rf /', '\n', "'", '"', '--index-url=http://x', '| sh', '&&', '\0', '../..', 'numpy', 'torch', '>=1', '==1;id', ' ');
  const shapes = fc.constantFrom<[string, string]>(
    ['', ' is required for a normal functioning'],
    ['a requires ', ', but you have b 1'],
    ['', ': cannot open shared object file'],
    ['', ': command not found'],
    ["No such file or directory: '", "'"],
    ["No module named '", "'"],
  );
  it('whatever it says, the command is one of the catalogue', () => {
    fc.assert(
      fc.property(fc.constantFrom(...CAUSES), fc.array(fc.tuple(shapes, fc.array(hostile, { maxLength: 5 })), { maxLength: 4 }), (cause, parts) => {
        const log = parts.map(([[before, after], words]) => before + words.join('') + after).join('\n');
        for (const fix of fixesFor(cause, log)) {
          const { command } = factsOf(fix);
          expect(command).not.toMatch(/\$\(id\)|`|rm -rf \/(?![a-z])|index-url=http|\| sh|\0/);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('names of modules, however hostile, become a plain package name or nothing', () => {
    const name = fc.array(fc.oneof(fc.constantFrom('einops', 'cv2', 'yaml', 'torch', 'utils', '.', '-', '_', '--', 'x=y', '@git+https://e.vil/x', '${IFS}', '\u202e', '\x1b[2J'), hostile), { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''));
    const line = fc.tuple(fc.constantFrom("ModuleNotFoundError: No module named '", 'ImportError: No module named "', 'No module named ', 'ModuleNotFoundError: No module named \'a.b.'), name, fc.constantFrom("'", '"', '', "'; 'x' is not a package")).map((parts) => parts.join(''));
    let installed = 0;
    fc.assert(
      fc.property(line, (last) => {
        const { cause, detail } = triage({ log: `Traceback (most recent call last):\n  File "train.py", line 3, in <module>\n    import x\n${last}`, exit_code: 1 });
        if (cause !== 'missing_dependency' || detail.package === undefined) return;
        installed += 1;
        // One word that pip can only read as a name: no option, address, path or second word.
        expect(pipInstall(detail.package)).toMatch(/^pip install --no-input --disable-pip-version-check [A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/);
      }),
      { numRuns: 1_500 },
    );
    expect(installed, 'the property must have seen names that are installed').toBeGreaterThan(50);
  });

  it('maps a module to the package that brings it, and never to a stranger of the name of a project\'s own module', () => {
    expect(['cv2', 'yaml', 'sklearn', 'PIL', 'einops', 'flash_attn', 'google.protobuf'].map(packageFor)).toEqual(['opencv-python-headless', 'PyYAML', 'scikit-learn', 'Pillow', 'einops', 'flash-attn', 'protobuf']);
    expect(['einops_', 'utils', 'models', 'train', '_internal', 'x; id', '--index-url'].map(packageFor)).toEqual([undefined, undefined, undefined, undefined, undefined, undefined, undefined]);
  });

  it('takes packages from where the box takes them: no address of ours is in a command', () => {
    for (const fix of [{ kind: 'pip_install', package: 'einops' }, { kind: 'pip_pin', package: 'numpy', specifier: '<2' }, { kind: 'pip_version', package: 'einops', version: '0.8' }] satisfies Fix[]) expect(factsOf(fix).command).not.toMatch(/index|https?:|-i\b|find-links|trusted/);
  });

  it('refuses what is not of the catalogue, even from a journal', () => {
    for (const fix of [
      { kind: 'pip_install', package: '-r x' },
      { kind: 'pip_pin', package: 'torch', specifier: '==2.0' },
      { kind: 'pip_pin', package: 'numpy', specifier: '==2.0; id' },
      { kind: 'pip_pin', package: 'numpy', specifier: '<2,' },
      { kind: 'apt_install', package: 'evil' },
      { kind: 'env', name: 'LD_PRELOAD', value: '/tmp/x.so' },
      { kind: 'env', name: 'NCCL_IB_DISABLE', value: '0' },
    ] satisfies Fix[]) expect(() => factsOf(fix), JSON.stringify(fix)).toThrow(RangeError);
  });
});

describe('the commands, in a real shell', () => {
  const dir = mkdtempSync(join(tmpdir(), 'vastsit-fix-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('parse', () => {
    const all: Fix[] = [{ kind: 'pip_install', package: 'einops' }, { kind: 'pip_pin', package: 'numpy', specifier: '>=1.24,<2' }, { kind: 'apt_install', package: 'libgl1' }, { kind: 'free_disk' }, { kind: 'clear_shm' }, { kind: 'grow_shm' }, { kind: 'open_files' }, { kind: 'env', name: 'NCCL_P2P_DISABLE', value: '1' }];
    for (const fix of all) expect(spawnSync('sh', ['-n', '-c', factsOf(fix).command]).status, fix.kind).toBe(0);
  });

  it('free the disk of what can be fetched again, where apt and Python keep it, and of nothing else', () => {
    const [lists, temp, bin] = ['lists', 'temp', 'bin'].map((name) => join(dir, name)) as [string, string, string];
    for (const folder of [lists, temp, bin, join(temp, 'pip-unpack'), join(temp, 'mine'), join(temp, 'tmpabcdefgh')]) mkdirSync(folder);
    writeFileSync(join(lists, 'packages'), 'x');
    for (const name of ['pip', 'apt-get']) writeFileSync(join(bin, name), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(join(bin, 'apt-config'), `#!/bin/sh\necho "d='${lists}/'"\n`, { mode: 0o755 });
    execFileSync('touch', ['-d', '2 hours ago', join(temp, 'pip-unpack'), join(temp, 'mine')]);
    const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: dir, TMPDIR: temp };
    expect(execFileSync('sh', ['-c', factsOf({ kind: 'free_disk' }).command], { cwd: dir, env, encoding: 'utf8' })).toMatch(/%/);
    expect([readdirSync(lists), readdirSync(temp).sort()]).toEqual([[], ['mine', 'tmpabcdefgh']]);
  });

  it('set a variable once, for each later command of the run', () => {
    mkdirSync(join(dir, '.vastsit'));
    writeFileSync(join(dir, '.vastsit/env.sh'), "A='b'\n");
    const { command } = factsOf({ kind: 'env', name: 'PYTORCH_CUDA_ALLOC_CONF', value: 'expandable_segments:True' });
    for (let n = 0; n < 2; n += 1) execFileSync('sh', ['-c', command], { cwd: dir });
    execFileSync('sh', ['-c', factsOf({ kind: 'open_files' }).command], { cwd: dir });
    expect(readFileSync(join(dir, '.vastsit/env.sh'), 'utf8').split('\n').filter((line) => line.startsWith('PYTORCH'))).toHaveLength(1);
    expect(execFileSync('sh', ['-c', 'set -a; . ./.vastsit/env.sh; set +a; env'], { cwd: dir, encoding: 'utf8' })).toContain('PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True\n');
  });
});
