// Measures the progress reader in MB/s of processor time (a shared machine's wall clock says nothing), over generated logs of several shapes, beside a script that finds every number and the word before it with one pattern: node test/bench/parser-speed.mjs [MB]
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
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
const WORD_AND_NUMBER = /([A-Za-z_/]+)[^\dA-Za-z\n]{1,4}(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)/g;
/** MB/s of processor time that `work` takes for `total` bytes of `bytes`, fed in pieces as a pipe does. */
function speedOf(bytes, total, work, end) {
  const started = process.cpuUsage();
  let fed = 0;
  while (fed < total) {
    for (let at = 0; at < bytes.length; at += 65_536) work(bytes.subarray(at, at + 65_536));
    fed += bytes.length;
  }
  end();
  return fed / 1e6 / (process.cpuUsage(started).user / 1e6);
}
console.log('shape          MB/s   pattern   ratio');
let slowest = Infinity;
for (const [name, line] of Object.entries(shapes)) {
  let block = '';
  for (let n = 100_000; block.length < 2e6; n++) block += line(n);
  const bytes = new TextEncoder().encode(block);
  const reader = createProgressReader();
  const decoder = new TextDecoder();
  let sum = 0;
  const script = (chunk) => {
    for (const line of decoder.decode(chunk, { stream: true }).split(/[\r\n]/)) for (const [, word, number] of line.matchAll(WORD_AND_NUMBER)) sum += word.length + Number(number);
  };
  const ours = (total) => speedOf(bytes, total, (chunk) => reader.feed(chunk), () => reader.reading());
  ours(4e6);
  const speed = ours(size);
  speedOf(bytes, 4e6, script, () => sum);
  const peer = speedOf(bytes, size / 2, script, () => sum);
  slowest = Math.min(slowest, speed);
  console.log(`${name.padEnd(12)} ${speed.toFixed(0).padStart(6)} ${peer.toFixed(0).padStart(9)} ${(speed / peer).toFixed(1).padStart(7)}`);
}
console.log(`slowest      ${slowest.toFixed(0).padStart(6)}`);
// A log without an end of line, and one of lines that never repeat: what the reader keeps does not grow with them.
const hungry = createProgressReader();
const kept = [];
for (let turn = 0; turn < 3; turn++) {
  for (let n = 0; n < 400; n++) hungry.feed(turn === 0 ? 'loss 0.1 '.repeat(10_000) : Array.from({ length: 1_000 }, (_, at) => `word${(turn * 400 + n) * 1_000 + at}: ${at} lorem ipsum dolor sit amet\n`).join(''));
  hungry.reading();
  globalThis.gc?.();
  kept.push((process.memoryUsage().heapUsed / 1e6).toFixed(0));
}
console.log(`heap after each of three logs of 36 to 16 MB: ${kept.join(', ')} MB${globalThis.gc ? '' : ' (node --expose-gc for exact figures)'}`);
const log = Array.from({ length: 60 }, (_, n) => shapes.nanogpt(n)).join('') + 'Traceback (most recent call last):\n  File "train.py", line 9, in <module>\n    main()\ntorch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n';
const started = process.cpuUsage();
for (let n = 0; n < 5_000; n++) triage({ log });
console.log(`triage: ${(5_000 / (process.cpuUsage(started).user / 1e6)).toFixed(0)} logs of ${log.length} characters a second`);
// The program itself, from its start to its end: logs of different shapes and ends as JSON lines in, a verdict a line out.
const program = fileURLToPath(new URL('../../bin/vastsit-tui.js', import.meta.url));
const built = fileURLToPath(new URL('../../dist', import.meta.url));
if (!existsSync(built)) console.log('--jsonl: not measured, the program is not built (npm run build)');
else {
  const ends = ['', log.slice(log.indexOf('Traceback')), 'Training complete.\n'];
  const names = Object.keys(shapes);
  const logs = Array.from({ length: 10_000 }, (_, n) => JSON.stringify({ id: `log-${n}`, text: Array.from({ length: 16 }, (_, at) => shapes[names[n % names.length]](n + at)).join('') + ends[n % ends.length] }));
  const input = `${logs.join('\n')}\n`;
  const began = performance.now();
  const hook = 'data:text/javascript,process.on("exit",()=>process.stderr.write(`${(process.cpuUsage().user+process.cpuUsage().system)/1e6}`))';
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', hook, program, 'triage', '--jsonl', '-'], { input, encoding: 'utf8', maxBuffer: 1e9 });
  const seconds = (performance.now() - began) / 1_000;
  const answers = stdout.trimEnd().split('\n').length;
  console.log(`--jsonl: ${answers} of ${logs.length} logs (${(input.length / 1e3 / logs.length).toFixed(1)} KB each) in ${seconds.toFixed(1)} s, the start included: ${(answers / seconds).toFixed(0)} logs a second by the wall clock, ${(answers / Number(stderr)).toFixed(0)} by processor time`);
}
