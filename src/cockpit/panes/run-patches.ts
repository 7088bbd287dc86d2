/** The model's changes to a run's own files, as the diffs that they are: a proven one is the user's to take home. */
import type { Patch } from '../../core/brain/state.ts';
import type { RunState } from '../../core/state.ts';
import { cleanLine } from '../../core/text.ts';
import { line, piece, plain, wrap, type Line } from '../line.ts';
import type { Role } from '../theme.ts';

/** Rows of one diff that the page shows. */
const ROWS = 60;

const STATUS: Readonly<Record<Patch['status'], [string, Role]>> = {
  chosen: ['about to be applied', 'busy'],
  refused_by_box: ['did not fit the files there', 'muted'],
  applied: ['applied, not proven yet', 'busy'],
  disproven: ['did not help', 'muted'],
  reverted: ['did not help and was taken back', 'muted'],
  proven: ['proven: training got beyond the step where it had died', 'ok'],
};

/** Rows of a unified diff, cleaned: additions and removals differ in colour and keep their sign. */
export const diffRows = (diff: string, most: number): [string, Role][] =>
  diff.split('\n').slice(0, most).map((row) => [cleanLine(row, 200), row.startsWith('+') ? 'ok' : row.startsWith('-') ? 'bad' : 'muted']);

export function patchLines(run: RunState, width: number): Line[] {
  return run.brain.patches.flatMap((patch) => {
    const [words, role] = STATUS[patch.status];
    const take = patch.status === 'proven' && patch.home !== null ? [plain(`     git apply results/${run.id}/${cleanLine(patch.home, 80)}`, 'title')] : [];
    // What did not help is history: its reason is told, and the diff only of what stands.
    const stands = patch.status === 'proven' || patch.status === 'applied' || patch.status === 'chosen';
    return [
      line(piece(` ${String(patch.n).padStart(2)}  `, 'title'), piece(`${patch.files.map((file) => cleanLine(file, 60)).join(', ')}: `, 'text'), piece(words, role)),
      ...wrap(cleanLine(patch.why, 400), width - 7).map((row) => plain(`     ${row}`, 'muted')),
      ...take,
      ...(stands ? diffRows(patch.diff.trimEnd(), ROWS).map(([row, colour]) => plain(`     ${row}`, colour)) : []),
    ];
  });
}
