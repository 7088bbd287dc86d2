/** The machines of the default market. Numbers are typical of the model; nothing is drawn at random, so that every demo is the same. */

export interface Machine {
  id: number;
  gpu_name: string;
  /** GPUs in the machine; offers are slices of 1, 2, 4 or 8 of them. */
  gpus: number;
  /** $/h for one GPU, without disk. */
  usd_per_gpu: number;
  /** MB per GPU. */
  gpu_ram: number;
  /** W per GPU. */
  power_w: number;
  geolocation: string;
  reliability: number;
  verified: boolean;
  cuda_max_good: number;
  driver_version: string;
  /** MB and GB of the whole machine. */
  cpu_ram: number;
  disk_space: number;
  cpu_cores: number;
  /** $/GB/month of 720 h; $/GB. */
  storage_cost: number;
  inet_cost: number;
  /** Mbit/s. */
  inet_up: number;
  inet_down: number;
}

interface Model {
  gpu_ram: number;
  power_w: number;
  usd: number;
  tflops: number;
  bandwidth: number;
  compute_cap: number;
}

/** What the market knows about a GPU model. `usd` is a usual price per hour. */
export const MODELS: Readonly<Record<string, Model>> = {
  'RTX 3090': { gpu_ram: 24_576, power_w: 350, usd: 0.19, tflops: 35.6, bandwidth: 810.2, compute_cap: 860 },
  'RTX 4090': { gpu_ram: 24_564, power_w: 450, usd: 0.36, tflops: 82.5, bandwidth: 843.6, compute_cap: 890 },
  'RTX A6000': { gpu_ram: 49_140, power_w: 300, usd: 0.47, tflops: 38.7, bandwidth: 652.4, compute_cap: 860 },
  L40S: { gpu_ram: 46_068, power_w: 350, usd: 0.62, tflops: 91.6, bandwidth: 698.1, compute_cap: 890 },
  'A100 SXM4': { gpu_ram: 81_920, power_w: 400, usd: 0.94, tflops: 19.5, bandwidth: 1_556.2, compute_cap: 800 },
  'H100 SXM': { gpu_ram: 81_559, power_w: 700, usd: 1.98, tflops: 66.9, bandwidth: 2_610.4, compute_cap: 900 },
};

const PLACES = ['Texas, US', 'Sweden, SE', 'Quebec, CA', 'Czechia, CZ', 'Oregon, US', 'Norway, NO', 'Bulgaria, BG', 'Japan, JP'];

/** A machine of a known model with the usual surroundings; `index` spreads prices, places and reliability. */
export function machineOf(id: number, gpu_name: string, gpus: number, index: number): Machine {
  const model = MODELS[gpu_name] ?? { gpu_ram: 24_576, power_w: 350, usd: 0.3, tflops: 30, bandwidth: 700, compute_cap: 860 };
  return {
    id,
    gpu_name,
    gpus,
    usd_per_gpu: Math.round(model.usd * (1 + 0.04 * (index % 5)) * 1e4) / 1e4,
    gpu_ram: model.gpu_ram,
    power_w: model.power_w,
    geolocation: PLACES[index % PLACES.length] ?? 'Texas, US',
    reliability: Math.round((0.998 - 0.003 * (index % 4)) * 1e4) / 1e4,
    verified: true,
    cuda_max_good: 12.8,
    driver_version: '570.133.20',
    cpu_ram: 64_393 * Math.max(1, gpus),
    disk_space: 900 + 40 * index,
    cpu_cores: 16 * Math.max(1, gpus),
    storage_cost: 0.15,
    inet_cost: 0.003,
    inet_up: 620 + 15 * index,
    inet_down: 880 + 20 * index,
  };
}

const FLEET: readonly (readonly [gpu_name: string, gpus: number])[] = [
  ['RTX 4090', 1],
  ['RTX 4090', 1],
  ['RTX 3090', 1],
  ['RTX 4090', 1],
  ['RTX 3090', 1],
  ['RTX 4090', 1],
  ['RTX 3090', 1],
  ['RTX 4090', 4],
  ['RTX 3090', 2],
  ['RTX A6000', 1],
  ['RTX A6000', 2],
  ['L40S', 1],
  ['A100 SXM4', 1],
  ['A100 SXM4', 4],
  ['H100 SXM', 1],
  ['H100 SXM', 8],
];

/** Machines 1001 and up. */
export const defaultMachines = (): Machine[] => FLEET.map(([gpu_name, gpus], index) => machineOf(1001 + index, gpu_name, gpus, index));
