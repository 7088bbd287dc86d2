/**
 * The one compact line of a run: `ts state step rate gpu mem eval action next_eta`. The status table, `status`, `watch`
 * and the journal all show these nine words, so they are made in one place.
 */
import type { Fix } from './fixes.ts';
import { cleanLine } from './text.ts';
import type { GpuReading } from './probe.ts';
import { isAway, type RunState } from './state.ts';
import { endsAt, stopsFirst } from './teardown.ts';
import { onTrial } from './tune.ts';

export interface CompactLine {
  /** ISO, UTC, seconds. */
  ts: string;
  state: string;
  step: string;
  rate: string;
  gpu: string;
  mem: string;
  eval: string;
  action: string;
  next_eta: string;
}

export const COLUMNS = ['ts', 'state', 'step', 'rate', 'gpu', 'mem', 'eval', 'action', 'next_eta'] as const satisfies readonly (keyof CompactLine)[];

const UNKNOWN = '-';

export function compactLine(run: RunState, now: number): CompactLine {
  const reading = run.progress?.reading ?? null;
  const gpus = run.check?.reading?.gpus ?? null;
  const live = run.stage === 'training';
  return {
    ts: new Date(run.check?.at ?? run.stage_since).toISOString().slice(0, 19) + 'Z',
    state: stateWord(run),
    step: reading?.step == null ? UNKNOWN : reading.total_steps === null ? String(reading.step) : `${reading.step}/${reading.total_steps}`,
    rate: reading?.rate && live ? `${figure(reading.rate.value)} ${cleanLine(reading.rate.unit, 12)}` : UNKNOWN,
    gpu: gpus && live ? percent(mean(gpus.map((gpu) => gpu.util))) : UNKNOWN,
    mem: gpus && live ? percent(mean(gpus.map(memShare))) : UNKNOWN,
    eval: evalWord(run),
    action: actionWord(run, now),
    next_eta: nextWord(run, now),
  };
}

/** The line as text, for journals and terminals that show no table. */
export const lineText = (line: CompactLine): string => COLUMNS.map((column) => line[column]).join(' ');

/** Readable without colour: one word, upper case only when a person should look. */
export function stateWord(run: RunState): string {
  if (run.stage === 'closed') return run.verdict === 'done' || run.verdict === 'early_stopped' ? 'done' : run.verdict === 'destroyed_by_user' ? 'ended' : 'FAILED';
  if (run.hold) return 'hold';
  if (isAway(run) && run.verdict === null) return 'AWAY';
  if (run.incident && run.stage !== 'training') return run.stage === 'rescuing' ? 'rescue' : 'REPAIR';
  switch (run.stage) {
    case 'searching':
    case 'renting':
      return 'rent';
    case 'loading':
      return 'load';
    case 'connecting':
    case 'preparing':
    case 'starting':
      return 'setup';
    case 'training':
      return run.incident ? (run.attempt > run.incident.attempt ? 'proving' : 'ALERT') : 'train';
    case 'ended':
      return 'ended';
    case 'repairing':
      return onTrial(run) ? 'tune' : 'REPAIR';
    case 'rescuing':
      return 'rescue';
    case 'tearing_down':
      return stopsFirst(run) ? 'stop' : 'destroy';
  }
}

function evalWord(run: RunState): string {
  const reading = run.progress?.reading;
  if (!reading) return UNKNOWN;
  const [name, value] = Object.entries(reading.eval ?? {})[0] ?? [];
  if (name !== undefined && value !== undefined) return `${cleanLine(name, 14).replace(/^eval_/, '')} ${figure(value)}`;
  return reading.loss === null ? UNKNOWN : `loss ${figure(reading.loss)}`;
}

function actionWord(run: RunState, now: number): string {
  if (run.stage === 'closed') return 'none';
  if (run.destroy_pending) return 'can undo';
  if (run.hold) return `held ${span(run.hold.until - now)}`;
  if (isAway(run) && run.verdict === null) return run.away?.asked_at == null ? 'wait' : run.away.kind === 'outbid' ? 'raise bid' : 'wake';
  const remedy = run.repair?.remedy ?? (run.incident && run.attempt > run.incident.attempt ? run.incident.remedies.at(-1)?.remedy : undefined);
  if (remedy) {
    switch (remedy.rung) {
      case 'rerun':
        return 'rerun';
      case 'fix':
        return fixWord(remedy.fix);
      case 'reduce':
        return `${remedy.knob} ${figure(remedy.from)}>${figure(remedy.to)}`;
      case 'switch':
        return 'switch';
    }
  }
  if (run.brain.consult.stage === 'asked') return 'ask model';
  if (run.brain.consult.stage === 'pending') return 'your word';
  switch (run.stage) {
    case 'searching':
      return 'search';
    case 'renting':
      return run.renting?.unclear ? 'find' : 'create';
    case 'loading':
      return 'wait';
    case 'connecting':
      return 'ssh';
    case 'preparing':
      return 'upload';
    case 'starting':
      return 'start';
    case 'training':
      return 'watch';
    case 'ended':
      return 'judge';
    case 'repairing':
      return 'repair';
    case 'rescuing':
      return 'bring home';
    case 'tearing_down':
      return 'destroy';
  }
}

function fixWord(fix: Fix): string {
  switch (fix.kind) {
    case 'pip_install':
    case 'pip_pin':
    case 'pip_version':
      return `pip ${cleanLine(fix.package, 20)}`;
    case 'apt_install':
      return `apt ${cleanLine(fix.package, 20)}`;
    case 'env':
    case 'env_off':
    case 'set_env':
      return `env ${cleanLine(fix.name, 20)}`;
    case 'patch':
      return `patch ${fix.patch}`;
    case 'free_disk':
    case 'clear_shm':
    case 'grow_shm':
    case 'open_files':
      return fix.kind.replace('_', ' ');
  }
}

/** Time to the next check while it trains, and to the end of an instance that still has its grace; `now` when something is under way. */
function nextWord(run: RunState, now: number): string {
  if (run.stage === 'closed') return UNKNOWN;
  if (isAway(run) && run.verdict === null) return UNKNOWN;
  if (run.stage === 'tearing_down') return span(endsAt(run) - now);
  if (run.stage === 'training' && run.cadence) return span(run.cadence.next_at - now);
  return 'now';
}

/** 45s, 12m, 3h20, 2d4h: never wider than six characters. Negative spans read `now`. */
export function span(ms: number): string {
  if (ms <= 0) return 'now';
  const s = Math.ceil(ms / 1_000);
  if (s < 90) return `${s}s`;
  const m = Math.round(s / 60);
  if (m < 90) return `${m}m`;
  const h = Math.floor(m / 60);
  return h < 48 ? `${h}h${String(m % 60).padStart(2, '0')}` : `${Math.floor(h / 24)}d${h % 24}h`;
}

/** At most five significant characters. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 100_000)) return value.toExponential(1);
  return String(Number(size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toPrecision(3)));
}

const memShare = (gpu: GpuReading): number | null => (gpu.mem_used === null || !gpu.mem_total ? null : (100 * gpu.mem_used) / gpu.mem_total);
const percent = (value: number | null): string => (value === null ? UNKNOWN : `${Math.round(value)}%`);

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0) / known.length;
}
