import { Injectable } from '@nestjs/common';
import { BookedTransfers } from './booked-transfers.service';
import { SuspendedTransfers } from './suspended-transfers.service';
import { TransferMatching } from './transfer-matching.service';

/** The books' part of the watch: what they say, whether the chain says it too, and what is to be written into them. */
@Injectable()
export class WatchedBooks {
  constructor(
    private readonly booked: BookedTransfers,
    private readonly matching: TransferMatching,
    private readonly suspended: SuspendedTransfers,
  ) {}

  read(network: string, addresses: readonly string[]): Promise<void> {
    return this.booked.read(network, addresses);
  }

  async match(network: string, addresses: readonly string[]): Promise<void> {
    await this.booked.read(network, addresses);
    await this.matching.match(network);
  }

  /** Takes out of suspense what other rails have booked since, and puts in what nobody explains; then matches again. */
  async suspend(network: string, addresses: readonly string[]): Promise<void> {
    await this.suspended.releaseBooked(network);
    await this.match(network, addresses);
    await this.suspended.suspend(network, addresses);
    await this.match(network, addresses);
  }
}
