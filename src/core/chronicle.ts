/** The journal as people read it: who decided what, on which evidence, at what cost. Pure. */
import type { Event } from './events.ts';
import { runCost } from './ledger.ts';
import { reduce } from './reduce.ts';
import type { World } from './state.ts';

export interface Entry {
  seq: number;
  /** Epoch ms of the program's clock. */
  at: number;
  event: Event['type'];
  run: string | null;
  /** Who said or did it; null where nobody had to say anything. */
  who: string | null;
  said: string[];
  /** What it rests on. */
  evidence: string[];
  /** $ that the run had cost by then; null for what belongs to no run. */
  usd: number | null;
}

/** Every event from `first` on as an entry, those of one run alone when it is named. Texts are as the journal has them: whoever prints them cleans them. */
export function chronicle(first: World, events: readonly Event[], only: string | null): Entry[] {
  const entries: Entry[] = [];
  let world = first;
  for (const event of events) {
    world = reduce(world, event);
    const run = 'run' in event ? event.run : null;
    if (only !== null && run !== only) continue;
    const said = world.said.filter(({ seq }) => seq === event.seq);
    const state = run === null ? undefined : world.runs[run];
    entries.push({ seq: event.seq, at: event.at, event: event.type, run, who: said[0]?.actor ?? null, said: said.map(({ text }) => text), evidence: evidenceOf(event), usd: state ? runCost(world, state, event.at).usd : null });
  }
  return entries;
}

function evidenceOf(event: Event): string[] {
  switch (event.type) {
    case 'incident.opened':
    case 'incident.recurred': {
      const { cause, confidence, signature, evidence } = event.diagnosis;
      return [`${cause.replaceAll('_', ' ')}, ${Math.round(confidence * 100)} % sure`, ...(signature === '' ? [] : [signature]), ...evidence.filter((line) => line !== signature)];
    }
    case 'remedy.chosen':
      return [event.why];
    case 'create.intended':
      return [`$${event.offer.all_in_usd_per_hour.toFixed(3)}/h all-in, reliability ${event.offer.reliability}`];
    case 'destroy.intended':
      return [event.reason, `results: ${event.gate.replaceAll('_', ' ')}`];
    case 'stop.intended':
    case 'wake.intended':
    case 'bid.intended':
    case 'run.ended':
    case 'rescue.judged':
    case 'launch.given_up':
    case 'create.refused':
    case 'create.unclear':
      return [event.reason];
    case 'left.judged':
      return [event.reason];
    case 'effect.failed':
      return [`${event.effect}: ${event.reason}`];
    case 'process.exited':
      return event.tail.slice(-3);
    default:
      return [];
  }
}
