import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { APPROVE_MS } from '../../../src/core/decide/consult.ts';
import { propose, type Answer } from './fake-llm.ts';
import { CANARIES, CRASH, scene, type Scene, type SceneOptions } from './scene.ts';

let open: Scene | null = null;
afterEach(async () => {
  await open?.close();
  open = null;
});
async function play(options: SceneOptions): Promise<Scene> {
  open = await scene(options);
  await open.settle();
  return open;
}
const types = (s: Scene): string[] => s.events.map(({ type }) => type).filter((type) => /^(brain\.(asked|proposed|refused|failed)|proposal|remedy|fix|incident|run\.ended)/.test(type));

export const GOOD = '--- a/train.py\n+++ b/train.py\n@@ -3,3 +3,3 @@\n BATCH = 32\n-WIDTH = 128\n+WIDTH = 64\n def build():\n';

describe('a consult', () => {
  it('reads, proposes, is accepted, and the patch is applied in a repository of our own', async () => {
    const s = await play({ script: (_, nth) => (nth === 0 ? { calls: [{ name: 'read_file', arguments: { path: 'train.py' } }] } : propose('The layer is wider than its input.', { kind: 'apply_diff', diff: GOOD })) });
    expect(types(s)).toEqual(['incident.opened', 'brain.asked', 'brain.proposed', 'remedy.chosen', 'fix.applied']);
    expect(readFileSync(join(s.runDir, 'train.py'), 'utf8')).toContain('WIDTH = 64');
    expect(s.run.fixes).toEqual(["sh .vastsit/patch.sh apply 1 'train.py'"]);
    expect(s.run.stage).toBe('starting');
    expect(s.llm.requests[1]?.messages.at(-1)?.content).toContain('WIDTH = 128');
  });

  it('sends one packet of at most 6,000 tokens, whatever the log holds', async () => {
    const s = await play({ log: [...Array.from({ length: 3_000 }, (_, n) => `${n} ${'x7Fq9'.repeat(40)} ${'漢字'.repeat(30)}`), ...CRASH], script: () => propose('unsure', { kind: 'give_up', best_option: 'Look at the shapes.' }) });
    const asked = s.events.find((event) => event.type === 'brain.asked');
    expect(asked?.type === 'brain.asked' && asked.tokens).toBeLessThanOrEqual(6_000);
    expect(JSON.stringify(s.llm.requests[0]).length).toBeLessThan(40_000);
    expect(s.llm.requests[0]?.messages[1]?.content).toContain('mat1 and mat2');
  });

  it('is held once an occurrence: looking again asks nobody', async () => {
    const s = await play({ script: () => propose('unsure', { kind: 'give_up', best_option: 'Look at the shapes.' }) });
    for (let n = 0; n < 5; n += 1) {
      s.pass(10_000);
      await s.settle();
    }
    expect(s.llm.requests).toHaveLength(1);
    expect(s.run.verdict).toBe('failed');
    const given = s.events.find((event) => event.type === 'incident.given_up');
    expect(given?.type === 'incident.given_up' && given.best_option).toBe('Look at the shapes.');
  });

  it('tells a refusal to the model, and takes the next proposal', async () => {
    const s = await play({ script: (_, nth) => (nth === 0 ? propose('hm', { kind: 'set_knob', knob: 'lr', value: 0.1 }) : propose('hm', { kind: 'apply_diff', diff: GOOD })) });
    expect(types(s)).toEqual(['incident.opened', 'brain.asked', 'brain.refused', 'brain.proposed', 'remedy.chosen', 'fix.applied']);
    expect(s.llm.requests[1]?.messages.at(-1)?.content).toContain('Refused: ');
  });

  it('ends with the fourth refusal', async () => {
    const s = await play({ script: () => propose('hm', { kind: 'set_knob', knob: 'lr', value: 0.1 }) });
    expect(types(s)).toEqual(['incident.opened', 'brain.asked', 'brain.refused', 'brain.refused', 'brain.refused', 'brain.refused', 'incident.given_up', 'run.ended']);
    expect(s.llm.requests).toHaveLength(4);
  });

  it('waits for a person where the guard will not decide, and takes silence for a no', async () => {
    const s = await play({ script: () => propose('hm', { kind: 'apply_diff', diff: GOOD.replace('+WIDTH = 64', '+WIDTH = int(os.environ["W"])') }) });
    expect(s.run.brain.consult.stage).toBe('pending');
    expect(s.wanted).not.toContain('fix');
    s.pass(APPROVE_MS - 60_000);
    expect(s.run.brain.consult.stage).toBe('pending');
    s.pass(60_001);
    await s.settle();
    expect(types(s).slice(-3)).toEqual(['proposal.expired', 'incident.given_up', 'run.ended']);
  });

  it('does what a person approves, and only that', async () => {
    const s = await play({ script: () => propose('hm', { kind: 'ask_user', question: 'May I narrow the layer?', then: { kind: 'apply_diff', diff: GOOD } }) });
    const { consult } = s.run.brain;
    s.record({ type: 'user.approved', run: 'demo', key: 'another' });
    expect(s.run.brain.consult.stage).toBe('pending');
    s.record({ type: 'user.approved', run: 'demo', key: consult.stage === 'pending' ? consult.key : '' });
    await s.settle();
    expect(readFileSync(join(s.runDir, 'train.py'), 'utf8')).toContain('WIDTH = 64');
  });

  it('takes a patch back that did not help before the model looks again', async () => {
    const seen: string[] = [];
    const s = await play({
      script: (body, nth) => {
        if (nth === 1) return { calls: [{ name: 'read_file', arguments: { path: 'train.py' } }, { name: 'earlier_attempts', arguments: {} }] };
        if (nth > 1) seen.push(...body.messages.filter(({ role }) => role === 'tool').map(({ content }) => content ?? ''));
        return propose('hm', { kind: 'apply_diff', diff: nth === 0 ? GOOD.replace('+WIDTH = 64', '+WIDTH = 96') : GOOD });
      },
    });
    s.record({ type: 'start.intended', run: 'demo', attempt: 2, instance: 7, command: 'python train.py', resume_from: null, resume_step: null }, { type: 'process.started', run: 'demo', attempt: 2, pid: 10 }, { type: 'process.exited', run: 'demo', attempt: 2, exit_code: 1, signal: null, oom_kills: 0, tail: CRASH, pushed: true });
    await s.settle();
    expect(seen[0]).toContain('WIDTH = 128');
    expect(seen[1]).toContain('patch 1 of train.py: reverted');
    expect(s.run.brain.patches.map(({ status }) => status)).toEqual(['reverted', 'applied']);
    expect(s.run.fixes).toEqual(["sh .vastsit/patch.sh apply 2 'train.py'"]);
    expect(readFileSync(join(s.runDir, 'train.py'), 'utf8')).toContain('WIDTH = 64');
  });

  it('books tokens and dollars, and asks no more when they are spent', async () => {
    const s = await play({ limits: '{tokens: 9000, wall_seconds: 60}', script: () => ({ calls: [{ name: 'read_metrics', arguments: {} }] }) });
    const { usage } = s.run.brain;
    expect(usage).toMatchObject({ tokens_in: s.llm.requests.length * 3_000, tokens_out: s.llm.requests.length * 120 });
    expect(usage.tokens_in + usage.tokens_out).toBeLessThanOrEqual(9_000);
    expect(usage.usd).toBeCloseTo((usage.tokens_in * 0.25 + usage.tokens_out * 2) / 1e6, 9);
    expect(s.events.some((event) => event.type === 'brain.failed' && event.reason.includes('tokens'))).toBe(true);
    expect(s.run.verdict).toBe('failed');
  });

  it('keeps planted secrets out of prompts, events and commands', async () => {
    const s = await play({
      log: [`using token ${CANARIES.token} and ${CANARIES.shaped}`, `Authorization: Bearer ${CANARIES.key}`, ...CRASH],
      files: { 'notes.txt': `the token is ${CANARIES.token}, base64 ${Buffer.from(CANARIES.token).toString('base64')}, split ${CANARIES.token.slice(0, 6)}\u200b${CANARIES.token.slice(6)}\n` },
      script: (_, nth) =>
        nth === 0
          ? { calls: ['notes.txt', 'settings.txt', 'leak.txt', 'id_rsa', '.vastsit/env.sh'].map((path) => ({ name: 'read_file', arguments: { path } })) }
          : nth === 1
            ? { calls: [{ name: 'read_spec', arguments: {} }, { name: 'read_log', arguments: { lines: 50 } }, { name: 'list_files', arguments: {} }] }
            : propose('hm', { kind: 'rerun' }),
    });
    for (const secret of [...Object.values(CANARIES), Buffer.from(CANARIES.token).toString('base64').slice(0, 20)]) expect(s.told()).not.toContain(secret);
    expect(s.llm.keys[0]).toBe(`Bearer ${CANARIES.key}`);
    expect(s.told()).toContain('[redacted]');
  });
});

