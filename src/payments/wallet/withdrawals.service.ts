import { Inject, Injectable } from '@nestjs/common';
import { BillingError, InvalidRequestError } from '../../common/billing-error';
import { formatMoney, type Money, usdc } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { customerCredits } from '../../ledger/ledger-account';
import { LedgerService } from '../../ledger/ledger.service';
import { PayoutNetworks, silent } from './payout-networks.service';
import { newWithdrawal, type Withdrawal } from './withdrawal';
import { WithdrawalBooks } from './withdrawal-books.service';
import { WithdrawalFees } from './withdrawal-fees.service';
import { WithdrawalPayout } from './withdrawal-payout.service';
import { QUOTE_SECONDS, readTerms, sealTerms, type WithdrawalTerms } from './withdrawal-quote';

/** Longer than a quote, so that a repeat after a crash finds its hold open. The sweeper returns it. */
const HOLD_MS = (QUOTE_SECONDS + 60) * 1000;

/** States what a withdrawal costs, and takes it off the balance. */
@Injectable()
export class WithdrawalsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly ledger: LedgerService,
    private readonly payout: WithdrawalPayout,
    private readonly fees: WithdrawalFees,
    private readonly networks: PayoutNetworks,
    private readonly books: WithdrawalBooks,
  ) {}

  /**
   * The fee for taking this much back now, sealed: on this network (CAIP-2), or on the first that pays out.
   * @throws BillingError `withdrawals_unavailable`, `chain_unavailable`; InvalidRequestError `amount_out_of_range`,
   * `network_not_offered`.
   */
  async quote(amount: Money, chosen?: string): Promise<WithdrawalTerms & { readonly quote: string }> {
    const network = this.networks.choose(chosen);
    if (amount.atoms <= 0n) {
      throw new InvalidRequestError({ code: 'amount_out_of_range', detail: 'A withdrawal is of more than nothing.' });
    }
    const feeAtoms = await this.fees.feeOn(network).catch(silent);
    const expiresAt = new Date(Math.floor(Date.now() / 1000 + QUOTE_SECONDS) * 1000);
    const terms = { network: network.id, atoms: amount.atoms, feeAtoms, expiresAt };
    return { ...terms, quote: sealTerms(terms, this.config.apiKeyPepper) };
  }

  /** Whether it has expired is asked when a withdrawal is opened. @throws InvalidRequestError `quote_invalid`. */
  readQuote(quote: string): WithdrawalTerms {
    const terms = readTerms(quote, this.config.apiKeyPepper);
    if (terms && this.payout.networks.some(({ id }) => id === terms.network)) return terms;
    throw new InvalidRequestError({
      code: 'quote_invalid',
      detail: 'The quote is not one of ours.',
      hint: QUOTE_AGAIN,
    });
  }

  /**
   * Takes amount and fee off the balance: durable when this returns, and not sent yet. `undefined` when a copy of the
   * request has opened it.
   * @throws BillingError `quote_expired`, `payout_float_low`, `chain_unavailable`, `insufficient_wallet_credit`, `payment_owed`.
   */
  async open(
    id: string,
    customerId: string | undefined,
    to: `0x${string}`,
    terms: WithdrawalTerms,
  ): Promise<Withdrawal | undefined> {
    const network = this.networks.choose(terms.network);
    const { atoms, feeAtoms } = terms;
    if (terms.expiresAt.getTime() < Date.now()) {
      const detail = 'The quote has expired.';
      throw new InvalidRequestError({ code: 'quote_expired', status: 409, detail, hint: QUOTE_AGAIN });
    }
    if (customerId === undefined) throw insufficient(atoms + feeAtoms, 0n);
    await this.networks.assertFloat(network, atoms);
    const { payTo } = network.config;
    const order = { id, kind: 'withdrawal', customerId, network: network.id, payTo, to, atoms, feeAtoms } as const;
    const withdrawal = newWithdrawal(order);
    const hold = { id, account: customerCredits(customerId, 'USDC'), amount: usdc(atoms + feeAtoms) };
    const verdict = await this.ledger.hold(hold, new Date(withdrawal.createdAt.getTime() + HOLD_MS));
    if (verdict.verdict === 'frozen') throw owing();
    if (verdict.verdict === 'insufficient') throw insufficient(atoms + feeAtoms, verdict.available.atoms);
    return (await this.books.open(withdrawal, hold)) ? withdrawal : undefined;
  }
}

const QUOTE_AGAIN = 'Ask for a new one with POST /v1/wallet/withdrawals/quote.';

const insufficient = (wanted: bigint, available: bigint) =>
  new BillingError({
    code: 'insufficient_wallet_credit',
    status: 409,
    title: 'Not enough on the balance',
    detail: `Amount and fee are ${formatMoney(usdc(wanted))} USDC; ${formatMoney(usdc(available))} USDC can be taken.`,
    members: { required: formatMoney(usdc(wanted)), available: formatMoney(usdc(available)), currency: 'USDC' },
  });

const owing = () =>
  new BillingError({
    code: 'payment_owed',
    status: 409,
    title: 'The wallet owes',
    detail: 'An earlier call of this wallet could not be settled: what it owes is repaid before anything is paid out.',
  });
