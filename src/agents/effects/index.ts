import type { Effect } from '../../core/actions.ts';
import { consult } from '../brain/consult.ts';
import { keepPatch } from '../brain/patches.ts';
import type { Context } from '../context.ts';
import { connect, fix, prepare, start } from './launch.ts';
import { account, adopt, confirmGone, create, destroy, find, giveBack, list, raiseBid, search, stop, wake } from './market.ts';
import { salvage, sync } from './rescue.ts';
import { follow, probe, stopTraining } from './watch.ts';

/** Carries out one effect. Rejects when it did not work; what happened until then is recorded. */
export function perform(context: Context, effect: Effect): Promise<void> {
  switch (effect.do) {
    case 'account':
      return account(context);
    case 'list':
      return list(context);
    case 'confirm_gone':
      return confirmGone(context, effect);
    case 'search':
      return search(context, effect);
    case 'create':
      return create(context, effect);
    case 'find':
      return find(context, effect);
    case 'adopt':
      return adopt(context, effect);
    case 'give_back':
      return giveBack(context, effect);
    case 'connect':
      return connect(context, effect);
    case 'prepare':
      return prepare(context, effect);
    case 'start':
      return start(context, effect);
    case 'follow':
      return follow(context, effect);
    case 'probe':
      return probe(context, effect);
    case 'stop_training':
      return stopTraining(context, effect);
    case 'fix':
      return fix(context, effect);
    case 'consult':
      return consult(context, effect);
    case 'keep_patch':
      return keepPatch(context, effect);
    case 'sync':
      return sync(context, effect);
    case 'destroy':
      return destroy(context, effect);
    case 'stop':
      return stop(context, effect);
    case 'wake':
      return wake(context, effect);
    case 'raise_bid':
      return raiseBid(context, effect);
    case 'salvage':
      return salvage(context, effect);
  }
}
