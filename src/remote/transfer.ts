/** Files to the box and home again. Everything is hashed at both ends before it counts. */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, posix } from 'node:path';
import { Readable } from 'node:stream';
import { RemoteError, type Box, type ExecResult, type FileFact } from '../core/ports.ts';
import { shorten } from '../core/text.ts';
import { call } from './channel.ts';
import { PICK_HASH, parseChecksums } from './checksums.ts';
import { globMatcher, globRoots } from '../core/glob.ts';
import { gather } from './local-files.ts';
import { relativePath, shellQuote } from '../core/quote.ts';
import { lastLines, lastWords, spawnSsh, sshMissing, type Link } from './ssh.ts';
import { tar, type TarEntry } from './tar.ts';

/** Silence after which a transfer is given up; a slow one that moves goes on. */
const STALL_MS = 60_000;
/** The slowest link that is worth waiting for, in bytes a millisecond. */
const SLOWEST = 50;
const LIST_MS = 900_000;
/** Holds the run's secrets; nothing may bring it home. */
const NEVER_LISTED = '.vastsit/env.sh';

/** Uploads into a folder beside the run's files, compares hashes, then moves each file into place. */
export async function put(link: Link, directory: string, files: Parameters<Box['put']>[0]): Promise<{ bytes: number }> {
  const entries = await gather(files);
  if (entries.length === 0) return { bytes: 0 };
  const bytes = entries.reduce((total, entry) => total + entry.bytes, 0);
  const hashes = new Map<string, string>();
  const stage = `.vastsit/in.${randomBytes(6).toString('hex')}`;
  const timeout_ms = 120_000 + bytes / SLOWEST;
  const unpack = `umask 077; mkdir -p ${stage} && tar -xopmf - -C ${stage} && cd ${stage} || exit 1\n${PICK_HASH}\nfind . -type f -exec $H {} +`;
  const sent = await call(link, { script: unpack, directory, timeout_ms, stdin: Readable.from(tar(entries.map((entry) => hashing(entry, hashes)))) });
  const arrived = parseChecksums(sent.stdout);
  const wrong = entries.filter((entry) => arrived.get(entry.path) !== hashes.get(entry.path));
  const [first] = wrong;
  if (sent.exit_code !== 0 || first) {
    await call(link, { script: `rm -rf ${stage}`, directory, timeout_ms: 60_000 });
    if (sent.exit_code !== 0) throw failed('The upload could not be written on the box', sent);
    throw new RemoteError('integrity', `${wrong.length} of ${entries.length} uploaded files differ on the box, the first is ${shorten(first?.path ?? '', 200)}; nothing was changed there.`);
  }
  const placed = await call(link, { script: `sh -s && rm -rf ${stage}`, directory, timeout_ms: 120_000 + entries.length * 10, stdin: placement(stage, entries) });
  if (placed.exit_code !== 0) throw failed('The uploaded files could not be put in place', placed);
  return { bytes };
}

function hashing(entry: TarEntry, into: Map<string, string>): TarEntry {
  return {
    ...entry,
    async *open() {
      const hash = createHash('sha256');
      for await (const chunk of entry.open()) {
        hash.update(chunk as Uint8Array);
        yield chunk as Uint8Array;
      }
      into.set(entry.path, hash.digest('hex'));
    },
  };
}

