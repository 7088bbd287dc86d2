/** What a blind reading of strangers' logs taught: each sample is ours, in the form that was misread. */
import { describe, expect, it } from 'vitest';
import type { Cause } from '../../../src/core/causes.ts';
import { triage } from '../../../src/core/triage/index.ts';

const OPENING = 'Traceback (most recent call last):\n  File "/app/train.py", line 41, in <module>\n    main()\n';
const steps = (from: number, count = 6) => Array.from({ length: count }, (_, n) => `step ${from + n}/1000 | loss ${(3 - n / 10).toFixed(3)}\n`).join('');
const stamped = (...lines: string[]) => lines.map((line, n) => `2026-01-02 03:04:0${n}.117 [run/7 (pid 4242)] ${line}`).join('\n');

const FAILURES: readonly [name: string, log: string, cause: Cause, signature: string][] = [
  ['an excerpt that begins below the frames', 'OSError: You are trying to access a gated repo.\nMake sure to have access to it at https://example.org/model.\n', 'auth_missing', 'gated repo'],
  ['a stamp before every line', stamped('Traceback (most recent call last):', '  File "/app/save.py", line 9, in save', '    write(path)', 'OSError: [Errno 28] No space left on device'), 'disk_full', 'OSError: [Errno 28]'],
  ['a bar drawn once more as the process dies', `${steps(1)}${OPENING}torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.\nTraining:  15%|█▌        | 761/5000 [01:15<07:30,  7.80it/s, Loss=0.16]\n`, 'gpu_oom', 'CUDA out of memory'],
  ['an exception of a name of its own', `${OPENING}torch._inductor.exc.TritonMissing: Cannot find a working triton installation.\n`, 'missing_dependency', 'TritonMissing'],
  ['an exception that nobody knows', `${OPENING}mylib.errors.OperationalError: table runs has 11 columns but 7 values were supplied\n`, 'code_bug', 'OperationalError'],
  ['a message that goes on in the next line', `${OPENING}RuntimeError: Failed to import models.bloom because of the following error (look up to see its traceback):\n/usr/lib/fast_cuda.cpython-310.so: undefined symbol: _ZN3c105ErrorC2E\n`, 'dependency_version_mismatch', 'undefined symbol'],
  ['a script that is not there', "python: can't open file 'tools/train.py': [Errno 2] No such file or directory\n", 'config_error', "can't open file"],
  ['an epilogue below a launcher', 'Exited with exit code 1.\n\nResource usage summary:\n\n    CPU time :    13.55 sec.\n    Max Memory :    1577 MB\n    Average Memory :    550.20 MB\n    Max Swap :    -\n    Max Processes :    37\n    Max Threads :    73\n    Run time :    94 sec.\n    Turnaround time :    97 sec.\n\nThe output (if any) is above this job summary.\n\nPS:\n\nRead file <train.err> for stderr output of this job.\n', 'unknown', 'exit code 1'],
  ['a bus that is no memory', '[1.1] pcieport 0000:00:02.0: PCIe Bus Error: severity=Uncorrected (Fatal)\n[1.2] NVRM: Xid (PCI:0000:02:00): 79, GPU has fallen off the bus.\n', 'gpu_hardware', 'Xid'],
  ['an adapter that does not start', '[2.1] NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x22:0x56:894)\n', 'gpu_hardware', 'RmInitAdapter'],
  ['a card that speaks through TensorFlow', 'F tensorflow/statusor.cc:34] failed call to cuDevicePrimaryCtxRetain: CUDA_ERROR_ECC_UNCORRECTABLE: uncorrectable ECC error encountered\n', 'gpu_hardware', 'ECC'],
  ['a compiler older than the card', '  thread_idx += num_threads;\nnvrtc: error: invalid value for --gpu-architecture (-arch)\n', 'cuda_driver_mismatch', 'gpu-architecture'],
  ['a worker that crashed', `ERROR: Unexpected segmentation fault encountered in worker.\n${OPENING}RuntimeError: DataLoader worker (pid 624) is killed by signal: Segmentation fault. \n`, 'segfault', 'egmentation fault'],
  ['a loss scale below any use', 'Gradient overflow.  Skipping step, loss scaler 0 reducing loss scale to 3.6e-303\n'.repeat(3), 'numeric_divergence', 'loss scale'],
  ['Caffe, whose check fails before the abort', 'I0516 02:08:09.88  5662 solver.cpp:221] Iteration 0, loss = 7.87\nF0516 02:08:10.52  5661 syncedmem.cpp:51] Check failed: error == cudaSuccess (2 vs. 0)  out of memory\n*** Check failure stack trace: ***\n    @     0x7f08  google::LogMessage::Fail()\nAborted (core dumped)\n', 'gpu_oom', 'out of memory'],
  ['MXNet', `${OPENING}mxnet.base.MXNetError: [17:13:00] src/operator/mxnet_op.h:576: Check failed: err == cudaSuccess (2 vs. 0) Name: kernel ErrStr:out of memory\n`, 'gpu_oom', 'ErrStr:out of memory'],
  ['Paddle', 'W0713 16:34:31.576385   221 operator.cc:242] conv2d raises an exception\n\nOut of memory error on GPU 0. Cannot allocate 48.4MB memory on GPU 0, available memory is only 29.4MB.\n', 'gpu_oom', 'Out of memory error on GPU 0'],
  ['an accelerator of another make', `${OPENING}RuntimeError: NPU out of memory. Tried to allocate 386.00 MiB (NPU 2; 60.97 GiB total capacity; 16.54 MiB free)\n`, 'gpu_oom', 'NPU out of memory'],
  ['TensorFlow, whose estimator gives up', 'I0521 14:43:59.26 1400 basic_session_run_hooks.py:260] loss = 1.33, step = 400 (85.2 sec)\nE0521 14:44:30.80 1400 basic_session_run_hooks.py:760] Model diverged with loss = NaN.\n', 'numeric_divergence', 'Model diverged'],
  ['TensorFlow, with the frames cut off', `INFO:tensorflow:loss = 1.87, step = 31601 (182.2 sec)\nERROR:tensorflow:Model diverged with loss = NaN.\n${OPENING}  File "/usr/lib/app.py", line 48, in run\n    _sys.exit(main(_sys.argv[:1]))\n`, 'numeric_divergence', 'Model diverged'],
  ['a trainer that raises on what is no number', `${OPENING}ValueError: NaN or Inf encountered. Training failed!\n`, 'numeric_divergence', 'NaN or Inf'],
  ['workers that only say they are gone', `Exception in thread Thread-2 (results_loop):\n${OPENING}RuntimeError: One or more background workers are no longer alive. Exiting. Please check the print statements above for the actual error message\n`, 'shm_dataloader', 'no longer alive'],
  ['workers that are gone because memory is', `${OPENING}MemoryError\nException in thread Thread-2 (results_loop):\n${OPENING}RuntimeError: One or more background workers are no longer alive. Exiting.\n`, 'host_oom_killed', 'MemoryError'],
  ['a watchdog that got stuck', "[rank2]:[E419 10:53:25.421620797 ProcessGroupNCCL.cpp:1484] [PG ID 2 PG GUID 9 Rank 2] ProcessGroupNCCL's watchdog got stuck for 480 seconds without making progress in monitoring enqueued collectives.\nsrun: error: n128: task 6: Aborted\n", 'nccl_comm', 'got stuck'],
  ['a simulator that stops', '[11,526ms] [Error] [omni.physx.plugin] PhysX error: Fetching GPU Narrowphase failed! 700\n[11,526ms] [Error] [omni.physx.plugin] Cuda context manager error, simulation will be stopped and new cuda context manager will be created.\n', 'unknown', 'simulation will be stopped'],
  ['a person who ends what has diverged', `${steps(1)}step 7/1000 | loss nan\nstep 8/1000 | loss nan\n${OPENING}KeyboardInterrupt\n`, 'numeric_divergence', 'loss nan'],
  ['C++ frames below a collective', `${OPENING}RuntimeError: [1] is setting up NCCL communicator and retrieving ncclUniqueId from [0] via c10d key-value store by key '0', but store->get('0') got error: Socket Timeout\nframe #0: c10::Error::Error(c10::SourceLocation, std::string) + 0x57 (0x7f in libc10.so)\n`, 'nccl_comm', 'Socket Timeout'],
  ['a caller that only passes on', `${OPENING}FileNotFoundError: [Errno 2] No such file or directory: 'data/a.json'\n${OPENING}subprocess.CalledProcessError: Command '['python', 'run.py']' returned non-zero exit status 1.\n`, 'data_error', 'FileNotFoundError'],
  ['a traceback before what was held back', `${steps(1)}${OPENING}OSError: [Errno 122] Disk quota exceeded\nstep 7/1000 | loss 2.500\n`, 'disk_full', 'Errno 122'],
  ['a tracker that ends the program', `Traceback (most recent call last):\n  File "/app/train.py", line 9, in <module>\n    run = wandb.init()\n  File "/lib/site-packages/wandb/sdk/wandb_init.py", line 1195, in init\n    raise e\nwandb.errors.UsageError: api_key not configured (no-tty). call wandb.login(key=[your_api_key])\n`, 'auth_missing', 'api_key not configured'],
  ['a check of glog', 'I0524 19:24:23.88 13813 solver.cpp:486] Iteration 1500, lr = 0.01\nF0524 19:24:39.74 13813 io.cpp:81] Check failed: parsed Message type "net" has no field named "log_file".\n', 'config_error', 'has no field named'],
  ['a disk that TensorFlow calls exhausted', 'InternalError (see above for traceback): Error writing (tmp) checkpoint file: /ckpt/model.ckpt-6.tempstate97: Resource exhausted: /ckpt/model.ckpt-6.tempstate97\n\t [[Node: save/save = SaveSlices[T=[DT_FLOAT]]]\n', 'disk_full', 'Error writing'],
  ['a message of TensorFlow whose words stand below its name', 'tensorflow.python.framework.errors_impl.DataLossError: 2 root error(s) found.\n  (0) Data loss: truncated record at 1362\n\t [[{{node IteratorGetNext}}]]\n0 successful operations.\n', 'data_error', 'truncated record'],
  ['a part of a package that another version has', `${OPENING}ModuleNotFoundError: No module named 'flax.deprecated'\n`, 'dependency_version_mismatch', 'flax.deprecated'],
  ['a key pressed at the end', `${steps(1)}^C\n`, 'preempted', '^C'],
  ['a socket that found no peer', 'trainer/0 [1]:[W socket.cpp:558] [c10d] The client socket has failed to connect to 10.0.0.5:4032 (errno: 110 - Connection timed out).\ntrainer/0 [1]:[E socket.cpp:610] [c10d] The client socket has failed to connect to any network address of (node5, 4032).\n', 'nccl_comm', 'any network address'],
  ['a worker that ended, and why', `${OPENING}ValueError: Could not find a format to read the file in mode 'i'\n${OPENING}RuntimeError: DataLoader worker (pid 27) exited unexpectedly with exit code 1. Details are lost due to multiprocessing.\n`, 'code_bug', 'Could not find'],
  ['a worker that was told to end', `${OPENING}RuntimeError: DataLoader worker (pid 402) is killed by signal: Terminated. \n`, 'preempted', 'Terminated'],
  ['a person who ends a run with workers', `  File "/usr/lib/python3.12/site-packages/torch/multiprocessing/reductions.py", line 9, in rebuild_storage_fd\n${OPENING}ConnectionResetError: [Errno 104] Connection reset by peer\nLOGS - Keyboard interruption. Exiting from early training\n`, 'preempted', 'Keyboard interruption'],
  ['a card that speaks over several lines', '[18.3] NVRM: The NVIDIA GPU 0000:b3:00.0\n               NVRM: (PCI ID: 10de:26b5) installed in this system has\n               NVRM: fallen off the bus and is not responding to commands.\n', 'gpu_hardware', 'fallen off the bus'],
  ['a configuration\'s own exception', `${OPENING}trainer.exceptions.RunConfigurationError: wrapping does not work with init_device=meta\n`, 'config_error', 'RunConfigurationError'],
  ['sizes of tensors are no settings', `${OPENING}RuntimeError: expand(FloatTensor{[8]}, size=[]): the number of sizes provided (0) must be greater or equal to the number of dimensions in the tensor (1)\n`, 'code_bug', 'expand'],
  ['an access that is refused in prose', 'ERROR tests/a.py - OSError: no access\n401 Client Error.\n\nCannot access gated repo for url https://example.org/config.json.\n', 'auth_missing', '401'],
  ['a job that is ended steps on for a while', `slurmstepd: error: *** JOB 7 ON node1 CANCELLED AT 2026-01-02T03:04:05 ***\n${steps(1, 8)}`, 'preempted', 'CANCELLED AT'],
  ['a disk that a tracker finds full', `${steps(1)}Traceback (most recent call last):\n  File "/usr/lib/python3/site-packages/wandb/sdk/artifacts.py", line 9, in stage\nOSError: [Errno 28] No space left on device: 'a' -> 'b'\nwandb: Find logs at: wandb/run-1/logs\n`, 'disk_full', 'Errno 28'],
  ['a worker that the kernel killed', `${OPENING}RuntimeError: DataLoader worker (pid 19) is killed by signal: Killed.\nslurmstepd: error: Detected 1 oom-kill event(s) in StepId=7.0. Some of your processes may have been killed by the cgroup out-of-memory handler.\n`, 'host_oom_killed', 'oom-kill'],
  ['a peer that is gone, below the frames', '[rank0]: torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:3699, remote process exited or there was a network error, NCCL version 2.27.3\n[rank0]: Last error:\n[rank0]: NET/OFI Request completed with error. RC: 103.\n', 'nccl_comm', 'DistBackendError'],
  ['a data set that is not there', `${OPENING}Exception: Dataset not found.\n`, 'data_error', 'Dataset not found'],
  ['a line of a script that broke in two', 'train.sh: line 41: run.num_workers=0: command not found\n', 'config_error', 'command not found'],
  ['a handle that needs memory', `${OPENING}RuntimeError: CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling \`cublasCreate(handle)\`\n`, 'gpu_oom', 'CUBLAS'],
  ['a driver that does not say why', `${OPENING}RuntimeError: CUDA unknown error - this may be due to an incorrectly set up environment\n`, 'cuda_driver_mismatch', 'CUDA unknown error'],
  ['a card that is lost, as the tool says it', 'Unable to determine the device handle for GPU 0000:81:00.0: GPU is lost.  Reboot the system to recover this GPU\n', 'gpu_hardware', 'GPU is lost'],
  ['a system library that is not installed', `${OPENING}ImportError: libGL.so.1: cannot open shared object file: No such file or directory\n`, 'missing_dependency', 'libGL'],
  ['a library of another CUDA', `${OPENING}ImportError: libcudart.so.11.0: cannot open shared object file: No such file or directory\n`, 'dependency_version_mismatch', 'libcudart'],
  ['a wheel that does not build', '  error: subprocess-exited-with-error\nERROR: Failed building wheel for flash-attn\nERROR: Could not build wheels for flash-attn, which is required to install pyproject.toml-based projects\n', 'dependency_version_mismatch', 'wheel'],
  ['a library older than the model', `${OPENING}ValueError: The checkpoint you are trying to load has model type \`new\` but Transformers does not recognize this architecture.\n`, 'dependency_version_mismatch', 'architecture'],
  ['a store that nobody answers', '[E socket.cpp:860] [c10d] The client socket has timed out after 600s while trying to connect to (10.0.0.1, 29500).\n', 'nccl_comm', 'client socket'],
  ['settings that a framework refuses', `${OPENING}lightning.utilities.exceptions.MisconfigurationException: You requested gpu: [0, 1] But your machine only has: [0]\n`, 'config_error', 'MisconfigurationException'],
  ['a crash that the program reports itself', '!!!!!!! Segfault encountered !!!!!!!\n  File "./csrc/a.cpp", line 1, in foo\n', 'segfault', 'Segfault'],
  ['a file that is shorter than it was written', `${OPENING}OSError: 68719476736 requested and 12345 written\n`, 'disk_full', 'requested'],
  ['a distribution of nothing', `${OPENING}ValueError: Expected parameter loc (Tensor of shape (64, 6)) of distribution Normal(loc: torch.Size([64, 6])) to satisfy the constraint Real(), but found invalid values:\ntensor([[nan, nan]])\n`, 'numeric_divergence', 'invalid values'],
  ['a card that a program asks for in vain', `${OPENING}ValueError: Invalid CUDA 'device=0' requested. Use 'device=cpu' or pass valid CUDA device(s) if available.\n`, 'cuda_driver_mismatch', 'Invalid CUDA'],
  ['workers that ended', `${OPENING}RuntimeError: DataLoader worker (pid(s) 12, 13) exited unexpectedly\n`, 'shm_dataloader', 'exited unexpectedly'],
  ['a machine that is taken away', `${steps(1)}worker: Metadata Service says termination is imminent\n`, 'preempted', 'imminent'],
  ['a loss that ends the run', '  3/20 [====>.....] - ETA: 9:24 - loss: 44.4\nBatch 3: Invalid loss, terminating training\n', 'numeric_divergence', 'Invalid loss'],
  ['words far behind a stamp', `2026-01-02 03:04:05.1: F tensorflow/stream_executor/lib/statusor.cc:34] ${'Attempting to fetch a value instead of handling the error. '.repeat(6)}CUDA_ERROR_ECC_UNCORRECTABLE: uncorrectable ECC error encountered\n`, 'gpu_hardware', 'uncorrectable ECC'],
  ['a host that is not reached', `${OPENING}ConnectionError: Couldn't reach https://example.org/data.py\n`, 'network_download', "Couldn't reach"],
  ['a word behind the last figure', 'Epoch 1/1\n165376/296960 [===============>..............] - ETA: 365s - loss: 2.1371Killed\n', 'host_oom_killed', 'Killed'],
  ['what the shell says behind a bar', 'Epoch 5:   2%|2         | 20/1094 [00:41<11:04,  1.62it/s]/opt/run.sh: line 6:  3305 Killed                  python train.py "$@"\n', 'host_oom_killed', 'Killed'],
  ['a job of the shell', `${steps(1)}[1]+  Killed                  nohup python train.py\n`, 'host_oom_killed', 'Killed'],
  ['a bus error that only the launcher saw', 'WARNING:api:Sending process 92 closing signal SIGTERM\nERROR:api:failed (exitcode: -7) local_rank: 2 (pid: 94) of binary: /usr/bin/python3\n', 'shm_dataloader', 'exitcode: -7'],
  ['no room for a semaphore', `${OPENING}  File "/usr/lib/python3.8/multiprocessing/synchronize.py", line 57, in __init__\n    sl = self._semlock = _SemLock(\nOSError: [Errno 28] No space left on device\n`, 'shm_dataloader', 'Errno 28'],
  ['a write that fell short', "saving checkpoint to cv/lm.t7\n/opt/torch/bin/luajit: torch/File.lua:210: write error: wrote 39776036 blocks instead of 41251350 at THDiskFile.c:340\nstack traceback:\n\t[C]: in function 'write'\n", 'disk_full', 'write error'],
  ['an error whose name was cut off', `!!! Exception during processing !!! 401 Client Error. (Request ID: Root=1-66)\n\nRepository Not Found for url: https://example.org/api.\n${OPENING}`, 'auth_missing', '401 Client Error'],
  ['an error of which only frames are left', `${steps(1)}${OPENING}`, 'unknown', 'main()'],
  ['memory, in the words of TensorFlow 1', 'W tensorflow/core/framework/op_kernel.cc:968] Resource exhausted: OOM when allocating tensor with shape[256,832,7,7]\n', 'gpu_oom', 'OOM when allocating'],
  ['a watchdog of which only frames are left', 'Exception raised from ncclCommWatchdog at ../torch/csrc/ProcessGroupNCCL.cpp:1601 (most recent call first):\nframe #0: c10::Error::Error + 0x96\nE0118 failed (exitcode: -6) local_rank: 0 (pid: 659) of binary: python\n', 'nccl_comm', 'ncclCommWatchdog'],
  ['a card that NCCL speaks of', "host:26024:27098 [1] include/alloc.h:125 NCCL WARN Cuda failure 710 'device-side assert triggered'\nhost:26024:27098 [1] NCCL INFO include/alloc.h:246 -> 1\n", 'data_error', 'device-side assert'],
  ['no memory that NCCL speaks of', "host:26024:27098 [1] include/alloc.h:125 NCCL WARN Cuda failure 2 'out of memory'\nhost:26024:27098 [1] NCCL INFO include/alloc.h:246 -> 1\n", 'gpu_oom', 'out of memory'],
  ['Torch7 below a driver that is too old', "THCudaCheck FAIL file=/opt/THC/THCGeneral.c line=70 error=35 : CUDA driver version is insufficient for CUDA runtime version\n/opt/bin/luajit: init.lua:389: loop or previous error loading module 'cunn'\nstack traceback:\n\t[C]: in function 'error'\n", 'cuda_driver_mismatch', 'driver version is insufficient'],
  ['the first of the replicas', '[1] 2026-01-02 03:04:08.886805: E external/xla/python/local_client.cc:672] Execution of replica 0 failed: Resource exhausted: Out of memory while trying to allocate 5520758552 bytes.\n', 'gpu_oom', 'Resource exhausted'],
  ['an excerpt that is its last word', "python train.py --config a.yaml\nAttributeError: Can't get local object 'Wrapper.init.<locals>.hook'\n", 'code_bug', 'AttributeError'],
  ['a hint below an exception', `${OPENING}RuntimeError: CUDA error: device kernel image is invalid\nCompile with \`TORCH_USE_CUDA_DSA\` to enable device-side assertions.\n`, 'cuda_driver_mismatch', 'device kernel image is invalid'],
  ['ranks that a launcher numbers', '11: [rank11]:[E617 15:17:35.5 ProcessGroupNCCL.cpp:695] [Rank 11] To avoid data inconsistency, we are taking the entire process down.\n11: [rank11]:[E617 15:17:35.5 ProcessGroupNCCL.cpp:1895] [Rank 11] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=52) ran for 240077 milliseconds before timing out.\n11: Exception raised from checkTimeout at ProcessGroupNCCL.cpp:632 (most recent call first):\n11: frame #0: c10::Error::Error(c10::SourceLocation, std::string) + 0x96\n', 'nccl_comm', 'entire process down'],
];

