/** Events in plain words: one line of the reasoning log each. What everyone can see for themselves is not said. */
import { awayChoice } from './decide/away.ts';
import { isHeard, VANISHED_MS } from './decide/fleet.ts';
import { brainWords } from './narrate-brain.ts';
import { isBrainEvent } from './reduce-brain.ts';
import type { Event, Remedy } from './events.ts';
import { lowestMinSteps, minStepsLow } from './early-stop.ts';
import { knownFacts } from './fixes.ts';
import { compactLine, lineText, span } from './line.ts';
import type { Said, World } from './state.ts';
import { cleanLine, shorten } from './text.ts';
import { adviceWords, changeWords, suggestionWords, trialWords } from './tune.ts';

type Line = Pick<Said, 'actor' | 'level' | 'text'>;

export function narrate(before: World, after: World, event: Event): Said[] {
  const run = 'run' in event ? event.run : null;
  const lines = words(before, after, event);
  return lines.map((line) => ({ seq: event.seq, at: event.at, run, ...line, text: cleanLine(line.text, 400) }));
}

const runner = (text: string, level: Said['level'] = 'info'): Line[] => [{ actor: 'runner', level, text }];
const sitter = (text: string, level: Said['level'] = 'info'): Line[] => [{ actor: 'babysitter', level, text }];
const user = (text: string): Line[] => [{ actor: 'user', level: 'info', text }];
const market = (text: string, level: Said['level'] = 'info'): Line[] => [{ actor: 'market', level, text }];

