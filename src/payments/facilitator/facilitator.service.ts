import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { SettleResponse, SupportedResponse, VerifyResponse } from '@x402/core/types';
import { newId } from '../../common/id';
import type { FacilitatorRequestDto } from '../authority/authority.dto';
import type { ResourceServer } from '../authority/resource-server';
import type { ChainNetwork } from '../chain/networks.service';
import { ChainFacilitator } from './chain-facilitator.service';
import { type FacilitatedPayment, readFacilitatedPayment } from './facilitated-payment';
import { FacilitatorError } from './facilitator-error';
import { FacilitatorSettlements } from './facilitator-settlements.service';

/** How long a copy of a request waits for the first one. */
const WAIT_MS = 20_000;
const POLL_MS = 100;

/** The x402 facilitator for other people's resource servers: we pay the gas, so only what is theirs is settled. */
@Injectable()
export class FacilitatorService {
  constructor(
    private readonly chains: ChainFacilitator,
    private readonly settlements: FacilitatorSettlements,
  ) {}

  supported(): SupportedResponse {
    return this.chains.supported();
  }

  /** @throws FacilitatorError */
  async verify(server: ResourceServer, request: FacilitatorRequestDto): Promise<VerifyResponse> {
    const { chain, payment } = this.admit(server, request);
    return this.chains.verify(chain, payment);
  }

  /**
   * However often the same payment is sent, it is settled once, and every time answered with that settlement. What
   * failed may be tried again.
   * @throws FacilitatorError
   */
  async settle(server: ResourceServer, request: FacilitatorRequestDto): Promise<SettleResponse> {
    const { chain, payment } = this.admit(server, request);
    const { payloadHash, termsHash, network } = payment;
    if (payloadHash === undefined) return this.chains.settle(chain, payment, `facilitator:${newId()}`);
    const deadline = Date.now() + WAIT_MS;
    for (;;) {
      const taken = await this.settlements.take({ payloadHash, termsHash, network, serverId: server.id });
      if (taken === 'mine') return this.settleOnce(chain, payment, payloadHash);
      if (taken === 'conflict') throw new FacilitatorError('settle_conflict', network);
      if (taken !== 'taken') return taken;
      if (Date.now() > deadline) throw new FacilitatorError('settlement_pending', network);
      await sleep(POLL_MS);
    }
  }

  private async settleOnce(
    chain: ChainNetwork,
    payment: FacilitatedPayment,
    payloadHash: string,
  ): Promise<SettleResponse> {
    let sent = true; // until the opposite is certain
    try {
      const result = await this.chains.settle(chain, payment, `facilitator:${payloadHash}`);
      if (result.success) await this.settlements.succeed(payloadHash, result);
      else sent = result.transaction !== '';
      return result;
    } finally {
      await this.settlements.giveUp(payloadHash, { sent });
    }
  }

  private admit(
    server: ResourceServer,
    { paymentPayload, paymentRequirements }: FacilitatorRequestDto,
  ): { chain: ChainNetwork; payment: FacilitatedPayment } {
    const payment = readFacilitatedPayment(paymentPayload, paymentRequirements);
    if (!payment) throw new FacilitatorError('invalid_payment_requirements', '');
    const chain = this.chains.chainOf(payment);
    if (!chain) throw new FacilitatorError('unsupported_scheme', payment.network);
    const { asset, payTo } = chain.config;
    if (!payment.tokens.every((token) => token === asset.address.toLowerCase())) {
      throw new FacilitatorError('asset_not_supported', payment.network);
    }
    // Not our own address either: what is paid there is booked by the rail that it was paid on.
    const own = payTo.toLowerCase();
    if (!payment.payees.every((payee) => payee !== own && server.payTo.includes(payee))) {
      throw new FacilitatorError('pay_to_not_allowed', payment.network);
    }
    return { chain, payment };
  }
}
