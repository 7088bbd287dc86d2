/** What STATUS.md says of each run: enough for a person, or another agent, to take over without this program. */
import { actionWords, type ProposedChoice } from '../core/brain/proposal.ts';
import { newestCheckpoint } from '../core/checkpoints.ts';
import { renderCommand } from '../core/knobs.ts';
import { runCost, waitingOf, waitingWords } from '../core/ledger.ts';
import { figure, span, stateWord } from '../core/line.ts';
import { bytes, remedyWords } from '../core/narrate.ts';
import { reportOf } from '../core/report.ts';
import { standingWords } from '../core/standing.ts';
import { currentAttempt, instanceOf, runsOf, type Incident, type RunState, type World } from '../core/state.ts';
import { cleanLine } from '../core/text.ts';
import { adviceWords, trialWords } from '../core/tune.ts';
import { mdCode, mdText } from './markdown.ts';
import { BEGIN, END } from './status-file.ts';

/**
 * The block of STATUS.md, markers included, for the named runs (null: all), newest first. Pure; `now` is epoch ms of the
 * program's clock. Every text that came from elsewhere is cleaned and escaped; each fact is one line.
 */
export function statusMarkdown(world: World, now: number, runs: readonly string[] | null = null): string {
  const shown = runsOf(world)
    .filter((run) => runs === null || runs.includes(run.id))
    .sort((a, b) => b.submitted_at - a.submitted_at);
  const head = [BEGIN, '## Training runs', '', `Written by vastsit-tui at ${iso(now)}. What stands outside the two marker lines is yours and is kept.`];
  const body = shown.length === 0 ? ['', 'No run yet.'] : shown.flatMap((run) => ['', ...runLines(world, run, now)]);
  return [...head, ...body, END].join('\n');
}

function runLines(world: World, run: RunState, now: number): string[] {
  const attempt = currentAttempt(run);
  const standing = standingWords(world, run, now);
  return [
    `### ${mdText(run.id)}: ${stateWord(run)}`,
    '',
    `- State: ${run.stage.replaceAll('_', ' ')} since ${iso(run.stage_since)}${verdictWords(run)}`,
    `- Instance: ${instanceWords(world, run)}${standing === null ? '' : `; ${mdText(standing)}`}`,
    `- Command${attempt ? ` (attempt ${run.attempt})` : ''}: ${mdCode(attempt?.command || renderCommand(run.spec.run, run.knobs, null))}`,
    ...(attempt?.resume_from ? [`- Resumed from: ${mdCode(attempt.resume_from)}${attempt.resume_step === null ? '' : ` (step ${attempt.resume_step})`}`] : []),
    `- Config in force: ${configWords(run)}`,
    ...run.fixes.map((fix) => `- Fix in force: ${mdCode(fix)}`),
    `- Spec: ${mdCode(run.spec_path)}`,
    `- Log on the instance: ${mdCode(`~/vastsit/${run.id}/.vastsit/log.${Math.max(1, run.attempt)}`)}; read it with ${mdCode(`vastsit-tui logs ${run.id}`)}, or ${mdCode('tail -f')} on the instance`,
    `- Progress: ${progressWords(run)}`,
    `- Kill criteria: ${run.spec.kill.hours} h or $${run.spec.kill.dollars}, whichever comes first; at most $${run.spec.hardware.max_usd_per_hour}/h`,
    `- Teardown: ${teardownWords(run, now)}`,
    `- Checkpoints at home: ${checkpointWords(run)}`,
    ...(run.rescue ? [`- Results: ${run.rescue.verdict.replaceAll('_', ' ')} (${mdText(run.rescue.reason)}), ${iso(run.rescue.at)}${waitWords(world, run, now)}`] : []),
    `- Cost so far: ${costWords(world, run, now)}`,
    ...run.incidents.concat(run.incident && !run.incidents.some(({ id }) => id === run.incident?.id) ? [run.incident] : []).map(incidentWords),
    ...(run.advice ? [`- Efficiency: ${mdText(adviceWords(run.advice))}`] : []),
    ...run.trials.map((trial) => `- Optimisation: ${mdText(trialWords(trial))}`),
    ...brainLines(run),
    ...endLines(world, run, now),
    '- Watched by: the babysitter; its mandate is in `agents/babysitter.md`: keep training alive, fix failures, avoid idle spend, report only what matters',
  ];
}

