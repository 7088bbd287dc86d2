/** Bringing results home: listed on the box, fetched, hashed here, and listed on the box again before anyone says verified. */
import type { Effect } from '../../core/actions.ts';
import { checkpointsIn, stable } from '../../core/checkpoints.ts';
import { globMatcher } from '../../core/glob.ts';
import { bytes as inWords } from '../../core/narrate.ts';
import { RemoteError, type Box, type FileFact } from '../../core/ports.ts';
import type { RunState } from '../../core/state.ts';
import { backoffMs } from '../../core/decide/ready.ts';
import { instanceOfRun, runOf, type Context } from '../context.ts';
import { refuseTouch } from '../guard.ts';
import { targetOf } from '../sessions.ts';

const LOGS = '.vastsit/log.*';
/** Real ms between two listings of a box whose trainer is writing. */
const SETTLE_MS = 2_000;
const SALVAGE_GRACE_S = 20;
/** A newer checkpoint may prove damaged, so the one before it always comes along. */
const KEPT_AT_LEAST = 2;

export async function sync(context: Context, effect: Extract<Effect, { do: 'sync' }>): Promise<void> {
  const run = runOf(context, effect.run);
  const instance = instanceOfRun(context, run);
  try {
    const box = await context.sessions.box(run, instance);
    await bringHome(context, run, box, effect.final);
    if (effect.final) await judge(context, run, instance.id, box);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (effect.final) context.facts.record({ type: 'rescue.judged', run: run.id, instance: instance.id, verdict: 'unverified', files: 0, bytes: 0, reason });
    throw error;
  }
}

async function bringHome(context: Context, run: RunState, box: Box, final: boolean): Promise<void> {
  const listing = await box.list(globsOf(run, final));
  const all = wantedOf(run, listing, final);
  const absent = await missing(context, run, all);
  // A crash between a copy and its line in the journal leaves files at home that nobody knows of: they count as well.
  const known = new Map(run.home.map((file) => [file.path, file.sha256]));
  const files = all.filter((file) => !absent.includes(file) && known.get(file.path) !== file.sha256);
  let wanted = absent;
  if (!final && wanted.length > 0) {
    // The trainer is writing: only what a second listing shows unchanged is a checkpoint.
    await context.wire.sleep(SETTLE_MS);
    const steady = new Set(stable(listing, await box.list(globsOf(run, final))).map(({ path }) => path));
    wanted = wanted.filter(({ path }) => steady.has(path));
  }
  let bytes = 0;
  try {
    for (const file of wanted) {
      try {
        await box.fetch(file, context.home.pathFor(run.id, file.path));
        files.push(file);
        bytes += file.bytes;
      } catch (error) {
        // It changed under our hands, or the copy was damaged: that copy is gone, the others still come.
        if (!(error instanceof RemoteError && error.failure === 'integrity')) throw error;
      }
    }
  } catch (error) {
    // The connection broke in the middle: what came before it is home, and its traffic was paid.
    if (files.length > 0) context.facts.record({ type: 'files.home', run: run.id, instance: box.instance, files, bytes });
    throw error;
  }
  if (files.length > 0 || !final) context.facts.record({ type: 'files.home', run: run.id, instance: box.instance, files, bytes });
}

/** Those that are not at home with the same hash. */
async function missing(context: Context, run: RunState, files: readonly FileFact[]): Promise<FileFact[]> {
  const away: FileFact[] = [];
  for (const file of files) {
    if ((await context.home.fact(context.home.pathFor(run.id, file.path)))?.sha256 !== file.sha256) away.push(file);
  }
  return away;
}