describe('a model that fails', () => {
  const faults: Record<string, { script: SceneOptions['script']; requests?: number; limits?: string; wireScale?: number }> = {
    'refuses the key': { script: () => ({ status: 401 }), requests: 1 },
    'asks for a pause': { script: () => ({ status: 429, headers: { 'retry-after-ms': '5' } }), requests: 2 },
    'is down': { script: () => ({ status: 503, headers: { 'retry-after-ms': '5' } }), requests: 2 },
    'rejects the request': { script: () => ({ status: 400 }), requests: 1 },
    'is silent': { script: () => ({ fault: 'silent' }), limits: '{wall_seconds: 60}', wireScale: 400 },
    'breaks off': { script: () => ({ fault: 'half' }) },
    'speaks no JSON': { script: () => ({ fault: 'garbage' }) },
    'has no end': { script: () => ({ fault: 'endless' }), requests: 1 },
    'will not answer': { script: () => ({ refusal: 'I cannot help with that.' }), requests: 1 },
    'is filtered': { script: () => ({ text: 'x', finish: 'content_filter' }), requests: 1 },
    'calls a tool that does not exist': { script: () => ({ calls: [{ name: 'destroy_instance', arguments: { id: 7 } }] }), requests: 3 },
    'writes broken arguments': { script: () => ({ calls: [{ name: 'propose', arguments: '{"diagnosis": "x", "action": {"kind": ' }] }), requests: 3 },
    'only talks': { script: () => ({ text: 'It is probably fine.' }), requests: 3 },
    'reads for ever': { script: () => ({ calls: [{ name: 'read_log', arguments: {} }], usage: { prompt_tokens: 10, completion_tokens: 1 } }), requests: 8 },
    'calls too much at once': { script: () => ({ calls: Array.from({ length: 40 }, () => ({ name: 'read_log', arguments: {} })) }), requests: 1 },
  };
  for (const [name, { script, requests, ...options }] of Object.entries(faults)) {
    it(`costs no run when it ${name}: the rules go on`, async () => {
      // An end without a reason is something that the rules can answer by a rerun, once the model is out of the way.
      const s = await play({ ...options, log: ['step 12 loss 0.4', 'something unheard of happened'], script });
      expect(types(s)).toEqual(['incident.opened', 'brain.asked', 'brain.failed', 'remedy.chosen']);
      const chosen = s.events.find((event) => event.type === 'remedy.chosen');
      expect(chosen?.type === 'remedy.chosen' && chosen.remedy.rung).toBe('rerun');
      if (requests !== undefined) expect(s.llm.requests).toHaveLength(requests);
      expect(s.told()).not.toContain(CANARIES.key);
    });
  }

  it('is forgiven one bad answer', async () => {
    const script = (_: unknown, nth: number): Answer => (nth === 0 ? { status: 500, headers: { 'retry-after-ms': '5' } } : nth === 1 ? { text: 'Hm.' } : propose('x', { kind: 'apply_diff', diff: GOOD }));
    const s = await play({ script });
    expect(s.run.brain.patches).toHaveLength(1);
  });
});
