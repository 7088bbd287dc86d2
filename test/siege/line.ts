/** A line into a network namespace of its own: veth, an sshd at its far end, and a link that can be cut without a word. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { createClock } from '../../src/clock.ts';
import type { Remote } from '../../src/core/ports.ts';
import { createRemote } from '../../src/remote/index.ts';
import { has } from '../needs.ts';
import { startSshd, type TestSshd } from '../remote/sshd.ts';

/** What a test opens is closed when it ends, the last first. */
export type Later = (close: () => unknown) => void;
export const later = ({ onTestFinished }: TestContext): Later => (close) => onTestFinished(async () => void (await close()));

export const run = (...words: string[]): boolean => spawnSync(words[0] ?? '', words.slice(1), { stdio: 'ignore' }).status === 0;

/** Our side of the SSH, with a state directory of its own. */
export async function cockpit(sshd: TestSshd, close: Later): Promise<Remote> {
  const dir = await mkdtemp(join(tmpdir(), 'vastsit-net-'));
  const remote = createRemote({ dir, wire: createClock() });
  close(() => rm(dir, { recursive: true, force: true }));
  close(() => remote.closeAll());
  await sshd.authorize(await remote.publicKey());
  return remote;
}

/** Kernel features cannot be installed, so their absence is told and fails nothing. */
export function namespaces(): boolean {
  const name = `vs-probe-${process.pid}`;
  const reason = !has('sshd', 'procps') ? 'no sshd' : process.getuid?.() !== 0 ? 'network namespaces want root' : !run('ip', 'netns', 'list') ? 'no `ip netns` here (Debian: apt-get install iproute2)' : null;
  const made = reason === null && run('ip', 'netns', 'add', name);
  const veth = made && run('ip', 'link', 'add', `vsp${process.pid}`, 'type', 'veth', 'peer', 'name', `vsq${process.pid}`);
  if (veth) run('ip', 'link', 'del', `vsp${process.pid}`);
  if (made) run('ip', 'netns', 'del', name);
  if (!veth) console.warn(`Skipped: a line in a network namespace: ${reason ?? (made ? 'this kernel has no veth pairs' : 'this kernel makes none')}.`);
  return veth;
}

export interface Line {
  sshd: TestSshd;
  /** Our end's device, for `tc`. */
  device: string;
  /** Cut: each end believes in the line, and no packet says otherwise. */
  link: (up: boolean) => void;
}

/** `n` tells lines of one machine apart. */
export async function openLine(close: Later, n: number, env: Readonly<Record<string, string>> = {}): Promise<Line> {
  const name = `vs${n}x${process.pid}`;
  // Runs beside each other have addresses of their own.
  const place = `10.${200 + (process.pid % 50)}.${Math.floor(process.pid / 50) % 250}`;
  const [near, far] = [`${place}.${4 * n + 1}`, `${place}.${4 * n + 2}`];
  const inside = (...words: string[]): boolean => run('ip', 'netns', 'exec', name, ...words);
  // A namespace lives as long as anybody in it, and its address with it.
  close(() => run('sh', '-c', `ip netns pids ${name} | xargs -r kill -KILL; ip link del ${name}a; ip netns del ${name}`));
  const made = [
    run('ip', 'netns', 'add', name), run('ip', 'link', 'add', `${name}a`, 'type', 'veth', 'peer', 'name', `${name}b`), run('ip', 'link', 'set', `${name}b`, 'netns', name),
    run('ip', 'addr', 'add', `${near}/30`, 'dev', `${name}a`), run('ip', 'link', 'set', `${name}a`, 'up'), inside('ip', 'addr', 'add', `${far}/30`, 'dev', `${name}b`), inside('ip', 'link', 'set', `${name}b`, 'up'),
  ];
  if (made.includes(false)) throw new Error(`the line ${name} was not made`);
  const sshd = await startSshd(env, { address: far, netns: name });
  close(() => sshd.stop());
  return { sshd, device: `${name}a`, link: (up) => void inside('ip', 'link', 'set', `${name}b`, up ? 'up' : 'down') };
}
