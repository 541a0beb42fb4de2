import { Injectable } from '@nestjs/common';
import { BillingError, InvalidRequestError } from '../../common/billing-error';
import type { ChainNetwork } from '../chain/networks.service';
import { WithdrawalPayout } from './withdrawal-payout.service';
import { WithdrawalStore } from './withdrawal-store.service';

/** Where money can be paid out, and whether there is enough of it. */
@Injectable()
export class PayoutNetworks {
  constructor(
    private readonly payout: WithdrawalPayout,
    private readonly store: WithdrawalStore,
  ) {}

  /**
   * The network of this name (CAIP-2), or the first that pays out.
   * @throws BillingError `withdrawals_unavailable`; InvalidRequestError `network_not_offered`
   */
  choose(named: string | undefined): ChainNetwork {
    const { networks } = this.payout;
    const [first] = networks;
    if (!first) throw notConfigured();
    const network = named === undefined ? first : networks.find(({ id }) => id === named);
    if (network) return network;
    throw new InvalidRequestError({
      code: 'network_not_offered',
      detail: 'Nothing is paid out on this network.',
      hint: `Choose one of ${networks.map(({ id }) => id).join(', ')}.`,
    });
  }

  /**
   * Makes sure that `payTo` has this much, in micro-USDC, beside what is on its way already.
   * @throws BillingError `payout_float_low`, `chain_unavailable`
   */
  async assertFloat(network: ChainNetwork, atoms: bigint): Promise<void> {
    const float = await this.payout.float(network).catch(silent);
    if (float < atoms + (await this.store.promised(network.id))) throw floatLow();
  }
}

const notConfigured = () =>
  new BillingError({
    code: 'withdrawals_unavailable',
    status: 501,
    title: 'Not configured',
    detail: 'This server does not pay balances out on a chain.',
    hint: 'The balance stays: it pays for calls with SIGN-IN-WITH-X.',
  });

/** For what needs a chain that does not answer, before anything was taken. */
export function silent(): never {
  throw new BillingError({
    code: 'chain_unavailable',
    status: 503,
    title: 'The chain does not answer',
    detail: 'Withdrawals cannot be priced or paid out right now. Nothing was taken.',
    headers: { 'retry-after': '5' },
  });
}

const floatLow = () =>
  new BillingError({
    code: 'payout_float_low',
    status: 503,
    title: 'Not enough at hand',
    detail: 'The address that withdrawals are paid from has less than this. Nothing was taken.',
    hint: 'Take back less, or repeat the request later.',
    headers: { 'retry-after': '3600' },
  });
