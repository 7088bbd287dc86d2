/**
 * Fixes of what a run depends on, as data: each with its exact command, how to undo it and what it risks. A log chooses
 * among them and may fill in a checked name or number; no text of a log is ever part of a command.
 */
import type { Cause } from './causes.ts';
import { shellQuote } from './quote.ts';

export type Fix =
  | { kind: 'pip_install'; package: string }
  | { kind: 'pip_pin'; package: string; specifier: string }
  | { kind: 'apt_install'; package: string }
  | { kind: 'free_disk' }
  | { kind: 'clear_shm' }
  | { kind: 'grow_shm' }
  | { kind: 'open_files' }
  | { kind: 'env'; name: string; value: string }
  /** Takes such a setting back. */
  | { kind: 'env_off'; name: string; value: string }
  // What a model proposed and the guard accepted.
  | { kind: 'pip_version'; package: string; version: string }
  | { kind: 'set_env'; name: string; value: string }
  /** `patch` numbers it within the run; its diff was read and written anew by us. */
  | { kind: 'patch'; patch: number; diff: string; files: string[]; added: number; removed: number };

export type Risk = 'low' | 'medium' | 'high';

export interface FixFacts {
  /** What people read. */
  words: string;
  /** For `sh`, in the run's directory, with nothing of the run alive. */
  command: string;
  /** How it is taken back; null when it needs no undoing or cannot be undone, which `risk` then says. */
  undo: string | null;
  risk: Risk;
}

/** Each command of the run reads this file, so a variable appended to it holds from the next start on. */
const ENV_FILE = '.vastsit/env.sh';
const PIP = 'pip install --no-input --disable-pip-version-check';
const PACKAGE = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/;
const SPECIFIER = /^(?:(?:==|>=|<=|~=|!=|<|>)\d{1,6}(?:\.\d{1,6}){0,3}(?:,(?!$)|$)){1,3}$/;

/** Everything that a fix is. Throws RangeError on a name, version or variable that is not of the catalogue's shape. */
export function factsOf(fix: Fix): FixFacts {
  switch (fix.kind) {
    case 'pip_install':
      return { words: `pip install ${fix.package}`, command: pipInstall(fix.package), undo: `pip uninstall -y ${fix.package}`, risk: 'medium' };
    case 'pip_pin': {
      if (!PINNABLE.has(fix.package) || !SPECIFIER.test(fix.specifier)) throw new RangeError(`${JSON.stringify(fix.package + fix.specifier)} is not a pin that may be made`);
      return { words: `pin ${fix.package}${fix.specifier}`, command: `${PIP} ${shellQuote(fix.package + fix.specifier)}`, undo: 'install the version that was there before', risk: 'medium' };
    }
    case 'apt_install': {
      if (!APT_NAMES.has(fix.package)) throw new RangeError(`${JSON.stringify(fix.package)} is not in the map of system packages`);
      const install = `apt-get install -y -qq --no-install-recommends ${fix.package}`;
      return { words: `apt install ${fix.package}`, command: `export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && ${install}`, undo: `apt-get remove -y ${fix.package}`, risk: 'low' };
    }
    case 'free_disk':
      // Only what can be fetched again. The model hub's cache stays: downloading it again costs more than it frees.
      return { words: 'free the disk from the caches of pip, apt and old temporary files', command: FREE_DISK, undo: null, risk: 'medium' };
    case 'clear_shm':
      return { words: 'remove segments that dead workers left in shared memory', command: 'find /dev/shm -mindepth 1 -maxdepth 1 -type f \\( -name "torch_*" -o -name "sem.*" -o -name "psm_*" -o -name "nccl-*" \\) -delete', undo: null, risk: 'low' };
    case 'grow_shm':
      // Only a privileged container may: elsewhere it fails at once, and the next rung is fewer workers. It cannot be asked for at
      // create: Vast takes variables, ports and the host's name of docker's options, and deals out shared memory by the share of GPUs.
      return { words: 'let shared memory grow to half of the memory', command: 'mount -o remount,size=50% /dev/shm && df -P /dev/shm | tail -n 1', undo: 'restart the container', risk: 'medium' };
    case 'open_files':
      return { words: 'raise the limit of open files', command: append('ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"'), undo: `delete the line from ${ENV_FILE}`, risk: 'low' };
    case 'env_off':
      settingOf(fix);
      // The file keeps its mode: it holds the run's secrets.
      return { words: `take back ${fix.name}=${fix.value}`, command: `umask 077; grep -vxF ${shellQuote(`${fix.name}=${shellQuote(fix.value)}`)} ${ENV_FILE} > ${ENV_FILE}.new; cat ${ENV_FILE}.new > ${ENV_FILE} && rm -f ${ENV_FILE}.new`, undo: `set ${fix.name} again`, risk: 'low' };
    case 'env': {
      const known = settingOf(fix);
      return { words: `set ${fix.name}=${fix.value}`, command: append(`${fix.name}=${shellQuote(fix.value)}`), undo: `delete the line from ${ENV_FILE}`, risk: known.risk };
    }
    case 'pip_version':
      if (!/^\d[0-9a-z.]{0,30}$/.test(fix.version)) throw new RangeError(`${JSON.stringify(fix.version)} is not a version`);
      return { words: `pip install ${fix.package}==${fix.version}`, command: `${pipInstall(fix.package)}==${fix.version}`, undo: 'install the version that was there before', risk: 'medium' };
    case 'set_env':
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(fix.name)) throw new RangeError(`${JSON.stringify(fix.name)} is not the name of a variable`);
      return { words: `set ${fix.name}=${fix.value}`, command: append(`${fix.name}=${shellQuote(fix.value)}`), undo: `delete the line from ${ENV_FILE}`, risk: 'medium' };
    case 'patch': {
      const n = Math.trunc(fix.patch);
      const command = `sh .vastsit/patch.sh apply ${n} ${fix.files.map(shellQuote).join(' ')}`;
      return { words: `patch ${n} (${fix.files.join(', ')}, +${fix.added} -${fix.removed})`, command, undo: `sh .vastsit/patch.sh revert ${n}`, risk: 'medium' };
    }
  }
}

