import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseSpec, secretNames, SpecError, specWarnings } from '../../src/core/spec.ts';
import { SPEC_TEMPLATE } from '../../src/headless/init.ts';
import { makeSpec } from './spec-factory.ts';

const base = { name: 'x', image: 'i', hardware: { max_usd_per_hour: 1 }, run: 'true', kill: { hours: 1, dollars: 1 } };
const problems = (input: unknown): string[] => {
  try {
    parseSpec(input);
    return [];
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return error.problems.map(({ field }) => field);
  }
};

describe('spec', () => {
  it('takes the template of `init` as it is', () => {
    expect(parseSpec(parse(SPEC_TEMPLATE))).toMatchObject({ name: 'my-finetune', teardown: { idle_grace: 120_000, stopped_grace: 86_400_000 } });
  });

  it.each([
    [{ ...base, name: 'Bad Name' }, 'name'],
    [{ ...base, hardware: { max_usd_per_hour: -1 } }, 'hardware.max_usd_per_hour'],
    [{ ...base, hardware: { max_usd_per_hour: 1, disk_gb: 2 } }, 'hardware.disk_gb'],
    [{ ...base, upload: ['../secret'] }, 'upload.0'],
    [{ ...base, artifacts: ['/etc/passwd'] }, 'artifacts.0'],
    [{ ...base, env: { 'A B': 'x' } }, 'env.A B'],
    [{ ...base, teardown: { idle_grace: 'soon' } }, 'teardown.idle_grace'],
    [{ ...base, progress: { regex: '(' } }, 'progress.regex'],
    [{ ...base, progress: { regex: '(a+)+$' } }, 'progress.regex'],
    [{ ...base, progress: { format: 'tensorflow' } }, 'progress.format'],
    [{ ...base, run: 'train --bs {batch}' }, 'run'],
    [{ ...base, knobs: { b: { value: 2, floor: 4 } } }, 'knobs.b.floor'],
    [{ ...base, knobs: { b: { value: 4, floor: 2, keeps: 'c' } } }, 'knobs.b.keeps'],
    [{ ...base, market: { bid: 0.2 } }, 'market'],
    [{ ...base, kill: undefined }, 'kill'],
    ['just text', '(the file)'],
  ])('names the field at fault: %j', (input, field) => {
    expect(problems(input)).toContain(field);
  });

  it('refuses words that it does not know, so that a typo is never silent', () => {
    expect(() => parseSpec({ ...base, artefacts: ['out'] })).toThrow(/artefacts/);
  });

  it('keeps secrets as names', () => {
    expect(secretNames(makeSpec({ env: { HF_TOKEN: { secret: 'MY_HF' }, N: 3 } }))).toEqual(['MY_HF']);
  });

  it('warns about what a launch survives, but a person may regret', () => {
    expect(specWarnings(parseSpec(base)).join('\n')).toMatch(/starts again from step 0[^]*nothing is brought home/);
    expect(specWarnings(makeSpec({ early_stop: { min_steps: 10, patience: 1 } })).join('\n')).toMatch(/min_steps/);
  });
});
