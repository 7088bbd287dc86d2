// kill -9 of the real program at every journal write and every API call of a launch with a repair, a rescue and a teardown.
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

const args = process.argv.slice(2);
const number = (flag, otherwise) => (args.includes(flag) ? Number(args[args.indexOf(flag) + 1]) : otherwise);
const [workers, most] = [number('--workers', 3), number('--most', Infinity)];
const { openField } = await bundle("export * from './test/crash/real.ts'");
const field = await openField(fileURLToPath(new URL('../..', import.meta.url)));
const tally = { whole: 0, broken: 0, missed: 0 };
const bad = [];
const started = performance.now();
try {
  const calm = await field.record();
  const points = calm.points.slice(0, most);
  let late = { s: 0, point: 'none' };
  console.log(`${points.length} points enumerated by an undisturbed run`);
  const waiting = [...points];
  const work = async () => {
    for (let point = waiting.shift(); point !== undefined; point = waiting.shift()) {
      const { killed, wrong, kept_s } = await field.cut(point);
      if (kept_s - calm.kept_s > late.s) late = { s: Math.round(kept_s - calm.kept_s), point };
      const end = wrong.length > 0 ? 'broken' : killed ? 'whole' : 'missed';
      tally[end] += 1;
      console.log(`${end.padEnd(6)} ${point}${wrong.length > 0 ? `: ${wrong.join('; ')}` : ''}`);
      if (wrong.length > 0) bad.push(point);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  console.log(`\n${points.length} points: ${tally.whole} killed and finished whole, ${tally.missed} not passed again (periodic looks; finished whole undisturbed), ${tally.broken} broken; billed at most ${late.s} s of the market's clock more than undisturbed (${late.point}); ${Math.round((performance.now() - started) / 1000)} s`);
} finally {
  field.close();
}
process.exitCode = bad.length > 0 ? 1 : 0;
