/** How instances move from state to state on the clock, and what faults do to them on the way. */
import type { Clock } from '../core/ports.ts';
import { accrue, rates, type Contract } from './contract.ts';
import type { InstanceFault, Window } from './fault.ts';
import type { Scenario } from './scenario.ts';

/** The machines behind the instances, as the market needs them. */
export interface BoxHost {
  /** Brings the container up (the same disk as before, if there is one); resolves with the port of its sshd. */
  start(contract: Contract): Promise<number>;
  /** Ends every process; the disk stays. */
  stop(id: number): Promise<void>;
  /** Ends every process and empties the disk. */
  wipe(id: number): Promise<void>;
  remove(id: number): Promise<void>;
  /** Opens or closes the door to its sshd. */
  reach(id: number, open: boolean): Promise<void>;
  /** Closes the door and opens it at another port, with the same host key; null when there is none. */
  moveDoor(id: number): Promise<number | null>;
  gpu(id: number): { util: number; temp: number } | null;
  /** What the container has printed. */
  log(id: number): Promise<string>;
}

export interface Lifecycle {
  /** Starts or restarts; waits ("scheduling") while the machine's GPUs are taken. */
  boot(contract: Contract): void;
  halt(contract: Contract): void;
  reboot(contract: Contract, wipe: boolean): void;
  destroy(contract: Contract): void;
  strike(contract: Contract, fault: InstanceFault): void;
  /** $ that the account can still spend. */
  credit(): number;
  close(): Promise<void>;
}

export interface LifecycleOptions {
  clock: Clock;
  boxes: BoxHost;
  contracts: ReadonlyMap<number, Contract>;
  scenario: Pick<Scenario, 'credit_usd' | 'loading'>;
  faultsOf: (contract: Contract) => InstanceFault[];
  freeGpus: (contract: Contract) => number;
  /** The machine's GPUs were taken or given back. */
  moved: (contract: Contract) => void;
  /** Its row has left the lists. */
  left: (contract: Contract) => void;
}

/** A restarted container needs no pull. */
const WARM_SHARE = 0.2;