function words(before: World, after: World, event: Event): Line[] {
  if (isBrainEvent(event)) return brainWords(after, event);
  switch (event.type) {
    case 'fleet.seen':
    case 'fleet.fresh': {
      const back = before.market.health === 'lost' ? market('control is back: the market answers', 'milestone') : [];
      const strangers = Object.values(after.fleet).filter((one) => one.owner === 'stranger' && !before.fleet[String(one.id)]);
      return [...back, ...strangers.flatMap((one) => market(`instance ${one.id} (${cleanLine(one.label ?? 'no label', 40)}, $${one.rate.toFixed(2)}/h) is not ours: shown and priced, never touched`))];
    }
    case 'instance.absent': {
      const one = after.fleet[String(event.instance)];
      if (one?.absent_reads !== 2 || one.destroy !== 'none') return [];
      return market(isHeard(after, one) ? `says that instance ${one.id} is gone, and its training is heard all the same: nothing is concluded from it` : `says that instance ${one.id} is gone, which nobody destroyed: believed when it has said so for ${VANISHED_MS / 60_000} min`, 'alert');
    }
    case 'fleet.unknown':
      return before.market.health === 'lost' ? [] : market(`control lost: ${event.reason}`, 'alert');
    case 'run.submitted':
      return [...runner(`will launch ${event.run}: at most $${event.spec.hardware.max_usd_per_hour}/h, $${event.spec.kill.dollars} and ${event.spec.kill.hours} h${event.offer === undefined ? '' : `, on offer ${event.offer} if it can be had`}`), ...event.warnings.flatMap((warning) => runner(warning))];
    case 'offers.ranked': {
      const best = event.offers[0];
      return runner(best ? `${event.offers.length} offers fit; best ${best.num_gpus}x ${best.gpu_name} at $${best.all_in_usd_per_hour.toFixed(3)}/h all-in` : `no offer fits now (${Object.entries(event.rejected).map(([why, n]) => `${n} out by ${why}`).join(', ') || 'the market is empty'})`);
    }
    case 'offer.missed':
      return runner(`offer ${event.offer_id}, which you chose, ${event.reason}: the rule's next is taken`, 'milestone');
    case 'create.intended':
      return runner(`renting ${event.offer.num_gpus}x ${event.offer.gpu_name} on machine ${event.offer.machine_id} as ${event.label}`);
    case 'create.accepted':
      return runner(`instance ${event.instance} is ours and bills from now`);
    case 'create.refused':
      return runner(`offer ${event.offer_id} refused: ${event.reason}; next offer`);
    case 'create.unclear':
      return runner(`the answer to the create was lost (${event.reason}): looking for its label before anything else`, 'alert');
    case 'create.absent':
      return runner('a good list does not show the label');
    case 'adopt.intended':
      return runner(`adopting instance ${event.instance} for ${event.run}`);
    case 'instance.adopted':
      return runner(`instance ${event.instance} is ours until the run is over; then it is given back`, 'milestone');
    case 'instance.given_back':
      return sitter(`instance ${event.instance} is yours again, and bills on`, 'milestone');
    case 'launch.given_up':
      return runner(`gave up on instance ${event.instance}: ${event.reason}; machine ${event.machine_id} is avoided from now on`, 'alert');
    case 'ssh.up':
      return runner(`ssh is up (${event.endpoint})`);
    case 'preflight.done':
      return event.fault === null ? runner(`first look at instance ${event.instance}: ${event.words}`) : runner(`first look at instance ${event.instance}: ${event.fault}`, 'alert');
    case 'sentinel.told':
      return event.lines.map((text) => ({ actor: 'sentinel', level: 'alert', text: `while nobody watched, on instance ${event.instance}: ${text}` }));
    case 'prepare.done':
      return runner(`uploaded ${bytes(event.bytes_up)} and set up${event.restored ? `, with checkpoint ${event.restored}` : ''}`);
    case 'prepare.failed':
      return runner(`${event.step} failed${event.exit_code === null ? '' : ` with exit code ${event.exit_code}`}`, 'alert');
    case 'start.intended':
      return runner(`attempt ${event.attempt}: ${shorten(event.command, 120)}${event.resume_step === null ? '' : ` (from step ${event.resume_step})`}`);
    case 'start.failed':
      return runner(`attempt ${event.attempt} could not be started: ${event.tail.at(-1)?.replace(/^start: error: /, '') ?? 'the box did not say why'}`, 'alert');
    case 'handed_over':
      return [...runner(`first step ${event.step} seen; handed over to the babysitter`, 'milestone'), ...minimumWords(after, event.run)];
    case 'check.done': {
      const run = after.runs[event.run];
      return run ? sitter(lineText(compactLine(run, event.at))) : [];
    }
    case 'check.failed':
      return sitter(`could not look (${event.reason}); the last verdict stands`);
    case 'stream.lost':
      return sitter(`the event stream broke (${event.reason}); opening it again`);
    case 'process.exited':
      // An end that a repair ordered is no news of the training.
      if (after.runs[event.run]?.repair) return sitter(after.runs[event.run]?.incident ? 'the process is ended, as the repair wants' : 'the process is ended for a new start');
      return sitter(`the process ended: ${event.signal ? `signal ${event.signal}` : event.exit_code === null ? 'no exit record' : `exit code ${event.exit_code}`}`);
    case 'incident.opened':
      return sitter(`${event.diagnosis.cause}${event.step === null ? '' : ` at step ${event.step}`}: ${event.diagnosis.summary}`, 'alert');
    case 'incident.recurred':
      return sitter(`the same failure came back${event.step === null ? '' : ` at step ${event.step}`}: ${event.diagnosis.cause}`, 'alert');
    case 'remedy.chosen':
      return sitter(`${remedyWords(event.remedy)}: ${event.why}`);
    case 'fix.applied':
      return sitter(event.exit_code === 0 ? `done: ${event.command}` : `failed with exit code ${event.exit_code}: ${event.command}`, event.exit_code === 0 ? 'info' : 'alert');
    case 'incident.resolved':
      return sitter(`repaired: step ${event.step} is beyond where it died`, 'milestone');
    case 'training.stopped':
      return event.stood === undefined ? [] : sitter(`it stood in ${event.stood.join('; ')}`);
    case 'incident.given_up':
      return sitter(`gave up: ${event.reason}. Next best option: ${event.best_option}`, 'alert');
    case 'alert.opened':
      return sitter(event.words, 'alert');
    case 'alert.closed':
      return sitter(event.words);
    case 'machine.remembered':
      return [];
    case 'files.home':
      return event.files.length === 0 ? [] : sitter(`${event.files.length} file${event.files.length === 1 ? '' : 's'} home and verified (${bytes(event.bytes)})`);
    case 'run.ended':
      return sitter(`${event.verdict.replaceAll('_', ' ')}: ${event.reason}`, event.verdict === 'failed' || event.verdict === 'lost' || event.verdict === 'no_offer' || event.verdict === 'refused' ? 'alert' : 'milestone');
    case 'rescue.judged':
      return sitter(event.verdict === 'unverified' ? `results not verified: ${event.reason}` : `results: ${event.verdict === 'nothing_never_ran' ? 'none, it never ran' : event.verdict} (${event.reason})`, event.verdict === 'unverified' ? 'alert' : 'info');
    case 'destroy.intended':
      return sitter(`destroying instance ${event.instance}: ${event.reason}`);
    case 'left.asked':
    case 'rescue.asked':
      return sitter(`waiting for the results of ${event.run} on instance ${event.instance} has cost $${event.usd.toFixed(2)} and costs $${event.usd_per_hour.toFixed(3)}/h; \`vastsit-tui destroy ${event.run} --waive\` ends it without them`, 'alert');
    case 'wake.intended':
      return sitter(`starting instance ${event.instance} again: ${event.reason}`);
    case 'instance.away': {
      const rate = after.fleet[String(event.instance)]?.rate ?? 0;
      const run = after.runs[event.run];
      const choice = run && awayChoice(after, run);
      return sitter(`instance ${event.instance} is ${event.kind === 'outbid' ? 'outbid' : event.kind === 'offline' ? 'offline' : 'stopped from outside'}; it bills $${rate.toFixed(3)}/h${choice ? `: ${choice.because}` : ''}`, 'alert');
    }
    case 'instance.back':
      return sitter(`instance ${event.instance} is back`, 'milestone');
    case 'bid.intended':
      return sitter(`raising the bid for instance ${event.instance} from $${event.from.toFixed(3)} to $${event.to.toFixed(3)}/h: ${event.reason}`);
    case 'left.judged':
      return sitter(`left behind on instance ${event.instance}: ${event.verdict.replaceAll('_', ' ')} (${event.reason})`);
    case 'budget.set':
      return user(event.usd_per_hour === null ? 'no limit for the fleet' : `the fleet may burn $${event.usd_per_hour.toFixed(2)}/h`);
    case 'runway.judged':
      // At 3 h the alert about the credit speaks, and the run that is brought home.
      return event.level === 'warn' ? market(`the credit lasts ${event.hours === null ? 'for a time unknown' : span(event.hours * 3_600_000)} at this burn`, 'alert') : [];
    case 'efficiency.judged': {
      const run = after.runs[event.run];
      const [best] = event.advice.suggestions;
      return [...sitter(adviceWords(event.advice)), ...(run && best ? sitter(`would help: ${suggestionWords(run, best)}`) : [])];
    }
    case 'trial.chosen':
      return sitter(`trying ${changeWords(event.trial.change)}: ${event.why}`);
    case 'trial.judged': {
      const trial = after.runs[event.run]?.trials.find(({ n }) => n === event.trial);
      return trial ? sitter(trialWords(trial), event.how === 'kept' ? 'milestone' : 'info') : [];
    }
    case 'stop.intended':
      return sitter(`stopping instance ${event.instance}: ${event.reason}`, 'alert');
    case 'instance.gone': {
      const cost = after.fleet[String(event.instance)];
      return sitter(`instance ${event.instance} is gone, read twice${cost ? `; it cost $${Object.values(cost.usd).reduce((a, b) => a + b, 0).toFixed(3)}` : ''}`);
    }
    case 'run.closed': {
      const left = after.runs[event.run]?.instance;
      return sitter(`${event.verdict.replaceAll('_', ' ')} for $${event.usd.toFixed(3)}; ${left == null ? 'nothing of it bills' : `instance ${left} is kept and bills on`}`, left == null ? 'milestone' : 'alert');
    }
    case 'user.destroy':
      return user(`destroy ${event.run} ${event.waive ? 'now, results waived' : 'once its results are home'}${event.until === undefined ? '' : `; ${span(event.until - event.at)} to call it back`}`);
    case 'user.recall':
      return user(`call the destroy of ${event.run} back`);
    case 'user.relaunch':
      return user(`launch ${event.run} again: ${shorten(event.command, 160)}`);
    case 'user.switch':
      return user(`switch ${event.run} to another machine than ${event.machine_id}`);
    case 'user.bid':
      return user(`bid $${event.usd_per_hour.toFixed(3)}/h for instance ${event.instance}`);
    case 'user.hold':
      return user(`hold ${event.run} for ${span(event.until - event.at)}: ${event.reason}`);
    case 'user.release':
      return user(`release ${event.run}`);
    case 'user.keep':
      return user(event.keep ? `keep the instance of ${event.run}` : `no longer keep ${event.run}`);
    case 'hold.ended':
      return sitter(`the hold is over (${event.why})`);
    case 'said':
      return [{ actor: event.actor, level: event.level, text: event.text }];
    case 'refused':
      return [{ actor: event.actor, level: 'alert', text: `refused ${event.what}: ${event.why}` }];
    case 'effect.failed': {
      // Said once; the retries that follow are silence until it works or becomes something else.
      const run = event.run === null ? null : before.runs[event.run];
      return run?.backoff[event.effect] ? [] : [{ actor: 'program', level: 'info', text: `${event.effect} did not work yet: ${event.reason}` }];
    }
    default:
      return [];
  }
}

