/** The numbers of one line -> what the line says about training. Knows words and shapes, no framework by name. */
import type { Field } from './scan.ts';
import { isEvalMetric, isUnnamedMetric, PART } from './labels.ts';
import { rateRank, seconds, type Rate } from './rates.ts';
import type { LineRecord } from './record.ts';

/** Reads the fields of `line`; null when they say nothing about training. `evaluates`: the lines above say that it is an evaluation's. */
export function readFields(line: string, fields: readonly Field[], evaluates = false): LineRecord | null {
  if (fields.length === 0) return null;
  const draft = new Draft(line, evaluates);
  for (const field of fields) draft.take(field);
  return draft.finish();
}

/** The rank of a loss that is called just "train" or "total". */
const BARE = 3;
/** "I0102 03:04:05.678 123 file.py:4] [1200] loss=2.3": what absl's metric writer prints. */
const ABSL = /^[IWE]\d{4} [\d:. ]+\S+:\d+\] \[\d/;

/** Words that count steps beside other figures, and say something else alone: "batch=32", "New timesteps: 752". */
const LONELY = /^(?:batch|timesteps?|iterations)$/i;

/** Units of what is no count: shares and times. */
const NO_COUNT = new Set(['%', 's', 'sec', 'secs', 'm', 'min', 'mins', 'h']);

class Draft {
  private evalContext = false;
  private epochField: Field | null = null;
  private stepField: Field | null = null;
  private weakField: Field | null = null;
  /** Fractions without a word of their own: "[ 620/1562]", " 2/10 [====". */
  private loose: Field | null = null;
  private loose2: Field | null = null;
  private carried: Field['label'] | null = null;
  /** The first of two in one bracket: "[2,  4000] loss: 1.28". */
  private pair: Field | null = null;
  /** A number that opens the line: "37700 train 3.57". */
  private opening: Field | null = null;
  /** "[1200] valid-rmse:0.31": how boosters count. */
  private round: Field | null = null;
  private lossRank = 0;
  private weakLosses = 0;
  private loss: number | undefined;
  private rate: Rate | undefined;
  private stepSeconds: number | undefined;
  private timeField: Field | null = null;
  private batchTime: number | undefined;
  private total: number | undefined;
  private lr: number | undefined;
  private eta: number | undefined;
  private gradient: number | undefined;
  private metrics: Record<string, number> | undefined;
  private auc = false;
  private plain: [string, number][] | undefined;

  constructor(private readonly line: string, evaluates: boolean) {
    this.evalContext = evaluates;
    // " * Acc@1 71.2 Acc@5 90.3": how ImageNet trainers sum an evaluation up.
    if (line.charCodeAt(line.charCodeAt(0) === 32 ? 1 : 0) === 42 && /^ ?\* (?:Acc|Prec)@/.test(line)) this.evalContext = true;
  }

  take(field: Field): void {
    if (this.carried && field.label.empty) field = { ...field, label: this.carried };
    this.carried = field.label.carries;
    const { label, value } = field;
    // "train loss 2.5, val loss 2.6": the word before one key doesn't make the next line of keys an evaluation; a heading does.
    if (label.evalContext) this.evalContext = true;
    else if (label.trainContext && label.role === 'loss') this.evalContext = false;
    if (this.evalContext && this.takeMetric(field)) return;
    if (field.rate) this.offerRate({ value: value * field.rate.scale, unit: field.rate.unit });
    // "2epoch:train:", "3/10epoch started"
    if (field.unit === 'epoch' && Number.isInteger(value)) {
      this.epochField ??= field;
      return;
    }
    switch (label.role) {
      case 'step':
        if (!Number.isInteger(value) && field.slack === 0) return;
        // "iter 120 | step 30": the optimizer's step is the run's, where the iterations are parts of it.
        if (this.stepField?.of === null && /^iter/i.test(this.stepField.label.name) && /^step$/i.test(label.name)) this.stepField = field;
        else this.stepField ??= field;
        return;
      case 'weak_step':
        // "'episode': 816": a dictionary's episodes count what was sampled.
        if (Number.isInteger(value) && !(/^episode$/i.test(label.name) && /["']: ?$/.test(this.line.slice(Math.max(0, field.at - 3), field.at)))) this.weakField ??= field;
        return;
      case 'epoch':
        // "Time taken for 1 epoch: 116.7 secs"
        if (this.line[field.at - 3] === 'h' && !Number.isInteger(value) && /\b(?:for|per) (?:\d{1,3}|one|an|each|this|the) epoch\W{1,3}$/i.test(this.line.slice(Math.max(0, field.at - 24), field.at))) return;
        if (this.epochField === null || (label.name.toLowerCase() === 'epoch' && this.epochField.label.name.toLowerCase() === 'current_epoch')) this.epochField = field;
        return;
      case 'total':
        if (Number.isInteger(value)) this.total ??= value;
        return;
      case 'loss':
        return this.takeLoss(label.rank, value);
      case 'bare':
        if (label.name.toLowerCase() === 'total') {
          if (this.stepField && field.unit === '' && !Number.isInteger(value)) this.takeLoss(BARE, value);
        } else if (field.of === null && !Number.isInteger(value)) this.takeLoss(BARE, value);
        else this.addLoose(field);
        return;
      case 'lr':
        this.lr ??= value;
        return;
      case 'eta':
        this.eta ??= seconds(this.line.slice(field.at, field.at + 48)) ?? undefined;
        return;
      case 'rate':
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
        (this.plain ??= []).push([label.name, value]);
        return;
      case 'none':
        if (field.at === 0 && label.empty) this.opening = field;
        if (field.at === 1 && label.bracket && label.empty && Number.isInteger(value) && this.line[1 + String(value).length] === ']') this.round = field;
        // "Train Epoch: 5 [55%]"
        // "Epoch 3: loss 0.31 [35s]"
        if (field.unit !== '' && NO_COUNT.has(field.unit)) return;
        if (field.of !== null && (label.empty || label.bracket || label.trainContext)) this.addLoose(field);
        else if (label.bracket && label.empty && Number.isInteger(value) && this.line[field.at + String(value).length] === ',') this.pair ??= field;
        else if (label.empty && this.pair && Number.isInteger(value) && field.at - this.pair.at < 16) this.addLoose(field);
        else if (label.bracket && label.empty && (this.epochField || ABSL.test(this.line)) && Number.isInteger(value)) this.addLoose(field);
        return;
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

  private addLoose(field: Field): void {
    if (this.loose === null) this.loose = field;
    else this.loose2 ??= field;
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
    this.settleCounters();
    this.settleBare();
    this.settleMetrics();
    this.settleRounds();
    const weak = this.weakField;
    const accompanied = weak?.of !== null || !LONELY.test(weak.label.name) || (this.loss ?? this.rate ?? this.lr ?? this.eta ?? this.metrics ?? this.plain) !== undefined || this.epochField !== null;
    // "Episode: 120/500, reward: 33, steps: 33": the steps are the episode's.
    const lasted = weak !== null && this.stepField?.of === null && /^episode$/i.test(weak.label.name) && /^steps$/i.test(this.stepField.label.name);
    const step = (lasted ? null : this.stepField) ?? (accompanied ? weak : null);
    if ((this.lossRank <= 2 && this.weakLosses > 1) || (this.lossRank === PART && !step && !this.epochField)) this.loss = undefined;
    this.settleTime(step !== null);
    const heads = this.evalContext && this.loss === undefined;
    const record: LineRecord = { context: heads ? 'eval' : 'train', shape: 'line' };
    if (this.metrics) record.eval = this.metrics;
    if (this.epochField && this.epochField.value >= 0) record.epoch = this.epochField.value;
    if (heads) return record.eval || record.epoch !== undefined ? record : null;
    if (this.loss !== undefined) {
      record.loss = this.loss;
      record.lossRank = this.lossRank;
    }
    if (this.lr !== undefined) record.lr = this.lr;
    if (this.rate) record.rate = this.rate;
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
    const closes = this.epochField !== null && (this.loss ?? this.lr ?? this.rate ?? this.eta) === undefined && !this.stepField && !this.weakField && !this.loose;
    if (!(closes || this.auc || (this.metrics && this.loss === undefined))) return;
    this.metrics = { ...this.metrics, ...Object.fromEntries(this.plain.filter(([name]) => (this.auc && !closes) || !/^(?:tr(?:ai)?n|best)/i.test(name))) };
  }

  private settleRounds(): void {
    if (!this.epochField && !this.stepField && this.round && (this.metrics || this.loss !== undefined)) this.stepField = this.round;
    if (this.epochField?.unit !== 'epoch') return;
    // "5epoch:train:376-750batch: iter_time=1e-04, loss=1.7, train_time=0.5": ESPnet's range ends with the step, and its iter_time is the loader's.
    const range = /epoch(?::train:\d{1,9}-(\d{1,9})batch:| results: \[train\]) .*?\btrain_time=(\d{1,9}(?:\.\d{1,9})?(?:e[-+]\d{1,3})?)/.exec(this.line);
    if (!range) return;
    if (range[1] !== undefined) this.stepField = { ...this.epochField, value: Number(range[1]), of: null, slack: 0 };
    this.rate = { value: Number(range[2]), unit: 's/it' };
    this.stepSeconds = this.rate.value;
  }

  private settleBare(): void {
    const counter = this.loose;
    // "train 050 1.6e-02 99.26": a count and the loss under one word.
    if (counter?.of === null && counter.label.role === 'bare' && this.loss === undefined) {
      const next = / (\d+\.\d+(?:e[+-]\d+)?)(?= |$)/.exec(this.line.slice(counter.at, counter.at + 40))?.[1];
      if (next !== undefined) {
        this.takeLoss(BARE, Number(next));
        this.stepField ??= counter;
      }
    }
    const first = this.opening;
    if (first && !this.stepField && Number.isInteger(first.value) && (this.lossRank === BARE || this.line.includes(':\tlearn: '))) this.stepField = first;
  }

  /** Which of the unnamed fractions is the epoch and which the step: "Train: 19/80 [247/464]", "[53/100] [620/1562]", "Epoch [1][400/449]". */
  private settleCounters(): void {
    const first = this.loose;
    const second = this.loose2?.of === 1 && this.loose?.of !== 1 ? null : this.loose2;
    if (!first) return;
    if (this.pair && !this.epochField && first.at - this.pair.at < 16) {
      this.epochField = this.pair;
      this.stepField ??= first;
      return;
    }
    if (!this.epochField && second && first.at < second.at && (first.of !== null || first.label.trainContext)) {
      this.epochField = first;
      this.stepField ??= second;
      return;
    }
    // "3/100 * Epoch 3 (train): loss=0.33" says twice which epoch it is.
    if (this.epochField && !second && first.at < this.epochField.at && first.value === this.epochField.value) return;
    if (this.epochField && first.at > this.epochField.at && (first.label.bracket || first.of !== null)) {
      // "epoch 002:  650 / 1891 … num_updates=2541" counts twice; the fraction is what the log measures itself by.
      if (first.of !== null && this.stepField?.of === null && this.stepField.label.name === 'num_updates') this.stepField = null;
      if (first.of !== null || (this.epochField.of === null && first.label.bracket)) this.stepField ??= first;
      return;
    }
    if (first.of === null && !this.stepField && this.loss !== undefined) this.stepField = first.label.bracket ? first : null;
    if (first.of === null) return;
    // "Batch[430/6920] - loss: 0.72  acc: 43.75%(7/16)": what was counted first counts the steps.
    if (this.weakField !== null && this.weakField.of !== null && this.weakField.at < first.at) return;
    // A bare fraction is a step only in the company of a loss, a rate or an ETA.
    if (this.loss !== undefined || this.eta !== undefined || this.rate) this.stepField ??= first;
  }

  /** "time: 0.49" is the time of a step where the line counts steps; beside an epoch alone it is the epoch's. */
  private settleTime(counts: boolean): void {
    const field = this.timeField;
    // Hours are no step: "time: 125602.7" counts from the start.
    if (!field || this.inSeconds(field) > 3_600 || field.unit === 'd' || field.unit === 'm' || field.unit === 'h' || field.unit === 'min') return;
    if (this.loss === undefined && !counts) return;
    if (!counts && this.epochField) return;
    if (this.batchTime !== undefined || this.stepSeconds !== undefined) return;
    this.offerRate(field.unit === 'ms' || field.label.unit === 'ms' ? { value: field.value, unit: 'ms/iter' } : { value: field.value, unit: 's/it' });
  }
}
