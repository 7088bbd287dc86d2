/** The state of the training loop, built record by record: the last value that was really shown wins. */
import type { Bar } from './bars.ts';
import { runsOn, STOPPED, type Clock } from './elapsed.ts';
import { fold, TRAIN_LOSS } from './labels.ts';
import { rateRank, stepsPerSecond, type Rate } from './rates.ts';
import type { LineRecord } from './record.ts';

export type Activity = 'training' | 'evaluating' | 'saving' | 'preparing' | 'downloading' | 'compiling';

/** Plain and immutable inside, so that a copy is one spread. */
export interface Track extends Clock {
  step: number | null;
  total: number | null;
  epoch: number | null;
  outerEpoch: number | null;
  loss: number | null;
  lossRank: number;
  /** A loss was seen that is called the training's. */
  trainNamed: boolean;
  lr: number | null;
  rate: Rate | null;
  stepSeconds: number | null;
  eta: number | null;
  eval: Readonly<Record<string, number>> | null;
  /** The newest record was an evaluation's: further metrics join it instead of replacing it. */
  evalOpen: boolean;
  diverged: boolean;
  deadGradients: number;
  runaways: number;
  /** The smallest magnitude of the loss so far. */
  smallestLoss: number;
  /** A step with company was seen: lonely numbers called "step" are ignored from then on. */
  sureStep: boolean;
  /** The bar that is taken for the training loop's. `sure`: something proved it (a loss, a second pass, the declared total). */
  bar: { total: number | null; step: number; sure: boolean; /** The total of the one that it took the place of. */ before: number | null } | null;
  declaredTotal: number | null;
  /** Lines count "66/30000": a lone "Total steps" among them counts something else. */
  counted: boolean;
  format: string | null;
  activity: Activity | null;
}

export const BLANK: Track = {
  ...STOPPED,
  step: null, total: null, epoch: null, outerEpoch: null, loss: null, lossRank: 0, trainNamed: false, lr: null, rate: null, stepSeconds: null, eta: null, eval: null, evalOpen: false,
  diverged: false, deadGradients: 0, runaways: 0, smallestLoss: Infinity, sureStep: false, bar: null, declaredTotal: null, counted: false, format: null, activity: null,
};

/** A loss this far out has run away even though it is still a number: when it is negative, or was far smaller before. */
const RUNAWAY = 1e8;
const RUNAWAY_GROWTH = 1e4;
/** So many records in a row: one spike is none. */
const PERSISTS = 3;

function finite(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value);
}

/** Folds one line's record into the track (in place). */
export function applyRecord(track: Track, record: LineRecord): void {
  if (record.context === 'eval') {
    if (record.eval) addEval(track, record.eval);
    if (finite(record.epoch)) track.epoch = record.epoch;
    track.activity = 'evaluating';
    return;
  }
  const stepped = takeStep(track, record);
  const trained = takeLoss(track, record) || stepped;
  if (trained) track.evalOpen = false;
  if (trained || record.rate || record.epoch !== undefined) track.activity = 'training';
  if (record.format && (record.step !== undefined || record.loss !== undefined)) track.format = record.format;
  if (finite(record.epoch)) track.epoch = record.epoch;
  if (finite(record.lr)) track.lr = record.lr;
  // Who tells the time that is left knows what a step takes.
  if (record.timed !== undefined && record.eta === undefined && runsOn(track, record.timed)) {
    track.rate = track.stepSeconds = null;
    return takeFigures(track, record);
  }
  // A line that says nothing but a speed (one line of a block of metrics) doesn't hide one that says more.
  if (record.rate && finite(record.rate.value) && (trained || !track.rate || rateRank(record.rate.unit) >= rateRank(track.rate.unit))) {
    track.rate = record.rate;
    track.stepSeconds = record.stepSeconds ?? null;
  }
  takeFigures(track, record);
}

function takeFigures(track: Track, record: LineRecord): void {
  if (finite(record.eta)) track.eta = record.eta;
  if (record.eval) {
    addEval(track, record.eval);
    if (record.loss === undefined && record.step === undefined) track.activity = 'evaluating';
  }
}

function takeStep(track: Track, record: LineRecord): boolean {
  if (!finite(record.step)) {
    if (finite(record.total) && !track.counted) {
      track.declaredTotal = record.total;
      track.total = record.total;
      track.bar = null;
    }
    return false;
  }
  if (record.weakStep && track.sureStep) return false;
  // A step beyond the end of the training bar counts something else: the run, where the bar counts the epoch.
  if (!finite(record.total) && track.bar?.sure && track.bar.total !== null && record.step > track.bar.total) return true;
  if (!record.weakStep) track.sureStep = true;
  if (finite(record.total) && record.shape === 'line') track.counted = true;
  const known = track.step;
  const rounds = record.slack !== undefined && known !== null && Math.abs(known - record.step) < record.slack;
  if (!rounds) track.step = record.step;
  if (finite(record.total)) track.total = record.total;
  else if (track.total !== null && record.step > track.total) track.total = null;
  return true;
}

