/** The simulated market: what is for rent, what is rented, by whom, and what it costs. Routes translate it to HTTP. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../core/ports.ts';
import { accrue, plainEnv, rates, runOf, type Contract, type SshKey } from './contract.ts';
import { isApiFault, isInstanceFault, isTrainerFault, type ApiFault, type CountedKind, type InstanceFault, type TrainerFault, type Window } from './fault.ts';
import { ApiError, isRow, type Row } from './filter.ts';
import { createLifecycle, type BoxHost, type Lifecycle } from './lifecycle.ts';
import { minBid, searchOffers, slicesOf, type Slice } from './offers.ts';
import type { PlannedFault, Scenario } from './scenario.ts';
import { machineOf, type Machine } from './catalogue.ts';

/** A trainer's fault as its box is told: `attempt` null strikes every attempt of the run there. */
export type BoxFault = TrainerFault & { attempt: number | null };

export interface Bill {
  instance: number;
  label: string | null;
  usd: number;
  gone: boolean;
}

export interface SimMarket {
  readonly contracts: ReadonlyMap<number, Contract>;
  readonly accountKeys: SshKey[];
  readonly life: Lifecycle;
  slices(): Slice[];
  search(body: Row): Row[];
  /** Rents an offer. Throws ApiError as Vast answers it. */
  rent(offer: number, body: Row): Contract;
  /** The contract while its row is in the lists. Throws ApiError 404. */
  own(id: number): Contract;
  label(contract: Contract, label: string): void;
  rebid(contract: Contract, price: number): void;
  addKey(to: SshKey[], key: unknown): SshKey;
  /** True when a fault of this kind waits for this contract; it is used up by as many calls as it says. */
  once(contract: Contract, kind: CountedKind): boolean;
  /** Is its row left out of lists now? */
  unlisted(contract: Contract): boolean;
  /** ms by which the market's clock is wrong now. */
  skew(): number;
  /** The fault that answers a request now, if any. */
  apiFault(api: ApiFault['api']): ApiFault | null;
  /** The faults that the trainer in a box obeys. */
  boxFaults(contract: Contract): BoxFault[];
  inject(fault: PlannedFault): void;
  bill(): Bill[];
  /** $/h of everything that is rented now and whose label begins so; the stranger's counts, for the account pays it. */
  burn(labelPrefix?: string): number;
}

type Terms = Pick<Contract, 'image' | 'env' | 'onstart' | 'runtype' | 'disk_gb' | 'label' | 'bid' | 'busy'>;

const FIRST_CONTRACT = 7_835_610;
const STRANGER: Terms = { image: 'vastai/pytorch:2.6.0', env: {}, onstart: '', runtype: 'ssh_direc ssh_proxy', disk_gb: 30, label: null, bid: null, busy: true };

