/** What the README says about the program, held to the program. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { keysMarkdown } from '../src/cockpit/keys.ts';
import { EXIT } from '../src/headless/io.ts';
import { specSchema } from '../src/core/spec.ts';

const readme = readFileSync('README.md', 'utf8');
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string>; scripts: Record<string, string> };

describe('the README', () => {
  it('shows the keys that there are; `npm run screens` writes them', () => {
    expect(/<!-- keys:begin -->\n\n([\s\S]*)\n\n<!-- keys:end -->/.exec(readme)?.[1]).toBe(keysMarkdown());
  });

  it('shows pictures that there are', () => {
    const pictures = [...readme.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, path]) => path ?? '');
    expect(pictures).toContain('docs/cockpit.svg');
    for (const path of pictures) expect(existsSync(path), path).toBe(true);
  });

  it('names every exit code, every dependency, every field of the spec and only scripts that exist', () => {
    const codes = /Exit codes: ([\s\S]*?)\n\n/.exec(readme)?.[1] ?? '';
    expect([...codes.matchAll(/\b\d+\b/g)].map(Number)).toEqual(Object.values(EXIT));
    for (const name of Object.keys(manifest.dependencies)) expect(readme, name).toContain(`\`${name}\``);
    for (const field of Object.keys(specSchema.shape)) expect(readme, field).toMatch(new RegExp(`^\\| .*\`${field}\`.* \\|`, 'm'));
    for (const [, script] of readme.matchAll(/npm run (?:--silent )?([a-z]+)/g)) expect(Object.keys(manifest.scripts)).toContain(script);
  });
});
