import { describe, expect, it } from 'vitest';
import { reportLines, reportOf } from '../../src/core/report.ts';
import { cleanLine } from '../../src/core/text.ts';
import { Model } from './model/index.ts';
import { makeSpec } from './spec-factory.ts';

/** A run that trains, and then fails as `log` says, each time. */
async function failing(log: string, times: number): Promise<Model> {
  const model = new Model(() => 0.999, 0);
  model.submit('one', makeSpec());
  for (let n = 0, died = 0; n < 400 && model.world.runs['one']?.stage !== 'closed'; n += 1) {
    await model.step(20_000);
    const run = model.world.runs['one'];
    const box = run?.instance == null ? undefined : model.boxes.get(run.instance);
    if (!run || !box?.process || box.process.step < 5 || died >= times) continue;
    died += 1;
    model.kill(box, log);
  }
  return model;
}

describe('the report', () => {
  it('says root cause, evidence, what was tried with which outcome, and what a person can do', async () => {
    const model = await failing('torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.', 99);
    const run = model.world.runs['one'];
    if (!run) throw new Error('no run');
    const report = reportOf(model.world, run, model.now);
    expect(report).toMatchObject({ verdict: 'failed', next_best_option: expect.stringContaining('more memory') as unknown });
    const [incident] = report.incidents;
    expect(incident).toMatchObject({ cause: 'gpu_oom', outcome: 'given_up', root_cause: 'The GPU ran out of memory.' });
    expect(incident?.evidence.join('\n')).toContain('CUDA out of memory');
    expect(incident?.tried.map(({ what }) => what)).toEqual(['batch_size 32 -> 16, accum 1 -> 2', 'batch_size 16 -> 8, accum 2 -> 4', 'batch_size 8 -> 4, accum 4 -> 8', 'switch away from machine 1']);
    expect(new Set(incident?.tried.map(({ outcome }) => outcome))).toEqual(new Set(['did not hold: the failure came back']));
    expect(model.violations).toEqual([]);
  });

  it('gives the exact command, the undoing and the risk of a fix, and the step that proved it', async () => {
    const model = await failing("ImportError: libGL.so.1: cannot open shared object file: No such file or directory", 1);
    const run = model.world.runs['one'];
    if (!run) throw new Error('no run');
    const [tried] = reportOf(model.world, run, model.now).incidents[0]?.tried ?? [];
    expect(tried).toMatchObject({ what: 'apt install libgl1', undo: 'apt-get remove -y libgl1', risk: 'low', outcome: expect.stringMatching(/^held: proven by step \d+$/) as unknown });
    expect(reportLines(reportOf(model.world, run, model.now), cleanLine).join('\n')).toContain('command: export DEBIAN_FRONTEND=noninteractive; apt-get update -qq');
  });
});
