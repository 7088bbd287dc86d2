/** Bringing results home: listed on the box, fetched, hashed here, and listed on the box again before anyone says verified. */
import type { Effect } from '../../core/actions.ts';
import { newestCheckpoints } from '../../core/checkpoints.ts';
import { globMatcher } from '../../core/glob.ts';
import { bytes as inWords } from '../../core/narrate.ts';
import type { Box, FileFact } from '../../core/ports.ts';
import type { RunState } from '../../core/state.ts';
import { backoffMs } from '../../core/decide/ready.ts';
import { instanceOfRun, runOf, type Context } from '../context.ts';

const LOGS = '.vastsit/log.*';

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
  const wanted = wantedOf(run, await box.list(globsOf(run, final)), final);
  const fetched: FileFact[] = [];
  for (const file of wanted) {
    const local = context.home.pathFor(run.id, file.path);
    if ((await context.home.fact(local))?.sha256 === file.sha256) continue;
    await box.fetch(file, local);
    fetched.push(file);
  }
  if (fetched.length > 0 || !final) context.facts.record({ type: 'files.home', run: run.id, instance: box.instance, files: fetched, bytes: fetched.reduce((total, file) => total + file.bytes, 0) });
}

/** Verified means: a second listing of the box shows nothing that is not at home with the same hash. */
async function judge(context: Context, run: RunState, instance: number, box: Box): Promise<void> {
  const again = wantedOf(run, await box.list(globsOf(run, true)), true);
  const missing: string[] = [];
  for (const file of again) {
    if ((await context.home.fact(context.home.pathFor(run.id, file.path)))?.sha256 !== file.sha256) missing.push(file.path);
  }
  const results = again.filter((file) => !file.path.startsWith('.vastsit/'));
  const total = again.reduce((sum, file) => sum + file.bytes, 0);
  const finished = run.verdict === 'done' || run.verdict === 'early_stopped';
  // What came home earlier counts: a trainer may prune what was already verified.
  const had = [...results, ...(context.facts.world().runs[run.id]?.home ?? [])];
  const absent = finished ? declared(run).filter((glob) => !had.some((file) => globMatcher([glob])(file.path))) : [];
  const verdict = missing.length === 0 && absent.length === 0 ? 'verified' : 'unverified';
  const reason =
    missing.length > 0
      ? `not home yet: ${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ` and ${missing.length - 3} more` : ''}`
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

const declared = (run: RunState): string[] => [...run.spec.artifacts, ...(run.spec.checkpoints?.path ?? [])];
const globsOf = (run: RunState, final: boolean): string[] => (final ? [...declared(run), LOGS] : (run.spec.checkpoints?.path ?? []));

/** Everything but the older checkpoints. */
function wantedOf(run: RunState, files: readonly FileFact[], final: boolean): FileFact[] {
  const { checkpoints, artifacts } = run.spec;
  const kept = new Set(checkpoints ? newestCheckpoints(files, checkpoints.path, checkpoints.keep).map((file) => file.path) : []);
  const isCheckpoint = globMatcher(checkpoints?.path ?? []);
  const isArtifact = globMatcher(artifacts);
  return files.filter((file) => kept.has(file.path) || (final && (isArtifact(file.path) || !isCheckpoint(file.path))));
}
