/** The cockpit over a made-up world, as a program of its own for a real pty. Commands are told on stderr's file, never carried out. */
import { appendFileSync } from 'node:fs';
import { openCockpit, farewell } from '../../src/cockpit/index.ts';
import { createClock } from '../../src/clock.ts';
import { emptyWorld, type World } from '../../src/core/state.ts';
import { createWorldStore } from '../../src/store.ts';
import { alertWorld, calmWorld, crowdedWorld, foreignWorld, NOW } from './world.ts';

const WORLDS: Record<string, () => World> = {
  calm: calmWorld,
  alert: alertWorld,
  crowd: () => crowdedWorld(500),
  foreign: foreignWorld,
  empty: () => ({ ...emptyWorld(NOW), market: { health: 'ok', since: NOW, reason: null, list_at: NOW } }),
  still: () => ({ ...calmWorld(), fleet: {}, runs: { 'cifar-baseline': calmWorld().runs['cifar-baseline'] as World['runs'][string] } }),
};

const [kind = 'calm', themesDir = 'themes', heard = '', theme] = process.argv.slice(2);
const store = createWorldStore(NOW);
store.setState((WORLDS[kind] ?? calmWorld)(), true);
const clock = createClock();
const born = clock.now();
// SIGUSR2 makes an incident, as the engine would; SIGUSR1 throws where nobody catches.
process.on('SIGUSR2', () => store.setState(alertWorld(), true));
process.on('SIGUSR1', () => {
  throw new Error('a bug somewhere');
});
const worldNow = (): number => NOW + (kind === 'still' || process.env['FROZEN'] ? 0 : clock.now() - born);
const answer = await openCockpit({
  store,
  clock,
  worldNow,
  themesDirs: themesDir.split(':'),
  ...(theme ? { theme } : {}),
  mouse: process.env['MOUSE'] !== '0',
  stdin: process.stdin,
  stdout: process.stdout,
  title: 'demo ×60',
  status: (run) => (process.env['FROZEN'] ? '' : `- State of ${run}: as the world has it`),
  shell: async (run) => ['sh', '-c', `echo shell on ${run}; read line; echo heard $line`],
  keep: async (name, text) => {
    if (heard) appendFileSync(heard, `${JSON.stringify({ kept: name, text })}\n`);
    return `/kept/${name}`;
  },
  dispatch: async (command) => {
    if (heard) appendFileSync(heard, `${JSON.stringify(command)}\n`);
    return { ok: true, said: `heard ${command.do}` };
  },
});
for (const words of farewell(store.getState(), worldNow())) console.log(words);
if (answer.quit === 'error') console.log(`error: ${answer.error.message}`);
console.log(`quit ${answer.quit}`);
process.exitCode = answer.quit === 'error' ? 1 : 0;
