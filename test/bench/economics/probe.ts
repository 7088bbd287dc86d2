/** What a full look at a box shows. */
import type { ProbeReading } from '../../../src/core/probe.ts';
import { CARDS } from './assumptions.ts';
import type { VirtualClock } from './clock.ts';
import type { Contract } from './market.ts';
import type { Process } from './process.ts';
import type { Fate } from './world.ts';

interface Machine {
  contract: Contract;
  process: Process | null;
  bootId: number;
}

/** Counters that grow as the process works: cores, bytes a second. */
const WORKING = { cores: 1.4, bytes: 3_000_000 };
const LOADING = { cores: 1, bytes: 80_000_000 };
const SPINNING = { cores: 1, bytes: 0 };
const WAITING = { cores: 0.02, bytes: 0 };

export function reading({ contract, process, bootId }: Machine, fate: Fate, clock: VirtualClock): ProbeReading {
  const now = clock.now();
  const card = CARDS[fate.card];
  const alive = process !== null && process.exit === null;
  const stopped = process?.end.how === 'nan' ? Infinity : (process?.end.at ?? 0);
  const hung = alive && now >= stopped;
  const spins = hung && process.end.fault?.spins === true;
  const loading = alive && now < process.trainingAt;
  const busy = alive && !hung && !loading;
  const count = (rate: keyof typeof WORKING): number => {
    if (!process) return 0;
    const began = process.trainingAt - fate.setup / 2;
    const [load, train, stuck] = [Math.min(now, process.trainingAt) - began, Math.max(0, Math.min(now, stopped) - process.trainingAt), Math.max(0, now - stopped)];
    return (LOADING[rate] * load + WORKING[rate] * train + (process.end.fault?.spins ? SPINNING : WAITING)[rate] * stuck) / 1_000;
  };
  const bytes = Math.round(count('bytes'));
  return {
    at: now,
    gpus: Array.from({ length: fate.gpus }, (_, index) => ({
      index, name: fate.card, util: busy ? 96 : spins ? 100 : 0, mem_used: busy || hung ? Math.round(card.mb * 0.8) : 12, mem_total: card.mb,
      power_w: busy ? Math.round(card.watts * 0.85) : spins ? Math.round(card.watts * 0.25) : Math.round(card.watts * 0.08), power_limit_w: card.watts, temp_c: busy ? 66 : 40, sm_clock_mhz: 1_900, throttled: false,
    })),
    alive,
    cpu_s: count('cores') / clock.scale,
    load1: 2,
    mem_used: 40_000,
    mem_total: 256_000,
    disk: { used_bytes: 40e9, total_bytes: 100e9, used_inodes: 100_000, total_inodes: 10_000_000 },
    shm: { used_bytes: 1e6, total_bytes: 16e9 },
    net: { rx_bytes: 1e6, tx_bytes: 1e6 },
    io: { read_bytes: bytes, write_bytes: 0 },
    log_bytes: process?.log.offset ?? 0,
    log_age_s: process ? (now - process.log.grewAt) / 1_000 / clock.scale : null,
    oom_kills: 0,
    kernel: [],
    boot_id: String(bootId),
    uptime_s: (now - contract.upSince) / 1_000 / clock.scale,
    exit: process?.exit ? { exit_code: process.exit.exit_code, signal: process.exit.signal, at: process.endedAt ?? now } : null,
    driver_version: '570',
    cuda_version: '12.8',
  };
}
