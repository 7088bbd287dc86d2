import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CAUSES } from '../../../src/core/causes.ts';
import { fingerprintOf, triage } from '../../../src/core/triage/index.ts';

const training = Array.from({ length: 6 }, (_, n) => `step ${n + 1}/100 | loss ${3 - n / 10} | 2.5 it/s\n`).join('');
const oom = 'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\ntorch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n';
const space = { used_bytes: 50, total_bytes: 100, used_inodes: 1, total_inodes: 100 };

describe('ends', () => {
  it.each([
    ['words', `${training}Training completed in 3:02:01\n`, 'completed'],
    ['HF Trainer', `100%|██████████| 100/100 [10:00<00:00,  6.00s/it]\n{'train_runtime': 600.1, 'train_samples_per_second': 5.2, 'train_steps_per_second': 0.17, 'train_loss': 0.9, 'epoch': 3.0}\n`, 'completed'],
    ['Lightning', `${training}\`Trainer.fit\` stopped: \`max_epochs=10\` reached.\n`, 'completed'],
    ['Ultralytics', `${training}\n100 epochs completed in 1.234 hours.\nOptimizer stripped from runs/train/weights/last.pt, 6.3MB\nResults saved to runs/train\n`, 'completed'],
    ['Chinese', `${training}训练完成\n`, 'completed'],
    ['Spanish', `${training}Entrenamiento finalizado con éxito\n`, 'completed'],
    ['wall clock', `${training}stopping_early: wallclock_cap train_time:600012ms step:6/100\n`, 'completed'],
    ['early stop', `${training}Epoch 00012: early stopping\n`, 'early_stop'],
    ['early stop, Lightning', `${training}Monitored metric val_loss did not improve in the last 5 records. Best score: 0.2. Signaling Trainer to stop.\n`, 'early_stop'],
    ['early stop, Ultralytics', `${training}EarlyStopping: Training stopped early as no improvement observed in last 50 epochs. Best results observed at epoch 20, best model saved as best.pt.\n`, 'early_stop'],
    ['early stop, HF words', `${training}Early stopping triggered at step 6\n`, 'early_stop'],
  ])('%s', (_name, log, cause) => {
    expect(triage({ log })).toMatchObject({ kind: 'done', cause, rung: 'none' });
  });

  it('takes exit code 0 for an end, but not after a traceback', () => {
    expect(triage({ log: training, exit_code: 0 })).toMatchObject({ kind: 'done', cause: 'completed' });
    expect(triage({ log: training + oom, exit_code: 0 })).toMatchObject({ kind: 'failure', cause: 'gpu_oom' });
  });

  it('does not take a first stage for the end of the second', () => {
    expect(triage({ log: `${training}Training completed\nStage 2\n${training}` }).kind).toBe('healthy');
    expect(triage({ log: `${training}Training completed\nStage 2\n${oom}` })).toMatchObject({ kind: 'failure', cause: 'gpu_oom' });
  });
});

