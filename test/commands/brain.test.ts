import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { agentsCheck, ask, modelReading } from '../../src/commands/brain.ts';
import { RemoteError, type Remote } from '../../src/core/ports.ts';
import type { Io } from '../../src/headless/io.ts';
import { triageCommand } from '../../src/headless/triage.ts';
import { fakeLlm, LLM_KEY, type Answer, type ChatBody, type FakeLlm } from '../agents/brain/fake-llm.ts';
import { calmWorld } from '../cockpit/world.ts';

async function setup(script: (body: ChatBody, nth: number) => Answer): Promise<{ env: NodeJS.ProcessEnv; llm: FakeLlm; io: Io; out: string[]; talk: string[] }> {
  const home = await mkdtemp(join(tmpdir(), 'ask-'));
  const llm = await fakeLlm(script);
  onTestFinished(async () => {
    await llm.close();
    await rm(home, { recursive: true, force: true });
  });
  const out: string[] = [];
  const talk: string[] = [];
  return { env: { HOME: home, VASTSIT_HOME: home, OPENAI_API_KEY: LLM_KEY, OPENAI_BASE_URL: llm.url }, llm, io: { out: (line) => out.push(line), talk: (line) => talk.push(line) }, out, talk };
}

const remote = { connect: () => Promise.reject(new RemoteError('refused', 'closed')) } as unknown as Remote;
const world = calmWorld();
const [run] = Object.values(world.runs);
if (!run) throw new Error('no run');

describe('ask', () => {
  it('answers from the packet and by reading, with no tool that proposes', async () => {
    const { env, io, llm, out, talk } = await setup((_, nth) => (nth === 0 ? { calls: [{ name: 'read_metrics', arguments: {} }, { name: 'propose', arguments: {} }] } : { text: 'The loss falls;\x1b[2J all is well.' }));
    expect(await ask(io, { env, world, run, remote, question: 'why is it slow?', asJson: false })).toBe(0);
    expect(out).toEqual(['The loss falls; all is well.']);
    expect(talk.join()).toContain('6240 tokens');
    expect(llm.requests[0]?.messages[1]?.content).toContain('why is it slow?');
    expect(llm.requests[0]?.tools?.map(({ function: tool }) => tool.name)).not.toContain('propose');
    expect(llm.requests[1]?.messages.at(-1)?.content).toContain('There is no tool of that name');
  });

  it('says what is missing without a key, and that nobody answered when nobody did', async () => {
    const { env, io, talk } = await setup(() => ({ status: 401 }));
    await expect(ask(io, { env: { ...env, OPENAI_API_KEY: '' }, world, run, remote, question: 'x', asJson: false })).rejects.toThrow('OPENAI_API_KEY');
    expect(await ask(io, { env, world, run, remote, question: 'x', asJson: false })).toBe(6);
    expect(talk.join()).not.toContain(LLM_KEY);
  });
});

describe('triage --llm', () => {
  it('shows the reading of the model beside that of the rules, and masks what looks like a key', async () => {
    const { env, io, llm } = await setup(() => ({ text: 'The shapes disagree.' }));
    const lines: string[] = [];
    const log = 'using hf_CanaryCanaryCanaryCanary42\nTraceback (most recent call last):\n  File "train.py", line 9, in <module>\n    out = layer(batch)\nRuntimeError: mat1 and mat2 shapes cannot be multiplied (32x64 and 128x10)\n';
    await triageCommand({ stdin: process.stdin, readFile: async () => new TextEncoder().encode(log), out: (line) => lines.push(line), model: modelReading(io, env) }, { file: 'x.log' });
    expect(lines.join('\n')).toMatch(/code_bug[\s\S]*Model:\n {2}The shapes disagree\./);
    expect(JSON.stringify(llm.requests)).not.toContain('hf_Canary');
  });
});

describe('agents check', () => {
  it('shows which file is in force', async () => {
    const { env, io, out } = await setup(() => ({ text: '' }));
    expect(await agentsCheck(io, env, true)).toBe(0);
    expect(out.map((line) => (JSON.parse(line) as { agent: string; ok: boolean; path: string }).path)).toEqual([expect.stringMatching(/agents\/runner\.md$/), expect.stringMatching(/agents\/babysitter\.md$/)]);
  });
});
