import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable } from '@nestjs/common';
import { x402Facilitator } from '@x402/core/facilitator';
import type { PaymentPayload, PaymentRequirements, VerifyResponse } from '@x402/core/types';
import { ExactEvmScheme } from '@x402/evm/exact/facilitator';
import { isRevert } from '../../evm/revert';
import { type ChainNetwork, NetworksService } from '../chain/networks.service';

type Signer = ConstructorParameters<typeof ExactEvmScheme>[0];

/** The published facilitator in this process: it judges payers that are contracts. What it finds good, the `Settler` sends. */
@Injectable()
export class ExactFacilitator {
  private readonly facilitator = new x402Facilitator();
  private readonly troubles = new AsyncLocalStorage<Trouble>();

  constructor(networks: NetworksService) {
    for (const network of networks.all())
      this.facilitator.register(network.config.id, new ExactEvmScheme(this.signerFor(network)));
  }

  /** @throws when the chain could not be asked: the facilitator itself would call that a bad signature. */
  verify(payload: PaymentPayload, requirements: PaymentRequirements): Promise<VerifyResponse> {
    const trouble: Trouble = {};
    return this.troubles.run(trouble, async () => {
      const verdict = await this.facilitator.verify(payload, requirements);
      // A bad answer counts only if every question behind it was answered.
      if (!verdict.isValid && trouble.error !== undefined) throw trouble.error;
      return verdict;
    });
  }

  /** Remembers an error that says nothing about the payment, before the facilitator makes a reason of it. */
  private async noted<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (error) {
      const trouble = this.troubles.getStore();
      if (trouble && !isRevert(error)) trouble.error ??= error;
      throw error;
    }
  }

  private signerFor({ reader: chain, addresses }: ChainNetwork): Signer {
    return {
      getAddresses: () => addresses,
      readContract: (call) => this.noted(chain.readContract(call)),
      verifyTypedData: (data) => this.noted(chain.verifyTypedData(data as Parameters<typeof chain.verifyTypedData>[0])),
      writeContract: sendsNothing,
      sendTransaction: sendsNothing,
      waitForTransactionReceipt: sendsNothing,
      getCode: (call) => this.noted(chain.getCode(call)),
    };
  }
}

interface Trouble {
  error?: unknown;
}

const sendsNothing = (): Promise<never> => Promise.reject(new Error('A facilitator in this process sends nothing.'));
