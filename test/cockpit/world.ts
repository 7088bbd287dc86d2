/** A made-up evening: six runs, five instances, one stranger. Every test and picture of the cockpit looks at this world. */
import { noBrain } from '../../src/core/brain/state.ts';
import { noUsd } from '../../src/core/ledger.ts';
import { labelOf, type Instance } from '../../src/core/market.ts';
import type { ProgressReading } from '../../src/core/progress/index.ts';
import type { ProbeReading } from '../../src/core/probe.ts';
import { parseSpec, type SpecInput } from '../../src/core/spec.ts';
import { NO_EYES } from '../../src/core/triggers/eyes.ts';
import { emptyWorld, type Attempt, type Incident, type InstanceState, type RunState, type Said, type World } from '../../src/core/state.ts';

export const NOW = Date.parse('2026-03-14T22:41:07Z');
const MINUTE = 60_000;

export function reading(part: Partial<ProgressReading> = {}): ProgressReading {
  return { step: 1240, total_steps: 2000, epoch: 1.2, loss: 1.734, learning_rate: 2e-4, rate: { value: 3.42, unit: 'it/s' }, steps_per_s: 3.42, eval: null, eta_s: 222, format: 'hf', activity: 'training', diverged: false, ...part };
}

export function probe(util: number, mem: number): ProbeReading {
  return {
    at: NOW - 42_000,
    gpus: [{ index: 0, name: 'RTX 4090', util, mem_used: mem * 245, mem_total: 24_564, power_w: 402, power_limit_w: 450, temp_c: 71, sm_clock_mhz: 2_520, throttled: false }],
    alive: true, cpu_s: 4_210, load1: 6.1, mem_used: 20_110, mem_total: 64_000,
    disk: { used_bytes: 21e9, total_bytes: 40e9, used_inodes: null, total_inodes: null }, shm: null, net: null, io: null,
    log_bytes: 81_221, log_age_s: 1, oom_kills: 0, kernel: [], boot_id: 'b', uptime_s: 9_000, exit: null, driver_version: '570.86', cuda_version: '12.8',
  };
}

export function spec(name: string, part: Partial<SpecInput> = {}): RunState['spec'] {
  return parseSpec({
    name,
    image: 'pytorch/pytorch:2.6.0-cuda12.6-cudnn9-runtime',
    hardware: { gpu: ['RTX_4090'], gpu_ram_gb: 24, disk_gb: 40, max_usd_per_hour: 0.6 },
    run: 'python train.py --batch-size {batch_size} --out out',
    knobs: { batch_size: { value: 32, floor: 4 } },
    checkpoints: { path: 'out/checkpoint-*.pt', resume: 'python train.py --batch-size {batch_size} --resume {checkpoint}' },
    artifacts: ['out/*.json'],
    kill: { hours: 12, dollars: 6 },
    ...part,
  });
}

export function facts(id: number, part: Partial<Instance> = {}): Instance {
  return {
    id, machine_id: id % 9_000, label: null, actual_status: 'running', intended_status: 'running', cur_state: 'running', next_state: 'running', status_msg: null,
    gpu_name: 'RTX 4090', num_gpus: 1, gpu_ram: 24_564, gpu_util: 97, gpu_temp: 71, disk_space: 40, disk_usage: 21, dph_total: 0.412, dph_base: 0.4, storage_total_cost: 0.012,
    inet_up_cost: 0.002, inet_down_cost: 0.002, inet_up_billed: null, inet_down_billed: null, is_bid: false, min_bid: null, start_date: NOW / 1_000 - 9_000, end_date: null,
    ssh_host: 'ssh4.vast.ai', ssh_port: 12_345, public_ipaddr: '203.0.113.7', direct_ssh_port: 40_022, geolocation: 'SE', ...part,
  };
}

