/** The built program as a user runs it, in a home of its own, and a look at what it leaves behind. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { createClock } from '../../src/clock.ts';

export const BIN = resolve('bin/vastsit-tui.js');
const clock = createClock();

/** One JSON line. */
export type Line = Record<string, unknown> & { type: string };

export interface Running {
  pid: number;
  /** stdout, line by line. */
  out: string[];
  /** stdout's lines as JSON; throws for one that is none. */
  lines(): Line[];
  err(): string;
  /** Resolves with the first JSON line that matches, also one that came already. Rejects, with what was said, when the program ends first. */
  line(matches: (line: Line) => boolean, what: string): Promise<Line>;
  kill(signal: NodeJS.Signals): void;
  /** Stops reading stdout for good. */
  hangUp(): void;
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export interface RunOptions {
  env?: Readonly<Record<string, string>>;
  input?: string;
}

export interface Place {
  /** Temporary files, state and project of this place are below it. */
  root: string;
  project: string;
  state: string;
  env: Record<string, string>;
  start(args: readonly string[], options?: RunOptions): Running;
  /** Runs to the end. */
  run(args: readonly string[], options?: RunOptions): Promise<{ code: number | null; out: string; err: string; lines: Line[] }>;
  /** Processes that were started from here, the oldest first: by their environment or their arguments. */
  processes(): { pid: number; args: string }[];
  /** What programs left among the temporary files. */
  leftovers(): string[];
  /** Ends what is left of this place's processes and removes it. */
  dispose(): void;
}

/** An environment built up, never inherited: CI's own variables, or a user's key, must not decide anything here. */
export function createPlace(extra: Readonly<Record<string, string>> = {}): Place {
  const root = mkdtempSync(join(tmpdir(), 've-'));
  const [home, project, state, tmp] = ['home', 'project', 'state', 'tmp'].map((name) => join(root, name)) as [string, string, string, string];
  for (const dir of [home, project, tmp]) mkdirSync(dir);
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, TMPDIR: tmp, LANG: 'C.UTF-8', TERM: 'xterm-256color', VASTSIT_HOME: state, VASTSIT_E2E: root, ...extra };
  const started = new Set<Running>();

  const start: Place['start'] = (args, options = {}) => {
    const child = spawn(process.execPath, [BIN, ...args], { cwd: project, env: { ...env, ...options.env }, stdio: 'pipe' });
    const out: string[] = [];
    let err = '';
    const heard = new Set<() => void>();
    const closed = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((done) => child.once('close', (code, signal) => done({ code, signal })));
    child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()));
    child.stdin.on('error', () => undefined);
    createInterface(child.stdout).on('line', (line) => {
      out.push(line);
      for (const look of heard) look();
    });
    const parse = (line: string): Line => {
      try {
        return JSON.parse(line) as Line;
      } catch {
        throw new Error(`not JSON: ${line}`);
      }
    };
    const running: Running = {
      pid: child.pid ?? 0,
      out,
      lines: () => out.map(parse),
      err: () => err,
      line: (matches, what) =>
        new Promise((done, fail) => {
          let read = 0;
          const look = (): void => {
            for (; read < out.length; read += 1) {
              const line = parse(out[read] ?? '');
              if (!matches(line)) continue;
              heard.delete(look);
              return done(line);
            }
          };
          heard.add(look);
          look();
          void closed.then(({ code }) => fail(new Error(`ended with ${code} before ${what}:\n${out.slice(-8).join('\n')}\n${err}`)));
        }),
      kill: (signal) => void child.kill(signal),
      hangUp: () => void child.stdout.destroy(),
      exited: closed,
    };
    started.add(running);
    void closed.then(() => started.delete(running));
    child.stdin.end(options.input ?? '');
    return running;
  };

  return {
    root,
    project,
    state,
    env,
    start,
    async run(args, options) {
      const running = start(args, options);
      const { code } = await running.exited;
      const out = running.out.join('\n');
      return { code, out, err: running.err(), lines: args.includes('--json') ? running.lines() : [] };
    },
    processes: () => processesOf(root),
    leftovers: () => readdirSync(tmp),
    dispose() {
      for (const running of started) running.kill('SIGKILL');
      for (const { pid } of processesOf(root)) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // gone in between
        }
      }
      rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

/** Living processes that carry the place in their environment or arguments; this test's own is none of them. */
function processesOf(root: string): { pid: number; args: string }[] {
  if (process.platform !== 'linux') {
    const { stdout } = spawnSync('ps', ['-Eww', '-A', '-o', 'pid=,command='], { encoding: 'utf8' });
    return stdout.split('\n').flatMap((line) => (line.includes(root) ? [{ pid: Number.parseInt(line, 10), args: line.trim() }] : [])).filter(({ pid }) => pid !== process.pid);
  }
  const read = (pid: string, file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8');
    } catch {
      return ''; // gone, or another user's
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => ({ pid: Number(pid), args: read(pid, 'cmdline').replaceAll('\0', ' '), env: read(pid, 'environ') }))
    .filter(({ args, env }) => args.includes(root) || env.includes(root))
    .map(({ pid, args }) => ({ pid, args }));
}

/** Waits until `look` gives something; on failure says what was waited for, and what was there instead. */
export async function until<T>(look: () => T | null | undefined | false | Promise<T | null | undefined | false>, what: () => string, ms = 30_000): Promise<T> {
  for (const end = clock.now() + ms; ; await clock.sleep(25)) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    if (clock.now() > end) throw new Error(`waited ${ms} ms in vain: ${what()}`);
  }
}