describe('failures', () => {
  it.each(FAILURES)('%s', (_name, log, cause, signature) => {
    const verdict = triage({ log });
    expect(verdict).toMatchObject({ kind: 'failure', cause });
    expect(verdict.signature).toContain(signature);
  });
});

const ENDS: readonly [name: string, log: string][] = [
  ['a summary, then the bar once more', "{'train_runtime': 9.8, 'train_samples_per_second': 0.8, 'train_loss': 1.52, 'epoch': 1.0}\n100% 8/8 [00:09<00:00,  1.17s/it]\n"],
  ['a task, in Chinese', `${steps(1)}✅ 预训练任务圆满结束 (总耗时: 1.46 小时)\n`],
  ['threads that are cut off after the end', 'Exception in thread Thread-1:\n\nEnd training....\nTraceback (most recent call last):\n  File "/usr/lib/threading.py", line 9, in run\nOSError: handle is closed\n'],
  ['a tracker that has synced', `${steps(1)}wandb: Synced 5 W&B file(s), 0 media file(s)\nwandb: Find logs at: ./wandb/run-1/logs\n`],
  ['a summary below it', `${steps(1)}Training complete ✓  (08h 30m 26s)\nTotal timesteps  : 1,500,000\nModels saved to  : /app/models\n`],
  ['the last model', `${steps(1)}Saved final model to: runs/smoke/model_final.zip\n`],
];

