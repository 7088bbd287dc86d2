/** What can end, or hold up, a training run; and where on the ladder of remedies each cause enters. */

export const CAUSES = [
  'gpu_oom',
  'host_oom_killed',
  'disk_full',
  'missing_dependency',
  'dependency_version_mismatch',
  'cuda_driver_mismatch',
  'gpu_hardware',
  'nccl_comm',
  'network_download',
  'auth_missing',
  'data_error',
  'config_error',
  'code_bug',
  'numeric_divergence',
  'shm_dataloader',
  'checkpoint_corrupt',
  'preempted',
  'segfault',
  'stall',
  'completed',
  'early_stop',
  'unknown',
] as const;

export type Cause = (typeof CAUSES)[number];

/** `rerun` on the same box, `fix` what the run depends on, `reduce` its appetite, `switch` the instance; `none`: a person is needed, or nothing is. */
export type Rung = 'rerun' | 'fix' | 'reduce' | 'switch' | 'none';
