import { InvalidRequestError } from '../common/billing-error';
import type { Tx } from '../database/tx';

/**
 * The newest link of the hash chain. Whoever keeps one can prove later that nothing before it was changed: its hash
 * depends on every posting up to it.
 */
export interface ChainHead {
  /** Links are numbered from 1 without a gap, in the order of their commits. */
  readonly seq: string;
  /** 64 hex digits. */
  readonly hash: string;
  readonly postedAt: string;
}

/** A head that somebody has kept. */
export type KnownHead = Pick<ChainHead, 'seq' | 'hash'>;

/** `null` when nothing was ever posted. */
export async function chainHead(tx: Tx): Promise<ChainHead | null> {
  const [row] = await tx.query<{ seq: bigint; hash: string; posted_at: Date }>(
    `SELECT seq, encode(hash, 'hex') AS hash, posted_at FROM ledger_chain WHERE seq > 0 ORDER BY seq DESC LIMIT 1`,
  );
  return row ? { seq: row.seq.toString(), hash: row.hash, postedAt: row.posted_at.toISOString() } : null;
}

/** Reads `<seq>:<hash>`. @throws InvalidRequestError `invalid_head` */
export function parseHead(text: string): KnownHead {
  const [, seq, hash] = /^(\d{1,18}):([0-9a-fA-F]{64})$/.exec(text) ?? [];
  if (seq !== undefined && hash !== undefined) return { seq: BigInt(seq).toString(), hash: hash.toLowerCase() };
  throw new InvalidRequestError({
    code: 'invalid_head',
    detail: `"${text.slice(0, 100)}" is not the head of a chain.`,
    hint: 'Write <seq>:<hash> as ledgerHead of a manifest has them, the hash in 64 hex digits.',
  });
}
