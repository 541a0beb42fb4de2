import { Injectable } from '@nestjs/common';
import type { Hex } from 'viem';
import type { Channel } from './channel';
import { ChannelQueue } from './channel-queue';
import { ChannelsService } from './channels.service';

/** How long a call waits for the calls before it on the same channel. */
const TURN_MS = 3_000;

/** A channel does one thing at a time: whoever comes while it is busy waits briefly, in order. */
@Injectable()
export class ChannelTurns {
  private readonly queue = new ChannelQueue();

  constructor(private readonly channels: ChannelsService) {}

  /** Reserves the channel for a claim; `undefined` when its turn did not come in time. */
  async take(id: Hex, claimKey: string, callId: string): Promise<Channel | undefined> {
    return this.queue.inOrder(id, TURN_MS, () => this.channels.reserve(id, claimKey, callId));
  }
}