it.each(ENDS)('ends: %s', (_name, log) => {
  expect(triage({ log })).toMatchObject({ kind: 'done', cause: 'completed' });
});

const LAST_SAID: readonly [name: string, log: string, kind: 'done' | 'stall', cause: Cause][] = [
  ['the last step kept', 'Training progress: 100%|██████████| 500/500 [1:10:02<00:00, 11.90it/s, Loss=0.05]\n[ITER 500] Saving the scene\n', 'done', 'completed'],
  ['a loop over the epochs', 'Epoch: 299, train loss: 0.506: 100%|██████████| 300/300 [51:44<00:00, 10.1s/it]\nCheckpoint is saved at out/last.pt\n', 'done', 'completed'],
  ['an estimator', 'INFO:tensorflow:loss = 21.3, step = 120 (2.650 sec)\nINFO:tensorflow:Loss for final step: 21.47.\n', 'done', 'completed'],
  ['a process that leaves', 'adapter saved to out/\n[rank0]:[W611 00:17:46.95 ProcessGroupNCCL.cpp:1250] Warning: WARNING: process group has NOT been destroyed before we destruct ProcessGroupNCCL.\n', 'done', 'completed'],
  ['a booster that stops by itself', '[9]\ttrain-auc:0.833\ttest-auc:0.818\n[10]\ttrain-auc:0.834\ttest-auc:0.817\nStopping. Best iteration: 4\n', 'done', 'early_stop'],
  ['patience, in other words', `${steps(1)}Ran out of patience. Stopping training.\n`, 'done', 'early_stop'],
  ['no improvement', `${steps(1)}No improvement for 10 epochs, stopping training.\n`, 'done', 'early_stop'],
  ['a goal that was reached', `${steps(1)}Stopping training because the mean reward 500.00  is above the threshold 475\n`, 'done', 'early_stop'],
  ['a booster that names its best round in the line below', '[9]\tvalid_0\'s l2: 0.42\nEarly stopping, best iteration is:\n[4]\tvalid_0\'s l2: 0.41\n', 'done', 'early_stop'],
  ['a limit', `${steps(1)}Maximum number of epochs reached.\n`, 'done', 'completed'],
  ['where everybody stands', `${steps(1)}Timeout (0:05:00)!\nThread 0x00007f1234567890 (most recent call first):\n  File "/usr/lib/python3.10/threading.py", line 320 in wait\n`, 'stall', 'stall'],
  ['a request that nothing can meet', [10, 45, 80].map((n) => `(autoscaler +${n}s) Error: No available node types can fulfill resource request {'GPU': 8.0}.\n`).join(''), 'stall', 'stall'],
  ['a component that has not been heard of', `${steps(1)}No heartbeat for components: InferenceWorker_p0-w0 (337 seconds)\nStopping training due to lack of heartbeats\n`, 'stall', 'stall'],
  ['ranks that are missing', `${steps(1)}Stalled ops:\nbroadcast_weights_0 [missing ranks: 0]\n`, 'stall', 'stall'],
  ['tries that are used up', [30, 31, 32, 33, 34].map((n) => `NCCL INFO connect returned No route to host, retrying (${n}/34) after sleep for 3 s\n`).join(''), 'stall', 'stall'],
];

