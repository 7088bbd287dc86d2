/** What the program does by itself, as tables: the same data that decides, so that what people read is what happens. */
import { RUNWAY_CRITICAL_H, RUNWAY_LAUNCH_H, RUNWAY_WARN_H, STAY_H } from './budget.ts';
import { CAUSES } from './causes.ts';
import { EXAMPLES, factsOf } from './fixes.ts';
import { LAUNCH_BOUNDS } from './launch.ts';
import { BOUNDS, ROUTES } from './ladder.ts';
import { LEAST_GAIN, TRIALS } from './tune.ts';
import { TEARDOWN, TEARDOWN_FIELDS } from './teardown.ts';

export interface PolicyTable {
  name: 'teardown' | 'away' | 'ladder' | 'fixes' | 'bounds';
  title: string;
  head: readonly string[];
  rows: readonly (readonly string[])[];
}

/** The tables, the one about endings first. */
export function policyTables(): PolicyTable[] {
  return [
    { name: 'teardown', title: 'What happens to an instance whose run is over (the first row that fits; empty fits all)', head: [...TEARDOWN_FIELDS, 'then', 'because'], rows: TEARDOWN.map((row) => [...TEARDOWN_FIELDS.map((field) => (row[field] ?? []).map((value) => word(value)).join(', ')), row.act.replaceAll('_', ' '), row.because]) },
    { name: 'away', title: 'When an instance goes away, or is slow, while the run needs it', head: ['kind', 'first', 'then', 'price of waiting'], rows: AWAY },
    { name: 'ladder', title: 'Remedies by cause, smallest first', head: ['cause', 'rungs'], rows: CAUSES.map((cause) => [cause.replaceAll('_', ' '), ROUTES[cause].join(', then ') || 'none: report, rescue, teardown']) },
    { name: 'fixes', title: 'Fixes, one of each kind', head: ['fix', 'command', 'undo', 'risk'], rows: EXAMPLES.map((fix) => { const { words, command, undo, risk } = factsOf(fix); return [words, command, undo ?? 'not needed, or not possible', risk]; }) },
    { name: 'bounds', title: 'Limits', head: ['what', 'limit'], rows: bounds() },
  ];
}

const word = (value: string | boolean | null): string => (value === null ? 'not judged' : value === true ? 'yes' : value === false ? 'no' : value === 'nothing_never_ran' ? 'never ran' : String(value).replaceAll('_', ' '));

const AWAY: readonly (readonly string[])[] = [
  ['host offline', 'wait, as long as going on elsewhere would take (at most 6 h)', 'go on elsewhere from the newest checkpoint at home, with a higher fencing number', 'nothing is billed'],
  ['outbid', 'raise the bid to 5 % above the floor, at most twice, within the price cap, where that costs less to the end than going on elsewhere', 'wait as above, then go on elsewhere', 'the disk'],
  ['stopped from outside', 'start it again, once', 'wait as above, then go on elsewhere', 'the disk'],
  ['slowed down by its host', 'wait 15 min', 'go on elsewhere, once in a run, where two offers of the same GPU bring the steps that are left home sooner and for 10 % less, the move included', 'its full price'],
  ['no repair can be carried out', 'try for 15 min', 'go on elsewhere as above; what is left on it is waited for up to teardown.wait_usd, then as a stopped disk', 'its full price, then the disk'],
  ['back after the run went on', 'end its training, bring home what is only there', 'destroy it', 'its full price until then'],
];

function bounds(): string[][] {
  const { per_run, per_fingerprint, per_rung, share_without_checkpoint, interruptions, guesses_usd } = BOUNDS;
  return [
    ['instances of a launch that never come up', `${LAUNCH_BOUNDS.instances} in a row, or ${LAUNCH_BOUNDS.share_of_dollars * 100} % of kill.dollars; at once when the image is at fault`],
    ['repairs in a run', String(per_run)],
    ['repairs of one failure', String(per_fingerprint)],
    ['repairs by one rung', Object.entries(per_rung).map(([rung, count]) => `${rung} ${count}`).join(', ')],
    ['guesses of a model at one failure', `until they have cost $${guesses_usd} without holding; then a person costs less`],
    ['starts after an interruption from outside, which is no repair', `${interruptions} without a new checkpoint`],
    ['dollars without a new checkpoint, after two repairs', `${share_without_checkpoint * 100} % of kill.dollars`],
    ['credit runway', `at ${RUNWAY_WARN_H} h it is told, and the checkpoints of the least valuable run come home each minute; at ${RUNWAY_CRITICAL_H} h that run is ended, results first; below ${RUNWAY_LAUNCH_H} h nothing is launched`],
    ['a run that goes on elsewhere', `only while its budget pays for ${STAY_H * 60} min there`],
    ['optimisations', `${TRIALS} in a run, one at a time, on a stable baseline, within complexity, where the time left repays the restart; kept from +${100 * LEAST_GAIN} %, else taken back`],
    ['fleet budget', '`--budget` or VASTSIT_FLEET_USD_PER_HOUR, $/h all-in, reserved before each launch'],
  ];
}

/** The teardown and away tables as Markdown, for the README. */
export function policyMarkdown(): string {
  return policyTables()
    .filter(({ name }) => name === 'teardown' || name === 'away')
    .map(({ title, head, rows }) => [`${title}:`, '', line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n'))
    .join('\n\n');
}

const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
