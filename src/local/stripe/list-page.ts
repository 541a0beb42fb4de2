import { type Call } from './route';
import { badParameter, noSuch } from './stripe-fault';

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;
const PAGE_PARAMS = ['limit', 'starting_after', 'ending_before', 'expand'];
const RANGE = ['gt', 'gte', 'lt', 'lte'] as const;

export interface ListPage<T> {
  object: 'list';
  url: string;
  has_more: boolean;
  data: T[];
}

/**
 * One page of `rows` (given oldest first), newest first, as https://docs.stripe.com/api/pagination says:
 * `starting_after` reads on, `ending_before` reads back and keeps the order. `filters` are the parameters this list
 * knows besides those of every list; the caller applies them.
 */
export function listPage<T extends { id: string }>(call: Call, rows: T[], filters: string[] = []): ListPage<T> {
  const { params } = call;
  params.only(...PAGE_PARAMS, ...filters);
  const limit = params.optionalInteger('limit', 1) ?? DEFAULT_LIMIT;
  if (limit > MAX_LIMIT) {
    throw badParameter('parameter_invalid_integer', `This value must be less than or equal to ${MAX_LIMIT}.`, 'limit');
  }
  const after = params.optional('starting_after');
  const before = params.optional('ending_before');
  if (after && before) {
    throw badParameter('parameter_invalid', 'You cannot parameterize both starting_after and ending_before.');
  }
  const within = filters.includes('created') ? createdWithin(call) : () => true;
  const newest = rows.toReversed();
  const position = (id: string, param: string): number => {
    const index = newest.findIndex((row) => row.id === id);
    if (index < 0) throw noSuch('object', id, param);
    return index;
  };
  if (before) {
    const earlier = newest.slice(0, position(before, 'ending_before')).filter(within);
    return page(call, earlier.slice(-limit), earlier.length > limit);
  }
  const rest = (after ? newest.slice(position(after, 'starting_after') + 1) : newest).filter(within);
  return page(call, rest.slice(0, limit), rest.length > limit);
}

/** A list that is complete and takes no parameters of its own, such as one inside an object. */
export function wholeList<T>(url: string, data: T[]): ListPage<T> {
  return { object: 'list', url, has_more: false, data };
}

function page<T>(call: Call, data: T[], more: boolean): ListPage<T> {
  return { object: 'list', url: call.path, has_more: more, data };
}

/** `created=…` or `created[gte]=…`; rows without a time pass. */
function createdWithin({ params }: Call): (row: object) => boolean {
  let bounds: Array<(time: number) => boolean> = [];
  if (typeof params.raw('created') === 'string') {
    const exact = params.optionalInteger('created');
    if (exact !== undefined) bounds = [(time) => time === exact];
  } else {
    const range = params.hash('created')?.only(...RANGE);
    const at = (name: (typeof RANGE)[number]): number | undefined => range?.optionalInteger(name);
    const [gt, gte, lt, lte] = [at('gt'), at('gte'), at('lt'), at('lte')];
    bounds = [
      (time) => gt === undefined || time > gt,
      (time) => gte === undefined || time >= gte,
      (time) => lt === undefined || time < lt,
      (time) => lte === undefined || time <= lte,
    ];
  }
  return (row) =>
    !('created' in row) || typeof row.created !== 'number' || bounds.every((holds) => holds(row.created as number));
}
