import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { BOUNDS } from '../../src/core/ladder.ts';
import { propose, type ChatBody } from '../agents/brain/fake-llm.ts';
import { CANARY, evening, type Evening } from './brain-world.ts';

let open: Evening | null = null;
afterEach(async () => {
  await open?.close();
  open = null;
});

const journalOf = (e: Evening): string => execFileSync('grep', ['-rh', '', e.state], { encoding: 'utf8', maxBuffer: 1 << 28 });

/** What the model was last told by its tools. */
const toolText = (body: ChatBody): string => body.messages.filter(({ role }) => role === 'tool').map(({ content }) => content ?? '').join('\n');

const DIFF = `--- a/train.mjs
+++ b/train.mjs
@@ -184,5 +184,5 @@
 function trainStep(w, step) {
   const size = args['batch-size'];
-  const width = step < 12 ? INPUTS : INPUTS + 1;
+  const width = INPUTS;
   const all = examples(size * args['grad-accum'], step);
`;

describe('a run whose own script has a bug that no rule knows', () => {
  it('is read by the model, mended by three lines of diff, relaunched, proven, and the patch comes home', async () => {
    open = await evening((body, nth) => {
      if (nth === 0) return { text: 'I will read the script. ', calls: [{ name: 'read_file', arguments: { path: 'train.mjs', from_line: 175, lines: 40 } }] };
      expect(toolText(body)).toContain('const width = step < 12');
      return propose('The batch is built for one input more than the data has.', { kind: 'apply_diff', diff: DIFF });
    });
    await open.over();
    const run = open.app.store.getState().runs[open.run];
    expect([run?.verdict, run?.verdict_reason]).toEqual(['done', 'the training command ended with exit code 0']);
    expect(run?.attempts).toHaveLength(2);
    expect(run?.incidents.map(({ ended }) => ended?.how)).toEqual(['resolved']);
    expect(run?.brain.patches.map(({ status, home }) => [status, home])).toEqual([['proven', 'patches/1.patch']]);
    const patch = await readFile(join(open.project, 'results', open.run, 'patches', '1.patch'), 'utf8');
    expect(patch).toContain('+  const width = INPUTS;');
    // It is a patch that the user can take.
    execFileSync('git', ['apply', '--check', join(open.project, 'results', open.run, 'patches', '1.patch')], { cwd: open.project });
    expect(open.events.filter(({ type }) => type === 'brain.asked')).toHaveLength(1);
    expect(open.llm.requests).toHaveLength(2);
    expect(run?.brain.usage).toMatchObject({ tokens_in: 6_000, tokens_out: 240 });
    await open.closeApp();
    const status = await readFile(join(open.project, 'STATUS.md'), 'utf8');
    expect(status).toContain('patches/1.patch');
    expect(status).toContain('+  const width = INPUTS;');
    const told = JSON.stringify(open.llm.requests) + journalOf(open) + status;
    for (const secret of [CANARY, 'sk-canary-llm', open.sim.apiKey]) expect(told).not.toContain(secret);
  });

  it('asks the user for what may reach out of the training, and goes on when nobody but the user says yes', async () => {
    const reaching = DIFF.replace('+  const width = INPUTS;', '+  const width = process.env.WIDTH ? 7 : INPUTS;');
    open = await evening(() => propose('The batch is built for one input more than the data has.', { kind: 'apply_diff', diff: reaching }));
    const { app, run: id } = open;
    await new Promise<void>((resolve) => {
      const stop = app.subscribe((events) => {
        if (!events.some(({ type }) => type === 'proposal.pending')) return;
        stop();
        resolve();
      });
    });
    expect(app.store.getState().runs[id]?.brain.patches).toEqual([]);
    expect(await app.command({ do: 'approve', run: id })).toMatchObject({ ok: true });
    expect(await app.command({ do: 'refuse', run: id })).toMatchObject({ ok: false });
    await open.over();
    const run = app.store.getState().runs[id];
    expect([run?.verdict, run?.brain.patches.map(({ status }) => status)]).toEqual(['done', ['proven']]);
  });

  it('ends in a report and a teardown when the model proposes nonsense again and again', async () => {
    let nth = 0;
    // Each applies, and none helps.
    open = await evening(() => {
      nth += 1;
      return propose('Perhaps it is the comment.', { kind: 'apply_diff', diff: `--- a/train.mjs\n+++ b/train.mjs\n@@ -1,3 +1,3 @@\n #!/usr/bin/env node\n-// A small training run that is real: an MLP learns a function by mini-batch SGD, logs like the trainers people use,\n+// Attempt ${nth}: an MLP learns a function by mini-batch SGD, logs like the trainers people use,\n // saves checkpoints by rename and resumes from them exactly. In a simulated box it also obeys that box's faults.\n` });
    });
    await open.over();
    const run = open.app.store.getState().runs[open.run];
    expect(run?.verdict).toBe('failed');
    expect(run?.brain.patches.map(({ status }) => status)).toEqual(Array.from({ length: BOUNDS.per_rung.fix }, () => 'reverted'));
    expect(run?.incidents).toHaveLength(1);
    expect(run?.incidents[0]?.remedies.length).toBeLessThanOrEqual(BOUNDS.per_fingerprint);
    expect(run?.incidents[0]?.ended?.how).toBe('given_up');
    expect(run?.brain.consults).toBeLessThanOrEqual(open.app.store.getState().brain?.limits.consults ?? 0);
    expect(open.sim.bill().filter((row) => !row.gone)).toEqual([]);
    expect(open.sim.burn('vastsit:')).toBe(0);
    expect(run?.rescue?.verdict).toBe('verified');
  });
});
