/** Commands with knobs: `{name}` in the spec's run and resume lines. Values are numbers, so nothing can be injected. */
import type { Remedy } from './events.ts';
import type { Cause } from './causes.ts';
import { shellQuote } from './quote.ts';
import type { Spec } from './spec.ts';

/** Fills in the knobs and the checkpoint. `\{` stays a brace; `${VAR}` is the shell's. */
export function renderCommand(template: string, knobs: Readonly<Record<string, number>>, checkpoint: string | null): string {
  return template.replace(/\\\{|(?<![${])\{([a-z][a-z0-9_]*)\}/g, (whole, name: string | undefined) => {
    if (name === undefined) return '{';
    if (name === 'checkpoint' && checkpoint !== null) return shellQuote(checkpoint);
    const value = knobs[name];
    return value === undefined ? whole : String(value);
  });
}

export const initialKnobs = (spec: Spec): Record<string, number> => Object.fromEntries(Object.entries(spec.knobs).map(([name, knob]) => [name, knob.value]));

/**
 * The next conservative reduction for a cause: the first declared knob that answers it and has room above its floor, by one
 * factor; integers stay integers. The knob that it `keeps` grows by what was really taken, so that the product stays; where
 * the numbers allow it, exactly.
 */
export function reduction(spec: Spec, knobs: Readonly<Record<string, number>>, cause: Cause): Extract<Remedy, { rung: 'reduce' }> | null {
  for (const [name, knob] of Object.entries(spec.knobs)) {
    if (!(knob.answers as readonly string[]).includes(cause)) continue;
    const from = knobs[name] ?? knob.value;
    const whole = Number.isInteger(knob.value) && Number.isInteger(knob.floor);
    const kept = knob.keeps === undefined ? null : { knob: knob.keeps, from: knobs[knob.keeps] ?? 1 };
    const least = Math.max(knob.floor, whole ? Math.floor(from * knob.factor) : from * knob.factor);
    const to = whole && kept ? divisor(kept.from * from, least, knob.floor) : least;
    // No workers is a setting; no batch is none.
    if (to >= from || to < 0 || (to === 0 && kept !== null)) continue;
    return { rung: 'reduce', knob: name, from, to, keeps: kept && { ...kept, to: whole ? Math.ceil((kept.from * from) / to) : (kept.from * from) / to } };
  }
  return null;
}

/** The greatest divisor of `product` up to `most`, if it is not far below it; else `most` itself. */
function divisor(product: number, most: number, floor: number): number {
  for (let to = most; to >= Math.max(floor, 1, most / 2); to -= 1) if (product % to === 0) return to;
  return most;
}
