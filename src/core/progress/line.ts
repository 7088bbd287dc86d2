/** The numbers of one line -> what the line says about training. Knows words and shapes, no framework by name. */
import { Counters } from './counters.ts';
import type { Field } from './scan.ts';
import { isEvalMetric, isUnnamedMetric, PART } from './labels.ts';
import { rateRank, seconds, type Rate } from './rates.ts';
import type { LineRecord } from './record.ts';

/** Reads the fields of `line`; null when they say nothing about training. `evaluates`: the lines above say that it is an evaluation's. */
export function readFields(line: string, fields: readonly Field[], evaluates = false): LineRecord | null {
  if (fields.length === 0) return null;
  draft.reset(line, evaluates);
  for (const field of fields) draft.take(field);
  return draft.finish();
}

/** The rank of a loss that is called just "train" or "total". */
const BARE = 3;
class Draft {
  private line = '';
  private evalContext = false;
  private readonly counts = new Counters();
  private carried: Field['label'] | null = null;
  private lossRank = 0;
  private weakLosses = 0;
  private loss: number | undefined;
  private rate: Rate | undefined;
  private stepSeconds: number | undefined;
  private timeField: Field | null = null;
  private lossAt: Field | null = null;
  private batchTime: number | undefined;
  private timed: number | undefined;
  private bareTime: number | undefined;
  private total: number | undefined;
  private lr: number | undefined;
  private eta: number | undefined;
  private gradient: number | undefined;
  private metrics: Record<string, number> | undefined;
  private auc = false;
  private plain: [string, number][] | undefined;
  /** Figures whose names are no known measure's, before any that is an evaluation's: behind one they are its own ("Val Loss: 0.67 | mP=51.6%"). */
  private unnamed: [string, number][] | undefined;

  reset(line: string, evaluates: boolean): void {
    this.line = line;
    this.counts.reset(line);
    this.carried = this.timeField = this.lossAt = null;
    this.lossRank = this.weakLosses = 0;
    this.loss = this.rate = this.stepSeconds = this.batchTime = this.timed = this.bareTime = this.total = this.lr = this.eta = this.gradient = this.metrics = this.plain = this.unnamed = undefined;
    this.auc = false;
    this.evalContext = evaluates;
    // " * Acc@1 71.2 Acc@5 90.3": how ImageNet trainers sum an evaluation up.
    if (line.charCodeAt(line.charCodeAt(0) === 32 ? 1 : 0) === 42 && /^ ?\* (?:Acc|Prec)@/.test(line)) this.evalContext = true;
  }

  take(field: Field): void {
    if (this.carried && field.label.empty) field = { ...field, label: this.carried };
    this.carried = field.label.carries;
    const { label, value } = field;
    // "train loss 2.5, val loss 2.6": the word before one key doesn't make the next line of keys an evaluation; a heading does.
    // "loss train: 1.8, val: 1.9 | iter time: 412 ms": beside the training's loss, the word alone names a figure.
    const figure = label.evalContext && this.loss !== undefined && /^(?:val|valid|validation|test|eval)$/i.test(label.name) && !Number.isInteger(value);
    if (figure) {
      (this.metrics ??= {})[label.name] = value;
      return;
    }
    if (label.evalContext) this.evalContext = true;
    else if (label.trainContext && label.role === 'loss') this.evalContext = false;
    if (this.evalContext && this.takeMetric(field)) return;
    if (field.rate) this.offerRate({ value: value * field.rate.scale, unit: field.rate.unit });
    // "2epoch:train:", "3/10epoch started"
    if (field.unit === 'epoch' && Number.isInteger(value)) {
      this.counts.epoch ??= field;
      return;
    }
    switch (label.role) {
      case 'step':
        return this.counts.takeStep(field);
      case 'weak_step':
        return this.counts.takeWeak(field);
      case 'epoch':
        return this.counts.takeEpoch(field);
      case 'total':
        if (Number.isInteger(value)) this.total ??= value;
        return;
      case 'loss':
        if (this.loss === undefined && Number.isInteger(value) && value > 0 && field.of === null && field.unit === '') this.lossAt = field;
        return this.takeLoss(label.rank, value);
      case 'bare':
        if (label.name.toLowerCase() === 'total') {
          if (this.counts.step && field.unit === '' && !Number.isInteger(value)) this.takeLoss(BARE, value);
        } else if (field.of === null && !Number.isInteger(value)) this.takeLoss(BARE, value);
        else this.counts.takeLoose(field);
        return;
      case 'lr':
        this.lr ??= value;
        return;
      case 'eta':
        this.eta ??= seconds(this.line.slice(field.at, field.at + 48)) ?? undefined;
        return;
      case 'rate':
        // "RunningAvgSamplesPerSec=58.7, CurrSamplesPerSec=61.3"
        if (/^curr/i.test(label.name) && this.rate?.unit === label.unit) this.rate = undefined;
        if (!field.rate) this.offerRate({ value, unit: label.unit });
        return;
      case 'step_time':
        if (!field.rate) this.batchTime ??= this.inSeconds(field);
        if (!field.rate && (field.unit === 'ms' || label.unit === 'ms')) this.offerRate({ value, unit: 'ms/iter' });
        else if (!field.rate) this.offerRate({ value, unit: 's/it' });
        return;
      case 'time':
        this.timeField ??= field;
        return;
      case 'grad':
        this.gradient = value;
        return;
      case 'eval':
        (this.metrics ??= {})[label.name] = value;
        return;
      case 'auc':
        this.auc = true;
        (this.metrics ??= {})[label.name] = value;
        return;
      case 'metric':
        if (this.metrics && !/^(?:tr(?:ai)?n|Tr[A-Z]|best)/i.test(label.name)) this.metrics[label.name] = value;
        else (this.plain ??= []).push([label.name, value]);
        return;
      case 'none':
        // "250 | loss 4.09 | 13707.39ms"
        if (field.unit === 'ms' && label.empty) this.bareTime = value;
        // "Rate=1765.3 GlobalRate=288.1"
        if (label.name === 'Rate' && this.line.includes(' GlobalRate=')) return this.offerRate({ value, unit: 'samples/s' });
        if (label.figure && field.of === null && (!Number.isInteger(value) || field.unit === '%')) {
          if (this.metrics) this.metrics[label.name] = value;
          else (this.unnamed ??= []).push([label.name, value]);
        }
        // "Train loss 1200 0.4123 Grad Norm 1.2": the count stands between the name and its figure.
        if (label.empty && this.line[field.at - 1] === ' ' && !Number.isInteger(value) && this.counted(field.at)) return;
        return this.counts.takeUnnamed(field);
    }
  }

