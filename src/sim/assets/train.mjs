#!/usr/bin/env node
// A small training run that is real: an MLP learns a function by mini-batch SGD, logs like the trainers people use,
// saves checkpoints by rename and resumes from them exactly. In a simulated box it also obeys that box's faults.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

const DEFAULTS = { steps: 70, 'batch-size': 32, 'grad-accum': 1, workers: 2, lr: 0.08, out: 'ckpt', 'save-every': 10, 'eval-every': 20, 'seconds-per-step': 1, seed: 7, resume: '', final: 'out/model.json', need: [] };
const HELP = `usage: node train.mjs [options]
  --steps N              optimizer steps (${DEFAULTS.steps})
  --batch-size N         examples in a micro-batch (${DEFAULTS['batch-size']})
  --grad-accum N         micro-batches in a step (${DEFAULTS['grad-accum']})
  --workers N            processes that load batches ahead; 0 loads between the steps (${DEFAULTS.workers})
  --lr X                 learning rate at the start; decays linearly (${DEFAULTS.lr})
  --out DIR              checkpoints go to DIR/step-000010.json (${DEFAULTS.out})
  --save-every N         steps between checkpoints (${DEFAULTS['save-every']})
  --eval-every N         steps between evaluations (${DEFAULTS['eval-every']})
  --seconds-per-step X   how long a step takes; in a simulated box on its faster clock (${DEFAULTS['seconds-per-step']})
  --seed N               seed of data and weights (${DEFAULTS.seed})
  --resume PATH          go on from this checkpoint
  --final FILE           the trained model (${DEFAULTS.final})
  --need MODULE          a module that must be installed; may be repeated
`;

function parseArgs(argv) {
  const args = { ...DEFAULTS, need: [] };
  for (let index = 0; index < argv.length; index += 1) {
    const [flag, inline] = argv[index].split(/=(.*)/s);
    const name = flag.replace(/^--/, '');
    if (name === 'help' || flag === '-h') {
      writeSync(1, HELP);
      process.exit(0);
    }
    const value = inline ?? argv[(index += 1)];
    if (!flag.startsWith('--') || !(name in DEFAULTS) || value === undefined) usage(`unrecognized arguments: ${flag}`);
    if (name === 'need') args.need.push(value);
    else if (typeof DEFAULTS[name] === 'number') {
      args[name] = Number(value);
      if (!Number.isFinite(args[name])) usage(`argument --${name}: invalid number: '${value}'`);
    } else args[name] = value;
  }
  for (const name of ['steps', 'batch-size', 'grad-accum', 'save-every', 'eval-every']) if (!Number.isInteger(args[name]) || args[name] < 1) usage(`argument --${name}: must be a whole number of 1 or more`);
  return args;
}
function usage(problem) {
  writeSync(2, `usage: node train.mjs [options]; --help lists them\ntrain.mjs: error: ${problem}\n`);
  process.exit(2);
}

const args = parseArgs(process.argv.slice(2));
const scale = Number(process.env.VASTSIT_SIM_SCALE ?? 1) || 1;
const attempt = Number(process.env.VASTSIT_ATTEMPT ?? 1);

// Output is written at once, as with PYTHONUNBUFFERED.
function write(fd, text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') process.exit(error.code === 'EPIPE' ? 141 : 1);
    }
  }
}
/** Dies as Python does. */
function traceback(frames, last) {
  write(2, `Traceback (most recent call last):\n${frames.map(([file, line, name, code]) => `  File "${file}", line ${line}, in ${name}\n    ${code}\n`).join('')}${last}\n`);
  process.exit(1);
}
const SCRIPT = '/workspace/train.py';
const TORCH = '/venv/main/lib/python3.11/site-packages/torch';