/** One of each kind, for the tables that people read. */
export const EXAMPLES: readonly Fix[] = [
  { kind: 'pip_install', package: 'einops' },
  { kind: 'pip_pin', package: 'numpy', specifier: '<2' },
  { kind: 'apt_install', package: 'libgl1' },
  { kind: 'free_disk' },
  { kind: 'clear_shm' },
  { kind: 'grow_shm' },
  { kind: 'open_files' },
  { kind: 'env', name: 'PYTORCH_CUDA_ALLOC_CONF', value: 'expandable_segments:True' },
];

/** What lies on one machine: done where it is needed, and not again on the next instance. */
export const isLocal = ({ kind }: Fix): boolean => kind === 'env_off' || kind === 'free_disk' || kind === 'clear_shm' || kind === 'grow_shm';

/** The same, or null for what is not of the catalogue: for journals and other people's proposals. */
export function knownFacts(fix: Fix): FixFacts | null {
  try {
    return factsOf(fix);
  } catch {
    return null;
  }
}

/** The exact command of a pip fix. The name is a validated package name, never log text. */
export function pipInstall(name: string): string {
  if (!PACKAGE.test(name)) throw new RangeError(`${JSON.stringify(name)} is not a package name`);
  return `${PIP} ${name}`;
}

const append = (line: string): string => `grep -qxF ${shellQuote(line)} ${ENV_FILE} || printf '%s\\n' ${shellQuote(line)} >> ${ENV_FILE}`;

const FREE_DISK = [
  'pip cache purge >/dev/null 2>&1',
  'rm -rf "$HOME"/.cache/pip "$HOME"/.cache/uv',
  'apt-get clean >/dev/null 2>&1',
  // Where apt itself keeps them: fetched again by the next update.
  `lists=$(apt-config shell d Dir::State::lists/d 2>/dev/null | sed -n "s/^d='\\(.*\\)'$/\\1/p"); [ -z "$lists" ] || rm -rf "$lists"*`,
  // Names that pip and Python's tempfile give, untouched for an hour.
  'find "${TMPDIR:-/tmp}" -mindepth 1 -maxdepth 1 \\( -name "pip-*" -o -name "tmp????????" \\) -mmin +60 -exec rm -rf {} +',
  'df -P . | tail -n 1',
].join('; ');

/** Settings that may be made, each for the words of a log that call for it. A variable that the spec sets is the owner's. */
const ENVIRONMENT: readonly { name: string; value: string; causes: readonly Cause[]; when: RegExp; risk: Risk }[] = [
  { name: 'MKL_THREADING_LAYER', value: 'GNU', causes: ['dependency_version_mismatch', 'unknown'], when: /MKL_THREADING_LAYER=INTEL is incompatible/, risk: 'low' },
  { name: 'PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION', value: 'python', causes: ['dependency_version_mismatch'], when: /Descriptors cannot (?:not )?be created directly/, risk: 'low' },
  { name: 'NCCL_IB_DISABLE', value: '1', causes: ['nccl_comm', 'stall'], when: /ibv_\w+ failed|NET\/IB ?: ?(?:Got completion|.{0,80}failed)|Call to ibv_/, risk: 'low' },
  { name: 'NCCL_NVLS_ENABLE', value: '0', causes: ['nccl_comm'], when: /nvls(?:Alloc|.{0,60}(?:fail|error))|transport\/nvls\.cc/i, risk: 'low' },
  { name: 'NCCL_P2P_DISABLE', value: '1', causes: ['nccl_comm', 'stall'], when: /transport\/p2p\.cc|P2P.{0,80}(?:fail|error|not supported)|peer access is not supported/i, risk: 'low' },
  { name: 'NCCL_SHM_DISABLE', value: '1', causes: ['nccl_comm', 'shm_dataloader'], when: /Error while creating shared memory segment|\/dev\/shm\/nccl-/, risk: 'low' },
  { name: 'TOKENIZERS_PARALLELISM', value: 'false', causes: ['stall', 'shm_dataloader'], when: /huggingface\/tokenizers: The current process just got forked/, risk: 'low' },
  { name: 'PYTORCH_CUDA_ALLOC_CONF', value: 'expandable_segments:True', causes: ['gpu_oom'], when: /reserved by PyTorch but unallocated/, risk: 'low' },
];

