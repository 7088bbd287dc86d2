/** Is a process alive, and is it the one that was meant? */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { errorCode } from './errors.ts';

/** True also for a process of another user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return state(pid) !== 'Z';
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

/** When the process was started, as the kernel counts it, with the boot: tells a reused pid from the first bearer. null where there is no /proc. */
export function bornOf(pid: number): string | null {
  const ticks = stat(pid)[19];
  const boot = read('/proc/sys/kernel/random/boot_id');
  return ticks === undefined || boot === null ? null : `${boot.trim()}:${ticks}`;
}

/** Where our process numbers mean something: two containers, or a container and its host, may share a name and a directory. */
export function hereAs(): { host: string; pids: string | null } {
  try {
    return { host: hostname(), pids: readlinkSync('/proc/self/ns/pid') };
  } catch {
    return { host: hostname(), pids: null };
  }
}

const state = (pid: number): string | undefined => stat(pid)[0];

/** Fields of /proc/<pid>/stat after the name, which is in parentheses and may hold anything. */
function stat(pid: number): string[] {
  const text = read(`/proc/${pid}/stat`);
  return text === null ? [] : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
