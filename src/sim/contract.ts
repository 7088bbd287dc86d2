/** A rented instance: its state in the simulated world, and the object that Vast's API makes of it. */
import { parseLabel } from '../core/market.ts';
import type { Machine } from './catalogue.ts';
import { isRow, type Row } from './filter.ts';
import { minBid, round, storageRate } from './offers.ts';

export interface SshKey {
  id: number;
  public_key: string;
}

export interface Contract {
  readonly id: number;
  /** 1 for the first instance rented in this simulation; 0 for a stranger's. */
  readonly ordinal: number;
  readonly machine: Machine;
  readonly gpus: number;
  /** The restricted key that lives in the container. */
  readonly key: string;
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onstart: string;
  readonly runtype: string;
  readonly disk_gb: number;
  readonly created_ms: number;
  /** A stranger's that is at work, though nothing runs in its box. */
  readonly busy: boolean;
  label: string | null;
  /** $/h for the slice; null rents on demand. */
  bid: number | null;
  actual: string | null;
  intended: string;
  cur: string;
  next: string;
  status_msg: string | null;
  outbid: boolean;
  holds_gpu: boolean;
  first_running_ms: number | null;
  running_since_ms: number | null;
  port: number | null;
  keys: SshKey[];
  /** Orders count up; what an older order has scheduled is void. */
  epoch: number;
  /** $ accrued until `billed_until_ms`, split as charges show it. */
  gpu_usd: number;
  disk_usd: number;
  billed_until_ms: number;
  ended_ms: number | null;
  /** The row has left the lists. */
  gone: boolean;
}

export const runOf = (contract: Contract): { run: string; attempt: number } | null => parseLabel(contract.label);

/** $/h of GPU and disk in the present state, by Vast's cost model. */
export function rates(contract: Contract): { gpu: number; disk: number } {
  if (contract.ended_ms !== null || contract.actual === 'offline') return { gpu: 0, disk: 0 };
  const up = contract.actual === 'running' || contract.actual === 'rebooting' || contract.actual === 'recycling';
  return { gpu: up ? gpuRate(contract) : 0, disk: storageRate(contract.machine, contract.disk_gb) };
}

/** Adds what has been used since the last call. */
export function accrue(contract: Contract, now: number): void {
  const hours = Math.max(0, now - contract.billed_until_ms) / 3_600_000;
  const { gpu, disk } = rates(contract);
  contract.gpu_usd += gpu * hours;
  contract.disk_usd += disk * hours;
  contract.billed_until_ms = now;
}

export const gpuRate = (contract: Contract): number => contract.bid ?? round(contract.machine.usd_per_gpu * contract.gpus);

/** Contract life in the object: fixed at rental. */
const TERM_S = 30 * 86_400;

/** The instance as the API answers it; `gpu` is what the box's GPUs do now, null when the host has not said; `skew` ms is how wrong the market's clock is. */
export function instanceRow(contract: Contract, now: number, gpu: { util: number; temp: number } | null, skew = 0): Row {
  const { machine, gpus } = contract;
  const storage = storageRate(machine, contract.disk_gb);
  const base = gpuRate(contract);
  const total = round(base + storage);
  const up = rates(contract);
  const prices = (gpuHour: number, disk: number): Row => ({ gpuCostPerHour: gpuHour, diskHour: disk, totalHour: round(gpuHour + disk), discountTotalHour: 0, discountedTotalPerHour: round(gpuHour + disk) });
  const running = contract.actual === 'running';
  const heard = contract.first_running_ms !== null;
  const share = gpus / machine.gpus;
  return {
    id: contract.id, machine_id: machine.id, host_id: 120_000 + machine.id, bundle_id: 500_000 + machine.id,
    actual_status: contract.actual, intended_status: contract.intended, cur_state: contract.cur, next_state: contract.next, status_msg: contract.status_msg, label: contract.label,
    template_id: null, template_hash_id: null, template_name: null, image_uuid: contract.image, image_args: [], image_runtype: contract.runtype,
    extra_env: Object.entries(contract.env), onstart: contract.onstart, jupyter_token: '0'.repeat(64),
    ssh_host: contract.port === null ? null : '127.0.0.1', ssh_idx: '4', ssh_port: contract.port, machine_dir_ssh_port: 21_000, public_ipaddr: '127.0.0.1', local_ipaddrs: '10.0.0.5 172.17.0.1 \n',
    ...(running && contract.port !== null && { ports: { '22/tcp': [{ HostIp: '0.0.0.0', HostPort: String(contract.port) }] } }),
    direct_port_count: 249, direct_port_start: -1, direct_port_end: -1, static_ip: true, external: false, rentable: true, is_bid: contract.bid !== null,
    start_date: (contract.created_ms + skew) / 1_000, end_date: (contract.created_ms + skew) / 1_000 + TERM_S, duration: TERM_S - (now - contract.created_ms) / 1_000,
    uptime_mins: running && contract.running_since_ms !== null ? (now - contract.running_since_ms) / 60_000 : null, time_remaining: '30 D 0 Hr', time_remaining_isbid: '', client_run_time: 1.1, host_run_time: TERM_S,
    num_gpus: gpus, gpu_name: machine.gpu_name, gpu_frac: share, gpu_arch: 'nvidia', gpu_ram: machine.gpu_ram, gpu_totalram: machine.gpu_ram * gpus,
    gpu_util: running ? (gpu?.util ?? 0) : null, gpu_temp: running ? (gpu?.temp ?? 0) : null, gpu_lanes: 16, gpu_mem_bw: 843.6, bw_nvlink: 0,
    cpu_name: 'AMD EPYC 7402', cpu_arch: 'amd64', cpu_cores: machine.cpu_cores, cpu_cores_effective: machine.cpu_cores * share, cpu_ram: Math.floor(machine.cpu_ram * share),
    cpu_util: running ? 3.1 : null, mem_usage: running ? 2.1 : null, mem_limit: 62.9, vmem_usage: running ? 0.5 : null,
    disk_space: contract.disk_gb, disk_usage: heard ? 3.2 : -1, disk_util: heard ? round(3.2 / contract.disk_gb) : -1, disk_name: 'nvme', disk_bw: 2_545, pcie_bw: 12.3, pci_gen: 4, mobo_name: 'ROMED8-2T', os_version: '22.04',
    inet_up: machine.inet_up, inet_down: machine.inet_down, inet_up_cost: machine.inet_cost, inet_down_cost: machine.inet_cost, inet_up_billed: 0, inet_down_billed: 0,
    dph_base: base, dph_total: total, storage_cost: machine.storage_cost, storage_total_cost: storage, min_bid: minBid(machine, gpus), vram_costperhour: round(base / machine.gpu_ram),
    credit_balance: null, credit_discount: null, credit_discount_max: 0.4, search: prices(base, storage), instance: prices(up.gpu, up.disk),
    dlperf: 106.6, dlperf_per_dphtotal: 350.5, total_flops: 82.5, flops_per_dphtotal: 271.2, score: 190, reliability2: machine.reliability,
    verification: machine.verified ? 'verified' : 'unverified', hosting_type: 1, geolocation: machine.geolocation, country_code: machine.geolocation.split(', ').at(-1) ?? null,
    webpage: null, logo: '/static/logos/vastai_small2.png', volume_info: [],
  };
}

/** Environment of a create request: docker flags are kept in the object and left out of the container. */
export function plainEnv(env: unknown): Record<string, string> {
  if (!isRow(env)) return {};
  return Object.fromEntries(Object.entries(env).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value)).map(([name, value]) => [name, String(value)]));
}
