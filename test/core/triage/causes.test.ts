import { describe, expect, it } from 'vitest';
import type { Cause } from '../../../src/core/causes.ts';
import { triage } from '../../../src/core/triage/index.ts';

const trace = (...end: string[]) => ['Traceback (most recent call last):', '  File "/app/train.py", line 41, in <module>', '    main()', '  File "/app/train.py", line 30, in main', '    step(batch)', ...end, ''].join('\n');
const training = Array.from({ length: 12 }, (_, n) => `step ${n + 1}/100 | loss ${(3 - n / 10).toFixed(3)} | 2.5 it/s`).join('\n') + '\n';

const CAUSES: readonly [name: string, log: string, cause: Cause, transient?: boolean][] = [
  ['torch OOM', training + trace('torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 512.00 MiB. GPU 0 has a total capacity of 23.60 GiB'), 'gpu_oom', false],
  ['JAX OOM', trace('jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8589934592 bytes.'), 'gpu_oom'],
  ['TensorFlow OOM', trace('tensorflow.python.framework.errors_impl.ResourceExhaustedError: {{function_node __wrapped__Conv2D}} OOM when allocating tensor with shape[64,512,56,56] and type float on /job:localhost/replica:0/task:0/device:GPU:0'), 'gpu_oom'],
  ['cuBLAS without memory', trace('RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`'), 'gpu_oom'],
  ['host memory: kernel', `${training}[12345.678] Out of memory: Killed process 4242 (python) total-vm:90000000kB, anon-rss:62000000kB\n`, 'host_oom_killed'],
  ['host memory: allocator', trace("RuntimeError: [enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 68719476736 bytes. Error code 12 (Cannot allocate memory)"), 'host_oom_killed'],
  ['host memory: numpy', trace('numpy.core._exceptions._ArrayMemoryError: Unable to allocate 37.3 GiB for an array with shape (100000, 50000) and data type float64'), 'host_oom_killed'],
  ['host memory: shell', `${training}/var/run.sh: line 3:  4242 Killed                  python train.py\n`, 'host_oom_killed'],
  ['disk', training + trace("OSError: [Errno 28] No space left on device: 'out/checkpoint-500/optimizer.pt'"), 'disk_full', false],
  ['disk while a checkpoint is written', trace('RuntimeError: [enforce fail at inline_container.cc:603] . unexpected pos 1024 vs 960'), 'disk_full'],
  ['shared memory, not the disk', trace("RuntimeError: unable to write to file </torch_4242_1234567_0>: No space left on device (28)"), 'shm_dataloader'],
  ['bus error', `${training}ERROR: Unexpected bus error encountered in worker. This might be caused by insufficient shared memory (shm).\n${trace('RuntimeError: DataLoader worker (pid 4242) is killed by signal: Bus error. It is possible that dataloader\'s workers are out of shared memory.')}`, 'shm_dataloader'],
  ['open files', trace("OSError: [Errno 24] Too many open files: '/data/img_001.png'"), 'shm_dataloader'],
  ['worker gone', trace('  File "/usr/lib/python3/site-packages/torch/multiprocessing/reductions.py", line 541, in rebuild_storage_fd', '    fd = df.detach()', 'ConnectionRefusedError: [Errno 111] Connection refused'), 'shm_dataloader'],
  ['module', trace("ModuleNotFoundError: No module named 'einops'"), 'missing_dependency', false],
  ['module, by the interpreter', '/usr/bin/python3: No module named torch.distributed.run\n', 'missing_dependency'],
  ['command', 'run.sh: line 4: accelerate: command not found\n', 'missing_dependency'],
  ['optional package', trace('ImportError: FlashAttention2 has been toggled on, but it cannot be used due to the following error: the package flash_attn seems to be not installed.'), 'missing_dependency'],
  ['name moved', trace("ImportError: cannot import name 'cached_download' from 'huggingface_hub' (/usr/lib/python3/site-packages/huggingface_hub/__init__.py)"), 'dependency_version_mismatch', false],
  ['symbol', trace('ImportError: /usr/lib/python3/site-packages/flash_attn_2_cuda.so: undefined symbol: _ZN2at4_ops5zeros4callE'), 'dependency_version_mismatch'],
  ['numpy 2', trace("AttributeError: module 'numpy' has no attribute 'float'"), 'dependency_version_mismatch'],
  ['numpy ABI', trace('ValueError: numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88 from PyObject'), 'dependency_version_mismatch'],
  ['glibc', "python: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by python)\n", 'dependency_version_mismatch'],
  ['driver too old', trace('RuntimeError: The NVIDIA driver on your system is too old (found version 11040).'), 'cuda_driver_mismatch', false],
  ['kernel image', trace('RuntimeError: CUDA error: no kernel image is available for execution on the device'), 'cuda_driver_mismatch'],
  ['CPU build', trace('AssertionError: Torch not compiled with CUDA enabled'), 'cuda_driver_mismatch'],
  ['no driver', trace('RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU'), 'cuda_driver_mismatch'],
  ['container runtime', 'docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]].\n', 'cuda_driver_mismatch'],
  ['Xid', `${training}[1234.5] NVRM: Xid (PCI:0000:3b:00): 79, pid=4242, name=python, GPU has fallen off the bus.\n`, 'gpu_hardware', false],
  ['ECC', trace('RuntimeError: CUDA error: uncorrectable ECC error encountered'), 'gpu_hardware'],
  ['unspecified launch failure', trace('RuntimeError: CUDA error: unspecified launch failure'), 'gpu_hardware'],
  ['NCCL timeout', `${training}[rank2]:[E102 03:04:05.678 ProcessGroupNCCL.cpp:607] [Rank 2] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=88, OpType=ALLREDUCE, NumelIn=1, NumelOut=1, Timeout(ms)=600000) ran for 600011 milliseconds before timing out.\n`, 'nccl_comm', true],
  ['NCCL error', trace('torch.distributed.DistBackendError: NCCL error in: ../torch/csrc/distributed/c10d/ProcessGroupNCCL.cpp:1333, unhandled system error (run with NCCL_DEBUG=INFO for details), NCCL version 2.18.1'), 'nccl_comm'],
  ['port', trace('RuntimeError: The server socket has failed to listen on any local network address. The server socket has failed to bind to [::]:29500 (errno: 98 - Address already in use).'), 'nccl_comm', true],
  ['name resolution', trace("requests.exceptions.ConnectionError: HTTPSConnectionPool(host='example.org', port=443): Max retries exceeded with url: /a (Caused by NameResolutionError(\"Failed to resolve 'example.org'\"))"), 'network_download', true],
  ['hub not reachable', trace("OSError: We couldn't connect to 'https://example.org' to load this file, couldn't find it in the cached files"), 'network_download'],
  ['service overloaded', trace('requests.exceptions.HTTPError: 503 Server Error: Service Temporarily Unavailable for url: https://example.org/x'), 'network_download'],
  ['clone', 'Cloning into \'repo\'...\nfatal: unable to access \'https://example.org/a/b.git/\': Could not resolve host: example.org\n', 'network_download'],
  ['gated', trace('huggingface_hub.errors.GatedRepoError: 403 Client Error. Cannot access gated repo for url https://example.org/x.'), 'auth_missing', false],
  ['tracker key', trace('wandb.errors.UsageError: api_key not configured (no-tty). call wandb.login(key=[your_api_key])'), 'auth_missing'],
  ['ssh key', 'Cloning into \'repo\'...\ngit@example.org: Permission denied (publickey).\nfatal: Could not read from remote repository.\n', 'auth_missing'],
  ['broken image', training + trace('OSError: image file is truncated (44 bytes not processed)'), 'data_error', false],
  ['label out of range', `../aten/src/ATen/native/cuda/Loss.cu:250: nll_loss_forward_reduce_cuda_kernel_2d: block: [0,0,0], thread: [5,0,0] Assertion \`t >= 0 && t < n_classes\` failed.\n${trace('RuntimeError: CUDA error: device-side assert triggered')}`, 'data_error'],
  ['no such data', trace("FileNotFoundError: [Errno 2] No such file or directory: 'data/train.bin'"), 'data_error'],
  ['JSON', trace('json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)'), 'data_error'],
  ['encoding', trace("UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"), 'data_error'],
  ['empty data set', trace('ValueError: num_samples should be a positive integer value, but got num_samples=0'), 'data_error'],
  ['argument', 'usage: train.py [-h] [--lr LR]\ntrain.py: error: unrecognized arguments: --learning-rat 3\n', 'config_error', false],
  ['missing argument', 'usage: train.py [-h] --data DATA\ntrain.py: error: the following arguments are required: --data\n', 'config_error'],
  ['Hydra', "Could not override 'model.depht'.\nTo append to your config use +model.depht=4\nKey 'depht' is not in struct\n    full_key: model.depht\n    object_type=dict\n\nSet the environment variable HYDRA_FULL_ERROR=1 for a complete stack trace.\n", 'config_error'],
  ['divisible', trace('AssertionError: hidden_size must be divisible by num_heads (got 100 and 12)'), 'config_error'],
  ['YAML', trace('yaml.scanner.ScannerError: mapping values are not allowed here', '  in "config.yaml", line 3, column 9'), 'config_error'],
  ['bf16', trace('ValueError: Your setup doesn\'t support bf16/gpu. You need torch>=1.10, using Ampere GPU with cuda>=11.0'), 'config_error'],
  ['type error', training + trace("TypeError: forward() got an unexpected keyword argument 'mask'"), 'code_bug', false],
  ['shapes', trace('RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x512 and 768x10)'), 'code_bug'],
  ['syntax', '  File "train.py", line 12\n    def f(:\n          ^\nSyntaxError: invalid syntax\n', 'code_bug'],
  ['devices', trace('RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!'), 'code_bug'],
  ['name', trace("NameError: name 'modle' is not defined"), 'code_bug'],
  ['nan', 'step 1 | loss 3.1\nstep 2 | loss nan\nstep 3 | loss nan\nstep 4 | loss nan\n', 'numeric_divergence', false],
  ['loss scale', `${training}${trace('Exception: Current loss scale already at minimum - cannot decrease scale anymore. Exiting run.')}`, 'numeric_divergence'],
  ['nan check', `${training}Loss is nan, stopping training\n`, 'numeric_divergence'],
  ['sampling from nan', trace('RuntimeError: probability tensor contains either `inf`, `nan` or element < 0'), 'numeric_divergence'],
  ['zip', trace('RuntimeError: PytorchStreamReader failed reading zip archive: failed finding central directory'), 'checkpoint_corrupt', false],
  ['LFS pointer', trace("_pickle.UnpicklingError: invalid load key, 'v'."), 'checkpoint_corrupt', false],
  ['safetensors', trace('safetensors_rust.SafetensorError: Error while deserializing header: MetadataIncompleteBuffer'), 'checkpoint_corrupt'],
  ['state dict', trace('RuntimeError: Error(s) in loading state_dict for Net:', '\tsize mismatch for fc.weight: copying a param with shape torch.Size([10, 64]) from checkpoint, the shape in current model is torch.Size([20, 64]).'), 'checkpoint_corrupt'],
  ['spot', `${training}slurmstepd: error: *** JOB 4242 ON node1 CANCELLED AT 2026-01-02T03:04:05 DUE TO PREEMPTION ***\n`, 'preempted', true],
  ['interrupted', training + trace('KeyboardInterrupt'), 'preempted', true],
  ['elastic', training + trace('torch.distributed.elastic.multiprocessing.api.SignalException: Process 4242 got signal: 15'), 'preempted'],
  ['segfault', `${training}Segmentation fault (core dumped)\n`, 'segfault', true],
  ['fatal error', 'Fatal Python error: Segmentation fault\n\nCurrent thread 0x00007f00 (most recent call first):\n  File "train.py", line 3 in <module>\n', 'segfault'],
  ['illegal access', trace('RuntimeError: CUDA error: an illegal memory access was encountered'), 'unknown', true],
  ['launcher alone', 'torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n============\ntrain.py FAILED\n------------\nRoot Cause (first observed failure):\n[0]:\n  exitcode  : 1 (pid: 4242)\n', 'unknown'],
];

describe('causes', () => {
  it.each(CAUSES)('%s', (_name, log, cause, transient) => {
    const verdict = triage({ log });
    expect(verdict).toMatchObject({ kind: 'failure', cause, ...(transient === undefined ? {} : { transient }) });
    expect(verdict.signature.length).toBeGreaterThan(0);
    expect(verdict.fingerprint.startsWith(`${cause}:`)).toBe(true);
  });
});
