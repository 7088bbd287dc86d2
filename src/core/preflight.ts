/**
 * The first look at a new box, before anything is sent to it: are the GPUs there that are paid for, and can the image
 * compute on them? A bad host costs a minute then, and not an upload, a set-up and a crash.
 */
import { instanceOf, type RunState, type World } from './state.ts';

/** Raw answers of a new box to the first look at it; null is unknown, and unknown is no fault. */
export interface PreflightReading {
  /** What `nvidia-smi -L` counts; null where there is no nvidia-smi. */
  gpus: number | null;
  /** What nvidia-smi said instead. */
  smi_error: string | null;
  /** GB free where the run's directory is. */
  disk_free_gb: number | null;
  /** The image's own PyTorch, when it has one that was built for CUDA. */
  torch: { version: string; devices: number; computes: boolean; error: string | null } | null;
}

/** Why this box is given up before anything is sent to it; null when nothing speaks against it. */
export function preflightFault(world: World, run: RunState, seen: PreflightReading): string | null {
  const paid = instanceOf(world, run)?.facts.num_gpus ?? run.spec.hardware.num_gpus;
  if (seen.smi_error !== null) return `nvidia-smi fails on it: ${seen.smi_error}`;
  if (seen.gpus !== null && seen.gpus < paid) return `it shows ${seen.gpus} of the ${paid} GPUs that are paid for`;
  if (seen.torch && !seen.torch.computes) return `PyTorch ${seen.torch.version} of the image cannot compute on its GPU${seen.torch.error === null ? '' : `: ${seen.torch.error}`}`;
  if (seen.torch && seen.torch.devices < paid) return `PyTorch sees ${seen.torch.devices} of the ${paid} GPUs that are paid for`;
  return null;
}

/** The first look in a line for people. */
export function preflightWords({ gpus, disk_free_gb, torch }: PreflightReading): string {
  const parts = [
    ...(gpus === null ? ['no nvidia-smi'] : [`${gpus} GPU${gpus === 1 ? '' : 's'}`]),
    ...(disk_free_gb === null ? [] : [`${disk_free_gb.toFixed(0)} GB free`]),
    ...(torch === null ? [] : [`PyTorch ${torch.version} computes on ${torch.devices} of them`]),
  ];
  return parts.join(', ');
}
