// Bundles TypeScript from src/ in memory, so that plain node can run a measurement.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Resolves to the module that `source` (resolved from the project's root) exports. */
export async function bundle(source) {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const { outputFiles } = await build({ stdin: { contents: source, resolveDir: root, loader: 'ts' }, bundle: true, write: false, format: 'esm', platform: 'node', target: 'node20', logLevel: 'error', banner: { js: `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(${JSON.stringify(new URL('../../package.json', import.meta.url).href)});` } });
  const [file] = outputFiles;
  return import(`data:text/javascript;base64,${Buffer.from(file.contents).toString('base64')}`);
}
