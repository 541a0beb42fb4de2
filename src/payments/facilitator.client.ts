import { Inject, Injectable } from '@nestjs/common';
import { x402Facilitator } from '@x402/core/facilitator';
import { HTTPFacilitatorClient } from '@x402/core/http';
import type { PaymentPayload, PaymentRequirements, SettleResponse, VerifyResponse } from '@x402/core/types';
import { registerExactEvmScheme } from '@x402/evm/exact/facilitator';
import { type Address, encodeFunctionData, type Hex } from 'viem';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import { EvmClient } from '../evm/evm.client';
import { HotWallet } from './hot-wallet.service';
import { paymentIdOf } from './exact/exact-payment';

type Signer = Parameters<typeof registerExactEvmScheme>[1]['signer'];

const RECEIPT_TIMEOUT_MS = 60_000;

/** Verifies and settles x402 payments: in this process with the hot wallet, or at a hosted facilitator. */
@Injectable()
export class FacilitatorClient {
  private readonly facilitator: Pick<HTTPFacilitatorClient, 'verify' | 'settle'> | undefined;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly evm: EvmClient,
    private readonly wallet: HotWallet,
  ) {
    const { x402 } = config;
    if (!x402) return;
    this.facilitator =
      x402.facilitatorUrl === undefined
        ? registerExactEvmScheme(new x402Facilitator(), {
            signer: this.signerFor(x402.network),
            networks: x402.network,
          })
        : new HTTPFacilitatorClient({ url: x402.facilitatorUrl });
  }

  verify(payload: PaymentPayload, requirements: PaymentRequirements): Promise<VerifyResponse> {
    return this.required.verify(payload, requirements);
  }

  /** What it reports as failed may still land: ask the chain before believing it. */
  settle(payload: PaymentPayload, requirements: PaymentRequirements): Promise<SettleResponse> {
    return this.required.settle(payload, requirements);
  }

  private get required() {
    if (!this.facilitator) throw new Error('Payments in USDC are not configured.');
    return this.facilitator;
  }

  /** The facilitator's transactions go through the hot wallet, under the id of the payment that they settle. */
  private signerFor(network: string): Signer {
    const { public: chain } = this.evm;
    return {
      getAddresses: () => [this.wallet.address],
      readContract: (call) => chain.readContract(call),
      verifyTypedData: (data) => chain.verifyTypedData(data as Parameters<typeof chain.verifyTypedData>[0]),
      writeContract: ({ address, dataSuffix, ...call }) => {
        const data = `${encodeFunctionData(call)}${dataSuffix?.slice(2) ?? ''}` as Hex;
        const [from, , , , , nonce] = call.args as readonly [Address, Address, bigint, bigint, bigint, Hex];
        return this.wallet.send({ to: address, data }, paymentIdOf(network, address, from, nonce));
      },
      sendTransaction: (call) => this.wallet.send(call, 'deploy'),
      waitForTransactionReceipt: ({ hash }) => chain.waitForTransactionReceipt({ hash, timeout: RECEIPT_TIMEOUT_MS }),
      getCode: (call) => chain.getCode(call),
    };
  }
}
