/** The question that the first look at a new box asks, and the reading of its answer. */
import type { PreflightReading } from '../../core/preflight.ts';
import { cleanLine } from '../../core/text.ts';

/**
 * One `key value` line each; what the box lacks stays out. PyTorch is asked only where the image has one built for CUDA:
 * what the set-up will install is not there yet. An import that hangs says nothing.
 */
export const PREFLIGHT = String.raw`exec 2>/dev/null
if command -v nvidia-smi >/dev/null; then
  if out=$(timeout 30 nvidia-smi -L 2>&1); then echo "gpus $(printf '%s\n' "$out" | grep -c '^GPU ')"
  else echo "smi_error $(printf %s "$out" | tr '\n' ' ' | cut -c1-200)"; fi
fi
df -Pk . | awk 'NR == 2 { print "disk_free_kb " $4 }'
py=$(command -v python3 || command -v python) || exit 0
timeout 120 "$py" -c '
try:
    import torch
except Exception:
    raise SystemExit
if torch.version.cuda:
    print("torch", torch.__version__)
    try:
        n = torch.cuda.device_count()
        print("devices", n)
        torch.cuda.init()
        x = torch.ones(256, 256, device="cuda")
        print("computes", int((x @ x).sum().item() == 256 ** 3))
    except Exception as e:
        print("torch_error", " ".join(str(e).split())[:200])
'
exit 0`;

/** Reads what PREFLIGHT printed. Total: odd lines say nothing. */
export function readPreflight(text: string): PreflightReading {
  const said = new Map(text.split('\n').map((line): [string, string] => [line.slice(0, line.indexOf(' ')), cleanLine(line.slice(line.indexOf(' ') + 1), 200).trim()]));
  const count = (key: string): number | null => (/^\d+$/.test(said.get(key) ?? '') ? Number(said.get(key)) : null);
  const free = count('disk_free_kb');
  const version = said.get('torch');
  const error = said.get('torch_error') ?? null;
  // Killed in the middle it said neither that it computes nor why not.
  const torch = version !== undefined && (error !== null || said.has('computes')) ? { version, devices: count('devices') ?? 0, computes: said.get('computes') === '1', error } : null;
  return { gpus: count('gpus'), smi_error: said.get('smi_error') ?? null, disk_free_gb: free === null ? null : free / 1024 / 1024, torch };
}
