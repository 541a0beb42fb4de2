/** Who owes or prepaid: an organisation, or a wallet seen for the first time. */
export interface Customer {
  readonly id: string;
  readonly kind: 'organisation' | 'wallet';
  readonly name: string;
  readonly email: string | null;
  /** Lower case; only for wallets. */
  readonly walletAddress: string | null;
  readonly stripeCustomerId: string | null;
  readonly createdAt: Date;
}
