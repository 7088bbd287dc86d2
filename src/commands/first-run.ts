/** The first screen of all, where no account key is found: paste one, use the official CLI's, or try the demo; then what is missing. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { createClock } from '../clock.ts';
import { findings } from './doctor.ts';
import { doctorCommand } from '../headless/doctor.ts';
import type { Io } from '../headless/io.ts';
import { keyFile, readSettings, stateDir } from '../settings.ts';
import { themesDirs } from './cockpit.ts';
import { findApiKey } from '../vast/index.ts';

const WELCOME = `vastsit-tui finds no Vast.ai key on this machine.

  1  paste a key (cloud.vast.ai, Keys); it is kept in a file that only you can read
  2  use the official CLI's: run \`vastai set api-key KEY\` in another terminal, then press 2
  3  try the demo: no account, key or GPU
  q  leave
`;

/** What Vast's keys are made of. */
const KEY = /^[A-Za-z0-9_-]{16,256}$/;

export interface Terminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly write: (text: string) => void;
}

/** Resolves at once with `ready` where there is a key, or no terminal to ask at. Lines instead of a screen where `plain` is wished, or no screen can be painted. */
export async function firstRun(io: Io, env: NodeJS.ProcessEnv, terminal: Terminal, plain: boolean): Promise<'ready' | 'demo' | 'quit'> {
  const found = () => findApiKey({ env, home: env['HOME'] ?? homedir(), own: keyFile(env) });
  if (!terminal.stdin.isTTY || (await found()) !== null) return 'ready';
  const wire = createClock(1);
  const look = () => findings({ env, dir: stateDir(env), project: process.cwd(), wire });
  const settings = readSettings({ env });
  if (!plain && settings.plain !== true && terminal.stdout.isTTY && env['TERM'] !== 'dumb') {
    const { openWelcome } = await import('../cockpit/index.ts');
    return openWelcome({ stdin: terminal.stdin, stdout: terminal.stdout, clock: wire, theme: settings.theme, ...(settings.mouse !== undefined && { mouse: settings.mouse }), themesDirs: themesDirs(env), keep: (key) => keep(env, key), look: async () => ((await found()) === null ? null : look()) });
  }
  const keys = openKeys(terminal);
  try {
    terminal.write(WELCOME);
    for (;;) {
      terminal.write('\n1, 2, 3 or q: ');
      const choice = await keys.one();
      terminal.write(`${/^[\x20-\x7e]$/.test(choice) ? choice : ''}\n`);
      if (choice === 'q' || choice === '\x03' || choice === '\x1b') return 'quit';
      if (choice === '3') return 'demo';
      if (choice === '1' && !(await paste(env, keys, terminal))) continue;
      if ((choice === '1' || choice === '2') && (await found()) === null) terminal.write('There is no key yet.\n');
      else if (choice === '1' || choice === '2') {
        const code = doctorCommand(io, await look(), false);
        terminal.write(code === 0 ? '\nAny key opens the cockpit. ' : '\nAny key opens the cockpit all the same, q leaves. ');
        return (await keys.one()) === 'q' ? 'quit' : 'ready';
      }
    }
  } finally {
    keys.close();
    terminal.write('\n');
  }
}

/** Never echoed: a mark for each character, and in the end the last four. */
async function paste(env: NodeJS.ProcessEnv, keys: Keys, terminal: Terminal): Promise<boolean> {
  terminal.write('The key, then Enter (Esc leaves): ');
  const key = await keys.line();
  terminal.write('\n');
  if (key === null) return false;
  try {
    terminal.write(`${await keep(env, key)}\n\n`);
    return true;
  } catch (error) {
    terminal.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  }
}

/** Answers where it is, by its last four characters. Rejects in words; then nothing was kept. */
async function keep(env: NodeJS.ProcessEnv, key: string): Promise<string> {
  if (!KEY.test(key)) throw new Error('That is no Vast key: 16 to 256 letters, digits, - or _ were expected. Nothing was kept.');
  const file = keyFile(env);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, `${key}\n`, { mode: 0o600 });
  await chmod(file, 0o600);
  return `The key that ends in …${key.slice(-4)} is kept in ${file}. Delete that file to forget it.`;
}

interface Keys {
  one: () => Promise<string>;
  /** Until Enter; null at Esc or Ctrl-c. */
  line: () => Promise<string | null>;
  close: () => void;
}

/** Raw keys, one character at a time, whatever comes in one read. */
function openKeys({ stdin, write }: Terminal): Keys {
  const waiting: string[] = [];
  let taker: ((key: string) => void) | null = null;
  const hear = (data: Buffer | string): void => {
    // The marks around a paste are no part of it.
    for (const key of data.toString().replace(/\x1b\[20[01]~/g, '')) waiting.push(key);
    give();
  };
  const give = (): void => {
    if (taker === null) return;
    const key = waiting.shift();
    if (key === undefined) return;
    const take = taker;
    taker = null;
    take(key);
  };
  const one = (): Promise<string> =>
    new Promise((resolve) => {
      taker = resolve;
      give();
    });
  stdin.setRawMode(true);
  stdin.on('data', hear);
  stdin.resume();
  return {
    one,
    async line() {
      let text = '';
      for (;;) {
        const key = await one();
        if (key === '\r' || key === '\n') return text.trim();
        if (key === '\x1b' || key === '\x03') return null;
        if (key === '\x7f' || key === '\b') {
          if (text !== '') write('\b \b');
          text = text.slice(0, -1);
        } else if (key >= ' ') {
          text += key;
          write('*');
        }
      }
    },
    close() {
      stdin.off('data', hear);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
