/** Brings the screen's memory in line with the world before each draw: what is gone is let go, what is urgent opens. Pure. */
import type { World } from '../core/state.ts';
import { helpRows, layoutOf, pageRows, panesOf } from './layout.ts';
import { helpOf, pageLines } from './panes/page.ts';
import { alertsOf, incidentKey, isOver, openIncident, rowsOf, runById } from './select.ts';
import { withToast, type LogPane, type Page, type Ui } from './ui.ts';

/** `now` is real time in ms. Answers the same object when nothing had to change. */
export function settle(before: Ui, world: World, now: number): Ui {
  let ui = before;
  const change = (part: Partial<Ui>): void => {
    ui = { ...ui, ...part };
  };
  if (ui.toast && now >= ui.toast.until) change({ toast: null });
  const page = pageAfter(ui.page, world);
  if (page !== ui.page) change({ page });
  if (ui.dialog && ui.dialog.run !== null) {
    const run = runById(world, ui.dialog.run);
    if (!run || isOver(run)) ui = withToast({ ...ui, dialog: null }, `${ui.dialog.run} has ended meanwhile; there is nothing left to do`, false, now);
    else if (ui.dialog.kind === 'proposal' && run.brain.consult.stage !== 'pending') ui = withToast({ ...ui, dialog: null }, `the question of ${run.id} has been answered or has run out`, false, now);
  }
  const rows = rowsOf(ui, world);
  if (!rows.some(({ key }) => key === ui.selected)) {
    const first = rows[0]?.key ?? null;
    if (first !== ui.selected) change({ selected: first });
  }
  const alerts = alertsOf(world).flatMap((run) => {
    const incident = openIncident(run);
    return incident ? [{ run: run.id, incident: incident.id, key: incidentKey(run, incident) }] : [];
  });
  const fresh = alerts.filter(({ key }) => !ui.alerted.includes(key));
  const log = logAfter(ui, alerts, fresh.at(-1) ?? null);
  if (log !== ui.log) change({ log, look: log.is === 'pinned' ? ui.look : { ...ui.look, held: null, back: 0 } });
  if (fresh.length > 0 || ui.alerted.length > alerts.length) change({ alerted: alerts.map(({ key }) => key) });
  if (!panesOf(ui, world).includes(ui.focus)) change({ focus: 'runs' });
  if (ui.page.name !== 'home') {
    const last = Math.max(0, pageLines(ui, world, world.now).length - pageRows(ui, world));
    if (ui.page.scroll > last) change({ page: { ...ui.page, scroll: last } });
  }
  if (ui.help !== null) {
    const last = Math.max(0, helpOf(ui).length - helpRows(ui));
    if (ui.help > last) change({ help: last });
  }
  const visible = layoutOf(ui, world).runs;
  const runs = rows.filter(({ is }) => is === 'run');
  // Strangers stand below the last run.
  const at = Math.max(0, Math.min(rows.findIndex(({ key }) => key === ui.selected), runs.length - 1));
  const top = Math.max(0, Math.min(Math.max(Math.min(ui.top, at), at - visible + 1), runs.length - visible));
  if (top !== ui.top) change({ top });
  return ui;
}

/** What is gone has no page; a stranger that was adopted goes on as its run. */
function pageAfter(page: Page, world: World): Page {
  if (page.name === 'run') return runById(world, page.run) ? page : { name: 'home' };
  if (page.name === 'home') return page;
  const one = world.fleet[String(page.instance)];
  if (!one || one.gone_at !== null) return { name: 'home' };
  return one.run !== null && runById(world, one.run) ? { name: 'run', run: one.run, scroll: 0 } : page;
}

interface Alert {
  run: string;
  incident: number;
}

function logAfter({ log, focus }: Ui, alerts: readonly Alert[], fresh: Alert | null): LogPane {
  switch (log.is) {
    case 'pinned':
    case 'open':
      return log;
    case 'closed':
      return fresh ? { is: 'auto', run: fresh.run, incident: fresh.incident } : log;
    case 'auto': {
      if (fresh) return { is: 'auto', run: fresh.run, incident: fresh.incident };
      const stays = alerts.some(({ run, incident }) => run === log.run && incident === log.incident);
      const next = stays ? undefined : alerts.at(-1);
      if (stays) return log;
      if (next) return { is: 'auto', run: next.run, incident: next.incident };
      // Repaired, and somebody reads it: it isn't shut under their eyes.
      return focus === 'log' ? { is: 'pinned', run: log.run } : { is: 'closed' };
    }
  }
}
