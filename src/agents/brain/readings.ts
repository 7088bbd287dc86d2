/** Readings and metrics as a few lines of text. Pure. */
import type { RunState } from '../../core/state.ts';

export function readingsText(run: RunState): string {
  const reading = run.check?.reading;
  if (!reading) return 'the box was not read yet';
  const gpus = (reading.gpus ?? []).slice(0, 8).map((gpu) => `GPU ${gpu.index} ${gpu.util ?? '?'} %, ${gpu.mem_used ?? '?'}/${gpu.mem_total ?? '?'} MB, ${gpu.power_w ?? '?'} W of ${gpu.power_limit_w ?? '?'}, ${gpu.temp_c ?? '?'} C`);
  const disk = reading.disk ? `disk ${Math.round((100 * reading.disk.used_bytes) / Math.max(1, reading.disk.total_bytes))} % full` : 'disk unknown';
  const state = reading.alive === null ? 'unknown' : reading.alive ? 'alive' : 'dead';
  return [`process ${state}, ${reading.cpu_s ?? '?'} CPU s, load ${reading.load1 ?? '?'}`, ...gpus, `memory ${reading.mem_used ?? '?'}/${reading.mem_total ?? '?'} MB`, disk, `log silent for ${reading.log_age_s ?? '?'} s`, `oom kills ${reading.oom_kills ?? '?'}`, ...reading.kernel.slice(0, 4), `driver ${reading.driver_version ?? '?'}, CUDA ${reading.cuda_version ?? '?'}`].join('; ');
}

/** At most `most` lines `step,loss`, evenly spread, the newest last. */
export function metricsText(run: RunState, most: number): string {
  const marks = run.progress?.marks ?? [];
  const every = Math.max(1, Math.ceil(marks.length / most));
  const kept = marks.filter((_, index) => (marks.length - 1 - index) % every === 0);
  const evals = Object.entries(run.progress?.reading.eval ?? {}).map(([name, value]) => `last ${name}: ${value}`);
  return [...kept.map(({ step, loss }) => `${step},${loss === null ? '' : Number(loss.toPrecision(4))}`), ...evals].join('\n') || 'none yet';
}
