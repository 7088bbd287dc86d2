/** What a trainer prints. The production reader and triage get these lines and nothing else of what the simulation knows. */
import type { LogKind } from './world.ts';

export function progressLine(step: number, total: number, secondsPerStep: number, diverged: boolean): string {
  const loss = diverged ? 'nan' : (0.4 + 2.2 / Math.sqrt(1 + step / 50)).toFixed(4);
  return `step ${step}/${total} | loss ${loss} | lr ${(2e-4 * (1 - step / (total + 1))).toExponential(2)} | ${secondsPerStep.toFixed(2)} s/it\n`;
}

export const LOADING = 'Loading checkpoint shards: reading weights from disk\n';
export const EVALUATING = '***** Running Evaluation *****\n';
export const evaluated = (step: number): string => `{'eval_loss': ${(0.5 + 2 / Math.sqrt(1 + step / 50)).toFixed(4)}, 'eval_runtime': 118.2}\n`;
export const DONE = 'Training completed.\n';

const trace = (line: number, call: string, error: string): string => `Traceback (most recent call last):\n  File "train.py", line ${line}, in main\n    ${call}\n${error}\n`;

/** What is printed as it ends, and how it ends. */
export const ENDINGS: Readonly<Record<LogKind, { text: string; exit_code: number | null; signal: string | null; oom_kills?: number }>> = {
  module: { text: trace(4, 'import einops', "ModuleNotFoundError: No module named 'einops'"), exit_code: 1, signal: null },
  type: { text: trace(88, 'loss = criterion(out, batch)', "TypeError: 'NoneType' object is not subscriptable"), exit_code: 1, signal: null },
  key: { text: trace(61, "labels = batch['labelz']", "KeyError: 'labelz'"), exit_code: 1, signal: null },
  name: { text: trace(70, 'sched.step()', "NameError: name 'sched' is not defined"), exit_code: 1, signal: null },
  file: { text: trace(33, 'train = read_split(path)', "FileNotFoundError: [Errno 2] No such file or directory: 'data/trian.jsonl'"), exit_code: 1, signal: null },
  os: { text: trace(52, 'cache = prepare(path)', "OSError: [Errno 22] Invalid argument: 'data/cache:v2'"), exit_code: 1, signal: null },
  argument: { text: 'usage: train.py [-h] [--batch-size N] [--lr X]\ntrain.py: error: argument --lr: invalid float value\n', exit_code: 2, signal: null },
  auth: { text: trace(20, 'model = load(name)', 'huggingface_hub.errors.GatedRepoError: 401 Client Error. Access to model meta-llama/Llama-3.1-8B is restricted.'), exit_code: 1, signal: null },
  oom: { text: trace(97, 'loss.backward()', 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.65 GiB of which 512.00 MiB is free.'), exit_code: 1, signal: null },
  killed: { text: 'Killed\n', exit_code: 137, signal: null, oom_kills: 1 },
  worker: { text: trace(80, 'for batch in loader:', 'RuntimeError: DataLoader worker (pid 4121) is killed by signal: Bus error. It is possible that dataloader\'s workers are out of shared memory.'), exit_code: 1, signal: null },
  disk: { text: trace(120, 'save(state, path)', 'OSError: [Errno 28] No space left on device'), exit_code: 1, signal: null },
  hub: { text: trace(122, 'push(folder)', 'huggingface_hub.errors.HfHubHTTPError: 503 Server Error: Service Temporarily Unavailable for url'), exit_code: 1, signal: null },
  reset: { text: trace(122, 'push(folder)', "requests.exceptions.ConnectionError: ('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))"), exit_code: 1, signal: null },
  write: { text: trace(120, 'save(state, path)', 'RuntimeError: [enforce fail at inline_container.cc:626] . unexpected pos 1408 vs 1302'), exit_code: 1, signal: null },
  driver: { text: trace(12, 'torch.cuda.init()', 'RuntimeError: The NVIDIA driver on your system is too old (found version 12020).'), exit_code: 1, signal: null },
  init: { text: trace(12, 'torch.cuda.init()', 'RuntimeError: CUDA error: unknown error'), exit_code: 1, signal: null },
  nccl_init: { text: trace(15, 'dist.init_process_group("nccl")', 'torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:1970, unhandled system error, NCCL version 2.21.5'), exit_code: 1, signal: null },
  xid: { text: 'NVRM: Xid (PCI:0000:41:00): 79, pid=2211, GPU has fallen off the bus.\n' + trace(97, 'loss.backward()', 'RuntimeError: CUDA error: unspecified launch failure'), exit_code: 1, signal: null },
  illegal: { text: trace(97, 'loss.backward()', 'RuntimeError: CUDA error: an illegal memory access was encountered'), exit_code: 1, signal: null },
  nccl: { text: trace(97, 'loss.backward()', 'torch.distributed.DistBackendError: NCCL error: remote process exited or there was a network error, ncclRemoteError'), exit_code: 1, signal: null },
  watchdog: { text: '[rank0]:[E] ProcessGroupNCCL.cpp:616] [Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=4411, OpType=ALLREDUCE) ran for 600012 milliseconds before timing out.\nterminate called after throwing an instance of c10::DistBackendError\n', exit_code: null, signal: 'ABRT' },
  silent: { text: '', exit_code: 1, signal: null },
  nan: { text: '', exit_code: 1, signal: null },
};