  /** True when the field belongs to the evaluation that the line is about. */
  private takeMetric({ label, value, of, rate, unit }: Field): boolean {
    if (label.carries) return true;
    if (label.role === 'epoch') return false;
    if (of !== null || rate || label.name === '' || unit === 's' || unit === 'ms') return true;
    const unnamed = !Number.isInteger(value) && (label.role === 'none' || label.role === 'eval') && isUnnamedMetric(label.name);
    const fits = unnamed || label.role === 'eval' || label.role === 'loss' || label.role === 'metric' || label.role === 'auc' || (label.role === 'bare' && !Number.isInteger(value)) || isEvalMetric(label.name);
    if (fits) (this.metrics ??= {})[label.name] = value;
    return true;
  }

  /** Whether the loss before was a count, and what stands here is the loss. */
  private counted(at: number): boolean {
    const before = this.lossAt;
    if (before === null || this.loss !== before.value || at !== before.at + String(before.value).length + 1) return false;
    this.counts.step ??= before;
    this.loss = Number.parseFloat(this.line.slice(at, at + 24));
    return true;
  }

  private takeLoss(rank: number, value: number): void {
    if (rank <= 2) this.weakLosses++;
    if (rank <= this.lossRank) return;
    this.lossRank = rank;
    this.loss = value;
  }

  private offerRate(rate: Rate): void {
    if (!Number.isFinite(rate.value) || rate.value < 0) return;
    if (rate.unit === 's/it') this.stepSeconds = rate.value;
    if (rate.unit === 'ms/iter') this.stepSeconds = rate.value / 1_000;
    if (!this.rate || rateRank(rate.unit) > rateRank(this.rate.unit)) this.rate = rate;
  }

  private inSeconds({ value, unit, label }: Field): number {
    return unit === 'ms' || label.unit === 'ms' ? value / 1_000 : value;
  }