it.each(LAST_SAID)('sees an end: %s', (_name, log, kind, cause) => {
  expect(triage({ log })).toMatchObject({ kind, cause });
});

const CALM: readonly [name: string, log: string][] = [
  ['a traceback that a server quotes', '[W 10:15:34 App] Error loading server extension tools\n    Traceback (most recent call last):\n      File "/usr/lib/app.py", line 9, in load\n    ModuleNotFoundError: No module named \'tools\'\n[I 10:15:35 App] Serving from /home\n'],
  ['a web server', 'INFO:     Started server process [4242]\nINFO:     127.0.0.1:52010 - "GET /health HTTP/1.1" 200 OK\nINFO:     127.0.0.1:52011 - "GET /missing HTTP/1.1" 404 Not Found\nINFO:     127.0.0.1:52012 - "POST /generate HTTP/1.1" 500 Internal Server Error\nINFO:     127.0.0.1:52013 - "GET /health HTTP/1.1" 200 OK\n'],
  ['a server that logs everything as an error', '2026-01-02 03:04:05 | ERROR | stderr | INFO:     Application startup complete.\n2026-01-02 03:04:06 | ERROR | stderr | INFO:     Uvicorn running on http://0.0.0.0:10000\n'],
  ['a training that went on after a scale that overflowed', `${steps(1)}Overflow detected. Skipping step. Attempted loss scale: 65536, reducing to 32768.0\n${steps(7)}`],
  ['an epoch that is over, in Chinese', 'epoch 3 训练完成, 开始验证\nstep 31/1000 | loss 2.1\nstep 32/1000 | loss 2.0\n'],
  ['a stage after an early stop', 'Epoch 5/5 - Loss: 0.39 - F1: 0.47\nEarly stopping at epoch 5\n\n>>> Training on disease-biased dataset (298 samples)\n    Distribution: [37, 37, 150]\n'],
  ['a fold after one that is complete', `${steps(1)}Training complete.\nFold 2/5\nLoading data\n`],
  ['a sweep between two of its runs', 'wandb: Agent Starting Run: a1b2 with config:\nwandb: \tlr: 0.1\nstep 1 loss 0.3\nwandb: Synced 5 W&B file(s), 0 media file(s)\nwandb: Find logs at: ./wandb/run-1/logs\n'],
  ['TensorFlow that was told to go on', `${steps(1)}WARNING:tensorflow:Model diverged with loss = NaN.\n${steps(7)}`],
  ['a simulator that complains', `${steps(1)}[57,356ms] [Error] [omni.physx.plugin] PhysX error: setGlobalPose(): it is illegal to call this method, FILE NpArticulationLink.cpp, LINE 353\n${steps(7)}`],
  ['an exception in the middle of an excerpt', "AttributeError: Can't get local object 'Wrapper.init.<locals>.hook'\nLoading the next shard\n"],
  ['the last step of an epoch, kept', 'Epoch 3: 100%|██████████| 389/389 [01:31<00:00,  4.2it/s, loss=0.31]\nModel saved to best.pt\n'],
  ['a card that TensorFlow could not take whole', `2026-01-02 03:04:05: E cuda_driver.cc:936] failed to allocate 4.00G (4294967296 bytes) from device: CUDA_ERROR_OUT_OF_MEMORY\n${steps(1)}`],
  ['an early stop that was not met', `${steps(1)}Did not meet early stopping. Best iteration is 100\n${steps(7)}`],
  ['a step that is completed', `${steps(1)}Training Epoch: 1/3, step 16/36 completed (loss: 0.17):  44%|████      | 4/9 [04:37<05:24, 64.9s/it]\n`],
  ['every rank that waits once', Array.from({ length: 8 }, (_, rank) => `[rank ${rank}] waiting for rank 0 to build the index\n`).join('')],
  ['tries that are counted', [1, 2, 3, 4].map((n) => `'Read timed out.' while requesting config.json, retrying in 1s [Retry ${n}/5].\n`).join('')],
  ['a fallback that names what is missing', `${steps(1)}ModuleNotFoundError: No module named 'amp_C' -- falling back to the python implementation\n`],
  ['a driver that is only warned about, before a run that trains', `UserWarning: CUDA initialization: The NVIDIA driver on your system is too old (found version 11000).\n${steps(1)}`],
  ['an exception as the last word of a run that trains', `${steps(1)}ValueError: sample 17 has no caption\n`],
];

