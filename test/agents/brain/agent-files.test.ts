import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AGENT_NAMES, AgentFileError, loadAgent, parseAgent } from '../../../src/agents/brain/agent-files.ts';
import { systemPrompt } from '../../../src/agents/brain/prompt.ts';
import { PROPOSE, readingTools, TOOL_NAMES } from '../../../src/agents/brain/tools.ts';
import { countTokens } from '../../../src/core/brain/tokens.ts';

const root = join(import.meta.dirname, '../../..');

const problemsOf = (text: string): readonly string[] => {
  try {
    parseAgent(text, 'x.md', 'babysitter');
  } catch (error) {
    if (error instanceof AgentFileError) return error.problems;
  }
  return [];
};

describe("agents' files", () => {
  it('that we ship are valid, and leave room for the facts', async () => {
    for (const name of AGENT_NAMES) {
      const path = join(root, 'agents', `${name}.md`);
      const agent = parseAgent(await readFile(path, 'utf8'), path, name);
      expect(countTokens(systemPrompt(agent.mandate, 'repair')) + countTokens(JSON.stringify([...readingTools(TOOL_NAMES), PROPOSE]))).toBeLessThan(3_500);
    }
  });

  it("are the project's before the user's before ours, and a broken one is never skipped", async () => {
    const dir = await mkdtemp(join(tmpdir(), 'agents-'));
    onTestFinished(() => rm(dir, { recursive: true, force: true }));
    const places = { project: join(dir, 'project'), config: join(dir, 'config'), shipped: root };
    const write = async (path: string, model: string): Promise<void> => {
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, `---\nname: babysitter\nmodel: ${model}\n---\nWatch it.\n`);
    };
    expect((await loadAgent('babysitter', places)).path).toBe(join(root, 'agents', 'babysitter.md'));
    await write(join(places.config, 'agents', 'babysitter.md'), 'mine');
    expect((await loadAgent('babysitter', places)).model).toBe('mine');
    await write(join(places.project, '.vastsit', 'agents', 'babysitter.md'), 'of-the-project');
    expect((await loadAgent('babysitter', places)).model).toBe('of-the-project');
    await writeFile(join(places.project, '.vastsit', 'agents', 'babysitter.md'), 'no front matter');
    await expect(loadAgent('babysitter', places)).rejects.toThrow('front matter');
  });

  it('name the field at fault, and cannot lift the bounds', () => {
    const file = (head: string): string => `---\nname: babysitter\n${head}\n---\nWatch it.\n`;
    expect(problemsOf(file('tools: [read_log, destroy]'))[0]).toContain('tools.1');
    expect(problemsOf(file('limits: {turns: 500}'))[0]).toContain('limits.turns');
    expect(problemsOf(file('limits: {diff_lines: {fix: 5000}}'))[0]).toContain('limits.diff_lines.fix');
    expect(problemsOf(file('limits: {dollars: 1}'))[0]).toContain('limits');
    expect(problemsOf(file('temperature: warm'))[0]).toContain('temperature');
    expect(problemsOf('---\nname: runner\n---\nx')[0]).toContain('expected babysitter');
    expect(problemsOf('---\nname: babysitter\n---\n')[0]).toContain('empty');
    expect(problemsOf('---\nname: [\n---\nx')[0]).toContain('YAML');
    expect(problemsOf(file('') + 'word '.repeat(2_000))[0]).toContain('tokens');
  });
});
