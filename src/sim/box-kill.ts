/** Ends every process of a box, wherever it has hidden: all carry the box's token in their environment. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROUNDS = 40;

/** Living processes whose VASTSIT_SIM_BOX begins with `token`. Zombies have no environment any more and do not count. */
export async function markedProcesses(token: string): Promise<number[]> {
  const mark = `VASTSIT_SIM_BOX=${token}`;
  const entries = await readdir('/proc').catch(() => null);
  if (entries !== null) {
    const found = await Promise.all(
      entries.filter((name) => /^\d+$/.test(name)).map(async (pid) => ((await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')).split('\0').some((entry) => entry.startsWith(mark)) ? Number(pid) : null)),
    );
    return found.filter((pid): pid is number => pid !== null && pid !== process.pid);
  }
  const { stdout } = await run('ps', ['-Eww', '-A', '-o', 'pid=,stat=,command='], { maxBuffer: 64 << 20 });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, stat] = /^\s*(\d+)\s+(\S+)/.exec(line) ?? [];
    return pid && !stat?.startsWith('Z') && line.includes(mark) && Number(pid) !== process.pid ? [Number(pid)] : [];
  });
}

/** KILLs until none is left. `pause` waits a few real milliseconds. Rejects when some survive. */
export async function killMarked(token: string, pause: () => Promise<void>): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const pids = await markedProcesses(token);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // gone in between
      }
    }
    await pause();
  }
  throw new Error(`processes of ${token} survive KILL`);
}
