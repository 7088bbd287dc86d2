/** An evening in the embedded market with a language model that a test scripts, and a training script with a real bug. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openApp, type App } from '../../src/app.ts';
import { createClock } from '../../src/clock.ts';
import { assetPath } from '../../src/sim/assets.ts';
import { startSim, type Sim } from '../../src/sim/index.ts';
import type { Event } from '../../src/core/events.ts';
import { fakeLlm, LLM_KEY, type Answer, type ChatBody, type FakeLlm } from '../agents/brain/fake-llm.ts';

export const SCALE = 120;

export interface Evening {
  app: App;
  sim: Sim;
  llm: FakeLlm;
  events: Event[];
  project: string;
  state: string;
  run: string;
  /** Resolves when the run is closed. */
  over(): Promise<void>;
  /** Ends the program alone, so that its files are whole. */
  closeApp(): Promise<void>;
  close(): Promise<void>;
}

const SPEC = `name: buggy
image: pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime
hardware: { gpu: [RTX 4090], disk_gb: 20, max_usd_per_hour: 0.6 }
upload: [train.mjs]
run: node train.mjs --steps 30 --seconds-per-step 8 --save-every 5 --out ckpt --final out/model.json
env: { HF_TOKEN: { secret: CANARY_TOKEN } }
checkpoints: { path: 'ckpt/*.json', resume: 'node train.mjs --steps 30 --seconds-per-step 8 --save-every 5 --out ckpt --final out/model.json --resume {checkpoint}', keep: 2 }
artifacts: ['out/**']
kill: { hours: 6, dollars: 5 }
`;

/** The user's own script: from step 12 on it builds its batch with one input too many, and says so like PyTorch does. */
const RIGHT = 'function trainStep(w, step) {\n  const size = args[\'batch-size\'];\n  const all = examples(size * args[\'grad-accum\'], step);\n';
export const BUG = 'function trainStep(w, step) {\n  const size = args[\'batch-size\'];\n  const width = step < 12 ? INPUTS : INPUTS + 1;\n  const all = examples(size * args[\'grad-accum\'], step);\n  if (width !== all[0].x.length) throw new Error(`mat1 and mat2 shapes do not fit (${size}x${all[0].x.length} and ${width}x${HIDDEN})`);\n';

export async function buggyScript(): Promise<string> {
  const text = await readFile(assetPath('train.mjs'), 'utf8');
  if (!text.includes(RIGHT)) throw new Error('the trainer has changed: the bug has no place any more');
  return text.replace(RIGHT, BUG);
}

export const CANARY = 'canary-hf-token-5f1c9e77aa';

export async function evening(script: (body: ChatBody, nth: number) => Answer, options: { env?: Record<string, string> } = {}): Promise<Evening> {
  const root = await mkdtemp(join(tmpdir(), 'vastsit-brain-'));
  const project = join(root, 'project');
  const state = join(root, 'state');
  await mkdir(project);
  await writeFile(join(project, 'train.mjs'), await buggyScript());
  await writeFile(join(project, 'spec.yaml'), SPEC);
  const clock = createClock(SCALE);
  const llm = await fakeLlm(script);
  const sim = await startSim({ scenario: { loading: { provision: '2s', pull: '10s', destroy: '2s', stop: '2s' } }, clock, dir: join(root, 'market') });
  const env = { PATH: process.env['PATH'], HOME: root, VASTSIT_HOME: state, OPENAI_API_KEY: LLM_KEY, OPENAI_BASE_URL: llm.url, CANARY_TOKEN: CANARY, ...options.env };
  const app = await openApp({ env, project, stateDir: state, scale: SCALE, url: sim.url, apiKey: sim.apiKey, what: 'a test' });
  const events: Event[] = [];
  app.subscribe((more) => events.push(...more));
  const run = await app.submit('spec.yaml');
  let closed: Promise<void> | null = null;
  return {
    app,
    sim,
    llm,
    events,
    project,
    state,
    run,
    over: () =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (app.store.getState().runs[run]?.stage === 'closed') resolve();
        };
        app.running.catch(reject);
        app.subscribe(look);
        look();
      }),
    closeApp: () => (closed ??= app.close()),
    async close() {
      await (closed ??= app.close());
      await sim.close();
      await llm.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}