describe('evidence beside the log', () => {
  it('knows a death without words', () => {
    expect(triage({ log: training, exit_code: 1 })).toMatchObject({ kind: 'failure', cause: 'unknown' });
    expect(triage({ log: training, exit_code: null, signal: 'SIGKILL' })).toMatchObject({ cause: 'host_oom_killed' });
    expect(triage({ log: training, exit_code: 137, oom_kills: 2 }).confidence).toBeGreaterThan(triage({ log: training, exit_code: 137 }).confidence);
    expect(triage({ log: training, exit_code: 139 })).toMatchObject({ cause: 'segfault' });
    expect(triage({ log: training, signal: 'SIGTERM' })).toMatchObject({ cause: 'preempted', transient: true });
  });

  it('believes the kernel over the log', () => {
    const kernel = ['NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus.'];
    expect(triage({ log: training + oom, exit_code: 1, kernel })).toMatchObject({ cause: 'gpu_hardware', rung: 'switch' });
    const killed = triage({ log: training, exit_code: 137, kernel: ['Memory cgroup out of memory: Killed process 42 (python)'] });
    expect(killed.cause).toBe('host_oom_killed');
    expect(killed.evidence.join('\n')).toContain('Killed process');
  });

  it('keeps a living run healthy though an old kernel line is about', () => {
    expect(triage({ log: training, kernel: ['Memory cgroup out of memory: Killed process 42 (other)'] }).kind).toBe('healthy');
    expect(triage({ log: training, disk: { ...space, used_bytes: 100 } }).kind).toBe('healthy');
  });

  it('sees a full disk, inodes too, behind a silent death', () => {
    expect(triage({ log: training, exit_code: 1, disk: { ...space, used_bytes: 100 } })).toMatchObject({ cause: 'disk_full' });
    expect(triage({ log: training, exit_code: 1, disk: { ...space, used_inodes: 100 } })).toMatchObject({ cause: 'disk_full' });
    expect(triage({ log: training, exit_code: 1, disk: space })).toMatchObject({ cause: 'unknown' });
  });

  it('hears the market', () => {
    expect(triage({ log: training, exit_code: null, api_status: 'outbid' })).toMatchObject({ kind: 'failure', cause: 'preempted', transient: true });
  });

  it('calls a stall a stall, unless the log says why', () => {
    expect(triage({ log: training, stalled: true })).toMatchObject({ kind: 'stall', cause: 'stall' });
    expect(triage({ log: training + oom, stalled: true })).toMatchObject({ kind: 'failure', cause: 'gpu_oom' });
    expect(triage({ log: `${training}${'srun: step creation still disabled, retrying (nodes are busy)\n'.repeat(6)}` })).toMatchObject({ kind: 'stall' });
  });
});

describe('root over consequence', () => {
  const collective = '[rank1]:[E102 03:04:05.1 ProcessGroupNCCL.cpp:607] [Rank 1] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=9, OpType=ALLREDUCE) ran for 600011 milliseconds before timing out.\n';
  const launcher = 'torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n=====\ntrain.py FAILED\n-----\nRoot Cause (first observed failure):\n[0]:\n  exitcode  : 1 (pid: 7)\n=====\n';

  it('an aborted collective follows from another rank\'s death', () => {
    expect(triage({ log: training + oom.replace(/^/gm, '[rank0]: ') + collective + launcher })).toMatchObject({ cause: 'gpu_oom' });
  });

  it('a launcher\'s summary follows from what stands above', () => {
    expect(triage({ log: `Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    x[9]\nIndexError: list index out of range\n${launcher}` })).toMatchObject({ cause: 'code_bug', signature: 'IndexError: list index out of range' });
  });

  it('what stands below the launcher\'s block may be the root', () => {
    expect(triage({ log: `${launcher}  File "train.py", line 12\n    def f(:\n          ^\nSyntaxError: invalid syntax\n` })).toMatchObject({ cause: 'code_bug' });
  });

  it('trouble of a tracker or of an unrelated tool is none', () => {
    const bug = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    x[9]\nIndexError: list index out of range\n';
    expect(triage({ log: `${bug}wandb: ERROR Network error (ConnectTimeout)\nTraceback (most recent call last):\n  File "/usr/lib/python3/site-packages/wandb/sdk/internal.py", line 3, in run\nrequests.exceptions.ConnectionError: Max retries exceeded\n` })).toMatchObject({ cause: 'code_bug' });
    expect(triage({ log: `train.py: error: unrecognized arguments: --x\n${launcher}ssh: Could not resolve hostname n7: Temporary failure in name resolution\n` })).toMatchObject({ cause: 'config_error' });
  });

  it('a stale bar after a traceback is no recovery', () => {
    expect(triage({ log: ` 10%|█         | 10/100 [00:10<01:30,  1.00s/it]\n${oom}\r 10%|█         | 10/100 [00:11<01:40,  1.10s/it]\n` })).toMatchObject({ kind: 'failure', cause: 'gpu_oom' });
  });

  it('reads a log that a terminal broke at a fixed width', () => {
    const wrapped = (training + oom).replace(/.{30}/g, '$&\n');
    expect(triage({ log: wrapped })).toMatchObject({ kind: 'failure', cause: 'gpu_oom' });
  });
});

