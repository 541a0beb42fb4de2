import { Injectable, Logger } from '@nestjs/common';
import type { Hex, TransactionReceipt } from 'viem';
import { EvmClient } from '../../evm/evm.client';
import { HotWallet, TooMuchGasError } from '../hot-wallet.service';
import type { CallOutcome, ChainCall, Happened } from './chain-call';
import { isRevert } from '../../evm/revert';

/** Ten blocks of Base: a caller waits for it, and a reconciler goes on where it ends. */
const WAIT_MS = 20_000;

/** Makes calls happen on a chain: written down before they are sent, sent again by anybody, mined once. */
@Injectable()
export class Settler {
  private readonly logger = new Logger('Settler');

  constructor(
    private readonly wallet: HotWallet,
    private readonly evm: EvmClient,
  ) {}

  /** Sends a call and waits for its receipt, at most `waitMs`. Never throws: trouble of any kind is doubt. */
  async send(call: ChainCall, happened: Happened, waitMs: number = WAIT_MS): Promise<CallOutcome> {
    try {
      const hash = await this.wallet.send({ to: call.to, data: call.data }, call.reference);
      const receipt = await this.evm.public.waitForTransactionReceipt({ hash, timeout: waitMs });
      return outcomeOf(receipt, happened);
    } catch (error) {
      if (error instanceof TooMuchGasError) return { kind: 'refused', reason: error.message };
      if (isRevert(error)) return { kind: 'refused', reason: error.shortMessage };
      this.logger.warn(`${call.reference}: ${String(error).split('\n')[0]}`);
      return { kind: 'in_doubt' };
    }
  }

  /**
   * What became of the calls that were ever sent for a reference: one that succeeded, else one that still may, else
   * how the newest ended. `unsent`: nothing that was sent can be mined any more.
   * @throws when the chain does not answer.
   */
  async outcomeOf(reference: string, happened: Happened): Promise<CallOutcome | { readonly kind: 'unsent' }> {
    const outcomes: CallOutcome[] = [];
    for (const sent of await this.wallet.sentFor(reference)) {
      const state = await this.wallet.stateOf(sent);
      if (state === 'signed') outcomes.push({ kind: 'in_doubt' });
      if (state === 'mined' || state === 'reverted') outcomes.push(await this.receiptOutcome(sent.hash, happened));
    }
    const find = (kind: CallOutcome['kind']) => outcomes.find((outcome) => outcome.kind === kind);
    return find('succeeded') ?? find('in_doubt') ?? outcomes[0] ?? { kind: 'unsent' };
  }

  private async receiptOutcome(hash: Hex, happened: Happened): Promise<CallOutcome> {
    return outcomeOf(await this.evm.public.getTransactionReceipt({ hash }), happened);
  }
}

function outcomeOf(receipt: TransactionReceipt, happened: Happened): CallOutcome {
  const transaction = receipt.transactionHash;
  return receipt.status === 'success' && happened(receipt)
    ? { kind: 'succeeded', transaction, receipt, feeWei: receipt.gasUsed * receipt.effectiveGasPrice }
    : { kind: 'reverted', transaction, reason: undefined };
}