export function instance(id: number, run: string | null, part: Partial<InstanceState> = {}): InstanceState {
  const seen = part.facts ?? facts(id);
  return {
    id, machine_id: seen.machine_id, label: run === null ? null : labelOf(run, 1), owner: run === null ? 'stranger' : 'ours', run, facts: seen, first_seen: NOW - 90 * MINUTE,
    rate: seen.dph_total, bucket: run === null ? 'idle' : 'productive', since: NOW - 8 * MINUTE, usd: { ...noUsd(), loading: 0.021, setup: 0.034, productive: 0.482 },
    absent_reads: 0, adopted: null, destroy: 'none', destroy_at: null, destroy_gate: null, stop: 'none', stop_at: null, wakes: 0, gone_at: null, seen_at: NOW - 4_000, offline_since: null, ...part,
  };
}

export function attempt(number: number, on: number, part: Partial<Attempt> = {}): Attempt {
  return { number, instance: on, machine_id: on % 9_000, command: 'python train.py', started_at: NOW - 80 * MINUTE, ended_at: null, resume_from: null, resume_step: null, first_step: 1, first_at: NOW - 79 * MINUTE, last_step: 1240, low_steps: 0, exit: null, ...part };
}

/** A loss that falls, up to a step. */
export const marks = (last: number): { step: number; at: number; loss: number }[] =>
  Array.from({ length: 60 }, (_, index) => ({ step: Math.round((index * last) / 59), at: NOW - (60 - index) * MINUTE, loss: 1.7 + 2.4 * Math.exp(-index / 14) + 0.06 * Math.sin(index * 1.7) }));

/** A run that trains and is well. */
export function run(id: string, on: number | null, part: Partial<RunState> = {}): RunState {
  return {
    id, spec: spec('demo'), spec_path: `experiments/${id}.yaml`, submitted_at: NOW - 90 * MINUTE, stage: 'training', stage_since: NOW - 80 * MINUTE,
    verdict: null, verdict_reason: null, closed_at: null, attempt: 1, attempts: on === null ? [] : [attempt(1, on)], instance: on, offers: [], offers_at: null, rejected: {}, renting: null, tried_offers: [], wished: null, given_up: [], preflight: null, adopting: null, returned: null,
    ssh: { up: true, endpoint: '203.0.113.7:40022', since: NOW - 82 * MINUTE, reason: null }, stream: 'open', prepared: true, ran_here: true, knobs: { batch_size: 32 }, fixes: [],
    progress: { reading: reading(), advanced_at: NOW - 300, gaps: [300], marks: marks(1240) },
    check: { at: NOW - 42_000, why: 'scheduled', reading: probe(97, 61), failure: null }, failed_checks: 0,
    cadence: { phase: 'cruise', index: 0, healthy_in_a_row: 4, started_at: NOW - 80 * MINUTE, next_at: NOW + 22 * MINUTE }, handed_over: true,
    incident: null, incidents: [], repair: null, home: [{ path: 'out/checkpoint-1000.pt', bytes: 412_000_000, sha256: 'c0ffee'.repeat(10) + 'abcd', mtime_s: NOW / 1_000 - 400 }], home_at: NOW - 6 * MINUTE,
    checkpoint: null, bad_checkpoints: [], sound_step: null, away: null, left: [], intended: [], evals: [], samples: [], advice: null, trials: [], rescue: null, hold: null, keep: false, destroy_ordered: null, destroy_pending: null, bid_ordered: null, brain: noBrain(), backoff: {}, sentinel_s: 0, lease_until: NOW + 13 * MINUTE, tail: ["{'loss': 1.734, 'grad_norm': 0.91, 'learning_rate': 0.0002, 'epoch': 1.2}", ' 62%|██████▏   | 1240/2000 [06:02<03:42,  3.42it/s]'], eyes: NO_EYES, ...part,
  };
}

