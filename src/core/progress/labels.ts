/** What the words before a number mean: " | lr " is a learning rate, "Validation L1: " an evaluation metric. */
import { rateUnit } from './rates.ts';

export type Role = 'none' | 'step' | 'weak_step' | 'total' | 'epoch' | 'loss' | 'lr' | 'eta' | 'rate' | 'step_time' | 'time' | 'grad' | 'eval' | 'auc' | 'metric' | 'bare';

export interface Label {
  role: Role;
  /** The key as printed. */
  name: string;
  /** Losses: the higher one is the training loss of the line. */
  rank: number;
  /** Rates: the unit to report. Times: `ms` when the label says so. */
  unit: string;
  /** The words before the key say that what follows is an evaluation ("Test: [", "[Valid]: "). */
  evalContext: boolean;
  /** The words before the key say "train". */
  trainContext: boolean;
  /** The number opens a bracket right after another closed ("][", "[ "): a counter within the one before. */
  bracket: boolean;
  /** Nothing but spaces and brackets stands before the number. */
  empty: boolean;
  /** The name says nothing that is known, and may be a figure's. */
  figure: boolean;
  /** What the next number is, where this one only says when: "Test MRR at step 900: 0.79". */
  carries: Label | null;
}

const STEP = words('step,global step,iter,iteration,it,i,s,train step,training step,trainer global step,optimizer step,opt step,current step,current steps,step num,n iter,num updates,nupdates,num of updates,train num updates,total timesteps,num timesteps,train iter,train iteration,training iteration,total env steps,env steps,global iter,cur iter,global iteration,completed steps,반복,스텝,ステップ,イテレーション,迭代,步数,训练步数,步,paso,passo,iteración,iteração,itération,étape,schritt,шаг,итерация,time total timesteps,totalenvinteracts,total envinteracts,total env interacts,train global step,training global step,num env steps,tstep,pretrain step,current iteration,trainer step,iters,steps,itr,step no,update step,progress on,progress');
const WEAK_STEP = words('batch,up,rollout batch,minibatch,mini batch,update,updates,batches,rollout,round,boosting round,batch idx,batch no,tick,iterations,timesteps,timestep,episode,frame number');
const TOTAL = words('total optimization steps,total steps,max steps,total training steps,num training steps,total iterations,max iters,train iters,max iterations,total train steps,num train steps,total optimizer steps,total num steps');
const EPOCH = words('epoch,train epoch,training epoch,current epoch,starting epoch,start epoch,epoch train,ep,epch,epoch no,epoch num,epoch number,begin epoch,trainer epoch,時代,epoca,época,époque,epoche,эпоха,end of epoch,finished epoch,completed epoch,start of epoch,轮次,轮,训练轮次,轮数,第,エポック,에폭,에포크,세대');
/** The rank of a loss that calls itself the training's. */
export const TRAIN_LOSS = 9.5;
const LOSS = new Map<string, number>([
  ['loss', 10], ['total loss', 9], ['loss total', 9], ['train loss', TRAIN_LOSS], ['train loss train total', TRAIN_LOSS], ['loss train total', 9], ['training loss', TRAIN_LOSS], ['loss train', TRAIN_LOSS], ['train total loss', 9], ['lm loss', 8], ['avr loss', 8], ['trl', 8],
  ['avg loss', 7], ['average loss', 7], ['mean loss', 7], ['reduced train loss', 8], ['train loss step', 8], ['loss step', 8], ['train loss epoch', 7], ['loss epoch', 7], ['rl loss', 7], ['batch loss', 7],
  ['running loss', 7], ['cur loss', 7], ['current loss', 8], ['step loss', 8], ['tr loss', 8], ['overall loss', 8], ['language model loss', 8], ['final loss', 7], ['epoch loss', 7], ['training average loss', 7],
  ['train avg loss', 7], ['avg train loss', 8], ['average training loss', 8], ['average train loss', 8], ['mean train loss', 7], ['train lm loss', 8], ['learning loss', 7], ['perda', 7], ['pérdida', 7], ['损失', 7], ['損失', 7], ['손실', 7], ['perte', 7], ['verlust', 7], ['потери', 7], ['лосс', 7], ['loss avg', 7],
  ['cross entropy loss', 8], ['crossentropyloss', 8], ['train crossentropyloss', 8], ['train cross entropy loss', 8], ['ce loss', 6], ['train ce loss', 6], ['l pix', 6], ['l g pix', 5], ['l total', 7],
  ['train nll', 6], ['perplexity loss', 2], ['train loss avg', 8], ['loss mean', 7], ['training loss average', 8], ['train loss average', 8], ['loss average', 7], ['平均 loss', 7], ['平均损失', 7], ['训练损失', TRAIN_LOSS], ['moving avg loss', 5], ['train mlm loss', 8], ['xent', 7], ['learn', 6], ['gen loss total', 5], ['closs', 8], ['mloss', 6], ['generator total loss', 5], ['total generator loss', 5],
]);
const LR = words('lr,learning rate,last lr,base lr,cur lr,lr 0,train lr,train learning rate,current lr,lr group 0,lr abs,max lr,lr pg0,lr adamw,optimizer lr,train optimizer lr,learning rate 0');
const ETA = words('eta,remaining,time remaining,time left,eta seconds,est remaining,remaining time,estimated time remaining,etc');
const STEP_TIME = words('dt,iter dt,batch cost,avg batch cost,step avg,step time,batch time,iter time,time per step,time per iteration,elapsed time per iteration,elapsed time per iteration ms,sec it,s it,sec step,s step,sec iter,s iter,sec batch,train step timing in s,step time s,time iter,time step,time batch,time it,time update,iteration time,ms step,ms iter,secs iter,perf time per step,timing s step,perf step time,time per iter,seconds per step,avg step time,per step time,per iteration time,per iter time,per batch time,s batch,s b,updt s,time each step,bch,upd s,update s,timing s update,ms batch,ms it,ms update');
const GRAD = words('grad norm,gnorm,gradnorm,total norm,gradient norm,train grad norm');
const EVAL_WORD = /(?:^|[^a-z])(?:val|valid|validation|validate|validating|eval|evaluation|evaluating|evaluate|evaluated|test|testing|dev|holdout|heldout|validação|验证)(?![a-z])/i;
const METRIC = /(?:^|[^a-z])(?:(?:m?log)?loss|losses|m?error|[obm]?acc|accuracy|ppl|perplexity|bpb|bpc|bleu|sacrebleu|rouge\w*|f1|auc|auroc|m?ap|map\d*|(?:m|avg|mean)?iou|score|rewards?|error|err|mae|mse|rmse|precision|recall|r2|wer|cer|dice|psnr|ssim|lpips|fid|nll|l1|l2|top\W?[15]|(?:acc|prec)\W?[15]|metric|ndcg|mrr|hits?|em|kappa|mcc|return|elbo|entropy|pearson|spearman|exact|epe|nmi|ari|purity|m[pr]|mdice|hellaswag|mean|ce|correct|success|cross.?entropy|dsc|jaccard|hd95|sdr|pesq|stoi|vqa|cider|meteor)(?:\d|@|[^a-z]|$)/i;
const NOT_A_METRIC = /runtime|per.?sec|samples?\b|steps?\b|size|batch|dataset|\bnum|\btime|interval|freq|every|iters?\b|epochs?\b|ratio|split|frac|workers|images|seed|memory|duration|jit|preparation|best|_time\b|patience|count|examples|shape|length|split|gpu|tokens?\b/i;
const NOT_A_STEP = /every|fps|per|sav|eval|warm|max|total|num|log|each|\bof|acc|micro|mini|checkpoint|ckpt|from|resum|start|inner|micro|skip|last|best|until|after|before|val|test|next|time|size|decay|sub|diffusion|denois|inference|sampl|gradient|window|hop|stride|lr\b|rate/i;
const UNIT_FIRST = /^(?:(?:k|m|g|ki|mi|gi)?b(?:ytes?)?|ms|s|secs?|seconds?|mins?|minutes?|hours?|tok(?:ens)?|samples|steps|it|%)[\s,;]+(?!per )/i;

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(','));
}

