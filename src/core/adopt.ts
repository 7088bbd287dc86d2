/** May a run of this spec be put on an instance of the account that is not ours? Pure. */
import { committedUsdPerHour } from './budget.ts';
import { parseLabel } from './market.ts';
import { VRAM_MARGIN } from './offers.ts';
import type { Spec } from './spec.ts';
import type { World } from './state.ts';

/** Why not, in words; null when it may. */
export function adoptMisfit(world: World, id: number, spec: Spec): string | null {
  const one = world.fleet[String(id)];
  if (!one || one.gone_at !== null) return `there is no instance ${id} on the account; \`vastsit-tui status\` lists them`;
  if (one.owner === 'ours') return `instance ${id} works for ${one.run ?? 'a run of ours'} already`;
  const mark = parseLabel(one.label);
  if (mark) return `the label of instance ${id} says that ${mark.run} of another cockpit owns it; end that first, or change the label at Vast`;
  const { facts } = one;
  const { hardware } = spec;
  if (facts.actual_status !== 'running') return `instance ${id} is ${facts.actual_status ?? 'provisioning'}, not running; start it first`;
  if (hardware.gpu && !hardware.gpu.includes(facts.gpu_name)) return `instance ${id} has ${facts.gpu_name}, and the spec wants ${hardware.gpu.join(' or ')}`;
  if (facts.num_gpus !== hardware.num_gpus) return `instance ${id} has ${facts.num_gpus} GPUs, and the spec wants ${hardware.num_gpus}`;
  if (hardware.gpu_ram_gb && facts.gpu_ram < hardware.gpu_ram_gb * 1_024 * VRAM_MARGIN) return `instance ${id} has ${(facts.gpu_ram / 1_024).toFixed(0)} GB of GPU memory, and the spec wants ${hardware.gpu_ram_gb}`;
  if (facts.disk_space < hardware.disk_gb) return `instance ${id} has a disk of ${facts.disk_space} GB, and the spec wants ${hardware.disk_gb}`;
  if (facts.is_bid !== (spec.market !== 'on-demand')) return `instance ${id} is ${facts.is_bid ? 'interruptible' : 'rented on demand'}, and the spec asks for ${spec.market === 'on-demand' ? 'on-demand' : 'a bid'}`;
  if (facts.dph_total > hardware.max_usd_per_hour) return `instance ${id} costs $${facts.dph_total.toFixed(3)}/h, above the spec's cap of $${hardware.max_usd_per_hour.toFixed(2)}/h`;
  const limit = world.budget_usd_per_hour;
  const committed = committedUsdPerHour(world) + facts.dph_total;
  return limit !== null && committed > limit ? `the fleet may burn $${limit.toFixed(2)}/h, and with instance ${id} it would be $${committed.toFixed(2)}/h` : null;
}
