/** A market that wastes no test's time, and a small training on it: a process each, as a user would have them. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createPlace, type Place } from './program.ts';

export interface QuickMarket {
  /** What a place needs to rent there. */
  env: { VAST_URL: string; VAST_API_KEY: string };
  close(): Promise<void>;
}

/** `sim` as a process of its own. Loading takes half a second; more lines of YAML may follow. */
export async function quickMarket(more = ''): Promise<QuickMarket> {
  const place = createPlace();
  writeFileSync(join(place.project, 'quick.yaml'), `loading: { provision: 0.1s, pull: 0.4s, destroy: 0.2s, stop: 0.2s }\n${more}`);
  const sim = place.start(['sim', '--port', '0', '--scenario', 'quick.yaml']);
  const line = await sim.line(() => true, 'the market says where it is');
  return {
    env: { VAST_URL: String(line['url']), VAST_API_KEY: String(line['api_key']) },
    async close() {
      sim.kill('SIGTERM');
      await sim.exited;
      place.dispose();
    },
  };
}

/** Writes `NAME.yaml`, a training of `steps` steps of 0.2 s each, with its trainer beside it; returns the file's name. */
export function writeTraining(place: Place, name: string, steps: number, change: (text: string) => string = (text) => text): string {
  copyFileSync(resolve('src/sim/assets/train.mjs'), join(place.project, 'train.mjs'));
  const command = `node train.mjs --steps ${steps} --batch-size {batch_size} --seconds-per-step 0.2 --save-every 10`;
  const text = `
name: ${name}
image: pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime
hardware: { gpu: [RTX 4090, RTX 3090, RTX A6000], disk_gb: 20, max_usd_per_hour: 0.9 }
upload: [train.mjs]
run: ${command}
knobs: { batch_size: { value: 32, floor: 4 } }
checkpoints: { path: ckpt/*.json, resume: '${command} --resume {checkpoint}' }
artifacts: ['out/**']
kill: { hours: 1, dollars: 1 }
`;
  writeFileSync(join(place.project, `${name}.yaml`), change(text));
  return `${name}.yaml`;
}
