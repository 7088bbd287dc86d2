/**
 * The guard between a model and the world. Pure: proposal and state in; accept, ask the user, or refuse with a reason out.
 * Whatever a log talked the model into has to pass here, and here nobody reads prose.
 */
import type { Remedy } from '../events.ts';
import { factsOf, type Fix } from '../fixes.ts';
import { BOUNDS, boundReached, ROUTES, RUNGS, spentRemedies, type LadderRung } from '../ladder.ts';
import { runCost } from '../ledger.ts';
import { instanceOf, type Incident, type RunState, type World } from '../state.ts';
import { readDiff } from './diff.ts';
import type { ProposedAction, ProposedChoice } from './proposal.ts';
import { badEnv, badPackage, diffWorry, envWorry, packageWorry, touchesResults, type Worry } from './risk.ts';
import type { BrainLimits } from './state.ts';

export type GuardVerdict =
  | { verdict: 'accept'; remedy: Remedy }
  | { verdict: 'ask'; why: string }
  | { verdict: 'refuse'; why: string };

const refuse = (why: string): GuardVerdict => ({ verdict: 'refuse', why });

/** `approved`: a person has said yes to this very proposal. It turns a question into an acceptance, and never a refusal. */
export function guardProposal(world: World, run: RunState, choice: Exclude<ProposedChoice, { kind: 'give_up' }>, approved = false): GuardVerdict {
  const incident = run.incident;
  const instance = instanceOf(world, run);
  if (!incident || incident.ended !== null || run.verdict !== null || run.destroy_ordered !== null) return refuse('there is nothing to repair any more');
  if (!instance || instance.owner !== 'ours' || instance.gone_at !== null) return refuse('the run has no instance');
  if (run.repair !== null) return refuse('a repair is under way');
  if (choice.kind === 'ask_user') {
    const inner = guardProposal(world, run, choice.then, approved);
    return inner.verdict === 'accept' && !approved ? { verdict: 'ask', why: choice.question } : inner;
  }
  const limits = world.brain?.limits;
  if (!limits) return refuse('no model is configured');
  const bounded = outOfBounds(world, run, incident, rungOf(choice));
  if (bounded !== null) return refuse(bounded);
  const built = build(run, incident, choice, instance.machine_id, limits);
  if ('refused' in built) return refuse(built.refused);
  if (incident.remedies.some(({ remedy }) => sameRemedy(remedy, built.remedy))) return refuse('this was tried for this incident, and did not help');
  return built.worry === null || approved ? { verdict: 'accept', remedy: built.remedy } : { verdict: 'ask', why: built.worry };
}

function rungOf(action: ProposedAction): LadderRung {
  switch (action.kind) {
    case 'rerun':
      return 'rerun';
    case 'install_package':
    case 'set_env':
    case 'apply_diff':
      return 'fix';
    case 'set_knob':
      return 'reduce';
    case 'switch_instance':
      return 'switch';
  }
}

/** The highest rung that the incident has stood on; `fix` before anything was tried. */
export function reachedRung(incident: Pick<Incident, 'remedies'>): LadderRung {
  const highest = Math.max(...incident.remedies.map(({ remedy }) => RUNGS.indexOf(remedy.rung)), 1);
  return RUNGS[highest] ?? 'fix';
}

function outOfBounds(world: World, run: RunState, incident: Incident, rung: LadderRung): string | null {
  const spent = spentRemedies(run);
  const { cause, transient } = incident.diagnosis;
  const cost = runCost(world, run).usd;
  const bound = boundReached(run, incident.diagnosis, cost - (run.checkpoint?.usd ?? 0));
  if (bound !== null) return bound;
  if (spent.filter(({ remedy }) => remedy.rung === rung).length >= BOUNDS.per_rung[rung]) return `${rung} has been used ${BOUNDS.per_rung[rung]} times`;
  if (cost >= run.spec.kill.dollars) return 'the budget of the run is spent';
  if (rung === 'rerun' && incident.remedies.length > 0 && !transient) return 'a plain rerun after a failed repair proves nothing';
  // Settings that disagree, and numbers that diverge, are answered by a setting; everything else enters at a fix, or where the rules do.
  const entry = cause === 'config_error' || cause === 'numeric_divergence' ? 'reduce' : (ROUTES[cause][0] ?? 'fix');
  const tried = Math.max(-1, ...incident.remedies.map(({ remedy }) => RUNGS.indexOf(remedy.rung)));
  const highest = Math.max(RUNGS.indexOf(entry), RUNGS.indexOf('fix'), tried + 1);
  return RUNGS.indexOf(rung) > highest ? `the ladder is climbed one rung at a time, and ${rung} is above ${RUNGS[highest] ?? 'fix'}` : null;
}

