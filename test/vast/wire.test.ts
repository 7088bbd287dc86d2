import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClock } from '../../src/clock.ts';
import { parseLabel } from '../../src/core/market.ts';
import { MarketError } from '../../src/core/ports.ts';
import { createVastMarket } from '../../src/vast/index.ts';
import { readInstance, readLog, readOffer } from '../../src/vast/wire.ts';
import { KEY, OFFER, ROW } from './server.ts';

describe('instances', () => {
  it('make do with an id alone, and promise nothing', () => {
    expect(readInstance({ id: '42' })).toEqual({
      id: 42, machine_id: 0, label: null, actual_status: null, intended_status: null, cur_state: null, next_state: null, status_msg: null, gpu_name: 'unknown GPU', num_gpus: 0,
      gpu_ram: 0, cpu_cores_effective: null, gpu_util: null, gpu_temp: null, disk_space: 0, disk_usage: null, dph_total: 0, dph_base: 0, storage_total_cost: 0, inet_up_cost: 0, inet_down_cost: 0,
      inet_up_billed: null, inet_down_billed: null, is_bid: false, min_bid: null, start_date: null, end_date: null, ssh_host: null, ssh_port: null, public_ipaddr: null,
      direct_ssh_port: null, geolocation: null,
    });
  });

  it.each([
    [{ '22/tcp': [{ HostPort: '40022' }, { HostPort: '40023' }] }, 40022],
    [{ '22/tcp': [{ HostPort: '' }, null, { HostPort: 40023 }] }, 40023],
    [{ '22/tcp': null }, null],
    [{ '8080/tcp': [{ HostPort: '1' }] }, null],
    [[22, 8080], null],
    [null, null],
    [undefined, null],
    ['22', null],
    [{ '22/tcp': [{ HostPort: '70000' }] }, null],
  ])('read the ports %j', (ports, expected) => {
    expect(readInstance({ ...ROW, ports })?.direct_ssh_port).toBe(expected);
  });

  it('derive prices from their parts when a sum is missing', () => {
    const part = readInstance({ ...ROW, dph_total: null, storage_total_cost: null });
    expect(part?.storage_total_cost).toBeCloseTo(0.0041667, 6);
    expect(part?.dph_total).toBeCloseTo(0.3041667, 6);
    expect(readInstance({ ...ROW, dph_base: undefined })?.dph_base).toBeCloseTo(0.3, 6);
  });

  it('find the shell beside jupyter', () => {
    expect(readInstance({ ...ROW, image_runtype: 'jupyter_direc ssh_direc ssh_proxy' })?.ssh_port).toBe(35611);
  });

  it('let no host become an option, and no text a terminal command', () => {
    const odd = readInstance({ ...ROW, ssh_host: '-Fhome', public_ipaddr: '1.2.3.4; rm', ssh_port: -1, status_msg: '\x1b]0;x\x07Error response\nfrom daemon\u202e' });
    expect(odd).toMatchObject({ ssh_host: null, public_ipaddr: null, ssh_port: null, status_msg: 'Error response from daemon' });
  });

  it.each(['x\nvastsit:night:1', '\x1b[0mvastsit:night:1', 'x\rvastsit:night:1', '\u200evastsit:night:1', ' vastsit:night:1', 'vastsit:night:1\n'])('never make the foreign label %j ours', (label) => {
    expect(parseLabel(readInstance({ ...ROW, label })?.label ?? null)).toBeNull();
  });

  it.each([null, 7, 'x', [], {}, { id: 0 }, { id: 1.5 }, { id: 'abc' }, { id: -1 }])('are not made from %j', (row) => {
    expect(readInstance(row)).toBeNull();
  });
});

describe('offers', () => {
  it('take numbers in texts', () => {
    expect(readOffer(Object.fromEntries(Object.entries(OFFER).map(([name, value]) => [name, typeof value === 'number' ? String(value) : value])))).toEqual(OFFER);
  });

  it.each(['id', 'dph_total', 'inet_up_cost', 'inet_down_cost'])('are passed over without %s', (name) => {
    expect(readOffer({ ...OFFER, [name]: null })).toBeNull();
  });

  it.each(['dph_total', 'inet_up_cost'])('are passed over when %s is below zero', (name) => {
    expect(readOffer({ ...OFFER, [name]: -1 })).toBeNull();
  });

  it('are as reliable as the older field says', () => {
    expect(readOffer({ ...OFFER, reliability: undefined, reliability2: 0.97 })).toMatchObject({ reliability: 0.97 });
  });
});

describe('logs', () => {
  it('keep their lines and lose their tricks', () => {
    expect(readLog('a\r\nb\x1b[31mc\x1b[0m\n\n10%\r20%\n')).toBe('a\nbc\n\n20%');
  });
});

describe('any JSON', () => {
  const near = fc.record(
    Object.fromEntries(Object.entries({ ...OFFER, ...ROW }).map(([name, value]) => [name, fc.oneof(fc.constant(value), fc.jsonValue())])),
    { requiredKeys: [] },
  );
  const answers = fc.oneof(
    fc.json(),
    fc.string(),
    fc.record({ success: fc.constantFrom(true, false, null), instances: fc.oneof(near, fc.array(near, { maxLength: 3 }), fc.jsonValue()), offers: fc.oneof(fc.array(near, { maxLength: 3 }), fc.jsonValue()), total_instances: fc.jsonValue(), instances_found: fc.nat(3), next_token: fc.jsonValue(), credit: fc.jsonValue(), error: fc.jsonValue(), msg: fc.jsonValue(), new_contract: fc.jsonValue() }, { requiredKeys: [] }).map((json) => JSON.stringify(json)),
  );

  it('gives clean data or a MarketError, never anything else', async () => {
    let answer = { text: '', status: 200 };
    const market = createVastMarket({
      url: 'http://vast.invalid', apiKey: KEY, clock: createClock(100_000), wire: createClock(), jitter: () => 0,
      fetch: () => Promise.resolve(new Response(answer.text, { status: answer.status })),
    });
    await fc.assert(
      fc.asyncProperty(answers, fc.constantFrom(200, 200, 200, 201, 400, 401, 404, 410, 418), async (text, status) => {
        answer = { text, status };
        const calls = [market.list(), market.show(7835610), market.searchOffers({ type: 'bid', disk_gb: 8 }), market.account(), market.create(1, { image: 'i', disk_gb: 8, label: 'l', bid_usd_per_hour: null, env: {}, onstart: '' }), market.attachKey(1, 'ssh-rsa A'), market.destroy(1)];
        for (const outcome of await Promise.allSettled(calls)) {
          if (outcome.status === 'rejected') {
            expect(outcome.reason).toBeInstanceOf(MarketError);
            expect(String(outcome.reason)).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
          } else {
            const numbers = JSON.stringify(outcome.value ?? null, (_name, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? 'NOT A NUMBER' : value));
            expect(numbers).not.toContain('NOT A NUMBER');
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('never loses an instance that has an id', () => {
    fc.assert(fc.property(near, fc.integer({ min: 1 }), (row, id) => void expect(readInstance({ ...row, id })?.id).toBe(id)));
  });
});
