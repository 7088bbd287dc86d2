/** Which of several checkpoints are complete enough to be trusted. A checkpoint is a file, or a folder whose files belong together. */
import { globMatcher } from './glob.ts';
import type { FileFact } from './ports.ts';
import type { RunState } from './state.ts';

export interface Checkpoint {
  /** The file, or the folder that holds it: what a resume command is given. */
  path: string;
  step: number | null;
  bytes: number;
  /** Of its newest file, epoch seconds on the box's clock. */
  mtime_s: number;
  files: FileFact[];
}

/** The step that a checkpoint's name tells: the last number in its last path segment that has one. */
export function stepOf(path: string): number | null {
  for (const part of path.split('/').reverse()) {
    const digits = part.replace(/\.[A-Za-z0-9]*$/, '').match(/\d+/g)?.at(-1) ?? null;
    if (digits !== null) return Number(digits);
  }
  return null;
}

/** Newest by step, else by time; null when none is good. */
export function newestCheckpoint(files: readonly FileFact[], globs: readonly string[], bad: readonly string[] = []): Checkpoint | null {
  return checkpointsIn(files, globs, bad)[0] ?? null;
}

/** A hash as journals keep it: a bare one would be masked as a key. */
export const hashWord = ({ sha256 }: Pick<FileFact, 'sha256'>): string => `sha256:${sha256}`;

/** The good ones, newest first. `bad` holds paths and hashes (`hashWord`) that are not used again. */
export function checkpointsIn(files: readonly FileFact[], globs: readonly string[], bad: readonly string[] = []): Checkpoint[] {
  const groups = new Map<string, FileFact[]>();
  for (const file of files) {
    const glob = globs.find((one) => globMatcher([one])(file.path));
    if (glob === undefined || UNFINISHED.test(file.path)) continue;
    const path = unitOf(glob, file.path);
    groups.set(path, [...(groups.get(path) ?? []), file]);
  }
  const whole = [...groups]
    .map(([path, members]): Checkpoint => ({ path, step: stepOf(path), bytes: members.reduce((sum, { bytes }) => sum + bytes, 0), mtime_s: Math.max(...members.map(({ mtime_s }) => mtime_s)), files: members }))
    .filter((one) => one.bytes > 0 && !one.files.some(hollow) && allParts(one.files) && !bad.includes(one.path) && !one.files.some((file) => bad.includes(hashWord(file))));
  return whole.filter((one) => !cutShort(one, whole)).sort((a, b) => (b.step ?? -1) - (a.step ?? -1) || b.mtime_s - a.mtime_s);
}

/** How much longer than the last interval a checkpoint is looked out for; a share of it. */
const LATE = 0.25;

/**
 * Have as many steps been made since the newest checkpoint at home as lay between the last two? Then another is being
 * written, and until it is home an instance that goes away takes it along. False where their names tell no steps.
 */
export function checkpointDue(checkpoint: { step: number | null; every: number | null } | null, step: number | null): boolean {
  const { step: newest = null, every = null } = checkpoint ?? {};
  return newest !== null && every !== null && step !== null && step >= newest + every && step <= newest + (1 + LATE) * every;
}

/**
 * Hashes of what was saved after the numbers were gone, while a divergence is being repaired, and of the checkpoint after
 * which none was told: resumed, it would diverge at once. A name that tells more than the newest step counts something else
 * than steps, and says nothing.
 */
export function unsound({ incident, sound_step, progress, spec, bad_checkpoints, attempts }: Pick<RunState, 'incident' | 'sound_step' | 'progress' | 'spec' | 'bad_checkpoints' | 'attempts'>, files: readonly FileFact[]): string[] {
  const newest = progress?.reading.step ?? null;
  if (incident?.diagnosis.cause !== 'numeric_divergence' || newest === null) return [];
  const { resume_from = null, resume_step = null } = attempts.at(-1) ?? {};
  const none = sound_step === null || sound_step <= (resume_step ?? -1);
  return checkpointsIn(files, spec.checkpoints?.path ?? [], bad_checkpoints).flatMap(({ path, step, files: parts }) =>
    (none && path === resume_from) || (sound_step !== null && step !== null && step > sound_step && step <= newest) ? parts.map(hashWord) : [],
  );
}

/** Files that two listings, some time apart, show alike: what changed between them is still being written. */
export function stable(before: readonly FileFact[], after: readonly FileFact[]): FileFact[] {
  const known = new Map(before.map((file) => [file.path, file.sha256]));
  return after.filter((file) => known.get(file.path) === file.sha256);
}

/** Names that writers give to what is not finished yet. */
const UNFINISHED = /(?:\.(?:tmp|temp|part|partial|incomplete|writing|lock)|~)(?:[./]|$)|(?:^|\/)(?:\.|tmp[-_.])/i;
const WEIGHTS = /\.(?:pt|pth|bin|ckpt|safetensors|npz|npy|h5|msgpack|json|distcp)$/i;

const hollow = (file: FileFact): boolean => file.bytes === 0 && WEIGHTS.test(file.path);

/** `model-00001-of-00003`: a set with a part missing is no checkpoint. */
function allParts(files: readonly FileFact[]): boolean {
  const sets = new Map<string, { seen: Set<string>; of: number }>();
  for (const { path } of files) {
    const [, name, part, of] = /^(.*)-(\d{5})-of-(\d{5})/.exec(path) ?? [];
    if (name === undefined || part === undefined || of === undefined) continue;
    const set = sets.get(name) ?? { seen: new Set(), of: Number(of) };
    set.seen.add(part);
    sets.set(name, set);
  }
  return [...sets.values()].every(({ seen, of }) => seen.size === of);
}

/** Far smaller than its siblings of the same name: the writer was stopped in the middle. */
function cutShort(one: Checkpoint, all: readonly Checkpoint[]): boolean {
  if (one.step === null) return false;
  const shape = (path: string): string => path.replace(/\d+/g, '#');
  const sizes = all.filter((other) => other !== one && other.step !== null && shape(other.path) === shape(one.path)).map(({ bytes }) => bytes);
  if (sizes.length < 2) return false;
  const median = [...sizes].sort((a, b) => a - b)[Math.floor(sizes.length / 2)] ?? 0;
  return one.bytes < median / 2;
}

/** The first name that the glob leaves open, if it leaves names below it open too: then a folder is one checkpoint, else a file. */
function unitOf(glob: string, path: string): string {
  const wanted = glob.split('/').filter((name) => name !== '' && name !== '.');
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  const open = wanted.findIndex((name) => /[*?]/.test(name));
  const below = wanted.slice(open + 1).some((name) => /[*?]/.test(name));
  if (open < 0 || (wanted[open] === '**' ? open < wanted.length - 1 : !below)) return path;
  return names.slice(0, open + 1).join('/');
}