/** Settings that may make a healthy run faster, by what holds it back. `gain`: the expected rise of the step rate. */
export const TUNING: readonly { name: string; value: string; answers: 'data' | 'compute' | 'memory'; gain: number; risk: Risk }[] = [
  // Loader processes that each start a thread a core wait for each other.
  { name: 'OMP_NUM_THREADS', value: '1', answers: 'data', gain: 0.1, risk: 'low' },
  { name: 'PYTORCH_CUDA_ALLOC_CONF', value: 'expandable_segments:True', answers: 'memory', gain: 0.05, risk: 'low' },
  // Rounds the factors of matrix products to 10 bits.
  { name: 'NVIDIA_TF32_OVERRIDE', value: '1', answers: 'compute', gain: 0.2, risk: 'medium' },
];

function settingOf(fix: { name: string; value: string }): { risk: Risk } {
  const known = [...ENVIRONMENT, ...TUNING].find(({ name, value }) => name === fix.name && value === fix.value);
  if (!known) throw new RangeError(`${JSON.stringify(fix.name)} is not in the list of settings`);
  return known;
}

/** Shared libraries and commands, and the Debian package that brings each. */
const APT: Readonly<Record<string, string>> = {
  'libGL.so.1': 'libgl1', 'libEGL.so.1': 'libegl1', 'libOpenGL.so.0': 'libopengl0', 'libglib-2.0.so.0': 'libglib2.0-0', 'libgthread-2.0.so.0': 'libglib2.0-0', 'libSM.so.6': 'libsm6', 'libICE.so.6': 'libice6',
  'libXext.so.6': 'libxext6', 'libXrender.so.1': 'libxrender1', 'libX11.so.6': 'libx11-6', 'libxcb.so.1': 'libxcb1', 'libgomp.so.1': 'libgomp1', 'libsndfile.so.1': 'libsndfile1', 'libsndfile.so': 'libsndfile1', 'libsox.so': 'libsox-dev', 'libaio.so.1': 'libaio1',
  'libnuma.so.1': 'libnuma1', 'libibverbs.so.1': 'libibverbs1', 'librdmacm.so.1': 'librdmacm1', 'libgfortran.so.5': 'libgfortran5', 'libopenblas.so.0': 'libopenblas0', 'libmagic.so.1': 'libmagic1', 'libffi.so.8': 'libffi8', 'libjpeg.so.8': 'libjpeg-turbo8', 'libpng16.so.16': 'libpng16-16', 'libturbojpeg.so.0': 'libturbojpeg', 'libespeak-ng.so.1': 'libespeak-ng1',
  git: 'git', 'git-lfs': 'git-lfs', ffmpeg: 'ffmpeg', ffprobe: 'ffmpeg', gcc: 'build-essential', 'g++': 'build-essential', cc: 'build-essential', make: 'build-essential', cmake: 'cmake', ninja: 'ninja-build', wget: 'wget', curl: 'curl', unzip: 'unzip', zip: 'zip', zstd: 'zstd', pigz: 'pigz', xz: 'xz-utils', aria2c: 'aria2', rsync: 'rsync', sox: 'sox', java: 'default-jre-headless', 'espeak-ng': 'espeak-ng', tmux: 'tmux', numactl: 'numactl', jq: 'jq', pdftoppm: 'poppler-utils', tesseract: 'tesseract-ocr',
};
const APT_NAMES = new Set(Object.values(APT));

/** Libraries whose version may be changed. Frameworks with a CUDA build of their own are not: a wrong one costs hours. */
const PINNABLE = new Set('numpy,scipy,pandas,pillow,protobuf,tokenizers,transformers,accelerate,datasets,peft,trl,safetensors,huggingface-hub,fsspec,tqdm,regex,urllib3,requests,packaging,filelock,pyyaml,typing-extensions,pydantic,setuptools,scikit-learn,sentencepiece,diffusers,evaluate,timm,einops,pyarrow,dill,multiprocess,gymnasium,matplotlib,opencv-python-headless,jinja2,click,rich,omegaconf,hydra-core,pytorch-lightning,lightning,torchmetrics'.split(','));

