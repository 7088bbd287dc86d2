import type { Body } from './events.ts';

/** Applies `redact` to every string of an event but file hashes, which look like keys and are none. */
export function redactBody(body: Body, redact: (text: string) => string): Body {
  return walk(body, redact) as Body;
}

function walk(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map((one) => walk(one, redact));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, key === 'sha256' || key === 'type' ? one : walk(one, redact)]));
}
