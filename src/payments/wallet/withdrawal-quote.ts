import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a withdrawal costs, stated before it is asked for. In micro-USDC. */
export interface WithdrawalTerms {
  /** CAIP-2. */
  readonly network: string;
  /** What the wallet gets. */
  readonly atoms: bigint;
  /** What is taken from its balance on top. */
  readonly feeAtoms: bigint;
  readonly expiresAt: Date;
}

/** Gas does not stay what it is for longer. */
export const QUOTE_SECONDS = 300;

/** The terms as a text that only we can write: nothing is kept. */
export function sealTerms({ network, atoms, feeAtoms, expiresAt }: WithdrawalTerms, key: string): string {
  const body = [network, atoms, feeAtoms, Math.floor(expiresAt.getTime() / 1000)].join(' ');
  return `${PREFIX}${Buffer.from(body).toString('base64url')}.${sealOf(body, key)}`;
}

/** `undefined` when it is not a text of ours. Whether it has expired is not asked here. */
export function readTerms(quote: string, key: string): WithdrawalTerms | undefined {
  const [, encoded, seal] = /^tbq_([\w-]{1,200})\.([\w-]{43})$/.exec(quote) ?? [];
  if (encoded === undefined || seal === undefined) return undefined;
  const body = Buffer.from(encoded, 'base64url').toString();
  if (!timingSafeEqual(Buffer.from(seal), Buffer.from(sealOf(body, key)))) return undefined;
  const [network, atoms, feeAtoms, expires] = body.split(' ') as [string, string, string, string];
  return {
    network,
    atoms: BigInt(atoms),
    feeAtoms: BigInt(feeAtoms),
    expiresAt: new Date(Number(expires) * 1000),
  };
}

const PREFIX = 'tbq_';

const sealOf = (body: string, key: string): string =>
  createHmac('sha256', key).update(`withdrawal-quote\n${body}`).digest('base64url');
