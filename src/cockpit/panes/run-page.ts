/** A run's own page: spec, attempts, incidents, what is at home, what it cost, what was said. One long column, scrolled. */
import { compactLine, lineText, span } from '../../core/line.ts';
import { remedyWords } from '../../core/narrate.ts';
import type { Incident, RunState, World } from '../../core/state.ts';
import { cleanLine } from '../../core/text.ts';
import { adviceWords, suggestionWords, trialWords } from '../../core/tune.ts';
import { clockTime } from '../format.ts';
import { GLYPH } from '../glyphs.ts';
import { line, piece, plain, wrap, type Line } from '../line.ts';
import { fact, rule, signOf } from './parts.ts';
import { attemptLine, costLines, homeLines, specLines, statusLines } from './run-facts.ts';
import { ladderLines } from './run-ladder.ts';
import { patchLines } from './run-patches.ts';
import { progressLines } from './run-progress.ts';
import { saidLines } from './said.ts';

/** Newest lines of the timeline that the page shows. */
const TIMELINE = 40;
/** Newest lines of output that the page shows. */
const TAIL = 8;

/** `status`: the run's block of STATUS.md; empty where nothing writes one. */
export function runPage(run: RunState, world: World, now: number, width: number, status: string): Line[] {
  const section = (title: string, body: readonly Line[]): Line[] => (body.length === 0 ? [] : [rule([piece(title, 'title')], [], width, false), ...body, line()]);
  const { glyph, role } = signOf(run);
  const verdict = run.verdict === null ? [] : [piece(`  ${run.verdict}: ${cleanLine(run.verdict_reason ?? '', 200)}`, role)];
  return [
    rule([piece(`${glyph} `, role), piece(run.id, 'title'), ...verdict], [piece('Esc goes back', 'faint')], width, true),
    plain(` ${lineText(compactLine(run, now))}`, 'text'),
    line(),
    ...section('Incidents', incidentLines(run, now, width)),
    ...section('Patches', patchLines(run, width)),
    ...section('Ladder', ladderLines(run, world, now, width)),
    ...section('Progress', [...progressLines(run, width), ...alertLines(run)]),
    ...section('Efficiency', efficiencyLines(run, width)),
    ...section('Log', run.tail.slice(-TAIL).map((text) => plain(` ${cleanLine(text, 1_000)}`, 'muted'))),
    ...section('Costs', costLines(run, world, now, width)),
    ...section('At home, verified', homeLines(run, now, width)),
    ...section('Attempts', run.attempts.map(attemptLine)),
    ...section('Spec', specLines(run, now, width)),
    ...section('Timeline', timelineLines(run, world, width)),
    ...section('STATUS.md', status === '' ? [] : statusLines(status, width)),
  ];
}

function incidentLines(run: RunState, now: number, width: number): Line[] {
  const all = [...run.incidents.filter(({ id }) => id !== run.incident?.id), ...(run.incident ? [run.incident] : [])];
  return all.flatMap((incident) => [
    line(piece(` ${clockTime(incident.opened_at)} `, 'faint'), piece(`${incident.diagnosis.cause} `, incident.ended ? 'muted' : 'bad'), piece(`at ${incident.step === null ? 'no step' : `step ${incident.step}`} of attempt ${incident.attempt}`, 'muted')),
    ...wrap(cleanLine(incident.diagnosis.summary, 400), width - 12).map((row) => plain(`          ${row}`, 'text')),
    ...(incident.diagnosis.signature === '' ? [] : [line(piece('          '), piece(cleanLine(incident.diagnosis.signature, 300), incident.ended ? 'faint' : 'signature'))]),
    ...incident.remedies.map(({ remedy, at, why }) => line(piece(` ${clockTime(at)} `, 'faint'), piece(`${remedy.rung}: ${cleanLine(remedyWords(remedy), 120)} `, 'busy'), piece(cleanLine(why, 200), 'muted'))),
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

/** What holds it back, what would help and who does it, and what was tried. */
function efficiencyLines(run: RunState, width: number): Line[] {
  const rows = (name: string, text: string): Line[] => wrap(text, width - 15).map((row, index) => fact(index === 0 ? name : '', piece(row)));
  const { advice } = run;
  return [
    ...(advice ? rows('verdict', adviceWords(advice)) : []),
    ...(advice?.suggestions ?? []).flatMap((one, index) => rows(index === 0 ? 'would help' : '', suggestionWords(run, one))),
    ...run.trials.flatMap((trial) => rows(`try ${trial.n}`, trialWords(trial))),
  ];
}

/** Lines that the triggers hold open: nothing is repaired for them, a person should know. */
function alertLines({ eyes }: RunState): Line[] {
  return Object.values(eyes.alerts).filter(({ open }) => open).map(({ words }) => fact('note', piece(`${GLYPH.alert} ${cleanLine(words, 300)}`, 'warn')));
}

/** Phases and incidents in their order, the newest below. */
function timelineLines(run: RunState, world: World, width: number): Line[] {
  const said = world.said.filter((entry) => entry.run === run.id).slice(-TIMELINE);
  const began = fact('stage', piece(run.stage.replaceAll('_', ' '), 'title'), piece(` since ${clockTime(run.stage_since)}; submitted ${clockTime(run.submitted_at)}`, 'muted'));
  return [began, ...said.flatMap((entry) => saidLines({ ...entry, run: null }, width, 3))];
}
