/** What lies in a box: its home, its small programs, and the files through which the simulation speaks to them. */
import { chmod, cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assetPath } from './assets.ts';
import type { Contract } from './contract.ts';
import type { BoxFault } from './market.ts';

export interface BoxPaths {
  base: string;
  /** HOME and working directory. */
  home: string;
  bin: string;
  /** Its temporary files, beside those of the machine below. */
  tmp: string;
  faults: string;
  /** What the trainer says about the GPU, for nvidia-smi. */
  gpu: string;
  /** What the container has printed. */
  log: string;
}

export function boxPaths(dir: string, id: number): BoxPaths {
  const base = join(dir, String(id));
  return { base, home: join(base, 'root'), bin: join(base, 'bin'), tmp: join(base, 'tmp'), faults: join(base, 'faults.json'), gpu: join(base, 'gpu.json'), log: join(base, 'container.log') };
}

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin';
const POWER_IDLE_SHARE = 0.06;

/** Makes the box's directory as it is at the start of a container; what the home holds already stays. */
export async function prepareBox(paths: BoxPaths, contract: Contract, faults: readonly BoxFault[]): Promise<void> {
  await mkdir(paths.home, { recursive: true });
  await mkdir(paths.bin, { recursive: true });
  await mkdir(paths.tmp, { recursive: true });
  const programs = await readdir(assetPath('bin'));
  for (const program of programs) {
    await cp(assetPath('bin', program), join(paths.bin, program));
    await chmod(join(paths.bin, program), 0o755);
  }
  await rm(join(paths.bin, 'node'), { force: true });
  await symlink(process.execPath, join(paths.bin, 'node'));
  const { machine, gpus } = contract;
  const card = { NAME: `NVIDIA ${machine.gpu_name.replace(/^RTX (?=\d)/, 'GeForce RTX ')}`, COUNT: gpus, MEM_TOTAL: machine.gpu_ram, POWER_LIMIT: machine.power_w, POWER_IDLE: Math.round(machine.power_w * POWER_IDLE_SHARE), DRIVER: machine.driver_version, CUDA: machine.cuda_max_good };
  await writeFile(join(paths.base, 'card'), Object.entries(card).map(([name, value]) => `${name}='${value}'\n`).join(''));
  await writeFaults(paths, faults);
  if (contract.busy) await writeFile(paths.gpu, JSON.stringify({ pid: process.pid, util: 93, mem: 0.7, power: 0.86 }));
  await writeFile(join(paths.home, 'onstart.sh'), contract.onstart);
  await writeFile(join(paths.home, '.vast_api_key'), contract.key, { mode: 0o600 });
  await writeFile(join(paths.home, '.vast_containerlabel'), `C.${contract.id}\n`);
}

export const writeFaults = (paths: BoxPaths, faults: readonly BoxFault[]): Promise<void> => writeFile(paths.faults, JSON.stringify(faults));

/** The environment of everything that runs in the box, built up from nothing: the caller's own never gets in. */
export function boxEnv(paths: BoxPaths, contract: Contract, { url, token, scale, beat = Math.max(2_000, 10_000 / scale) }: { url: string; token: string; scale: number; beat?: number | undefined }): Record<string, string> {
  const own = Object.fromEntries(Object.entries(contract.env).filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)));
  return {
    ...own,
    PATH: `${paths.bin}:${SYSTEM_PATH}`,
    HOME: paths.home,
    TMPDIR: paths.tmp,
    USER: 'root',
    LOGNAME: 'root',
    SHELL: '/bin/sh',
    LANG: 'C.UTF-8',
    PS1: `root@C.${contract.id}:~# `,
    CONTAINER_ID: String(contract.id),
    CONTAINER_API_KEY: contract.key,
    VAST_CONTAINERLABEL: `C.${contract.id}`,
    GPU_COUNT: String(contract.gpus),
    VAST_URL: url,
    VASTSIT_API_URL: url,
    // The sentinel counts real seconds: where the clock is fast, it looks more often.
    VASTSIT_BEAT: String(Math.round(beat / 1_000)),
    VASTSIT_SIM_BOX: token,
    VASTSIT_SIM_SCALE: String(scale),
    VASTSIT_SIM_FAULTS: paths.faults,
    VASTSIT_SIM_GPU: paths.gpu,
    VASTSIT_SIM_GPU_GIB: (contract.machine.gpu_ram / 1_024).toFixed(2),
  };
}