export const oom = (part: Partial<Incident> = {}): Incident => ({
  id: 1, opened_at: NOW - 95_000, step: 412, attempt: 1, usd: 0.2,
  diagnosis: {
    trigger: 'process_exited', cause: 'gpu_oom', confidence: 0.99, fingerprint: 'gpu_oom:torch', evidence: ['exit code 1'], transient: false, rung: 'reduce',
    signature: 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.',
    summary: 'The GPU ran out of memory in the backward pass: 23.1 of 23.6 GiB were taken when it asked for 2 GiB more.', next: 'Halve batch_size and resume from checkpoint-400.',
  },
  remedies: [{ remedy: { rung: 'reduce', knob: 'batch_size', from: 32, to: 16, keeps: null }, at: NOW - 90_000, why: 'the cause answers to batch_size, floor 4', attempt: 1 }],
  ended: null, ...part,
});

const OOM_TAIL = [
  ' 20%|██        | 410/2000 [02:01<07:48,  3.39it/s]',
  ' 21%|██        | 412/2000 [02:02<07:50,  3.37it/s]',
  'Traceback (most recent call last):',
  '  File "train.py", line 188, in <module>',
  '    main()',
  '  File "train.py", line 141, in main',
  '    loss.backward()',
  '  File "torch/_tensor.py", line 626, in backward',
  '    torch.autograd.backward(',
  'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.',
  'GPU 0 has a total capacity of 23.64 GiB of which 512.00 MiB is free.',
];

const said = (lines: [minutes: number, actor: Said['actor'], run: string | null, level: Said['level'], text: string][], from = 0): Said[] => lines.map(([minutes, actor, on, level, text], index) => ({ seq: from + index + 1, at: NOW - minutes * MINUTE, actor, run: on, level, text }));

