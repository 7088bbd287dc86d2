/** Opens dialogs: which fields and options each has. The first option is always the one that leaves everything as it is. */
import { instanceOf, type InstanceState, type RunState, type World } from '../core/state.ts';
import { keyOf } from './keys.ts';
import { createDialog, option, text, type Dialog } from './form.ts';
import { strangersOf } from './select.ts';

/** A dialog, or why there is none. */
export type Asked = Dialog | string;

export function askDestroy(world: World, run: RunState, now: number): Asked {
  if (run.destroy_pending) return `a destroy of ${run.id} waits already; ${keyOf('undo')} calls it back`;
  if (run.destroy_ordered?.waive) return `${run.id} is being destroyed`;
  const home = instanceOf(world, run) ? 'Bring results home, then destroy' : 'Give the run up';
  return createDialog('destroy', run.id, now, [option('no', 'Leave it alone'), option('home', home, 'destroy', false), option('now', 'Destroy now, without bringing anything home', run.id)]);
}

export function askHold(world: World, run: RunState, now: number): Asked {
  if (!instanceOf(world, run)) return `${run.id} has no instance to hold`;
  return createDialog('hold', run.id, now, [text('minutes', '30', 'digits', 4), text('reason', '', 'any', 120), option('no', 'Cancel'), option('hold', 'Hold')]);
}

export const askRelease = (_world: World, run: RunState, now: number): Asked => (run.hold ? createDialog('release', run.id, now, [option('no', 'Keep holding'), option('release', 'Release')]) : `${run.id} is not held`);

export const askKeep = (_world: World, run: RunState, now: number): Asked => createDialog('keep', run.id, now, [option('no', 'Leave it'), run.keep ? option('let_go', 'Let it go') : option('keep', 'Keep it')]);

export function askRelaunch(_world: World, run: RunState, now: number): Asked {
  const resume = run.spec.checkpoints?.resume;
  return createDialog('relaunch', run.id, now, [text('command', run.spec.run, 'any', 4_000), ...(resume === undefined ? [] : [text('resume', resume, 'any', 4_000)]), option('no', 'Leave it alone'), option('relaunch', 'Launch it again', 'relaunch')]);
}

export function askSwitch(world: World, run: RunState, now: number): Asked {
  if (!instanceOf(world, run) || run.verdict !== null) return `${run.id} has no instance to switch from`;
  return createDialog('switch', run.id, now, [option('no', 'Stay here'), option('switch', 'Switch to another machine', 'switch')]);
}

export function askBid(world: World, run: RunState, now: number): Asked {
  const facts = instanceOf(world, run)?.facts;
  if (!facts) return `${run.id} has no instance to bid for`;
  return facts.is_bid ? createDialog('bid', run.id, now, [text('bid', '', 'price', 8), option('no', 'Cancel'), option('raise', 'Raise the bid')]) : `instance ${facts.id} is rented on demand; there is nothing to bid`;
}

/** `wanted`: the one that is looked at. */
export function askAdopt(world: World, wanted: InstanceState | null, now: number): Asked {
  const strangers = strangersOf(world);
  const [first, ...others] = strangers;
  if (!first) return 'every instance on the account is ours';
  return createDialog('adopt', null, now, [text('instance', wanted ? String(wanted.id) : others.length === 0 ? String(first.id) : '', 'digits', 12), text('spec', 'experiment.yaml', 'any', 400), option('no', 'Leave it alone'), option('adopt', 'Adopt it', 'adopt', false)]);
}

export function askProposal(_world: World, run: RunState, now: number): Asked {
  return run.brain.consult.stage === 'pending' ? createDialog('proposal', run.id, now, [option('no', 'Not now'), option('approve', 'Approve', null, true), option('refuse', 'Refuse')]) : `${run.id} asks nothing`;
}

export const askQuit = (now: number): Dialog => createDialog('quit', null, now, [option('no', 'Stay'), option('leave', 'Leave')]);
