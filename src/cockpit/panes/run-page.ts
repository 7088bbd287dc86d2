/** A run's own page: spec, attempts, incidents, what is at home, what it cost, what was said. One long column, scrolled. */
import { knownFacts } from '../../core/fixes.ts';
import { runCost, waitingOf, waitingWords } from '../../core/ledger.ts';
import { compactLine, figure, lineText, span } from '../../core/line.ts';
import type { Incident, RunState, World } from '../../core/state.ts';
import type { Remedy } from '../../core/events.ts';
import type { Spec } from '../../core/spec.ts';
import { cleanLine } from '../../core/text.ts';
import { trialWords } from '../../core/tune.ts';
import { ago, bar, bytes, clockTime, money, perHour, share, sparkline } from '../format.ts';
import { fit, line, piece, plain, wrap, type Line, type Piece } from '../line.ts';
import type { Role } from '../theme.ts';
import { rule, signOf } from './parts.ts';
import { saidLines } from './said.ts';

/** Newest lines of the timeline that the page shows. */
const TIMELINE = 40;
/** Newest lines of output that the page shows. */
const TAIL = 8;

export function runPage(run: RunState, world: World, now: number, width: number): Line[] {
  const section = (title: string, body: readonly Line[]): Line[] => (body.length === 0 ? [] : [rule([piece(title, 'title')], [], width, false), ...body, line()]);
  const { glyph, role } = signOf(run);
  const verdict = run.verdict === null ? [] : [piece(`  ${run.verdict}: ${cleanLine(run.verdict_reason ?? '', 200)}`, role)];
  return [
    rule([piece(`${glyph} `, role), piece(run.id, 'title'), ...verdict], [piece('Esc goes back', 'faint')], width, true),
    plain(` ${lineText(compactLine(run, now))}`, 'text'),
    line(),
    ...section('Incidents', incidentLines(run, now, width)),
    ...section('Progress', progressLines(run, width)),
    ...section('Optimisations', run.trials.flatMap((trial) => wrap(trialWords(trial), width - 2).map((row) => plain(` ${row}`, 'text')))),
    ...section('Log', run.tail.slice(-TAIL).map((text) => plain(` ${cleanLine(text, 1_000)}`, 'muted'))),
    ...section('Costs', costLines(run, world, now, width)),
    ...section('Attempts', run.attempts.map(attemptLine)),
    ...section('At home, verified', run.home.length > 0 ? run.home.map((file) => line(piece(` ${fit(cleanLine(file.path, 200), Math.min(60, width - 30), 'left', 'middle')}`), piece(fit(bytes(file.bytes), 9, 'right'), 'muted'), piece(`  sha256 ${file.sha256.slice(0, 12)}`, 'faint'))) : [plain(' Nothing yet.', 'muted')]),
    ...section('Spec', specLines(run, now, width)),
    ...section('Timeline', world.said.filter((entry) => entry.run === run.id).slice(-TIMELINE).flatMap((entry) => saidLines({ ...entry, run: null }, width, 3))),
  ];
}

const fact = (name: string, ...value: Piece[]): Line => line(piece(` ${fit(name, 12)}`, 'muted'), ...value);

function incidentLines(run: RunState, now: number, width: number): Line[] {
  const all = [...run.incidents.filter(({ id }) => id !== run.incident?.id), ...(run.incident ? [run.incident] : [])];
  return all.flatMap((incident) => [
    line(piece(` ${clockTime(incident.opened_at)} `, 'faint'), piece(`${incident.diagnosis.cause} `, incident.ended ? 'muted' : 'bad'), piece(`at ${incident.step === null ? 'no step' : `step ${incident.step}`} of attempt ${incident.attempt}`, 'muted')),
    ...wrap(cleanLine(incident.diagnosis.summary, 400), width - 12).map((row) => plain(`          ${row}`, 'text')),
    ...(incident.diagnosis.signature === '' ? [] : [line(piece('          '), piece(cleanLine(incident.diagnosis.signature, 300), incident.ended ? 'faint' : 'signature'))]),
    ...incident.remedies.map(({ remedy, at, why }) => line(piece(` ${clockTime(at)} `, 'faint'), piece(`${remedyWord(remedy)} `, 'busy'), piece(cleanLine(why, 200), 'muted'))),
    endLine(incident, now),
  ]);
}

function endLine({ ended, opened_at }: Incident, now: number): Line {
  if (!ended) return line(piece('          '), piece(`open for ${span(now - opened_at)}; proven repaired by a step beyond it`, 'warn'));
  const time = piece(` ${clockTime(ended.at)} `, 'faint');
  switch (ended.how) {
    case 'resolved':
      return line(time, piece(`resolved: step ${ended.step} reached, ${span(ended.at - opened_at)} after it opened`, 'ok'));
    case 'given_up':
      return line(time, piece(`given up: ${cleanLine(ended.reason, 200)}. Next best: ${cleanLine(ended.best_option, 200)}`, 'bad'));
    case 'superseded':
      return line(time, piece('superseded', 'muted'));
  }
}

