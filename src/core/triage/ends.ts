/** Words that say a run came to its end by itself, or waits for something. */
import type { ProgressReading } from '../progress/index.ts';

const DONE =
  /\b(?:training|finetuning|fine-tuning|pretraining|pre-training|optimi[sz]ation|run|job|experiment|everything|all (?:tasks|jobs|epochs|steps|done))\b[^\n]{0,30}\b(?:complete[d]?|finished|done|ended|over|concluded|succe(?:ss|eded)|successful(?:ly)?)\b|\bend training\b|\b(?:finished|completed?|done|end of|ending|done with) (?:the )?(?:training|finetuning|fine-tuning|pretraining|run)\b|^\W*(?:all )?done[.!\s]*$|^\[done\] .{0,40}(?:saved|train|finish|complete|final)|\bsaved (?:the )?final (?:model|checkpoint|weights|adapter)\b|\bfinal (?:model|checkpoint|weights|adapter) saved\b|exits? successfully|exited successfully|finished successfully|completed successfully|'train_runtime'|train_runtime\s*=|Trainer\.fit` stopped: `max_|\bepochs completed in\b|^Results saved to \S|\[?exiting program (?:after|at)\b|\[after training is done\]|\*{4,}\s*End (?:training|evaluation)\b|^Successfully completed\.$|^wandb: (?:Synced \d|Find logs at)|stopping_early: wallclock|total training time|Loss for final step:|^\*{3} Best metric: |^Shrink model to first \d+ iterations|^bestIteration = \d+$|\bmax(?:imum)?(?:_| number of )?(?:steps|iters|iterations|epochs)\b[^\n]{0,12}\breached\b|\b[Rr]eached (?:the )?max(?:imum)?(?:_| number of )?(?:steps|iters|iterations|epochs)\b|\bexit(?:ing|ed) normally\b|^real\s+\d+m[\d.]+s$|\bexited with code[= ]0\b|\bProcess finished with exit code 0\b|^\W*\w{2,20} process finished\W*$|\btraining took \d{1,3}:\d\d:\d\d|(?:^|[\]|] ?|INFO:? )training time:? (?:\d+ days?, )?\d{1,3}:\d\d:\d\d|^\W*success\W*$|^\W*exit (?:code|status)\W+0\W*$|total time:? for training|(?:训练|微调)(?:任务|过程|流程)?(?:已|全部|圆满|顺利|成功){0,3}(?:完成|结束|完毕)|(?:treinamento|treino)[^\n]{0,20}(?:conclu[ií]do|finalizado|completo)|entrenamiento[^\n]{0,20}(?:completad|finalizad|terminad)|entra[iî]nement[^\n]{0,20}(?:termin|fini|complet)|training (?:abgeschlossen|beendet|fertig)|обучение[^\n]{0,20}(?:завершен|законч|окончен)|学習(?:が)?(?:完了|終了)|トレーニング(?:が)?(?:完了|終了)|(?:학습|훈련)[^\n]{0,6}(?:완료|종료)|addestramento[^\n]{0,20}(?:completat|terminat)/i;
