/** What the market says, in Vast's own field names. Only the fields that this program reads; any may be null on the wire. */

export interface Offer {
  id: number;
  machine_id: number;
  host_id: number | null;
  gpu_name: string;
  num_gpus: number;
  /** MB per GPU; a "24 GB" card says 24564. */
  gpu_ram: number;
  /** MB. */
  cpu_ram: number;
  cpu_cores_effective: number | null;
  /** GB available. */
  disk_space: number;
  /** $/h, the GPU part of the whole slice. */
  dph_base: number;
  /** $/h, with the disk that the search asked for; traffic is extra. */
  dph_total: number;
  /** $/h floor for a bid; null on pure on-demand offers. */
  min_bid: number | null;
  /** $/GB/month of 720 h. */
  storage_cost: number;
  /** $/GB. */
  inet_up_cost: number;
  inet_down_cost: number;
  /** Mbit/s. */
  inet_up: number;
  inet_down: number;
  /** 0 to 1. */
  reliability: number;
  cuda_max_good: number;
  driver_version: string | null;
  direct_port_count: number;
  geolocation: string | null;
  verification: string | null;
  /** Seconds that the machine may be rented from now. */
  duration: number | null;
  rentable: boolean;
}

export interface Instance {
  id: number;
  machine_id: number;
  label: string | null;
  /** null while provisioning; unknown words are transitional, never fatal. */
  actual_status: string | null;
  intended_status: string | null;
  cur_state: string | null;
  next_state: string | null;
  status_msg: string | null;
  gpu_name: string;
  num_gpus: number;
  gpu_ram: number;
  /** Its share of the machine's cores; journals of earlier versions do not have it. */
  cpu_cores_effective?: number | null;
  /** Percent; null or 0 with gpu_temp 0 means not reported. */
  gpu_util: number | null;
  gpu_temp: number | null;
  /** GB; disk_usage is -1 until the first heartbeat. */
  disk_space: number;
  disk_usage: number | null;
  /** $/h while running. */
  dph_total: number;
  dph_base: number;
  /** $/h of the disk alone, billed from creation to destruction. */
  storage_total_cost: number;
  /** $/GB. */
  inet_up_cost: number;
  inet_down_cost: number;
  /** KiB, cumulative. */
  inet_up_billed: number | null;
  inet_down_billed: number | null;
  is_bid: boolean;
  min_bid: number | null;
  /** Epoch seconds. */
  start_date: number | null;
  end_date: number | null;
  ssh_host: string | null;
  ssh_port: number | null;
  public_ipaddr: string | null;
  /** Outer port of the container's sshd; null when there is no direct port. */
  direct_ssh_port: number | null;
  geolocation: string | null;
}

export interface Account {
  id: number | null;
  email: string | null;
  /** $ that can be spent. `balance` is something else. */
  credit: number;
}

/** The label that marks an instance as ours: `vastsit:<run>:<attempt>`. */
export const LABEL_PREFIX = 'vastsit:';

export function labelOf(run: string, attempt: number): string {
  return `${LABEL_PREFIX}${run}:${attempt}`;
}

/** Reads our label back; null for any other label, so a stranger's instance never passes for ours. */
export function parseLabel(label: string | null): { run: string; attempt: number } | null {
  const match = /^vastsit:([a-z0-9][a-z0-9-]{0,62}):([1-9][0-9]{0,4})$/.exec(label ?? '');
  const [, run, attempt] = match ?? [];
  return run && attempt ? { run, attempt: Number(attempt) } : null;
}

/** Between our intent and the birth of what it made; the clocks of two machines differ. */
const BIRTH_EARLY_S = 120;
const BIRTH_LATE_S = 900;

/** Could a create that was intended at `at` (epoch ms) have made this instance? null: its birth is not told. */
export function bornFrom({ start_date }: Instance, at: number): boolean | null {
  if (start_date === null) return null;
  const after = start_date - at / 1_000;
  return after >= -BIRTH_EARLY_S && after <= BIRTH_LATE_S;
}

/** What an instance costs per hour right now: GPU and disk while the container is up, the disk alone otherwise. */
export function rateNow(instance: Pick<Instance, 'actual_status' | 'dph_total' | 'storage_total_cost'>): number {
  switch (instance.actual_status) {
    case 'running':
    case 'frozen':
    case 'rebooting':
    case 'recycling':
    // Its host was not heard of for a while; the meter may run, so the higher price is shown.
    case 'unknown':
      return instance.dph_total;
    case 'offline':
      return 0; // documented as not billed; the invoice decides
    default:
      return instance.storage_total_cost;
  }
}
