import { AsyncLocalStorage } from 'node:async_hooks';
import { Inject, Injectable } from '@nestjs/common';
import { type PendingSettlementStore, x402Facilitator } from '@x402/core/facilitator';
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
import { type Address, encodeFunctionData, type Hex } from 'viem';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import { EvmClient } from '../evm/evm.client';
import { isRevert } from '../evm/revert';
import { HotWallet, TooMuchGasError } from './hot-wallet.service';
import { paymentIdOf } from './exact/exact-payment';

type Signer = ConstructorParameters<typeof ExactEvmScheme>[0];

/** Ten blocks of Base: a caller waits for it, and the reconciler goes on where it ends. */
const RECEIPT_TIMEOUT_MS = 20_000;

/**
 * What was sent and not seen mined is in `chain_transactions`, where every replica finds it. The package's own memory
 * would wait again and again for a transaction whose nonce is lost.
 */
const FORGETFUL: PendingSettlementStore = {
  get: () => Promise.resolve(undefined),
  set: () => Promise.resolve(),
  delete: () => Promise.resolve(),
};

/** Verifies and settles x402 payments: in this process with the hot wallet, or at a hosted facilitator. */
@Injectable()
export class FacilitatorClient {
  private readonly facilitator: Pick<HTTPFacilitatorClient, 'verify' | 'settle'> | undefined;
  private readonly troubles = new AsyncLocalStorage<Trouble>();

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly evm: EvmClient,
    private readonly wallet: HotWallet,
  ) {
    const { x402 } = config;
    if (!x402) return;
    this.facilitator =
      x402.facilitatorUrl === undefined
        ? new x402Facilitator().register(
            x402.network,
            new ExactEvmScheme(this.signerFor(x402.network), { pendingSettlementStore: FORGETFUL }),
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
      if (trouble && !isAboutThePayment(error)) trouble.error ??= error;
      throw error;
    }
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
      readContract: (call) => this.noted(chain.readContract(call)),
      verifyTypedData: (data) => this.noted(chain.verifyTypedData(data as Parameters<typeof chain.verifyTypedData>[0])),
      writeContract: ({ address, dataSuffix, ...call }) => {
        const data = `${encodeFunctionData(call)}${dataSuffix?.slice(2) ?? ''}` as Hex;
        const [from, , , , , nonce] = call.args as readonly [Address, Address, bigint, bigint, bigint, Hex];
        return this.noted(this.wallet.send({ to: address, data }, paymentIdOf(network, address, from, nonce)));
      },
      sendTransaction: (call) => this.noted(this.wallet.send(call, 'deploy')),
      waitForTransactionReceipt: ({ hash }) => chain.waitForTransactionReceipt({ hash, timeout: RECEIPT_TIMEOUT_MS }),
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

/** The contract itself said no, or would cost more than a settlement may: that is about the payment. */
const isAboutThePayment = (error: unknown): boolean => error instanceof TooMuchGasError || isRevert(error);
