/** The projection of events: one plain world, replaced whole. Agents, panes and --json all read this one. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import { emptyWorld, type World } from './core/state.ts';

export type WorldStore = StoreApi<World>;

export const createWorldStore = (now: number): WorldStore => createStore<World>(() => emptyWorld(now));