/** One mv a folder, not one a file: a fork each is what thousands of files would cost. */
function placement(stage: string, entries: readonly TarEntry[]): string {
  const folders = new Map<string, string[]>();
  for (const { path } of entries) {
    const folder = posix.dirname(path);
    folders.set(folder, [...(folders.get(folder) ?? []), path]);
  }
  const lines = ['set -e'];
  for (const [folder, paths] of folders) {
    lines.push(`mkdir -p ${shellQuote(`./${folder}`)}`);
    for (let i = 0; i < paths.length; i += 200) {
      lines.push(`mv -f ${paths.slice(i, i + 200).map((path) => shellQuote(`${stage}/${path}`)).join(' ')} ${shellQuote(`./${folder}/`)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Finds, hashes and measures. Left out: names with a line break, files that vanish or change meanwhile, the secrets' file. */
export async function list(link: Link, directory: string, globs: readonly string[]): Promise<FileFact[]> {
  if (globs.length === 0) return [];
  const roots = globRoots(globs).map((root) => shellQuote(`./${root}`)).join(' ');
  const found = await call(link, { script: `find ${roots} -type f -print0 2>/dev/null; :`, directory, timeout_ms: LIST_MS });
  if (found.exit_code !== 0) throw failed('The box could not list its files', found);
  const wanted = globMatcher(globs);
  const paths = [...new Set(found.stdout.split('\0').map((path) => path.replace(/^(\.\/)+/, '')))].filter(
    (path) => path !== '' && !/[\n\ufffd]/.test(path) && wanted(path) && path !== NEVER_LISTED,
  );
  if (paths.length === 0) return [];
  const cut = randomBytes(12).toString('hex');
  const script = `${PICK_HASH}
if stat -c %s / >/dev/null 2>&1; then F='-c %s/%Y/%n'; else F='-f %z/%m/%N'; fi
names=$(cat)
each() { printf '%s\\n' "$names" | tr '\\n' '\\0' | xargs -0 "$@" 2>/dev/null; }
facts() { each stat "\${F%% *}" "\${F#* }"; }
facts; echo ${cut}; each $H; echo ${cut}; facts; :`;
  const answer = await call(link, { script, directory, timeout_ms: LIST_MS, stdin: paths.map((path) => `./${path}`).join('\n') });
  const [before, sums, after] = answer.stdout.split(`${cut}\n`);
  if (answer.exit_code !== 0 || before === undefined || sums === undefined || after === undefined) throw failed('The box could not measure its files', answer);
  const hashes = parseChecksums(sums);
  const facts = parseFacts(before);
  const still = parseFacts(after);
  return paths.flatMap((path) => {
    const [fact, later, sha256] = [facts.get(path), still.get(path), hashes.get(path)];
    return fact && later && sha256 && fact.bytes === later.bytes && fact.mtime_s === later.mtime_s ? [{ path, sha256, ...fact }] : [];
  });
}

function parseFacts(text: string): Map<string, { bytes: number; mtime_s: number }> {
  const facts = new Map<string, { bytes: number; mtime_s: number }>();
  for (const line of text.split('\n')) {
    const [, bytes, mtime, path] = /^(\d+)\/(-?\d+)\/\.\/(.+)$/.exec(line) ?? [];
    if (path) facts.set(path, { bytes: Number(bytes), mtime_s: Number(mtime) });
  }
  return facts;
}

/** Brings one file home; what a broken line left in `localPath.partial` is used again and hashed with the rest. */
export async function fetchFile(link: Link, directory: string, file: FileFact, localPath: string): Promise<void> {
  const partial = `${localPath}.partial`;
  await mkdir(dirname(localPath), { recursive: true });
  let have = await stat(partial).then((facts) => facts.size, () => 0);
  if (have > file.bytes) {
    await rm(partial);
    have = 0;
  }
  const line = have < file.bytes ? await receive(link, directory, file, partial, have) : null;
  const target = await open(partial, 'a');
  const size = await target.stat().then((facts) => facts.size);
  await target.sync().finally(() => target.close());
  if (size < file.bytes && line !== null && line.exit_code !== 0) {
    const where = `${size} of ${file.bytes} bytes of ${shorten(file.path, 200)} are here and will be used again`;
    throw new RemoteError(line.exit_code === 255 ? 'lost' : 'command', `${where}: ${line.words || 'the transfer broke off'}`);
  }
  if (size !== file.bytes || (await hashOf(partial)) !== file.sha256) {
    await rm(partial, { force: true });
    throw new RemoteError('integrity', `${shorten(file.path, 200)} is not what was listed on the box (it changed, or the copy is damaged); the copy was deleted.`);
  }
  await rename(partial, localPath);
}

async function receive(link: Link, directory: string, file: FileFact, partial: string, from: number): Promise<{ exit_code: number | null; words: string }> {
  const script = `cd ${directory} && exec tail -c +${from + 1} ${shellQuote(`./${relativePath(file.path)}`)}`;
  const ended = link.ended();
  if (ended !== null) throw new RemoteError('lost', `The connection has ended: ${ended}`);
  const stalled = new AbortController();
  const target = await open(partial, 'a', 0o600);
  const release = await link.gate.enter(stalled.signal);
  // Nothing may be awaited between the start and the first read: execa throws away what is not read at once.
  const child = spawnSsh(link.setup, [...link.args, `exec sh -c ${shellQuote(script)}`], 'ignore');
  let stderr = '';
  child.stderr.on('data', (chunk: Uint8Array) => void (stderr = (stderr + Buffer.from(chunk).toString()).slice(-4_000)));
  child.stderr.on('error', () => {});
  const { wire } = link.setup;
  let cancel = () => {};
  const expectMore = () => {
    cancel();
    cancel = wire.after(STALL_MS, () => {
      stalled.abort();
      child.stdout.destroy();
    });
  };
  try {
    let room = file.bytes - from;
    expectMore();
    for await (const chunk of child.stdout) {
      expectMore();
      const bytes = chunk as Uint8Array;
      await target.appendFile(bytes.subarray(0, room));
      room -= Math.min(room, bytes.length);
      // A log that is still being written has no end; what was listed is enough.
      if (room === 0) return { exit_code: 0, words: '' };
    }
    if (stalled.signal.aborted) return { exit_code: 255, words: `no byte for ${STALL_MS / 1000} s` };
    const result = await child;
    if (result.code === 'ENOENT') throw sshMissing(link.setup.ssh);
    return { exit_code: result.exitCode ?? 255, words: lastWords(stderr) };
  } catch (error) {
    if (stalled.signal.aborted) return { exit_code: 255, words: `no byte for ${STALL_MS / 1000} s` };
    throw error;
  } finally {
    cancel();
    await target.close();
    child.kill('SIGKILL');
    child.stdout.destroy();
    child.stderr.destroy();
    release?.();
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** A command of ours that ended badly on the box. The cause is seldom in the last line alone. */
export function failed(what: string, result: ExecResult): RemoteError {
  const words = lastLines(result.stderr, 3).join('; ');
  return new RemoteError('command', `${what} (exit code ${result.exit_code})${words === '' ? '' : `: ${words}`}`, {
    exit_code: result.exit_code,
    stdout: lastLines(result.stdout, 20).join('\n'),
    stderr: lastLines(result.stderr, 20).join('\n'),
  });
}
