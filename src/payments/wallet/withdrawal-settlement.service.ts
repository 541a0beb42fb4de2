import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { JobsService } from '../../jobs/jobs.service';
import { NetworksService } from '../chain/networks.service';
import type { Withdrawal } from './withdrawal';
import { WithdrawalBooks } from './withdrawal-books.service';
import { WithdrawalPayout } from './withdrawal-payout.service';
import { WithdrawalStore } from './withdrawal-store.service';

/** Brings withdrawals to their end, whoever began them: paid out once, or given back. */
@Injectable()
export class WithdrawalSettlement implements OnModuleInit {
  private readonly logger = new Logger('WithdrawalSettlement');

  constructor(
    private readonly jobs: JobsService,
    private readonly networks: NetworksService,
    private readonly payout: WithdrawalPayout,
    private readonly store: WithdrawalStore,
    private readonly books: WithdrawalBooks,
  ) {}

  onModuleInit(): void {
    if (this.networks.all().length === 0) return;
    this.jobs.register({ name: 'settle-withdrawals', everySeconds: 2, run: () => this.recover() });
  }

  /** What a process left that died, or a chain that was silent. */
  async recover(): Promise<void> {
    await Promise.all((await this.store.takeAbandoned()).map((withdrawal) => this.settle(withdrawal)));
  }

  /** Resolves when it is paid out, given back, or left for later. Safe to repeat. Never throws. */
  async settle(withdrawal: Withdrawal): Promise<void> {
    try {
      if (await this.finish(withdrawal)) return;
      await this.payout.send(withdrawal);
      await this.finish(withdrawal);
    } catch (error) {
      this.logger.warn(`${withdrawal.id} is left for later: ${String(error).split('\n')[0]}`);
    }
  }

  /** The chain has the last word. `false` while it can still be mined and is not. */
  private async finish(withdrawal: Withdrawal): Promise<boolean> {
    const found = await this.payout.find(withdrawal);
    if (found.kind === 'open') return false;
    if (found.kind === 'landed') await this.books.land(withdrawal, found.transaction);
    else await this.books.giveBack(withdrawal);
    return true;
  }
}
