/**
 * Orders for the process that owns the state directory, from others on this machine: a file each, answered by a file.
 * Files survive a crash on either side, and a folder with mode 0700 is all the authentication that one user needs.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command, CommandAnswer } from '../core/commands.ts';
import type { Clock } from '../core/ports.ts';

const POLL_MS = 200;
const ANSWER_LIMIT_MS = 10_000;

const folder = (dir: string): string => join(dir, 'orders');

/** Hands an order to the owner. null when nobody answered in time. */
export async function sendOrder(dir: string, wire: Clock, command: Command): Promise<CommandAnswer | null> {
  await mkdir(folder(dir), { recursive: true, mode: 0o700 });
  const id = randomBytes(8).toString('hex');
  const order = join(folder(dir), `${id}.order`);
  const answer = join(folder(dir), `${id}.answer`);
  await writeFile(`${order}.tmp`, JSON.stringify(command), { mode: 0o600 });
  await rename(`${order}.tmp`, order);
  for (const end = wire.now() + ANSWER_LIMIT_MS; wire.now() < end; await wire.sleep(POLL_MS)) {
    const text = await readFile(answer, 'utf8').catch(() => null);
    if (text === null) continue;
    await rm(answer, { force: true });
    return JSON.parse(text) as CommandAnswer;
  }
  await rm(order, { force: true });
  return null;
}

/** Carries out orders until closed. An order that cannot be read is answered, not obeyed. */
export function serveOrders(dir: string, wire: Clock, obey: (command: Command) => Promise<CommandAnswer>): { close(): void } {
  let cancel = (): void => undefined;
  let closed = false;
  const look = async (): Promise<void> => {
    const names = (await readdir(folder(dir)).catch(() => [])).filter((name) => name.endsWith('.order')).sort();
    for (const name of names) {
      const path = join(folder(dir), name);
      const text = await readFile(path, 'utf8').catch(() => null);
      await rm(path, { force: true });
      const command = text === null ? null : readCommand(text);
      const answer = command ? await obey(command) : ({ ok: false, why: 'the order could not be read; both sides must be the same version' } as const);
      const target = join(folder(dir), name.replace(/\.order$/, '.answer'));
      await writeFile(`${target}.tmp`, JSON.stringify(answer), { mode: 0o600 });
      await rename(`${target}.tmp`, target);
    }
  };
  const again = (): void => {
    if (closed) return;
    cancel = wire.after(POLL_MS, () => void look().catch(() => undefined).then(again));
  };
  again();
  return {
    close() {
      closed = true;
      cancel();
    },
  };
}

/** A type that ends with `?` may be absent. */
const has = (value: object, fields: Record<string, string>): boolean =>
  Object.entries(fields).every(([name, type]) => {
    const found = (value as Record<string, unknown>)[name];
    return typeof found === type.replace('?', '') || (type.endsWith('?') && found === undefined);
  });

/** Orders come from a file: checked like any other input. */
function readCommand(text: string): Command | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (value === null || typeof value !== 'object' || !('do' in value)) return null;
  const shapes: Record<Command['do'], Record<string, string>> = {
    launch: { spec_path: 'string' },
    adopt: { instance: 'number', spec_path: 'string' },
    destroy: { run: 'string', waive: 'boolean', grace_s: 'number?' },
    recall: { run: 'string' },
    hold: { run: 'string', minutes: 'number', reason: 'string' },
    release: { run: 'string' },
    keep: { run: 'string', keep: 'boolean' },
    relaunch: { run: 'string', command: 'string?', resume: 'string?' },
    switch: { run: 'string' },
    raise_bid: { run: 'string', usd_per_hour: 'number' },
    check: { run: 'string' },
    approve: { run: 'string' },
    refuse: { run: 'string' },
  };
  const shape = shapes[value.do as Command['do']];
  return shape && has(value, shape) ? (value as Command) : null;
}
