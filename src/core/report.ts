/** What happened to a run and why: root cause, evidence, what was tried with which outcome, and what a person could do next. */
import { knownFacts, type Risk } from './fixes.ts';
import { runCost } from './ledger.ts';
import { remedyWords } from './narrate.ts';
import type { Incident, RunState, World } from './state.ts';
import { adviceWords, suggestionWords, trialWords } from './tune.ts';

export interface Tried {
  at: number;
  rung: string;
  what: string;
  why: string;
  /** Of a fix: the exact command, its undoing and its risk. */
  command: string | null;
  undo: string | null;
  risk: Risk | null;
  outcome: string;
}

export interface IncidentReport {
  id: number;
  at: number;
  step: number | null;
  trigger: string;
  cause: string;
  /** 0 to 1. */
  confidence: number;
  root_cause: string;
  signature: string;
  evidence: string[];
  tried: Tried[];
  outcome: 'open' | 'resolved' | 'given_up' | 'superseded';
}

export interface Report {
  run: string;
  stage: string;
  verdict: string | null;
  reason: string | null;
  step: number | null;
  total_steps: number | null;
  checkpoint: string | null;
  attempts: number;
  usd: number;
  usd_wasted: number;
  usd_limit: number;
  results: string;
  incidents: IncidentReport[];
  /** What holds it back and what would help, in words; null before its rhythm is stable. */
  efficiency: { verdict: string; suggestions: string[] } | null;
  /** Optimisations that were tried, with their figures. */
  trials: string[];
  next_best_option: string;
}

/** The report of one run at `now`, epoch ms. Pure; texts are as the journal has them, so whoever prints them cleans them. */
export function reportOf(world: World, run: RunState, now: number): Report {
  const cost = runCost(world, run, now);
  const incidents = [...run.incidents, ...(run.incident ? [run.incident] : [])].map(incidentReport);
  return {
    run: run.id,
    stage: run.stage,
    verdict: run.verdict,
    reason: run.verdict_reason,
    step: run.progress?.reading.step ?? null,
    total_steps: run.progress?.reading.total_steps ?? null,
    checkpoint: run.checkpoint?.path ?? null,
    attempts: run.attempts.length,
    usd: cost.usd,
    usd_wasted: cost.wasted,
    usd_limit: run.spec.kill.dollars,
    results: run.rescue ? `${run.rescue.verdict.replaceAll('_', ' ')}: ${run.rescue.reason}` : run.home.length > 0 ? `${run.home.length} files at home` : 'nothing at home yet',
    incidents,
    efficiency: run.advice && { verdict: adviceWords(run.advice), suggestions: run.advice.suggestions.map((one) => suggestionWords(run, one)) },
    trials: run.trials.map(trialWords),
    next_best_option: nextOption(run),
  };
}

function incidentReport(incident: Incident): IncidentReport {
  const { diagnosis, ended, remedies } = incident;
  return {
    id: incident.id,
    at: incident.opened_at,
    step: incident.step,
    trigger: diagnosis.trigger,
    cause: diagnosis.cause,
    confidence: diagnosis.confidence,
    root_cause: diagnosis.summary,
    signature: diagnosis.signature,
    evidence: diagnosis.evidence,
    tried: remedies.map(({ remedy, at, why }, index) => {
      const fix = remedy.rung === 'fix' ? knownFacts(remedy.fix) : null;
      return { at, rung: remedy.rung, what: remedyWords(remedy), why, command: fix?.command ?? null, undo: fix?.undo ?? null, risk: fix?.risk ?? null, outcome: index < remedies.length - 1 ? 'did not hold: the failure came back' : lastOutcome(ended) };
    }),
    outcome: ended?.how ?? 'open',
  };
}

function lastOutcome(ended: Incident['ended']): string {
  switch (ended?.how) {
    case undefined:
      return 'not proven yet';
    case 'resolved':
      return `held: proven by step ${ended?.step}`;
    case 'given_up':
      return 'did not hold: the failure came back';
    case 'superseded':
      return 'another failure came after it';
  }
}

function nextOption(run: RunState): string {
  const open = run.incident?.diagnosis.next;
  const last = run.incidents.at(-1)?.ended;
  if (run.verdict === null) return open ?? 'nothing: the run goes on';
  switch (run.verdict) {
    case 'done':
    case 'early_stopped':
      return 'nothing: the run reached its end';
    case 'failed':
      if (last?.how === 'given_up') return last.best_option;
      return open ?? (run.attempts.some(({ started_at }) => started_at !== null) ? 'read the end of the log' : 'correct the image, the upload or the hardware demands in the spec and launch again: no training ever started');
    case 'killed_by_criterion':
      return 'raise kill.dollars or kill.hours in the spec and launch again; the newest checkpoint is at home';
    case 'no_offer':
      return 'widen the hardware demands or the price cap in the spec, or try again later';
    case 'refused':
      return 'wait until another run is over, or raise the fleet budget, kill.dollars or the credit (the reason says which), and launch again';
    case 'destroyed_by_user':
      return 'nothing: it ended as ordered';
    case 'lost':
      return 'launch again; what came home while it ran is in results';
  }
}

/** The report as plain lines. `clean` makes foreign text fit for where the lines go. */
export function reportLines(report: Report, clean: (text: string, max: number) => string): string[] {
  const say = (text: string): string => clean(text, 400);
  const lines = [
    `run ${report.run}: ${(report.verdict ?? report.stage).replaceAll('_', ' ')}${report.reason === null ? '' : ` (${say(report.reason)})`}`,
    `step ${report.step ?? '-'}${report.total_steps === null ? '' : ` of ${report.total_steps}`}, ${report.attempts} attempt${report.attempts === 1 ? '' : 's'}, $${report.usd.toFixed(3)} of $${report.usd_limit} ($${report.usd_wasted.toFixed(3)} wasted)`,
    `results: ${say(report.results)}${report.checkpoint === null ? '' : `; newest checkpoint ${say(report.checkpoint)}`}`,
  ];
  for (const incident of report.incidents) {
    lines.push(`incident ${incident.id}${incident.step === null ? '' : ` at step ${incident.step}`}: ${incident.cause.replaceAll('_', ' ')} (${incident.trigger.replaceAll('_', ' ')}, ${Math.round(incident.confidence * 100)} % sure), ${incident.outcome.replaceAll('_', ' ')}`);
    lines.push(`  root cause: ${say(incident.root_cause)}`);
    for (const evidence of incident.evidence) lines.push(`  evidence: ${say(evidence)}`);
    for (const { what, why, outcome, command, undo, risk } of incident.tried) {
      lines.push(`  tried: ${say(what)} (${say(why)}); ${outcome}`);
      if (command !== null) lines.push(`    command: ${say(command)}; undo: ${undo === null ? 'none' : say(undo)}; risk: ${risk}`);
    }
  }
  if (report.efficiency) lines.push(`efficiency: ${say(report.efficiency.verdict)}`, ...report.efficiency.suggestions.map((one) => `  would help: ${say(one)}`));
  for (const trial of report.trials) lines.push(`optimisation: ${say(trial)}`);
  return [...lines, `next best option: ${say(report.next_best_option)}`];
}
