/** The paged list of instances (v1): filters and orders over stored columns, keyset tokens, 25 rows at most. */
import { ApiError, compare, isRow, passes, plain, sortRows, type Row } from './filter.ts';

const MAX_PAGE = 25;
const MIN_PAGE = 5;
/** Columns that Vast keeps on the contract; the others are computed and cannot be filtered or sorted by. */
const STORED = new Set([
  'id', 'machine_id', 'host_id', 'label', 'actual_status', 'intended_status', 'cur_state', 'next_state', 'gpu_name', 'verification', 'image_uuid', 'image_runtype', 'is_bid', 'start_date', 'end_date', 'geolocation', 'disk_space', 'min_bid',
]);

export function listInstances(rows: readonly Row[], query: URLSearchParams): Row {
  const filters = json(query, 'select_filters', {});
  if (!isRow(filters)) throw new ApiError(400, 'invalid_request', 'select_filters must be an object');
  const order = orderOf(json(query, 'order_by', []));
  for (const column of [...Object.keys(filters), ...order.map(([column]) => column)]) {
    if (!STORED.has(column)) throw new ApiError(400, 'invalid_request', `${column} is not a stored column`);
  }
  const matching = sortRows(rows.filter((row) => passes(row, filters)), order);
  const limit = limitOf(query.get('limit'));
  const token = query.get('after_token');
  const rest = token === null || token === '' ? matching : matching.filter((row) => isAfter(row, tokenRow(token, order), order));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const label_counts: Record<string, number> = {};
  for (const { label } of matching) {
    const key = typeof label === 'string' ? label : '';
    label_counts[key] = (label_counts[key] ?? 0) + 1;
  }
  return {
    success: true,
    instances_found: page.length,
    total_instances: matching.length,
    label_counts,
    next_token: last && rest.length > page.length ? Buffer.from(JSON.stringify(order.map(([column]) => last[column] ?? null))).toString('base64') : null,
    instances: selected(page, json(query, 'select_cols', ['*'])),
  };
}

function json(query: URLSearchParams, name: string, fallback: unknown): unknown {
  const text = query.get(name);
  if (text === null || text === '') return fallback;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ApiError(400, 'invalid_request', `${name} is not valid JSON`);
  }
}

/** The order asked for, made total by the id. */
function orderOf(value: unknown): [string, string][] {
  const order = (Array.isArray(value) ? value : []).flatMap((entry): [string, string][] => (isRow(entry) && typeof entry['col'] === 'string' ? [[entry['col'], plain(entry['dir'], 'asc')]] : []));
  return order.some(([column]) => column === 'id') ? order : [...order, ['id', 'asc']];
}

function limitOf(text: string | null): number {
  const limit = text === null ? MAX_PAGE : Math.trunc(Number(text));
  if (Number.isNaN(limit)) return MAX_PAGE;
  return limit <= 0 ? MIN_PAGE : Math.min(MAX_PAGE, limit);
}

function tokenRow(token: string, order: readonly (readonly [string, string])[]): Row {
  try {
    const values: unknown = JSON.parse(Buffer.from(token, 'base64').toString('utf8'));
    if (Array.isArray(values) && values.length === order.length) return Object.fromEntries(order.map(([column], index) => [column, values[index] as unknown]));
  } catch {
    // said below
  }
  throw new ApiError(400, 'invalid_token', 'after_token is not one of ours');
}

function isAfter(row: Row, mark: Row, order: readonly (readonly [string, string])[]): boolean {
  const id = compare(row['id'], mark['id']);
  return id !== 0 && sortRows([mark, row], order)[1] === row;
}

function selected(rows: readonly Row[], columns: unknown): Row[] {
  if (!Array.isArray(columns) || columns.includes('*')) return [...rows];
  return rows.map((row) => Object.fromEntries(columns.filter((column): column is string => typeof column === 'string').map((column) => [column, row[column] ?? null])));
}