const NONE: Label = { role: 'none', name: '', rank: 0, unit: '', evalContext: false, trainContext: false, bracket: false, empty: false, figure: false, carries: null };

/** Reads the raw text that stands between the number before (or the line's start) and this one. `first`: nothing numeric came before. */
export function readLabel(raw: string, first: boolean): Label {
  // "Val   Loss" is one name whose columns were lined up.
  let label = (raw.length > 160 ? raw.slice(-160) : raw).replace(/\b(val|valid|validation|test|train|eval|dev) {2,}(?=[a-z])/gi, '$1 ');
  // "15s/epoch - 128ms/step": the word is the unit of the number before.
  if (!first) label = label.replace(/^\/(?:epoch|step|it|iter|batch|s|sec|sample|image)s?(?=[\s,;)|])/, '');
  if (first) label = label.replace(/^(?:INFO|DEBUG|WARNING|ERROR):[\w.]{1,60}: ?/, '');
  // "tensor(0.52, device=…)", "np.float64(0.52)": the type stands between a name and its number.
  const open = label.replace(/[:=,\s]*(?:(?:np|numpy|torch|jnp)\.)?(?:tensor|float\d\d|u?int\d\d|[Aa]rray|DeviceArray)\($/, '').replace(/[\s:="'([{<|│┃║~≈→>*_@#-]+$/, '');
  const bracket = /\[\s*$/.test(label);
  let hint = '';
  let body = open;
  const parens = /^(.*[^\s(])\s*\(([^()]{1,24})\)$/.exec(body);
  if (parens) {
    body = parens[1] ?? '';
    hint = (parens[2] ?? '').toLowerCase();
  }
  const cut = lastDelimiter(body);
  let name = body.slice(cut).trim().replace(/^[^\p{L}\p{N}]+/u, '');
  for (let at = 0; at < 2; at++) name = first ? name : name.replace(UNIT_FIRST, '');
  // "total optimization steps / 学習ステップ数" says it twice.
  if (name.includes(' / ')) name = name.replace(/ \/ .*[^\x00-\x7f].*$/, '');
  name = name.replace(/(?: so far)?(?: (?:is|was|are))?$/i, '');
  name = name.replace(/^(?:(?:AM|PM|with|at|and|of|the|a|for|final|new)\s+)+/i, '');
  // A key whose value is no number says nothing about the keys behind it.
  // "'val_loss' reached 0.31": how Lightning tells of a checkpoint.
  const reached = /'([\w/ .@-]{1,60})' reached $/.exec(label)?.[1];
  if (reached !== undefined) name = reached;
  const before = body.slice(0, cut).replace(/[\w ()./-]{1,60}[:=] ?(?:none|n\/a|null)(?=[\s,|;]|$)/gi, '');
  // "TrainLoss" is "train loss"; "mIoU" is one word.
  const spaced = name.replace(/^([Tt]rain(?:ing)?|[Tt]r|[Vv]al(?:id(?:ation)?)?|[Tt]est|[Ee]val|[Aa]vg|[Mm]ean|[Tt]otal|[Bb]atch|[Ee]poch|[Gg]lobal|[Cc]ur(?:rent)?|[Rr]unning)(?=[A-Z][a-z])|^(train|valid|val|test)(?=(?:loss|acc|ppl|err)\b)/, '$1$2 ').replace(/(?<=[Ll]oss|Rate)(?: ?[Pp]er ?(?:[Ss]ample|[Bb]atch|[Tt]oken|[Ss]tep))$/, '');
  const key = fold(spaced);
  // "E192/500"
  if (key === 'e' && raw.endsWith(name)) return { ...NONE, name: 'epoch', role: 'epoch' };
  // "Eval Epoch 12 | …" counts the same epochs.
  const said = /^(?:eval|evaluation|val|valid|validation|test) (epoch.{0,6})$/.exec(key)?.[1];
  if (said !== undefined && EPOCH.has(said)) return { ...NONE, name, role: 'epoch', evalContext: true };
  const dated = /^(.{2,60}) (?:at|after|for|@) (?:global )?(step|iteration|iter|epoch)$/i.exec(name);
  // "Invalidate trace cache @ step 596" tells of no evaluation.
  if (dated && (!/@| for /.test(name) || EVAL_WORD.test(dated[1] ?? ''))) return { ...NONE, name, role: /epoch/i.test(dated[2] ?? '') ? 'epoch' : 'step', evalContext: EVAL_WORD.test(dated[1] ?? ''), carries: readLabel(`${dated[1]}: `, true) };
  // "Starting training..., iters: 1000"
  if (/\bstart\w* (?:\w+ ){0,2}training\b/i.test(before) && /^(?:iters|iterations|steps)$/.test(key)) return { ...NONE, name, role: 'total' };
  const evalContext = EVAL_WORD.test(before) || /\bcur(?:rent)? metrics?\b/i.test(before) || ((key === '' || EVAL_ONLY.test(key)) && EVAL_WORD.test(open)) || EVAL_WORD.test(hint);
  const context = { evalContext, trainContext: /(?:^|[^a-z])train(?:ing)?(?![a-z])/i.test(label), bracket, empty: key === '' };
  if (key === '') return { ...NONE, ...context };
  const role = roleOf(key, spaced, hint);
  return { ...NONE, ...context, name, ...role, figure: role.role === 'none' && isUnnamedMetric(name) && !SETTING.test(name) };
}

const EVAL_ONLY = /^(?:val|valid|validation|eval|evaluation|test|testing|evaluating|validating)$/;

/** "train/loss_step" -> "train loss step". */
export function fold(name: string): string {
  return name
    .toLowerCase()
    .replace(/[_\-/.:\s]+/g, ' ')
    .trim();
}

/** "global_step/max_steps": what is counted, and of how many. */
const OF_ALL = / (?:max|total|num) (?:train |training )?(?:steps|iters|iterations|epochs)$/;
/** The rank of what one of an agent's parts loses: the loss of a line that counts and names no other. */
export const PART = 1;
const PART_LOSS = /^(?:mean |avg |average |train )?(?:value|v|surrogate|entropy|policy|policy gradient|actor|critic|pg|vf|qf|ent coef|rnd|symmetry) (?:function )?loss$/;

function roleOf(key: string, name: string, hint: string): Partial<Label> & { role: Role } {
  const counted = key.replace(OF_ALL, '');
  if (counted !== key && STEP.has(counted)) return { role: 'step' };
  if (counted !== key && EPOCH.has(counted)) return { role: 'epoch' };
  // "train_speed(iter/s)"
  const slash = hint.indexOf('/');
  const speed = slash > 0 && !EVAL_WORD.test(key) ? rateUnit(hint.slice(0, slash), hint.slice(slash + 1)) : null;
  if (speed?.scale === 1) return { role: 'rate', unit: speed.unit };
  const loss = LOSS.get(key);
  if (loss !== undefined) return { role: 'loss', rank: loss };
  if (STEP.has(key)) return { role: 'step' };
  if (EPOCH.has(key)) return { role: 'epoch' };
  if (LR.has(key)) return { role: 'lr' };
  if (ETA.has(key)) return { role: 'eta' };
  if (TOTAL.has(key) || /\bnumber of (?:\w+ )?(?:iterations|steps|updates)$/.test(key)) return { role: 'total' };
  if (WEAK_STEP.has(key)) return { role: 'weak_step' };
  if (GRAD.has(key)) return { role: 'grad' };
  if (STEP_TIME.has(key) || /^(?:full|total|train|mean|average|avg|global) (?:train(?:ing)? )?step time$/.test(key)) return { role: 'step_time', unit: /ms|milli/.test(hint) || /^ms /.test(key) || / ms$/.test(key) ? 'ms' : '' };
  const rate = EVAL_WORD.test(key) ? null : rateLabel(key.replace(/^train(?:ing)? /, ''));
  if (rate) return { role: 'rate', unit: rate };
  if (key === 'time' || key === 'seconds') return { role: 'time' };
  if (key === 'train' || key === 'total') return { role: 'bare' };
  // "VAcc", "VF1" beside "TrA", "TrF1"
  if (key === 'tel' || /^cv agg's (?!train)/.test(key) || /^v(?:al)?(?:acc|f1|loss|auc|iou|dice|psnr|mae|mse|rmse)$/.test(key)) return { role: 'eval' };
  if (EVAL_WORD.test(name.replace(/[_/]/g, ' '))) return { role: isEvalMetric(name, key) ? 'eval' : 'none' };
  if (/^(?:rollout )?ep (?:rew|len) mean$|^(?:mean |avg |average )?(?:\d{1,4} )?episod(?:e|ic) (?:return|reward)s?(?: mean)?$|^(?:mean|avg|average) (?:reward|return)s?$/.test(key)) return { role: 'eval' };
  if (/^(?:(?:mean|avg|average|macro) )?(?:auc|roc auc|auroc|bleu|wer|cer|[fk]id(?:\d{1,3}k?(?: full)?)?|miou|map(?:@?[\d.: ]*))$/.test(key)) return { role: 'auc' };
  const parts = key.split(' ');
  const last = parts.at(-1) ?? '';
  if (/^train(?:ing)?(?:'s)? (?:(?:m|binary |multi |cross )?(?:log ?loss|entropy)|rmsle|rmse|mae|mape|l1|l2|tweedie|poisson|quantile)$/.test(key)) return { role: 'loss', rank: 6 };
  if (key === 'cost') return { role: 'loss', rank: PART };
  if (PART_LOSS.test(key)) return { role: 'loss', rank: PART };
  if (/^(?:avg|average|mean|total|overall) (?:\w+ ){0,2}loss(?: \w+)?$/.test(key)) return { role: 'loss', rank: 4 };
  if (last === 'loss' || (parts[0] === 'loss' && !/^loss (?:scale|scaler|weight|fn|function|type|of)/.test(key))) return { role: 'loss', rank: 2 };
  if (parts.length <= 5 && /^(?:step|iter|iteration)$/.test(last) && !NOT_A_STEP.test(parts.slice(0, -1).join(' '))) return { role: 'step' };
  if (parts.length <= 5 && last === 'epoch' && !/per|max|num|total|each|every|best|of\b|last|val|test|warm|save|until|after|eval/.test(key)) return { role: 'epoch' };
  return { role: METRIC.test(name) ? 'metric' : 'none' };
}

/** Whether a key that stands in an evaluation is a figure of merit, not the size of the set or the time that it took. */
export function isEvalMetric(name: string, key = fold(name)): boolean {
  if (METRIC.test(name.replace(/[_/]/g, ' ')) && !/per sec|runtime|\btime\b|improved|did not improve/.test(key)) return !/\b(?:size|samples|every|steps|patience|best)\b/.test(key);
  return /^(?:eval|val|valid|validation|test)[_/-][a-z]/i.test(name) && !NOT_A_METRIC.test(key);
}

/** What is set, or measured of the machine, and no figure of merit. */
const SETTING = /^(?:tr(?:ai)?n|Tr[A-Z]|best)|\b(?:temp(?:erature)?|beta\d?|gamma|alpha|eps(?:ilon)?|momentum|wd|decay|scale|weight|ratio|coef\w*|std|kl|mfu|util|throughput|power)\b/i;

/** Whether a fraction that an evaluation's line names may be its figure of merit: there are more of them than a list can hold. */
export const isUnnamedMetric = (name: string): boolean => /^[\p{L}][\p{L}\p{N} @_/.-]{1,30}$/u.test(name) && !NOT_A_METRIC.test(name) && !/\b(?:lr|eta|took|elapsed|sec|speed|data|mem)\b|took|grad|norm|param|thresh/i.test(name);

function rateLabel(key: string): string | null {
  const perSecond = /(?:\bs|\bsec|per ?sec(?:ond)?|persec(?:ond)?|\bsecond)(?: (?:per )?(?:gpu|device|rank|chip|thread|core|worker|node))?$/.test(key);
  if (key === 'tps' || key === 'wps' || (perSecond && /tok|words/.test(key)) || key === 'perf throughput' || key === 'tgs') return 'tok/s';
  if (key === 'ips' || /^(?:img|image|sample|example)s? (?:per )?sec(?:ond)? core\b/.test(key) || (perSecond && /sample|im(?:a)?g|example|seq|\bips\b|records/.test(key)) || key === 'throughput' || key === 'img s') return 'samples/s';
  if (key === 'fps' || key === 'fps total' || key === 'time fps' || key === 'sps' || key === 'charts sps') return 'steps/s';
  if (perSecond && /step/.test(key)) return 'steps/s';
  if (key === 'ups' || key === 'its' || (perSecond && /\bit\b|iter|batch|update/.test(key))) return 'it/s';
  return null;
}

function lastDelimiter(text: string): number {
  for (let at = text.length - 1; at >= 0; at--) {
    const char = text[at];
    if (char === undefined) break;
    const next = text[at + 1];
    // "valid_1's auc" is one name.
    if (char === "'" && next === 's' && text[at + 2] === ' ' && /\w/.test(text[at - 1] ?? '')) continue;
    if (',;|[](){}<>"\'\t=#•·→│┃║—'.includes(char)) return at + 1;
    if (char === ' ' && next === ' ') return at + 2;
    if ((char === ':' || char === '>' || char === '.') && next === ' ') return at + 2;
    if (char === '-' && next === ' ' && (at === 0 || text[at - 1] === ' ')) return at + 2;
  }
  return 0;
}
