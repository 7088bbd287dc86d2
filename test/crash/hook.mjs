// node --import hook.mjs: the production program, untouched, with a clock that runs faster and a boundary at each journal
// write and each API call. Each passed boundary is written to CRASH_LOG; at the one that CRASH_AT names it dies by -9.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { CRASH_AT, CRASH_LOG, CRASH_SPEED = '1', CRASH_EPOCH = '0' } = process.env;
const { writeSync, openSync, appendFileSync } = fs;

const seen = new Map();
/** True where this is the moment. */
function isHere(name) {
  const nth = (seen.get(name) ?? 0) + 1;
  seen.set(name, nth);
  if (CRASH_LOG) appendFileSync(CRASH_LOG, `${name} #${nth}\n`);
  return `${name} #${nth}` === CRASH_AT;
}
const die = () => {
  process.kill(process.pid, 'SIGKILL');
};

let journal = -1;
fs.openSync = (path, ...rest) => {
  const fd = openSync(path, ...rest);
  if (String(path).endsWith('/journal.jsonl') && String(rest[0]).startsWith('a')) journal = fd;
  return fd;
};
fs.writeSync = (fd, bytes, ...rest) => {
  if (fd !== journal || !Buffer.isBuffer(bytes)) return writeSync(fd, bytes, ...rest);
  const what = bytes.toString().split('\n').flatMap((line) => /^\{"type":"([^"]+)"/.exec(line)?.[1] ?? []).join('+');
  if (isHere(`before ${what}`)) die();
  if (isHere(`in ${what}`)) {
    writeSync(fd, bytes.subarray(0, Math.floor(bytes.length / 2)));
    die();
  }
  const done = writeSync(fd, bytes, ...rest);
  if (isHere(`after ${what}`)) die();
  return done;
};
syncBuiltinESMExports();

const { fetch } = globalThis;
globalThis.fetch = async (input, init) => {
  const what = `${init?.method ?? 'GET'} ${new URL(String(input)).pathname.replace(/\/\d+/g, '/N')}`;
  if (isHere(`before ${what}`)) die();
  const answer = await fetch(input, init);
  if (isHere(`after ${what}`)) die();
  return answer;
};

const speed = Number(CRASH_SPEED);
if (speed !== 1) {
  const { now } = Date;
  const epoch = Number(CRASH_EPOCH);
  Date.now = () => Math.round(epoch + (now() - epoch) * speed);
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (fn, ms, ...args) => setTimeout(fn, (ms ?? 0) / speed, ...args);
}