/** Only now is it known how long the run is: a minimum that covers little of it judges the warm-up. */
function minimumWords(world: World, id: string): Line[] {
  const run = world.runs[id];
  const least = run?.spec.early_stop?.min_steps;
  const total = run?.progress?.reading.total_steps ?? null;
  return least === undefined || total === null || !minStepsLow(least, total) ? [] : sitter(`early_stop.min_steps (${least}) is low for a finetuning of ${total} steps: at least ${lowestMinSteps(total)} guard against judging the warm-up`, 'alert');
}

export function remedyWords(remedy: Remedy): string {
  switch (remedy.rung) {
    case 'rerun':
      return remedy.avoid !== undefined ? `rerun without checkpoint ${remedy.avoid}` : remedy.backoff_ms > 0 ? `rerun in ${span(remedy.backoff_ms)}` : 'rerun';
    case 'fix':
      return knownFacts(remedy.fix)?.words ?? 'a fix that is not in the catalogue';
    case 'reduce':
      return `${remedy.knob} ${remedy.from} -> ${remedy.to}${remedy.keeps ? `, ${remedy.keeps.knob} ${remedy.keeps.from} -> ${remedy.keeps.to}` : ''}`;
    case 'switch':
      return `switch away from machine ${remedy.machine_id}`;
  }
}

/** 1.5 MB: decimal units, as disks and networks are sold. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${value >= 100 || unit === 0 ? value.toFixed(0) : value.toFixed(1)} ${units[unit] ?? 'B'}`;
}
