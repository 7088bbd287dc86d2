/** Reading the world for the screen: which runs, in which order, and what is urgent. All pure. */
import { burnOf } from '../core/ledger.ts';
import { stateWord } from '../core/line.ts';
import { fleetOf, isClosed, runsOf, type Incident, type InstanceState, type RunState, type World } from '../core/state.ts';
import type { LogPane, Ui } from './ui.ts';

export const openIncident = (run: RunState): Incident | null => (run.incident && !run.incident.ended && !isClosed(run) ? run.incident : null);
export const incidentKey = (run: RunState, incident: Incident): string => `${run.id}:${incident.id}`;

/** Over and off the bill. A run that is closed but whose instance was kept still bills, and can still be destroyed. */
export const isOver = (run: RunState): boolean => isClosed(run) && run.instance === null;
export const isKept = (run: RunState): boolean => isClosed(run) && run.instance !== null;

/** 0 has an open incident, 1 is under way, 2 is over. */
const urgency = (run: RunState): number => (openIncident(run) ? 0 : isOver(run) ? 2 : 1);

/** Runs as the table shows them: incidents on top, what is over at the bottom, oldest first within. `!word` inverts the filter. */
export function orderedRuns(world: World, filter: string): RunState[] {
  const invert = filter.startsWith('!');
  const word = filter.slice(invert ? 1 : 0).trim().toLowerCase();
  return runsOf(world)
    .filter((run) => word === '' || haystack(run).includes(word) !== invert)
    .map((run) => ({ run, rank: urgency(run) }))
    .sort((a, b) => a.rank - b.rank || a.run.submitted_at - b.run.submitted_at || (a.run.id < b.run.id ? -1 : 1))
    .map(({ run }) => run);
}

/** A row of the table. The key of a run is its id; no run is called as a stranger's is. */
export type TableRow = { readonly key: string } & ({ readonly is: 'run'; readonly run: RunState } | { readonly is: 'stranger'; readonly instance: InstanceState });

export const strangerKey = (id: number): string => `#${id}`;

/** Runs, then the instances that are not ours: no filter hides what bills. */
export const rowsOf = (ui: Ui, world: World): TableRow[] => [
  ...orderedRuns(world, ui.filter.text).map((run) => ({ key: run.id, is: 'run' as const, run })),
  ...strangersOf(world).map((instance) => ({ key: strangerKey(instance.id), is: 'stranger' as const, instance })),
];

const haystack = (run: RunState): string => `${run.id} ${run.instance ?? ''} ${stateWord(run)} ${run.stage}`.toLowerCase();

const present = (instance: InstanceState): boolean => instance.gone_at === null;
export const strangersOf = (world: World): InstanceState[] => fleetOf(world).filter((instance) => instance.owner === 'stranger' && present(instance));
/** Ours and still there, the dearest first. */
export const oursOf = (world: World): InstanceState[] =>
  fleetOf(world)
    .filter((instance) => instance.owner === 'ours' && present(instance))
    .sort((a, b) => burnOf(b) - burnOf(a) || a.id - b.id);

export const alertsOf = (world: World): RunState[] => runsOf(world).filter((run) => openIncident(run) !== null);
/** Runs whose destroy can still be called back, the most pressing first. */
export const pendingRuns = (world: World): RunState[] => runsOf(world).filter((run) => run.destroy_pending !== null).sort((a, b) => (a.destroy_pending?.until ?? 0) - (b.destroy_pending?.until ?? 0));
export const runById = (world: World, id: string | null): RunState | null => (id === null ? null : (world.runs[id] ?? null));

/** The run that keys act on: the open page's, else the selected row's. */
export const targetRun = (ui: Ui, world: World): RunState | null => (ui.page.name === 'stranger' ? null : runById(world, ui.page.name === 'run' ? ui.page.run : ui.selected));
/** The instance of nobody of ours that keys act on; null where it is a run. */
export const targetStranger = (ui: Ui, world: World): InstanceState | null =>
  ui.page.name === 'run' ? null : (strangersOf(world).find(({ id }) => (ui.page.name === 'stranger' ? ui.page.instance === id : ui.selected === strangerKey(id))) ?? null);

/** Whose log the log pane shows; null while it is closed or has nothing to show. */
export function logRun(log: LogPane, selected: string | null, world: World): RunState | null {
  switch (log.is) {
    case 'closed':
      return null;
    case 'open':
      return runById(world, selected);
    case 'auto':
    case 'pinned':
      return runById(world, log.run);
  }
}

/** Does leaving mean leaving something behind: a run under way, or an instance of ours that bills? */
export const leavesBehind = (world: World): { runs: RunState[]; instances: InstanceState[] } => ({
  runs: runsOf(world).filter((run) => !isOver(run)),
  instances: oursOf(world),
});

/**
 * Instances on which a sentinel holds a lease, those of them that we can renew it on (their session is up), and until when the
 * shortest one lasts, epoch ms of the program's clock; null while no box has told.
 */
export function leasesOf(world: World): { held: number; renewed: number; until: number | null } {
  const under = runsOf(world).filter((run) => run.instance !== null && run.ran_here && !isClosed(run));
  const untils = under.flatMap(({ lease_until }) => lease_until ?? []);
  return { held: under.length, renewed: under.filter(({ ssh }) => ssh.up).length, until: untils.length === 0 ? null : Math.min(...untils) };
}
