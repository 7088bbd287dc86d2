/** The packet: what a model is told about one incident, in at most as many tokens as it is given. Pure. */
import { countTokens, headWithin, lastLinesWithin } from '../../core/brain/tokens.ts';
import { instanceOf, currentAttempt, type Incident, type RunState, type World } from '../../core/state.ts';
import { remedyWords } from '../../core/narrate.ts';
import { runCost } from '../../core/ledger.ts';
import { readingsText, metricsText } from './readings.ts';
import { fenced, seen } from './clean.ts';

/** Tokens that system prompt, tools and packet may have together. */
export const PACKET_TOKENS = 6_000;

export interface PacketParts {
  world: World;
  run: RunState;
  /** null for a question in calm times. */
  incident: Incident | null;
  question?: string;
  nonce: string;
  redact: (text: string) => string;
  /** Tokens that are left for it. */
  budget: number;
}

/** The whole is redacted once more at the end: what was safe in parts may not be in sum. */
export function buildPacket({ world, run, incident, question, nonce, redact, budget }: PacketParts): string {
  const clean = (text: string): string => seen(text, redact);
  const attempt = currentAttempt(run);
  const head = [
    question === undefined ? `Incident ${incident?.id ?? ''} of run ${run.id}. Find the root cause and propose one action.` : `A question about run ${run.id} is at the end. Answer it from these facts in a few plain sentences.`,
    '',
    `command: ${attempt?.command || run.spec.run}`,
    `knobs now: ${Object.entries(run.knobs).map(([name, value]) => `${name}=${value} (floor ${run.spec.knobs[name]?.floor ?? '?'}, declared ${run.spec.knobs[name]?.value ?? '?'})`).join(', ') || 'none declared'}`,
    `uploaded files: ${run.spec.upload.join(', ') || 'none'}`,
    `image: ${run.spec.image}; complexity: ${run.spec.complexity}; attempt ${run.attempt}${attempt?.resume_step == null ? '' : `, resumed from step ${attempt.resume_step}`}`,
    `instance: ${instanceWords(world, run)}; spent $${runCost(world, run).usd.toFixed(2)} of $${run.spec.kill.dollars}`,
    `stage: ${run.stage}; step ${run.progress?.reading.step ?? 'none yet'}${run.progress?.reading.total_steps ? ` of ${run.progress.reading.total_steps}` : ''}; ${readingsText(run)}`,
    ...(incident ? incidentLines(incident) : []),
    ...attemptsBefore(run, incident),
  ];
  const fixed = headWithin(clean(head.join('\n')), Math.floor(budget * 0.45));
  const metrics = fenced('metric history: step,loss', headWithin(clean(metricsText(run, 24)), Math.floor(budget * 0.12)), nonce);
  const asked = question === undefined ? '' : `\nQuestion: ${headWithin(clean(question), 200)}`;
  const left = budget - countTokens(fixed) - countTokens(metrics) - countTokens(asked) - 60;
  const lines = clean((run.tail.length > 0 && incident === null ? run.tail : (attempt?.exit?.tail ?? run.tail)).join('\n')).split('\n');
  const log = fenced(`end of the log of attempt ${run.attempt}`, lastLinesWithin(lines, Math.max(0, left)).join('\n'), nonce);
  return redact(`${fixed}\n\n${metrics}\n\n${log}${asked}`);
}

function incidentLines({ diagnosis, step }: Incident): string[] {
  return [
    '',
    `what the rules say: ${diagnosis.cause} (confidence ${diagnosis.confidence.toFixed(2)}), trigger ${diagnosis.trigger}${step === null ? '' : `, at step ${step}`}: ${diagnosis.summary}`,
    `key line: ${diagnosis.signature}`,
    ...diagnosis.evidence.slice(0, 8).map((line) => `  | ${line}`),
  ];
}

/** What was tried, so that nothing is tried twice. */
export function attemptsBefore(run: RunState, incident: Incident | null): string[] {
  const past = [...run.incidents, ...(incident ? [incident] : [])];
  const lines = past.flatMap((one) => one.remedies.map(({ remedy, why }) => `  incident ${one.id} (${one.diagnosis.cause}): ${remedyWords(remedy)}, because ${why.slice(0, 160)}; ${one.ended?.how ?? 'did not hold so far'}`));
  const patches = run.brain.patches.map((patch) => `  patch ${patch.n} of ${patch.files.join(', ')}: ${patch.status.replaceAll('_', ' ')}`);
  return lines.length + patches.length === 0 ? [] : ['', 'tried before:', ...lines.slice(-8), ...patches.slice(-4)];
}

function instanceWords(world: World, run: RunState): string {
  const facts = instanceOf(world, run)?.facts;
  return facts ? `${facts.num_gpus}x ${facts.gpu_name}, ${Math.round(facts.gpu_ram / 1_024)} GB each` : 'none';
}
