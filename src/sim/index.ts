/** The embedded market: a Vast API on loopback, with real shells behind its instances. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../core/ports.ts';
import { createBoxes } from './boxes.ts';
import { loseAnswer, serveMarket } from './http.ts';
import { createMarket, type Bill, type SimMarket } from './market.ts';
import type { World } from './routes.ts';
import { loadScenario, parseInjected, type FaultInput, type Scenario, type ScenarioInput } from './scenario.ts';

export { DEMOS, prepareDemo, type DemoName } from './demo.ts';
export { FAULT_WORDS, parseFault } from './fault.ts';
export { loadScenario, parseScenario, ScenarioError } from './scenario.ts';
export type { FaultInput, Scenario, ScenarioInput } from './scenario.ts';
export type { Bill } from './market.ts';

export interface SimOptions {
  /** Name of a shipped scenario, path of a YAML file, a scenario's object, or one that was loaded; none is a quiet market. */
  scenario?: string | ScenarioInput | undefined;
  /** Drives loading times, bills and the times of faults. Its scale reaches the trainers in the boxes. */
  clock: Clock;
  /** 0 or none takes a free port. */
  port?: number;
  /** A directory that belongs to the simulation alone: emptied at the start, removed at the end. */
  dir: string;
  /** Port on 127.0.0.1 of a real sshd that every instance leads to, for tests; the boxes open doors of their own when absent. */
  door?: number;
}

export interface SimInstance {
  id: number;
  label: string | null;
  machine_id: number;
  gpu_name: string;
  actual_status: string | null;
  intended_status: string;
  /** Port of its sshd on 127.0.0.1; null while there is none. */
  port: number | null;
  stranger: boolean;
}

export interface Sim {
  readonly url: string;
  /** The account's key, made anew for each simulation. */
  readonly apiKey: string;
  readonly account: { id: number; email: string };
  readonly scenario: Scenario;
  /** $ by instance, the destroyed and the strangers' too; after close, as it stood then. */
  bill(): Bill[];
  /** $/h now, of the instances whose label begins with the prefix (all without one); 0 after close. */
  burn(labelPrefix?: string): number;
  /** Instances that exist, whatever the market's lists say of them. */
  instances(): SimInstance[];
  /** Lets something go wrong now; times in it count from now. Throws ScenarioError. */
  inject(fault: FaultInput): void;
  /** Ends everything; no process and no file is left. */
  close(): Promise<void>;
}

const AUDITS = 500;

/** Starts the market. Rejects with ScenarioError, or when the port is taken. */
export async function startSim({ scenario: source, clock, port = 0, dir, door }: SimOptions): Promise<Sim> {
  const scenario = await loadScenario(source);
  const apiKey = randomBytes(32).toString('hex');
  const account = { id: 90_210, email: 'demo@example.com' };
  const audits: { route: string; method: string; at: number }[] = [];
  const holder: { url: string; market: SimMarket | null } = { url: '', market: null };
  const boxes = await createBoxes({ dir, clock, url: () => holder.url, faults: (contract) => holder.market?.boxFaults(contract) ?? [], door, beat: scenario.beat });
  const market = createMarket({ clock, scenario, boxes, changed: (contract) => boxes.refresh(contract) });
  holder.market = market;
  const world: World = { market, boxes, clock, url: () => holder.url, account, lose: loseAnswer, audits, uploads: new Map() };
  const shut = async (): Promise<void> => {
    await market.life.close();
    await boxes.close();
  };
  const server = await serveMarket({
    market,
    world,
    clock,
    apiKey,
    port,
    audit: (entry) => {
      audits.push(entry);
      if (audits.length > AUDITS) audits.shift();
    },
  }).catch(async (error: unknown) => {
    await shut();
    throw error;
  });
  holder.url = `http://127.0.0.1:${server.port}`;
  let closing: Promise<void> | null = null;
  let lastBill: Bill[] | null = null;
  return {
    url: holder.url,
    apiKey,
    account,
    scenario,
    bill: () => lastBill ?? market.bill(),
    burn: (labelPrefix) => (lastBill === null ? market.burn(labelPrefix) : 0),
    instances: () =>
      [...market.contracts.values()]
        .filter(({ gone }) => !gone)
        .map(({ id, label, machine, actual, intended, port: sshPort, ordinal }) => ({ id, label, machine_id: machine.id, gpu_name: machine.gpu_name, actual_status: actual, intended_status: intended, port: sshPort, stranger: ordinal === 0 })),
    inject: (fault) => market.inject(parseInjected(fault)),
    close: () => {
      lastBill ??= market.bill();
      return (closing ??= server.close().then(shut));
    },
  };
}
