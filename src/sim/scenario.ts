/** Scenarios: what the simulated world is like and what will go wrong in it. Read from YAML and checked field by field. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { assetPath } from './assets.ts';
import { defaultMachines, machineOf, type Machine } from './catalogue.ts';
import { API_NAMES, isApiFault, parseDuration, parseFault, type Fault } from './fault.ts';

/** A scenario that cannot be used: one line a field. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms === null) context.addIssue('expected a duration such as 30s, 5m or 2h');
  return ms ?? 0;
});
const count = z.number().int().positive();

/** Whom a fault strikes; several words must all hold. `first` machine: the one that the run was first put on. */
const target = z.strictObject({
  run: z.string().min(1).optional(),
  attempt: count.optional(),
  machine: z.union([z.literal('first'), count]).optional(),
  /** Ordinal of the rented instances in this simulation (1 is the first), or a contract id. */
  instance: z.union([z.literal('first'), count]).optional(),
  api: z.enum(API_NAMES).optional(),
});
export type Target = z.output<typeof target>;

const faultEntry = z.strictObject({ on: target.default({}), fault: z.string(), from: duration.optional(), for: duration.optional() }).transform((entry, context) => {
  try {
    const words = entry.on.api !== undefined && !entry.fault.trim().startsWith('api ') ? `api ${entry.on.api} ${entry.fault.trim()}` : entry.fault;
    let fault: Fault = parseFault(words);
    if ('for_ms' in fault) fault = { ...fault, at_ms: entry.from ?? fault.at_ms, for_ms: entry.for ?? fault.for_ms };
    else if (entry.from !== undefined || entry.for !== undefined) context.addIssue({ code: 'custom', path: ['from'], message: `"${entry.fault}" takes no time` });
    if (entry.on.machine === 'first' && entry.on.run === undefined) context.addIssue({ code: 'custom', path: ['on', 'run'], message: '"machine: first" means the first machine of a run; name the run' });
    if (isApiFault(fault) && Object.keys(entry.on).some((word) => word !== 'api')) context.addIssue({ code: 'custom', path: ['on'], message: 'an api fault strikes requests; only "api" can be said here' });
    return { on: entry.on, fault, text: entry.fault };
  } catch (error) {
    context.addIssue({ code: 'custom', path: ['fault'], message: error instanceof Error ? error.message : String(error) });
    return z.NEVER;
  }
});
export type PlannedFault = z.output<typeof faultEntry>;
export type FaultInput = z.input<typeof faultEntry>;

const machine = z.strictObject({
  machine: count.optional(),
  gpu: z.string().min(1),
  gpus: count.default(1),
  usd_per_gpu: z.number().positive().optional(),
  reliability: z.number().min(0).max(1).optional(),
  verified: z.boolean().optional(),
  geolocation: z.string().optional(),
});

const scenarioSchema = z.strictObject({
  name: z.string().default('unnamed'),
  credit_usd: z.number().default(25),
  /** Clock seconds per real second that suits this scenario; who starts the simulation makes the clock. */
  time_scale: z.number().positive().default(60),
  loading: z.strictObject({ provision: duration.default(2_000), pull: duration.default(40_000), destroy: duration.default(5_000), stop: duration.default(4_000) }).prefault({}),
  /** Real time between two heartbeats of the boxes' sentinels; by the clock's scale when absent, and 2 s at least. */
  beat: duration.optional(),
  offers: z.array(machine).min(1).optional(),
  strangers: z
    .array(z.strictObject({ label: z.string().nullable().default(null), gpu: z.string().default('RTX 3090'), state: z.enum(['running', 'stopped']).default('running'), idle: z.boolean().default(true) }))
    .default([]),
  faults: z.array(faultEntry).default([]),
});

export interface Scenario extends Omit<z.output<typeof scenarioSchema>, 'offers'> {
  machines: Machine[];
}
export type ScenarioInput = z.input<typeof scenarioSchema>;

/** Checks a parsed scenario. Throws ScenarioError, which names each field at fault. */
export function parseScenario(input: unknown): Scenario {
  const { offers, ...rest } = check(scenarioSchema, input ?? {});
  const machines = offers?.map(({ machine: id, gpu, gpus, ...own }, index) => ({
    ...machineOf(id ?? 1001 + index, gpu, gpus, index),
    ...Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)),
  }));
  const ids = machines?.map(({ id }) => id) ?? [];
  if (new Set(ids).size < ids.length) throw new ScenarioError('offers: two machines share a number');
  return { ...rest, machines: machines ?? defaultMachines() };
}

/** Checks one fault that is injected while the simulation runs. Throws ScenarioError. */
export const parseInjected = (input: unknown): PlannedFault => check(faultEntry, input);

/** Reads a scenario by object, by path of a YAML file (ends in .yaml or .yml), or by the name of a shipped one. */
export async function loadScenario(source: string | ScenarioInput | undefined): Promise<Scenario> {
  if (typeof source !== 'string') return parseScenario(source);
  const path = /\.ya?ml$/.test(source) ? source : /^[a-z0-9-]+$/.test(source) ? assetPath('scenarios', `${source}.yaml`) : null;
  const text = path === null ? null : await readFile(path, 'utf8').catch(() => null);
  if (text === null) throw new ScenarioError(`scenario: no scenario "${source}"; give a YAML file or the name of a shipped one, such as demo`);
  let parsed: unknown;
  try {
    parsed = parse(text);
  } catch (error) {
    throw new ScenarioError(`scenario: not valid YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  return parseScenario(parsed);
}

function check<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new ScenarioError(parsed.error.issues.map((issue) => `${issue.path.join('.') || '(the scenario)'}: ${issue.message}`).join('\n'));
}