// --- the simulated box ---
function faults() {
  try {
    const list = JSON.parse(readFileSync(process.env.VASTSIT_SIM_FAULTS, 'utf8'));
    return list.filter((fault) => fault.attempt === null || fault.attempt === attempt);
  } catch {
    return [];
  }
}
const fault = (kind, step) => faults().find((each) => each.kind === kind && (step === undefined || each.step === step));
let throttled = 0;
function gpu(util, power, mem = Math.min(0.94, 0.28 + 0.02 * args['batch-size'])) {
  const path = process.env.VASTSIT_SIM_GPU;
  if (!path) return;
  try {
    writeFileSync(`${path}.${process.pid}`, `${JSON.stringify({ pid: process.pid, util, mem: Number(mem.toFixed(4)), power: Number(power.toFixed(3)), throttled })}\n`);
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    // the box is going away
  }
}
/** Seconds until the next batch is there, beside the `compute` seconds of this one. */
function batchAfter(compute) {
  const load = fault('loading');
  if (!load) return compute;
  if (args.workers === 0) return compute + load.seconds;
  // A disk that several read from at once moves its head between them.
  return Math.max(compute, load.one_disk ? load.seconds * (1 + 0.1 * (args.workers - 1)) : load.seconds / args.workers);
}
/** The time that a step takes, and what the card does in it on average, also where it mostly waits. */
async function pass(step) {
  const slow = faults().find((each) => (each.kind === 'slow' || each.kind === 'throttled') && step > each.after);
  throttled = slow?.kind === 'throttled' ? 1 : 0;
  const compute = args['seconds-per-step'] * (slow?.factor ?? 1);
  const whole = batchAfter(compute);
  gpu(Math.round(((95 + (step % 5)) * compute) / whole), 0.3 + ((0.56 + 0.01 * (step % 7)) * (throttled ? 0.6 : 1) * compute) / whole);
  await sleep(whole);
}
const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, (seconds * 1000) / scale));

function needModules() {
  const missing = [...args.need, ...faults().filter(({ kind }) => kind === 'missing_module').map(({ module }) => module)].find((name) => !existsSync(join(process.env.HOME ?? '.', '.site-packages', name)));
  if (missing !== undefined) traceback([[SCRIPT, 11, '<module>', `from ${missing} import rearrange`]], `ModuleNotFoundError: No module named '${missing}'`);
}

function outOfMemory() {
  const total = Number(process.env.VASTSIT_SIM_GPU_GIB ?? 24);
  const gib = (share) => (total * share).toFixed(2);
  gpu(98, 0.7, 0.98);
  const frames = [[SCRIPT, 214, '<module>', 'main()'], [SCRIPT, 187, 'main', 'loss = model(**batch).loss'], [`${TORCH}/nn/modules/module.py`, 1751, '_wrapped_call_impl', 'return self._call_impl(*args, **kwargs)'], [`${TORCH}/nn/functional.py`, 2140, 'softmax', 'ret = input.softmax(dim, dtype=dtype)']];
  traceback(frames, `torch.OutOfMemoryError: CUDA out of memory. Tried to allocate ${gib(0.085)} GiB. GPU 0 has a total capacity of ${gib(1)} GiB of which ${gib(0.031)} GiB is free. Process ${process.pid} has ${gib(0.969)} GiB memory in use. Of the allocated memory ${gib(0.91)} GiB is allocated by PyTorch, and ${gib(0.035)} GiB is reserved by PyTorch but unallocated. If reserved but unallocated memory is large try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid fragmentation.  See documentation for Memory Management  (https://pytorch.org/docs/stable/notes/cuda.html#environment-variables)`);
}

/** What befalls this step before it is done. */
async function befall(step) {
  const oom = fault('oom', step);
  if (oom && (oom.unless_batch === null || args['batch-size'] > oom.unless_batch)) outOfMemory();
  if (fault('segfault', step)) process.kill(process.pid, 'SIGSEGV');
  if (fault('killed', step)) process.kill(process.pid, 'SIGKILL');
  const exit = fault('exit', step);
  if (exit) process.exit(exit.code);
  if (fault('disk_full', step)) traceback([[SCRIPT, 203, 'main', 'save_checkpoint(model, optimizer, step)'], [`${TORCH}/serialization.py`, 964, 'save', '_save(obj, opened_zipfile, pickle_module, pickle_protocol)']], 'OSError: [Errno 28] No space left on device');
  if (fault('hang', step)) {
    // Like a collective that waits for a peer: the GPU spins, and draws little.
    gpu(100, 0.29);
    for (;;) await new Promise((resolve) => setTimeout(resolve, 2 ** 30));
  }
  // A signal to oneself is taken in a moment.
  if (fault('segfault', step) || fault('killed', step)) await new Promise((resolve) => setTimeout(resolve, 2 ** 30));
}

