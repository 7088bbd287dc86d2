/** What is for rent: slices of machines, priced for the disk that the search asks for. */
import { MODELS, type Machine } from './catalogue.ts';
import { ApiError, isRow, passes, plain, sortRows, type Row } from './filter.ts';

const SLICES = [1, 2, 4, 8];
/** A usual floor for bids, as a share of the on-demand price. */
const BID_SHARE = 0.4;
const MONTH_H = 720;
const DEFAULT_DISK_GB = 8;
/** Seconds that a machine may be rented from now. */
const RENTABLE_S = 60 * 86_400;

/** One slice that can be rented now. */
export interface Slice {
  id: number;
  machine: Machine;
  gpus: number;
}

/** Ids change whenever something on the machine is rented or freed: offers are short-lived. */
export const sliceId = (machine: Machine, gpus: number, generation: number): number => 11_000_000 + (machine.id % 1_000) * 1_000 + gpus * 100 + (generation % 100);

/** The slices of a machine with `free` GPUs. */
export function slicesOf(machine: Machine, free: number, generation: number): Slice[] {
  return SLICES.filter((gpus) => gpus <= free).map((gpus) => ({ id: sliceId(machine, gpus, generation), machine, gpus }));
}

export const round = (usd: number): number => Math.round(usd * 1e6) / 1e6;
export const minBid = (machine: Machine, gpus: number): number => round(machine.usd_per_gpu * gpus * BID_SHARE);
/** $/h of `disk_gb` on this machine. */
export const storageRate = (machine: Machine, disk_gb: number): number => round((machine.storage_cost * disk_gb) / MONTH_H);

/** The offer as Vast sends it. `bid` searches are priced at the floor. */
export function offerRow({ id, machine, gpus }: Slice, disk_gb: number, bid: boolean, now: number): Row {
  const model = MODELS[machine.gpu_name];
  const base = bid ? minBid(machine, gpus) : round(machine.usd_per_gpu * gpus);
  const storage = storageRate(machine, disk_gb);
  const total = round(base + storage);
  const share = gpus / machine.gpus;
  const prices = { gpuCostPerHour: base, diskHour: storage, totalHour: total, discountTotalHour: 0, discountedTotalPerHour: total };
  const dlperf = round((model?.tflops ?? 30) * 1.3 * gpus);
  return {
    id, ask_contract_id: id, bundle_id: 500_000 + machine.id, machine_id: machine.id, host_id: 120_000 + machine.id, hostname: null, public_ipaddr: '127.0.0.1', cluster_id: null,
    resource_type: 'gpu', rn: 1, bundled_results: null, is_bid: bid, logo: '/static/logos/vastai_small2.png', webpage: null,
    gpu_name: machine.gpu_name, num_gpus: gpus, gpu_frac: share, gpu_ram: machine.gpu_ram, gpu_total_ram: machine.gpu_ram * gpus, gpu_arch: 'nvidia', compute_cap: model?.compute_cap ?? 800,
    cuda_max_good: machine.cuda_max_good, driver_version: machine.driver_version, driver_vers: driverNumber(machine.driver_version), gpu_mem_bw: model?.bandwidth ?? 700, gpu_lanes: 16,
    gpu_max_power: machine.power_w, gpu_max_temp: 90, gpu_ids: Array.from({ length: gpus }, (_, index) => index), gpu_display_active: false, total_flops: (model?.tflops ?? 30) * gpus, bw_nvlink: 0,
    vram_costperhour: round(base / (machine.gpu_ram * gpus)),
    cpu_name: 'AMD EPYC 7402', cpu_arch: 'amd64', cpu_cores: machine.cpu_cores, cpu_cores_effective: machine.cpu_cores * share, cpu_ghz: 2.8, cpu_ram: Math.floor(machine.cpu_ram * share), has_avx: 1,
    mobo_name: 'ROMED8-2T', os_version: '22.04', pci_gen: 4, pcie_bw: 12.3,
    disk_space: machine.disk_space * share, disk_name: 'nvme', disk_bw: 2_545, inet_up: machine.inet_up, inet_down: machine.inet_down, inet_up_cost: machine.inet_cost, inet_down_cost: machine.inet_cost,
    internet_up_cost_per_tb: machine.inet_cost * 1_000, internet_down_cost_per_tb: machine.inet_cost * 1_000, direct_port_count: 249, static_ip: true,
    dph_base: base, dph_total: total, dph_total_adj: total, discounted_dph_total: total, discounted_hourly: 0, discount_rate: 0, credit_discount_max: 0.4, min_bid: minBid(machine, gpus),
    storage_cost: machine.storage_cost, storage_total_cost: storage, instance: prices, search: prices,
    reliability: machine.reliability, reliability2: machine.reliability, expected_reliability: machine.reliability, reliability_mult: machine.reliability, score: round((dlperf / total) * machine.reliability),
    dlperf, dlperf_per_dphtotal: round(dlperf / total), flops_per_dphtotal: round(((model?.tflops ?? 30) * gpus) / total),
    verification: machine.verified ? 'verified' : 'unverified', vericode: machine.verified ? 1 : 0, hosting_type: 1, vms_enabled: false, is_vm_deverified: false,
    rentable: true, rented: false, external: false, start_date: now / 1_000, end_date: now / 1_000 + RENTABLE_S, duration: RENTABLE_S, time_remaining: '', time_remaining_isbid: '',
    geolocation: machine.geolocation, geolocode: 0,
  };
}