export function createLifecycle({ clock, boxes, contracts, scenario, faultsOf, freeGpus, moved, left }: LifecycleOptions): Lifecycle {
  const timers = new Set<() => void>();
  const pending = new Set<Promise<unknown>>();
  const { loading } = scenario;
  let closed = false;
  let unwatch = (): void => undefined;

  const later = (ms: number, fn: () => void): void => {
    const cancel = clock.after(ms, () => {
      timers.delete(cancel);
      if (!closed) fn();
    });
    timers.add(cancel);
  };
  /** Void when a newer order has come meanwhile. */
  const step = (contract: Contract, ms: number, fn: () => void): void => {
    const { epoch } = contract;
    later(ms, () => {
      if (contract.epoch === epoch) fn();
    });
  };
  const meanwhile = (work: Promise<unknown>): void => {
    const settled: Promise<unknown> = work.catch(() => undefined).finally(() => pending.delete(settled));
    pending.add(settled);
  };

  const set = (contract: Contract, change: Partial<Contract>): void => {
    accrue(contract, clock.now());
    Object.assign(contract, change);
    watchCredit();
  };
  const credit = (): number => {
    let usd = scenario.credit_usd;
    for (const contract of contracts.values()) {
      accrue(contract, clock.now());
      usd -= contract.gpu_usd + contract.disk_usd;
    }
    return usd;
  };
  const burn = (): number => [...contracts.values()].reduce((sum, contract) => sum + rates(contract).gpu + rates(contract).disk, 0);
  /** At zero credit everything is stopped. */
  const watchCredit = (): void => {
    unwatch();
    const perHour = burn();
    if (closed || perHour === 0) return;
    const left_ms = (Math.max(0, credit()) / perHour) * 3_600_000;
    unwatch = clock.after(Math.min(left_ms + 1, 86_400_000), () => {
      if (closed) return;
      if (credit() > 0) return watchCredit();
      for (const contract of contracts.values()) if (contract.intended === 'running' && contract.ended_ms === null) halt(contract);
    });
  };

  const boot = (contract: Contract): void => {
    contract.epoch += 1;
    const cold = contract.first_running_ms === null;
    contract.outbid = false;
    if (!contract.holds_gpu && freeGpus(contract) < contract.gpus) return set(contract, { intended: 'running', cur: 'stopped', next: 'running', status_msg: null });
    set(contract, { intended: 'running', cur: 'running', next: 'running', actual: cold ? null : 'loading', status_msg: null, holds_gpu: true });
    moved(contract);
    const image = contract.image.split('/').at(-1) ?? contract.image;
    const pull = loading.pull * (cold ? 1 : WARM_SHARE);
    const say = (share: number, status_msg: string): void => step(contract, loading.provision + pull * share, () => set(contract, { actual: 'loading', status_msg }));
    say(0, `${image}: a3ed95caeb02: Pulling fs layer`);
    if (faultsOf(contract).some(({ kind }) => kind === 'stuck_loading')) return;
    say(0.3, `${image}: 7b1a6ab2e44d: Download complete`);
    say(0.7, `Successfully loaded ${contract.image}`);
    step(contract, loading.provision + pull, () => meanwhile(open(contract)));
  };

  const open = async (contract: Contract): Promise<void> => {
    const { epoch } = contract;
    const port = await boxes.start(contract);
    if (contract.epoch !== epoch || closed) return;
    const first = contract.first_running_ms === null;
    const now = clock.now();
    set(contract, { actual: 'running', port, status_msg: `success, running ${contract.image.replace(':', '_')}/ssh\n`, first_running_ms: contract.first_running_ms ?? now, running_since_ms: now });
    if (first) for (const fault of faultsOf(contract)) strike(contract, fault);
  };

  const halt = (contract: Contract): void => {
    contract.epoch += 1;
    set(contract, { intended: 'stopped', cur: 'stopped', next: 'stopped' });
    const { epoch } = contract;
    step(contract, loading.stop, () =>
      meanwhile(
        boxes.stop(contract.id).then(() => {
          if (contract.epoch !== epoch) return;
          set(contract, { actual: 'exited', port: null, running_since_ms: null, holds_gpu: false });
          freed(contract);
        }),
      ),
    );
  };

  /** Wakes whoever waits for the GPUs of this machine. */
  const freed = (contract: Contract): void => {
    moved(contract);
    for (const other of contracts.values()) {
      if (other.machine.id === contract.machine.id && other.ended_ms === null && other.intended === 'running' && other.cur === 'stopped' && freeGpus(other) >= other.gpus) boot(other);
    }
  };

  const reboot = (contract: Contract, wipe: boolean): void => {
    contract.epoch += 1;
    set(contract, { actual: wipe ? 'recycling' : 'rebooting' });
    const { epoch } = contract;
    meanwhile(
      (wipe ? boxes.wipe(contract.id) : boxes.stop(contract.id)).then(() => {
        if (contract.epoch !== epoch) return;
        step(contract, loading.stop, () => set(contract, { actual: 'loading', port: null }));
        step(contract, loading.stop + loading.pull * WARM_SHARE, () => meanwhile(open(contract)));
      }),
    );
  };

  const destroy = (contract: Contract): void => {
    if (contract.ended_ms !== null) return;
    contract.epoch += 1;
    const removed = boxes.remove(contract.id);
    meanwhile(removed);
    set(contract, { ended_ms: clock.now(), cur: 'unloaded', next: 'unloaded', holds_gpu: false });
    freed(contract);
    later(loading.destroy, () => {
      contract.gone = true;
      left(contract);
    });
  };

  const strike = (contract: Contract, fault: InstanceFault): void => {
    switch (fault.kind) {
      case 'host_offline':
        return during(fault, (on) => {
          if (on ? contract.actual !== 'running' : contract.actual !== 'offline') return;
          set(contract, { actual: on ? 'offline' : 'running' });
          meanwhile(boxes.reach(contract.id, !on));
        });
      case 'ssh_refused':
        return during(fault, (on) => meanwhile(boxes.reach(contract.id, !on)));
      case 'outbid':
        return during(fault, (on) => {
          if (contract.bid === null || contract.ended_ms !== null) return;
          if (on && contract.intended === 'running') {
            halt(contract);
            contract.outbid = true;
          } else if (!on && contract.outbid) boot(contract);
        });
      case 'stuck_loading':
        // Read again at each boot; one that is loading now never ends.
        if (contract.actual === null || contract.actual === 'loading') contract.epoch += 1;
        return;
      case 'new_port':
        // As after a restart that nobody asked for: the door is found at another port, the processes live on.
        return during({ ...fault, for_ms: null }, () => meanwhile(boxes.moveDoor(contract.id).then((port) => port !== null && set(contract, { port }))));
      case 'unlisted':
      case 'create_lost':
      case 'destroy_ignored':
      case 'id_reused':
        return; // about requests, not about the instance
    }
  };
  const during = ({ at_ms, for_ms }: Window, act: (on: boolean) => void): void => {
    const begin = (): void => {
      act(true);
      if (for_ms !== null) later(for_ms, () => act(false));
    };
    if (at_ms === 0) begin();
    else later(at_ms, begin);
  };

  return {
    boot,
    halt,
    reboot,
    destroy,
    strike,
    credit,
    async close() {
      closed = true;
      unwatch();
      for (const cancel of timers) cancel();
      timers.clear();
      await Promise.all(pending);
    },
  };
}
