/** Property tests play the same cases at each run, so that a red build is the change's and red for everybody; VASTSIT_SEED=7 plays others. */
import fc from 'fast-check';

export const SEED = Number(process.env['VASTSIT_SEED'] ?? 1126);

fc.configureGlobal({ seed: SEED });
