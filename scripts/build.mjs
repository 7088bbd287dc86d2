// Bundles src/main.ts into dist/. Splitting keeps React out of --version, --help and --json: the cockpit is a chunk of its own.
import { build } from 'esbuild';
import { cp, rm } from 'node:fs/promises';

await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  jsx: 'automatic',
  // node-pty and ssh2 load native parts by path, so they stay packages.
  external: ['node-pty', 'ssh2'],
  alias: { 'react-devtools-core': './scripts/empty.mjs' },
  // Development React leaks performance entries for as long as it draws.
  define: { 'process.env.NODE_ENV': '"production"' },
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  logLevel: 'warning',
});
await cp('src/sim/assets', 'dist/assets', { recursive: true });
