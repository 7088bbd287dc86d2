/** The picture: waste against runs finished by the next morning, one dot a policy. */
import type { Figures } from './score.ts';

const WIDE = 760;
const HIGH = 460;
const EDGE = { left: 76, right: 30, top: 64, bottom: 66 };
const FONT = 'font-family="system-ui, sans-serif"';

const LABELS: Readonly<Record<string, string>> = {
  ours: 'vastsit-tui', oracle: 'oracle (the floor)', human: 'a person looks', skypilot_autostop: 'SkyPilot autostop', skypilot_jobs: 'SkyPilot managed job', skypilot_jobs_restarts: 'managed job, restarts',
  dstack: 'dstack', dstack_retry: 'dstack, retry', dstack_util: 'dstack, utilisation', dstack_util_retry: 'dstack, utilisation, retry', step_watchdog: 'step watchdog', step_watchdog_restarts: 'watchdog, restarts', naive_llm: 'LLM that polls',
};

/** Dollars on a scale of logarithms: a person's waste is thirty times an orchestrator's. */
const TICKS = [1, 2, 5, 10, 20, 50, 100];

export function plot(figures: readonly Figures[], runs: number): string {
  const least = Math.min(1, ...figures.map((one) => one.waste_per_100 * 0.85));
  const most = Math.max(100, ...figures.map((one) => one.waste_per_100 * 1.15));
  const lowest = Math.floor((Math.min(...figures.map((one) => one.finished_by_morning)) - 0.04) * 20) / 20;
  const x = (waste: number): number => EDGE.left + ((Math.log(waste) - Math.log(least)) / (Math.log(most) - Math.log(least))) * (WIDE - EDGE.left - EDGE.right);
  const y = (share: number): number => HIGH - EDGE.bottom - ((share - lowest) / (1 - lowest)) * (HIGH - EDGE.top - EDGE.bottom);
  const shares = Array.from({ length: Math.round((1 - lowest) / 0.1) + 1 }, (_, n) => Math.round((1 - n * 0.1) * 100) / 100).filter((share) => share >= lowest);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDE} ${HIGH}" role="img" aria-label="Waste against runs finished by morning, by policy">`,
    `<rect width="${WIDE}" height="${HIGH}" fill="#ffffff"/>`,
    `<text x="${EDGE.left}" y="28" ${FONT} font-size="17" font-weight="600" fill="#1a1a1a">What watching is worth: ${runs.toLocaleString('en-US')} simulated runs under each policy</text>`,
    `<text x="${EDGE.left}" y="48" ${FONT} font-size="12.5" fill="#555555">up and to the left is better; the same runs, failures, machines and people for all</text>`,
    ...TICKS.filter((tick) => tick >= least && tick <= most).map((tick) => `<line x1="${at(x(tick))}" x2="${at(x(tick))}" y1="${EDGE.top}" y2="${HIGH - EDGE.bottom}" stroke="#e6e6e6"/><text x="${at(x(tick))}" y="${HIGH - EDGE.bottom + 18}" text-anchor="middle" ${FONT} font-size="12" fill="#444444">$${tick}</text>`),
    ...shares.map((share) => `<line x1="${EDGE.left}" x2="${WIDE - EDGE.right}" y1="${at(y(share))}" y2="${at(y(share))}" stroke="#e6e6e6"/><text x="${EDGE.left - 8}" y="${at(y(share) + 4)}" text-anchor="end" ${FONT} font-size="12" fill="#444444">${Math.round(100 * share)} %</text>`),
    `<text x="${(EDGE.left + WIDE - EDGE.right) / 2}" y="${HIGH - 20}" text-anchor="middle" ${FONT} font-size="13" fill="#1a1a1a">dollars wasted per 100 dollars of useful work</text>`,
    `<text x="20" y="${(EDGE.top + HIGH - EDGE.bottom) / 2}" transform="rotate(-90 20 ${(EDGE.top + HIGH - EDGE.bottom) / 2})" text-anchor="middle" ${FONT} font-size="13" fill="#1a1a1a">runs finished by the next morning, nobody woken</text>`,
    ...place(figures.map((one) => ({ one, x: x(one.waste_per_100), y: y(one.finished_by_morning) }))).map(
      ({ one, x: cx, y: cy, ty, left }) =>
        `<circle cx="${at(cx)}" cy="${at(cy)}" r="${one.name === 'ours' ? 7 : 5}" fill="${one.name === 'ours' ? '#0b7a4b' : one.name === 'oracle' ? '#888888' : '#c4572e'}"/>` +
        (Math.abs(ty - cy) > 8 ? `<line x1="${at(cx)}" y1="${at(cy)}" x2="${at(cx + (left ? -9 : 9))}" y2="${at(ty)}" stroke="#bbbbbb"/>` : '') +
        `<text x="${at(cx + (left ? -11 : 11))}" y="${at(ty + 4)}" text-anchor="${left ? 'end' : 'start'}" ${FONT} font-size="12.5" font-weight="${one.name === 'ours' ? 700 : 400}" fill="#1a1a1a">${LABELS[one.name] ?? one.name}</text>`,
    ),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

const at = (value: number): string => value.toFixed(1);
const LINE = 15;

interface Dot {
  one: Figures;
  x: number;
  y: number;
}

/** Words beside dots, moved up or down until none covers another. */
function place(dots: readonly Dot[]): (Dot & { ty: number; left: boolean })[] {
  const boxes: { from: number; to: number; y: number }[] = dots.map(({ x, y }) => ({ from: x - 7, to: x + 7, y }));
  return dots.map((dot) => {
    const wide = 7 * (LABELS[dot.one.name] ?? dot.one.name).length + 4;
    const tries = Array.from({ length: 14 }, (_, n) => [1, -1].map((sign) => sign * Math.ceil(n / 2) * LINE * (n === 0 ? 0 : 1))).flat();
    const spots = tries.flatMap((shift) => [false, true].map((left) => ({ ty: dot.y + shift, left, from: left ? dot.x - 11 - wide : dot.x + 11, to: left ? dot.x - 11 : dot.x + 11 + wide })));
    const inside = spots.filter(({ from, to, ty }) => from > EDGE.left && to < WIDE - 4 && ty > EDGE.top && ty < HIGH - EDGE.bottom - 4);
    const free = inside.find(({ from, to, ty }) => boxes.every((box) => box.to < from || box.from > to || Math.abs(box.y - ty) >= LINE - 2)) ?? inside[0] ?? { ty: dot.y, left: false, from: dot.x, to: dot.x };
    boxes.push({ from: free.from, to: free.to, y: free.ty });
    return { ...dot, ty: free.ty, left: free.left };
  });
}
