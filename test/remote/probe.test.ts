import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isWhole, parseProbe } from '../../src/remote/parse-probe.ts';

const NONCE = 'f00d'.repeat(6);
const answer = (sections: Readonly<Record<string, string>>) => Object.entries({ ...sections, end: '' }).map(([name, text]) => `\n=${NONCE} ${name}\n${text}\n`).join('');
const read = (sections: Readonly<Record<string, string>>) => parseProbe(answer(sections), NONCE, 1_000);

const NOTHING = {
  at: 1_000, gpus: null, alive: null, cpu_s: null, load1: null, mem_used: null, mem_total: null, disk: null, shm: null, net: null, io: null,
  log_bytes: null, log_age_s: null, oom_kills: null, kernel: [], boot_id: null, uptime_s: null, exit: null, driver_version: null, cuda_version: null,
};

describe('the probe\'s text', () => {
  test('of a box that tells nothing is unknown, never zero', () => {
    expect(parseProbe('', NONCE, 1_000)).toEqual(NOTHING);
    expect(read({})).toEqual(NOTHING);
  });

  test('of a training box is read in full', () => {
    const reading = read({
      gpu: '0, NVIDIA GeForce RTX 4090, 97, 21034, 24564, 398.21, 450.00, 67, 2520, 0x0000000000000004, 550.54.15\n1, NVIDIA GeForce RTX 4090, [N/A], [N/A], 24564, [N/A], 450.00, 88, 1200, 0x0000000000000028, 550.54.15',
      cuda: '12.4',
      alive: '1',
      tick: '100',
      cpu: '57 (python (a) b) S 1 57 57 0 -1 4194560 1 2 3 4 1000 500 0 0 20 0 9 0 100\n58 (w) R 57 57 57 0 -1 0 0 0 0 0 300 0 0 0',
      io: 'rchar: 9\nread_bytes: 4096\nwrite_bytes: 100\nread_bytes: 4\nwrite_bytes: 1\ncancelled_write_bytes: 77',
      load: '3.50 2.00 1.00 2/300 1234',
      meminfo: 'MemTotal:       65536000 kB\nMemFree: 1 kB\nMemAvailable:   32768000 kB',
      'memory.current': String(20 * 1024 ** 3),
      'memory.max': String(32 * 1024 ** 3),
      'memory.file': String(4 * 1024 ** 3),
      disk: 'overlay disk 20971520 10485760 10485760 50% /',
      inodes: 'overlay 1000 400 600 40% /',
      shm: 'shm 65536 1024 64512 2% /dev/shm',
      net: 'Inter-| Receive | Transmit\n face |bytes\n    lo: 5 0 0 0 0 0 0 0 5 0 0 0 0 0 0 0\n  eth0: 1000 1 0 0 0 0 0 0 2000 1 0 0 0 0 0 0',
      log: '5000\n1700000000\n1700000042',
      oom: '3',
      kernel: '[1.0] NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus\x1b[31m',
      boot: '3b0e.52',
      uptime: '5200\n100\n1052.00 900.00',
      exit: '137 KILL 1 1700000000',
    });
    expect(reading).toMatchObject({
      alive: true, cpu_s: 18, load1: 3.5, mem_used: 16 * 1024, mem_total: 32 * 1024, shm: { used_bytes: 1024 ** 2, total_bytes: 64 * 1024 ** 2 },
      disk: { used_bytes: 10 * 1024 ** 3, total_bytes: 20 * 1024 ** 3, used_inodes: 400, total_inodes: 1000 },
      net: { rx_bytes: 1000, tx_bytes: 2000 }, io: { read_bytes: 4100, write_bytes: 101 }, log_bytes: 5000, log_age_s: 42, oom_kills: 3,
      boot_id: '3b0e.52', uptime_s: 1000, exit: { exit_code: 137, signal: 'KILL', at: 1_700_000_000_000 }, driver_version: '550.54.15', cuda_version: '12.4',
    });
    expect(reading.kernel).toEqual(['[1.0] NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus']);
    expect(reading.gpus).toMatchObject([{ util: 97, power_w: 398.21, throttled: false }, { util: null, mem_used: null, mem_total: 24564, throttled: true }]);
  });

  test('without a limit of its own counts the machine\'s memory', () => {
    const meminfo = 'MemTotal: 2048 kB\nMemAvailable: 1024 kB';
    for (const max of ['max', '9223372036854771712', '']) expect(read({ meminfo, 'memory.max': max, 'memory.current': '9' })).toMatchObject({ mem_total: 2, mem_used: 1 });
  });

  test('that was cut is told from one that is whole', () => {
    expect(isWhole(answer({ alive: '1' }), NONCE)).toBe(true);
    expect(isWhole(answer({ alive: '1' }).slice(0, -8), NONCE)).toBe(false);
  });

  test('may be anything at all', () => {
    const section = fc.constantFrom('gpu', 'cuda', 'alive', 'tick', 'cpu', 'io', 'load', 'meminfo', 'memory.max', 'memory.current', 'disk', 'inodes', 'shm', 'net', 'log', 'oom', 'kernel', 'boot', 'uptime', 'exit');
    const odd = fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.constantFrom('0', '-1', ',', ' ', '\n', 'NaN', '1e999', ':', '0x', '%', '/', 'eth0:'), { maxLength: 30 }).map((words) => words.join('')));
    fc.assert(
      fc.property(fc.dictionary(section, odd), (sections) => {
        const numbers = JSON.stringify(read(sections), (_, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? 'not finite' : value));
        expect(numbers).not.toContain('not finite');
      }),
    );
  });
});
