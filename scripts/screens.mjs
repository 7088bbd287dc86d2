// The README's pictures and its table of keys: the real demo in a real pty, its screen read by a terminal emulator, drawn as SVG.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const SIZE = { columns: 120, rows: 34 };
const { made_for: COLOURS } = JSON.parse(await readFile('themes/dark.json', 'utf8'));
const dir = await mkdtemp(join(resolve('node_modules'), '.screens-'));
const home = await mkdtemp(join(tmpdir(), 'vastsit-screens-'));
let seen;
try {
  await build({
    stdin: { contents: "export { keysMarkdown } from './src/cockpit/keys.ts'; export { renderSvg } from './src/cockpit/render-svg.ts'; export { openTerminal } from './test/cockpit/terminal.ts';", resolveDir: process.cwd() },
    outfile: join(dir, 'tools.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'warning',
  });
  const { keysMarkdown, openTerminal, renderSvg } = await import(pathToFileURL(join(dir, 'tools.mjs')).href);
  const readme = await readFile('README.md', 'utf8');
  await writeFile('README.md', readme.replace(/(<!-- keys:begin -->\n)[\s\S]*?(<!-- keys:end -->)/, (_all, begin, end) => `${begin}\n${keysMarkdown()}\n\n${end}`));

  seen = openTerminal(resolve('bin/vastsit-tui.js'), ['demo', '--theme', 'dark'], SIZE, { HOME: home, TMPDIR: home });
  await mkdir('docs', { recursive: true });
  const take = async (name, title) => {
    await writeFile(`docs/${name}.svg`, renderSvg(await seen.cells(COLOURS), { title, ...COLOURS }));
    console.error(`docs/${name}.svg`);
  };
  const press = async (key, pattern) => {
    seen.press(key);
    await seen.until(pattern, 10_000);
  };

  // Four train, one sticks in loading, and the missing module is installed and proven.
  await seen.until(/^(?![\s\S]*alert)(?=[\s\S]*demo-healthy.* 1\d\/70)/, 60_000);
  await take('calm', 'vastsit-tui demo: all is well');
  // The trainer runs out of memory at step 40; the log opens by itself.
  await seen.until(/CUDA out of memory[\s\S]*32 -> 16/, 90_000);
  await take('cockpit', 'vastsit-tui demo: out of memory, answered with half the batch');
  seen.press('/');
  await press('oom', /\/oom/);
  await press('\r', /q quit/);
  await press('\r', /Incidents/);
  await take('run', 'vastsit-tui demo: one run');
  await press('\x1b', /Reasoning/);
  await press('\x1b', /^(?![\s\S]*filtered)/);
  await press('d', /Destroy \S+\?/);
  await take('destroy', 'vastsit-tui demo: nothing is destroyed without a question');
} finally {
  // Not by force: the demo has boxes to close.
  seen?.pty.kill('SIGTERM');
  await seen?.exited;
  seen?.dispose();
  await rm(dir, { recursive: true, force: true });
  await rm(home, { recursive: true, force: true });
}
