/** A market that fails, is late, and lies: answers that are lost, empty and old lists, creates carried out twice, destroys that do not stick. */
import type { Instance, Offer } from '../../../src/core/market.ts';
import { MarketError, type Market } from '../../../src/core/ports.ts';
import type { Model } from './index.ts';
import * as rules from './rules.ts';

const MACHINES = [1, 2, 3, 4, 5];

export const offer = (id: number, machine_id: number): Offer => ({ id, machine_id, host_id: machine_id, gpu_name: 'RTX 4090', num_gpus: 1, gpu_ram: 24_564, cpu_ram: 64_000, cpu_cores_effective: 16, disk_space: 200, dph_base: 0.3 + machine_id / 100, dph_total: 0.3 + machine_id / 100, min_bid: 0.2, storage_cost: 0.1, inet_up_cost: 0, inet_down_cost: 0, inet_up: 500, inet_down: 500, reliability: 0.99, cuda_max_good: 12.4, driver_version: null, direct_port_count: 10, geolocation: null, verification: 'verified', duration: null, rentable: true });

export const instance = (id: number, machine_id: number, label: string | null, bid: boolean, now: number): Instance => ({ id, machine_id, label, actual_status: 'loading', intended_status: 'running', cur_state: 'running', next_state: 'running', status_msg: null, gpu_name: 'RTX 4090', num_gpus: 1, gpu_ram: 24_564, gpu_util: null, gpu_temp: null, disk_space: 20, disk_usage: 1, dph_total: 0.35, dph_base: 0.34, storage_total_cost: 0.01, inet_up_cost: 0, inet_down_cost: 0, inet_up_billed: null, inet_down_billed: null, is_bid: bid, min_bid: bid ? 0.3 : null, start_date: now / 1_000, end_date: null, ssh_host: 'ssh4.vast.ai', ssh_port: 10_000, public_ipaddr: null, direct_ssh_port: null, geolocation: null });

export function openMarket(model: Model): Market {
  const down = (): MarketError => new MarketError(model.dice() < 0.3 ? 'auth' : model.dice() < 0.5 ? 'rate_limited' : 'unavailable', 'down');
  /** Fails before it is carried out, or after. */
  const call = async <T>(work: () => T, lost: () => MarketError = down): Promise<T> => {
    await model.delay();
    if (model.fails()) throw down();
    const done = work();
    if (model.fails(0.3)) throw lost();
    return done;
  };
  const never = (): never => {
    throw new Error('nothing asks for this');
  };
  return {
    account: () => call(() => ({ id: 1, email: null, credit: model.credit })),
    searchOffers: () => call(() => MACHINES.map((machine) => offer(model.nextId * 10 + machine, machine))),
    async list() {
      const shown = await call(() => model.listed());
      const truth = model.lies() ? [] : model.lies() ? model.lastList : shown;
      model.lastList = shown;
      rules.listed(model, truth.map(({ id }) => id));
      return structuredClone(truth);
    },
    async show(id) {
      const found = await call(() => model.boxes.get(id));
      const there = found?.exists === true && found.deniedUntil <= model.now && !model.lies();
      rules.shown(model, id, there);
      return there ? structuredClone(found.shown(model.now)) : null;
    },
    async create(offerId, request) {
      await model.delay();
      rules.create(model, request);
      const luck = model.dice();
      if (luck < model.trouble / 2) throw new MarketError('offer_gone', 'taken');
      const machine = offerId % 10;
      const bid = request.bid_usd_per_hour !== null;
      const sure = luck >= model.trouble;
      const made = sure || model.fails() ? model.born(request.label, machine, bid) : null;
      // Carried out twice, as a lost answer may be.
      if (!sure && made !== null && model.fails()) model.born(request.label, machine, bid);
      model.mayCrash();
      if (!sure || made === null) throw new MarketError(model.dice() < 0.5 ? 'unclear' : 'unavailable', 'timeout');
      return { new_contract: made };
    },
    destroy: (id) =>
      call(() => {
        rules.destroy(model, id);
        const box = model.boxes.get(id);
        if (!box?.exists) return;
        // Accepted does not always stick.
        if (!model.fails() || box.destroyAsked > 2) {
          box.exists = false;
          box.cutOff(model.dice() < 0.5);
          if (model.lies() && box.destroyAsked < 3) box.ghostAt = model.now + model.dice() * 1_200_000;
        }
        box.destroyAsked += 1;
        model.mayCrash();
      }),
    setState: (id, state) =>
      call(() => {
        rules.setState(model, id, state);
        const box = model.boxes.get(id);
        if (model.refuseStop > 0 && state === 'stopped') {
          model.refuseStop -= 1;
          throw new MarketError('unavailable', 'not now');
        }
        if (!box || (state === 'stopped' && model.lies())) return;
        if (state === 'stopped') return box.stop();
        box.instance = { ...box.instance, actual_status: 'running', intended_status: 'running', cur_state: 'running' };
        // Its onstart grants the whole lease anew.
        box.renew(model.now);
      }),
    changeBid: (id, usd) =>
      call(() => {
        rules.bid(model, id, usd);
        const box = model.boxes.get(id);
        if (!box || model.fails()) return;
        box.outbidUntil = 0;
        box.instance = { ...box.instance, dph_base: usd, dph_total: usd + 0.01 };
      }),
    attachKey: (id) => call(() => rules.touch(model, id, 'a key is put on')),
    label: (id, label) =>
      call(() => {
        rules.label(model, id, label);
        const box = model.boxes.get(id);
        if (box) box.instance = { ...box.instance, label };
        if (model.loseLabels > 0) {
          model.loseLabels -= 1;
          throw new MarketError('unclear', 'timeout');
        }
      }),
    logs: never,
  };
}
