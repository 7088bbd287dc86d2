/**
 * The experiment spec: what a person writes in experiment.yaml, checked field by field.
 * Parsing YAML is the caller's; this module is pure.
 */
import { z } from 'zod';
import { patternProblem, PRESET_NAMES } from './progress/index.ts';
import { inQuotes } from './quote.ts';

/** "90s", "15m", "4h", "2d" -> milliseconds. */
const duration = z
  .string()
  .regex(/^\d+(\.\d+)?(s|m|h|d)$/, 'expected a duration such as 90s, 15m, 4h or 2d')
  .transform((text) => Number.parseFloat(text) * { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[text.at(-1) as 's' | 'm' | 'h' | 'd']);

const relativePath = z
  .string()
  .min(1)
  .refine((path) => !path.startsWith('/') && !path.split('/').includes('..') && !path.startsWith('~'), 'expected a path below the run\'s directory (no leading "/" and no "..")')
  .refine((path) => !/[\0\n\r]/.test(path), 'expected a path without line breaks');

const positive = z.number().positive();

const knob = z.strictObject({
  /** What the command starts with; `{name}` in run and resume is replaced by the current value. */
  value: z.number(),
  /** The reduction never goes below this. */
  floor: z.number(),
  /** One reduction step multiplies by this (0.5 halves). */
  factor: z.number().gt(0).lt(1).default(0.5),
  /** Another knob that is divided by the same factor, so that the effective batch stays. */
  keeps: z.string().optional(),
  /** Which causes this knob may answer. */
  answers: z.array(z.enum(['gpu_oom', 'host_oom_killed', 'shm_dataloader', 'numeric_divergence'])).default(['gpu_oom']),
  /** An optimisation may raise it up to here, by one factor at a time; without it, never. */
  ceiling: z.number().optional(),
  /** What holding the run back it may be raised against; `none`: GPU memory is free. */
  speeds: z.array(z.enum(['data', 'compute', 'memory', 'logging', 'none'])).default([]),
});

export const specSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, 'expected 1 to 40 lower-case letters, digits and dashes, starting and ending with a letter or digit'),
  image: z.string().min(1),
  hardware: z
    .strictObject({
      gpu: z.array(z.string().min(1)).min(1).optional(),
      num_gpus: z.number().int().positive().default(1),
      gpu_ram_gb: positive.optional(),
      cpu_ram_gb: positive.optional(),
      disk_gb: z.number().min(8, 'Vast rents at least 8 GB of disk').default(20),
      reliability: z.number().min(0).max(1).default(0.95),
      cuda: positive.optional(),
      inet_down_mbps: positive.optional(),
      geolocation: z.array(z.string().length(2)).optional(),
      /** All-in: GPU + disk + planned traffic spread over kill.hours. */
      max_usd_per_hour: positive,
      /** GB that the run will pull and push; part of the all-in price. */
      traffic_gb: z.strictObject({ down: z.number().nonnegative().default(0), up: z.number().nonnegative().default(0) }).prefault({}),
    }),
  market: z.union([z.literal('on-demand'), z.strictObject({ bid: positive })]).default('on-demand'),
  /** Local files or folders, relative to the spec, copied into the run's directory. */
  upload: z.array(relativePath).default([]),
  /** Run once on each instance before the first start, in the run's directory. */
  setup: z.string().optional(),
  run: z.string().min(1),
  env: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected an environment variable name'),
      z.union([z.string(), z.number().transform(String), z.boolean().transform(String), z.strictObject({ secret: z.string().min(1) })]),
    )
    .default({}),
  progress: z
    .strictObject({
      /** A preset restricts what counts to that format. */
      format: z.enum(['auto', ...PRESET_NAMES]).default('auto'),
      /** A regular expression with named groups (step, total, loss, ...) wins over every preset. */
      regex: z
        .string()
        .superRefine((source, context) => {
          const problem = patternProblem(source);
          if (problem !== null) context.addIssue({ code: 'custom', message: problem });
        })
        .optional(),
    })
    .prefault({}),
  /** Expected steps per second, or `learn` from this run's own stable phase. */
  rate: z.union([z.literal('learn'), z.strictObject({ min: positive, max: positive.optional() })]).default('learn'),
  objective: z.strictObject({ metric: z.string().default('loss'), direction: z.enum(['min', 'max']).default('min') }).prefault({}),
  early_stop: z
    .strictObject({ min_steps: z.number().int().nonnegative(), patience: z.number().int().positive(), min_delta: z.number().nonnegative().default(0) })
    .optional(),
  knobs: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/, 'expected a lower-case name'), knob).default({}),
  checkpoints: z
    .strictObject({
      /** Globs of checkpoint files, relative to the run's directory. */
      path: z.union([relativePath, z.array(relativePath).min(1)]).transform((path) => (typeof path === 'string' ? [path] : path)),
      /** The command that resumes; `{checkpoint}` is the newest verified one. Without it a relaunch starts over. */
      resume: z.string().optional(),
      /** How many of the newest to bring home. */
      keep: z.number().int().positive().default(2),
    })
    .optional(),
  artifacts: z.array(relativePath).default([]),
  kill: z.strictObject({ hours: positive, dollars: positive }),
  teardown: z
    .strictObject({
      idle_grace: duration.default(120_000),
      on_done: z.enum(['destroy', 'stop', 'keep']).default('destroy'),
      /** How long a stopped instance may bill its disk before it is destroyed. */
      stopped_grace: duration.default(86_400_000),
      /** Dollars that waiting for results out of reach may cost; then the instance is stopped, or the user asked and the waiting goes on. */
      wait_usd: positive.default(1),
      wait_then: z.enum(['stop', 'ask']).default('stop'),
    })
    .prefault({}),
  complexity: z.enum(['simple', 'moderate', 'complex']).default('simple'),
});