const NOT_DONE = /(?:epoch|轮)[^\n]{0,12}训练|epoch \d+[^\n]{0,20}(?:done|finished|complete)|\b(?:when|(?<!\[)after|once|until|before|if|not|will be|to be|estimated|remaining|eta|expected)\b[^\n]{0,24}(?:done|finish|complete|ended)|% complete|not (?:yet )?(?:done|finished|complete)|\b(?:step|batch|iter\w*) \d+(?: ?\/ ?\d+)? (?:done|complete|finish)|pre-?process[^\n]{0,30}(?:done|complete|finished)|error|failed|\bmerges\b|tokeni[sz]er|\bexist(?:s|ence)\b|validating/i;
const EARLY = /\b(?:ran out of|exceeded|exhausted) patience\b|\bpatience (?:exceeded|exhausted|reached)\b|\b(?:no|not|without|n't) improv\w*[^\n]{0,80}\bstop(?:ping|ped)?\b|\bstop(?:ping|ped)? (?:the )?training (?:because|as|since)\b|\b(?:converged|plateaued|(?:target|goal) [\w ]{2,30}reached)\b[^\n]{0,60}\b(?:stop|terminat|quit)\w*|learning rate too small - quitting|^Stopping\. Best iteration.*|Stopped by overfitting detector|early[\s_-]?stop(?:ping|ped|per)?(?!\w|\.\w)|stopp(?:ed|ing) (?:training )?early|signaling trainer to stop|early exit|exiting (?:from )?training early|提前停止|早停|早期停止|parada (?:antecipada|temprana)/i;
const EARLY_GOES_ON = /counter|\bpatience\s*[:=]|out of|\d+\s*\/\s*\d+|\(monitor|enabled|callback|=\s*(?:true|false|none|\d)|:\s*(?:true|false|none|null|\d[\d.]*\s*$)|will (?:be )?|config|import|--|args|using|with patience|argument|Did not meet|warn|requires|unable|in \d+ (?:more|epochs?)\b/i;
const SETTING = /["'][\w.-]*early[\w.-]*["']\s*:/i;
/** What is announced below an end begins something new: the next model, fold or stage. */
const NEXT = /^\W*(?:now )?(?:start|begin)\w*\b[^\n]{0,40}\btrain(?:ing)?\b|^\W*train(?:ing)? (?:on|for|with|model|fold|agent|stage|seed|client|expert|classifier)\b|^\W*(?:running|starting) (?:fold|stage|phase|seed|trial|run|experiment|task)\b|\bAgent Starting Run\b/i;
const PART = /^[^\w\n]*(?:fold|stage|phase|seed|trial|run|experiment|task|model|config(?:uration)?|client|round|part|split)\W{0,3}(\d{1,6}) ?(?:\/|of) ?(\d{1,6})\b/i;
const SWEEP = /^wandb: (?:Agent Starting Run|Starting wandb agent)|\bwandb agent\b.{0,40}\b(?:pid|starting)/i;
const SYNCED = /^wandb: (?:Synced \d|Find logs at)/;
const WAITING = /\bretrying\b|\bwaiting (?:for|on|to|in|until)\b|\bnot ready\b|\bto retry\b|\bno nodes are available\b|, try again\.$|\bis not (?:up|available) yet\b|\bcannot be scheduled\b|\bNo available node\b|\b(?:will|to) (?:re)?try again\b|still (?:waiting|disabled|pending)|resources? (?:are )?(?:busy|unavailable|not available)|queued and waiting|no (?:progress|heartbeat)\b[^\n]{0,24} (?:for|in|since)|(?:seems|appears) to (?:be )?(?:hang|hung|stuck|hanging)|\bis stuck\b|\bhung\b|deadlock|blocked for more than/i;

export interface End {
  cause: 'completed' | 'early_stop';
  line: string;
  at: number;
}

/** The newest line that announces an end; null when none does. */
export function findEnd(lines: readonly { text: string; tracker?: boolean }[]): End | null {
  const end = newestEnd(lines, lines.some(({ text }) => SWEEP.test(text)));
  return end && lines.slice(end.at + 1).some(({ text, tracker }) => (!tracker || SWEEP.test(text)) && announces(text)) ? null : end;
}

/** `swept`: the tracker's goodbye is one run's of several. */
function newestEnd(lines: readonly { text: string; tracker?: boolean }[], swept: boolean): End | null {
  let done: End | null = null;
  for (let at = lines.length - 1; at >= Math.max(0, lines.length - 400); at--) {
    const text = lines[at]?.text ?? '';
    if (text.length > 600) continue;
    if (!lines[at]?.tracker && EARLY.test(text) && !SETTING.test(text) && !EARLY_GOES_ON.test(text.replace(EARLY, ' '))) {
      // "Early stopping, best iteration is:" goes on in the line below.
      return { cause: 'early_stop', line: text, at: text.endsWith(':') ? at + 1 : at };
    }
    if (!done && DONE.test(text) && !NOT_DONE.test(text) && !(swept && SYNCED.test(text))) done = { cause: 'completed', line: text, at };
  }
  return done;
}

/** What is said as the process goes away, and by no other. */
const LEAVES = /process group has NOT been destroyed before we destruct|destroy_process_group\(\) was not called before program exit/;

/** The loop ran to its last step, and what is said below it is that this step was kept; null when more may follow. */
export function findLast(lines: readonly { text: string }[], { step, total_steps: total, epoch, loss }: Pick<ProgressReading, 'step' | 'total_steps' | 'epoch' | 'loss'>): End | null {
  const at = lines.length - 1;
  const line = lines[at]?.text ?? '';
  if (LEAVES.test(line) && (total === null || step === null || step >= total)) return { cause: 'completed', line, at };
  if (total === null || step !== total || total < FEW || loss === null || !/\bsav(?:ed|ing)\b/i.test(line)) return null;
  // A loop within an epoch ends many times: this one counts the epochs, or the line names its last step.
  const whole = epoch === null ? new RegExp(`(?<![\\d.])${total}(?![\\d.])`).test(line) : epoch >= total - 1;
  return whole ? { cause: 'completed', line, at } : null;
}

const FEW = 20;

function announces(text: string): boolean {
  if (NEXT.test(text)) return true;
  const part = PART.exec(text);
  return part !== null && Number(part[1]) <= Number(part[2]);
}

/** Who speaks, and how often it was tried already: many that wait once, or one that counts its tries, are no stall. */
const SPEAKER = /\b(?:rank|worker|process|proc|gpu|node|device|actor|local_rank)\W{0,3}(\d{1,5})\b/i;
const COUNTED = /\b\d{1,3} ?(?:\/|of) ?\d{1,3}\b|\b(?:retry|attempt|try) ?#?\d|\btotal=\d/i;
const REPEATS = 3;
/** So many tries are more than a hiccup: the last of them is none. */
const MANY = 10;
/** Python's fault handler, told to print where everybody stands. */
const DUMPED = /^Timeout \(\d+:\d\d:\d\d(?:\.\d+)?\)!$/;
/** One line that says it all, and so near to the end. */
const NEAR = 4;
const HANGS = /^Missing ranks:|\bhas(?: not|n't) (?:advanced|progressed|moved)\b|\bhang detected\b|\b(?:seems|appears) to (?:be )?(?:hang|hung|stuck|hanging|deadlocked)|\black of (?:heartbeats?|progress)|\bno (?:progress|heartbeats?)\b[^\n]{0,80}\b\d{2,6}(?:\.\d+)? ?s(?:ec|econds?)?\b|\bnot started\b[^\n]{0,120}\bwait_time=\d{3}|\[missing ranks: |\bStalled (?:ranks|ops|tensors):|\b(?:has|have) been (?:stuck|hanging|hung) for\b|\bblocked for more than \d+ seconds/i;

function exhausted(text: string): boolean {
  const [, tried, allowed] = /\b(\d{1,4}) ?(?:\/|of) ?(\d{1,4})\b/.exec(text) ?? [];
  return Number(allowed) >= MANY && Number(tried) > Number(allowed) / 2;
}

/** A line that repeats at the end of the log and says that something is waited for; null when the log doesn't end so. */
export function findWaiting(lines: readonly { text: string }[]): string | null {
  const dump = lines.findLastIndex(({ text }) => DUMPED.test(text));
  if (dump >= 0 && lines.slice(dump + 1).every(({ text }) => /^\s|^(?:Thread|Current thread) 0x/.test(text))) return lines[dump]?.text ?? '';
  const near = lines.slice(-NEAR);
  const hangs = near.findIndex(({ text }) => HANGS.test(text));
  if (hangs >= 0 && !near.slice(hangs + 1).some(({ text }) => /\bloss|\bstep|\bepoch|it\/s/i.test(text))) return near[hangs]?.text ?? '';
  const waiting = lines.slice(-6).map(({ text }) => text).filter((text) => WAITING.test(text) && (!COUNTED.test(text) || exhausted(text)));
  const newest = waiting.at(-1);
  if (newest === undefined) return null;
  const shape = (text: string) => text.replace(/\b[0-9a-f]{6,64}\b/g, '0').replace(/\d+/g, '0');
  const speaker = (text: string) => SPEAKER.exec(text)?.[1];
  return waiting.filter((text) => shape(text) === shape(newest) && speaker(text) === speaker(newest)).length >= REPEATS ? newest : null;
}