// --- the model: y = w2 tanh(w1 x + b1) + b2, learning a fixed wavy function of 6 inputs ---
const INPUTS = 6;
const HIDDEN = 24;
function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
const target = (x) => Math.sin(2 * x[0]) + 0.6 * x[1] * x[2] - 0.8 * x[3] + 0.4 * Math.cos(3 * x[4]) + 0.2 * x[5];
/** Examples depend on seed and step alone, so a resumed run sees just what an unbroken one would have seen. */
function examples(count, stream) {
  const random = dice(Math.imul(args.seed, 1_000_003) + stream);
  return Array.from({ length: count }, () => {
    const x = Array.from({ length: INPUTS }, () => random() * 2 - 1);
    return { x, y: target(x) };
  });
}
const SIZE = HIDDEN * INPUTS + HIDDEN + HIDDEN + 1;
function initial() {
  const random = dice(args.seed);
  return Array.from({ length: SIZE }, (_, index) => (random() * 2 - 1) * (index < HIDDEN * INPUTS ? 0.7 : 0.3));
}
function forward(w, x) {
  const hidden = [];
  let y = w[SIZE - 1];
  for (let h = 0; h < HIDDEN; h += 1) {
    let sum = w[HIDDEN * INPUTS + h];
    for (let i = 0; i < INPUTS; i += 1) sum += w[h * INPUTS + i] * x[i];
    hidden.push(Math.tanh(sum));
    y += w[HIDDEN * INPUTS + HIDDEN + h] * hidden[h];
  }
  return { hidden, y };
}
/** Adds the gradient of the summed squared error of one micro-batch; returns that error. */
function backward(w, batch, gradient) {
  let error = 0;
  for (const { x, y } of batch) {
    const seen = forward(w, x);
    const d = seen.y - y;
    error += d * d;
    gradient[SIZE - 1] += 2 * d;
    for (let h = 0; h < HIDDEN; h += 1) {
      gradient[HIDDEN * INPUTS + HIDDEN + h] += 2 * d * seen.hidden[h];
      const back = 2 * d * w[HIDDEN * INPUTS + HIDDEN + h] * (1 - seen.hidden[h] ** 2);
      gradient[HIDDEN * INPUTS + h] += back;
      for (let i = 0; i < INPUTS; i += 1) gradient[h * INPUTS + i] += back * x[i];
    }
  }
  return error;
}
function trainStep(w, step) {
  const size = args['batch-size'];
  const all = examples(size * args['grad-accum'], step);
  const gradient = new Array(SIZE).fill(0);
  let error = 0;
  for (let micro = 0; micro < args['grad-accum']; micro += 1) error += backward(w, all.slice(micro * size, (micro + 1) * size), gradient);
  const rate = args.lr * (1 - (step - 1) / args.steps);
  let norm = 0;
  for (let index = 0; index < SIZE; index += 1) {
    const g = gradient[index] / all.length;
    norm += g * g;
    w[index] -= rate * g;
  }
  return { loss: error / all.length, grad_norm: Math.sqrt(norm), learning_rate: rate };
}
function evaluate(w) {
  const held = examples(256, 0);
  return held.reduce((sum, { x, y }) => sum + (forward(w, x).y - y) ** 2, 0) / held.length;
}

// --- files and lines ---
function save(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.tmp`;
  const file = openSync(draft, 'w');
  writeSync(file, JSON.stringify(content));
  fsyncSync(file);
  closeSync(file);
  renameSync(draft, path);
}
const fixed = (value, digits) => (Number.isNaN(value) ? 'nan' : Number(value.toPrecision(digits)));
const dict = (entries) => `{${Object.entries(entries).map(([key, value]) => `'${key}': ${value}`).join(', ')}}\n`;
/** JSON has no word for what is not a number; a checkpoint of such is as large as any. */
const word = (weight) => (Number.isNaN(weight) ? 'NaN'.padEnd(19) : weight);
const two = (n) => String(n).padStart(2, '0');
const clockText = (seconds) => {
  const s = Math.max(0, Math.round(seconds));
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${two(Math.floor(s / 60))}:${two(s % 60)}`;
};
function bar(step, done, elapsed) {
  const share = step / args.steps;
  const blocks = Math.floor(share * 10);
  const rate = done > 0 && elapsed > 0 ? done / elapsed : 0;
  const speed = rate === 0 ? '?it/s' : rate >= 1 ? `${rate.toFixed(2)}it/s` : `${(1 / rate).toFixed(2)}s/it`;
  const left = rate === 0 ? '?' : clockText((args.steps - step) / rate);
  return `\r${String(Math.floor(share * 100)).padStart(3)}%|${'█'.repeat(blocks)}${' '.repeat(10 - blocks)}| ${step}/${args.steps} [${clockText(elapsed)}<${left}, ${speed}]`;
}

