// The README's pictures and its table of keys, from the cockpit's own code: a fixed evening, so that the same code gives the same files.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const dir = await mkdtemp(join(resolve('node_modules'), '.screens-'));
try {
  await build({ entryPoints: ['test/cockpit/pictures.ts'], outfile: join(dir, 'pictures.mjs'), bundle: true, format: 'esm', platform: 'node', packages: 'external', logLevel: 'warning' });
  const { keysMarkdown, pictureOf, SHOTS } = await import(pathToFileURL(join(dir, 'pictures.mjs')).href);
  const readme = await readFile('README.md', 'utf8');
  await writeFile('README.md', readme.replace(/(<!-- keys:begin -->\n)[\s\S]*?(<!-- keys:end -->)/, (_all, begin, end) => `${begin}\n${keysMarkdown()}\n\n${end}`));
  // `npm run screens -- THEME FOLDER` looks at another theme without touching the README's pictures.
  const [theme = 'dark', folder = 'docs'] = process.argv.slice(2);
  const worn = JSON.parse(await readFile(`themes/${theme}.json`, 'utf8'));
  await mkdir(folder, { recursive: true });
  for (const shot of SHOTS) {
    await writeFile(`${folder}/${shot.name}.svg`, await pictureOf(shot, worn));
    console.error(`${folder}/${shot.name}.svg`);
  }
} finally {
  await rm(dir, { recursive: true, force: true });
}
