/** What some tests want from the machine beyond Node and npm: skipped with a reason where it is missing, failed where all is asked for. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';

export type Need = 'sshd' | 'procps' | 'bash' | 'busybox' | 'curl' | 'wget' | 'python' | 'torch' | 'root';

const runs = (command: string, ...args: string[]): boolean => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const onPath = (name: string): boolean => runs('sh', '-c', `command -v ${name}`);

/** Where Debian, a source build and Homebrew put it; root's own folders are on nobody else's PATH. */
export const sshdPath = (): string | undefined => ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/opt/homebrew/sbin/sshd'].find((path) => existsSync(path));
/** The one that Debian's python3-torch belongs to. */
export const PYTHON = '/usr/bin/python3';

const NEEDS: Record<Need, { here: () => boolean; remedy: string }> = {
  sshd: { here: () => sshdPath() !== undefined, remedy: 'a real sshd (Debian: apt-get install openssh-server)' },
  procps: { here: () => onPath('ps') && onPath('pgrep'), remedy: 'ps and pgrep (Debian: apt-get install procps)' },
  bash: { here: () => onPath('bash'), remedy: 'bash (Debian: apt-get install bash)' },
  busybox: { here: () => onPath('busybox'), remedy: 'busybox (Debian: apt-get install busybox)' },
  curl: { here: () => onPath('curl'), remedy: 'curl (Debian: apt-get install curl)' },
  wget: { here: () => onPath('wget'), remedy: 'wget (Debian: apt-get install wget)' },
  python: { here: () => onPath('python3'), remedy: 'python3 (Debian: apt-get install python3)' },
  torch: { here: () => runs(PYTHON, '-c', 'import torch'), remedy: `PyTorch for ${PYTHON} (Debian: apt-get install python3-torch)` },
  root: { here: () => userInfo().uid === 0, remedy: 'to be root: Vast\'s instances let nobody else in, and an sshd lets nobody in but who started it' },
};

/**
 * Is all of it here? If not, says what is missing and how to get it, for `describe.skipIf(!has(...))`.
 * Throws instead where VASTSIT_TEST_ALL is 1: there a test that cannot run is a failure.
 */
export function has(...needs: readonly Need[]): boolean {
  const missing = needs.filter((need) => !NEEDS[need].here());
  if (missing.length === 0) return true;
  const words = `needs ${missing.map((need) => NEEDS[need].remedy).join('; ')}`;
  if (process.env['VASTSIT_TEST_ALL'] === '1') throw new Error(`This test ${words}, and VASTSIT_TEST_ALL=1 lets none be skipped.`);
  console.warn(`Skipped: it ${words}.`);
  return false;
}
