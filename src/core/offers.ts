/** Hard fit and ranking of offers: everything that a spec demands is met or the offer is out, with the reason counted. */
import type { RankedOffer } from './events.ts';
import type { Offer } from './market.ts';
import type { Market, OfferQuery } from './ports.ts';
import type { Spec } from './spec.ts';
import type { World } from './state.ts';

/** A card sold as 24 GB reports 24,564 MB: the hard fit allows the same margin. */
export const VRAM_MARGIN = 0.96;
const HOUR_S = 3_600;

export function queryOf(spec: Spec): OfferQuery {
  const { hardware } = spec;
  return {
    type: spec.market === 'on-demand' ? 'on-demand' : 'bid',
    num_gpus: hardware.num_gpus,
    disk_gb: hardware.disk_gb,
    reliability: hardware.reliability,
    dph_total_max: hardware.max_usd_per_hour,
    verified: true,
    limit: 64,
    ...(hardware.gpu && { gpu_name: hardware.gpu }),
    ...(hardware.gpu_ram_gb && { gpu_ram_mb: hardware.gpu_ram_gb * 1_024 }),
    ...(hardware.cpu_ram_gb && { cpu_ram_mb: hardware.cpu_ram_gb * 1_000 }),
    ...(hardware.cuda && { cuda_max_good: hardware.cuda }),
    ...(hardware.inet_down_mbps && { inet_down_mbps: hardware.inet_down_mbps }),
    ...(hardware.geolocation && { geolocation: hardware.geolocation }),
  };
}

/** The same without what can be told apart from an offer itself: asked when nothing fits, to say why. */
export function wideQueryOf(spec: Spec): OfferQuery {
  const { type, num_gpus = 1, disk_gb, limit = 64 } = queryOf(spec);
  return { type, num_gpus, disk_gb, limit, ...(spec.hardware.gpu && { gpu_name: spec.hardware.gpu }) };
}

/** $/h that the run will really cost on this offer: GPU, its own disk, and its traffic spread over `kill.hours`. */
export function allInPrice(spec: Spec, offer: Offer): number {
  const { traffic_gb } = spec.hardware;
  const disk = (offer.storage_cost * spec.hardware.disk_gb) / 720;
  const gpu = spec.market === 'on-demand' ? offer.dph_base : spec.market.bid;
  const traffic = traffic_gb.down * offer.inet_down_cost + traffic_gb.up * offer.inet_up_cost;
  return gpu + disk + traffic / spec.kill.hours;
}

/** The first reason why an offer is out; null when it fits. */
export function misfit(spec: Spec, offer: Offer, machines: World['machines'], now: number): string | null {
  const { hardware } = spec;
  const memory = machines[String(offer.machine_id)];
  if (memory && memory.until > now) return 'machine failed us before';
  if (!offer.rentable) return 'not rentable';
  if (hardware.gpu && !hardware.gpu.includes(offer.gpu_name)) return 'other GPU';
  if (offer.num_gpus !== hardware.num_gpus) return 'GPU count';
  if (hardware.gpu_ram_gb && offer.gpu_ram < hardware.gpu_ram_gb * 1_024 * VRAM_MARGIN) return 'VRAM';
  if (hardware.cpu_ram_gb && offer.cpu_ram < hardware.cpu_ram_gb * 1_000 * VRAM_MARGIN) return 'RAM';
  if (offer.disk_space < hardware.disk_gb) return 'disk';
  if (offer.reliability < hardware.reliability) return 'reliability';
  if (hardware.cuda && offer.cuda_max_good < hardware.cuda) return 'CUDA';
  if (hardware.inet_down_mbps && offer.inet_down < hardware.inet_down_mbps) return 'download speed';
  if (offer.duration !== null && offer.duration < spec.kill.hours * HOUR_S) return 'rentable for too short a time';
  if (spec.market !== 'on-demand' && offer.min_bid !== null && spec.market.bid < offer.min_bid) return 'bid below the floor';
  if (allInPrice(spec, offer) > hardware.max_usd_per_hour) return 'price cap';
  return null;
}

/** Offers that fit, best first: the all-in price, divided by reliability because a lost attempt is paid as well. */
export function rankOffers(spec: Spec, offers: readonly Offer[], machines: World['machines'], now: number): { offers: RankedOffer[]; rejected: Record<string, number> } {
  const rejected: Record<string, number> = {};
  const fit: RankedOffer[] = [];
  for (const offer of offers) {
    const reason = misfit(spec, offer, machines, now);
    if (reason !== null) rejected[reason] = (rejected[reason] ?? 0) + 1;
    else {
      fit.push({
        offer_id: offer.id,
        machine_id: offer.machine_id,
        gpu_name: offer.gpu_name,
        num_gpus: offer.num_gpus,
        dph_total: offer.dph_total,
        all_in_usd_per_hour: allInPrice(spec, offer),
        reliability: offer.reliability,
        geolocation: offer.geolocation,
      });
    }
  }
  const worth = (offer: RankedOffer) => offer.all_in_usd_per_hour / Math.max(0.01, offer.reliability);
  return { offers: fit.sort((a, b) => worth(a) - worth(b) || a.offer_id - b.offer_id), rejected };
}

/** What fits now, best first; where nothing does, a wider search says why. Rejects as the market does. */
export async function findOffers(spec: Spec, market: Pick<Market, 'searchOffers'>, machines: World['machines'], now: number): Promise<ReturnType<typeof rankOffers>> {
  const found = rankOffers(spec, await market.searchOffers(queryOf(spec)), machines, now);
  return found.offers.length > 0 ? found : rankOffers(spec, await market.searchOffers(wideQueryOf(spec)), machines, now);
}