function takeLoss(track: Track, record: LineRecord): boolean {
  const { loss, lossRank = 10 } = record;
  // A loss of zero is a loss that is gone; none at all may just not be shown.
  if (record.deadGradient) track.deadGradients += loss === undefined ? 1 : 2;
  else if (loss !== undefined) track.deadGradients = 0;
  if (track.deadGradients >= PERSISTS) track.diverged = true;
  if (loss === undefined || (lossRank <= 3 && track.lossRank > 3)) return false;
  // Under the lines of an evaluation, a loss of another name is the evaluation's.
  if (lossRank <= 2 && track.evalOpen && record.step === undefined && record.epoch === undefined && record.shape === 'line') return false;
  // Where the training's loss is called so, one that isn't, and that counts nothing, is another's.
  if (track.trainNamed && lossRank > TRAIN_LOSS && record.shape === 'line' && (record.step ?? record.epoch ?? record.lr ?? record.rate) === undefined) return false;
  track.trainNamed = track.trainNamed || lossRank === TRAIN_LOSS;
  track.lossRank = Math.max(track.lossRank, lossRank);
  const size = Math.abs(loss);
  track.runaways = size >= RUNAWAY && (loss < 0 || size >= track.smallestLoss * RUNAWAY_GROWTH) ? track.runaways + 1 : 0;
  if (size < track.smallestLoss) track.smallestLoss = size;
  track.diverged = !Number.isFinite(loss) || track.runaways >= PERSISTS || track.deadGradients >= PERSISTS;
  track.loss = Number.isFinite(loss) ? loss : null;
  if (track.bar) track.bar = { ...track.bar, sure: true };
  return true;
}

function addEval(track: Track, metrics: Record<string, number>): void {
  const finite = Object.entries(metrics).filter(([, value]) => Number.isFinite(value));
  if (finite.length === 0) return;
  const names = new Set(finite.map(([name]) => fold(name)));
  const kept = track.evalOpen && track.eval ? Object.entries(track.eval).filter(([name]) => !names.has(fold(name))) : [];
  track.eval = Object.fromEntries([...kept, ...finite]);
  track.evalOpen = true;
}

/** Folds a bar into the track; `extra` is what its description and postfix say. */
export function applyBar(track: Track, bar: Bar, extra: LineRecord | null): void {
  if (bar.kind === 'epochs') {
    track.outerEpoch = bar.step;
    return;
  }
  if (!isTrainingBar(track, bar, extra)) {
    track.activity = bar.kind === 'download' ? 'downloading' : bar.kind === 'prepare' ? 'preparing' : bar.kind === 'save' ? 'saving' : 'evaluating';
    return;
  }
  const again = track.bar !== null && track.bar.total === bar.total && bar.step < track.bar.step;
  const sure = bar.kind === 'train' || extra?.loss !== undefined || again || (track.bar?.total === bar.total && track.bar.sure) || (bar.total !== null && bar.total === track.declaredTotal);
  const before = track.bar && track.bar.total !== bar.total ? track.bar.total : (track.bar?.before ?? null);
  track.bar = { total: bar.total, step: bar.step, sure: sure || (track.bar !== null && track.bar.total !== bar.total && track.bar.before === bar.total), before };
  const known = track.step;
  if (known === null || bar.slack === 0 || Math.abs(known - bar.step) >= bar.slack) track.step = bar.step;
  track.total = bar.total;
  if (extra?.step !== undefined && extra.total !== undefined) [track.step, track.total] = [extra.step, extra.total];
  track.sureStep = true;
  if (bar.rate) {
    track.rate = bar.rate;
    track.stepSeconds = null;
  } else if (extra?.rate) track.rate = extra.rate;
  track.eta = bar.eta;
  track.activity = 'training';
  track.format ??= 'tqdm';
  track.evalOpen = false;
  if (!extra) return;
  takeLoss(track, extra);
  if (finite(extra.epoch)) track.epoch = extra.epoch;
  if (finite(extra.lr)) track.lr = extra.lr;
  if (extra.eval) addEval(track, extra.eval);
}

function isTrainingBar(track: Track, bar: Bar, extra: LineRecord | null): boolean {
  if (bar.kind === 'train') return true;
  if (bar.kind !== 'unnamed' && bar.kind !== 'named') return false;
  if (extra?.loss !== undefined) return true;
  if (bar.total === null) return false;
  const known = track.bar;
  if (!known) return track.declaredTotal === null || track.declaredTotal === bar.total;
  if (known.total === bar.total) return true;
  // The one from before an evaluation's begins again; an evaluation is the shorter of the two.
  if (known.before === bar.total && known.total !== null && known.step >= known.total && bar.total > known.total) return true;
  // One that is far along at first sight was there before the one that began at zero.
  if (!known.sure && known.total !== null && bar.total > known.total && bar.step > 1) return true;
  // A bar of another length inside an unfinished one is nested in it: an evaluation, a batch of generations.
  return !known.sure && known.total !== null && known.step >= known.total;
}

/** A new attempt or a new stage begins: the next bar may be of any length. */
export function forgetBar(track: Track): void {
  track.bar = null;
  track.declaredTotal = null;
  track.counted = false;
}

/** Seconds left: as shown, else from the steps that are left. */
export function etaOf(track: Track): number | null {
  if (track.eta !== null) return track.eta;
  const speed = speedOf(track);
  return speed !== null && track.total !== null && track.step !== null && track.total >= track.step ? (track.total - track.step) / speed : null;
}

export function speedOf(track: Track): number | null {
  return stepsPerSecond(track.rate) ?? (track.stepSeconds !== null && track.stepSeconds > 0 ? 1 / track.stepSeconds : null);
}
