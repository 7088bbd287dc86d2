import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Body, Diagnosis, RankedOffer } from '../../src/core/events.ts';
import { reduce } from '../../src/core/reduce.ts';
import { emptyWorld, type World } from '../../src/core/state.ts';
import { statusMarkdown } from '../../src/journal/index.ts';
import { mdCode, mdText } from '../../src/journal/markdown.ts';
import { BEGIN, END, spliceBlock } from '../../src/journal/status-file.ts';
import { makeSpec } from '../core/spec-factory.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 0, 2, 3, 4, 5);
const SHA = 'ab'.repeat(32);

/** A run that ran out of memory once and came back; every text that comes from elsewhere is `foreign`. */
function worldOf(foreign: (what: string) => string): World {
  const offer: RankedOffer = { offer_id: 11, machine_id: 22, gpu_name: foreign('RTX 4090'), num_gpus: 1, dph_total: 0.4, all_in_usd_per_hour: 0.42, reliability: 0.99, geolocation: foreign('SE') };
  const diagnosis: Diagnosis = { trigger: 'process_exited', cause: 'gpu_oom', confidence: 1, fingerprint: 'f', signature: foreign('s'), evidence: [], transient: false, rung: 'reduce', summary: foreign('CUDA ran out of memory'), next: 'n' };
  const spec = makeSpec({ image: foreign('vastai/pytorch') || 'x', run: foreign('python train.py --batch-size {batch_size}') || 'x' });
  const bodies: Body[] = [
    { type: 'run.submitted', run: 'demo', spec, spec_path: foreign('/home/me/experiment.yaml'), warnings: [] },
    { type: 'offers.ranked', run: 'demo', offers: [offer], rejected: {} },
    { type: 'create.intended', run: 'demo', attempt: 1, offer, label: 'vastsit:demo:1', bid_usd_per_hour: null },
    { type: 'create.accepted', run: 'demo', attempt: 1, instance: 33, machine_id: 22 },
    { type: 'start.intended', run: 'demo', attempt: 1, instance: 33, command: foreign('python train.py --batch-size 32'), resume_from: foreign('ckpt/step-10.pt'), resume_step: 10 },
    { type: 'process.started', run: 'demo', attempt: 1, pid: 5 },
    { type: 'files.home', run: 'demo', instance: 33, files: [{ path: `ckpt/${foreign('step-40.pt')}`, bytes: 4_000_000, sha256: SHA, mtime_s: 1 }, { path: 'ckpt/step-20.pt', bytes: 3, sha256: SHA, mtime_s: 1 }], bytes: 4_000_003 },
    { type: 'incident.opened', run: 'demo', incident: 1, attempt: 1, step: 41, diagnosis },
    { type: 'remedy.chosen', run: 'demo', incident: 1, remedy: { rung: 'reduce', knob: 'batch_size', from: 32, to: 16, keeps: null }, why: foreign('the largest knob that answers it') },
    { type: 'incident.resolved', run: 'demo', incident: 1, step: 42 },
    { type: 'incident.opened', run: 'demo', incident: 2, attempt: 1, step: null, diagnosis },
    { type: 'incident.given_up', run: 'demo', incident: 2, reason: foreign('out of rungs'), best_option: foreign('a larger card') },
    { type: 'user.hold', run: 'demo', until: START + 2 * HOUR, reason: foreign('looking at shapes') },
    { type: 'run.ended', run: 'demo', verdict: 'failed', reason: foreign('out of memory') },
    { type: 'rescue.judged', run: 'demo', instance: 33, verdict: 'verified', files: 2, bytes: 3, reason: foreign('2 files') },
  ];
  return bodies.reduce<World>((world, body, index) => reduce(world, { ...body, v: 1, seq: index + 1, at: START + index * 60_000 }), emptyWorld(START));
}

