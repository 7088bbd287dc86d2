/** Vast's answers, read leniently: unknown fields are ignored, missing ones get a default that promises nothing. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { LABEL_PREFIX, type Account, type Instance, type Offer } from '../core/market.ts';
import { cleanLine } from '../core/text.ts';

/** A number of earthly size, or a text that is one; null for anything else. */
export function toNumber(value: unknown): number | null {
  if (typeof value === 'string' && value.trim() === '') return null;
  const number = typeof value === 'number' || typeof value === 'string' ? Number(value) : NaN;
  return Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : null;
}

/** A contract or offer id; null for anything that is not a whole positive number. */
export function toId(value: unknown): number | null {
  const id = toNumber(value);
  return id !== null && Number.isSafeInteger(id) && id > 0 ? id : null;
}

function toText(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  return cleanLine(value.replace(/\r?\n/g, ' ')).trim() || null;
}

/** A label that only looks like ours once it is cleaned was not written by us. */
function toLabel(value: unknown): string | null {
  if (typeof value !== 'string' || value === '') return null;
  const label = cleanLine(value.replace(/\r?\n/g, ' '));
  return label !== value && label.startsWith(LABEL_PREFIX) ? `?${label}` : label || null;
}

/** A host name or address, which will stand in an ssh command line; null for anything else. */
function toHost(value: unknown): string | null {
  const host = typeof value === 'string' ? value.trim() : '';
  return isIP(host) !== 0 || /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/.test(host) ? host : null;
}

function toPort(value: unknown): number | null {
  const port = toId(value);
  return port !== null && port <= 65_535 ? port : null;
}

/** The outer port of `22/tcp` in docker's port map; Vast also sends arrays, null or nothing in its place. */
function toSshPort(ports: unknown): number | null {
  const bindings = z.object({ '22/tcp': z.array(z.unknown()) }).safeParse(ports).data?.['22/tcp'] ?? [];
  for (const binding of bindings) {
    const port = toPort(z.object({ HostPort: z.unknown() }).safeParse(binding).data?.HostPort);
    if (port !== null) return port;
  }
  return null;
}

const field = <T>(read: (value: unknown) => T) => z.unknown().optional().transform(read);
const number = field(toNumber);
const text = field(toText);
const id = field(toId);
const port = field(toPort);
const host = field(toHost);
const flag = field((value) => (typeof value === 'string' ? value.toLowerCase() === 'true' : value === true || value === 1));
/** Below zero is no price. */
const price = field((value) => {
  const dollars = toNumber(value);
  return dollars !== null && dollars >= 0 ? dollars : null;
});
const numberOr = (fallback: number) => field((value) => toNumber(value) ?? fallback);
const textOr = (fallback: string) => field((value) => toText(value) ?? fallback);

const offerRow = z.object({
  id,
  machine_id: numberOr(0),
  host_id: number,
  gpu_name: textOr('unknown GPU'),
  num_gpus: numberOr(0),
  gpu_ram: numberOr(0),
  cpu_ram: numberOr(0),
  cpu_cores_effective: number,
  disk_space: numberOr(0),
  dph_base: price,
  dph_total: price,
  min_bid: price,
  storage_cost: numberOr(0),
  inet_up_cost: price,
  inet_down_cost: price,
  inet_up: numberOr(0),
  inet_down: numberOr(0),
  reliability: number,
  reliability2: number,
  cuda_max_good: numberOr(0),
  driver_version: text,
  direct_port_count: numberOr(0),
  geolocation: text,
  verification: text,
  duration: number,
  // The search asked for rentable offers only, so silence means yes.
  rentable: field((value) => value !== false),
});

/** One offer; null for a row that cannot be rented knowingly: no id, or a price that is not known. */
export function readOffer(row: unknown): Offer | null {
  const parsed = offerRow.safeParse(row);
  if (!parsed.success) return null;
  const { reliability2, ...offer } = parsed.data;
  if (offer.id === null || offer.dph_total === null || offer.inet_up_cost === null || offer.inet_down_cost === null) return null;
  return {
    ...offer,
    id: offer.id,
    dph_total: offer.dph_total,
    dph_base: offer.dph_base ?? offer.dph_total,
    inet_up_cost: offer.inet_up_cost,
    inet_down_cost: offer.inet_down_cost,
    reliability: offer.reliability ?? reliability2 ?? 0,
  };
}

const instanceRow = z.object({
  id,
  machine_id: numberOr(0),
  label: field(toLabel),
  actual_status: text,
  intended_status: text,
  cur_state: text,
  next_state: text,
  status_msg: text,
  gpu_name: textOr('unknown GPU'),
  num_gpus: numberOr(0),
  gpu_ram: numberOr(0),
  cpu_cores_effective: number,
  gpu_util: number,
  gpu_temp: number,
  disk_space: numberOr(0),
  disk_usage: number,
  dph_total: number,
  dph_base: number,
  storage_cost: numberOr(0),
  storage_total_cost: number,
  inet_up_cost: numberOr(0),
  inet_down_cost: numberOr(0),
  inet_up_billed: number,
  inet_down_billed: number,
  is_bid: flag,
  min_bid: number,
  start_date: number,
  end_date: number,
  ssh_host: host,
  ssh_port: port,
  image_runtype: textOr(''),
  public_ipaddr: host,
  ports: field(toSshPort),
  geolocation: text,
});

/** One instance; null when the row is no object or has no id, which callers must not pass over in silence. */
export function readInstance(row: unknown): Instance | null {
  const parsed = instanceRow.safeParse(row);
  if (!parsed.success || parsed.data.id === null) return null;
  const { id: contract, ports, image_runtype, storage_cost, ...rest } = parsed.data;
  const storage = rest.storage_total_cost ?? (storage_cost * rest.disk_space) / 720;
  return {
    ...rest,
    id: contract,
    storage_total_cost: storage,
    dph_total: rest.dph_total ?? (rest.dph_base ?? 0) + storage,
    dph_base: rest.dph_base ?? Math.max(0, (rest.dph_total ?? 0) - storage),
    // Vast's forwarder keeps the shell one port higher where jupyter was asked for.
    ssh_port: rest.ssh_port !== null && image_runtype.includes('jupyter') ? rest.ssh_port + 1 : rest.ssh_port,
    direct_ssh_port: ports,
  };
}

/** The account; null when it does not say how much credit is left, for unknown is not zero. */
export function readAccount(body: unknown): Account | null {
  const parsed = z.object({ id: number, email: text, credit: number }).safeParse(body);
  if (!parsed.success || parsed.data.credit === null) return null;
  return { ...parsed.data, credit: parsed.data.credit };
}

/** Log text for a screen: every line cleaned, nothing else changed. */
export function readLog(body: string): string {
  return body
    .replace(/\n+$/, '')
    .split('\n')
    .map((line) => cleanLine(line))
    .join('\n');
}
