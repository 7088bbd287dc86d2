/** Many wordings of each cause, as the libraries and the system word them: what a rule says has to hold for the family, not for one of them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { triage } from '../../../src/core/triage/index.ts';

const STEPS = 'step 10 | loss 2.3101 | lr 1.0e-04\nstep 20 | loss 2.1901 | lr 1.0e-04\n';
const OPENING = 'Traceback (most recent call last):\n  File "/app/train.py", line 41, in <module>\n    main()\n  File "/app/train.py", line 29, in main\n    fit(model)\n';

/** Under "# cause" one wording a line; "⏎" ends a line of the log. What begins with ">" is printed as it stands, all else ends a traceback. */
const sections = readFileSync(new URL('wordings.txt', import.meta.url), 'utf8').split(/^# /m).slice(1).map((section) => section.trim().split('\n'));

describe.each(sections.map(([cause = '', ...wordings]) => ({ cause, wordings })))('$cause', ({ cause, wordings }) => {
  it('has a dozen wordings', () => {
    expect(wordings.length).toBeGreaterThanOrEqual(12);
  });

  it.each(wordings)('%s', (wording) => {
    const printed = wording.startsWith('> ');
    const lines = wording.replace(/^> /, '').split(' ⏎ ').join('\n');
    const { kind, cause: found, signature } = triage({ log: `${STEPS}${printed ? '' : OPENING}${lines}\n` });
    expect({ kind, cause: found }, signature).toEqual({ kind: 'failure', cause });
  });
});
