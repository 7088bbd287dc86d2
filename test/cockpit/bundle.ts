/** Builds a test's own program as the program itself is built, into a temporary directory. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { build } from 'esbuild';

export async function bundleFixture(source = 'test/cockpit/fixture.tsx'): Promise<{ dir: string; entry: string; dispose(): void }> {
  const dir = mkdtempSync(join(tmpdir(), 'vastsit-cockpit-'));
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  symlinkSync(resolve('node_modules'), join(dir, 'node_modules'));
  await build({
    entryPoints: [source],
    outdir: dir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    jsx: 'automatic',
    external: ['node-pty', 'ssh2'],
    alias: { 'react-devtools-core': './scripts/empty.mjs' },
    define: { 'process.env.NODE_ENV': '"production"' },
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    logLevel: 'error',
  });
  return { dir, entry: join(dir, basename(source).replace(/\.tsx?$/, '.js')), dispose: () => rmSync(dir, { recursive: true, force: true }) };
}
