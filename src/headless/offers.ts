/** `offers SPEC`: what fits, at which all-in price, and why the rest is out. */
import type { Market } from '../core/ports.ts';
import { findOffers } from '../core/offers.ts';
import type { Spec } from '../core/spec.ts';
import type { World } from '../core/state.ts';
import { EXIT, json, type ExitCode, type Io } from './io.ts';
import { round } from './stream.ts';
import { table } from './status.ts';

export async function offersCommand(io: Io, market: Market, spec: Spec, world: World, now: number, asJson: boolean): Promise<ExitCode> {
  const { offers, rejected } = await findOffers(spec, market, world.machines, now);
  if (asJson) json(io, { type: 'offers', spec: spec.name, offers: offers.map((offer) => ({ ...offer, all_in_usd_per_hour: round(offer.all_in_usd_per_hour), usd_to_the_end: round(offer.all_in_usd_per_hour * spec.kill.hours) })), rejected });
  else {
    const rows = offers.map((offer) => [String(offer.offer_id), String(offer.machine_id), `${offer.num_gpus}x ${offer.gpu_name}`, `$${offer.all_in_usd_per_hour.toFixed(3)}/h`, offer.reliability.toFixed(3), offer.geolocation ?? '-']);
    for (const row of table([['offer', 'machine', 'gpu', 'all-in', 'reliability', 'place'], ...rows])) io.out(row);
    for (const [reason, count] of Object.entries(rejected)) io.talk(`${count} out by ${reason}`);
  }
  return offers.length > 0 ? EXIT.ok : EXIT.no_offer;
}