export type Spec = z.output<typeof specSchema>;
export type SpecInput = z.input<typeof specSchema>;

/** A spec that cannot be used: one line a field, each with the field's path and what was expected. */
export class SpecError extends Error {
  override readonly name = 'SpecError';
  constructor(readonly problems: readonly { field: string; expected: string }[]) {
    super(problems.map(({ field, expected }) => `${field}: ${expected}`).join('\n'));
  }
}

/** Checks parsed YAML against the schema and the rules that span fields. Throws SpecError. */
export function parseSpec(input: unknown): Spec {
  const parsed = specSchema.safeParse(input);
  if (!parsed.success) throw new SpecError(parsed.error.issues.map((issue) => ({ field: issue.path.join('.') || '(the file)', expected: issue.message })));
  const problems = crossCheck(parsed.data);
  if (problems.length > 0) throw new SpecError(problems);
  return parsed.data;
}

/** What is wrong with the places in the commands that a start fills in. */
export function commandProblems(spec: Pick<Spec, 'run' | 'knobs' | 'checkpoints'>): { field: string; expected: string }[] {
  const problems: { field: string; expected: string }[] = [];
  const names = new Set(Object.keys(spec.knobs));
  for (const [field, command] of [['run', spec.run], ['checkpoints.resume', spec.checkpoints?.resume ?? '']] as const) {
    for (const [, name] of command.matchAll(/(?<![$\\{])\{([a-z][a-z0-9_]*)\}/g)) {
      if (name && !names.has(name) && name !== 'checkpoint') problems.push({ field, expected: `{${name}} is not a declared knob; declare it under knobs, or write \\{${name}}` });
    }
  }
  const resume = spec.checkpoints?.resume ?? '';
  if ([...resume.matchAll(/\{checkpoint\}/g)].some(({ index }) => inQuotes(resume, index))) problems.push({ field: 'checkpoints.resume', expected: '{checkpoint} outside of quotes: it is quoted for you, and inside others a file name could end them' });
  if (spec.run.includes('{checkpoint}')) problems.push({ field: 'run', expected: '{checkpoint} belongs in checkpoints.resume: the first start has none' });
  return problems;
}

function crossCheck(spec: Spec): { field: string; expected: string }[] {
  const problems = commandProblems(spec);
  const names = new Set(Object.keys(spec.knobs));
  for (const [name, { value, floor, keeps, ceiling, speeds }] of Object.entries(spec.knobs)) {
    if (floor > value) problems.push({ field: `knobs.${name}.floor`, expected: `at most the value (${value})` });
    if (ceiling !== undefined && ceiling < value) problems.push({ field: `knobs.${name}.ceiling`, expected: `at least the value (${value})` });
    if (speeds.length > 0 && ceiling === undefined) problems.push({ field: `knobs.${name}.ceiling`, expected: 'how far speeds may raise it' });
    if (keeps !== undefined && (!names.has(keeps) || keeps === name)) problems.push({ field: `knobs.${name}.keeps`, expected: 'the name of another declared knob' });
  }
  if (spec.market !== 'on-demand' && !spec.checkpoints?.resume) {
    problems.push({ field: 'market', expected: 'on-demand, or checkpoints with a resume command: an interruptible run without them may never finish' });
  }
  return problems;
}

/** Remarks that do not stop a launch. */
export function specWarnings(spec: Spec): string[] {
  const warnings: string[] = [];
  if (!spec.checkpoints) warnings.push('checkpoints: none declared, so any repair starts again from step 0');
  else if (!spec.checkpoints.resume) warnings.push('checkpoints.resume: none declared, so a relaunch starts again from step 0');
  if (spec.early_stop && spec.early_stop.min_steps < 100) warnings.push(`early_stop.min_steps: ${spec.early_stop.min_steps} is low for a comprehensive finetuning; 100 or more guards against judging the warm-up`);
  if (spec.early_stop && spec.early_stop.patience < 3) warnings.push(`early_stop.patience: ${spec.early_stop.patience} is aggressive; 3 or more evaluations guard against a single bad one`);
  if (spec.early_stop && spec.early_stop.min_delta > 0.05) warnings.push(`early_stop.min_delta: ${spec.early_stop.min_delta} is aggressive: slow but real progress would count as none`);
  if (spec.artifacts.length === 0 && !spec.checkpoints) warnings.push('artifacts: none declared, so nothing is brought home before the instance is destroyed');
  return warnings;
}

/** The names of environment variables at home whose values go to the box as secrets. */
export function secretNames(spec: Spec): string[] {
  return Object.values(spec.env).flatMap((value) => (typeof value === 'string' ? [] : [value.secret]));
}