describe('details', () => {
  const missing = (name: string) => triage({ log: `Traceback (most recent call last):\n  File "a.py", line 1, in <module>\nModuleNotFoundError: No module named '${name}'\n` });

  it('maps modules to packages, and never to a stranger\'s', () => {
    expect(missing('cv2').detail).toEqual({ module: 'cv2', package: 'opencv-python-headless' });
    expect(missing('yaml').detail).toMatchObject({ package: 'PyYAML' });
    expect(missing('skimage.metrics').detail).toEqual({ module: 'skimage.metrics', package: 'scikit-image' });
    expect(missing('PIL').detail).toMatchObject({ package: 'Pillow' });
    expect(missing('flash_attn').detail).toMatchObject({ package: 'flash-attn' });
    expect(missing('utils').detail).toEqual({ module: 'utils' });
    expect(missing('my_project.data').detail.module).toBe('my_project.data');
  });

  it('never lets a log choose what a shell would run', () => {
    for (const name of ['x; rm -rf /', '$(id)', '--index-url=http://example.org', '../../etc', '`id`']) {
      const { detail } = missing(name);
      expect(detail.package).toBeUndefined();
      if (detail.module !== undefined) expect(detail.module).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/);
    }
  });

  it('gives the same fingerprint to the same failure', () => {
    const line = (path: string, pid: number) => fingerprintOf('data_error', `FileNotFoundError: '${path}' (pid ${pid}, 0x7f${pid}, 123e4567-e89b-12d3-a456-426614174000)`);
    expect(line('/data/a.png', 42)).toBe(line('/data/deep/b.png', 777));
    expect(fingerprintOf('gpu_oom', 'x')).not.toBe(fingerprintOf('code_bug', 'x'));
  });

  it('cleans and caps what it quotes', () => {
    const { signature, evidence } = triage({ log: `Traceback (most recent call last):\n  File "a.py", line 1\nValueError: \u001b[31m\u202e${'long '.repeat(200)}\n`, exit_code: 1 });
    expect(signature.length).toBeLessThanOrEqual(300);
    expect(signature).not.toMatch(/[\u001b\u202e]/);
    expect(evidence.length).toBeLessThanOrEqual(12);
  });
});

describe('fuzz', () => {
  it('never throws, and answers within the contract', () => {
    const piece = fc.oneof(fc.constantFrom('Traceback (most recent call last):\n', 'KeyError: 1\n', 'CUDA out of memory', 'Killed\n', '\n', '\r', '[rank0]: ', 'step 3/9 loss nan\n', 'Xid', '  File "a"', "No module named '", 'Training completed\n', 'error: '), fc.string({ maxLength: 12 }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.option(fc.integer({ min: -20, max: 260 })), (pieces, exit) => {
        const verdict = triage({ log: pieces.join(''), exit_code: exit });
        expect(verdict.confidence).toBeGreaterThan(0);
        expect(verdict.confidence).toBeLessThanOrEqual(1);
        expect(verdict.kind === 'healthy' ? verdict.cause === null : CAUSES.includes(verdict.cause ?? 'unknown')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('spends linear time on lines made to hurt', () => {
    for (const unit of ['Error ', 'a.', 'Traceback ', 'No module named ', 'x: ', '[1', 'training ', 'loss ', "'", '/', 'Killed ', '(pid=1', 'error: argument ']) triage({ log: `${unit.repeat(40_000 / unit.length)}\n`.repeat(10) });
  });
});