/** Everything is well. */
export function calmWorld(): World {
  return {
    ...emptyWorld(NOW),
    seq: 40, started_at: NOW - 95 * MINUTE, day: { start: Date.parse('2026-03-14T00:00:00Z'), usd: 0, wasted: 0, rescued: 0 }, account: { credit_usd: 41.27, email: 'me@example.org', at: NOW - 9_000 }, market: { health: 'ok', since: NOW - 95 * MINUTE, reason: null, list_at: NOW - 4_000 },
    fleet: {
      31244: instance(31_244, 'nanogpt-shakespeare'),
      31251: instance(31_251, 'llama-lora', { facts: facts(31_251, { gpu_name: 'A100 SXM4', dph_total: 1.104, dph_base: 1.09 }), usd: { ...noUsd(), loading: 0.06, setup: 0.11, productive: 1.944 } }),
      31260: instance(31_260, 'vit-finetune', { usd: { ...noUsd(), loading: 0.05, setup: 0.02, idle: 0.041, productive: 0.155 }, facts: facts(31_260, { gpu_name: 'RTX 3090', dph_total: 0.218, dph_base: 0.21 }) }),
      31277: instance(31_277, 'whisper-sv', { bucket: 'loading', since: NOW - 2 * MINUTE, usd: noUsd(), facts: facts(31_277, { actual_status: 'loading', dph_total: 0.305 }), rate: 0.012 }),
      30871: instance(30_871, null, { facts: facts(30_871, { gpu_name: 'RTX 3060', dph_total: 0.071, label: 'jupyter-old' }) }),
    },
    runs: {
      'nanogpt-shakespeare': run('nanogpt-shakespeare', 31_244, {
        spec: spec('demo', { objective: { metric: 'val_loss', direction: 'min' } }), evals: Array.from({ length: 12 }, (_, index) => ({ step: 100 * (index + 1), value: 1.9 + 1.6 * Math.exp(-index / 4) })),
        eyes: { ...NO_EYES, rhythm: { ...NO_EYES.rhythm, pace: 295 } },
      }),
      'llama-lora': run('llama-lora', 31_251, {
        submitted_at: NOW - 70 * MINUTE, spec: spec('llama-lora', { kill: { hours: 24, dollars: 20 } }),
        progress: { reading: reading({ step: 12_400, total_steps: 60_000, rate: { value: 31_200, unit: 'tok/s' }, eval: { eval_loss: 1.213 }, eta_s: 19_400 }), advanced_at: NOW, gaps: [], marks: [] },
        check: { at: NOW - 9 * MINUTE, why: 'scheduled', reading: probe(99, 92), failure: null },
      }),
      'vit-finetune': run('vit-finetune', 31_260, {
        submitted_at: NOW - 50 * MINUTE, progress: { reading: reading({ step: 88, total_steps: 900, rate: { value: 1.9, unit: 's/it' }, eval: { accuracy: 0.814 } }), advanced_at: NOW, gaps: [], marks: [] },
        check: { at: NOW - 30_000, why: 'scheduled', reading: probe(84, 47), failure: null }, cadence: { phase: 'early', index: 2, healthy_in_a_row: 1, started_at: NOW - 5 * MINUTE, next_at: NOW + 7 * MINUTE },
      }),
      'whisper-sv': run('whisper-sv', 31_277, { submitted_at: NOW - 4 * MINUTE, stage: 'loading', stage_since: NOW - 2 * MINUTE, progress: null, check: null, cadence: null, home: [], home_at: null, tail: [], ran_here: false, attempts: [attempt(1, 31_277, { started_at: null, first_step: null, last_step: null })] }),
      'cifar-baseline': run('cifar-baseline', null, {
        submitted_at: NOW - 200 * MINUTE, stage: 'closed', stage_since: NOW - 20 * MINUTE, closed_at: NOW - 20 * MINUTE, verdict: 'done', verdict_reason: 'the command ended well and its results are home',
        progress: { reading: reading({ step: 5000, total_steps: 5000, eval: { accuracy: 0.9312 } }), advanced_at: NOW - 22 * MINUTE, gaps: [], marks: [] },
      }),
    },
    said: said([
      [90, 'runner', 'nanogpt-shakespeare', 'info', '214 offers fit, cheapest all-in $0.41/h: RTX 4090 in SE, reliability 0.998'],
      [88, 'runner', 'nanogpt-shakespeare', 'info', 'rented instance 31244 for $0.41/h, label vastsit:nanogpt-shakespeare:1'],
      [81, 'runner', 'nanogpt-shakespeare', 'milestone', 'first forward step seen; handed over to the babysitter'],
      [40, 'babysitter', 'llama-lora', 'info', 'check: step 9120, 31.1k tok/s inside its band, GPU 99%; next in 30 min'],
      [22, 'sentinel', 'cifar-baseline', 'milestone', 'training ended with exit code 0'],
      [21, 'babysitter', 'cifar-baseline', 'milestone', '6 files (812 MB) are home and verified by hash'],
      [20, 'babysitter', 'cifar-baseline', 'info', 'destroyed instance 31102: two reads say gone; the run cost $1.18'],
      [9, 'babysitter', 'llama-lora', 'info', 'check: step 11800, healthy twice in a row, so the cadence goes to 30 min'],
      [4, 'user', 'whisper-sv', 'info', 'launch experiments/whisper-sv.yaml'],
      [4, 'runner', 'whisper-sv', 'info', '61 offers fit; skipped machine 4412, which stuck in loading yesterday'],
      [2, 'runner', 'whisper-sv', 'info', 'rented instance 31277; waiting for it to load, at most 8 min'],
      [0.7, 'babysitter', 'nanogpt-shakespeare', 'info', 'check: step 1240, 3.42 it/s, GPU 97%, loss 1.73 and falling; nothing to do'],
    ]),
  };
}

