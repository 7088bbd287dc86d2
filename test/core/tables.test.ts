import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { policyMarkdown, policyTables } from '../../src/core/policy.ts';
import { policyCommand } from '../../src/headless/policy.ts';

describe('the policy that people read', () => {
  it('is the one in the README, word for word', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const [, block] = /<!-- policy:begin -->\n([\s\S]*?)<!-- policy:end -->/.exec(readme) ?? [];
    expect(block?.trim()).toBe(policyMarkdown());
  });

  it('is printed as tables, and as one JSON object', async () => {
    const lines: string[] = [];
    const io = { out: (line: string) => void lines.push(line), talk: () => undefined };
    expect(await policyCommand(io, false)).toBe(0);
    expect(lines.join('\n')).toContain('gpu oom');
    lines.length = 0;
    await policyCommand(io, true);
    const told = JSON.parse(lines[0] ?? '') as Record<string, unknown[]>;
    for (const { name, rows } of policyTables()) expect(told[name]).toHaveLength(rows.length);
    expect(told['ladder']).toContainEqual({ cause: 'stall', rungs: 'rerun, then fix, then switch' });
  });
});
