/** Keys are planted, a real run goes its way, and everything that was written, printed or spawned is searched for them. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClock } from '../../src/clock.ts';
import { fakeLlm, LLM_KEY, propose, type FakeLlm } from '../agents/brain/fake-llm.ts';
import { createPlace, type Place, type Running } from './program.ts';
import { quickMarket, writeTraining, type QuickMarket } from './quick.ts';

const TOKEN = 'hf-canary-Zm9v/+b"a\'r$x-91c3';
const clock = createClock();

interface Seen {
  /** What must not be, each once. */
  violations: Set<string>;
  /** Keys of containers, found where the host puts them. */
  containers: Set<string>;
  /** Kinds of processes that were looked at. */
  looked: Set<string>;
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // gone, or another user's
  }
};
const filesBelow = (dir: string): string[] => {
  try {
    return readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
};
/** As a file, a JSON line or a URL would have it. */
const forms = (secret: string): string[] => [...new Set([secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), Buffer.from(secret).toString('base64').slice(0, -4)])];
const holds = (text: string, secret: string): boolean => forms(secret).some((form) => text.includes(form));

/** Looks at every process of the place and of the boxes until told to stop. */
async function watchProcesses(place: Place, market: QuickMarket['env'], programs: ReadonlySet<number>, seen: Seen, stop: AbortSignal): Promise<void> {
  const keys = { account: market.VAST_API_KEY, llm: LLM_KEY };
  for (let round = 0; !stop.aborted; round += 1) {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)) {
      const [args, env] = [read(`/proc/${pid}/cmdline`), read(`/proc/${pid}/environ`)];
      const inBox = env.includes('VASTSIT_SIM_BOX=') && env.includes(`VAST_URL=${market.VAST_URL}\0`);
      // ssh and ssh-keygen get an environment of their own, but their arguments name our state.
      if (pid === process.pid || !(inBox || args.includes(place.root) || env.includes(place.root))) continue;
      const program = args.split('\0')[0]?.split('/').at(-1) ?? '';
      seen.looked.add(inBox ? 'box' : program);
      const who = `${program} (${args.replaceAll('\0', ' ').slice(0, 90)})`;
      for (const secret of [...Object.values(keys), TOKEN, ...seen.containers]) if (holds(args, secret)) seen.violations.add(`arguments of ${who}`);
      // A fork that has not yet become what it will be looks like its parent for an instant.
      const parent = Number(/^\d+ \(.*\) \S (\d+)/s.exec(read(`/proc/${pid}/stat`))?.[1] ?? 0);
      if (programs.has(pid) || (programs.has(parent) && args === read(`/proc/${parent}/cmdline`))) continue;
      for (const [name, key] of Object.entries(keys)) if (env.includes(key)) seen.violations.add(`${name} key in the environment of ${who}`);
      if (!inBox && env.includes(TOKEN)) seen.violations.add(`the spec's secret in the environment of ${who}`);
      if (!inBox || round % 20 > 0) continue;
      const home = /(?:^|\0)HOME=([^\0]+)/.exec(env)?.[1] ?? '';
      const own = read(join(home, '.vast_api_key')).trim();
      if (own !== '') seen.containers.add(own);
      for (const file of filesBelow(home)) {
        const text = read(file);
        for (const [name, key] of Object.entries(keys)) if (holds(text, key)) seen.violations.add(`${name} key on the box in ${file}`);
        const where = /\.vastsit\/(.+)$/.exec(file)?.[1] ?? file;
        if (text.includes(TOKEN) && !/^log\.\d+$/.test(where) && (!where.startsWith('env.sh') || (statSync(file).mode & 0o077) !== 0) && !/^in\.[0-9a-f]+\/\.vastsit\/env\.sh$/.test(where)) seen.violations.add(`the spec's secret on the box in ${file}`);
      }
    }
    await clock.sleep(50);
  }
}

