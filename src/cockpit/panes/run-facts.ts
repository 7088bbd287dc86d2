/** What a run page tells besides the story: costs, attempts, what is home and where, the spec, STATUS.md. */
import { checkpointsIn, hashWord } from '../../core/checkpoints.ts';
import { runCost, waitingOf, waitingWords } from '../../core/ledger.ts';
import { figure, span } from '../../core/line.ts';
import { standingWords } from '../../core/standing.ts';
import { instanceOf, isClosed, type RunState, type World } from '../../core/state.ts';
import type { Spec } from '../../core/spec.ts';
import { cleanLine } from '../../core/text.ts';
import { ago, bar, bytes, clockTime, money, perHour, share } from '../format.ts';
import { GLYPH } from '../glyphs.ts';
import { fit, line, piece, plain, wrap, type Line, type Piece } from '../line.ts';
import type { Role } from '../theme.ts';
import { fact } from './parts.ts';

export function costLines(run: RunState, world: World, now: number, width: number): Line[] {
  const cost = runCost(world, run, now);
  const rest = Math.max(0, cost.usd - cost.productive - cost.wasted);
  const waiting = waitingOf(world, run, now);
  const standing = standingWords(world, run, now);
  const part = (name: string, usd: number, role: Role): Piece[] => (usd < 0.005 ? [] : [piece(`${name} `, 'muted'), piece(`${money(usd)}  `, role)]);
  return [
    fact('spent', piece(money(cost.usd), 'money'), piece(` of ${money(run.spec.kill.dollars)}   `, 'muted'), ...bar(['bar_good', 'bar_bad', 'bar_rest'], [cost.productive, cost.wasted, rest], Math.min(30, width - 40)), piece(` ${share(cost.productive, cost.usd)} productive`, 'muted')),
    fact('split', ...part('productive', cost.productive, 'ok'), ...part('loading', cost.loading, 'warn'), ...part('idle', cost.idle, 'warn'), ...part('repeats', cost.repeats, 'warn'), ...part('setup', cost.setup, 'text'), ...part('rescue', cost.rescue, 'text'), ...part('hold', cost.hold, 'text'), ...part('traffic', cost.traffic, 'text'), ...part('model', cost.model, 'text')),
    ...leaseLines(run, world, now, width),
    ...(standing === null ? [] : wrap(standing, width - 15).map((row, index) => fact(index === 0 ? 'instance' : '', piece(row, 'warn')))),
    ...(waiting === null ? [] : wrap(waitingWords(waiting), width - 15).map((row, index) => fact(index === 0 ? 'waiting' : '', piece(row, 'warn')))),
  ];
}

/** What the box does on its own, and when: the promise that survives a closed laptop. */
function leaseLines(run: RunState, world: World, now: number, width: number): Line[] {
  const instance = instanceOf(world, run);
  if (run.lease_until === null || !run.ran_here || !instance || isClosed(run)) return [];
  const left = run.lease_until - now;
  const grace = span(run.spec.teardown.idle_grace);
  const end = instance.adopted ? 'Nothing is stopped then: the instance was yours before the run.' : `Once it is over and the lease has run out, the box stops itself ${grace} later, and only its disk bills.`;
  const words = left <= 0 ? `It ran out ${ago(-left)}: ${instance.adopted ? 'nothing is stopped, the instance was yours before the run' : 'a training that lives goes on, and once it is over the box stops itself without us'}.` : `${span(left)} left, renewed while we are here. Training that lives goes on without us. ${end}`;
  return wrap(words, width - 15).map((row, index) => fact(index === 0 ? 'lease' : '', piece(row, left <= 0 ? 'warn' : 'muted')));
}

export function attemptLine(attempt: RunState['attempts'][number]): Line {
  const steps = attempt.first_step === null ? 'no step' : `steps ${attempt.first_step} to ${attempt.last_step ?? '?'}`;
  const end = attempt.exit ? ` ended ${attempt.exit.signal === null ? `with exit code ${attempt.exit.exit_code ?? 'unknown'}` : `by ${cleanLine(attempt.exit.signal, 12)}`}` : attempt.ended_at === null ? ' under way' : ' ended';
  const from = attempt.resume_from === null ? '' : `, from ${cleanLine(attempt.resume_from, 60)}`;
  return line(piece(` ${String(attempt.number).padStart(2)}  `, 'title'), piece(fit(String(attempt.instance), 10), 'muted'), piece(attempt.started_at === null ? 'not started ' : `${clockTime(attempt.started_at)} `, 'faint'), piece(`${steps}${from},`, 'text'), piece(end, attempt.exit && attempt.exit.exit_code !== 0 ? 'warn' : 'muted'));
}

