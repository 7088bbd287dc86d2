/** One real process of the built program, killed at one boundary against a real market, and the one that comes after it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SPEED = 4;
/** One page holds 500: the newest come first. */
const CHARGES = `/api/v0/charges/?limit=500&latest_first=true&select_filters=${encodeURIComponent('{"day":{}}')}`;

export interface Field {
  /** Every boundary that an undisturbed run passes, by name and count, and how long its instances were rented. */
  record(): Promise<{ points: string[]; kept_s: number }>;
  /** Kills at one of them and lets the next owner go on. `wrong` is empty when all is well. */
  cut(point: string): Promise<{ killed: boolean; wrong: string[]; kept_s: number }>;
  close(): void;
}

/** A market of its own, in a process of its own. `root` is the project's. */
export async function openField(root: string): Promise<Field> {
  const bin = join(root, 'bin/vastsit-tui.js');
  const dir = mkdtempSync(join(tmpdir(), 'vastsit-kill-'));
  const epoch = Date.now();
  writeFileSync(join(dir, 'market.yaml'), 'loading: { provision: 1s, pull: 2s, destroy: 1s, stop: 1s }\nfaults: [{ fault: oom at step 6 unless batch_size <= 16 }]\n');
  const children = new Set<ChildProcess>();
  const run = (args: string[], cwd: string, env: Record<string, string>, hooked = true) => {
    const child = spawn(process.execPath, [...(hooked ? ['--import', join(root, 'test/crash/hook.mjs')] : []), bin, ...args], {
      cwd,
      env: { PATH: process.env['PATH'] ?? '', HOME: dir, TMPDIR: dir, LANG: 'C.UTF-8', CRASH_SPEED: String(SPEED), CRASH_EPOCH: String(epoch), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    let out = '';
    let err = '';
    child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()));
    const ended = new Promise<{ code: number | null; signal: string | null; out: string; err: string }>((resolve) =>
      child.once('close', (code, signal) => {
        children.delete(child);
        resolve({ code, signal, out, err });
      }),
    );
    return { child, ended, out: () => out };
  };
  const sim = run(['sim', '--port', '0', '--scenario', 'market.yaml', '--scale', String(SPEED)], dir, {}, false);
  while (!sim.out().includes('\n')) await new Promise((resolve) => sim.child.stdout.once('data', resolve));
  const market = JSON.parse(sim.out()) as { url: string; api_key: string };
  const headers = { authorization: `Bearer ${market.api_key}` };
  const labels = async (path: string, name: string): Promise<string[]> => {
    const text = await (await fetch(`${market.url}${path}`, { headers })).text();
    return text.match(new RegExp(`vastsit:${name}:\\d+`, 'g')) ?? [];
  };
  /** The market's own seconds, as it counts them for its bill. */
  const kept = async (name: string): Promise<number> => {
    const bill = (await (await fetch(`${market.url}${CHARGES}`, { headers })).json()) as { results: { start: number; end: number; metadata: { label: string } }[] };
    return bill.results.filter(({ metadata }) => metadata.label.startsWith(`vastsit:${name}:`)).reduce((sum, { start, end }) => sum + end - start, 0);
  };
  let cases = 0;

  async function one(point: string | null): Promise<{ killed: boolean; wrong: string[]; points: string[]; kept_s: number }> {
    const name = `k${(cases += 1)}`;
    const place = join(dir, name);
    mkdirSync(place);
    copyFileSync(join(root, 'src/sim/assets/train.mjs'), join(place, 'train.mjs'));
    const command = 'node train.mjs --steps 12 --batch-size {batch_size} --seconds-per-step 0.8 --save-every 3';
    writeFileSync(
      join(place, 'spec.yaml'),
      `name: ${name}\nimage: pytorch/pytorch:2.6.0\nhardware: { disk_gb: 20, max_usd_per_hour: 0.9 }\nupload: [train.mjs]\nrun: ${command}\nknobs: { batch_size: { value: 32, floor: 4 } }\ncheckpoints: { path: ckpt/*.json, resume: '${command} --resume {checkpoint}' }\nartifacts: ['out/**']\nkill: { hours: 1, dollars: 1 }\n`,
    );
    const env = { VAST_URL: market.url, VAST_API_KEY: market.api_key, VASTSIT_HOME: join(place, 'state') };
    const log = join(place, 'points');
    const first = await run(['launch', 'spec.yaml', '--json'], place, { ...env, CRASH_LOG: log, ...(point !== null && { CRASH_AT: point }) }).ended;
    const points = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
    const killed = first.signal === 'SIGKILL';
    const journal = join(place, 'state/journal.jsonl');
    const text = (): string => (existsSync(journal) ? readFileSync(journal, 'utf8') : '');
    const wrong: string[] = [];
    let last = first;
    if (killed) last = await run(text().includes('"type":"run.submitted"') && text().includes('\n') ? ['watch', '--json'] : ['launch', 'spec.yaml', '--json'], place, env).ended;
    // A submission that was torn is no submission: it is given again, as a person would.
    if (killed && last.code === 2) last = await run(['launch', 'spec.yaml', '--json'], place, env).ended;
    if (last.code !== 0) wrong.push(`the next owner ended with ${last.code}: ${last.err.slice(-200)}${last.out.slice(-200)}`);
    const events = text().trim().split('\n').map((line) => JSON.parse(line) as { type: string; attempt?: number; verdict?: string; seq: number });
    if (events.findLast(({ type }) => type === 'run.closed')?.verdict !== 'done') wrong.push('it is not closed as done');
    if (events.some((event, index) => index > 0 && event.seq <= (events[index - 1]?.seq ?? 0))) wrong.push('the numbers of its events do not rise');
    const starts = new Set(events.filter(({ type }) => type === 'start.intended').map(({ attempt }) => attempt));
    if (starts.size !== 2) wrong.push(`${starts.size} attempts instead of 2`);
    if (!existsSync(join(place, 'results', name, 'out/model.json'))) wrong.push('its result is not at home');
    const live = await labels('/api/v0/instances/', name);
    if (live.length > 0) wrong.push(`still billing: ${live.join()}`);
    const rented = await labels(CHARGES, name);
    if (new Set(rented).size !== rented.length) wrong.push(`rented twice: ${rented.join()}`);
    rmSync(place, { recursive: true, force: true, maxRetries: 3 });
    return { killed, wrong, points, kept_s: await kept(name) };
  }

  return {
    async record() {
      const { wrong, points, kept_s } = await one(null);
      if (wrong.length > 0) throw new Error(`the undisturbed run is not well: ${wrong.join('; ')}`);
      return { points, kept_s };
    },
    cut: (point) => one(point),
    close() {
      for (const child of children) child.kill(child === sim.child ? 'SIGTERM' : 'SIGKILL');
      sim.child.once('close', () => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }));
    },
  };
}