describe('planted keys', () => {
  const seen: Seen = { violations: new Set(), containers: new Set(), looked: new Set() };
  let market: QuickMarket;
  let llm: FakeLlm;
  let place: Place;
  const said: Record<string, string> = {};
  let code: number | null = null;

  beforeAll(async () => {
    llm = await fakeLlm(() => propose('Perhaps once more.', { kind: 'rerun' }));
    market = await quickMarket('faults: [{ on: { run: leaky, attempt: 1 }, fault: exit 3 at step 12 }]\n');
    place = createPlace({ ...market.env, OPENAI_API_KEY: LLM_KEY, OPENAI_BASE_URL: llm.url, HF_CANARY: TOKEN });
    // The training itself is careless, as trainings are: its set-up and its log tell the secret.
    const spec = writeTraining(place, 'leaky', 20, (text) => `${text.replace(/^run: /m, 'run: echo "log leaks $HF_TOKEN"; ').replace("resume: '", `resume: 'echo "log leaks $HF_TOKEN"; `)}setup: 'echo "set-up leaks $HF_TOKEN"'\nenv: { HF_TOKEN: { secret: HF_CANARY } }\n`);
    const stop = new AbortController();
    const programs = new Set<number>();
    const watching = watchProcesses(place, market.env, programs, seen, stop.signal);
    const start = async (name: string, args: string[]): Promise<number | null> => {
      const running: Running = place.start(args);
      programs.add(running.pid);
      const ended = await running.exited;
      said[name] = `${running.out.join('\n')}\n${running.err()}`;
      return ended.code;
    };
    code = await start('launch', ['launch', spec, '--json']);
    for (const [name, ...args] of [['status'], ['status', '--json'], ['cost'], ['report', 'leaky'], ['logs', 'leaky', '--lines', '400'], ['logs', 'leaky', '--lines', '400', '--json'], ['doctor']] as const) await start([name, ...args].join(' '), [name, ...args]);
    stop.abort();
    await watching;
  }, 120_000);
  afterAll(async () => {
    place.dispose();
    await market.close();
    await llm.close();
  });

  it('went through the whole story: a crash, the model asked, results at home', () => {
    expect([code, said['launch']?.includes('"verdict":"done"')], said['launch']?.slice(-2_000)).toEqual([0, true]);
    expect(llm.requests.length).toBeGreaterThan(0);
    expect([seen.looked.has('box'), seen.looked.has('ssh'), seen.containers.size]).toEqual([true, true, 1]);
    expect(said['logs leaky --lines 400']).toContain('log leaks');
  });

  it('are in no argument list, no child\'s environment, and on no box but where they belong', () => {
    expect([...seen.violations]).toEqual([]);
  });

  it('are in nothing that was printed, nor in what the model was told', () => {
    const told = { ...said, model: JSON.stringify(llm.requests) };
    for (const secret of [market.env.VAST_API_KEY, LLM_KEY, TOKEN, ...seen.containers]) {
      for (const [name, text] of Object.entries(told)) expect([name, holds(text, secret)]).toEqual([name, false]);
    }
    expect(llm.keys.every((header) => header === `Bearer ${LLM_KEY}`)).toBe(true);
  });

  it('are in no file of the state, the project or the temporary folder, but in the training\'s own log', () => {
    const files = [place.state, place.project, place.env['TMPDIR'] ?? '', place.env['HOME'] ?? ''].flatMap(filesBelow);
    expect(files.some((file) => file.endsWith('STATUS.md')) && files.some((file) => file.endsWith('journal.jsonl'))).toBe(true);
    const found = files.filter((file) => [market.env.VAST_API_KEY, LLM_KEY, TOKEN, ...seen.containers].some((secret) => holds(read(file), secret)));
    // It came home with the hash that it has on the box, so it says what the training said.
    expect(found.filter((file) => !/results\/leaky\/\.vastsit\/log\.\d+$/.test(file))).toEqual([]);
  });

  it('and the state is nobody else\'s to read', () => {
    const open = filesBelow(place.state).filter((file) => (statSync(file).mode & 0o077) !== 0);
    expect([open, statSync(place.state).mode & 0o777]).toEqual([[], 0o700]);
  });
});
