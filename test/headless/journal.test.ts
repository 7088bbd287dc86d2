import { expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { printJournal } from '../../src/headless/journal.ts';
import { Model } from '../core/model/index.ts';
import { makeSpec } from '../core/spec-factory.ts';

function told(events: readonly Event[], run: string | null, asJson: boolean): string[] {
  const lines: string[] = [];
  printJournal({ out: (line) => lines.push(line), talk: () => undefined }, events, run, asJson);
  return lines;
}

const model = new Model(() => 0.999, 0);
model.submit('one', makeSpec());
model.submit('other', makeSpec());
for (let n = 0; n < 30; n += 1) await model.step(20_000);
model.order({ do: 'destroy', run: 'one', waive: false });
for (let n = 0; n < 30; n += 1) await model.step(20_000);

it('says who decided what, on which evidence, at what cost', () => {
  const words = told(model.events, 'one', false).join('\n');
  expect(words).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d+ runner +one: will launch one/);
  expect(words).toMatch(/runner +one: renting 1x RTX 4090 .* \(\$0\.00\)\n +because: \$0\.\d{3}\/h all-in, reliability 0\.99/);
  expect(words).toMatch(/user +one: /);
  expect(words).toMatch(/destroying instance \d+.*\(\$0\.\d\d\)[\s\S]*because: results: verified/);
  expect(words).not.toContain('other');
});

it('gives scripts every event, once and in order', () => {
  const entries = told(model.events, null, true).map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(entries.map(({ seq }) => seq)).toEqual(model.events.map(({ seq }) => seq));
  expect(entries.find(({ event }) => event === 'create.intended')).toMatchObject({ v: 1, type: 'entry', run: 'one', who: 'runner', said: [expect.stringContaining('renting')], evidence: [expect.stringContaining('all-in')], usd: 0 });
});

it('lets no escape code through, whatever a log or a label held', () => {
  const hostile: Event = { type: 'run.ended', run: 'one', verdict: 'failed', reason: '\x1b]0;owned\x07\x1b[2Jboom', v: 1, seq: 10_000, at: model.now };
  expect(told([...model.events, hostile], 'one', false).join('')).not.toContain('\x1b');
});
