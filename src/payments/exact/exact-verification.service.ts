import { Injectable } from '@nestjs/common';
import { CustomersService } from '../../customers/customers.service';
import type { Tx } from '../../database/tx';
import { FacilitatorClient } from '../facilitator.client';
import type { PaymentRequirements } from '../payment-scheme';
import type { Refusal } from '../refusal';
import { type ExactPayment, refusedPayment, toVersion2 } from './exact-payment';

/** Asks the facilitator about a payment, and finds the customer behind a wallet. */
@Injectable()
export class ExactVerification {
  constructor(
    private readonly facilitator: FacilitatorClient,
    private readonly customers: CustomersService,
  ) {}

  /** Why the payment is not good, with the facilitator's own reason; `undefined` when it is. */
  async refusalOf(payment: ExactPayment, required: PaymentRequirements): Promise<Refusal | undefined> {
    try {
      const verdict = await this.facilitator.verify(toVersion2(payment, required), required);
      if (verdict.isValid) return undefined;
      if (verdict.invalidReason === UNREACHABLE) return chainUnavailable;
      return refusedPayment(verdict.invalidReason ?? UNREACHABLE);
    } catch {
      return chainUnavailable;
    }
  }

  /** The wallet's customer id: made when it is seen for the first time. */
  async customerOf(tx: Tx, wallet: string): Promise<string> {
    return (await this.customers.forWallet(tx, wallet)).id;
  }
}

const UNREACHABLE = 'unexpected_verify_error';

/** Nothing is known against the payment: paying again would not help, waiting does. */
const chainUnavailable: Refusal = {
  status: 503,
  code: 'chain_unavailable',
  detail: 'Payments in USDC cannot be verified right now.',
  hint: 'Nothing was taken. Repeat the request after the seconds in Retry-After, or pay with an API key.',
  retryAfter: 5,
};
