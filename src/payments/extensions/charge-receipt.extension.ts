import { Injectable } from '@nestjs/common';
import type { PaymentExtension, PaymentResponse, SettledCall } from '../payment-extension';
import { CHARGE_RECEIPT } from './charge-receipt';
import { ReceiptIssuer } from './receipt-issuer.service';

/** What was charged for what usage at which price, signed: beside every receipt of `offer-receipt`. */
@Injectable()
export class ChargeReceiptExtension implements PaymentExtension {
  readonly key = CHARGE_RECEIPT;

  /** Left out when receipts are switched off: then no answer is opened for it. */
  readonly receipt?: NonNullable<PaymentExtension['receipt']>;

  constructor(private readonly issuer: ReceiptIssuer) {
    if (issuer.isOn) this.receipt = (settled, response) => this.sign(settled, response);
  }

  /** Announced by `offer-receipt`. */
  declare(): undefined {
    return undefined;
  }

  private async sign(settled: SettledCall, { payer, network, transaction }: PaymentResponse): Promise<unknown> {
    if (payer === undefined) return undefined;
    const { work, charge, usage, invoiceId } = settled;
    const counted = Object.entries(usage.quantities).map(([meter, quantity]) => [meter, String(quantity)] as const);
    const receipt = await this.issuer.signCharge({
      version: 1,
      resourceUrl: work.resource.url,
      network,
      payer,
      transaction,
      issuedAt: Math.floor(Date.now() / 1000),
      invoice: invoiceId,
      model: work.model,
      asset: charge.asset,
      amount: charge.atoms.toString(),
      usage: JSON.stringify(Object.fromEntries(counted.toSorted(([a], [b]) => (a < b ? -1 : 1)))),
      priceVersion: work.quote.price.version,
    });
    return { info: { receipt } };
  }
}