describe('the block of STATUS.md', () => {
  const block = statusMarkdown(worldOf((what) => what), START + HOUR);

  it('tells all that somebody needs to take over', () => {
    for (const part of [
      '### demo: ',
      'verdict: failed (out of memory)',
      '33 on machine 22 (1x RTX 4090, SE), from offer 11 at $0.42/h all-in',
      '- Command (attempt 1): `python train.py --batch-size 32`',
      'Resumed from: `ckpt/step-10.pt` (step 10)',
      'image `vastai/pytorch`',
      '`/home/me/experiment.yaml`',
      '`~/vastsit/demo/.vastsit/log.1`',
      '`vastsit-tui logs demo`',
      '12 h or $6',
      'when done destroy once results are home; idle at most 2m; stopped at most 24h00; held by the user until 2026-01-02T05:04:05Z: looking at shapes',
      'newest `ckpt/step-40.pt` (4.0 MB, SHA-256 abababababab… verified 2026-01-02T03:10:05Z), and 1 other verified file',
      'Results: verified (2 files)',
      'Cost so far: $0.',
      'Incident 1, 2026-01-02T03:11:05Z at step 41: gpu oom: CUDA ran out of memory. Remedy: batch\\_size 32 -\\> 16 (the largest knob that answers it). Outcome: repaired, proven by step 42',
      'Outcome: given up: out of rungs; next best option: a larger card',
      '`agents/babysitter.md`',
    ]) expect(block).toContain(part);
    expect(block.startsWith(`${BEGIN}\n`)).toBe(true);
    expect(block.endsWith(`\n${END}`)).toBe(true);
  });

  it('speaks of the runs that are asked for, and of none when there is none', () => {
    const world = worldOf((what) => what);
    expect(statusMarkdown(world, START, ['demo'])).toContain('### demo');
    expect(statusMarkdown(world, START, ['other'])).toContain('No run yet.');
    expect(statusMarkdown(emptyWorld(Number.NaN), Number.NaN)).toContain('unknown time');
  });

  it('shows a command before its first start, with the knobs filled in', () => {
    const spec = makeSpec({ run: 'cd src\npython train.py \\\n  --batch-size {batch_size}\n' });
    const world = reduce(emptyWorld(0), { type: 'run.submitted', run: 'demo', spec, spec_path: 'x', warnings: [], v: 1, seq: 1, at: 0 });
    expect(statusMarkdown(world, 0)).toContain('- Command: `cd src ⏎ python train.py \\ ⏎   --batch-size 32`');
    expect(statusMarkdown(world, 0)).toContain('- Instance: none');
  });

  const nasty = fc.oneof(
    fc.constantFrom('`', '``` `` `', '|', END, BEGIN, `\n${END}\n`, `\r\n${END}`, '<!--', '-->', '\n# heading', '\n- item', '](javascript:x)', '![x](http://x/y.png)', '<script>', '\x1b[2J', '\u202e', '\0', '\\', '\u2028', '&lt;', '@someone', 'https://x.y', '   '),
    fc.string({ unit: 'binary' }),
  );
  const hostile = fc.array(nasty, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''));

  it('holds its shape whatever foreign text says: same lines, one end marker, nothing after it', () => {
    const lines = block.split(/\r\n|[\r\n]/).length;
    fc.assert(
      fc.property(hostile, (text) => {
        const told = statusMarkdown(worldOf((what) => text + what), START + HOUR);
        expect(told.split(/\r\n|[\r\n]/)).toHaveLength(lines);
        expect(told.split(END)).toEqual([expect.any(String), '']);
        expect(told.split(BEGIN)).toEqual(['', expect.any(String)]);
        expect(told).not.toMatch(/[\0-\x09\x0b-\x1f\x7f\u202e]/);
        const file = `before\r\n${told}\r\nafter`;
        expect(spliceBlock(file, 'NEW')).toBe('before\r\nNEW\r\nafter');
      }),
      { numRuns: 200 },
    );
  });

  it('escapes text so that no structure is left, and quotes code with enough backticks', () => {
    expect(mdText('a `b` | <!-- c --> [d](e) *f* _g_')).toBe('a \\`b\\` \\| \\<\\!-- c --\\> \\[d\\](e) \\*f\\* \\_g\\_');
    expect(mdText('see https://x.y or www.z.com, @me #1')).toBe('see https:\\/\\/x.y or www\\.z.com, \\@me \\#1');
    expect(mdCode('echo `a` | tee')).toBe('`` echo `a` | tee ``');
    expect(mdCode('plain | <b>')).toBe('`plain | <b>`');
    expect(mdCode(END)).not.toContain(END);
    expect(mdCode('\x1b[0m')).toBe('(empty)');
    fc.assert(
      fc.property(hostile, (text) => {
        expect(mdText(text).replace(/\\[\\`*_[\]<>|~&#!@$/.]/g, '')).not.toMatch(/[\\`*_[\]<>|~&#!@$]|:\/\//);
        const fence = /^`+/.exec(mdCode(text))?.[0];
        if (fence) expect(mdCode(text).slice(fence.length, -fence.length).match(/`+/g) ?? []).not.toContain(fence);
      }),
    );
  });
});
