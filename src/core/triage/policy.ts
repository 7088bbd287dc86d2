/** What each cause means for people and for the ladder. */
import type { Cause, Rung } from '../causes.ts';

interface Policy {
  transient: boolean;
  rung: Rung;
  /** One sentence of root cause. */
  summary: string;
  /** One sentence of what to do next. */
  next: string;
}

export const POLICY: Readonly<Record<Cause, Policy>> = {
  gpu_oom: { transient: false, rung: 'reduce', summary: 'The GPU ran out of memory.', next: 'Lower the batch size (and raise gradient accumulation to keep the effective batch), shorten sequences, or rent a GPU with more memory.' },
  host_oom_killed: { transient: false, rung: 'reduce', summary: 'The process was killed, most likely because the machine ran out of main memory.', next: 'Lower the number of data workers and what is held in memory, or rent an instance with more RAM.' },
  disk_full: { transient: false, rung: 'fix', summary: 'The disk is full, or its quota is used up.', next: 'Delete old checkpoints and caches, keep fewer of them, or rent a larger disk.' },
  missing_dependency: { transient: false, rung: 'fix', summary: 'Something that the program needs is not installed.', next: 'Install it in the setup step and start again.' },
  dependency_version_mismatch: { transient: false, rung: 'fix', summary: 'Installed packages or libraries do not fit each other.', next: 'Pin versions that fit each other in the setup step and start again.' },
  cuda_driver_mismatch: { transient: false, rung: 'switch', summary: 'The CUDA build and the driver or GPU of this machine do not fit.', next: 'Rent an instance whose driver supports the image\'s CUDA version, or choose an image that fits.' },
  gpu_hardware: { transient: false, rung: 'switch', summary: 'The GPU itself failed.', next: 'Leave this machine and continue from the newest checkpoint on another.' },
  nccl_comm: { transient: true, rung: 'rerun', summary: 'The processes lost contact with each other.', next: 'Start again from the newest checkpoint; if it comes back, look for a rank that died or hung first, or switch the instance.' },
  network_download: { transient: true, rung: 'rerun', summary: 'A download or a service that the program needs could not be reached.', next: 'Start again; if it comes back, check the service and the instance\'s network.' },
  auth_missing: { transient: false, rung: 'none', summary: 'Access was refused: a token is missing, wrong, or has not been granted access.', next: 'Provide the token as a secret, or ask for access to the model or data set.' },
  data_error: { transient: false, rung: 'none', summary: 'The data is missing, damaged, or not what the program expects.', next: 'Check the file or sample that the message names.' },
  config_error: { transient: false, rung: 'none', summary: 'A setting or command-line argument is wrong.', next: 'Correct the setting that the message names.' },
  code_bug: { transient: false, rung: 'none', summary: 'The program failed on an error of its own.', next: 'Correct the code at the place that the traceback names.' },
  numeric_divergence: { transient: false, rung: 'reduce', summary: 'The training diverged: its loss is no usable number any more.', next: 'Go back to a checkpoint before the divergence with a lower learning rate, gradient clipping, or bf16 instead of fp16.' },
  shm_dataloader: { transient: false, rung: 'reduce', summary: 'Data loading ran out of shared memory or file handles, or a worker was killed.', next: 'Lower the number of data workers, or give the container more shared memory.' },
  checkpoint_corrupt: { transient: false, rung: 'fix', summary: 'A checkpoint is damaged, incomplete, or does not fit the model.', next: 'Resume from the checkpoint before it, or fetch the file again (a Git LFS pointer is not the file).' },
  preempted: { transient: true, rung: 'rerun', summary: 'The run was interrupted from outside.', next: 'Start again from the newest checkpoint.' },
  segfault: { transient: true, rung: 'rerun', summary: 'The process crashed in native code.', next: 'Start again once; if it comes back, check the versions of compiled packages or switch the instance.' },
  stall: { transient: true, rung: 'rerun', summary: 'The run hangs: it is there but does not advance.', next: 'End it and start again from the newest checkpoint; if it comes back, switch the instance.' },
  completed: { transient: false, rung: 'none', summary: 'The run finished.', next: 'Bring the results home and end the instance.' },
  early_stop: { transient: false, rung: 'none', summary: 'The trainer stopped early by its own rule.', next: 'Bring the results home and end the instance.' },
  unknown: { transient: false, rung: 'rerun', summary: 'The run ended without saying why.', next: 'Read the end of the log; a rerun shows whether it comes back.' },
};
