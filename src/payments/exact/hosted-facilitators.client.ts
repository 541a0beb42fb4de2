import { Injectable, Logger } from '@nestjs/common';
import { HTTPFacilitatorClient } from '@x402/core/http';
import type {
  PaymentPayload,
  PaymentRequirements,
  SettleError,
  SettleResponse,
  VerifyError,
  VerifyResponse,
} from '@x402/core/types';
import { within } from '../../common/within';
import { hostOf, NetworksService } from '../chain/networks.service';

/** A caller waits for it, and then for the next one. */
const VERIFY_MS = 8_000;
/** Ten blocks of Base, as for a transaction of our own. */
const SETTLE_MS = 20_000;

/** What was found of a payment, and by which facilitator: that one settles it. */
export interface HostedVerdict {
  readonly verdict: VerifyResponse;
  readonly url: string;
}

/**
 * Hosted facilitators, which judge and settle in place of us. Judging has no effect, so another one is asked when one is
 * away. Settling has: what one was asked to settle is never brought to another, which could send it a second time.
 */
@Injectable()
export class HostedFacilitators {
  private readonly logger = new Logger('HostedFacilitators');
  private readonly clients = new Map<string, HTTPFacilitatorClient>();
  /** By network: who judged last is asked first. */
  private readonly last = new Map<string, string>();

  constructor(private readonly networks: NetworksService) {}

  /** Whether payments on this network are settled by somebody else. */
  settleOn(network: string): boolean {
    return this.urlsOf(network).length > 0;
  }

  /** @throws when none of them judges. */
  async verify(payload: PaymentPayload, requirements: PaymentRequirements): Promise<HostedVerdict> {
    const { network } = requirements;
    let trouble: unknown;
    for (const url of this.urlsOf(network)) {
      try {
        const verdict = await within(VERIFY_MS, this.clientOf(url).verify(payload, requirements)).catch(saidNo);
        if (verdict.invalidReason === NOT_JUDGED) throw new Error(NOT_JUDGED);
        this.last.set(network, url);
        return { verdict, url };
      } catch (error) {
        trouble = error;
        this.logger.warn(`${hostOf(url)} does not judge payments: ${String(error).split('\n')[0]}`);
      }
    }
    throw trouble;
  }

  /**
   * At the one that has judged it. What it reports as failed may still land: ask the chain before believing it.
   * @throws when it does not answer in time: it may have settled all the same.
   */
  settle(url: string, payload: PaymentPayload, requirements: PaymentRequirements): Promise<SettleResponse> {
    return within(SETTLE_MS, this.clientOf(url).settle(payload, requirements)).catch(didNot);
  }

  private urlsOf(network: string): readonly string[] {
    const urls = this.networks.find(network)?.config.facilitatorUrls ?? [];
    const last = this.last.get(network);
    return last === undefined ? urls : [last, ...urls.filter((url) => url !== last)];
  }

  private clientOf(url: string): HTTPFacilitatorClient {
    const client = this.clients.get(url) ?? new HTTPFacilitatorClient({ url });
    this.clients.set(url, client);
    return client;
  }
}

/** It could not ask the chain: nothing is said about the payment. */
const NOT_JUDGED = 'unexpected_verify_error';

/**
 * Some refuse by a status of 4xx: with a reason in it, that is an answer. Their errors are known by name: each entry
 * point of the package brings classes of its own.
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
