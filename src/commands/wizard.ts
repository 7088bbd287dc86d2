/** What the cockpit's launch wizard reads and writes: the project's specs, the market's offers. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { readLaunch } from '../app.ts';
import type { WizardPorts } from '../cockpit/index.ts';
import { findOffers } from '../core/offers.ts';
import type { Clock, Market } from '../core/ports.ts';
import { parseSpec, SpecError } from '../core/spec.ts';
import type { World } from '../core/state.ts';

/** Files that are looked at, and how large a spec may be. */
const FILES = 60;
const LARGEST = 200_000;

export function createWizard(ports: { project: string; env: NodeJS.ProcessEnv; market(): Promise<Market>; world(): World; clock: Clock }): WizardPorts {
  const { project } = ports;
  return {
    async specs() {
      const names = (await readdir(project)).filter((name) => /\.ya?ml$/i.test(name)).sort().slice(0, FILES);
      return Promise.all(
        names.map(async (path) => {
          try {
            const text = await readFile(join(project, path), 'utf8');
            if (text.length > LARGEST) return { path, name: null, problem: 'too large for a spec' };
            return { path, name: parseSpec(parse(text)).name, problem: null };
          } catch (error) {
            return { path, name: null, problem: error instanceof SpecError ? (error.message.split('\n')[0] ?? 'no spec') : error instanceof Error ? (error.message.split('\n')[0] ?? 'unreadable') : 'unreadable' };
          }
        }),
      );
    },
    async offers(path) {
      const spec = await readLaunch(resolve(project, path), ports.env);
      return { spec, ...(await findOffers(spec, await ports.market(), ports.world().machines, ports.clock.now())) };
    },
    async write(path, spec) {
      try {
        await writeFile(join(project, path), `# Written by the launch wizard; \`vastsit-tui init\` shows every field with its meaning.\n${stringify(spec)}`, { flag: 'wx' });
      } catch (error) {
        throw new Error(error instanceof Error && 'code' in error && error.code === 'EEXIST' ? `${path} is there already; name the run otherwise, or pick that file` : `${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
  };
}
