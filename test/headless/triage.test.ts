import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/headless/errors.ts';
import { triageCommand, type TriageOptions } from '../../src/headless/triage.ts';

const OOM = 'step 3/9 | loss 1.5 | 2.0 it/s\nTraceback (most recent call last):\n  File "train.py", line 3, in <module>\ntorch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n';

async function run(options: TriageOptions, stdin: string | Buffer[] = ''): Promise<{ code: number; lines: string[] }> {
  const lines: string[] = [];
  const io = {
    stdin: Readable.from(typeof stdin === 'string' ? [Buffer.from(stdin)] : stdin),
    readFile: async (path: string) => {
      if (path !== 'a.log') throw new Error('no such file');
      return new TextEncoder().encode(OOM);
    },
    out: (line: string) => void lines.push(line),
  };
  return { code: await triageCommand(io, options), lines };
}

describe('triage command', () => {
  it('explains a log from a file or from standard input', async () => {
    for (const { code, lines } of [await run({ file: 'a.log' }), await run({ file: '-' }, OOM), await run({}, OOM)]) {
      expect(code).toBe(0);
      expect(lines[0]).toMatch(/^FAILURE: gpu_oom/);
      expect(lines.join('\n')).toContain('step 3 of 9');
    }
  });

  it('shows a line of the log no longer than a screen, and claims nothing of a rerun that nobody knows', async () => {
    const { lines } = await run({}, `${'x'.repeat(400)}\nExited with exit code 1.\n`);
    expect(lines.join('\n')).toContain('Transient: the log does not say');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(200);
  });

  it('answers one object with --json', async () => {
    const { lines } = await run({ file: 'a.log', json: true });
    expect(JSON.parse(lines.join('\n'))).toMatchObject({ kind: 'failure', cause: 'gpu_oom', progress: { step: 3, total_steps: 9, loss: 1.5 } });
  });

  it('answers line by line with --jsonl, however the input is cut, and marks lines that are none', async () => {
    const input = Buffer.from(`${JSON.stringify({ id: 'ä', text: OOM })}\n\nnot json\n${JSON.stringify({ id: 2, text: 'step 1/9 | loss 2.0\n' })}\n${JSON.stringify({ id: 3, text: 'step 1/9 | loss 2.0\n', exit_code: -9 })}`);
    const { code, lines } = await run({ jsonl: true }, Array.from(input, (_, at) => input.subarray(at, at + 1)));
    expect(code).toBe(2);
    const answers = lines.map((line): unknown => JSON.parse(line));
    expect(answers).toMatchObject([
      { id: 'ä', kind: 'failure', step: 3, total_steps: 9, epoch: null, loss: 1.5, rate: { value: 2, unit: 'it/s' }, eval: null, cause: 'gpu_oom', transient: false },
      { id: null, error: expect.any(String) as string },
      { id: 2, kind: 'healthy', cause: null, step: 1 },
      { id: 3, kind: 'failure', cause: 'host_oom_killed' },
    ]);
  });

  it('says what cannot be read', async () => {
    await expect(run({ file: 'b.log' })).rejects.toThrow(new UsageError('cannot read b.log: no such file'));
    await expect(run({ file: 'b.log', jsonl: true })).rejects.toThrow(UsageError);
  });
});
