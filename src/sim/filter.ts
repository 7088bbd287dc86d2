/** Vast's filters: {field: {operator: value}}, every value possibly a text, several operators on one field ANDed. */

export type Row = Readonly<Record<string, unknown>>;

/** A request that cannot be served; `code` and `message` go onto the wire as `error` and `msg`. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly extra: Row = {},
  ) {
    super(message);
  }
}

export const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Does the row pass every filter? Throws ApiError 400 for an operator that does not exist. */
export function passes(row: Row, filters: Row): boolean {
  return Object.entries(filters).every(([field, conditions]) => {
    const held = row[field] ?? null;
    if (!isRow(conditions)) return compare(held, conditions) === 0;
    return Object.entries(conditions).every(([operator, wanted]) => holds(held, operator, wanted));
  });
}

function holds(held: unknown, operator: string, wanted: unknown): boolean {
  const order = Array.isArray(wanted) ? null : compare(held, wanted);
  const among = (): boolean => (Array.isArray(wanted) ? wanted : [wanted]).some((each) => compare(held, each) === 0);
  switch (operator) {
    case 'eq':
      return order === 0;
    case 'neq':
      return order !== 0;
    case 'gt':
      return order !== null && order > 0;
    case 'gte':
      return order !== null && order >= 0;
    case 'lt':
      return order !== null && order < 0;
    case 'lte':
      return order !== null && order <= 0;
    case 'in':
      return among();
    case 'notin':
      return !among();
    default:
      throw new ApiError(400, 'invalid_request', `unknown operator ${operator}`);
  }
}

/** Negative, zero or positive; null when the two cannot be compared. The wanted value takes the held one's type. */
export function compare(held: unknown, wanted: unknown): number | null {
  if (held === null || wanted === null) return held === wanted ? 0 : null;
  if (typeof held === 'number') {
    const number = typeof wanted === 'number' ? wanted : typeof wanted === 'string' && wanted.trim() !== '' ? Number(wanted) : typeof wanted === 'boolean' ? Number(wanted) : NaN;
    return Number.isNaN(number) ? null : held - number;
  }
  if (typeof held === 'boolean') return Number(held) - Number(wanted === true || wanted === 1 || /^(true|1)$/i.test(plain(wanted)));
  const [a, b] = [plain(held), plain(wanted)];
  return a === b ? 0 : a < b ? -1 : 1;
}

/** A value as text; objects and lists have none. */
export const plain = (value: unknown, fallback = ''): string => (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : fallback);

/** Sorts by Vast's `order`: [field, "asc" | "desc"] pairs. Rows without the field come last. */
export function sortRows<T extends Row>(rows: readonly T[], order: readonly (readonly [field: string, direction: string])[]): T[] {
  return [...rows].sort((a, b) => {
    for (const [field, direction] of order) {
      const [x, y] = [a[field] ?? null, b[field] ?? null];
      if (x === null && y === null) continue;
      if (x === null) return 1;
      if (y === null) return -1;
      const found = compare(x, y) ?? 0;
      if (found !== 0) return direction === 'desc' ? -found : found;
    }
    return 0;
  });
}