  finish(): LineRecord | null {
    const { counts } = this;
    counts.settle({ loss: this.loss !== undefined, speed: this.eta !== undefined || this.rate !== undefined });
    this.settleBare();
    this.settleMetrics();
    if (!counts.epoch && !counts.step && counts.round && (this.metrics || this.loss !== undefined)) counts.step = counts.round;
    if (counts.epoch?.unit === 'epoch') this.settleRange(counts.epoch);
    const step = counts.chosen((this.loss ?? this.rate ?? this.lr ?? this.eta ?? this.metrics ?? this.plain) !== undefined);
    if ((this.lossRank <= 2 && this.weakLosses > 1) || (this.lossRank === PART && !step && !this.counts.epoch)) this.loss = undefined;
    this.settleTime(step !== null);
    if (this.bareTime !== undefined && step && this.loss !== undefined && !this.rate) this.offerRate({ value: this.bareTime, unit: 'ms/iter' });
    const heads = this.evalContext && this.loss === undefined;
    const record: LineRecord = { context: heads ? 'eval' : 'train', shape: 'line' };
    if (this.metrics) record.eval = this.metrics;
    if (this.counts.epoch && this.counts.epoch.value >= 0) record.epoch = this.counts.epoch.value;
    if (heads) return record.eval || record.epoch !== undefined ? record : null;
    if (this.loss !== undefined) {
      record.loss = this.loss;
      record.lossRank = this.lossRank;
    }
    if (this.lr !== undefined) record.lr = this.lr;
    if (this.rate) record.rate = this.rate;
    if (this.timed !== undefined) record.timed = this.timed;
    if (this.stepSeconds !== undefined && this.stepSeconds > 0) record.stepSeconds = this.stepSeconds;
    if (this.eta !== undefined) record.eta = this.eta;
    if (!this.loss && this.gradient !== undefined && Number.isNaN(this.gradient)) record.deadGradient = true;
    if (step && step.value >= 0) {
      record.step = step.value;
      if (step.slack > 0) record.slack = step.slack;
      const company = record.loss !== undefined || record.rate !== undefined || record.lr !== undefined || record.eta !== undefined || record.eval !== undefined || record.epoch !== undefined;
      record.weakStep = (step.label.role === 'weak_step' && step.of === null) || (!company && (step.of === null || step.of <= 10));
      if (step.of !== null) record.total = step.of;
      else if (this.total !== undefined) record.total = this.total;
    } else if (this.total !== undefined && record.loss === undefined) record.total = this.total;
    const says = record.step ?? record.total ?? record.epoch ?? record.loss ?? record.rate ?? record.eval ?? record.lr ?? record.eta;
    return says === undefined ? null : record;
  }

  /** Where an evaluation's figure stands beside others and no loss of the training does, all are the evaluation's. */
  private settleMetrics(): void {
    if (!this.plain) return;
    // "Epoch: 19/20, top 5 acc: 0.53": beside an epoch alone, figures sum it up.
    const closes = this.counts.epoch !== null && (this.loss ?? this.lr ?? this.rate ?? this.eta) === undefined && !this.counts.step && !this.counts.weak && !this.counts.loose;
    if (!(closes || this.auc || (this.metrics && this.loss === undefined))) return;
    const all = closes ? [...this.plain, ...(this.unnamed ?? [])] : this.plain;
    this.metrics = { ...this.metrics, ...Object.fromEntries(all.filter(([name]) => (this.auc && !closes) || !/^(?:tr(?:ai)?n|Tr[A-Z]|best)/i.test(name))) };
  }

  /** "5epoch:train:376-750batch: iter_time=1e-04, loss=1.7, train_time=0.5": ESPnet's range ends with the step, and its iter_time is the loader's. */
  private settleRange(epoch: Field): void {
    const range = /epoch(?::train:\d{1,9}-(\d{1,9})batch:| results: \[train\]) .*?\btrain_time=(\d{1,9}(?:\.\d{1,9})?(?:e[-+]\d{1,3})?)/.exec(this.line);
    if (!range) return;
    if (range[1] !== undefined) this.counts.step = { ...epoch, value: Number(range[1]), of: null, slack: 0 };
    this.rate = { value: Number(range[2]), unit: 's/it' };
    this.stepSeconds = this.rate.value;
  }

  private settleBare(): void {
    const counter = this.counts.loose;
    // "train 050 1.6e-02 99.26": a count and the loss under one word.
    if (counter?.of === null && counter.label.role === 'bare' && this.loss === undefined) {
      const next = / (\d+\.\d+(?:e[+-]\d+)?)(?= |$)/.exec(this.line.slice(counter.at, counter.at + 40))?.[1];
      if (next !== undefined) {
        this.takeLoss(BARE, Number(next));
        this.counts.step ??= counter;
      }
    }
    const first = this.counts.opening;
    if (first && !this.counts.step && Number.isInteger(first.value) && (this.lossRank === BARE || /^\d+(?:: +|:\t| : | \| )(?:learn|loss|train|cost)\b/.test(this.line))) this.counts.step = first;
  }

  /** "time: 0.49" is the time of a step where the line counts steps; beside an epoch alone it is the epoch's. */
  private settleTime(counts: boolean): void {
    const field = this.timeField;
    // Hours are no step: "time: 125602.7" counts from the start.
    if (!field || this.inSeconds(field) > 3_600 || field.unit === 'd' || field.unit === 'm' || field.unit === 'h' || field.unit === 'min') return;
    if (this.loss === undefined && !counts) return;
    if (!counts && this.counts.epoch) return;
    if (this.batchTime !== undefined || this.stepSeconds !== undefined) return;
    if (!this.rate) this.timed = this.inSeconds(field);
    this.offerRate(field.unit === 'ms' || field.label.unit === 'ms' ? { value: field.value, unit: 'ms/iter' } : { value: field.value, unit: 's/it' });
  }
}

/** One for all lines: making a new one for each is what reading a short line would mostly do. */
const draft = new Draft();
