/** The first rows: what there is, what it burns, what it bought; and the banner, when control is lost or a demo is over. */
import { controlLost } from '../../core/control.ts';
import { today } from '../../core/day.ts';
import { totals, type Totals } from '../../core/ledger.ts';
import { span } from '../../core/line.ts';
import type { World } from '../../core/state.ts';
import { cleanLine, shorten } from '../../core/text.ts';
import { bar, firstFit, money, perHour, share } from '../format.ts';
import { GLYPH } from '../glyphs.ts';
import { ends, fitLine, line, lineWidth, piece, type Line, type Piece } from '../line.ts';
import { alertsOf, leasesOf } from '../select.ts';
import type { Ui } from '../ui.ts';

/** Below this many hours of credit the runway is shouted. */
const SHORT_RUNWAY_H = 4;
/** Above this share of the bill the waste is shouted. */
const LOUD_WASTE = 0.15;

/** A lease is renewed long before this; below it, it is not. */
const SHORT_LEASE_MS = 5 * 60_000;

/** A part of a row; where not all fit, those of the highest rank go first. Rank 0 stays. */
interface Part {
  rank: number;
  side: 'left' | 'right';
  pieces: readonly Piece[];
}
const left = (rank: number, ...pieces: Piece[]): Part => ({ rank, side: 'left', pieces });
const right = (rank: number, ...pieces: Piece[]): Part => ({ rank, side: 'right', pieces });

export function header(ui: Ui, world: World, now: number, title: string, rows: number): Line[] {
  const width = ui.size.columns;
  const sums = totals(world, now);
  const name = left(0, piece('vastsit', 'title'), ...(title === '' ? [] : [piece(` ${title}`, 'muted')]));
  const count = alertsOf(world).length;
  const alerts = count === 0 ? [] : [right(0, piece(`${GLYPH.alert} ${count} ${count === 1 ? 'alert' : 'alerts'}`, 'bad'))];
  const known = sums.burn_usd_per_hour > 0 || world.market.list_at !== null;
  const burn = left(0, piece('burn ', 'muted'), piece(known ? perHour(sums.burn_usd_per_hour) : '?', sums.burn_usd_per_hour > 0 ? 'title' : 'muted'));
  const market = right(0, healthOf(world, now));
  const day = dayParts(world, sums, now, width >= 100);
  if (rows === 1) return [row([left(2, piece('vastsit', 'title')), burn, ...day.filter(({ rank }) => rank <= 1), ...alerts, { ...market, rank: 1 }], width)];
  const strangers = sums.strangers_usd_per_hour > 0 ? [left(3, piece(`+${perHour(sums.strangers_usd_per_hour)} not ours`, 'faint'))] : [];
  const account = world.account?.email ? [right(4, piece(cleanLine(world.account.email, 40), 'faint'))] : [];
  return [row([name, ...alerts, ...account, right(1, ...creditPieces(sums)), ...leaseParts(world, now), market], width), row([burn, ...strangers, ...day, ...gauge(sums, width)], width)];
}

/** Drops what has no room, then puts the rest to both ends. */
function row(parts: readonly Part[], width: number): Line {
  const gap = piece(width >= 100 ? '   ' : '  ');
  const side = (kept: readonly Part[], which: Part['side']): Piece[] => kept.filter((part) => part.side === which).flatMap(({ pieces }, index) => (index === 0 ? pieces : [gap, ...pieces]));
  let kept = [...parts];
  for (;;) {
    const [start, end] = [line(piece(' '), ...side(kept, 'left')), line(...side(kept, 'right'), piece(' '))];
    const rank = Math.max(...kept.map((part) => part.rank));
    if (lineWidth(start) + lineWidth(end) < width || rank === 0) return fitLine(ends(start, end, width), width);
    kept = kept.filter((part) => part.rank < rank);
  }
}

function creditPieces(sums: Totals): Piece[] {
  const credit = sums.credit_usd === null ? [piece('credit ', 'muted'), piece('?', 'muted')] : [piece('credit ', 'muted'), piece(money(sums.credit_usd), 'text')];
  if (sums.runway_h === null) return credit;
  const short = sums.runway_h < SHORT_RUNWAY_H;
  return [...credit, piece(` ${GLYPH.dot} `, 'faint'), piece(short ? 'only ' : '', 'bad'), piece(`${hours(sums.runway_h)}`, short ? 'bad' : 'text'), piece(' runway', short ? 'bad' : 'muted')];
}