export function specLines(run: RunState, now: number, width: number): Line[] {
  const { spec } = run;
  const { hardware, kill, teardown } = spec;
  const gpu = `${hardware.num_gpus}x ${hardware.gpu?.join(' or ') ?? 'any GPU'}${hardware.gpu_ram_gb === undefined ? '' : ` >= ${hardware.gpu_ram_gb} GB`}, disk ${hardware.disk_gb} GB, at most ${perHour(hardware.max_usd_per_hour)}`;
  const knobs = Object.entries(run.knobs).map(([name, value]) => `${name} ${figure(value)}`).join(', ');
  const rows: [string, string][] = [
    ['command', spec.run],
    ['image', spec.image],
    ['hardware', gpu],
    ['market', marketWord(spec)],
    ['knobs', knobs],
    ['kill', `after ${kill.hours} h or ${money(kill.dollars)}`],
    ['when done', `${teardown.on_done}, idle grace ${span(teardown.idle_grace)}${run.keep ? '; the owner keeps it' : ''}`],
    ['file', run.spec_path],
  ];
  const checks = run.check ? [fact('last check', piece(`${ago(now - run.check.at)} (${run.check.why}), ${run.check.failure === null ? 'the box answered' : cleanLine(run.check.failure, 80)}${run.cadence ? `; ${run.cadence.phase}, next in ${span(run.cadence.next_at - now)}` : ''}`))] : [];
  return [...rows.filter(([, value]) => value !== '').flatMap(([name, value]) => wrap(cleanLine(value, 600), width - 15).map((row, index) => fact(index === 0 ? name : '', piece(row)))), ...checks];
}

const marketWord = (spec: Spec): string => (spec.market === 'on-demand' ? 'on-demand' : `bid ${perHour(spec.market.bid)}`);

/** Files of a run that the page names; the rest is counted. */
const FILES = 12;

/** Every verified copy and where it lies, checkpoints first; the newest good one is what a resume would get. */
export function homeLines(run: RunState, now: number, width: number): Line[] {
  if (run.home.length === 0) return [plain(run.spec.checkpoints ? ' No checkpoint is home yet: the first one that is complete is fetched by itself.' : ' The spec declares no checkpoints: a repair would start again from step 0.', run.spec.checkpoints ? 'muted' : 'warn')];
  const good = checkpointsIn(run.home, run.spec.checkpoints?.path ?? [], run.bad_checkpoints);
  const rank = (path: string): number => good.findIndex(({ files }) => files.some((file) => file.path === path));
  const bad = (file: RunState['home'][number]): boolean => run.bad_checkpoints.includes(file.path) || run.bad_checkpoints.includes(hashWord(file));
  const files = run.home.map((file) => ({ file, rank: rank(file.path) })).sort((a, b) => (a.rank < 0 ? Infinity : a.rank) - (b.rank < 0 ? Infinity : b.rank) || (a.file.path < b.file.path ? -1 : 1));
  const space = Math.max(16, Math.min(64, width - 42));
  const rows = files.slice(0, FILES).map(({ file, rank: at }) => {
    const [sign, role, what]: [string, Role, string] = bad(file) ? [GLYPH.failed, 'warn', 'not used again'] : at === 0 ? [GLYPH.done, 'ok', 'resumes from here'] : at > 0 ? [GLYPH.done, 'muted', 'older checkpoint'] : [GLYPH.done, 'muted', ''];
    return line(piece(` ${sign} `, role), piece(fit(cleanLine(`results/${run.id}/${file.path}`, 300), space, 'left', 'middle'), at === 0 ? 'title' : 'text'), piece(fit(bytes(file.bytes), 9, 'right'), 'muted'), piece(`  ${file.sha256.slice(0, 8)}  `, 'faint'), piece(what, role));
  });
  const more = files.length > FILES ? [plain(`   and ${files.length - FILES} more`, 'muted')] : [];
  const when = run.home_at === null ? [] : [plain(`   each with the same SHA-256 there and here; the newest came home ${ago(now - run.home_at)}`, 'faint')];
  return [...rows, ...more, ...when];
}

/** What others are told: the block that STATUS.md holds of this run. */
export const statusLines = (text: string, width: number): Line[] =>
  text.split('\n').filter((row) => row.trim() !== '' && !row.startsWith('<!--')).flatMap((row) => wrap(cleanLine(row, 600), width - 2).map((part, index) => plain(index === 0 ? ` ${part}` : `   ${part}`, 'muted')));