/** One run has crashed and is under repair; another is held. */
export function alertWorld(): World {
  const world = calmWorld();
  const broken = run('vit-finetune', 31_260, {
    submitted_at: NOW - 50 * MINUTE, stage: 'repairing', stage_since: NOW - 90_000, incident: oom(), tail: OOM_TAIL, knobs: { batch_size: 16 },
    repair: { remedy: { rung: 'reduce', knob: 'batch_size', from: 32, to: 16, keeps: null }, stopped: true, applied: false, not_before: NOW },
    progress: { reading: reading({ step: 412, loss: 2.01, eval: null }), advanced_at: NOW - 95_000, gaps: [], marks: marks(412) }, attempts: [attempt(1, 31_260, { last_step: 412, ended_at: NOW - 95_000, exit: { exit_code: 1, signal: null, oom_kills: 0, tail: OOM_TAIL } })],
    home: [{ path: 'out/checkpoint-400.pt', bytes: 344_000_000, sha256: 'beef'.repeat(16), mtime_s: NOW / 1_000 - 130 }], home_at: NOW - 80_000,
  });
  const held = { ...world.runs['llama-lora'], hold: { until: NOW + 24 * MINUTE, reason: 'look at the attention maps' } } as RunState;
  return {
    ...world,
    fleet: { ...world.fleet, 31260: { ...instance(31_260, 'vit-finetune'), bucket: 'idle', since: NOW - 95_000, usd: { ...noUsd(), loading: 0.05, setup: 0.02, idle: 0.041, productive: 0.155 }, facts: facts(31_260, { gpu_name: 'RTX 3090', dph_total: 0.218 }), rate: 0.218 } },
    runs: { ...world.runs, 'vit-finetune': broken, 'llama-lora': held },
    said: [
      ...world.said,
      ...said([
        [1.58, 'sentinel', 'vit-finetune', 'alert', 'the training ended with exit code 1 (pushed, no check was needed)'],
        [1.57, 'babysitter', 'vit-finetune', 'alert', 'gpu_oom at step 412: the GPU ran out of memory in the backward pass'],
        [1.55, 'babysitter', 'vit-finetune', 'info', 'checkpoint-400.pt (344 MB) is home and verified'],
        [1.5, 'babysitter', 'vit-finetune', 'info', 'ladder: reduce batch_size 32 to 16 (floor 4), resume from checkpoint-400; rerun refused: the cause is not transient'],
      ], world.said.length),
    ],
  };
}

/** The broken run's model proposes a change of the code, and waits for a word. */
export function askingWorld(lines = 0): World {
  const world = alertWorld();
  const more = Array.from({ length: lines }, (_, index) => ` line ${index}\n`).join('');
  const diff = `--- a/train.py\n+++ b/train.py\n@@ -141 +141 @@\n-    loss.backward()\n+    loss.backward(retain_graph=True)\n${more}`;
  const asking = { ...(world.runs['vit-finetune'] as RunState), stage: 'ended' as const, repair: null, brain: { ...noBrain(), consult: { stage: 'pending' as const, key: '1.1.0', incident: 1, proposal: { diagnosis: 'The graph is freed too early.', action: { kind: 'apply_diff' as const, diff } }, why: 'it is much for a simple run', at: NOW, until: NOW + 5 * MINUTE } } };
  return { ...world, runs: { ...world.runs, 'vit-finetune': asking } };
}

/** `count` runs that train, for windows and speed. */
export function crowdedWorld(count: number): World {
  const world = calmWorld();
  const names = Array.from({ length: count }, (_, index) => `sweep-${String(index).padStart(3, '0')}`);
  return { ...world, runs: Object.fromEntries(names.map((name, index) => [name, run(name, 40_000 + index, { submitted_at: NOW - 1_000 * (count - index) })])) };
}

/** Names and logs in scripts that are wide, joined or written right to left. */
export function foreignWorld(): World {
  const world = calmWorld();
  const wide = run('nanogpt-shakespeare', 31_244, { tail: ['学習中 ステップ 10 損失 1.2', 'emoji 👩‍🔬 done ✅', '\x1b]0;owned\x07plain \x1b[31mred\x1b[0m \u202eevil', 'tab\tbed'] });
  return { ...world, runs: { ...world.runs, 'nanogpt-shakespeare': wide }, said: [...world.said, { seq: 99, at: NOW, actor: 'runner', run: 'nanogpt-shakespeare', level: 'info', text: '日本語のログ 👩‍🔬 שלום \x1b[2J\u202eabc' }] };
}