/** What the day has cost, what of it bought nothing, and what resumes did not have to pay again. */
function dayParts(world: World, sums: Totals, now: number, roomy: boolean): Part[] {
  const since = today(world, sums, now);
  const loud = since.wasted > LOUD_WASTE * since.usd && since.wasted >= 0.01;
  const whole = since.usd >= sums.usd - 0.005;
  // The parts are of all that was spent; they say something of the day while the day is all there is.
  const causes = ([['loading', sums.loading], ['idle', sums.idle], ['repeats', sums.repeats]] as const).filter(([, usd]) => usd >= 0.005);
  return [
    left(0, piece(roomy ? 'spent today ' : 'today ', 'muted'), piece(money(since.usd), 'money'), piece(money(since.usd, 4).slice(-2), 'faint')),
    ...(whole ? [] : [left(5, piece(`of ${money(sums.usd)} in all`, 'faint'))]),
    left(1, piece('wasted ', 'muted'), piece(money(since.wasted), loud ? 'warn' : 'text')),
    ...(whole && causes.length > 0 ? [left(5, piece(causes.map(([what, usd]) => `${what} ${money(usd)}`).join(' '), 'faint'))] : []),
    left(2, piece('rescued ', 'muted'), piece(money(since.rescued), since.rescued >= 0.005 ? 'ok' : 'muted')),
  ];
}

/** Where the sentinel's lease can be renewed now, of the instances that hold one, and how long the shortest lasts without us. */
function leaseParts(world: World, now: number): Part[] {
  const { held, renewed, until } = leasesOf(world);
  if (held === 0) return [];
  const left = until === null ? [] : [right(3, piece(until <= now ? 'run out' : span(until - now), until - now < SHORT_LEASE_MS ? 'warn' : 'text'), piece(' without us', 'muted'))];
  return [right(2, piece('leases ', 'muted'), piece(`${renewed}/${held}`, renewed < held ? 'warn' : 'text')), ...left];
}

/** The bar takes what is left of the row. */
function gauge(sums: Totals, width: number): Part[] {
  if (sums.usd < 0.01) return [];
  const rest = Math.max(0, sums.usd - sums.productive - sums.wasted);
  const words = [piece(' productive ', 'muted'), piece(share(sums.productive, sums.usd), 'text')];
  return [right(4, ...bar(['bar_good', 'bar_bad', 'bar_rest'], [sums.productive, sums.wasted, rest], Math.min(24, Math.max(8, width - 112))), ...words)];
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
    const since = lost.since === null ? '' : ` for ${span(now - lost.since)}`;
    const head = (words: string): string => ` ${GLYPH.alert} CONTROL LOST${since}: ${shorten(words, lost.since === null ? 140 : 80).replace(/[.]$/, '')}.`;
    // Where the sentence is too long, its cause in brackets says it alone.
    const [, cause] = /\(([^()]{3,60})\)/.exec(lost.words) ?? [];
    const heads = [head(lost.words), ...(cause === undefined ? [] : [head(cause)])];
    // The longest that fits: what goes on meanwhile, and what is done about it.
    const ways = lost.since === null ? ['It bills until the market takes the order, which is repeated.', 'The order is repeated.'] : ['Training goes on and bills; the last known facts are shown; nothing is destroyed on a guess; Vast is asked again and again.', 'Training goes on and bills; nothing is destroyed on a guess; it is asked again.', 'It is asked again; nothing is destroyed on a guess.', 'It is asked again.'];
    return { ...fitLine(line(piece(firstFit([...heads.flatMap((one) => ways.map((words) => `${one} ${words}`)), ...heads], width), 'banner_bad')), width), over: 'banner_bad' };
  }
  return ui.finished === null ? null : { ...fitLine(line(piece(` ${GLYPH.done} ${cleanLine(ui.finished, 300)}`, 'banner_good')), width), over: 'banner_good' };
}

const hours = (h: number): string => (h >= 1_000 ? '>999 h' : h >= 10 ? `${Math.round(h)} h` : `${h.toFixed(1)} h`);