export function remedyWord(remedy: Remedy): string {
  switch (remedy.rung) {
    case 'rerun':
      return `rerun${remedy.backoff_ms > 0 ? ` after ${span(remedy.backoff_ms)}` : ''}`;
    case 'fix':
      return `fix: ${cleanLine(knownFacts(remedy.fix)?.words ?? '', 80)}`;
    case 'reduce':
      return `reduce ${remedy.knob} ${figure(remedy.from)} -> ${figure(remedy.to)}${remedy.keeps ? `, ${remedy.keeps.knob} ${figure(remedy.keeps.from)} -> ${figure(remedy.keeps.to)}` : ''}`;
    case 'switch':
      return 'switch instance';
  }
}

function progressLines(run: RunState, width: number): Line[] {
  if (!run.progress) return [];
  const { reading, marks } = run.progress;
  const losses = marks.flatMap(({ loss }) => (loss === null ? [] : [loss]));
  const done = reading.step !== null && reading.total_steps !== null && reading.total_steps > 0 ? Math.min(1, reading.step / reading.total_steps) : null;
  const lines: Line[] = [];
  if (done !== null) lines.push(fact('steps', ...bar(['bar_good', 'bar_rest'], [done, 1 - done], Math.min(40, width - 30)), piece(` ${reading.step ?? 0} of ${reading.total_steps ?? 0}`, 'text'), piece(reading.eta_s === null ? '' : `, ${span(reading.eta_s * 1_000)} to go`, 'muted')));
  const [first, last] = [losses[0], losses.at(-1)];
  if (first !== undefined && last !== undefined) lines.push(fact('loss', piece(sparkline(losses, Math.min(40, width - 30)), 'ok'), piece(` ${figure(first)} to ${figure(last)}`, 'text')));
  for (const [name, value] of Object.entries(reading.eval ?? {}).slice(0, 4)) lines.push(fact(cleanLine(name, 12), piece(figure(value))));
  return lines;
}

function costLines(run: RunState, world: World, now: number, width: number): Line[] {
  const cost = runCost(world, run, now);
  const rest = Math.max(0, cost.usd - cost.productive - cost.wasted);
  const waiting = waitingOf(world, run, now);
  const part = (name: string, usd: number, role: Role): Piece[] => (usd < 0.005 ? [] : [piece(`${name} `, 'muted'), piece(`${money(usd)}  `, role)]);
  return [
    fact('spent', piece(money(cost.usd), 'money'), piece(` of ${money(run.spec.kill.dollars)}   `, 'muted'), ...bar(['bar_good', 'bar_bad', 'bar_rest'], [cost.productive, cost.wasted, rest], Math.min(30, width - 40)), piece(` ${share(cost.productive, cost.usd)} productive`, 'muted')),
    fact('split', ...part('productive', cost.productive, 'ok'), ...part('wasted', cost.wasted, 'warn'), ...part('setup', cost.setup, 'text'), ...part('rescue', cost.rescue, 'text'), ...part('hold', cost.hold, 'text'), ...part('traffic', cost.traffic, 'text'), ...part('model', cost.model, 'text')),
    ...(waiting === null ? [] : wrap(waitingWords(waiting), width - 15).map((row, index) => fact(index === 0 ? 'waiting' : '', piece(row, 'warn')))),
  ];
}

function attemptLine(attempt: RunState['attempts'][number]): Line {
  const steps = attempt.first_step === null ? 'no step' : `steps ${attempt.first_step} to ${attempt.last_step ?? '?'}`;
  const end = attempt.exit ? ` ended ${attempt.exit.signal === null ? `with exit code ${attempt.exit.exit_code ?? 'unknown'}` : `by ${cleanLine(attempt.exit.signal, 12)}`}` : attempt.ended_at === null ? ' under way' : ' ended';
  const from = attempt.resume_from === null ? '' : `, from ${cleanLine(attempt.resume_from, 60)}`;
  return line(piece(` ${String(attempt.number).padStart(2)}  `, 'title'), piece(fit(String(attempt.instance), 10), 'muted'), piece(attempt.started_at === null ? 'not started ' : `${clockTime(attempt.started_at)} `, 'faint'), piece(`${steps}${from},`, 'text'), piece(end, attempt.exit && attempt.exit.exit_code !== 0 ? 'warn' : 'muted'));
}

function specLines(run: RunState, now: number, width: number): Line[] {
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