/** Breaks that everybody met: what the log says, and the release before it. */
const PINS: readonly { when: RegExp; package: string; specifier: string }[] = [
  { when: /compiled using NumPy 1\.x|numpy\.dtype size changed|_ARRAY_API not found|module compiled against (?:API|ABI) version/, package: 'numpy', specifier: '<2' },
  { when: /module 'numpy' has no attribute '(?:float|int|bool|object|str|long|complex)'/, package: 'numpy', specifier: '<1.24' },
  { when: /cannot import name 'cached_download' from 'huggingface_hub/, package: 'huggingface-hub', specifier: '<0.26' },
  { when: /module 'PIL\.Image' has no attribute '(?:ANTIALIAS|LINEAR|CUBIC)'/, package: 'pillow', specifier: '<10' },
  { when: /No module named 'pkg_resources'|module 'pkgutil' has no attribute 'ImpImporter'/, package: 'setuptools', specifier: '<81' },
];

/** Fixes that this log calls for, the likeliest first; empty when none is safe. `log` is data: only known shapes are read. */
export function fixesFor(cause: Cause, log: string): Fix[] {
  const text = log.slice(-64 * 1024);
  const fixes: Fix[] = [];
  if (cause === 'disk_full') fixes.push({ kind: 'free_disk' });
  if (cause === 'shm_dataloader') {
    if (/Too many open files|received \d+ items of ancdata|Errno 24\b/.test(text)) fixes.push({ kind: 'open_files' });
    else fixes.push({ kind: 'clear_shm' }, { kind: 'grow_shm' });
  }
  if (cause === 'dependency_version_mismatch' || cause === 'missing_dependency') fixes.push(...aptFixes(text));
  if (cause === 'dependency_version_mismatch') fixes.push(...pins(text));
  for (const { name, value, causes, when } of ENVIRONMENT) {
    if (causes.includes(cause) && when.test(text) && (cause !== 'gpu_oom' || fragmented(text))) fixes.push({ kind: 'env', name, value });
  }
  return fixes;
}

function aptFixes(text: string): Fix[] {
  const wanted = [
    ...text.matchAll(/\b(lib[\w.+-]{1,60}?\.so(?:\.\d{1,3})*): cannot open shared object file/g),
    ...text.matchAll(/(?:^|[\s:])([A-Za-z0-9+_-]{1,30}): (?:command )?not found$/gm),
    ...text.matchAll(/No such file or directory: '([A-Za-z0-9+_-]{1,30})'/g),
  ].flatMap(([, name]) => (name !== undefined && Object.hasOwn(APT, name) ? [APT[name] ?? ''] : []));
  return [...new Set(wanted)].map((name) => ({ kind: 'apt_install', package: name }));
}

/** `x>=1,<2 is required for a normal functioning` and pip's `a 1 requires x<2,>=1`: rebuilt from a known name and digits. */
function pins(text: string): Fix[] {
  const known = PINS.find(({ when }) => when.test(text));
  if (known) return [{ kind: 'pip_pin', package: known.package, specifier: known.specifier }];
  const stated = [
    ...text.matchAll(/([A-Za-z][\w.-]{0,60})((?:[<>=!~]=?\d[\d.]{0,20},?){1,3}) is required for a normal functioning/g),
    ...text.matchAll(/\brequires ([A-Za-z][\w.-]{0,60}?)((?:[<>=!~]=?\d[\d.]{0,20},?){1,3}),? but (?:you have|you'll have|found)\b/g),
  ];
  for (const [, name = '', wanted = ''] of stated) {
    const fix: Fix = { kind: 'pip_pin', package: name.toLowerCase().replaceAll('_', '-'), specifier: wanted.replace(/[,.]+$/, '') };
    if (PINNABLE.has(fix.package) && SPECIFIER.test(fix.specifier)) return [fix];
  }
  return [];
}

/** Torch says how much it holds without using it: another allocator helps only when that would have been enough. */
function fragmented(text: string): boolean {
  const size = (match: RegExpExecArray | null): number | null => (match ? Number(match[1]) * (match[2] === 'GiB' ? 1_024 : match[2] === 'KiB' ? 1 / 1_024 : 1) : null);
  const tried = size(/Tried to allocate ([\d.]{1,12}) ([KMG]iB)/.exec(text));
  const unused = size(/and ([\d.]{1,12}) ([KMG]iB) is reserved by PyTorch but unallocated/.exec(text));
  return tried !== null && unused !== null && unused >= tried;
}
