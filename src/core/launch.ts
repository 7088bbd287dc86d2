/**
 * Launches that come to nothing: whose fault it is, and when enough is enough. An image that cannot be pulled is ours, and
 * no other host would help; a host that does not come up is left for the next; neither goes on for ever.
 */
import { costOf } from './ledger.ts';
import type { Instance } from './market.ts';
import type { RunState, World } from './state.ts';

/** Instances that were given up one after the other, and what they may have cost of kill.dollars, before a launch ends. */
export const LAUNCH_BOUNDS = { instances: 6, share_of_dollars: 0.2 } as const;

/** Text in status_msg that means: this instance will never run. */
const FATAL_STATUS = /error response from daemon|failed to pull image|no space left on device|manifest unknown|unauthorized|unexpected eof|docker_build\(\) error|oci runtime create failed/i;
/** Among them those about the image's name, its registry or its entry point, which are the same on every host. */
const IMAGE_STATUS = /manifest (?:for \S+ )?(?:unknown|not found)|pull access denied|repository does not exist|unauthorized|invalid reference format|no matching manifest|exec:? .*(?:no such file|not found)/i;

export const fatalStatus = (status_msg: string | null): boolean => FATAL_STATUS.test(status_msg ?? '') || IMAGE_STATUS.test(status_msg ?? '');
export const imageStatus = (status_msg: string | null): boolean => IMAGE_STATUS.test(status_msg ?? '');

/** What the market made differs from what was asked for; null when it does not, or no list has shown it yet. */
export function termsDiffer(run: RunState, facts: Instance): string | null {
  if (facts.label === null) return null;
  const asked = run.spec.market !== 'on-demand';
  if (facts.is_bid !== asked) return asked ? 'it was rented on demand, and the spec asks for a bid' : 'it was rented as a bid, which may be taken away, and the spec asks for on-demand';
  const cap = run.spec.hardware.max_usd_per_hour;
  return facts.dph_total > cap * 1.02 + 0.002 ? `it bills $${facts.dph_total.toFixed(3)}/h, above the price cap of $${cap.toFixed(2)}/h` : null;
}

/** Numbers, hashes and layers differ from host to host; what is left is what was said. */
const gist = (text: string): string => text.toLowerCase().replace(/[0-9a-f]{8,}|\d+/g, '#').replace(/\s+/g, ' ').trim();

/** Why nothing more is rented for this run's launch; null while there is room. Counts since a process last started. */
export function launchesSpent(world: World, run: RunState): string | null {
  const [last] = run.given_up.slice(-1);
  if (!last) return null;
  const same = run.given_up.filter((one) => gist(one.reason) === gist(last.reason));
  if (fatalStatus(last.reason) && new Set(same.map(({ machine_id }) => machine_id)).size > 1) return `two machines failed in the same words, so the image or its start is at fault: ${last.reason}`;
  if (run.given_up.length >= LAUNCH_BOUNDS.instances) return `${run.given_up.length} instances in a row never came up; the last: ${last.reason}`;
  const usd = run.given_up.reduce((total, { instance }) => {
    const one = world.fleet[String(instance)];
    return total + (one ? costOf(one, world.now).usd : 0);
  }, 0);
  return usd >= LAUNCH_BOUNDS.share_of_dollars * run.spec.kill.dollars ? `instances that never came up have cost $${usd.toFixed(2)} of the allowed $${run.spec.kill.dollars.toFixed(2)}; the last: ${last.reason}` : null;
}