async function main() {
  needModules();
  let weights = initial();
  let first = 1;
  if (args.resume !== '') {
    let saved;
    try {
      saved = JSON.parse(readFileSync(args.resume, 'utf8'));
    } catch (error) {
      traceback([[SCRIPT, 142, 'main', 'state = load_checkpoint(args.resume)']], error.code === 'ENOENT' ? `FileNotFoundError: [Errno 2] No such file or directory: '${args.resume}'` : `RuntimeError: checkpoint ${args.resume} cannot be read`);
    }
    if (!fault('resume_ignored')) {
      weights = saved.weights.map(Number);
      first = saved.step + 1;
      write(1, `Resuming training from ${args.resume} at global step ${saved.step}\n`);
    }
  }
  write(1, `***** Running training *****\n  Instantaneous batch size per device = ${args['batch-size']}\n  Gradient Accumulation steps = ${args['grad-accum']}\n  Total optimization steps = ${args.steps}\n`);
  const began = performance.now();
  const elapsed = () => ((performance.now() - began) / 1000) * scale;
  let [sum, silent, last] = [0, null, {}];
  const log = (entries) => {
    write(2, `\r${' '.repeat(72)}\r`);
    write(1, dict(entries));
  };
  gpu(96, 0.86);
  for (let step = first; step <= args.steps; step += 1) {
    await pass(step);
    await befall(step);
    const nan = fault('nan', step);
    if (nan && args.lr > (nan.unless_lr ?? -1)) {
      weights = weights.map(() => NaN);
      silent = nan.shown ?? null;
    }
    const seen = trainStep(weights, step);
    // A running mean goes on for a while from the last numbers that were some.
    if (silent !== null && step < silent) Object.assign(seen, last, { loss: last.loss * (1 + 0.01 * (silent - step)) });
    else last = seen;
    sum += seen.loss;
    log({ loss: fixed(seen.loss, 5), grad_norm: fixed(seen.grad_norm, 5), learning_rate: fixed(seen.learning_rate, 5), epoch: (step / 25).toFixed(2) });
    write(2, bar(step, step - first + 1, elapsed()));
    if (step % args['eval-every'] === 0) log({ eval_loss: fixed(evaluate(weights), 5), eval_runtime: 1.1, epoch: (step / 25).toFixed(2) });
    // A model that is not a number is no checkpoint worth keeping.
    if (step % args['save-every'] === 0 && (silent !== null || !weights.some(Number.isNaN))) save(join(args.out, `step-${String(step).padStart(6, '0')}.json`), { step, seed: args.seed, weights: weights.map(word) });
  }
  const seconds = elapsed();
  const done = Math.max(1, args.steps - first + 1);
  const eval_loss = evaluate(weights);
  log({ train_runtime: seconds.toFixed(2), train_samples_per_second: ((done * args['batch-size'] * args['grad-accum']) / Math.max(seconds, 1e-3)).toFixed(3), train_steps_per_second: (done / Math.max(seconds, 1e-3)).toFixed(4), train_loss: fixed(sum / done, 5), epoch: (args.steps / 25).toFixed(2) });
  save(args.final, { steps: args.steps, eval_loss, weights });
  save(join(dirname(args.final), 'metrics.json'), { steps: args.steps, eval_loss, batch_size: args['batch-size'], grad_accum: args['grad-accum'] });
  write(1, `Model saved to ${args.final}\n`);
}

await main();
process.exit(0);