const CONTROL = new Set(['order', 'type', 'limit', 'allocated_storage', 'target_reliability', 'disable_bundling', 'extra_ids', 'gpu_option', 'show_incompatible', 'sort_option', 'template_id', 'select_cols', 'q']);
const ALIASES: Readonly<Record<string, string>> = {
  cuda_vers: 'cuda_max_good', dph: 'dph_total', dlperf_usd: 'dlperf_per_dphtotal', flops_usd: 'flops_per_dphtotal', display_active: 'gpu_display_active', gpu_totalram: 'gpu_total_ram', gpu_max_ram: 'gpu_ram',
};
const TYPES = ['on-demand', 'ondemand', 'bid', 'interruptible', 'reserved'];

/** Answers a search over the slices that are free. Throws ApiError 400 for a body that makes no sense. */
export function searchOffers(slices: readonly Slice[], body: Row, now: number): Row[] {
  const type = body['type'] ?? 'on-demand';
  if (typeof type !== 'string' || !TYPES.includes(type)) throw new ApiError(400, 'invalid_args', 'type must be on-demand, bid or reserved');
  const asked = Number(body['allocated_storage'] ?? DEFAULT_DISK_GB);
  const disk_gb = Number.isFinite(asked) && asked > 0 ? asked : DEFAULT_DISK_GB;
  const filters: Record<string, unknown> = { verified: { eq: true }, rentable: { eq: true }, rented: { eq: false } };
  for (const [key, condition] of Object.entries(body)) if (!CONTROL.has(key)) filters[ALIASES[key] ?? key] = condition;
  const limit = body['limit'] === undefined || body['limit'] === null ? Infinity : Number(body['limit']);
  const rows = slices
    .map((slice) => offerRow(slice, disk_gb, type === 'bid' || type === 'interruptible', now))
    .filter((row) => Number(row['disk_space']) >= disk_gb && passes(searchable(row), filters));
  return sortRows(rows, orderOf(body['order'])).slice(0, Number.isNaN(limit) || limit < 0 ? Infinity : limit);
}

/** The row with the columns that exist for searching alone. */
function searchable(row: Row): Row {
  return {
    ...row,
    verified: row['verification'] === 'verified',
    datacenter: row['hosting_type'] === 1,
    geolocation: countryOf(row['geolocation']),
    driver_version: row['driver_vers'],
  };
}

export const countryOf = (geolocation: unknown): string => plain(geolocation).split(', ').at(-1) ?? '';

function driverNumber(version: string): number {
  const [major = '0', minor = '0', patch = '0'] = version.split('.');
  return Number(`${major}${minor.padStart(3, '0')}${patch.padStart(3, '0')}`);
}

/** `order` as pairs; the market's own score when it is left out. */
function orderOf(order: unknown): [string, string][] {
  const pairs = (Array.isArray(order) ? order : []).flatMap((entry): [string, string][] => {
    if (Array.isArray(entry) && typeof entry[0] === 'string') return [[ALIASES[entry[0]] ?? entry[0], plain(entry[1], 'asc')]];
    return isRow(entry) && typeof entry['col'] === 'string' ? [[entry['col'], plain(entry['dir'], 'asc')]] : [];
  });
  return pairs.length > 0 ? pairs : [['score', 'desc']];
}