it.each(CALM)('stays calm: %s', (_name, log) => {
  expect(triage({ log })).toMatchObject({ kind: 'healthy', cause: null });
});

it('takes what is said of the best step below an early stop for no step', () => {
  const log = `${steps(1)}[2026-01-02 03:04:04,516 INFO] Training finished after not improving. Early Stop!\n[2026-01-02 03:04:04,516 INFO] Best model found at step 1200\n[2026-01-02 03:04:04,525 INFO] Saving checkpoint run/model_step_1600.pt\n`;
  expect(triage({ log })).toMatchObject({ kind: 'done', cause: 'early_stop' });
});

it('takes a wait that comes back without a count for a stall', () => {
  const line = (n: number) => `[2026-01-02 03:0${n}:26,186][INFO] - Waiting in store based barrier to initialize process group for rank: 0 (world_size=2, worker_count=1, timeout=0:30:00)\n`;
  expect(triage({ log: [1, 2, 3].map(line).join('') })).toMatchObject({ kind: 'stall', cause: 'stall' });
});

it('takes a warning about the driver for the end where nothing follows it', () => {
  expect(triage({ log: 'UserWarning: CUDA initialization: The NVIDIA driver on your system is too old (found version 11000).\n' })).toMatchObject({ kind: 'failure', cause: 'cuda_driver_mismatch' });
});

it('takes a warning that comes back in the same words for a stall, whatever stood before it', () => {
  const line = (n: number) => `[2026-01-02 03:0${n}:33.511: W operations.cc:588] One or more tensors were submitted by subset of ranks and are waiting for remainder of ranks for more than 60 seconds.\n`;
  expect(triage({ log: `Stalled tensor: waiting for rank 1 to submit\n${[1, 2, 3, 4].map(line).join('')}` })).toMatchObject({ kind: 'stall', cause: 'stall' });
});
