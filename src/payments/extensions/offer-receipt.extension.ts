import { Injectable } from '@nestjs/common';
import type { PaymentExtension, PaymentResponse, SettledCall } from '../payment-extension';
import type { PaymentRequirements, Work } from '../payment-scheme';
import { ReceiptIssuer } from './receipt-issuer.service';

/** x402 `offer-receipt`: every row of a 402 as a signed offer, and a signed receipt beside every settlement. */
@Injectable()
export class OfferReceiptExtension implements PaymentExtension {
  readonly key = 'offer-receipt';

  /** Left out when it is switched off: then no answer is opened for it. */
  readonly receipt?: NonNullable<PaymentExtension['receipt']>;

  constructor(private readonly issuer: ReceiptIssuer) {
    if (issuer.isOn) this.receipt = (settled, response) => this.sign(settled, response);
  }

  /** Without the JSON schema that the package adds: it is the same for everybody, and a header is short. */
  async declare({ resource }: Work, accepts: readonly PaymentRequirements[]): Promise<unknown> {
    if (!this.issuer.isOn || accepts.length === 0) return undefined;
    const issuer = await this.issuer.published();
    const offers = accepts.map(({ maxTimeoutSeconds, ...row }, acceptIndex) =>
      issuer.issueOffer(resource.url, { ...row, acceptIndex, offerValiditySeconds: maxTimeoutSeconds }),
    );
    return { info: { offers: await Promise.all(offers) } };
  }

  private async sign({ work }: SettledCall, { payer, network, transaction }: PaymentResponse): Promise<unknown> {
    if (payer === undefined) return undefined;
    const issuer = await this.issuer.published();
    const receipt = await issuer.issueReceipt(work.resource.url, payer, network, transaction || undefined);
    return { info: { receipt } };
  }
}
