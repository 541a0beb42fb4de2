import { Inject, Injectable } from '@nestjs/common';
import type { OfferReceiptIssuer, SignTypedDataFn } from '@x402/extensions/offer-receipt';
import type { Hex } from 'viem';
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import { CONFIG } from '../../config/config.module';
import { type Config, ConfigurationError } from '../../config/config';
import { type ChargeReceipt, chargeReceiptTypedData, type SignedChargeReceipt } from './charge-receipt';

/** The key behind signed offers and receipts: the authorizer of the first network. */
@Injectable()
export class ReceiptIssuer {
  /** Whether `X402_EXTENSIONS` asks for them. */
  readonly isOn: boolean;
  private readonly account: PrivateKeyAccount | undefined;
  private issuer: Promise<OfferReceiptIssuer> | undefined;

  /** @throws ConfigurationError when they are asked for and there is no key. */
  constructor(@Inject(CONFIG) { x402 }: Config) {
    this.isOn = x402?.extensions.includes('offer-receipt') ?? false;
    if (!this.isOn) return;
    const [network] = x402?.networks ?? [];
    const key = network?.authorizerKey ?? network?.privateKeys[0];
    if (key === undefined) {
      throw new ConfigurationError([
        { variable: 'EVM_AUTHORIZER_KEY', should: 'is needed to sign the offers and receipts of X402_EXTENSIONS' },
      ]);
    }
    this.account = privateKeyToAccount(key);
  }

  /** The published package's issuer, loaded when it is first used: it brings a JOSE and two curve libraries along. */
  published(): Promise<OfferReceiptIssuer> {
    const { account } = this;
    if (!account) throw new Error('Offers and receipts are not switched on.');
    this.issuer ??= import('@x402/extensions/offer-receipt').then(({ createEIP712OfferReceiptIssuer }) =>
      createEIP712OfferReceiptIssuer(
        `did:pkh:eip155:1:${account.address}`,
        account.signTypedData.bind(account) as unknown as SignTypedDataFn,
      ),
    );
    return this.issuer;
  }

  async signCharge(payload: ChargeReceipt): Promise<SignedChargeReceipt> {
    const signature = (await this.account?.signTypedData(chargeReceiptTypedData(payload))) as Hex;
    return { format: 'eip712', payload, signature };
  }
}
