/** The first rows: what there is, what it burns, what it bought; and the banner, when control is lost or a demo is over. */
import { controlLost } from '../../core/control.ts';
import { totals } from '../../core/ledger.ts';
import { span } from '../../core/line.ts';
import type { World } from '../../core/state.ts';
import { cleanLine, shorten } from '../../core/text.ts';
import { bar, money, perHour, share } from '../format.ts';
import { GLYPH } from '../glyphs.ts';
import { ends, fitLine, line, lineWidth, piece, type Line, type Piece } from '../line.ts';
import { alertsOf } from '../select.ts';
import type { Ui } from '../ui.ts';

const GAP = piece('   ');
/** Below this many hours of credit the runway is shouted. */
const SHORT_RUNWAY_H = 4;
/** Above this share of the bill the waste is shouted. */
const LOUD_WASTE = 0.15;

export function header(ui: Ui, world: World, now: number, title: string, rows: number): Line[] {
  const width = ui.size.columns;
  const sums = totals(world, now);
  const spent = [piece('spent ', 'muted'), piece(money(sums.usd), 'money'), piece(money(sums.usd, 4).slice(-2), 'faint')];
  const burn: Piece[] = [piece('burn ', 'muted'), piece(perHour(sums.burn_usd_per_hour), sums.burn_usd_per_hour > 0 ? 'title' : 'muted')];
  const name = [piece('vastsit', 'title'), ...(title === '' ? [] : [piece(` ${title}`, 'muted')])];
  const health = healthOf(world, now);
  const alerts = alertsOf(world).length;
  const loud = alerts === 0 ? [] : [piece(`${GLYPH.alert} ${alerts} ${alerts === 1 ? 'alert' : 'alerts'}`, 'bad'), GAP];
  if (rows === 1) return [fitLine(ends(line(piece(' '), ...name, GAP, ...loud, ...burn, GAP, ...spent), line(health, piece(' ')), width), width)];

  const credit = sums.credit_usd === null ? [piece('credit ', 'muted'), piece('?', 'muted')] : [piece('credit ', 'muted'), piece(money(sums.credit_usd), 'text')];
  const short = sums.runway_h !== null && sums.runway_h < SHORT_RUNWAY_H;
  const runway = sums.runway_h === null ? [] : [piece(` ${GLYPH.dot} `, 'faint'), piece(short ? 'only ' : '', 'bad'), piece(`${hours(sums.runway_h)}`, short ? 'bad' : 'text'), piece(' runway', short ? 'bad' : 'muted')];
  const strangers = sums.strangers_usd_per_hour > 0 ? [piece(` +${perHour(sums.strangers_usd_per_hour)} not ours`, 'faint')] : [];
  const first = ends(line(piece(' '), ...name), line(...loud, ...credit, ...runway, GAP, health, piece(' ')), width);
  const rest = Math.max(0, sums.usd - sums.productive - sums.wasted);
  const lead = [piece(' '), ...burn, ...strangers, GAP, ...spent];
  const tail = [
    piece('productive ', 'muted'), piece(share(sums.productive, sums.usd), 'text'),
    GAP, piece('wasted ', 'muted'), piece(money(sums.wasted), sums.wasted > LOUD_WASTE * sums.usd && sums.wasted >= 0.01 ? 'warn' : 'text'), piece(' '),
  ];
  const space = width - lineWidth(line(...lead, ...tail)) - 6;
  const gauge = space < 8 ? [] : [...bar(['bar_good', 'bar_bad', 'bar_rest'], [sums.productive, sums.wasted, rest], Math.min(24, space)), piece('  ')];
  return [fitLine(first, width), fitLine(ends(line(...lead), line(...gauge, ...tail), width), width)];
}

function healthOf(world: World, now: number): Piece {
  switch (world.market.health) {
    case 'ok':
      return piece(`market ok`, 'muted');
    case 'unknown':
      return piece('asking the market', 'busy');
    case 'lost':
      return piece(`${GLYPH.alert} market lost ${span(now - world.market.since)}`, 'bad');
  }
}

/** One row, or none. Losing control outshouts the end of a demo. */
export function banner(ui: Ui, world: World, now: number): Line | null {
  const width = ui.size.columns;
  const lost = controlLost(world);
  if (lost !== null) {
    const [since, then] = lost.since === null ? ['', 'It bills until the market takes the order, which is repeated.'] : [` for ${span(now - lost.since)}`, 'Training goes on and bills; the last known facts are shown; nothing is destroyed on a guess.'];
    return { ...fitLine(line(piece(` ${GLYPH.alert} CONTROL LOST${since}: ${shorten(lost.words, lost.since === null ? 140 : 80).replace(/[.]$/, '')}. ${then}`, 'banner_bad')), width), over: 'banner_bad' };
  }
  return ui.finished === null ? null : { ...fitLine(line(piece(` ${GLYPH.done} ${cleanLine(ui.finished, 300)}`, 'banner_good')), width), over: 'banner_good' };
}

const hours = (h: number): string => (h >= 1_000 ? '>999 h' : h >= 10 ? `${Math.round(h)} h` : `${h.toFixed(1)} h`);
