import { Injectable } from '@nestjs/common';
import { CustomersService } from '../../customers/customers.service';
import { DatabaseService } from '../../database/database.service';
import { chainUnavailable, type Refusal } from '../refusal';
import type { Channel, ChannelState } from './channel';
import { ChannelChain } from './channel-chain.service';
import type { ChannelPayment } from './channel-payment';
import { channelRefusal } from './channel-refusal';
import { ChannelsService } from './channels.service';

/** A channel that was looked at so recently needs no other look. */
const FRESH_MS = 60_000;
/** While the chain is silent a channel is taken as it was, for this part of its withdraw delay. */
const SILENT_PARTS = 6;

/** Keeps what is known here of a channel as the chain has it. */
@Injectable()
export class ChannelMirror {
  constructor(
    private readonly channels: ChannelsService,
    private readonly chain: ChannelChain,
    private readonly customers: CustomersService,
    private readonly database: DatabaseService,
  ) {}

  /** The channel of a payment whose signature was checked. A channel with nothing in it is not remembered. */
  async channelOf(payment: ChannelPayment): Promise<Channel | Refusal> {
    const channel = await this.channels.find(payment.channelId);
    try {
      if (!channel) return await this.adopt(payment);
      const age = ageOf(channel);
      if (payment.deposit === undefined && age < FRESH_MS) return channel;
      return await this.refresh(channel);
    } catch {
      const bearable = channel && ageOf(channel) < (channel.config.withdrawDelay * 1000) / SILENT_PARTS;
      return bearable && payment.deposit === undefined ? channel : chainUnavailable;
    }
  }

  /** @throws when the node does not answer. */
  async refresh(channel: Channel): Promise<Channel> {
    return this.channels.sync(channel.id, await this.stateOf(channel));
  }

  /** @throws when the node does not answer. */
  async stateOf({ network, id }: Channel): Promise<ChannelState> {
    return this.chain.stateOf(network, id);
  }

  private async adopt(payment: ChannelPayment): Promise<Channel | Refusal> {
    const { channelId: id, config, accepted, deposit } = payment;
    const state = await this.chain.stateOf(accepted.network, id);
    if (state.balance === 0n && deposit === undefined) return channelRefusal('channel_not_found');
    const customer = await this.customers.forWallet(this.database, config.payer);
    return this.channels.adopt({ id, network: accepted.network, customerId: customer.id, config, state });
  }
}

const ageOf = ({ syncedAt }: Channel): number => Date.now() - (syncedAt?.getTime() ?? 0);
