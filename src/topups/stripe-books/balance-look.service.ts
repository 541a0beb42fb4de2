import { Injectable } from '@nestjs/common';
import { type Money, usd } from '../../common/money';
import { DatabaseService } from '../../database/database.service';
import type { StripeTransaction } from '../stripe-transaction';
import { centsToUsd } from '../topup';
import { MovementMatching } from './movement-matching.service';
import { StripeBooksClient } from './stripe-books.client';
import { type BalanceLook, unlistedAtLeast, unlistedBy } from './unlisted';

/** How often the balance is looked at before nothing can be said of it. */
const LOOKS = 8;

/**
 * Compares Stripe's balance with the list of its movements, on which money may move all the time: the list is read
 * before the balance and after it, and the balance must be what was listed until some moment in between.
 */
@Injectable()
export class BalanceLooks {
  constructor(
    private readonly database: DatabaseService,
    private readonly client: StripeBooksClient,
    private readonly matching: MovementMatching,
  ) {}

  /**
   * What of the balance comes from no movement that was ever listed. Everything older than `from` must have been
   * collected; what is younger is, and is explained, when this returns.
   * @throws CardProcessorError; Error when the balance is at no moment what the list makes of it
   */
  async unlisted(from: Date): Promise<Money> {
    const older = await this.olderThan(from);
    const looks: BalanceLook[] = [];
    for (let before = await this.matching.recent(from); looks.length < LOOKS;) {
      const balance = await this.client.balance();
      const after = await this.matching.recent(from);
      const known = new Set(before.map(({ id }) => id));
      const meanwhile = after.filter(({ id }) => !known.has(id)).map((one) => atomsOf(one));
      const listed = before.reduce((sum, one) => sum + atomsOf(one), older);
      looks.push({ balance: balance.atoms, listed, meanwhile });
      await this.matching.explain();
      const unlisted = unlistedBy(looks);
      if (unlisted !== undefined) return usd(unlisted);
      before = after;
    }
    const least = unlistedAtLeast(looks);
    if (least !== undefined) return usd(least);
    throw new Error("Stripe's balance is at no moment what its list of movements makes: ask again later.");
  }

  private async olderThan(from: Date): Promise<bigint> {
    const [row] = await this.database.query<{ atoms: string | null }>(
      'SELECT sum(expected_atoms) AS atoms FROM stripe_transactions WHERE created_at < $1',
      [from],
    );
    return BigInt(row?.atoms ?? 0);
  }
}

/** As the books count it: what settles in another currency is in another balance. */
const atomsOf = ({ currency, net }: StripeTransaction): bigint => (currency === 'usd' ? centsToUsd(net).atoms : 0n);