/** What a person needs when the run ended otherwise than by reaching its end; `report` prints the same and more. */
function endLines(world: World, run: RunState, now: number): string[] {
  if (run.verdict === null || run.verdict === 'done') return [];
  const report = reportOf(world, run, now);
  return [
    ...(report.incidents.at(-1)?.evidence ?? []).map((line) => `- Evidence: ${mdCode(line, 300)}`),
    `- Next best option: ${mdText(report.next_best_option)}; the whole report: ${mdCode(`vastsit-tui report ${run.id}`)}`,
  ];
}

/** While the gate is shut, what the waiting costs. */
function waitWords(world: World, run: RunState, now: number): string {
  const waiting = waitingOf(world, run, now);
  return waiting === null ? '' : `; ${waitingWords(waiting)}`;
}

function verdictWords(run: RunState): string {
  if (run.verdict === null) return '';
  return `; verdict: ${run.verdict.replaceAll('_', ' ')}${run.verdict_reason === null ? '' : ` (${mdText(run.verdict_reason)})`}`;
}

function instanceWords(world: World, run: RunState): string {
  const instance = instanceOf(world, run);
  const last = run.attempts.at(-1);
  if (!instance && run.renting) return `being rented: offer ${run.renting.offer.offer_id} on machine ${run.renting.offer.machine_id}`;
  if (!instance) return run.instance !== null ? String(run.instance) : last ? `none; the last was ${last.instance} on machine ${last.machine_id}` : 'none';
  const { facts, machine_id, gone_at, rate } = instance;
  const offer = run.offers.find((one) => one.machine_id === machine_id);
  const place = facts.geolocation ? `, ${mdText(facts.geolocation, 60)}` : '';
  const from = offer ? `, from offer ${offer.offer_id} at $${figure(offer.all_in_usd_per_hour)}/h all-in` : '';
  return `${instance.id} on machine ${machine_id} (${facts.num_gpus}x ${mdText(facts.gpu_name, 60)}${place})${from}; ${gone_at === null ? `bills $${figure(rate)}/h now` : `gone since ${iso(gone_at)}`}`;
}

function configWords(run: RunState): string {
  const knobs = Object.entries(run.knobs).map(([name, value]) => {
    const start = run.spec.knobs[name]?.value;
    return `${mdText(name, 60)} = ${value}${start === undefined || start === value ? '' : ` (started with ${start})`}`;
  });
  return `${knobs.join(', ') || 'no knobs declared'}; image ${mdCode(run.spec.image, 200)}`;
}

function progressWords(run: RunState): string {
  const reading = run.progress?.reading;
  if (!run.progress || reading?.step == null) return 'no step seen yet';
  const total = reading.total_steps === null ? '' : ` of ${reading.total_steps}`;
  return `step ${reading.step}${total}${reading.loss === null ? '' : `, loss ${figure(reading.loss)}`}, last advanced ${iso(run.progress.advanced_at)}`;
}

function teardownWords(run: RunState, now: number): string {
  const { idle_grace, on_done, stopped_grace } = run.spec.teardown;
  const policy = `when done ${on_done}${on_done === 'keep' ? '' : ' once results are home'}; idle at most ${span(idle_grace)}; stopped at most ${span(stopped_grace)}`;
  const hold = run.hold ? `; held by the user until ${iso(run.hold.until)}${run.hold.until <= now ? ' (over)' : ''}: ${mdText(run.hold.reason)}` : '';
  return `${policy}${run.keep ? '; the user asked to keep the instance' : ''}${hold}`;
}

