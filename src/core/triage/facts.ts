/** What the machine itself says: kernel lines, kills counted by the cgroup, full disks, a card that vanished. It outweighs the log. */
import type { Cause } from '../causes.ts';
import { cleanLine } from '../text.ts';
import type { Evidence } from './index.ts';
import { MACHINE_RULES } from './rules-machine.ts';

export interface MachineEvent {
  cause: Cause;
  line: string;
  lines: string[];
  confidence: number;
  transient: boolean | undefined;
  /** Stronger than anything that the log may say. */
  decides: boolean;
}

export function machineEvent(evidence: Evidence): MachineEvent | null {
  const { exit_code: exit = null, signal = null } = evidence;
  const died = (exit !== null && exit !== 0) || signal !== null;
  const killed = exit === -9 || exit === 137 || signal === 'SIGKILL' || signal === 'KILL' || signal === '9';
  for (const raw of [...(evidence.kernel ?? [])].reverse()) {
    const line = cleanLine(raw, 300);
    const rule = MACHINE_RULES.find(({ cause, match }) => (cause === 'gpu_hardware' || cause === 'host_oom_killed') && match.test(line));
    if (rule && (died || rule.cause === 'gpu_hardware')) return fact(rule.cause, line, [line], 0.97, true);
  }
  if (killed && (evidence.oom_kills ?? 0) > 0) return fact('host_oom_killed', `killed (signal 9) with ${evidence.oom_kills} oom kills counted in the container`, [], 0.97, true);
  const status = (evidence.api_status ?? '').toLowerCase();
  if (/outbid|preempt/.test(status)) return fact('preempted', `instance status: ${cleanLine(status, 80)}`, [], 0.95, true, true);
  const gpu = cleanLine(evidence.gpu_text ?? '', 600);
  if (/fallen off the bus|GPU is lost|Unable to determine the device handle|ERR!/i.test(gpu)) return fact('gpu_hardware', gpu.slice(0, 300), [gpu], 0.95, true);
  if (/Driver\/library version mismatch|has failed because it couldn't communicate/i.test(gpu)) return fact('cuda_driver_mismatch', gpu.slice(0, 300), [gpu], 0.9, false);
  if (!died) return null;
  const { disk, shm } = evidence;
  if (disk && (disk.used_bytes >= disk.total_bytes * 0.995 || (disk.used_inodes !== null && disk.total_inodes !== null && disk.total_inodes > 0 && disk.used_inodes >= disk.total_inodes * 0.995))) {
    return fact('disk_full', `disk: ${disk.used_bytes} of ${disk.total_bytes} bytes used`, [], 0.85, false);
  }
  if (signal === 'SIGSEGV' || signal === 'SEGV' || exit === 139 || exit === -11) return fact('segfault', 'the process died of signal 11 (segmentation fault)', [], 0.85, false);
  if (signal === 'SIGBUS' || signal === 'BUS' || exit === 135 || exit === -7) return fact('shm_dataloader', 'the process died of signal 7 (bus error)', [], 0.85, true);
  if (shm && shm.total_bytes > 0 && shm.used_bytes >= shm.total_bytes * 0.99) return fact('shm_dataloader', `/dev/shm: ${shm.used_bytes} of ${shm.total_bytes} bytes used`, [], 0.7, false);
  if (killed) return fact('host_oom_killed', 'killed by signal 9; no kernel line says by whom', [], 0.55, false);
  if (signal === 'SIGTERM' || signal === 'TERM' || signal === 'SIGINT' || signal === 'INT' || exit === 143 || exit === 130 || exit === -15 || exit === -2) return fact('preempted', `ended by signal ${signal ?? (exit === 130 || exit === -2 ? 'SIGINT' : 'SIGTERM')}`, [], 0.7, false, true);
  return null;
}

function fact(cause: Cause, line: string, lines: string[], confidence: number, decides: boolean, transient?: boolean): MachineEvent {
  return { cause, line, lines: lines.length > 0 ? lines : [line], confidence, transient, decides };
}
