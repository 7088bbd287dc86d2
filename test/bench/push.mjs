// Bundles push.ts with the program's sources beside the simulation's files, and runs it: node test/bench/push.mjs [--json] [--deaths N]
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const args = process.argv.slice(2);
const deaths = args.includes('--deaths') ? Number(args[args.indexOf('--deaths') + 1]) : 200;
if (!Number.isInteger(deaths) || deaths < 1) {
  console.error('usage: npm run bench -- push [--json] [--deaths N]');
  process.exit(2);
}
const dir = await mkdtemp(join(tmpdir(), 'vastsit-bench-'));
try {
  // Native packages are found by path, so they are linked instead of bundled.
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'));
  await cp(join(root, 'src/sim/assets'), join(dir, 'assets'), { recursive: true });
  await build({
    entryPoints: [join(root, 'test/bench/push.ts')],
    outfile: join(dir, 'push.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['node-pty', 'ssh2'],
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    logLevel: 'error',
  });
  const { push } = await import(pathToFileURL(join(dir, 'push.mjs')).href);
  await push({ dir, deaths, json: args.includes('--json') });
} finally {
  await rm(dir, { recursive: true, force: true });
}
process.exit(0);
