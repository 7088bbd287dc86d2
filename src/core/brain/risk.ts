/**
 * How much harm a proposal could do if its author had been talked into it. Not a virus scanner: what is plainly arithmetic on
 * tensors and settings passes; whatever reaches out of the training (processes, network, files, environment, loaders) is for
 * a person to read.
 */
import { globMatcher } from '../glob.ts';
import type { Spec } from '../spec.ts';
import { knownPackages } from '../triage/packages.ts';
import type { Diff } from './diff.ts';

/** Why a person must look; null when code may go ahead. */
export type Worry = string | null;

const CODE = /\.(py|js|mjs|cjs|ts|jl|r|json|ya?ml|toml|cfg|ini)$/i;
/** Files that install, build or get loaded by themselves. */
const LOADED = /(^|\/)(requirements[^/]*|setup\.(py|cfg)|pyproject\.toml|conftest\.py|sitecustomize\.py|usercustomize\.py|package(-lock)?\.json|Makefile|Dockerfile|environment\.ya?ml|tsconfig\.json)$/i;
const REACHES_OUT =
  /https?:|ftp:|wss?:|s3:|gs:|\bwww\.|\\[xu0-7]|`\s*\$|\b(exec|eval|compile|globals|locals|getattr|setattr|delattr|vars|breakpoint|input|open|popen|system|spawn\w*|fork|kill\w*|subprocess|socket\w*|requests?|urllib\w*|urlopen|httpx?|aiohttp|fetch|axios|curl|wget|ssh|ftp\w*|smtp\w*|telnet\w*|environ\w*|getenv|putenv|os|sys|shutil|pathlib|ctypes|cffi|pickle|marshal|dill|joblib|importlib|runpy|builtins|codecs|base64|binascii|zlib|tempfile|atexit|signal|multiprocessing|threading|asyncio|pty|child_process|process|globalThis|constructor|prototype|require|fs|net|dns|vm|worker_threads|readFile\w*|writeFile\w*|appendFile\w*|rm|rmSync|rmtree|unlink\w*|rename\w*|remove|rmdir|chmod|chown|symlink|truncate|torch\.load|load_state_dict|hub|push_to_hub|from_pretrained|load_dataset|trust_remote_code|upload\w*|download\w*|webhook|callback_url|proxy|endpoint|token|tokens_file|password|passwd|secret\w*|credential\w*|api_?key|private_key|exit|quit|abort)\b|__\w+__|\bimport\s*\(|!!|\$\(/i;
/** The same in words that mean something else in lower case. */
const REACHES_OUT_AS_WRITTEN = /\b(Function|Reflect|Proxy)\b|\$\{?[A-Z_]{3,}/;
const IMPORTS = /^\s*(import|from)\b/;
const HARMLESS_IMPORT = /^\s*(import (math|torch|numpy|functools|itertools|collections|typing|dataclasses|einops)( as \w+)?|import torch\.nn(\.functional)?( as \w+)?|from (__future__|math|torch|torch\.nn|torch\.nn\.functional|numpy|functools|itertools|collections|typing|dataclasses|einops) import [\w, ]+)\s*$/;

/** `share` of the allowed lines that are applied unasked, by the experiment's own complexity: the harder it is to foresee, the smaller. */
const UNASKED_SHARE = { simple: 1, moderate: 0.5, complex: 0 } as const;

export function diffWorry(spec: Spec, diff: Diff, allowedLines: number): Worry {
  const changed = diff.added.length + diff.removed.length;
  const uploaded = spec.upload.map((path) => path.replace(/^(\.\/)+|\/+$/g, ''));
  for (const { path, created } of diff.files) {
    if (created) return `it makes a new file, ${path}`;
    if (LOADED.test(path) || !CODE.test(path)) return `${path} is not a plain source or settings file`;
    if (!uploaded.some((root) => root === '' || path === root || path.startsWith(`${root}/`))) return `${path} is none of the files that the spec uploads`;
  }
  for (const line of diff.added) {
    if (IMPORTS.test(line) ? !HARMLESS_IMPORT.test(line) : REACHES_OUT.test(line) || REACHES_OUT_AS_WRITTEN.test(line)) return `an added line may reach out of the training: ${line.trim().slice(0, 100)}`;
    if (/^\s*[!%]/.test(line)) return `an added line is a command: ${line.trim().slice(0, 100)}`;
  }
  if (changed > allowedLines * UNASKED_SHARE[spec.complexity]) return `${changed} changed lines are much for a ${spec.complexity} experiment`;
  return null;
}

/** Results and checkpoints are evidence; no diff may touch them. */
export const touchesResults = (spec: Spec, path: string): boolean => globMatcher([...spec.artifacts, ...(spec.checkpoints?.path ?? [])])(path);

const PACKAGE = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,80}[A-Za-z0-9])?$/;
const VERSION = /^[0-9]{1,5}(\.[0-9]{1,5}){0,4}((a|b|rc|\.post|\.dev)[0-9]{1,4})?$/;
/** What the image was built around: another version of it is another experiment. */
const FOUNDATION = /^(torch|torchvision|torchaudio|jax|jaxlib|tensorflow|nvidia-.*|cuda-.*|cupy.*|triton|pip|setuptools|wheel|uv|conda)$/i;

export const badPackage = (name: string, version: string | null): Worry => (!PACKAGE.test(name) ? 'that is not a package name' : version !== null && !VERSION.test(version) ? 'that is not a plain version number' : null);

export function packageWorry(name: string, missing: string | undefined): Worry {
  if (FOUNDATION.test(name)) return `${name} belongs to the foundation of the image`;
  // Anyone may publish anything: a name is trusted when we knew it before this log was written.
  return knownPackages().has(fold(name)) || (missing !== undefined && fold(missing) === fold(name)) ? null : `${name} is no package that this program knows`;
}

const fold = (name: string): string => name.toLowerCase().replace(/[._-]+/g, '-');

/** Settings of the runtime that change speed, memory or talkativeness, and nothing else. */
const TUNING =
  /^(PYTORCH_(CUDA_)?ALLOC_CONF|PYTORCH_NO_CUDA_MEMORY_CACHING|CUDA_LAUNCH_BLOCKING|CUDA_DEVICE_MAX_CONNECTIONS|CUBLAS_WORKSPACE_CONFIG|TORCH_NCCL_[A-Z_]+|NCCL_(DEBUG|P2P_DISABLE|P2P_LEVEL|IB_DISABLE|SHM_DISABLE|TIMEOUT|ASYNC_ERROR_HANDLING|BLOCKING_WAIT)|OMP_NUM_THREADS|MKL_NUM_THREADS|OPENBLAS_NUM_THREADS|NUMEXPR_MAX_THREADS|TOKENIZERS_PARALLELISM|TORCHDYNAMO_DISABLE|TORCHINDUCTOR_COMPILE_THREADS|WANDB_MODE|WANDB_DISABLED|HF_HUB_DISABLE_XET|HF_HUB_DOWNLOAD_TIMEOUT|TF_CPP_MIN_LOG_LEVEL|TF_FORCE_GPU_ALLOW_GROWTH|XLA_PYTHON_CLIENT_(PREALLOCATE|MEM_FRACTION)|TRANSFORMERS_VERBOSITY|NVIDIA_TF32_OVERRIDE)$/;
/** Names through which a value becomes code, a destination, or a way past a check. */
const FORBIDDEN = /^(LD_|DYLD_|PYTHON(?!HASHSEED$|UNBUFFERED$|FAULTHANDLER$)|PATH$|HOME$|SHELL$|ENV$|BASH|IFS$|PS[0-9]$|NODE_|NPM_|PIP_|UV_|CONDA|PERL|RUBY|JAVA|GIT_|SSH|CURL_|SSL_|REQUESTS_|VAST|CONTAINER_|PROMPT_|LC_|LANG|TMP|TERM)|PROXY|URL|URI|ENDPOINT|HOST|SERVER|REGISTRY|INDEX|MIRROR|TOKEN|SECRET|KEY|PASS|CREDENTIAL|AUTH|CERT|PRELOAD|LIBRARY|STARTUP|HOOK|CALLBACK|TRUST/i;
const VALUE = /^[A-Za-z0-9_.,:+=-]{1,120}$/;

export function badEnv(spec: Spec, name: string, value: string): Worry {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,80}$/.test(name)) return 'that is not the name of an environment variable';
  if (typeof (spec.env[name] ?? '') !== 'string') return `${name} is a secret of the spec`;
  if (!TUNING.test(name) && FORBIDDEN.test(name)) return `${name} could lead the run elsewhere, or load code`;
  return VALUE.test(value) ? null : 'a value is one plain word (letters, digits and _ . , : + = -)';
}

export const envWorry = (name: string): Worry => (TUNING.test(name) ? null : `${name} is no setting that this program knows to be harmless`);
