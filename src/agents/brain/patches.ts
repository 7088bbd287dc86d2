/** Patches on the box and at home. A box applies only what the journal holds, in a git repository of our own. */
import { createHash } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Effect } from '../../core/actions.ts';
import type { Box } from '../../core/ports.ts';
import type { RunState } from '../../core/state.ts';
import { instanceOfRun, runOf, type Context } from '../context.ts';
import { PATCH_SCRIPT } from './patch-script.ts';

const PATCH_MS = 60_000;

/** Puts the script and every patch in force where their commands look for them. */
export async function putPatches(box: Box, run: RunState): Promise<void> {
  const patches = run.brain.patches.filter(({ status }) => status !== 'refused_by_box' && status !== 'reverted');
  if (patches.length === 0) return;
  const text = new TextEncoder();
  await box.put([{ path: '.vastsit/patch.sh', content: text.encode(PATCH_SCRIPT) }, ...patches.map(({ n, diff }) => ({ path: `.vastsit/patches/${n}.patch`, content: text.encode(diff) }))]);
}

/** Takes back what was applied and did not help, newest first, so that the next reading sees the user's own file. */
export async function revertDisproven(context: Context, id: string): Promise<void> {
  const run = runOf(context, id);
  const stale = run.brain.patches.filter(({ status }) => status === 'disproven').reverse();
  if (stale.length === 0) return;
  const box = await context.sessions.box(run, instanceOfRun(context, run));
  await putPatches(box, run);
  for (const { n } of stale) {
    const done = await box.exec(`sh .vastsit/patch.sh revert ${n}`, { timeout_ms: PATCH_MS });
    // What cannot be taken back stays in force, and is told as such.
    if (done.exit_code !== 0) return;
    context.facts.record({ type: 'patch.reverted', run: id, patch: n });
  }
}

/** Writes a proven patch to results/RUN/patches/N.patch: from the journal, so that the box cannot change it on the way. */
export async function keepPatch(context: Context, effect: Extract<Effect, { do: 'keep_patch' }>): Promise<void> {
  const run = runOf(context, effect.run);
  const patch = run.brain.patches.find(({ n }) => n === effect.patch);
  if (!patch) return;
  const path = `patches/${patch.n}.patch`;
  const target = context.home.pathFor(run.id, path);
  const head = `${patch.why.replace(/\s+/g, ' ')}\n\n`;
  const known = await context.home.fact(target);
  if (known?.sha256 !== createHash('sha256').update(head + patch.diff).digest('hex')) {
    await mkdir(dirname(target), { recursive: true });
    await writeFile(`${target}.partial`, head + patch.diff);
    await rename(`${target}.partial`, target);
  }
  context.facts.record({ type: 'patch.home', run: run.id, patch: patch.n, path });
}
