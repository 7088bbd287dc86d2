/** Teardown as a table: what happens to an instance whose run is over. First matching row wins. */
import { isDown } from './away.ts';
import type { RescueVerdict, Verdict } from './events.ts';
import type { InstanceState, RunState } from './state.ts';

export interface TeardownCase {
  verdict: Verdict | 'launch_failed' | 'switching';
  hold: boolean;
  keep: boolean;
  gate: RescueVerdict | null;
  /** What the spec's teardown.on_done says. */
  on_done: 'destroy' | 'stop' | 'keep';
  /** Can the box be read? */
  reach: 'up' | 'offline' | 'stopped';
  market: 'on-demand' | 'bid';
  /** Was it the user's before the run? */
  adopted: boolean;
}

export type TeardownAct = 'destroy' | 'destroy_after_grace' | 'stop' | 'keep' | 'rescue_first' | 'wait' | 'give_back';

type Row = { [K in keyof TeardownCase]?: readonly TeardownCase[K][] } & { act: TeardownAct; because: string };

const OPEN = ['verified', 'nothing_never_ran', 'waived'] as const;
const SHUT = [null, 'unverified'] as const;
export const TEARDOWN_FIELDS = ['verdict', 'hold', 'keep', 'gate', 'on_done', 'reach', 'market', 'adopted'] as const satisfies readonly (keyof TeardownCase)[];

export const TEARDOWN: readonly Row[] = [
  { verdict: ['destroyed_by_user'], gate: OPEN, act: 'destroy', because: 'the user ordered it and the gate is open' },
  { hold: [true], gate: OPEN, act: 'wait', because: 'a person approved a debugging hold; it ends by itself' },
  { adopted: [true], gate: OPEN, act: 'give_back', because: 'it was adopted and may hold more than the run: it is the user\'s again, as it was, and bills on' },
  { verdict: ['launch_failed', 'switching'], gate: OPEN, act: 'destroy', because: 'it will not earn anything any more and nothing on it would be lost' },
  { gate: SHUT, reach: ['offline'], act: 'wait', because: 'unreachable is not verified; an offline host is not billed, and is read when it is back' },
  { gate: SHUT, reach: ['stopped'], act: 'wait', because: 'it still holds results: it is started now and then to fetch them, and its disk bills until they are home or waived' },
  { gate: [null], act: 'rescue_first', because: 'nothing is destroyed before its results are judged' },
  { gate: ['unverified'], act: 'rescue_first', because: 'unverified results stay until they are home or waived; what waiting costs is capped by teardown.wait_usd' },
  { keep: [true], act: 'keep', because: 'the user asked to keep it' },
  { gate: ['nothing_never_ran'], act: 'destroy', because: 'nothing ever ran on it, so there is nothing to look at' },
  { verdict: ['done', 'early_stopped'], on_done: ['keep'], act: 'keep', because: 'the spec keeps finished instances' },
  { verdict: ['done', 'early_stopped'], on_done: ['stop'], market: ['bid'], act: 'stop', because: 'the spec stops finished instances; the machine may be let to others, the disk still bills, and teardown.stopped_grace ends it' },
  { verdict: ['done', 'early_stopped'], on_done: ['stop'], act: 'stop', because: 'the spec stops finished instances; the disk still bills, and teardown.stopped_grace ends it' },
  { verdict: ['done', 'early_stopped'], act: 'destroy', because: 'it is done and its results are home' },
  { act: 'destroy_after_grace', because: 'it ended without success; the grace time lets a person approve a hold' },
];

export function teardown(situation: TeardownCase): { act: TeardownAct; because: string } {
  const row = TEARDOWN.find((candidate) =>
    TEARDOWN_FIELDS.every((field) => {
      const wanted = candidate[field] as readonly unknown[] | undefined;
      return wanted === undefined || wanted.includes(situation[field]);
    }),
  );
  return row ?? { act: 'wait', because: 'no row matches, and unknown never destroys' };
}

/** When a run that is being torn down loses its instance, epoch ms: at once, or after one of its graces. */
export function endsAt(run: RunState): number {
  const { idle_grace, stopped_grace } = run.spec.teardown;
  if (stopsFirst(run)) return run.stage_since + stopped_grace;
  const looked = run.verdict !== null && !finished(run) && run.destroy_ordered === null && run.rescue?.verdict !== 'nothing_never_ran';
  return looked ? run.stage_since + idle_grace : run.stage_since;
}

/** Does its instance stay as a stopped one, whose disk bills, until the second timer ends it? */
export const stopsFirst = (run: RunState): boolean => run.stage === 'tearing_down' && run.instance !== null && finished(run) && run.spec.teardown.on_done === 'stop' && !run.keep && run.hold === null && run.destroy_ordered === null;

const finished = ({ verdict }: RunState): boolean => verdict === 'done' || verdict === 'early_stopped';

export function teardownCase(run: RunState, instance: InstanceState): TeardownCase {
  return {
    verdict: run.destroy_ordered ? 'destroyed_by_user' : (run.verdict ?? (run.repair?.remedy.rung === 'switch' ? 'switching' : 'launch_failed')),
    hold: run.hold !== null,
    keep: run.keep,
    gate: run.rescue?.verdict ?? null,
    on_done: run.spec.teardown.on_done,
    reach: instance.facts.actual_status === 'offline' ? 'offline' : instance.stop === 'none' && !isDown(instance.facts) ? 'up' : 'stopped',
    market: instance.facts.is_bid ? 'bid' : 'on-demand',
    adopted: instance.adopted !== null,
  };
}
