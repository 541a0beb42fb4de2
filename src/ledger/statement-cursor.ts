import { InvalidRequestError } from '../common/billing-error';

/** The last line of a page. */
export interface StatementCursor {
  /** Exact to the microsecond. */
  readonly effective: string;
  readonly entryId: bigint;
  readonly line: number;
}

export const encodeCursor = ({ effective, entryId, line }: StatementCursor): string =>
  Buffer.from(`${entryId} ${line} ${effective}`).toString('base64url');

/** @throws InvalidRequestError `invalid_cursor` */
export function decodeCursor(text: string): StatementCursor {
  const plain = Buffer.from(text, 'base64url').toString();
  const [, entryId, line, effective] =
    /^(\d{1,18}) (\d{1,4}) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)$/.exec(plain) ?? [];
  if (entryId !== undefined && effective !== undefined)
    return { effective, entryId: BigInt(entryId), line: Number(line) };
  throw new InvalidRequestError({
    code: 'invalid_cursor',
    detail: 'The cursor is not one of ours.',
    hint: 'Send `next` of the page before, unchanged.',
  });
}
