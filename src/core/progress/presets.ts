/** The formats that a spec may name: which records count, where `auto` takes all. */
import type { LineRecord } from './record.ts';

interface Preset {
  shapes: readonly LineRecord['shape'][];
  /** Records of the shape `line` count where the line looks like this. */
  line?: RegExp;
}

/** Transformers' Trainer and all that is built on it: bars, dictionaries, the notebook's table. */
const TRAINER: Preset = { shapes: ['bar', 'dict', 'csv'] };
/** Loops that draw a bar and say the totals before it. */
const ACCELERATE: Preset = { shapes: ['bar', 'dict'], line: /total optimization steps|^epoch \d+\/\d+/i };

const PRESETS = {
  tqdm: { shapes: ['bar'] },
  'hf-trainer': TRAINER,
  trl: TRAINER,
  unsloth: TRAINER,
  axolotl: TRAINER,
  'llama-factory': TRAINER,
  accelerate: ACCELERATE,
  diffusers: ACCELERATE,
  kohya: ACCELERATE,
  nanogpt: { shapes: [], line: /^\s*(?:iter|step) \d+(?::|\/\d)/ },
  lightning: { shapes: ['bar'], line: /^Epoch \d+\b/ },
  torchtune: { shapes: ['bar'], line: /^Step \d+ \|/ },
  megatron: { shapes: [], line: /\biteration +\d+\/ *\d+ \||validation loss at iteration/ },
  deepspeed: { shapes: ['bar', 'dict'], line: /\bstep=\d+|SamplesPerSec=/ },
  fairseq: { shapes: ['dict'], line: /\bnum_updates\b/ },
  mmengine: { shapes: [], line: /\b(?:Epoch|Iter) ?(?:\((?:train|val|test)\) *)?\[/ },
  detectron2: { shapes: [], line: /\biter: \d+ .*\btotal_loss: / },
  timm: { shapes: [], line: /^(?:.{0,60}\s)?(?:Train|Test): / },
  ultralytics: { shapes: ['bar', 'table'], line: /^\s+\d+\/\d+\s/ },
  keras: { shapes: ['bar'], line: /^(?:Epoch \d+\/\d+|\s*\d+\/(?:\d+|Unknown)\b)/ },
  flax: { shapes: [], line: /\] \[\d+\] / },
  maxtext: { shapes: [], line: /\bcompleted step: \d/ },
  jax: { shapes: [], line: /\] \[\d+\] |\bcompleted step: \d/ },
  sb3: { shapes: ['table'] },
  jsonl: { shapes: ['dict'] },
  csv: { shapes: ['csv'] },
} as const satisfies Readonly<Record<string, Preset>>;

export type PresetName = keyof typeof PRESETS;

/** Whether a record of `shape`, read from `line`, counts. */
export type Admits = (shape: LineRecord['shape'], line: string) => boolean;

export const PRESET_NAMES = Object.keys(PRESETS).filter((name): name is PresetName => name in PRESETS);

/** null for `auto` and for names that are no preset's (the spec refuses those): everything counts. */
export function presetFor(name: string | undefined): Admits | null {
  const known = PRESET_NAMES.find((preset) => preset === name);
  if (known === undefined) return null;
  const { shapes, line: pattern }: Preset = PRESETS[known];
  return (shape, line) => shape === 'user' || shapes.includes(shape) || (shape === 'line' && pattern?.test(line) === true);
}
