// Measures the progress reader in MB/s of processor time (a shared machine's wall clock says nothing), over generated logs of several shapes: node test/bench/parser-speed.mjs [MB]
import { bundle } from './bundle.mjs';

const { createProgressReader, triage } = await bundle("export { createProgressReader } from './src/core/progress/index.ts'; export { triage } from './src/core/triage/index.ts';");
const size = Number(process.argv[2] ?? 32) * 1e6;
const shapes = {
  bars: (n) => `\r ${n % 100}%|████▌     | ${n}/1000000 [1:02:03<4:05:06,  ${(n % 90) / 10 + 1}it/s]`,
  'bars, loss': (n) => `\rEpoch 3:  ${n % 100}%|████▌     | ${n}/1000000 [1:02:03<4:05:06,  7.50it/s, v_num=0, train_loss=0.${n}]`,
  dicts: (n) => `{'loss': 0.${n}, 'grad_norm': 1.${n}, 'learning_rate': 4.${n}e-05, 'epoch': ${n / 1e4}}\n`,
  nanogpt: (n) => `iter ${n}: loss 2.${n}, time 123.${n % 100}ms, mfu 34.5%\n`,
  megatron: (n) => ` iteration ${n}/  500000 | consumed samples: ${n * 8} | elapsed time per iteration (ms): 1234.5 | learning rate: 1.5E-04 | global batch size:  8 | lm loss: 2.${n}E+00 | loss scale: 65536.0 | grad norm: 0.9 | number of skipped iterations:   0 |\n`,
  meters: (n) => `Epoch: [5]  [${n}/90000]  eta: 0:06:52  lr: 0.0001  loss: 4.${n} (4.1799)  wd: 0.2396 (0.2383)  time: 0.5033  data: 0.0001  max mem: 11664\n`,
  prose: (n) => `[2026-01-02 03:04:05,${n % 1000}] [INFO] [worker.py:${n % 900}:run] the data loader of shard number ${n} opened its file again after the pause\n`,
  'no digits': () => 'the quick brown fox jumps over the lazy dog and the model goes on training without a word about it\n',
};
console.log('shape          MB/s');
let slowest = Infinity;
for (const [name, line] of Object.entries(shapes)) {
  let block = '';
  for (let n = 100_000; block.length < 2e6; n++) block += line(n);
  const bytes = new TextEncoder().encode(block);
  const run = (total) => {
    const reader = createProgressReader();
    const started = process.cpuUsage();
    let fed = 0;
    while (fed < total) {
      for (let at = 0; at < bytes.length; at += 65_536) reader.feed(bytes.subarray(at, at + 65_536));
      fed += bytes.length;
    }
    reader.reading();
    return fed / 1e6 / (process.cpuUsage(started).user / 1e6);
  };
  run(4e6);
  const speed = run(size);
  slowest = Math.min(slowest, speed);
  console.log(`${name.padEnd(12)} ${speed.toFixed(0).padStart(6)}`);
}
console.log(`slowest      ${slowest.toFixed(0).padStart(6)}`);
const log = Array.from({ length: 60 }, (_, n) => shapes.nanogpt(n)).join('') + 'Traceback (most recent call last):\n  File "train.py", line 9, in <module>\n    main()\ntorch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n';
const started = process.cpuUsage();
for (let n = 0; n < 5_000; n++) triage({ log });
console.log(`triage: ${(5_000 / (process.cpuUsage(started).user / 1e6)).toFixed(0)} logs of ${log.length} characters a second`);
