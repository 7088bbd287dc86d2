/** A host that slows its GPU down: left where that is cheaper to the end, and only then. */
import { describe, expect, it } from 'vitest';
import type { SpecInput } from '../../src/core/spec.ts';
import type { RunState } from '../../src/core/state.ts';
import { Model } from './model/index.ts';
import { makeSpec } from './spec-factory.ts';

const SECOND = 1_000;

/** A run of 150 steps of half a minute each, on the machines of the model; `hot` ones take two minutes a step from the fortieth on. */
async function evening(hot: (machine: number) => boolean, spec: Partial<SpecInput> = {}, meddle: (model: Model) => void = () => undefined): Promise<Model> {
  const model = new Model(() => 0.999, 0);
  model.hot = hot;
  model.submit('one', makeSpec(spec));
  for (let n = 0; n < 1_200 && run(model).stage !== 'closed'; n += 1) {
    meddle(model);
    await model.step(30 * SECOND);
  }
  return model;
}
const run = (model: Model): RunState => model.world.runs['one'] ?? ((): never => { throw new Error('no run'); })();
const machines = (model: Model): number[] => [...new Set(run(model).attempts.map(({ machine_id }) => machine_id))];
const first = (model: Model): number => model.events.flatMap((event) => (event.type === 'create.accepted' ? [event.machine_id] : []))[0] ?? 0;
/** The machine that a run is put on when nothing is known of any. */
const FIRST = first(await evening(() => false));

describe('a host that slows its GPU down', () => {
  it('is left for another machine with the newest checkpoint, remembered, and the run ends sooner', async () => {
    const model = await evening((machine) => machine === FIRST);
    const { incidents, verdict } = run(model);
    expect(incidents).toMatchObject([{ diagnosis: { trigger: 'throughput_low', cause: 'gpu_hardware' }, remedies: [{ remedy: { rung: 'switch', machine_id: FIRST } }], ended: { how: 'resolved' } }]);
    expect(incidents[0]?.diagnosis.summary).toMatch(/^The host slows its GPU down: 0\.00833 steps\/s where 0\.0333 are due; on another RTX 4090 .* the move included, here /);
    expect(model.world.machines[String(FIRST)]).toMatchObject({ reason: expect.stringContaining('slows its GPU down') as unknown });
    // A checkpoint every ten steps.
    const [left, next] = run(model).attempts;
    expect((left?.last_step ?? 0) - (next?.resume_step ?? 0)).toBeLessThan(10);
    expect([verdict, machines(model).length, model.violations]).toEqual(['done', 2, []]);
    const stays = await evening((machine) => machine === FIRST, { checkpoints: { path: 'ckpt/*' } });
    expect(run(model).closed_at).toBeLessThan(run(stays).closed_at ?? 0);
  });

  it('is left once: where the next is as hot, the card or its load is at fault', async () => {
    const model = await evening(() => true);
    expect(run(model).incidents).toHaveLength(1);
    expect([run(model).verdict, machines(model).length, model.violations]).toEqual(['done', 2, []]);
  });

  it.each<[string, Partial<SpecInput>, ((model: Model) => void)?]>([
    ['nothing to resume from', { checkpoints: { path: 'ckpt/*' } }],
    ['a pace that the spec is content with', { rate: { min: 0.005 } }],
    ['a person who holds the box', {}, (model) => { if (run(model).stage === 'training' && !run(model).hold) model.order({ do: 'hold', run: 'one', minutes: 1_000, reason: 'a look' }); else if (run(model).verdict !== null && run(model).hold) model.order({ do: 'release', run: 'one' }); }],
    ['no money for a new start', { kill: { hours: 12, dollars: 0.5 } }],
  ])('is not left with %s', async (_, spec, meddle) => {
    const model = await evening((machine) => machine === FIRST, spec, meddle);
    expect(model.events.some((event) => event.type === 'alert.opened' && event.alert === 'throttled')).toBe(true);
    expect(run(model).incidents).toEqual([]);
    expect(machines(model)).toEqual([FIRST]);
    expect(model.violations).toEqual([]);
  });

  it('is not left when its rhythm is as it was, whatever the driver says', async () => {
    const model = await evening((machine) => machine === FIRST, {}, (one) => { one.msPerStep = () => ([...one.boxes.values()].some((box) => one.throttles(box)) ? 7_500 : 30_000); });
    expect([run(model).incidents, machines(model), run(model).verdict]).toEqual([[], [FIRST], 'done']);
  });
});
