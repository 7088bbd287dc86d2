/** The life of a program, and how a kill -9 ends it. */

/** One life of the program: killed, it neither hears nor says anything any more. */
export interface Life {
  dead: boolean;
}

/** A port that answers nothing once its life is over. */
export function mortal<T>(port: T, life: Life): T {
  const methods = Object.entries(port as Record<string, unknown>).map(([name, value]) => {
    if (typeof value !== 'function') return [name, value];
    return [name, (...args: unknown[]): unknown => (life.dead ? new Promise(() => undefined) : late((value as (...given: unknown[]) => unknown)(...args), life))];
  });
  return Object.fromEntries(methods) as T;
}

/** An answer that comes after the end is heard by nobody. */
function late(answer: unknown, life: Life): unknown {
  if (!(answer instanceof Promise)) return answer;
  return new Promise((resolve, reject) => {
    answer.then(
      (value: unknown) => {
        if (!life.dead) resolve(value);
      },
      (error: unknown) => {
        if (!life.dead) reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}
