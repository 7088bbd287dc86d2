/** The production program with a clock that runs faster, as the demo has it, against a market that is somebody else's: node fast-owner.js SPEC... */
import { openOwner } from '../../src/owner/index.ts';

const { env } = process;
const owner = await openOwner({ env, project: process.cwd(), stateDir: env['VASTSIT_HOME'] ?? '', what: 'the owner', scale: Number(env['FAST_SCALE']), brain: false });
for (const spec of process.argv.slice(2)) await owner.submit(spec);
const over = (): boolean => Object.values(owner.store.getState().runs).every(({ stage }) => stage === 'closed');
await new Promise<void>((resolve) => {
  const look = (): void => void (over() && resolve());
  owner.subscribe(look);
  look();
});
await owner.leave('closed');
