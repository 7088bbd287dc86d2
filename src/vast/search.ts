/** The bodies of the two calls that lead to a rented instance. */
import type { CreateRequest, OfferQuery } from '../core/ports.ts';

/** A "24 GB" card reports 24564 MB: the server filter gives way by this share, the exact fit is judged later. */
const GPU_RAM_MARGIN = 0.04;
const DEFAULT_LIMIT = 100;

/** The search body: real numbers, cheapest first. `verified: false` asks for nothing, it does not ask for the unverified. */
export function searchBody(query: OfferQuery): Record<string, unknown> {
  const atLeast = (value: number | undefined) => (value === undefined ? undefined : { gte: value });
  const oneOf = (values: readonly string[] | undefined) => (values === undefined || values.length === 0 ? undefined : { in: values });
  const body = {
    verified: query.verified === false ? undefined : { eq: true },
    external: { eq: false },
    rentable: { eq: true },
    rented: { eq: false },
    gpu_name: oneOf(query.gpu_name?.map((name) => name.replaceAll('_', ' '))),
    num_gpus: query.num_gpus === undefined ? undefined : { eq: query.num_gpus },
    gpu_ram: atLeast(query.gpu_ram_mb === undefined ? undefined : Math.floor(query.gpu_ram_mb * (1 - GPU_RAM_MARGIN))),
    cpu_ram: atLeast(query.cpu_ram_mb),
    reliability: atLeast(query.reliability),
    cuda_max_good: atLeast(query.cuda_max_good),
    inet_down: atLeast(query.inet_down_mbps),
    geolocation: oneOf(query.geolocation),
    dph_total: query.dph_total_max === undefined ? undefined : { lte: query.dph_total_max },
    order: [[query.type === 'bid' ? 'min_bid' : 'dph_total', 'asc']],
    type: query.type,
    limit: query.limit ?? DEFAULT_LIMIT,
    allocated_storage: query.disk_gb,
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

export function createBody(request: CreateRequest): Record<string, unknown> {
  return {
    client_id: 'me',
    image: request.image,
    env: request.env,
    // null rents on demand: a bid that is left out would be billed at the full price.
    price: request.bid_usd_per_hour,
    disk: request.disk_gb,
    label: request.label,
    onstart: request.onstart,
    runtype: 'ssh_direc ssh_proxy',
    // An instance that cannot start must fail, not lie there stopped and bill its disk.
    cancel_unavail: true,
    force: false,
  };
}

/** What is wrong with a create request, in words; null when Vast's documented limits hold. */
export function createProblem(request: CreateRequest): string | null {
  if (request.bid_usd_per_hour !== null && !isPrice(request.bid_usd_per_hour)) return PRICE_RANGE;
  if (!(request.disk_gb >= 8 && Number.isFinite(request.disk_gb))) return 'the disk must have 8 GB or more';
  if (request.image === '') return 'the image is missing';
  if (request.label === '' || request.label.length > 256) return 'the label must have 1 to 256 characters';
  // Longer ones are cut off at the far end, and what is cut may be the part that ends the billing.
  if (request.onstart.length > 4_048) return `the onstart script has ${request.onstart.length} characters, Vast takes 4048`;
  if (JSON.stringify(request.env).length > 32_768) return 'the environment has more than 32768 characters';
  return null;
}

export const PRICE_RANGE = 'a bid is a number from 0.001 to 128 dollars per hour';

export function isPrice(price: number): boolean {
  return price >= 0.001 && price <= 128;
}
