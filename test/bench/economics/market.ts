/** The market of one run: machines that the seed has chosen, an instance's states, and the bill. */
import { HOUR, MINUTE } from './assumptions.ts';
import { MarketError, type Market } from '../../../src/core/ports.ts';
import type { Instance, Offer } from '../../../src/core/market.ts';
import type { VirtualClock } from './clock.ts';
import { BIDS, CARDS } from './assumptions.ts';
import { rentalOf, type Fate, type Rental } from './world.ts';

/** An API call, and what a container needs to come up again, ms. */
const CALL = 700;
const WARM = 30_000;

export interface Contract {
  id: number;
  label: string;
  rental: Rental;
  index: number;
  status: 'loading' | 'running' | 'offline' | 'stopped' | 'gone';
  /** $/h, and what was billed up to `since`. */
  price: number;
  usd: number;
  since: number;
  upSince: number;
  absences: { offline: number; outbid: number };
  /** $/h that the market wants at least, while it is outbid. */
  floor: number | null;
  /** Cancels what the clock still has in store for it. */
  epoch: number;
}

export interface FleetOfOne {
  market: Market;
  contracts: Contract[];
  /** $ billed so far. */
  usd(): number;
  /** Told of each box that comes up, goes away or ends. */
  onChange: (contract: Contract) => void;
}

export function marketOf(fate: Fate, clock: VirtualClock): FleetOfOne {
  const contracts: Contract[] = [];
  let searches = 0;

  const fleet: FleetOfOne = { market: undefined as never, contracts, usd: () => contracts.reduce((sum, one) => sum + accrued(one), 0), onChange: () => undefined };
  const accrued = (one: Contract): number => one.usd + (one.status === 'running' ? (one.price * (clock.now() - one.since)) / HOUR : 0);
  const become = (one: Contract, change: Partial<Contract>): void => {
    Object.assign(one, { usd: accrued(one), since: clock.now() }, change);
    one.epoch += 1;
    fleet.onChange(one);
  };
  const later = (one: Contract, ms: number, fn: () => void): void => {
    const { epoch } = one;
    clock.after(ms, () => {
      if (one.epoch === epoch) fn();
    });
  };
  const up = (one: Contract): void => {
    become(one, { status: 'running', upSince: clock.now(), floor: null });
    const offline = one.rental.offline(one.absences.offline);
    const outbid = one.rental.outbid(one.absences.outbid);
    if (!fate.bid || offline.after < outbid.after) {
      later(one, offline.after, () => {
        become(one, { status: 'offline', absences: { ...one.absences, offline: one.absences.offline + 1 } });
        later(one, offline.for, () => up(one));
      });
    } else {
      later(one, outbid.after, () => {
        become(one, { status: 'stopped', floor: one.price * outbid.newFloor, absences: { ...one.absences, outbid: one.absences.outbid + 1 } });
        later(one, outbid.for, () => up(one));
      });
    }
  };
  const known = (id: number): Contract => {
    const one = contracts.find((contract) => contract.id === id && contract.status !== 'gone');
    if (!one) throw new MarketError('not_found', `no instance ${id}`);
    return one;
  };
  const shown = (one: Contract): Instance => ({
    id: one.id, machine_id: machineOf(one.index), label: one.label,
    actual_status: one.status === 'stopped' ? 'exited' : one.status, intended_status: one.status === 'stopped' && one.floor === null ? 'stopped' : 'running', cur_state: one.status === 'stopped' ? 'stopped' : 'running', next_state: 'running', status_msg: null,
    gpu_name: fate.card, num_gpus: fate.gpus, gpu_ram: CARDS[fate.card].mb, gpu_util: null, gpu_temp: null, disk_space: 100, disk_usage: 20,
    dph_total: one.price, dph_base: one.price, storage_total_cost: 0, inet_up_cost: 0, inet_down_cost: 0, inet_up_billed: null, inet_down_billed: null,
    is_bid: fate.bid, min_bid: fate.bid ? (one.floor ?? one.price) : null, start_date: null, end_date: null, ssh_host: 'ssh.example', ssh_port: 22, public_ipaddr: null, direct_ssh_port: null, geolocation: null,
  });
  const call = async <T>(answer: () => T): Promise<T> => {
    await clock.sleep(CALL);
    return answer();
  };

  fleet.market = {
    searchOffers: () => call(() => [0, 1, 2].map((n) => offer(fate, (searches += 1), machineOf(contracts.length + 1) + n))),
    create: (_, request) =>
      call(() => {
        const index = contracts.length + 1;
        const one: Contract = { id: 1_000 + index, label: request.label, rental: rentalOf(fate, index), index, status: 'loading', price: request.bid_usd_per_hour ?? fate.onDemand, usd: 0, since: clock.now(), upSince: 0, absences: { offline: 0, outbid: 0 }, floor: null, epoch: 0 };
        contracts.push(one);
        if (one.rental.loading < Infinity) later(one, one.rental.loading, () => up(one));
        return { new_contract: one.id };
      }),
    list: () => call(() => contracts.filter(({ status }) => status !== 'gone').map(shown)),
    show: (id) => call(() => contracts.filter((one) => one.id === id && one.status !== 'gone').map(shown)[0] ?? null),
    destroy: (id) => call(() => become(known(id), { status: 'gone' })),
    setState: (id, state) =>
      call(() => {
        const one = known(id);
        if (state === 'stopped') become(one, { status: 'stopped', floor: null });
        else if (one.status === 'stopped' && one.floor === null && !one.rental.taken) later(one, WARM, () => up(one));
      }),
    label: () => call(() => undefined),
    changeBid: (id, usd) =>
      call(() => {
        const one = known(id);
        if (one.floor !== null && usd >= one.floor) {
          become(one, { price: usd });
          later(one, MINUTE / 2, () => up(one));
        }
      }),
    attachKey: () => call(() => undefined),
    account: () => call(() => ({ id: 1, email: null, credit: 1_000_000 })),
    logs: () => call(() => ''),
  };
  return fleet;
}

/** Each rental is another machine. */
const machineOf = (index: number): number => index * 10;

function offer(fate: Fate, id: number, machine: number): Offer {
  return {
    id, machine_id: machine, host_id: null, gpu_name: fate.card, num_gpus: fate.gpus, gpu_ram: CARDS[fate.card].mb, cpu_ram: 256_000, cpu_cores_effective: 32, disk_space: 500,
    dph_base: fate.onDemand, dph_total: fate.onDemand, min_bid: fate.bid ? BIDS.price * fate.onDemand : null, storage_cost: 0, inet_up_cost: 0, inet_down_cost: 0, inet_up: 800, inet_down: 800,
    reliability: 0.99, cuda_max_good: 12.8, driver_version: '570', direct_port_count: 8, geolocation: null, verification: 'verified', duration: null, rentable: true,
  };
}
