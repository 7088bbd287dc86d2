/** Seeded dice. Each topic of each run has dice of its own, so that one assumption can change without throwing the others anew. */

export interface Dice {
  /** From 0 to 1. */
  (): number;
  chance(share: number): boolean;
  between(low: number, high: number): number;
  exponential(mean: number): number;
  lognormal(median: number, sigma: number): number;
  weibull(mean: number, shape: number): number;
  triangular(low: number, mode: number, high: number): number;
  /** One of the keys, by weight. */
  pick<K extends string>(weights: Readonly<Record<K, number>>): K;
}

export function diceOf(...keys: (string | number)[]): Dice {
  let state = hash(keys.join('/'));
  const roll = (): number => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const open = (): number => 1 - roll();
  return Object.assign(roll, {
    chance: (share: number) => roll() < share,
    between: (low: number, high: number) => low + (high - low) * roll(),
    exponential: (mean: number) => -mean * Math.log(open()),
    lognormal: (median: number, sigma: number) => median * Math.exp(sigma * Math.sqrt(-2 * Math.log(open())) * Math.cos(2 * Math.PI * roll())),
    weibull: (mean: number, shape: number) => (mean / gamma(1 + 1 / shape)) * (-Math.log(open())) ** (1 / shape),
    triangular: (low: number, mode: number, high: number) => {
      const share = (mode - low) / (high - low);
      const at = roll();
      return at < share ? low + Math.sqrt(at * (high - low) * (mode - low)) : high - Math.sqrt((1 - at) * (high - low) * (high - mode));
    },
    pick: <K extends string>(weights: Readonly<Record<K, number>>): K => {
      const names = Object.keys(weights) as K[];
      let at = roll() * names.reduce((sum, name) => sum + weights[name], 0);
      return names.find((name) => (at -= weights[name]) < 0) ?? (names.at(-1) as K);
    },
  });
}

function hash(text: string): number {
  let state = 2_166_136_261;
  for (const char of text) state = Math.imul(state ^ (char.codePointAt(0) ?? 0), 16_777_619);
  return state >>> 0;
}

/** Stirling's series, good to a few parts in a million from 1 on. */
function gamma(x: number): number {
  const y = x + 4;
  const stirling = Math.sqrt((2 * Math.PI) / y) * (y / Math.E) ** y * (1 + 1 / (12 * y) + 1 / (288 * y * y));
  return stirling / (x * (x + 1) * (x + 2) * (x + 3));
}
