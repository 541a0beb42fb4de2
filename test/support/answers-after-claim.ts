import { PricingService } from '../../src/pricing/pricing.service';
import { customerPromised, customerReceivable } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import type { TestApp } from './app';
import { sql } from './x402-world';

/** From now on this model's chat answers as soon as a payment is verified and claimed. */
export async function answerAfterClaim({ app }: Pick<TestApp, 'app'>, modelId = 'gpt-4o-mini'): Promise<void> {
  const pricing = app.get(PricingService);
  const model = pricing.modelFor(modelId, '/v1/chat/completions');
  await pricing.putModel({ ...model, answersAfterClaim: ['/v1/chat/completions'] });
}

/** What a wallet's answered calls have earned and has not come yet, and what it owes, in micro-USDC. */
export async function promisedBy(world: Pick<TestApp, 'app'>, address: string) {
  const [customer] = await sql(world, 'SELECT id FROM customers WHERE wallet_address = $1', [address.toLowerCase()]);
  const accounts = world.app.get(LedgerAccountsService);
  const debit = async (account: ReturnType<typeof customerPromised>) => -(await accounts.balance(account)).posted.atoms;
  return {
    promised: await debit(customerPromised(customer.id)),
    owed: await debit(customerReceivable(customer.id, 'USDC')),
  };
}
