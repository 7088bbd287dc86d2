/** The probe's text, read. Pure, and total: whatever is missing or odd becomes null, and nothing throws. */
import type { GpuReading, ProbeReading } from '../core/probe.ts';
import { cleanLine } from '../core/text.ts';
import { exitRecord } from './frames.ts';

const MB = 1024 * 1024;

/** `at` is epoch ms at home when the probe was sent; `nonce` is the one that the script was made with. */
export function parseProbe(text: string, nonce: string, at: number): ProbeReading {
  const sections = split(text, nonce);
  const lines = (name: string) => (sections.get(name) ?? '').split('\n').filter((line) => line.trim() !== '');
  const line = (name: string) => lines(name)[0] ?? '';
  const tick = number(line('tick'));
  const exit = exitRecord(line('exit').trim().split(/\s+/));
  const [logBytes, logTime, now] = lines('log').map(number);
  const gpus = lines('gpu').flatMap(gpu);
  const boot = cleanLine(line('boot'), 100).trim();
  return {
    at,
    gpus: gpus.length > 0 ? gpus : null,
    alive: { '1': true, '0': false }[line('alive').trim()] ?? null,
    cpu_s: tick ? sum(lines('cpu'), (stat) => { const f = afterName(stat); return plus(number(f[11]), number(f[12])); }, tick) : null,
    load1: number(/[\d.]+/.exec(line('load'))?.[0]),
    ...memory(sections),
    disk: disk(line('disk'), line('inodes')),
    shm: size(line('shm')),
    net: net(lines('net')),
    io: io(lines('io')),
    log_bytes: logBytes ?? null,
    log_age_s: logTime != null && now != null ? Math.max(0, now - logTime) : null,
    oom_kills: number(line('oom')),
    kernel: lines('kernel').map((entry) => cleanLine(entry, 300)).filter((entry) => entry !== ''),
    boot_id: boot === '' || boot === '-' ? null : boot,
    uptime_s: uptime(lines('uptime')),
    exit: exit && { exit_code: exit.exit_code, signal: exit.signal, at: exit.at },
    driver_version: cleanLine(line('gpu').split(',').at(-1) ?? '', 40).trim() || null,
    cuda_version: /^[\d.]+$/.exec(line('cuda').trim())?.[0] ?? null,
  };
}

/** True when the whole script ran: a cut answer must not pass for a box without a GPU. */
export function isWhole(text: string, nonce: string): boolean {
  return split(text, nonce).has('end');
}

function split(text: string, nonce: string): Map<string, string> {
  const sections = new Map<string, string>();
  for (const part of text.split(`=${nonce} `).slice(1)) {
    const end = part.indexOf('\n');
    sections.set(end < 0 ? part : part.slice(0, end), end < 0 ? '' : part.slice(end + 1));
  }
  return sections;
}

function number(text: string | undefined): number | null {
  const trimmed = text?.trim() ?? '';
  const value = /^-?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : Number.NaN;
  return Number.isFinite(value) ? value : null;
}

function plus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

function sum(lines: readonly string[], of: (line: string) => number | null, divisor = 1): number | null {
  const values = lines.map(of).filter((value) => value !== null);
  return values.length > 0 ? values.reduce((total, value) => total + value, 0) / divisor : null;
}

/** Fields of a stat line from the third on: the name in parentheses may hold blanks and parentheses. */
function afterName(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 1).trim().split(/\s+/);
}

function gpu(line: string): GpuReading[] {
  const fields = line.split(',').map((field) => field.trim());
  const [index, name, util, used, total, power, limit, temp, clock, reasons] = fields;
  const position = number(index);
  if (position === null || name === undefined || fields.length < 10) return [];
  return [
    {
      index: position,
      name: cleanLine(name, 80),
      util: number(util),
      mem_used: number(used),
      mem_total: number(total),
      power_w: number(power),
      power_limit_w: number(limit),
      temp_c: number(temp),
      sm_clock_mhz: number(clock),
      throttled: throttled(reasons),
    },
  ];
}

/** Bits of the driver's mask that mean trouble: hardware slowdown, software and hardware thermal, power brake. Idle and the ordinary cap don't. */
function throttled(mask: string | undefined): boolean | null {
  return mask !== undefined && /^0x[0-9a-f]{1,16}$/i.test(mask) ? (BigInt(mask) & 0xe8n) !== 0n : null;
}

/** The container's limit where there is one below the machine's; page cache that can be dropped is not use. */
function memory(sections: ReadonlyMap<string, string>): Pick<ProbeReading, 'mem_used' | 'mem_total'> {
  const info = (name: string) => number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(sections.get('meminfo') ?? '')?.[1]);
  const [machine, available] = [info('MemTotal'), info('MemAvailable')];
  const [limit, current, cache] = ['memory.max', 'memory.current', 'memory.file'].map((name) => number(sections.get(name)?.split('\n')[0]));
  if (limit != null && current != null && (machine === null || limit < machine * 1024)) {
    return { mem_total: limit / MB, mem_used: Math.max(0, current - (cache ?? 0)) / MB };
  }
  return { mem_total: machine === null ? null : machine / 1024, mem_used: machine === null || available === null ? null : (machine - available) / 1024 };
}

/** Total and used of a `df -P` line, read from its end backwards: a device's name may hold blanks. */
function usage(line: string): { total: number; used: number } | null {
  const [, total, used] = /\s(\d+)\s+(\d+)\s+-?\d+\s+\d+%\s/.exec(line) ?? [];
  return total && used ? { total: Number(total), used: Number(used) } : null;
}

function size(line: string): ProbeReading['shm'] {
  const found = usage(line);
  return found && { used_bytes: found.used * 1024, total_bytes: found.total * 1024 };
}

function disk(blocks: string, inodes: string): ProbeReading['disk'] {
  const bytes = size(blocks);
  const nodes = usage(inodes);
  // File systems without a fixed inode table say 0 of 0.
  const counted = nodes !== null && nodes.total > 0;
  return bytes && { ...bytes, used_inodes: counted ? nodes.used : null, total_inodes: counted ? nodes.total : null };
}

function net(lines: readonly string[]): ProbeReading['net'] {
  const totals = lines.flatMap((line) => {
    const [, name, rest] = /^\s*([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    const fields = rest?.trim().split(/\s+/).map(number) ?? [];
    const [rx, tx] = [fields[0], fields[8]];
    return name !== 'lo' && rx != null && tx != null ? [{ rx, tx }] : [];
  });
  return totals.length > 0 ? { rx_bytes: totals.reduce((all, { rx }) => all + rx, 0), tx_bytes: totals.reduce((all, { tx }) => all + tx, 0) } : null;
}

function io(lines: readonly string[]): ProbeReading['io'] {
  const of = (key: string) => sum(lines.filter((line) => line.startsWith(`${key}: `)), (line) => number(line.slice(key.length + 2)));
  const [read, write] = [of('read_bytes'), of('write_bytes')];
  return read === null || write === null ? null : { read_bytes: read, write_bytes: write };
}

/** Of the container, not of the machine: since its first process began. */
function uptime(lines: readonly string[]): number | null {
  const [start, tick, up] = [number(lines[0]), number(lines[1]), number(lines[2]?.split(' ')[0])];
  return start !== null && tick && up !== null ? Math.max(0, up - start / tick) : null;
}
