/** Which numbers of a line count: its step, its epoch, and the fractions and brackets that have no word of their own. */
import type { Field } from './scan.ts';

/** "I0102 03:04:05.678 123 file.py:4] [1200] loss=2.3": what absl's metric writer prints. */
const ABSL = /^[IWE]\d{4} [\d:. ]+\S+:\d+\] \[\d/;

/** Words that count steps beside other figures, and say something else alone: "batch=32", "New timesteps: 752". */
const LONELY = /^(?:batch|timesteps?|iterations)$/i;

/** Units of what is no count: shares and times. */
const NO_COUNT = new Set(['%', 's', 'sec', 'secs', 'm', 'min', 'mins', 'h']);

/** What a fraction counts that is no part of the way: who of how many speaks, how many were right. */
const NO_PART = /rank|gpu|node|worker|device|fold|trial|stage|phase|seed|shard|correct|right|acc|hit|success|win|mem|task|round|retr|attempt|best|patience|early|file/i;

/** What else a line says, as far as it decides what its numbers count. */
interface Company {
  loss: boolean;
  /** A rate or the time left. */
  speed: boolean;
}

export class Counters {
  epoch: Field | null = null;
  step: Field | null = null;
  weak: Field | null = null;
  /** Fractions without a word of their own: "[ 620/1562]", " 2/10 [====". */
  loose: Field | null = null;
  private loose2: Field | null = null;
  /** The first of two in one bracket: "[2,  4000] loss: 1.28". */
  private pair: Field | null = null;
  /** A number that opens the line: "37700 train 3.57". */
  opening: Field | null = null;
  /** "[1200] valid-rmse:0.31": how boosters count. */
  round: Field | null = null;
  /** A fraction under words that say nothing: "31% done (120/389 batches)". */
  private spare: Field | null = null;
  private line = '';

  reset(line: string): void {
    this.line = line;
    this.epoch = this.step = this.weak = this.loose = this.loose2 = this.pair = this.opening = this.round = this.spare = null;
  }

  takeStep(field: Field): void {
    if (!Number.isInteger(field.value) && field.slack === 0) return;
    // "iter 120 | step 30": the optimizer's step is the run's, where the iterations are parts of it.
    if (this.step?.of === null && /^iter/i.test(this.step.label.name) && /^step$/i.test(field.label.name)) this.step = field;
    // "progress: 430198/430198, step: 80660": what is gone through is the data.
    else if (this.step !== null && /^progress$/i.test(this.step.label.name) && /step|iter/i.test(field.label.name)) this.step = field;
    else this.step ??= field;
  }

  takeWeak(field: Field): void {
    // "'episode': 816": a dictionary's episodes count what was sampled.
    if (Number.isInteger(field.value) && !(/^episode$/i.test(field.label.name) && /["']: ?$/.test(this.line.slice(Math.max(0, field.at - 3), field.at)))) this.weak ??= field;
  }

  takeEpoch(field: Field): void {
    // "Time taken for 1 epoch: 116.7 secs"
    if (this.line[field.at - 3] === 'h' && !Number.isInteger(field.value) && /\b(?:for|per) (?:\d{1,3}|one|an|each|this|the) epoch\W{1,3}$/i.test(this.line.slice(Math.max(0, field.at - 24), field.at))) return;
    // "ep:2K epch:52.64": episodes, where the line has another word for the epoch.
    if (this.epoch === null || (/^ep(?:o?ch)$/i.test(field.label.name) && /^(?:current_epoch|ep)$/i.test(this.epoch.label.name))) this.epoch = field;
  }

  takeLoose(field: Field): void {
    if (this.loose === null) this.loose = field;
    else this.loose2 ??= field;
  }

  /** A number whose words say nothing. */
  takeUnnamed(field: Field): void {
    const { label, value } = field;
    const whole = Number.isInteger(value);
    if (field.at === 0 && label.empty) this.opening = field;
    if (field.at === 1 && label.bracket && label.empty && whole && this.line[1 + String(value).length] === ']') this.round = field;
    // "| 0051070 updates |"
    if (label.empty && whole && /^\d+ (?:updates|steps|iterations)\b/.test(this.line.slice(field.at, field.at + 24))) {
      this.step ??= field;
      return;
    }
    // "Train Epoch: 5 [55%]"
    // "Epoch 3: loss 0.31 [35s]"
    if (field.unit !== '' && NO_COUNT.has(field.unit)) return;
    if (field.of !== null && (label.empty || label.bracket || label.trainContext)) this.takeLoose(field);
    else if (field.of !== null && whole && field.of > 1 && value <= field.of && !NO_PART.test(label.name) && !NO_PART.test(this.line.slice(field.at + 3, field.at + 24))) this.spare ??= field;
    else if (!whole || !label.empty) return;
    else if (label.bracket && this.line[field.at + String(value).length] === ',') this.pair ??= field;
    else if (this.pair && field.at - this.pair.at < 16) this.takeLoose(field);
    else if (label.bracket && (this.epoch || ABSL.test(this.line))) this.takeLoose(field);
  }

  /** The step that the line counts, of those that were found; `says`: it tells more than counts. */
  chosen(says: boolean): Field | null {
    const { weak, step, epoch } = this;
    const accompanied = weak?.of !== null || !LONELY.test(weak.label.name) || says || epoch !== null;
    // "Episode: 120/500, reward: 33, steps: 33": the steps are the episode's.
    const lasted = weak !== null && step?.of === null && /^episode$/i.test(weak.label.name) && /^steps$/i.test(step.label.name);
    return (lasted ? null : step) ?? (accompanied ? weak : null);
  }

  /** Which of the unnamed fractions is the epoch and which the step: "Train: 19/80 [247/464]", "[53/100] [620/1562]", "Epoch [1][400/449]". */
  settle({ loss, speed }: Company): void {
    const first = this.loose;
    const second = this.loose2?.of === 1 && this.loose?.of !== 1 ? null : this.loose2;
    if (!first) {
      if (loss && !this.weak) this.step ??= this.spare;
      return;
    }
    if (this.pair && !this.epoch && first.at - this.pair.at < 16) {
      this.epoch = this.pair;
      this.step ??= first;
      return;
    }
    if (!this.epoch && second && first.at < second.at && (first.of !== null || first.label.trainContext)) {
      this.epoch = first;
      this.step ??= second;
      return;
    }
    // "(0/4) Epoch 3, batch 1200": the rank and the size of the world.
    if (this.epoch && this.weak && !second && first.at < this.epoch.at && this.line[first.at - 1] === '(') return;
    // "3/100 * Epoch 3 (train): loss=0.33" says twice which epoch it is.
    if (this.epoch && !second && first.at < this.epoch.at && first.value === this.epoch.value) return;
    if (this.epoch && first.at > this.epoch.at && (first.label.bracket || first.of !== null)) {
      // "epoch 002:  650 / 1891 … num_updates=2541" counts twice; the fraction is what the log measures itself by.
      if (first.of !== null && this.step?.of === null && this.step.label.name === 'num_updates') this.step = null;
      if (first.of !== null || (this.epoch.of === null && first.label.bracket)) this.step ??= first;
      return;
    }
    if (first.of === null && !this.step && loss) this.step = first.label.bracket ? first : null;
    if (first.of === null) return;
    // "Batch[430/6920] - loss: 0.72  acc: 43.75%(7/16)": what was counted first counts the steps.
    if (this.weak !== null && this.weak.of !== null && this.weak.at < first.at) return;
    // A bare fraction is a step only in the company of a loss, a rate or an ETA.
    if (loss || speed) this.step ??= first;
  }
}
