// Bundles the soak's two programs with the sources beside the simulation's files, and runs it:
// node test/bench/soak.mjs [--instances N] [--minutes M] [--scale N] [--seed N] [--json]
import { chmod, cp, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const args = process.argv.slice(2);
const number = (name, fallback) => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : fallback);
const [instances, minutes, scale, seed] = [number('--instances', 50), number('--minutes', 15), number('--scale', 20), number('--seed', 1)];
if (!Number.isInteger(instances) || instances < 1 || !(minutes > 0) || !(scale >= 1) || !Number.isInteger(seed)) {
  console.error('usage: npm run bench -- soak [--instances N] [--minutes M] [--scale N] [--seed N] [--json]');
  process.exit(2);
}
const dir = await mkdtemp(join(tmpdir(), 'vastsit-soak-'));
let failed = true;
try {
  // Native packages are found by path, so they are linked instead of bundled.
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'));
  await cp(join(root, 'src/sim/assets'), join(dir, 'assets'), { recursive: true });
  // Fifty first looks at a box would import this machine's PyTorch fifty times, which measures nothing of ours.
  await writeFile(join(dir, 'assets/bin/python3'), '#!/bin/sh\nexit 1\n');
  await chmod(join(dir, 'assets/bin/python3'), 0o755);
  await build({
    entryPoints: [join(root, 'test/bench/soak.ts'), join(root, 'test/bench/soak-program.ts')],
    outdir: dir,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['node-pty', 'ssh2'],
    outExtension: { '.js': '.mjs' },
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    logLevel: 'error',
  });
  const { soak } = await import(pathToFileURL(join(dir, 'soak.mjs')).href);
  failed = !(await soak({ dir, instances, minutes, scale, seed, json: args.includes('--json') }));
} finally {
  if (failed) {
    // What went wrong stands in its journal alone.
    const kept = `${dir}-state`;
    await rename(join(dir, 'state'), kept).then(() => console.error(`its journal: VASTSIT_HOME=${kept} vastsit-tui journal`), () => undefined);
  }
  await rm(dir, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
