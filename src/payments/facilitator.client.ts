import { AsyncLocalStorage } from 'node:async_hooks';
import { Inject, Injectable } from '@nestjs/common';
import { x402Facilitator } from '@x402/core/facilitator';
import { HTTPFacilitatorClient } from '@x402/core/http';
import type {
  PaymentPayload,
  PaymentRequirements,
  SettleError,
  SettleResponse,
  VerifyError,
  VerifyResponse,
} from '@x402/core/types';
import { ExactEvmScheme } from '@x402/evm/exact/facilitator';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import { isRevert } from '../evm/revert';
import { type ChainNetwork, NetworksService } from './chain/networks.service';

type Signer = ConstructorParameters<typeof ExactEvmScheme>[0];

/** Verifies x402 payments in this process, or verifies and settles them at a hosted facilitator. */
@Injectable()
export class FacilitatorClient {
  private readonly facilitator: Pick<HTTPFacilitatorClient, 'verify' | 'settle'> | undefined;
  /** Whether somebody else judges and settles. */
  readonly isHosted: boolean;
  private readonly troubles = new AsyncLocalStorage<Trouble>();

  constructor(@Inject(CONFIG) config: Config, networks: NetworksService) {
    const { x402 } = config;
    this.isHosted = x402?.facilitatorUrl !== undefined;
    if (!x402) return;
    this.facilitator =
      x402.facilitatorUrl === undefined
        ? networks
            .all()
            .reduce(
              (facilitator, network) =>
                facilitator.register(network.config.id, new ExactEvmScheme(this.signerFor(network))),
              new x402Facilitator(),
            )
        : new HTTPFacilitatorClient({ url: x402.facilitatorUrl });
  }

  /** @throws when the chain could not be asked: the facilitator itself would call that a bad signature. */
  verify(payload: PaymentPayload, requirements: PaymentRequirements): Promise<VerifyResponse> {
    return this.unlessInTrouble(
      () => this.required.verify(payload, requirements).catch(saidNo),
      (verdict) => verdict.isValid,
    );
  }

  /**
   * What it reports as failed may still land: ask the chain before believing it.
   * @throws when the chain could not be asked, or the wallet could not send.
   */
  settle(payload: PaymentPayload, requirements: PaymentRequirements): Promise<SettleResponse> {
    return this.unlessInTrouble(
      () => this.required.settle(payload, requirements).catch(didNot),
      (response) => response.success,
    );
  }

  /** A bad answer counts only if every question behind it was answered. */
  private unlessInTrouble<Answer>(ask: () => Promise<Answer>, isGood: (answer: Answer) => boolean): Promise<Answer> {
    const trouble: Trouble = {};
    return this.troubles.run(trouble, async () => {
      const answer = await ask();
      if (!isGood(answer) && trouble.error !== undefined) throw trouble.error;
      return answer;
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

  private get required() {
    if (!this.facilitator) throw new Error('Payments in USDC are not configured.');
    return this.facilitator;
  }

  /** In this process the facilitator judges payments; what it finds good is sent by the `Settler`. */
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

/**
 * Some hosted facilitators refuse by a status of 4xx: with a reason in it, that is an answer. Their errors are known by
 * name: each entry point of the package brings classes of its own.
 */
function saidNo(error: unknown): VerifyResponse {
  if (!isRefusal(error, 'VerifyError') || typeof error.invalidReason !== 'string') throw error;
  return { isValid: false, invalidReason: error.invalidReason };
}

function didNot(error: unknown): SettleResponse {
  if (!isRefusal(error, 'SettleError') || typeof error.errorReason !== 'string') throw error;
  const { errorReason, transaction, network } = error;
  return { success: false, errorReason, transaction, network };
}

function isRefusal<Name extends 'VerifyError' | 'SettleError'>(
  error: unknown,
  name: Name,
): error is Name extends 'VerifyError' ? VerifyError : SettleError {
  return error instanceof Error && error.name === name && (error as VerifyError | SettleError).statusCode < 500;
}

interface Trouble {
  error?: unknown;
}

const sendsNothing = (): Promise<never> => Promise.reject(new Error('A facilitator in this process sends nothing.'));