type Built = { remedy: Remedy; worry: Worry } | { refused: string };

function build(run: RunState, incident: Incident, action: ProposedAction, machine_id: number, limits: BrainLimits): Built {
  switch (action.kind) {
    case 'rerun':
      return { remedy: { rung: 'rerun', backoff_ms: 0 }, worry: null };
    case 'switch_instance':
      return { remedy: { rung: 'switch', machine_id, reason: incident.diagnosis.summary }, worry: null };
    case 'install_package': {
      const version = action.version ?? null;
      const bad = badPackage(action.name, version);
      if (bad !== null) return { refused: bad };
      const fix: Fix = version === null ? { kind: 'pip_install', package: action.name } : { kind: 'pip_version', package: action.name, version };
      if (run.fixes.includes(factsOf(fix).command)) return { refused: 'this package was installed already' };
      return { remedy: { rung: 'fix', fix }, worry: packageWorry(action.name, incident.diagnosis.package) };
    }
    case 'set_env': {
      const bad = badEnv(run.spec, action.name, action.value);
      if (bad !== null) return { refused: bad };
      return { remedy: { rung: 'fix', fix: { kind: 'set_env', name: action.name, value: action.value } }, worry: envWorry(action.name) };
    }
    case 'set_knob':
      return knob(run, action.knob, action.value);
    case 'apply_diff':
      return patch(run, incident, action.diff, limits);
  }
}

function knob(run: RunState, name: string, to: number): Built {
  const declared = Object.hasOwn(run.spec.knobs, name) ? run.spec.knobs[name] : undefined;
  if (!declared) return { refused: `no knob of that name is declared; there are ${Object.keys(run.spec.knobs).join(', ') || 'none'}` };
  const from = run.knobs[name] ?? declared.value;
  if (!Number.isFinite(to) || to < declared.floor) return { refused: `${name} has the floor ${declared.floor}` };
  if (Number.isInteger(declared.value) && Number.isInteger(declared.floor) && !Number.isInteger(to)) return { refused: `${name} is a whole number` };
  if (to === from) return { refused: `${name} is ${from} already` };
  return { remedy: { rung: 'reduce', knob: name, from, to, keeps: null }, worry: to > Math.max(from, declared.value) ? `${name} would grow beyond what the spec says` : null };
}

function patch(run: RunState, incident: Incident, text: string, limits: BrainLimits): Built {
  const diff = readDiff(text);
  if ('problem' in diff) return { refused: diff.problem };
  const result = diff.files.find(({ path }) => touchesResults(run.spec, path));
  if (result) return { refused: `${result.path} is a result or a checkpoint of the run` };
  const rung = reachedRung(incident);
  const allowed = limits.diff_lines[rung === 'rerun' ? 'fix' : rung];
  const changed = diff.added.length + diff.removed.length;
  if (changed > allowed) return { refused: `${changed} changed lines; on this rung ${allowed} are allowed` };
  const longest = Math.max(0, ...diff.added.map((line) => line.length));
  if (longest > 500) return { refused: 'an added line is longer than 500 characters' };
  const n = run.brain.patches.length + 1;
  return { remedy: { rung: 'fix', fix: { kind: 'patch', patch: n, diff: diff.text, files: diff.files.map(({ path }) => path), added: diff.added.length, removed: diff.removed.length } }, worry: diffWorry(run.spec, diff, allowed) };
}

/** The same remedy, whatever number it would get. */
function sameRemedy(one: Remedy, other: Remedy): boolean {
  if (one.rung === 'fix' && other.rung === 'fix' && one.fix.kind === 'patch' && other.fix.kind === 'patch') return one.fix.diff === other.fix.diff;
  return one.rung === other.rung && JSON.stringify(one) === JSON.stringify(other);
}