export function createMarket({ clock, scenario, boxes, changed }: { clock: Clock; scenario: Scenario; boxes: BoxHost; changed: (contract: Contract) => void }): SimMarket {
  const contracts = new Map<number, Contract>();
  const generations = new Map<number, number>();
  const firstMachine = new Map<string, number>();
  const accountKeys: SshKey[] = [];
  const faults: { planned: PlannedFault; since: number; struck: number }[] = scenario.faults.map((planned) => ({ planned, since: clock.now(), struck: 0 }));
  let keyIds = 0;
  let ordinals = 0;

  const freeOn = (machine: Machine): number => machine.gpus - [...contracts.values()].reduce((sum, each) => sum + (each.machine.id === machine.id && each.holds_gpu ? each.gpus : 0), 0);
  const slices = (): Slice[] => scenario.machines.flatMap((machine) => slicesOf(machine, freeOn(machine), generations.get(machine.id) ?? 0));

  const strikes = ({ on }: PlannedFault, contract: Contract, anyAttempt: boolean): boolean => {
    if (contract.ordinal === 0) return false;
    const mine = runOf(contract);
    if (on.run !== undefined && on.run !== mine?.run) return false;
    if (on.attempt !== undefined && !anyAttempt && on.attempt !== mine?.attempt) return false;
    if (on.machine !== undefined && contract.machine.id !== (on.machine === 'first' ? firstMachine.get(on.run ?? '') : on.machine)) return false;
    return on.instance === undefined || contract.ordinal === (on.instance === 'first' ? 1 : on.instance) || contract.id === on.instance;
  };
  const faultsOf = (contract: Contract): InstanceFault[] =>
    faults.flatMap(({ planned }) => (isInstanceFault(planned.fault) && strikes(planned, contract, false) ? [planned.fault] : []));
  const within = ({ at_ms, for_ms }: Window, since: number): boolean => {
    const age = clock.now() - since - at_ms;
    return age >= 0 && (for_ms === null || age < for_ms);
  };
  const once = (contract: Contract, kind: CountedKind): boolean => {
    const fault = faults.find(({ planned, struck }) => planned.fault.kind === kind && struck < planned.fault.times && strikes(planned, contract, false));
    if (fault) fault.struck += 1;
    return fault !== undefined;
  };

  const life = createLifecycle({
    clock,
    boxes,
    contracts,
    scenario,
    faultsOf,
    freeGpus: ({ machine }) => freeOn(machine),
    moved: ({ machine }) => generations.set(machine.id, (generations.get(machine.id) ?? 0) + 1),
    left: (contract) => {
      if (!once(contract, 'id_reused')) return;
      // The bill forgets nothing: the old contract stays, under a number that no request can name.
      contracts.set(-contract.id, contract);
      const stranger = sign(machineOf(3_000 + contracts.size, 'RTX 3090', 1, 0), 1, 0, STRANGER, contract.id);
      life.boot(stranger);
    },
  });

  const sign = (machine: Machine, gpus: number, ordinal: number, terms: Terms, id = FIRST_CONTRACT + contracts.size): Contract => {
    const contract: Contract = {
      ...terms, id, ordinal, machine, gpus, key: randomBytes(32).toString('hex'), created_ms: clock.now(),
      actual: null, intended: 'running', cur: 'running', next: 'running', status_msg: null, outbid: false, holds_gpu: false, first_running_ms: null, running_since_ms: null, port: null,
      keys: [...accountKeys], epoch: 0, gpu_usd: 0, disk_usd: 0, billed_until_ms: clock.now(), ended_ms: null, gone: false,
    };
    contracts.set(contract.id, contract);
    return contract;
  };

  const own = (id: number): Contract => {
    const contract = contracts.get(id);
    if (!contract || contract.gone) throw new ApiError(404, 'no_such_instance', `error 404/3603: instance ${id} not found`);
    return contract;
  };

  for (const [index, { label, gpu, state, idle }] of scenario.strangers.entries()) {
    const machine = machineOf(2_001 + index, gpu, 1, index);
    const contract = sign(machine, 1, 0, { ...STRANGER, label, busy: !idle });
    if (state === 'running') life.boot(contract);
    else Object.assign(contract, { actual: 'exited', intended: 'stopped', cur: 'stopped', next: 'stopped' });
  }

  return {
    contracts,
    accountKeys,
    life,
    slices,
    search: (body) => searchOffers(slices(), body, clock.now()),
    own,
    rent(offer, body) {
      const slice = slices().find(({ id }) => id === offer);
      if (!slice) throw new ApiError(410, 'no_such_ask', `error 404/3603: no_such_ask: offer ${offer} is not available`);
      const { machine, gpus } = slice;
      const label = typeof body['label'] === 'string' && body['label'] !== '' ? body['label'] : null;
      const disk_gb = Number(body['disk'] ?? 10);
      const bid = body['price'] === null || body['price'] === undefined ? null : Number(body['price']);
      const image = body['image'];
      if (typeof image !== 'string' || image === '') throw new ApiError(400, 'invalid_args', 'image is missing', { ask_id: offer });
      if (label !== null && label.length > 256) throw new ApiError(400, 'label_too_long', 'a label has 256 characters at most', { ask_id: offer });
      if (!(disk_gb >= 8 && disk_gb <= (machine.disk_space * gpus) / machine.gpus)) throw new ApiError(400, 'invalid_args', 'disk is out of range', { ask_id: offer });
      if (bid !== null && !(bid >= 0.001 && bid <= 128)) throw new ApiError(400, 'invalid_price', 'price must be from 0.001 to 128', { ask_id: offer });
      if (life.credit() <= 0) throw new ApiError(400, 'insufficient_credit', 'Your account lacks credit; add credit to rent.', { ask_id: offer });
      const low = bid !== null && bid < minBid(machine, gpus);
      if (low && body['cancel_unavail'] === true) throw new ApiError(400, 'invalid_price', `the bid is below ${minBid(machine, gpus)}`, { ask_id: offer });
      ordinals += 1;
      const onstart = typeof body['onstart'] === 'string' ? body['onstart'] : '';
      const runtype = typeof body['runtype'] === 'string' ? body['runtype'] : 'ssh';
      const contract = sign(machine, gpus, ordinals, { image, env: plainEnv(body['env']), onstart, runtype, disk_gb, label, bid, busy: false });
      const run = runOf(contract)?.run;
      if (run !== undefined && !firstMachine.has(run)) firstMachine.set(run, machine.id);
      if (low || body['target_state'] === 'stopped') Object.assign(contract, { intended: 'stopped', cur: 'stopped', next: 'stopped', actual: 'created', outbid: low });
      else life.boot(contract);
      if (low) throw new ApiError(400, 'invalid_price', 'the bid is too low; the instance was made in state stopped', { new_contract: contract.id, ask_id: offer });
      return contract;
    },
    label(contract, label) {
      if (label.length > 1_024) throw new ApiError(400, 'label_too_long', 'a label has 1024 characters at most');
      contract.label = label === '' ? null : label;
      changed(contract);
    },
    rebid(contract, price) {
      if (contract.bid === null) throw new ApiError(400, 'invalid_args', 'this instance is rented on demand');
      if (!(price >= 0.001 && price <= 32 * contract.gpus)) throw new ApiError(400, 'invalid_price', 'price is out of range');
      accrue(contract, clock.now());
      const raised = price > contract.bid;
      contract.bid = price;
      if (contract.outbid && raised && price >= minBid(contract.machine, contract.gpus)) life.boot(contract);
    },
    addKey(to, key) {
      if (typeof key !== 'string' || !/^(ssh|ecdsa|sk)-\S+ \S+/.test(key.trim())) throw new ApiError(400, 'invalid_args', 'ssh_key is no public key');
      const public_key = key.trim();
      if (to.some((each) => each.public_key === public_key)) throw new ApiError(400, 'invalid_args', 'SSH key already associated with this instance or account');
      keyIds += 1;
      const added = { id: keyIds, public_key };
      to.push(added);
      return added;
    },
    once,
    unlisted: (contract) => faults.some(({ planned }) => planned.fault.kind === 'unlisted' && strikes(planned, contract, false) && within(planned.fault, contract.created_ms)),
    skew: () => faults.reduce((sum, { planned: { fault }, since }) => (fault.kind === 'clock' && within(fault, since) ? sum + fault.ms : sum), 0),
    apiFault(api) {
      for (const { planned, since } of faults) {
        const { fault } = planned;
        if (isApiFault(fault) && (fault.api === 'any' || fault.api === api) && within(fault, since)) return fault;
      }
      return null;
    },
    boxFaults: (contract) => faults.flatMap(({ planned }) => (isTrainerFault(planned.fault) && strikes(planned, contract, true) ? [{ ...planned.fault, attempt: planned.on.attempt ?? null }] : [])),
    inject(planned) {
      faults.push({ planned, since: clock.now(), struck: 0 });
      const { fault } = planned;
      for (const contract of contracts.values()) {
        if (contract.ended_ms !== null || !strikes(planned, contract, isTrainerFault(fault))) continue;
        if (isTrainerFault(fault)) changed(contract);
        else if (isInstanceFault(fault) && (contract.first_running_ms !== null || fault.kind === 'stuck_loading')) life.strike(contract, fault);
      }
    },
    bill() {
      return [...contracts.values()].map((contract) => {
        accrue(contract, clock.now());
        return { instance: contract.id, label: contract.label, usd: contract.gpu_usd + contract.disk_usd, gone: contract.ended_ms !== null };
      });
    },
    burn: (labelPrefix = '') => [...contracts.values()].reduce((sum, contract) => ((contract.label ?? '').startsWith(labelPrefix) ? sum + rates(contract).gpu + rates(contract).disk : sum), 0),
  };
}

/** A body's list of ids, or nothing. */
export const idsOf = (body: unknown, field: string): number[] => (isRow(body) && Array.isArray(body[field]) ? body[field].map(Number).filter(Number.isSafeInteger) : []);