function checkpointWords(run: RunState): string {
  const globs = run.spec.checkpoints?.path ?? [];
  const newest = newestCheckpoint(run.home, globs, run.bad_checkpoints);
  if (!newest) return globs.length === 0 ? 'none declared: a repair starts again from step 0' : 'none yet';
  const others = run.home.length - newest.files.length;
  return `newest ${mdCode(newest.path)} (${bytes(newest.bytes)}, SHA-256 ${mdText(newest.files[0]?.sha256.slice(0, 12) ?? '', 12)}… verified${run.home_at === null ? '' : ` ${iso(run.home_at)}`})${others > 0 ? `, and ${others} other verified file${others === 1 ? '' : 's'}` : ''}`;
}

function costWords(world: World, run: RunState, now: number): string {
  const cost = runCost(world, run, now);
  return `$${cost.usd.toFixed(3)} of $${run.spec.kill.dollars} (productive $${cost.productive.toFixed(3)}, wasted $${cost.wasted.toFixed(3)})`;
}

function incidentWords(incident: Incident): string {
  const { diagnosis, ended, step, remedies } = incident;
  const where = step === null ? '' : ` at step ${step}`;
  const tried = remedies.map(({ remedy, why }) => `${mdText(remedyWords(remedy))} (${mdText(why)})`).join('; then ') || 'none yet';
  return `- Incident ${incident.id}, ${iso(incident.opened_at)}${where}: ${diagnosis.cause.replaceAll('_', ' ')}: ${mdText(diagnosis.summary).replace(/[.]$/, '')}. Remedy: ${tried}. Outcome: ${outcomeWords(ended)}`;
}

function brainLines(run: RunState): string[] {
  const { usage, consults, consult, patches } = run.brain;
  const bill = consults === 0 ? [] : [`- Language model: asked ${consults} time${consults === 1 ? '' : 's'}, ${usage.tokens_in + usage.tokens_out} tokens, $${usage.usd.toFixed(4)}`];
  const asks = consult.stage === 'pending' ? [`- Waits for your word until ${iso(consult.until)}: ${mdText(actionWords(consult.proposal.action))} (${mdText(consult.why)}); answer with ${mdCode(`vastsit-tui approve ${run.id}`)} or ${mdCode(`vastsit-tui refuse ${run.id}`)}`, ...pendingDiff(consult.proposal.action)] : [];
  const proven = patches
    .filter(({ status }) => status === 'proven')
    .flatMap((patch) => [`- Patch ${patch.n}, proven by forward progress${patch.home === null ? '' : `, in ${mdCode(`results/${run.id}/${patch.home}`)}`}; take it into your project with ${mdCode('git apply')}:`, '', ...codeLines(patch.diff), '']);
  return [...bill, ...asks, ...proven];
}

/** What the user is asked to allow, as code. */
function pendingDiff(action: ProposedChoice): string[] {
  const inner = action.kind === 'ask_user' ? action.then : action;
  return inner.kind === 'apply_diff' ? ['', ...codeLines(inner.diff), ''] : [];
}

const codeLines = (text: string): string[] => text.trimEnd().split('\n').slice(0, 120).map((line) => `      ${cleanLine(line, 500)}`);

function outcomeWords(ended: Incident['ended']): string {
  switch (ended?.how) {
    case undefined:
      return 'open';
    case 'resolved':
      return `repaired, proven by step ${ended?.step} at ${iso(ended?.at)}`;
    case 'given_up':
      return `given up: ${mdText(ended.reason)}; next best option: ${mdText(ended.best_option)}`;
    case 'superseded':
      return 'replaced by the next incident';
  }
}

/** UTC, seconds. A time that no calendar has (a broken clock) reads `unknown time`. */
function iso(at: number): string {
  return Number.isFinite(at) && Math.abs(at) <= 8.64e15 ? `${new Date(at).toISOString().slice(0, 19)}Z` : 'unknown time';
}
