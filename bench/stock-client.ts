import { wrapFetchWithPayment, x402Client, x402HTTPClient } from '@x402/fetch';
import type { ClientEvmSigner } from '@x402/evm';
import type { PaymentRequired, SchemeNetworkClient } from '@x402/core/types';
import { createPublicClient, hashTypedData, type Hex, http } from 'viem';
import { transferDigest, voucherDigest } from '../src/evm/typed-digest';
import { type BenchPayer, signDigest } from './exact-payments';

/** One published client: what it is asked for, what it signs, and its own idea of what it has paid. */
export class StockClient {
  private readonly client: x402Client;
  private readonly headers: x402HTTPClient;
  private asked: PaymentRequired | undefined;

  constructor(
    private readonly url: string,
    private readonly body: string,
    scheme: SchemeNetworkClient,
  ) {
    this.client = new x402Client().register('eip155:*', scheme);
    this.headers = new x402HTTPClient(this.client);
  }

  /** As `@x402/fetch` does it by itself: asks, pays, and learns what it was charged. */
  call(): Promise<Response> {
    return wrapFetchWithPayment(fetch, this.client)(this.url, this.request);
  }

  /** A payment for the next call, as the value of its header. */
  async payment(): Promise<string> {
    this.asked ??= await this.ask();
    const payload = await this.client.createPaymentPayload(this.asked);
    const [header] = Object.values(this.headers.encodePaymentSignatureHeader(payload));
    return header as string;
  }

  private async ask(): Promise<PaymentRequired> {
    const { headers } = await fetch(this.url, this.request);
    return this.headers.getPaymentRequiredResponse((name) => headers.get(name));
  }

  private get request(): RequestInit {
    return { method: 'POST', headers: { 'content-type': 'application/json' }, body: this.body };
  }
}

/**
 * A payer's key as the published clients take one. What is signed for each call goes through libsecp256k1, since the
 * client shares its processor with what is measured; everything else is as viem does it.
 */
export function fastSigner({ address, privateKey }: BenchPayer, rpcUrl?: string): ClientEvmSigner {
  const reader = rpcUrl === undefined ? undefined : createPublicClient({ transport: http(rpcUrl) });
  return {
    address,
    signTypedData: (asked) => Promise.resolve(signDigest(digestOf(asked), privateKey)),
    ...(reader && { readContract: (call) => reader.readContract(call) }),
  };
}

type Asked = Parameters<ClientEvmSigner['signTypedData']>[0];

function digestOf(asked: Asked): Hex {
  const { primaryType, message } = asked;
  const domain = asked.domain as { name: string; version: string; chainId: number; verifyingContract: Hex };
  switch (primaryType) {
    case 'Voucher':
      return voucherDigest(domain.chainId, message['channelId'] as Hex, message['maxClaimableAmount'] as bigint);
    case 'TransferWithAuthorization':
      return transferDigest({ ...domain, address: domain.verifyingContract }, message as never);
    default:
      return hashTypedData(asked as never);
  }
}