/** Verified means: a second listing of the box shows nothing that is not at home with the same hash. */
async function judge(context: Context, run: RunState, instance: number, box: Box): Promise<void> {
  const again = wantedOf(run, await box.list(globsOf(run, true)), true);
  const left = (await missing(context, run, again)).map(({ path }) => path);
  const results = again.filter((file) => !file.path.startsWith('.vastsit/'));
  const total = again.reduce((sum, file) => sum + file.bytes, 0);
  const finished = run.verdict === 'done' || run.verdict === 'early_stopped';
  // What came home earlier counts: a trainer may prune what was already verified.
  const had = [...results, ...(context.facts.world().runs[run.id]?.home ?? [])];
  const absent = finished ? expected(run).filter((glob) => !had.some((file) => globMatcher([glob])(file.path))) : [];
  const verdict = left.length === 0 && absent.length === 0 ? 'verified' : 'unverified';
  const reason =
    left.length > 0
      ? `not home yet: ${left.slice(0, 3).join(', ')}${left.length > 3 ? ` and ${left.length - 3} more` : ''}`
      : absent.length > 0
        ? `it ended well, but nothing on the box matches ${absent.join(', ')}: correct the path, or destroy with results waived`
        : results.length === 0
          ? 'the box has no file that the spec declares; its logs are home'
          : `${results.length} files, ${inWords(total)}, hashed at both ends`;
  context.facts.record({ type: 'rescue.judged', run: run.id, instance, verdict, files: results.length, bytes: total, reason });
  if (verdict === 'unverified') {
    context.facts.record({ type: 'effect.failed', run: run.id, effect: 'sync', reason, retry_at: context.clock.now() + backoffMs((run.backoff['sync']?.count ?? 0) + 1) });
  }
}

/**
 * What an instance holds that the run has left behind: its training is ended, for another attempt holds the fence, and what
 * is not at home with the same hash comes into a folder of its own, so that it replaces nothing of the newer attempt.
 */
export async function salvage(context: Context, effect: Extract<Effect, { do: 'salvage' }>): Promise<void> {
  const run = runOf(context, effect.run);
  const instance = context.facts.world().fleet[String(effect.instance)];
  const no = refuseTouch(context.facts.world(), effect.instance, run.id);
  if (!instance || no !== null) throw new Error(no ?? 'it is not in our books');
  const box = await context.remote.connect(targetOf(instance), run.id);
  try {
    if (effect.attempt > 0) await box.stopTraining({ run: run.id, attempt: effect.attempt, grace_s: SALVAGE_GRACE_S });
    const files = await missing(context, run, wantedOf(run, await box.list(globsOf(run, true)), true));
    const own = (path: string): string => context.home.pathFor(run.id, `left-${effect.instance}/${path}`);
    for (const file of files) if ((await context.home.fact(own(file.path)))?.sha256 !== file.sha256) await box.fetch(file, own(file.path));
    const absent: string[] = [];
    for (const file of await missing(context, run, wantedOf(run, await box.list(globsOf(run, true)), true))) {
      if ((await context.home.fact(own(file.path)))?.sha256 !== file.sha256) absent.push(file.path);
    }
    if (absent.length > 0) throw new Error(`not home yet: ${absent.slice(0, 3).join(', ')}`);
    const bytes = files.reduce((total, file) => total + file.bytes, 0);
    context.facts.record(
      { type: 'files.home', run: run.id, instance: effect.instance, files: [], bytes },
      { type: 'left.judged', run: run.id, instance: effect.instance, verdict: 'verified', reason: files.length === 0 ? 'all that it holds is home' : `${files.length} files, ${inWords(bytes)}, brought home into left-${effect.instance}` },
    );
  } finally {
    await box.close();
  }
}

/** What a run that ended well must have left: a short one ends before its first checkpoint, and its artifacts say that it was whole. */
const expected = ({ spec }: RunState): readonly string[] => (spec.artifacts.length > 0 ? spec.artifacts : (spec.checkpoints?.path ?? []));
const declared = (run: RunState): string[] => [...run.spec.artifacts, ...(run.spec.checkpoints?.path ?? [])];
const globsOf = (run: RunState, final: boolean): string[] => (final ? [...declared(run), LOGS] : (run.spec.checkpoints?.path ?? []));

/** Everything at the end but good checkpoints that newer good ones replace; during the run the newest good ones alone. */
function wantedOf(run: RunState, files: readonly FileFact[], final: boolean): FileFact[] {
  const { checkpoints } = run.spec;
  const good = checkpoints ? checkpointsIn(files, checkpoints.path, run.bad_checkpoints) : [];
  const keep = Math.max(KEPT_AT_LEAST, checkpoints?.keep ?? 0);
  if (!final) return good.slice(0, keep).flatMap((one) => one.files);
  const isArtifact = globMatcher(run.spec.artifacts);
  const older = new Set(good.slice(keep).flatMap((one) => one.files.map(({ path }) => path)));
  return files.filter(({ path }) => !older.has(path) || isArtifact(path));
}
